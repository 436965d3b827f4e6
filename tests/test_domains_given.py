"""Items and scorers that come from Python: what is taken, what is refused, and with which words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import meta_search
from domains import given, registry
from domains.given import KeptDomain, ScoredBy, keep
from domains.given_rows import GivenItems, plain_rows, write_rows
from domains.table import TableDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from meta_search.types import SPLITS
from tests.kits import sums

SETTINGS = DomainConfig(name="table")


def plain(rows: Any, scored: bool = False) -> list[dict[str, Any]]:
    return plain_rows(rows, "question", "answer", scored)


class PolarsLike:
    """A data frame as polars has it, without polars."""

    def to_dicts(self) -> list[dict[str, Any]]:
        return [{"question": "a", "answer": "b"}]


class PandasLike:
    columns = ("question", "answer")

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return [{"question": "a", "answer": "b", "kind": math.nan}]


@pytest.mark.parametrize(
    "rows",
    [
        [{"question": "a", "answer": "b"}],
        ({"question": "a", "answer": "b"} for _ in range(1)),
        [("a", "b")],
        [meta_search.Item("", "a", "b")],
        PolarsLike(),
        PandasLike(),
    ],
)
def test_rows_come_in_many_forms(rows: Any) -> None:
    assert plain(rows) == [{"question": "a", "answer": "b"}]


def test_values_become_plain_ones() -> None:
    row = {
        "question": "a", "answer": np.int64(5), "right": np.bool_(True), "vector": np.arange(2),
        "missing": np.nan, "day": date(2026, 1, 2), "nested": {"x": (1, {"y": np.float32(0.5)})},
    }  # fmt: skip
    assert plain([row]) == [
        {
            "question": "a", "answer": 5, "right": True, "vector": [0, 1], "day": "2026-01-02",
            "nested": {"x": [1, {"y": 0.5}]},
        }
    ]  # fmt: skip


GOOD = {"question": "a", "answer": "b"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "domain has no rows"),
        ([GOOD, {"question": "a"}], r"domain\[1\]: 'answer' is missing, None or NaN: fill it in"),
        ([GOOD, {"question": "a", "answer": math.nan}], r"domain\[1\]: 'answer' is missing, None or NaN"),
        ([GOOD, {"text": "a", "answer": "b"}], r"domain\[1\] has no 'question', only text, answer"),
        ([GOOD, {"question": " ", "answer": "b"}], r"domain\[1\]: 'question' must be a text"),
        ([GOOD, {"question": 3, "answer": "b"}], r"domain\[1\]: 'question' must be a text"),
        ([GOOD, 5], r"domain\[1\] is neither a dict, a pair nor an Item but int"),
        ([{**GOOD, "image": object()}], r"domain\[0\]\['image'\] is of type object: .*images"),
        ([{**GOOD, "x": {"y": [1, math.inf]}}], r"domain\[0\]\['x'\]\['y'\]\[1\] is infinite"),
        (7, "domain must be a list of dicts, .* no int"),
        (b"abc", "domain must be a list of dicts, .* no bytes"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named(rows: Any, told: str) -> None:
    with pytest.raises(DomainError, match=told) as raised:
        plain(rows)
    assert "\n" not in str(raised.value)


def test_rows_are_read_as_a_table(tmp_path: Path) -> None:
    write_rows(plain(sums.rows()), tmp_path / "items.jsonl")
    table = TableDomain(DomainConfig(name="table", path=str(tmp_path / "items.jsonl")))
    (first, *_) = table.items("train")
    assert first.target == str(sum(map(int, first.question.replace("?", "").split()[2::2])))


def test_items_keep_what_the_scorer_needs() -> None:
    rows = [{**row, "kind": "sum", "limit": n, "id": f"i{n}"} for n, row in enumerate(sums.rows())]
    items = GivenItems(plain(rows), SETTINGS)
    every = [item for split in SPLITS for item in items.items(split)]
    assert len({item.id for item in every}) == len(every) > 90
    row = rows[int(every[0].id[1:])]
    assert (every[0].question, every[0].target, every[0].kind) == (row["question"], str(row["answer"]), "sum")
    assert dict(every[0].data) == {"answer": row["answer"], "limit": row["limit"]}


def test_rows_are_dealt_by_their_questions_alone() -> None:
    one = GivenItems(plain(sums.rows()), SETTINGS)
    other = GivenItems(plain(reversed(sums.rows())), SETTINGS)
    assert [one.items(s) for s in SPLITS] == [other.items(s) for s in SPLITS]


def split_rows(**sizes: int) -> Iterator[dict[str, Any]]:
    for split, size in sizes.items():
        yield from ({"question": f"{split} {n}", "split": split, "data": [n]} for n in range(size))


def test_a_key_says_where_a_row_goes() -> None:
    rows = plain(split_rows(train=3, validation=2, test=4), scored=True)
    items = GivenItems(rows, SETTINGS)
    assert [len(items.items(split)) for split in SPLITS] == [0, 3, 2, 4]
    assert items.items("test")[0].target == ""
    by_split = {
        "test": [("a", "1")],
        "train": ({"question": q} for q in "bc"),
        "validation": [{"question": "d"}],
    }
    items = GivenItems(plain(by_split, scored=True), SETTINGS)
    assert [len(items.items(split)) for split in SPLITS] == [0, 2, 1, 1]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (lambda: split_rows(train=3, test=4), "no row with split 'validation'"),
        (lambda: [{"question": "a", "split": "later"}], r"domain\[0\]: split must be one of examples, train"),
        (lambda: [*split_rows(train=3), {"question": "a"}], r"domain\[3\]: split must be one of"),
        (lambda: [{**GOOD, "id": "x"}, {"question": "c", "id": "x"}], r"\[1\] have the same id 'x'"),
        (lambda: [GOOD, {"question": "a ", "answer": "c"}], "ask the same with different answers"),
        (
            lambda: [*split_rows(train=3, validation=2, test=4), {"question": "train 1", "split": "test"}],
            r"domain\[1\] and domain\[9\] ask the same in different splits",
        ),
        (lambda: [{"question": f"{n}"} for n in range(5)], "too few rows: 5 different questions"),
    ],
)  # fmt: skip
def test_rows_that_do_not_go_together_are_told(rows: Callable[[], Any], told: str) -> None:
    with pytest.raises(DomainError, match=told):
        GivenItems(plain(rows(), scored=True), SETTINGS)


def scored_by(function: Any) -> ScoredBy:
    return ScoredBy(GivenItems(plain(sums.rows()), SETTINGS), function)


def test_a_function_scores() -> None:
    domain = scored_by(sums.near)
    item = domain.items("train")[0]
    assert domain.score(item, item.target).value == 1.0
    assert domain.score(item, str(int(item.target) + 1)).value == 0.5
    assert domain.score(item, " ").feedback == "no answer"
    assert "Right if it is the sum; half right if it is one off." in domain.brief
    assert not hasattr(domain, "confined")


@pytest.mark.parametrize(
    ("returned", "value"),
    [(True, 1.0), (np.bool_(False), 0.0), (np.float32(0.5), 0.5), (meta_search.Score(0.25, "near"), 0.25)],
)
def test_what_a_function_may_return(returned: Any, value: float) -> None:
    domain = scored_by(lambda item, answer: returned)
    assert domain.score(domain.items("train")[0], "x").value == value


@pytest.mark.parametrize(
    ("returned", "told"),
    [(None, "must return a bool"), ("yes", "must return a bool"), (2, "must be in 0..1")],
)
def test_what_is_no_score_is_told(returned: Any, told: str) -> None:
    domain = scored_by(lambda item, answer: returned)
    with pytest.raises(DomainError, match=told):
        domain.score(domain.items("train")[0], "x")


def test_a_function_that_fails_is_told_with_its_line() -> None:
    def fails(item: meta_search.Item, answer: str) -> float:
        return float(item.data["no such key"])

    domain = scored_by(fails)
    with pytest.raises(DomainError, match=r"test_domains_given\.py:\d+: KeyError: 'no such key'"):
        domain.score(domain.items("train")[0], "x")


async def later(item: meta_search.Item, answer: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (5, "score must be a function"),
        (later, "score is async"),
        (lambda answer: True, r"score must take \(item, answer\): too many positional"),
        (lambda item, answer, run: True, "domain=python"),
    ],
)
def test_what_cannot_score_is_refused(function: Any, told: str) -> None:
    with pytest.raises(DomainError, match=told):
        scored_by(function)


def test_a_domain_is_kept_without_its_scorer(tmp_path: Path) -> None:
    domain, path = scored_by(sums.near), tmp_path / given.FILE
    assert keep(domain, path)
    kept = registry.make(DomainConfig(name=given.NAME, path=str(path)))
    assert isinstance(kept, KeptDomain)
    again = ScoredBy(kept, sums.near)
    assert (again.name, again.brief, again.wording) == (domain.name, domain.brief, domain.wording)
    assert [kept.items(s) for s in SPLITS] == [domain.items(s) for s in SPLITS]
    with pytest.raises(DomainError, match="score="):
        kept.score(kept.items("train")[0], "x")
    assert given.NAME not in registry.names()  # it is nothing to choose on the command line


def test_data_that_is_no_json_is_not_kept(tmp_path: Path) -> None:
    class Odd(ScoredBy):
        def items(self, split: str) -> list[meta_search.Item]:  # type: ignore[override]
            return [meta_search.Item("a", "b", "c", data={"open": open})]

    assert not keep(Odd(GivenItems(plain(sums.rows()), SETTINGS), sums.near), tmp_path / given.FILE)
    with pytest.raises(DomainError, match="give them again with domain="):
        registry.make(DomainConfig(name=given.NAME, path=str(tmp_path / given.FILE)))


def test_a_function_is_known_again_wherever_it_stands() -> None:
    """Cells are run again: the line of a function is no part of it, what it does is."""
    one, other = (lambda item, answer: answer in {"a", "b"}), lambda item, answer: answer in {"a", "b"}
    third = lambda item, answer: answer in {"a", "c"}  # noqa: E731
    assert scored_by(one).source == scored_by(other).source != scored_by(third).source
    nested = [
        lambda item, answer: any(c == "a" for c in answer),
        lambda item, answer: any(c == "b" for c in answer),
    ]
    assert len({scored_by(function).source for function in nested}) == 2
    assert scored_by(max).source == ""
