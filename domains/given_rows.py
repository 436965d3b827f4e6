"""Items that come from Python: rows of a list, a data frame or a generator. Every error names its row."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from domains.domain import Item, items_of
from domains.item_splits import Entry, deal_items
from domains.rows import apportion, deal, in_order, key_of
from domains.settings import Settings, named_sizes
from domains.splits import disjoint, grouped
from domains.table_file import SPLIT_NAMES
from domains.wording import WORDING, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.text import one_line
from meta_search.types import SPLITS, Split

__all__ = ["FILE", "GivenItems", "Rows", "is_splits", "plain_rows", "write_rows"]


class Frame(Protocol):
    """A data frame, of pandas or polars, as far as it is looked at."""

    def to_dict(self, *args: Any, **kwargs: Any) -> Any: ...


Rows: TypeAlias = "Iterable[Mapping[str, Any] | tuple[Any, Any] | Item] | Frame"
"""What may be given: dicts, pairs (question, answer), `Item`s; a pandas or polars data frame."""

FILE = "items.jsonl"


def plain_rows(given: Any, question: str, answer: str, scored: bool) -> list[dict[str, Any]]:
    """Rows as dicts of plain values, what is missing left out; anything that can be iterated is read once.

    Args:
        given: `Rows`, or a data frame.
        question: Key of the questions, `domain.question`.
        answer: Key of the answers, `domain.answer`.
        scored: Whether a function scores; without one every row needs an answer.

    Raises:
        DomainError: It is nothing of the kind or empty, or a row lacks a key or holds what is no plain value.
    """
    rows = []
    for number, (split, row) in enumerate(_located(given)):
        plain = _row(f"domain[{number}]", row, question, answer)
        rows.append({**plain, "split": split} if split else plain)
    if not rows:
        raise DomainError("domain has no rows: give a list of dicts with a question and an answer each")
    for number, row in enumerate(rows):
        for key, column in (("question", question), ("answer", answer)):
            if column in row or (scored and key == "answer"):
                continue
            have = ", ".join(one_line(name, 30) for name in row) or "nothing"
            raise DomainError(
                f'domain[{number}] has no {column!r}, only {have}: name the right key with "domain.{key}=…"'
            )
        if not isinstance(row[question], str) or not row[question].strip():
            raise DomainError(f"domain[{number}]: {question!r} must be a text that is not empty")
    return rows


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Keep rows as JSON lines, as the domain `table` reads them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


class GivenItems:
    """Rows as items for a function of the user's that scores.

    Equal rows are one item. A key `split` says where a row goes; without one they are dealt as those
    of a table. What says nearly the same stays in one split (`domains.splits`). An answer that is no text is
    JSON in `item.target`, and as it
    was in `item.data`, with all other keys of the row.

    Attributes:
        groups: Item id -> a name of its group, of the items that have one.
        notes: Lines for the user.

    Raises:
        DomainError: Too few rows, an unknown split, or one question with two answers; names the row.
    """

    name = "given"

    def __init__(self, rows: Sequence[Mapping[str, Any]], settings: Settings) -> None:
        self._question, self._answer = settings.question, settings.answer
        self._kind, self._split = settings.kind, settings.split or ""
        self._dealt = not any(self._split in row for row in rows)
        self.notes: tuple[str, ...] = ()
        self.groups: Mapping[str, str] = {}
        self._first: dict[str, int] = {}  # question -> its first row
        items = self._distinct(rows)
        sizes = named_sizes(settings)
        self._items: dict[Split, tuple[Item, ...]]
        if not self._dealt:
            placed = {split: [item for where, item in items.values() if where == split] for split in SPLITS}
            found, self.groups, self.notes = disjoint("domain", placed, settings)
            self._items = {split: tuple(found[split][: sizes.get(split)]) for split in SPLITS}
            empty = next((split for split in SPLITS[1:] if not self._items[split]), "")
            if empty:
                raise DomainError(
                    f"domain has no row with split {empty!r}: train, validation and test need it"
                )
        elif grouped(settings):
            self._items = self._by_groups(items, settings)
        else:
            counts = apportion(Path("domain"), len(items), sizes)
            dealt = deal(in_order(items, settings.seed, settings.dealing), counts)
            self._items = {split: tuple(items[key][1] for key in keys) for split, keys in dealt.items()}
        shown = "".join(
            f" Example: {item.question[:300]!r}" + (f" -> {item.target[:100]!r}." if item.target else ".")
            for item in self._items["examples"][:2]  # never scored, so they may be shown
        )
        self.brief = with_instruction(f"Questions that a user gave.{shown}", settings.instruction)
        self.wording: Mapping[str, str] = instructed(WORDING, settings.instruction)

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only, or as they were given with `split`."""
        return items_of(self._items, split)

    def _by_groups(
        self, items: Mapping[str, tuple[str, Item]], settings: Settings
    ) -> dict[Split, tuple[Item, ...]]:
        entries = [Entry(item, key, called=f"domain[{self._first[key]}]") for key, (_, item) in items.items()]
        dealt = deal_items("domain", "domain", entries, settings)
        self.groups, self.notes = dealt.groups, dealt.notes
        return dict(dealt.items)

    def _distinct(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, Item]]:
        """Question -> split and item."""
        found: dict[str, tuple[str, Item]] = {}
        first = self._first
        ids: dict[str, int] = {}
        for number, row in enumerate(rows):
            key = key_of(row[self._question])
            split = "" if self._dealt else _split_of(number, row.get(self._split))
            before = first.setdefault(key, number)
            if before != number:
                same = rows[before].get(self._answer) == row.get(self._answer)
                other = "in different splits" if same else "with different answers"
                if not same or found[key][0] != split:
                    raise DomainError(f"domain[{before}] and domain[{number}] ask the same {other}: keep one")
                continue
            item = self._item(key, row)
            before = ids.setdefault(item.id, number)
            if before != number:
                raise DomainError(f"domain[{before}] and domain[{number}] have the same id {item.id!r:.60}")
            found[key] = (split, item)
        return found

    def _item(self, key: str, row: Mapping[str, Any]) -> Item:
        answer = row.get(self._answer, "")
        target = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        own = ("id", "public", self._kind, self._split, self._question)
        rest = {k: v for k, v in row.items() if k not in own}
        if isinstance(answer, str):
            rest.pop(self._answer, None)
        name = str(row.get("id") or f"q-{hashlib.sha256(key.encode()).hexdigest()[:12]}")
        kind, public = str(row.get(self._kind, "")), row.get("public", {})
        return Item(name, row[self._question].strip(), target, kind, rest, public)


def _split_of(number: int, given: Any) -> str:
    name = str(given or "").strip()
    if name.casefold() not in SPLIT_NAMES:
        raise DomainError(f"domain[{number}]: split must be one of {', '.join(SPLITS)}, not {name!r:.40}")
    return SPLIT_NAMES[name.casefold()]


def is_splits(given: Any) -> bool:
    """Whether it is a mapping of splits to their rows."""
    if not isinstance(given, Mapping) or not given or not given.keys() <= set(SPLITS):
        return False
    return not any(isinstance(rows, str | int) for rows in given.values())


def _located(given: Any) -> Iterator[tuple[str, Any]]:
    """Rows, each with the split that it was given under, if it was."""
    parts = given.items() if is_splits(given) else [("", given)]
    for split, rows in parts:
        for row in _iterated(rows):
            yield split, row


def _iterated(given: Any) -> Iterable[Any]:
    """Rows of whatever holds some; data frames are known by their methods, as they are no dependency."""
    if hasattr(given, "to_dicts"):  # polars
        given = given.to_dicts()
    elif hasattr(given, "to_dict") and hasattr(given, "columns"):  # pandas
        given = given.to_dict("records")
    elif hasattr(given, "to_pylist"):  # pyarrow
        given = given.to_pylist()
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        kind = type(given).__name__
        raise DomainError(f"domain must be a list of dicts, a data frame, a generator or a Domain, no {kind}")
    return given


def _row(place: str, row: Any, question: str, answer: str) -> dict[str, Any]:
    if isinstance(row, Item):
        named = {
            "id": row.id,
            question: row.question,
            answer: row.target,
            "kind": row.kind,
            "public": row.public,
        }
        row = {**row.data, **{key: value for key, value in named.items() if value}}
    elif isinstance(row, tuple | list) and len(row) == 2:
        row = dict(zip((question, answer), row, strict=True))
    if not isinstance(row, Mapping):
        raise DomainError(f"{place} is neither a dict, a pair nor an Item but {type(row).__name__}")
    plain = {str(key): _plain(f"{place}[{str(key)!r}]", value) for key, value in row.items()}
    return {key: value for key, value in plain.items() if value is not None}


def _plain(place: str, value: Any) -> Any:
    """A value as JSON has it; `None` for what a data frame calls missing."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isinf(value):
            raise DomainError(f"{place} is infinite: give a number")
        return None if math.isnan(value) else value
    if isinstance(value, Mapping):
        return {str(key): _plain(f"{place}[{str(key)!r}]", inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(f"{place}[{n}]", inner) for n, inner in enumerate(value)]
    kind = type(value).__name__
    if kind in ("NaTType", "NAType"):
        return None
    for method in ("tolist", "isoformat"):  # NumPy's numbers and arrays, dates
        if hasattr(value, method):
            return _plain(place, getattr(value, method)())
    kind = type(value).__name__
    raise DomainError(
        f"{place} is of type {kind}: give text, numbers, lists and dicts (images are not possible)"
    )
