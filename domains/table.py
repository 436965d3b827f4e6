"""Domain `table`: questions with answers from a file or folder, the hub, or a data wheel.

    meta-search run domain=table domain.path=questions.jsonl domain.question=q domain.answer=a
    meta-search run domain=table domain.path=tickets.csv "domain.instruction='Classify the message.'"
    meta-search run domain=table domain.path=hf:openai/gsm8k:main

Files are jsonl, json, csv, tsv or parquet, as they are or with .gz or .zst (`domains/sources/`). They are
read row by row; a large table is kept in a temporary file, and of its rows only the items are held.

Every row has a column for the question and one for the answer; a column `kind`, if there is one, names the
family of the row, a column `split` its split, `choices` or `options` (a list) or `A`, `B`, … its options,
which are shown below the question. Other columns are ignored.

Several answers may be right: a list of texts or numbers in a jsonl or json file, or a cell that
`domain.separator` parts. Objects, and lists of lists or objects, are answers as JSON, and compared as such.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from domains.choices import with_choices
from domains.domain import Item, Score, items_of
from domains.duplicates import repeats
from domains.matching.judge import Judge
from domains.matching.labelled import columns_of, judged_by_people, rubrics_of
from domains.matching.options import CHOICES
from domains.matching.registry import AUTO, make, type_of, whole_lists
from domains.matching.scoring import (
    ANY_OF,
    LABELLED,
    MATCHER,
    MOST_ODD,
    WORKING,
    Entry,
    Scoring,
    accepted,
    behind_working,
)
from domains.row_facts import Facts, worth
from domains.row_file import DistinctRows, MappedRows, RowFile, Rows
from domains.rows import Row, apportion, deal, in_order
from domains.settings import DEFAULT_SIZES, Settings, matcher_of, named_sizes
from domains.source_splits import without_parts
from domains.sources.kinds import stem_of
from domains.sources.progress import shown
from domains.sources.source import Source, is_local
from domains.sources.united import open_all
from domains.splits import deal_rows, drawn, grouped
from domains.table_file import Columns, read_rows
from domains.wording import WORDING, Labels, find_labels, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["WORKED", "TableDomain"]

WORKED = "working"  # in `Item.data`: how the answer is come to
MOST_ASKED = 300  # characters of a question that the meta agent is shown
MOST_WORKED = 600  # characters of it that the meta agent is shown
PRIVATE = (
    "its publisher asks not to show items in plain text: keep run folders, reports and exports to yourself"
)

TWO_ANSWERS = "questions that have different answers in two rows are left out"

_CALCULATED = re.compile(r"<<[^<>]*>>")  # notes for a calculator, in GSM8K

MOST_LEARNED = 20_000  # rows from which it is learned how answers are compared
BATCH = 5_000  # rows that are checked at a time beyond those


class TableDomain:
    """Items from a file.

    Equal questions (but for space) are one item; splits are disjoint. Rows go to splits by a hash of the
    seed, the question, and two rows of the file (`rows.in_order`), so the order of the file does not deal
    them anew, and a few added rows hardly ever do. Splits whose size is not named share what is left in the
    proportion of the default sizes, and at most those. Where the file names splits, its rows stay there; a
    split that it lacks is cut from its train rows.

    Attributes:
        notes: Lines for the user on how the file was read.
        groups: Item id -> a name of its group, of the items that have one.
        compared: Name of the matcher that compares answers.
        pinned: The path that means this file and no later state of it.

    Raises:
        DomainError: No such file, a column that is not there, an empty cell, a line that cannot be read (with
            its number), one question with two answers, or too few rows.
    """

    notes: tuple[str, ...]

    def __init__(self, settings: Settings) -> None:
        if not settings.path:
            raise DomainError("domain=table needs a file: domain.path=questions.jsonl")
        columns = _columns(settings)
        source = open_all(settings.path, columns.named, settings.families)
        label = str(Path(settings.path).expanduser()) if is_local(settings.path) else source.pinned
        read = _read(source, columns)
        found, worked = _without_working(read)

        def where(row: Row) -> str:
            return source.place(row.part, row.line)

        def short(row: Row) -> str:
            return where(row).removeprefix(label).lstrip(",/ ")

        matcher = matcher_of(settings)
        choices = ""
        if read.having and matcher in (AUTO, "choice"):
            found, choices, chosen = with_choices(found, where, settings.shuffle)
            matcher = "choice" if choices and chosen else matcher
        best = worth if grouped(settings) else None
        rows = DistinctRows(label, found, where, lenient=bool(settings.base), worth=best)
        pooled = any("+" in label for label in rows.splits)  # which no run of before knew
        deal_them = _deal_by_groups if grouped(settings) or pooled else _deal
        dealt, notes, groups = deal_them(label, source.name, rows, settings)
        every = matcher != AUTO or read.own > 0  # whether there is something to check in each row
        self._scoring, some = _fitted(matcher, settings.matcher_options, rows, dealt, short, every)
        self.compared = self._scoring.matcher.name
        self.confined, self.targets_answer = self._scoring.confined, self._scoring.targets_answer
        self.scoring, self.asks = self._scoring, self._scoring.asks
        self._items = {
            split: tuple(_item(key, rows[key], split == "examples") for key in keys)
            for split, keys in dealt.items()
        }
        _check_ids(label, self._items)
        ids = {k: i.id for s, keys in dealt.items() for k, i in zip(keys, self._items[s], strict=True)}
        self.groups = {ids[key]: ids[first] for key, first in groups.items() if {key, first} <= ids.keys()}
        self._formulas = {name: rows[key].formula for key, name in ids.items() if rows[key].formula}
        self.name = settings.name if settings.base else stem_of(Path(source.name))
        self.pinned = source.pinned
        told = (*source.notes, _without_parts(settings, rows), worked, choices, self._scoring.note, some)
        self.notes = (*notes, *_notes(source.name, rows, settings, told))
        self.given_answers = judged_by_people(self._scoring, self._items)
        self.source = rubrics_of(self._scoring, self._items)
        labels = self._labels(label, source.name, settings.labels)
        brief = self._brief(source.name, settings, rows.several)
        self.brief = with_instruction(brief, settings.instruction, labels)
        wording = {**WORDING, **self._scoring.matcher.wording}
        self.wording: Mapping[str, str] = instructed(wording, settings.instruction, labels)

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only; ids are hashes of the question."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """What `domain.matcher`, or the item's own, says of the answer. Never raises."""
        return self._scoring.score(item, answer)

    def try_score(self, item: Item, answer: str, ask: Any = None) -> Score:
        """As `score`; where a model judges the item's answers, it is asked.

        Raises:
            JudgeUnread: What the judge says cannot be read.
        """
        if ask is not None and self._scoring.judge(item) is not None:
            return self._scoring.judged(item, answer, ask)
        return self._scoring.score(item, answer)

    def measures(self, answered: Sequence[tuple[Item, str]]) -> Mapping[str, float]:
        """What is measured over all answers together, as `macro_f1` of labels; empty for other matchers."""
        return self._scoring.measures(answered)

    def working(self, item: Item) -> str:
        """How the answer of an item comes about, where the file tells it; else `""`."""
        return self._formulas.get(item.id, "")

    def _brief(self, name: str, settings: Settings, several: bool) -> str:
        how = self._scoring.matcher.how
        each = "has one or more right answers, any of which counts" if several else "has one right answer"
        if not self._scoring.matcher.needs_target:
            each = "is to be answered"
        examples = self._items["examples"][:2]  # never scored, so they may be shown
        shown = "".join(map(_shown, examples)) if not settings.private else ""
        about = f"{settings.about.strip()} Each question" if settings.about else ""
        return f"{about or f'Questions of the file {name}; each'} {each}, {how}.{shown}"

    def _labels(self, path: str, name: str, named: Sequence[str]) -> Labels | None:
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
            told = f"{name}: agents are told {len(labels.names)} labels; test items have more"
            self.notes = (*self.notes, f"{told}: name them all with domain.labels=[…]")
        return labels


def _shown(item: Item) -> str:
    """An example, as the meta agent is shown it."""
    working, question = str(item.data.get(WORKED, "")), item.question
    worked = f" Worked: {working[:MOST_WORKED]!r}." if working else ""
    if len(question) > MOST_ASKED:  # what is asked stands at the end, as behind a passage
        question = f"{question[: MOST_ASKED // 2]} […] {question[-MOST_ASKED // 2 :]}"
    answered = f" -> {item.target[:100]!r}" if item.target else ""
    return f" Example: {question!r}{answered}.{worked}"


def _check_ids(label: str, items: Mapping[Split, Sequence[Item]]) -> None:
    """Refuse two items of one id, which only a column of ids can bring about."""
    ids = Counter(item.id for split in items.values() for item in split)
    twice = next((name for name, count in ids.items() if count > 1), None)
    if twice is not None:
        raise DomainError(f"{label}: domain.columns.id: two rows have the id {twice[:60]!r}")


def _columns(settings: Settings) -> Columns:
    name = matcher_of(settings)
    judge = type_of(name) is Judge and make(name, settings.matcher_options) if name != AUTO else None
    if settings.separator is not None and not settings.separator.strip():
        raise DomainError("domain.separator is empty: name what stands between accepted answers, as |")
    return Columns(
        question=settings.question,
        answer=settings.answer,
        kind=settings.kind,
        split=settings.split,
        group=settings.group,
        separator=settings.separator,
        whole_lists=whole_lists(name),
        lone_lists=name == AUTO or type_of(name).lone_lists,
        lenient=bool(settings.base),
        matcher=settings.matcher_column,
        made=_with_labels(settings.columns, judge) if isinstance(judge, Judge) else settings.columns,
        answerless=isinstance(judge, Judge) and not judge.needs_target,
        where=settings.where,
        families=settings.families,
        source_splits=settings.source_splits,
        formula=settings.working,
    )


def _with_labels(made: Mapping[str, Any], judge: Judge) -> Mapping[str, Any]:
    """`domain.columns`, with those of given answers and verdicts as data."""
    names = columns_of(judge)
    if not names:
        return made
    data = made.get("data") or []
    return {**made, "data": [*([data] if isinstance(data, str) else data), *names]}


def _without_parts(settings: Settings, rows: DistinctRows) -> str:
    """A line on a copy that has none of a benchmark's parts, where these are more than one."""
    if len(set(settings.source_splits.values())) < 2 or any(label for label in rows.splits):
        return ""
    return without_parts(settings.source_splits)


def _read(source: Source, columns: Columns) -> RowFile:
    rows = RowFile()
    for row in shown(source.name, read_rows(source, columns)):
        rows.add(row)
    return rows


def _without_working(rows: RowFile) -> tuple[Rows, str]:
    """Rows whose answers are what follows "####", where nearly all have it; and a line that says so."""
    if not rows.worked or rows.worked < (1 - MOST_ODD) * len(rows):
        return rows, ""
    told = "an answer is what follows #### (the working before it is left out)"
    return MappedRows(rows, _answered), told


def _answered(row: Row) -> Row:
    """A row with its answer, and the working before it apart."""
    answer = behind_working(row.answer)
    if answer == row.answer:
        return row
    working = _CALCULATED.sub("", row.answer.rpartition(WORKING)[0]).strip()
    return row._replace(answer=answer, working=row.working or working, formula=row.formula or row.answer)


def _fitted(
    matcher: str,
    options: Mapping[str, Any],
    rows: DistinctRows,
    dealt: Mapping[Split, Sequence[str]],
    where: Callable[[Row], str],
    every: bool,
) -> tuple[Scoring, str]:
    """The scoring for all rows; and a line where there are too many to be learned from all of them.

    Then it learns from the items and the first rows. All others are only checked, a batch at a time.
    """

    def entry(row: Row) -> Entry:
        return Entry(where(row), (row.answer, *row.others), row.matcher)

    if len(rows) <= MOST_LEARNED:
        return Scoring.fit(matcher, options, [entry(row) for row in rows.each()]), ""
    items = [entry(rows[key]) for keys in dealt.values() for key in keys]
    first = [entry(row) for row in islice(rows.each(), MOST_LEARNED - len(items))]
    scoring = Scoring.fit(matcher, options, [*items, *first])
    others = (entry(row) for row in rows.each() if matcher != AUTO or row.matcher is not None)
    while every and (batch := list(islice(others, BATCH))):
        Scoring.fit(matcher, options, batch)
    return (
        scoring,
        f"of {len(rows):,} rows the first {len(first):,} and the items tell how answers are compared",
    )


def _item(key: str, row: Row, shown: bool) -> Item:
    name = row.id or f"q-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    data: dict[str, Any] = dict(row.data)
    if row.others:
        data[ANY_OF] = row.others
    if row.working and shown:
        data[WORKED] = row.working
    if row.matcher is not None:
        data[MATCHER] = row.matcher
    if row.choices:
        data[CHOICES] = list(row.choices)
    return Item(name, row.question, row.answer, row.kind, data)


_Deal = tuple[Mapping[Split, Sequence[str]], Sequence[str], Mapping[str, str]]
"""The rows of each split, lines for the user, and the groups of rows that have one; rows by their keys."""


def _deal_by_groups(label: str, name: str, rows: DistinctRows, settings: Settings) -> _Deal:
    """The rows of each split by what they say; of a large table so many are held as may be dealt."""
    if rows.unplaced is not None:
        raise _unplaced(label, rows.unplaced)
    parts = [rows.keys_of(names) for names in rows.splits] if any(rows.splits) else [rows]
    keys = [key for part in parts for key in drawn(part, len(rows), rows.anchors, settings)]
    found = (rows[key] for key in keys)
    facts = [
        Facts(k, r.line, r.kind, r.answer, r.group, r.split, r.part) for k, r in zip(keys, found, strict=True)
    ]
    dealt = deal_rows(label, name, facts, lambda n: rows[keys[n]].question, settings, len(rows))
    splits = {split: [keys[n] for n in places] for split, places in dealt.splits.items()}
    return splits, dealt.notes, {keys[n]: keys[first] for n, first in dealt.groups.items()}


def _unplaced(label: str, row: Row) -> DomainError:
    part = f" of {row.part}" if row.part else ""
    return DomainError(
        f"{label}: row {row.line}{part} names no split, others do; domain.split=null deals all anew"
    )


def _deal(path: str, name: str, rows: DistinctRows, settings: Settings) -> _Deal:
    """As runs of before did, which are resumed."""
    sizes = named_sizes(settings)
    if not any(rows.splits[split] for split in SPLITS):
        counts = apportion(path, len(rows), sizes)
        most = sum(counts.values())
        return deal(in_order(rows, settings.seed, settings.dealing, most, rows.anchors), counts), (), {}
    if rows.unplaced is not None:
        raise _unplaced(path, rows.unplaced)
    most = sum(sizes.get(split, DEFAULT_SIZES[split]) for split in SPLITS)
    given = {
        split: in_order(rows.keys_of(split), settings.seed, settings.dealing, most, rows.anchors)
        if rows.splits[split]
        else []
        for split in SPLITS
    }
    missing = [split for split in SPLITS if not given[split] and sizes.get(split) != 0]
    shared = [split for split in SPLITS if split in missing or split == "train"]
    if "train" in missing:
        raise DomainError(f"{path}: no row is in the split train; `domain.split=null` deals all rows anew")
    dealt: dict[Split, Sequence[str]] = {}
    for split in (split for split in SPLITS if split not in shared):
        if rows.splits[split] < sizes.get(split, 0):
            raise DomainError(
                f"domain.sizes.{split}={sizes[split]}: {path} has {rows.splits[split]} rows there"
            )
        dealt[split] = given[split][: sizes.get(split, DEFAULT_SIZES[split])]
    there = rows.splits["train"]
    cut = apportion(path, there, {s: sizes[s] for s in shared if s in sizes}, shared)
    if "train" not in sizes:  # what rounding has left over
        rest = there - sum(cut.values()) + cut["train"]
        cut["train"] = min(DEFAULT_SIZES["train"], rest)
    parts = deal(given["train"], {**dict.fromkeys(SPLITS, 0), **cut})
    dealt |= {split: parts[split] for split in shared}
    told = ", ".join(f"{len(parts[split])} for {split}" for split in missing)
    return dealt, (f"{name} lacks some splits: {told} were taken from its train rows",) * bool(told), {}


def _notes(name: str, rows: DistinctRows, settings: Settings, told: Sequence[str]) -> Iterator[str]:
    """Lines on rows that are read otherwise than one might think.

    Args:
        name: Of the source.
        rows: They.
        settings: Of the domain.
        told: Further lines, without the name; empty ones are left out.
    """
    if rows.several and settings.separator is None:
        yield f"{name}: each part of a list is a right answer (domain.matcher=json takes it as a whole)"
    if rows.weighed:
        yield f"{name}: the column weight is not used (not possible yet): every item counts the same"
    yield from repeats(name, rows.again, rows.crossing, grouped(settings))
    if rows.left_out:
        yield f"{name}: {rows.left_out} {TWO_ANSWERS}"
    yield from (f"{name}: {line}" for line in told if line)
    if settings.private:
        yield f"{name}: {PRIVATE}"
