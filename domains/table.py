"""Domain `table`: questions with answers from a file of the user's (jsonl, json, csv or tsv).

    meta-search run domain=table domain.path=questions.jsonl domain.question=q domain.answer=a
    meta-search run domain=table domain.path=tickets.csv "domain.instruction='Classify the message.'"

Every row has a column for the question and one for the answer; a column `kind`, if there is one, names the
family of the row, a column `split` its split, `choices` or `options` (a list) or `A`, `B`, … its options,
which are shown below the question. Other columns are ignored.

Several answers may be right: a list of texts or numbers in a jsonl or json file, or a cell that
`domain.separator` parts. Objects, and lists of lists or objects, are answers as JSON, and compared as such.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domains.choices import with_choices
from domains.domain import Item, Score, items_of
from domains.matching.options import CHOICES
from domains.matching.registry import AUTO, whole_lists
from domains.matching.scoring import ANY_OF, LABELLED, MATCHER, Entry, Scoring, accepted, without_working
from domains.rows import Row, apportion, deal, distinct, in_order
from domains.settings import DEFAULT_SIZES, Settings, matcher_of, named_sizes
from domains.table_file import Columns, place_of, read_rows
from domains.wording import WORDING, Labels, find_labels, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["TableDomain"]


class TableDomain:
    """Items from a file.

    Equal questions (but for space) are one item; splits are disjoint. Rows go to splits by a hash of the
    seed, the question, and two rows of the file (`rows.in_order`), so the order of the file does not deal
    them anew, and a few added rows hardly ever do. Splits whose size is not named share what is left in the
    proportion of the default sizes, and at most those. Where the file names splits, its rows stay there; a
    split that it lacks is cut from its train rows.

    Attributes:
        notes: Lines for the user on how the file was read.

    Raises:
        DomainError: No such file, a column that is not there, an empty cell, a line that cannot be read (with
            its number), one question with two answers, or too few rows.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.path:
            raise DomainError("domain=table needs a file: domain.path=questions.jsonl")
        path = Path(settings.path).expanduser()
        found, worked = _without_working(list(read_rows(path, _columns(settings))))
        matcher = matcher_of(settings)
        choices = ""
        if matcher in (AUTO, "choice"):
            found, choices = with_choices(path, found)
            matcher = "choice" if choices and all(row.choices for row in found) else matcher
        rows = distinct(path, found)
        dealt, notes = _deal(path, rows, settings)
        entries = [_entry(path, row) for row in rows.values()]
        self._scoring = Scoring.fit(matcher, settings.matcher_options, entries)
        self.confined, self.targets_answer = self._scoring.confined, self._scoring.targets_answer
        self._items = {split: tuple(_item(key, rows[key]) for key in keys) for split, keys in dealt.items()}
        self._workings = {_id(key): row.working for key, row in rows.items() if row.working}
        self.name = path.stem
        lists = any(row.others for row in rows.values()) and settings.separator is None
        told = (f"{path.name}: {line}" for line in (worked, choices, self._scoring.note) if line)
        self.notes: tuple[str, ...] = (*notes, *_notes(path, found, rows, lists), *told)
        labels = self._labels(path, settings.labels)
        brief = self._brief(path, any(row.others for row in rows.values()))
        self.brief = with_instruction(brief, settings.instruction, labels)
        wording = {**WORDING, **self._scoring.matcher.wording}
        self.wording: Mapping[str, str] = instructed(wording, settings.instruction, labels)

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only; ids are hashes of the question."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """What `domain.matcher`, or the item's own, says of the answer. Never raises."""
        return self._scoring.score(item, answer)

    def measures(self, answered: Sequence[tuple[Item, str]]) -> Mapping[str, float]:
        """What is measured over all answers together, as `macro_f1` of labels; empty for other matchers."""
        return self._scoring.measures(answered)

    def working(self, item: Item) -> str:
        """How the answer of an item comes about, where the file tells it; else `""`."""
        return self._workings.get(item.id, "")

    def _brief(self, path: Path, several: bool) -> str:
        how = self._scoring.matcher.how
        each = "has one or more right answers, any of which counts" if several else "has one right answer"
        examples = self._items["examples"][:2]  # never scored, so they may be shown
        shown = "".join(f" Example: {item.question[:300]!r} -> {item.target[:100]!r}." for item in examples)
        return f"Questions of the file {path.name}; each {each}, {how}.{shown}"

    def _labels(self, path: Path, named: Sequence[str]) -> Labels | None:
        right = {split: [a for i in items for a in accepted(i)] for split, items in self._items.items()}
        if named:
            known = {label.casefold() for label in named}
            for answer in (answer for answers in right.values() for answer in answers):
                if answer.casefold() not in known:
                    raise DomainError(f"{path}: the answer {answer[:60]!r} is none of domain.labels")
            return Labels(tuple(named))
        if self._scoring.matcher.name not in LABELLED:
            return None
        unseen = right.pop("test")
        labels = find_labels(
            [a for answers in right.values() for a in answers],
            unseen,
            self._scoring.matcher.name == "numeric",
        )
        if labels is not None and not labels.whole:
            told = f"{path.name}: agents are told {len(labels.names)} labels; test items have more"
            self.notes = (*self.notes, f"{told}: name them all with domain.labels=[…]")
        return labels


def _columns(settings: Settings) -> Columns:
    name = matcher_of(settings)
    if settings.separator is not None and not settings.separator.strip():
        raise DomainError("domain.separator is empty: name what stands between accepted answers, as |")
    return Columns(
        question=settings.question,
        answer=settings.answer,
        kind=settings.kind,
        split=settings.split,
        separator=settings.separator,
        whole_lists=whole_lists(name),
        matcher=settings.matcher_column,
        working=settings.working,
    )


def _entry(path: Path, row: Row) -> Entry:
    return Entry(place_of(path, row.line), (row.answer, *row.others), row.matcher)


def _without_working(rows: Sequence[Row]) -> tuple[Sequence[Row], str]:
    """Rows whose answers are what follows "####", where nearly all have it; and a line that says so."""
    answers = [row.answer for row in rows]
    short = without_working(answers)
    if short is answers:
        return rows, ""
    kept = [
        row._replace(answer=answer, working=row.working or row.answer)
        for row, answer in zip(rows, short, strict=True)
    ]
    return kept, "an answer is what follows #### (the working before it is left out)"


def _id(key: str) -> str:
    return f"q-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _item(key: str, row: Row) -> Item:
    data: dict[str, Any] = {ANY_OF: row.others} if row.others else {}
    if row.matcher is not None:
        data[MATCHER] = row.matcher
    if row.choices:
        data[CHOICES] = list(row.choices)
    return Item(_id(key), row.question, row.answer, row.kind, data)


def _deal(
    path: Path, rows: Mapping[str, Row], settings: Settings
) -> tuple[Mapping[Split, Sequence[str]], Sequence[str]]:
    """The rows of each split, and lines on what the file does not say."""
    sizes = named_sizes(settings)
    order = in_order(rows, settings.seed, settings.dealing)
    if not any(row.split for row in rows.values()):
        return deal(order, apportion(path, len(rows), sizes)), ()
    given: dict[Split, list[str]] = {split: [] for split in SPLITS}
    for key in order:
        if not rows[key].split:
            raise DomainError(f"{path}: row {rows[key].line} names no split, others do")
        given[next(split for split in SPLITS if split == rows[key].split)].append(key)
    missing = [split for split in SPLITS if not given[split] and sizes.get(split) != 0]
    shared = [split for split in SPLITS if split in missing or split == "train"]
    if "train" in missing:
        raise DomainError(f"{path}: no row is in the split train; `domain.split=null` deals all rows anew")
    dealt: dict[Split, Sequence[str]] = {}
    for split in (split for split in SPLITS if split not in shared):
        if len(given[split]) < sizes.get(split, 0):
            raise DomainError(
                f"domain.sizes.{split}={sizes[split]}: {path} has {len(given[split])} rows there"
            )
        dealt[split] = given[split][: sizes.get(split, DEFAULT_SIZES[split])]
    cut = apportion(path, len(given["train"]), {s: sizes[s] for s in shared if s in sizes}, shared)
    if "train" not in sizes:  # what rounding has left over
        rest = len(given["train"]) - sum(cut.values()) + cut["train"]
        cut["train"] = min(DEFAULT_SIZES["train"], rest)
    parts = deal(given["train"], {**dict.fromkeys(SPLITS, 0), **cut})
    dealt |= {split: parts[split] for split in shared}
    told = ", ".join(f"{len(parts[split])} for {split}" for split in missing)
    return dealt, (f"{path.name} lacks some splits: {told} were taken from its train rows",) * bool(told)


def _notes(path: Path, found: Sequence[Row], rows: Mapping[str, Row], lists: bool) -> Iterator[str]:
    """Lines on rows that are read otherwise than one might think."""
    if lists:
        yield f"{path.name}: each part of a list is a right answer (domain.matcher=json takes it as a whole)"
    kept = {id(row) for row in rows.values()}
    where = {row.question: row.split for row in rows.values()}
    if any(row.weighed for row in found):
        yield f"{path.name}: the column weight is not used (not possible yet): every item counts the same"
    crossing = sum(id(row) not in kept and where.get(row.question) not in (None, row.split) for row in found)
    if crossing:
        yield f"{path.name}: {crossing} questions stand in two splits; each stays where it comes first"
