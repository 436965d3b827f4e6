"""Domain `given`: items and a scorer that come from Python, `meta_search.search(domain=…, score=…)`.

The items are kept in the run's folder, so that the run can be reported, exported and gone on with. The scorer
is a function of the user's and cannot be kept: who goes on with the run brings it along. It is called in the
user's own process, unconfined, so it must not run an answer by `eval`, `exec` or a shell.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import CodeType
from typing import Any, TypeAlias

from domains.domain import Domain, Item, Score, items_of
from domains.settings import Settings
from domains.splits import disjoint
from domains.user_file import UserScorer
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["FILE", "NAME", "KeptDomain", "Parted", "ScoreFunction", "ScoredBy", "keep"]

NAME = "given"  # of the domain in a configuration
FILE = "given.json"
CONCURRENCY = 2  # answers that a function scores at a time, where it does not say: it may wait for a network

ScoreFunction: TypeAlias = Callable[
    [Item, str], "bool | float | Score | tuple[float, str] | Mapping[str, Any]"
]


class ScoredBy:
    """The items of a domain, scored by a function in this process.

    Args:
        domain: Whose items; its own scorer is not used.
        function: Takes an item and an answer; gives a bool, a number in 0..1, a `Score`, or a number
            with feedback (`domains.user_file.as_score`). Its docstring is
            told to the meta agent; its attribute `concurrency`, if it has one, says how many answers it may
            score at a time.

    Raises:
        DomainError: It is no such function; one line.
    """

    def __init__(self, domain: Any, function: ScoreFunction) -> None:
        self._domain = domain
        code = getattr(function, "__code__", None)
        self._score = UserScorer(Path(code.co_filename if code else "score"), _plainly(function))
        self.asks = bool(getattr(self._score, "asks", False))
        _check(function, self.asks)
        self.concurrency = int(getattr(function, "concurrency", CONCURRENCY))
        self.source = _digest(code) if code else ""
        self.name: str = domain.name
        doc = " ".join((getattr(function, "__doc__", None) or "").split()) if code else ""
        how = f" How answers are scored: {doc}" if doc else " A function scores the answers."
        self.own_brief: str = domain.brief
        self.brief: str = domain.brief + how
        self.wording: Mapping[str, str] = domain.wording
        self.helpers: tuple[str, ...] = tuple(getattr(domain, "helpers", ()))
        self.notes: tuple[str, ...] = tuple(getattr(domain, "notes", ()))
        self.groups: Mapping[str, str] = getattr(domain, "groups", {})

    def items(self, split: Split) -> Sequence[Item]:
        """The domain's items of a split."""
        found: Sequence[Item] = self._domain.items(split)
        return found

    def score(self, item: Item, answer: str) -> Score:
        """As `try_score`."""
        return self.try_score(item, answer)

    def try_score(self, item: Item, answer: str, ask: Any = None) -> Score:
        """What the function says; an answer of nothing is 0.

        Args:
            item: The item.
            answer: The answer.
            ask: Asks a model, for a function that takes `ask`.

        Raises:
            DomainError: The function failed, or gave no score; names the line.
        """
        if not answer.strip():
            return Score(0.0, "no answer")
        more: dict[str, Any] = {"ask": ask} if self.asks else {}
        return self._score(item, answer, **more)


class Parted:
    """A domain that a person made, without items that say nearly the same in two splits; all else is its own.

    Args:
        domain: It.
        settings: See `domains.splits.disjoint`.

    Raises:
        DomainError: Duplicates that are to be refused, or no item is left of a scored split.
    """

    def __init__(self, domain: Domain, settings: Settings) -> None:
        self._domain = domain
        items = {split: domain.items(split) for split in SPLITS}
        self._items, groups, notes = disjoint(domain.name, items, settings)
        self.groups: Mapping[str, str] = {**groups, **getattr(domain, "groups", {})}
        self.notes: tuple[str, ...] = (*getattr(domain, "notes", ()), *notes)

    def items(self, split: Split) -> Sequence[Item]:
        """The domain's items of a split, as far as no more precious split has them."""
        return items_of(self._items, split)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)


class KeptDomain:
    """What a run keeps of a domain that came from Python: everything but its scorer.

    Raises:
        DomainError: The file cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        path = Path(settings.path or FILE)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            self.name, self.brief = str(kept["name"]), str(kept["brief"])
            self.wording: Mapping[str, str] = kept["wording"]
            self.helpers = tuple(kept["helpers"])
            self.groups: Mapping[str, str] = kept.get("groups", {})
            self._items = {s: tuple(Item(**item) for item in kept["items"][s]) for s in SPLITS}
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise DomainError(
                f"domain.path={path}: the items of this run came from Python and were not kept: "
                "give them again with domain=…"
            ) from error

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, as they were given."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """Never scores.

        Raises:
            DomainError: Always: the function has to be brought along.
        """
        raise DomainError("this run is scored by a Python function: give it with score=…")


def keep(domain: Domain, path: Path) -> bool:
    """Write a domain that came from Python to a file, all but its scorer.

    Returns:
        Whether it could be: data of an item that is not JSON cannot.
    """
    kept = {
        "name": domain.name,
        "source": str(getattr(domain, "source", "")),  # so that other scorers make another task
        "brief": getattr(domain, "own_brief", domain.brief),  # the scorer adds its words when it is back
        "wording": dict(domain.wording),
        "helpers": list(getattr(domain, "helpers", ())),
        "groups": dict(getattr(domain, "groups", {})),
        "items": {split: [asdict(item) for item in domain.items(split)] for split in SPLITS},
    }
    try:
        text = json.dumps(kept)
    except (TypeError, ValueError):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def _check(function: Any, asks: bool) -> None:
    if not callable(function):
        raise DomainError(f"score must be a function score(item, answer), not {type(function).__name__}")
    if inspect.iscoroutinefunction(function):
        raise DomainError(
            "score is async: give a plain function, which may call asyncio.run(…): it has a thread of its own"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a builtin
        return
    if "run" in signature.parameters:
        raise DomainError(
            "score(item, answer, run) runs code in a confined child: write it into a file and use "
            '"domain=python", "domain.path=my_domain.py"'
        )
    try:
        signature.bind(None, None, **({"ask": None} if asks else {}))
    except TypeError as error:
        raise DomainError(f"score must take (item, answer): {error}") from error


def _digest(code: CodeType) -> str:
    """Tells whether a function is the same, wherever it stands: two cells of a notebook may hold it."""
    found = hashlib.sha256(repr((code.co_code, code.co_names, code.co_varnames)).encode())
    for value in code.co_consts:
        if isinstance(value, CodeType):
            text = _digest(value)
        else:
            text = repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value)
        found.update(text.encode("utf-8", "surrogatepass"))
    return found.hexdigest()[:16]


def _plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's bools and numbers as Python's own; whatever else is left to the scorer."""

    @functools.wraps(function)  # its parameters are looked at
    def score(*args: Any, **more: Any) -> Any:
        value = function(*args, **more)
        is_array = hasattr(value, "item") and hasattr(value, "ndim")
        return value.item() if is_array else value

    return score
