"""What is worked out of scores: means by item, the Pareto front, intervals where items were repeated."""

from __future__ import annotations

import random

import pytest

from meta_search.types import (
    Evaluation,
    ItemResult,
    Usage,
    free_text,
    item_means,
    pareto_front,
    wilson,
    wilson_by_item,
)


def evaluation(right: list[int], repeats: int) -> Evaluation:
    """Items of which so many repeats are right."""
    rows = [
        ItemResult("a", "test", f"i{i}", r, "ok", score=float(r < n))
        for i, n in enumerate(right)
        for r in range(repeats)
    ]
    return Evaluation.of("a", "test", rows)


def test_an_item_has_the_mean_of_its_repeats() -> None:
    assert item_means([("b", 1.0), ("a", 0.5), ("b", 0.0)]) == {"b": 0.5, "a": 0.5}
    assert list(item_means([("b", 1.0), ("a", 0.5), ("b", 0.0)])) == ["b", "a"]
    assert item_means([]) == {}


def test_the_front_keeps_what_nothing_dominates() -> None:
    assert pareto_front([(0.5, 10), (0.5, 20), (0.9, 30), (0.8, 40), (0.2, 5)]) == [2, 0, 4]
    assert pareto_front([(0.5, 10), (0.5, 10)]) == [0, 1]
    assert pareto_front([]) == []


def test_one_try_an_item_is_the_interval_of_wilson() -> None:
    made = evaluation([1, 1, 1, 0], 1)
    assert (made.low, made.high) == wilson(3, 4)
    assert wilson_by_item([], 0) == (0.0, 1.0)


def test_repeats_that_always_agree_are_no_further_evidence() -> None:
    made = evaluation([5] * 7 + [0] * 3, 5)
    assert (made.items, made.score) == (50, 0.7)
    assert (made.low, made.high) == pytest.approx(wilson(7, 10))
    sure = evaluation([5] * 10, 5)
    assert (sure.low, sure.high) == pytest.approx(wilson(10, 10))


def test_repeats_that_differ_count_by_hand() -> None:
    """Means 1, ½, ½, 0: variance (½ + 2 × ¼) / 5 = 0.2, and ¼ × 4 / 0.2 = 5 trials of the 8."""
    made = evaluation([2, 1, 1, 0], 2)
    assert (made.low, made.high) == pytest.approx(wilson(2.5, 5))
    alike = evaluation([2] * 30, 4)  # variance (0 + ½) / 31: more than all 120 trials would bear out
    assert (alike.low, alike.high) == pytest.approx(wilson(60, 120))


def test_the_interval_holds_the_truth_where_repeats_are_alike() -> None:
    """Half of the items are easy, half are hard; taking every repeat for an item holds it in two of three."""
    rng, held, naive = random.Random(7), 0, 0
    for _ in range(400):
        chances = [rng.choice((0.1, 0.9)) for _ in range(20)]
        means = [sum(rng.random() < p for _ in range(5)) / 5 for p in chances]
        low, high = wilson_by_item(means, 100)
        held += low <= 0.5 <= high
        low, high = wilson(100 * sum(means) / 20, 100)
        naive += low <= 0.5 <= high
    assert held / 400 >= 0.93
    assert naive / 400 < 0.8


def test_the_share_without_a_call_is_of_what_was_scored() -> None:
    rows = [
        ItemResult("a", "test", "0", 0, "ok", score=1.0),
        ItemResult("a", "test", "1", 0, "unasked", score=0.0),
        ItemResult("a", "test", "2", 0, "ok", score=1.0, used=Usage(1)),
        ItemResult("a", "test", "3", 0, "crash", score=0.0),  # no answer
        ItemResult("a", "test", "4", 0, "llm"),  # no score
    ]
    made = Evaluation.of("a", "test", rows)
    assert (made.model_free, made.items, made.free_share) == (2, 4, 0.5)
    assert Evaluation.of("a", "test", rows[4:]).free_share == 0.0


def test_no_share_is_rounded_to_all_or_nothing() -> None:
    told = [free_text(share) for share in (0.0, 0.001, 0.4, 0.999, 1.0)]
    assert [text.partition(" %")[0] for text in told] == ["", "<1", "40", ">99", "100"]
    assert told[2] == "40 % without a call"
