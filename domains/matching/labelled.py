"""Given answers with people's verdicts, by which it is measured how far a judge agrees with people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from domains.domain import Item
from domains.matching.judge import BINARY, RIGHT, WRONG, Judge
from domains.matching.scoring import MATCHER, Scoring
from domains.sources.source import is_local, open_source
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["Given", "columns_of", "given_answers", "judged_by_people", "rubrics_of"]

QUESTION, ANSWER, VERDICT = "question", "answer", "verdict"  # columns of a file, beside `Judge.given`
ENDS = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".gz", ".zst")
KEY = "domain.matcher_options.labels"
MOST_ROWS = 5_000


class Given(NamedTuple):
    """A given answer.

    Attributes:
        item: To what; its target is the right answer, where there is one.
        answer: The answer.
        verdict: What people say of it, 0..1.
    """

    item: Item
    answer: str
    verdict: float


def columns_of(judge: Judge) -> tuple[str, ...]:
    """The columns of the table itself that hold given answers and verdicts; empty where a file does."""
    return (judge.labels, judge.given) if judge.labels and not _is_file(judge.labels) else ()


def given_answers(judge: Judge, items: Sequence[Item]) -> tuple[Given, ...]:
    """All given answers that a judge's `labels` names.

    Args:
        judge: The judge.
        items: The domain's items: a question of theirs needs no right answer in the file.

    Raises:
        DomainError: No such file or column, or a verdict that is none of the scale; one line with its row.
    """
    if not judge.labels:
        return ()
    if _is_file(judge.labels):
        return tuple(_of_file(judge, {_plain(item.question): item for item in items}))
    found = tuple(_of_items(judge, items))
    if not found:
        missing = next((name for name in columns_of(judge) if not any(name in i.data for i in items)), None)
        why = f"no item has {missing!r}" if missing else "no item has both a given answer and a verdict"
        raise DomainError(f"{KEY}={judge.labels}: {why}; name a file, or matcher_options.given")
    return found


def judged_by_people(scoring: Scoring, items: Mapping[Split, Sequence[Item]]) -> tuple[Given, ...]:
    """The given answers of a domain's judges, of each once."""
    every = [item for split in items.values() for item in split]
    judges = dict.fromkeys(judge for item in every if (judge := scoring.judge(item)) is not None)
    found = [given for judge in judges for given in given_answers(judge, _of_judge(scoring, judge, every))]
    return tuple(found)


def _of_judge(scoring: Scoring, judge: Judge, items: Sequence[Item]) -> list[Item]:
    return [item for item in items if scoring.judge(item) == judge]


def rubrics_of(scoring: Scoring, items: Mapping[Split, Sequence[Item]]) -> str:
    """A digest of all rubrics, which may be files that change; `""` where no model judges."""
    judges = {j for split in items.values() for item in split if (j := scoring.judge(item)) is not None}
    told = sorted(f"{j.scale} {j.reference} {j.rubric}" for j in judges)
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16] if told else ""


def _is_file(labels: str) -> bool:
    return not is_local(labels) or labels.lower().endswith(ENDS) or "/" in labels


def _of_items(judge: Judge, items: Sequence[Item]) -> Iterator[Given]:
    for item in items:
        said, answer = item.data.get(judge.labels), item.data.get(judge.given)
        if said is None or answer is None or not str(answer).strip() or not str(said).strip():
            continue
        yield Given(item, str(answer), _verdict(judge, said, f"item {item.id}, {judge.labels!r}"))


def _of_file(judge: Judge, known: Mapping[str, Item]) -> Iterator[Given]:
    if is_local(judge.labels) and not Path(judge.labels).expanduser().exists():
        raise DomainError(f"{KEY}={judge.labels}: no such file")
    source = open_source(judge.labels, (QUESTION, judge.given, VERDICT, ANSWER))
    count = 0
    own = {MATCHER: {"name": judge.name, **vars(judge)}}
    for line, record in source.records():
        place = source.place("", line)
        for name in (QUESTION, judge.given, VERDICT):
            if name not in record:
                have = ", ".join(map(str, record)) or "none"
                hint = "; set domain.matcher_options.given" * (name == judge.given)
                raise DomainError(f"{place}: no column {name!r}, there are: {have}{hint}")
            if record[name] is None or not str(record[name]).strip():
                raise DomainError(f"{place}: {name!r} is empty")
        question, target = str(record[QUESTION]), str(record.get(ANSWER) or "").strip()
        item = known.get(_plain(question))
        if item is None or target:
            if judge.reference and not target:
                raise DomainError(
                    f"{place}: the question is none of the table, and there is no column {ANSWER!r} with its "
                    "right answer, which the judge compares with"
                )
            item = Item(item.id if item else f"given-{line}", question, target, data=own)
        yield Given(item, str(record[judge.given]), _verdict(judge, record[VERDICT], f"{place}, {VERDICT!r}"))
        count += 1
        if count == MOST_ROWS:
            return
    if not count:
        raise DomainError(f"{KEY}={judge.labels}: holds no given answer")


def _verdict(judge: Judge, value: Any, place: str) -> float:
    """A person's verdict, 0..1.

    Raises:
        DomainError: It is none of the scale.
    """
    text = str(value).strip().lower()
    if judge.scale == BINARY:
        if text in RIGHT or text in WRONG:
            return float(text in RIGHT)
        wanted = "right or wrong (or yes and no, true and false, 1 and 0)"
    else:
        number = text.removesuffix(".0")
        if number.isascii() and number.isdigit() and 1 <= int(number[:6]) <= judge.grades:
            return (int(number) - 1) / (judge.grades - 1)
        wanted = f"a whole number, 1 to {judge.grades}"
    raise DomainError(f"{place}: is {str(value)[:40]!r}; a verdict must be {wanted}")


def _plain(question: str) -> str:
    return " ".join(question.split())
