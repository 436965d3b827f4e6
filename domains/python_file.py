'''Domain `python`: a Python file of the user's own.

    meta-search run domain=python domain.path=my_domain.py

The whole of a domain in one file:

    """Sums of two numbers."""                      # the brief for the meta agent
    import random

    wording = {"answer": "only the number"}         # optional

    def items(split):                               # examples, train, validation, test
        draw = random.Random(split)
        pairs = [(draw.randint(10, 999), draw.randint(10, 999)) for _ in range(60)]
        return [{"question": f"{a} + {b} = ?", "answer": str(a + b)} for a, b in pairs]

    def score(item, answer):                        # optional
        return answer.strip() == item.target

`items` returns dicts (`question` and `answer`, optionally `id`, `kind` and whatever the scorer needs, which
it finds in `item.data`), pairs (question, answer), or `domains.domain.Item`s. `score` returns a bool, a
number in 0..1, or a `domains.domain.Score`; without one, answers are matched as `domain.match` says. `brief`
may be a variable instead of the docstring. A class `Domain` with the same members, built without arguments,
does as well.

The file is the user's own, trusted code: it runs in the engine's process, unlike agents. It must not run an
answer (no `eval`, `exec` or sympy on it): answers come from code that is not trusted.
'''

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from domains.domain import SPLITS, Item, Score
from domains.matching import matcher
from domains.settings import Settings, named_sizes
from domains.wording import WORDING
from meta_search.errors import DomainError

__all__ = ["PythonDomain"]


class PythonDomain:
    """Items and scorer of a user's file; see the module's docstring.

    `items` is called once a split. `domain.sizes` takes that many of the first items of a split.

    Raises:
        DomainError: No such file, an exception in it (with its line), no items for a scored split, an item in
            a form that is none of the above, one content in two splits, or a scorer that fails on the answer
            of an item; one line.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.path:
            raise DomainError("domain=python needs a file: domain.path=my_domain.py")
        self._path = Path(settings.path).expanduser()
        sizes = named_sizes(settings)
        source = self._members(_load(self._path))
        make_items = getattr(source, "items", None)
        if not callable(make_items):
            raise DomainError(f"{self._path}: defines no items(split)")
        self._items = {split: self._split(make_items, split, sizes.get(split)) for split in SPLITS}
        self._check_disjoint()
        score = getattr(source, "score", None)
        if score is None:
            score = self._matching(settings.match)
        self._score: Callable[[Item, str], Any] = score
        self.name = str(getattr(source, "name", self._path.stem))
        self.brief = self._brief(source)
        self.wording: Mapping[str, str] = self._wording(source)
        self._try_scorer()

    def items(self, split: str) -> Sequence[Item]:
        """Items of a split, in the order of the file's `items`."""
        if split not in self._items:
            raise DomainError(f"split={split}: no such split; splits are {', '.join(SPLITS)}")
        return self._items[split]

    def score(self, item: Item, answer: str) -> Score:
        """What the file's `score` says; an exception in it is 0 with a note that names the line."""
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, "no answer")
        try:
            return _as_score(self._score(item, answer))
        except Exception as error:  # noqa: BLE001 - the user's code may raise anything
            return Score(0.0, f"score failed: {_where(self._path, error)}")

    def _members(self, module: ModuleType) -> Any:
        cls = getattr(module, "Domain", None)
        # A Protocol of that name may be there because the file imports ours.
        if not isinstance(cls, type) or cls.__module__ != module.__name__:
            return module
        return self._guarded(cls, "Domain()")

    def _guarded(self, function: Callable[..., Any], what: str, *arguments: Any) -> Any:
        """Call the user's code; whatever it raises is a `DomainError` that names its line."""
        try:
            return function(*arguments)
        except Exception as error:
            raise DomainError(f"{what} failed: {_where(self._path, error)}") from error

    def _split(
        self, make_items: Callable[[str], Iterable[Any]], split: str, size: int | None
    ) -> tuple[Item, ...]:
        def collect(name: str) -> list[Any]:
            return list(make_items(name) or ())

        given = self._guarded(collect, f"items({split!r})", split)
        items = tuple(self._item(value, split, ordinal) for ordinal, value in enumerate(given[:size]))
        if size is not None and len(items) < size:
            raise DomainError(f"domain.sizes.{split}={size}: {self._path} has only {len(items)} items there")
        if not items and split != "examples":
            raise DomainError(
                f"{self._path}: items({split!r}) is empty; train, validation and test need items"
            )
        return items

    def _item(self, value: Any, split: str, ordinal: int) -> Item:
        where = f"{self._path}: item {ordinal} of items({split!r})"
        if isinstance(value, Item):
            item = value
        elif isinstance(value, Mapping):
            rest = dict(value)
            if "question" not in rest:
                raise DomainError(f"{where} has no 'question'")
            question, target = rest.pop("question"), rest.pop("answer", "")
            name, kind = rest.pop("id", f"{split}-{ordinal}"), rest.pop("kind", "")
            item = Item(str(name), question, _text(target), str(kind), rest)
        elif isinstance(value, tuple | list) and len(value) == 2:
            item = Item(f"{split}-{ordinal}", value[0], _text(value[1]))
        else:
            raise DomainError(f"{where} is neither a dict, a pair nor an Item but {type(value).__name__}")
        if not isinstance(item.question, str) or not item.question.strip():
            raise DomainError(f"{where}: the question must be a text that is not empty")
        return item

    def _check_disjoint(self) -> None:
        ids: dict[str, str] = {}
        questions: dict[str, str] = {}
        for split, items in self._items.items():
            for item in items:
                if item.id in ids:
                    raise DomainError(
                        f"{self._path}: two items have the id {item.id!r} ({ids[item.id]}, {split})"
                    )
                ids[item.id] = split
                first = questions.setdefault(" ".join(item.question.split()), split)
                if first != split:
                    raise DomainError(
                        f"{self._path}: {first} and {split} share the question {item.question[:50]!r}; "
                        "a search that has seen test items cannot be judged by them"
                    )

    def _matching(self, match: str) -> Callable[[Item, str], bool]:
        targets = [item.target for items in self._items.values() for item in items]
        if not all(targets):
            raise DomainError(f"{self._path}: items without an answer need a score(item, answer)")
        matches = matcher(match, targets)
        return lambda item, answer: matches(answer, item.target)

    def _brief(self, source: Any) -> str:
        brief = getattr(source, "brief", None) or getattr(source, "__doc__", None)
        if not isinstance(brief, str) or not brief.strip():
            raise DomainError(
                f"{self._path}: needs a brief, a few words on what the tasks are, or a docstring"
            )
        return " ".join(brief.split())

    def _wording(self, source: Any) -> Mapping[str, str]:
        own = getattr(source, "wording", {})
        if not isinstance(own, Mapping):
            raise DomainError(f"{self._path}: wording must be a dict of field name -> text")
        return {**WORDING, **{str(key): str(value) for key, value in own.items()}}

    def _try_scorer(self) -> None:
        """One item of each split with its own answer: a broken scorer must not cost a night's budget."""
        for split in SPLITS:
            for item in self._items[split][:1]:
                self._guarded(lambda item=item: _as_score(self._score(item, item.target or "0")), "score")


def _load(path: Path) -> ModuleType:
    if not path.is_file():
        raise DomainError(f"domain.path={path}: no such file")
    if path.suffix != ".py":
        raise DomainError(f"domain.path={path}: must be a .py file")
    # A name of its own, so that it hides no module; registered, as dataclasses look themselves up there.
    name = f"meta_search_domain_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise DomainError(f"domain.path={path} cannot be loaded: {_where(path, error)}") from error
    return module


def _where(path: Path, error: BaseException) -> str:
    """`my_domain.py:12: KeyError: 'x'`: the innermost line of the user's file, and the error, on one line."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        line: int | None = error.lineno
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in reversed(frames) if Path(f.filename).name == path.name), None)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    place = path.name if line is None else f"{path.name}:{line}"
    return f"{place}: {type(error).__name__}: {' '.join(text.split())[:200]}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _as_score(value: Any) -> Score:
    """A user's verdict as a `Score`.

    Raises:
        TypeError, ValueError: It is neither a bool, a number in 0..1 nor a `Score`.
    """
    score = value if isinstance(value, Score) else Score(_as_number(value))
    if not 0.0 <= score.value <= 1.0:
        raise ValueError(f"score must be in 0..1, not {score.value}")
    return score


def _as_number(value: Any) -> float:
    if not isinstance(value, bool | int | float):
        raise TypeError(f"score must return a bool, a number or a Score, not {type(value).__name__}")
    return float(value)
