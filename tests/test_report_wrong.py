"""The worst items of an agent, in their order, and as the page and a stranger's text have them."""

from __future__ import annotations

from meta_search.report.wrong import wrong_items
from meta_search.types import ItemResult, OutcomeKind


def result(item: int, score: float | None, feedback: str = "", kind: OutcomeKind = "ok") -> ItemResult:
    return ItemResult("a", "train", f"i{item}", 0, kind, "x", "slow", score=score, feedback=feedback)


def test_the_worst_come_first_and_of_equal_ones_those_that_say_something_else() -> None:
    rows = [
        result(0, 0.5, "half"),
        result(1, 0.0, "read as 7"),
        result(2, 0.0, "read as 7"),
        result(3, 1.0),
        result(4, 0.0, "no number"),
        result(5, None, kind="llm"),
        result(6, 0.0, kind="timeout"),
    ]
    found = wrong_items(rows)
    assert [wrong.item for wrong in found] == ["i1", "i4", "i6", "i2", "i0"]
    assert found[2].fault.startswith("timeout: slow; do less work")
    assert found[0].as_json() == {
        "split": "train", "item": "i1", "repeat": 0, "outcome": "ok", "score": 0.0, "answer": "x",
        "feedback": "read as 7", "fault": "",
    }  # fmt: skip
