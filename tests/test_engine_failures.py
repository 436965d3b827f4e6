"""Which items an author is shown: faults, then answers kind by kind, solved ones first; and a right one."""

from __future__ import annotations

from typing import Any

from meta_search.engine.failures import FEWEST, MOST, right_one, telling
from meta_search.types import ItemResult
from tests.kits.members import KINDS, result


def wrong(item: str, **more: Any) -> ItemResult:
    return result("a", item, more.pop("score", 0.0), **more)


def test_faults_come_first_one_of_each_then_kinds_in_turns() -> None:
    rows = [
        *(wrong(item, feedback="read as 3") for item in ("sums0", "sums1", "sums2", "words0", "words1")),
        *(wrong(f"words{n}", kind="crash", detail="KeyError") for n in (2, 3, 4)),
        wrong("sums3", kind="timeout", detail="too slow"),
    ]
    found = telling(rows, {**KINDS, "sums3": "sums", "words3": "words", "words4": "words"})
    assert [(row.item, row.kind) for row in found] == [
        *(("words2", "crash"), ("sums3", "timeout")),
        *(("sums0", "ok"), ("words0", "ok"), ("sums1", "ok"), ("words1", "ok")),
    ]


def test_what_another_agent_solves_comes_before_what_nobody_does() -> None:
    rows = [wrong(item) for item in ("sums0", "sums1", "sums2", "words0", "words1")]
    found = telling(rows, KINDS, {"sums2", "words1"})
    assert [row.item for row in found[:2]] == ["sums2", "words1"]


def test_of_a_kind_that_comes_first_of_which_the_scorer_says_something_new() -> None:
    said = {"sums0": "no unit", "sums1": "no unit", "sums2": "not even a number"}
    found = telling([wrong(item, feedback=text) for item, text in said.items()], KINDS)
    assert [row.item for row in found] == ["sums0", "sums2", "sums1"]


def test_there_are_neither_very_many_nor_very_few() -> None:
    kinds = {f"{k}-{n}": str(k) for k in range(20) for n in range(3)}
    assert len(telling([wrong(item) for item in kinds], kinds)) == MOST
    alone = [wrong(f"i{n}") for n in range(20)]
    assert [row.item for row in telling(alone, {})] == [f"i{n}" for n in range(FEWEST)]
    crashes = [wrong(f"i{n}", kind="crash", detail=f"error {n}") for n in range(20)]
    assert len(telling(crashes, {})) == FEWEST


def test_repeats_of_an_item_are_shown_once() -> None:
    rows = [wrong(item, repeat=repeat) for repeat in (0, 1) for item in ("sums0", "words0")]
    assert [(row.item, row.repeat) for row in telling(rows, KINDS)] == [("sums0", 0), ("words0", 0)]


def test_the_right_one_is_of_the_kind_that_fails_most_where_there_is_one() -> None:
    rows = [
        wrong("sums0"),
        wrong("words0"),
        wrong("words1"),
        wrong("sums1", score=1.0),
        wrong("words2", score=1.0),
    ]
    found = right_one(rows, rows[:3], KINDS)
    assert found is not None
    assert found.item == "words2"
    other = right_one(rows[:4], rows[:3], KINDS)
    assert other is not None
    assert other.item == "sums1"
    assert right_one(rows[:3], rows[:3], KINDS) is None
