"""Domain `reasoning`: families of reasoning-gym, mixed, with its own scorers (Stojanovski et al. 2025).

Different families need different ways of working, so that there is something for a search to find. Which
families are admitted, with which settings, stands in `domains.reasoning_families`.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.metadata
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from domains.domain import Confined, Item, Score, items_of
from domains.matching.feedback import not_right, read_as
from domains.reasoning_families import DEFAULT_FAMILIES, FAMILIES, READ, REFUSED
from domains.settings import DEFAULT_SIZES, Settings, named_sizes
from domains.wording import WORDING, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["FamilyScorer", "ReasoningDomain"]

MAX_ANSWER = 2000  # characters; the longest target has about 60
DRAWS = 1 << 20  # more than any split draws; reasoning-gym makes items one by one, so it costs nothing

# reasoning-gym's own item i of seed s is item i + 1 of seed s - 1, so neighbouring seeds would overlap:
# seeds are hashes. Test is drawn first, so that a larger training split never changes it.
DRAWN_FIRST: tuple[Split, ...] = ("test", "validation", "train", "examples")
_WORD = re.compile(r"\w+")


class FamilyScorer:
    """Scorers of families of reasoning-gym, without the items: `ReasoningDomain.score`, wherever it runs."""

    def __init__(self, families: Sequence[str]) -> None:
        gym = _import_gym()
        self._datasets = {name: _dataset(gym, name, 0) for name in families}

    def __call__(self, item: Item, answer: str, run: object = None) -> Score:
        """1 or 0; see `ReasoningDomain.score`. `run` is for scorers that run code: none of these does."""
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, "no answer")
        if len(answer) > MAX_ANSWER:
            return Score(0.0, f"an answer of {len(answer)} characters, more than {MAX_ANSWER}")
        try:
            if self._right(item, answer):
                return Score(1.0)
            return Score(0.0, read_as(_tidy(answer), item.target))
        except Exception as error:  # noqa: BLE001 - a scorer may raise on any text: it is wrong then
            why = f"the scorer refused the answer: {type(error).__name__}"
            return Score(0.0, not_right(why, item.target))

    def _right(self, item: Item, answer: str) -> bool:
        family, dataset = FAMILIES[item.kind], self._datasets[item.kind]
        entry = {"question": item.question, "answer": item.target, "metadata": item.data["metadata"]}
        tidied = _tidy(answer)
        for attempt in dict.fromkeys((answer.strip(), tidied, family.case(tidied))):
            if family.guard is not None and not family.guard(attempt, item.target):
                continue
            if dataset.score_answer(attempt, entry) >= 1:
                return True
        return False


class ReasoningDomain:
    """Items of several families, interleaved so that every prefix of a split is balanced.

    Splits come from different seeds and are disjoint by content (the same words in any order count as the
    same content). Items depend on `families`, `sizes`, `seed` and the version of reasoning-gym only.
    Importing reasoning-gym takes 1.5 to 4.6 s (it imports sympy and matplotlib), so it is imported here and
    not with the module.

    Raises:
        DomainError: An unknown or refused family, a bad size, or a family with too few distinct items.
    """

    name = "reasoning"

    def __init__(self, settings: Settings) -> None:
        self._families = _checked(settings.families or DEFAULT_FAMILIES)
        sizes = {**DEFAULT_SIZES, **named_sizes(settings)}
        gym = _import_gym()
        self._scorer = FamilyScorer(self._families)
        self.confined = self._confinement()
        seen: set[str] = set()
        self._items: dict[Split, tuple[Item, ...]] = {}
        for split in DRAWN_FIRST:
            self._items[split] = self._draw(gym, split, sizes[split], settings.seed, seen)
        self.brief = with_instruction(_brief(self._families), settings.instruction)
        self.wording: Mapping[str, str] = instructed(WORDING, settings.instruction)

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split in fixed order, families in turn; ids look like `gcd-validation-3`."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """1 if reasoning-gym's own scorer takes the answer for right (its partial credit is dropped), else 0.

        Space around the answer, quotes or markdown around it and a full stop after it are forgiven, and so
        is case where it carries nothing. Never raises.
        """
        return self._scorer(item, answer)

    def _confinement(self) -> Confined | None:
        """Scorers that were read run here, in 2 µs an answer; those of other versions confined, in 5 ms."""
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            if importlib.metadata.version("reasoning-gym") == READ:
                return None
        return Confined("domains.reasoning:FamilyScorer", {"families": list(self._families)})

    def _draw(self, gym: Any, split: Split, size: int, seed: int, seen: set[str]) -> tuple[Item, ...]:
        """Draw a split, families in turn; what is in `seen` is drawn again, what is drawn is added to it."""
        turns = len(self._families)
        columns = []
        for index, name in enumerate(self._families):
            wanted = (size - index + turns - 1) // turns
            dataset = _dataset(gym, name, _seed(seed, split, name))
            columns.append(_stream(dataset, name, split, wanted, seen))
        rows = (column[turn] for turn in range(-(-size // turns)) for column in columns if turn < len(column))
        return tuple(islice(rows, size))


def _checked(families: Sequence[str]) -> tuple[str, ...]:
    for name in families:
        if name in REFUSED:
            raise DomainError(f"domain.families: {name} is refused: {REFUSED[name]}")
        if name not in FAMILIES:
            raise DomainError(f"domain.families: {name} is not admitted; there are {', '.join(FAMILIES)}")
    return tuple(dict.fromkeys(families))


def _import_gym() -> Any:
    try:
        return importlib.import_module("reasoning_gym")
    except ImportError as error:
        raise DomainError(f"domain=reasoning needs reasoning-gym ({error}); install it with pip") from error


def _seed(seed: int, split: Split, name: str) -> int:
    """The seed of one family in one split."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{split}/{name}".encode()).digest()[:6])


def _dataset(gym: Any, name: str, seed: int) -> Any:
    """The items that reasoning-gym makes of a family."""
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in FAMILIES[name].settings.items()}
    return gym.create_dataset(name, size=DRAWS, seed=seed, **settings)


def _stream(dataset: Any, name: str, split: Split, wanted: int, seen: set[str]) -> list[Item]:
    """The first items of one family whose content is not in `seen`, which is added to it.

    Args:
        dataset: What reasoning-gym makes of the family.
        name: Of the family.
        split: Part of the items' ids.
        wanted: How many.
        seen: Contents that are taken.
    """
    family = FAMILIES[name]
    items: list[Item] = []
    for index in range(500 + 20 * wanted):
        if len(items) >= wanted:
            return items
        entry = dataset[index]
        content = entry["answer"] if family.unique_answers else entry["question"]
        key = f"{name}: {' '.join(sorted(_WORD.findall(content.casefold())))}"
        if key in seen:
            continue
        seen.add(key)
        question = _shorten(entry["question"], family.shorten)
        data = {"metadata": entry["metadata"]}
        items.append(Item(f"{name}-{split}-{len(items)}", question, str(entry["answer"]), name, data))
    if len(items) < wanted:
        raise DomainError(
            f"domain.sizes.{split}: {name} has only {len(items)} distinct items left, {wanted} are needed; "
            "lower domain.sizes or name more domain.families"
        )
    return items


def _shorten(question: str, pairs: Sequence[tuple[str, str]]) -> str:
    for long, short in pairs:
        question = question.replace(long, short)
    return question.strip()


def _tidy(answer: str) -> str:
    """Without space, quotes and markdown around the answer, and without the full stop after it."""
    previous = None
    text = answer.strip()
    while text != previous:
        previous = text
        for mark in ("**", "`", '"', "'"):
            if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
                text = text[len(mark) : -len(mark)].strip()
        if len(text) > 1:
            text = text.removesuffix(".").strip()
    return text


def _brief(families: Sequence[str]) -> str:
    tasks = "; ".join(f"{name}: {FAMILIES[name].brief}" for name in families)
    return (
        f"Short tasks of {len(families)} families, mixed; the question does not name its family. {tasks}. "
        "The answer is text and is right only if it is exactly the expected word, name, number or list, with "
        "nothing before or after it. Different families may need different ways of working: what helps one "
        "can hurt another."
    )
