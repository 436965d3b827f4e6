"""Racing: each rule by itself, and that agents as good as the best are seldom stopped."""

from __future__ import annotations

import random
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.guide.racing import Standing, decide, sign_test

PLANNED, BLOCK = 24, 6


def standing(scores: str, cost: float = 1.0, first: int = 0) -> Standing:
    """From right (1) and wrong (0) on items in order."""
    return Standing({f"item {first + i}": float(s) for i, s in enumerate(scores)}, cost)


def verdict(candidate: Standing, incumbent: Standing | None, *front: Standing) -> str:
    return decide(candidate, incumbent, front, PLANNED, BLOCK)


BEST = standing("1" * 18 + "0" * 6)


# -- the sign test


@pytest.mark.parametrize(
    ("worse", "better", "p"),
    [
        (0, 0, 1.0),
        (5, 0, 1 / 32),
        (4, 1, 6 / 32),
        (0, 5, 1.0),
        (3, 3, sum(comb(6, k) for k in (3, 4, 5, 6)) / 64),
    ],
)
def test_the_sign_test_is_exact(worse: int, better: int, p: float) -> None:
    assert sign_test(worse, better) == pytest.approx(p)


# -- rules


def test_without_an_incumbent_everything_goes_on() -> None:
    assert verdict(standing("000000"), None, BEST) == ""


def test_a_few_items_or_all_of_them_decide_nothing() -> None:
    assert verdict(standing("00"), BEST) == ""
    assert verdict(standing("0" * PLANNED), BEST) == ""


def test_nothing_right() -> None:
    assert verdict(standing("000000"), BEST) == "nothing right in 6 items"
    assert verdict(standing("00000"), BEST) != "nothing right in 5 items"  # not a block yet


def test_nothing_right_says_little_where_the_best_has_little_right() -> None:
    poor = standing("0" * 20 + "1111")
    assert verdict(standing("000000"), poor) == ""
    assert "nothing right" in verdict(standing("0" * 18), poor)


def test_worse_on_the_same_items() -> None:
    found = verdict(standing("1000001"), standing("1111111" + "0" * 17))
    assert found == "worse than the best on 5 items, better on 0 (p = 0.031, 3 looks)"
    assert verdict(standing("1000011"), standing("1111111" + "0" * 17)) == ""


def test_looks_are_corrected_for() -> None:
    candidate, best = standing("1000011"), standing("1111111" + "0" * 17)
    assert decide(candidate, best, [], 12, 6).startswith(
        "worse than the best on 4 items"
    )  # one look: p = .0625


def test_items_that_the_incumbent_lacks_are_no_evidence() -> None:
    assert verdict(standing("0000001"), standing("1" * 23, first=100)) == ""


def test_out_of_reach() -> None:
    best = standing("0" * 9 + "1" * 15)
    candidate = standing("111111110000000000")
    assert verdict(candidate, best) == "cannot reach the best even with everything else right"
    assert verdict(standing("111111111000000000"), best) == ""
    unfinished = standing("0" * 9 + "1" * 14)
    assert verdict(candidate, unfinished) == ""


def test_dominated_at_its_best() -> None:
    best = standing("101010101010" * 2, cost=9.0)
    cheap = standing("111111111110" * 2)
    candidate = standing("101010101010", cost=2.0)
    assert verdict(candidate, best, cheap).startswith("at best 67%, dominated by a cheaper agent at 92%")
    assert verdict(candidate, best, Standing(cheap.scores, 3.0)) == ""
    assert verdict(candidate, best, standing("010101010101" * 2)) == ""


def test_hard_first_items_do_not_count_against_a_candidate() -> None:
    """The front's score is on all items: on the first block even it has only half of them right."""
    member = standing("101010" + "1" * 18)
    assert verdict(standing("101010", cost=2.0), BEST, member) == ""


def test_dear_and_no_better() -> None:
    assert verdict(standing("111111", cost=9.0), BEST) == "9 times as dear as the best and no better so far"
    assert verdict(standing("111111", cost=4.0), BEST) == ""
    assert verdict(standing("111111", cost=9.0), standing("011111" + "1" * 12 + "0" * 6)) == ""


def test_graded_scores_count_by_which_is_greater() -> None:
    best = Standing({f"item {i}": 0.5 for i in range(24)}, 1.0)
    worse = Standing({f"item {i}": 0.4 for i in range(6)}, 1.0)
    better = Standing({f"item {i}": 0.6 for i in range(6)}, 1.0)
    assert verdict(worse, best).startswith("worse than the best on 6 items")
    assert verdict(better, best) == ""


scores = st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=24)


@settings(deadline=None)
@given(scores, scores, st.floats(0, 100), st.floats(0, 100))
def test_the_incumbent_would_pass_its_own_race(
    ours: list[float], theirs: list[float], a: float, b: float
) -> None:
    """Whoever is at least as good on every item at no more cost is not stopped."""
    incumbent = Standing({str(i): s for i, s in enumerate(theirs)}, max(a, b))
    candidate = Standing(
        {str(i): max(o, t) for i, (o, t) in enumerate(zip(ours, theirs, strict=False))}, min(a, b)
    )
    assert decide(
        candidate, incumbent, [incumbent] if candidate.cost < incumbent.cost else [], PLANNED, BLOCK
    ) in (
        "",
        *(f"nothing right in {len(candidate.scores)} items",) * (candidate.mean == 0.0),
    )


# -- in the long run


def race(rng: random.Random, ours: float, theirs: float) -> tuple[bool, bool, int]:
    """One race at equal cost over items of different difficulty.

    Returns:
        Whether it was stopped though it could still have made it; whether it would have; items run.
    """
    shifts = [rng.choice((-0.25, 0.0, 0.25)) for _ in range(PLANNED)]
    best = standing("".join(str(int(rng.random() < theirs + shift)) for shift in shifts))
    all_of_it = [str(int(rng.random() < ours + shift)) for shift in shifts]
    makes_it = all_of_it.count("1") >= sum(best.scores.values())
    for n in range(BLOCK, PLANNED, BLOCK):
        why = verdict(standing("".join(all_of_it[:n])), best, best)
        if why:
            return not why.startswith("cannot reach"), makes_it, n
    return False, makes_it, PLANNED


def many(ours: float, theirs: float, races: int = 500) -> tuple[float, float, float]:
    """Share stopped, share of those that would have made it and were stopped, share of items run."""
    rng = random.Random(1)
    runs = [race(rng, ours, theirs) for _ in range(races)]
    lost = [stopped for stopped, makes_it, _ in runs if makes_it]
    run = sum(n for *_, n in runs) / (races * PLANNED)
    return sum(stopped for stopped, *_ in runs) / races, sum(lost) / max(1, len(lost)), run


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.7])
def test_equals_are_seldom_stopped(rate: float) -> None:
    stopped, lost, _ = many(rate, rate)
    assert stopped <= 0.2
    assert lost <= 0.05  # most of those that were stopped would have ended below the incumbent


def test_the_worse_cost_little_and_the_better_go_on() -> None:
    assert many(0.1, 0.7)[2] <= 0.35
    assert many(0.3, 0.7)[2] <= 0.45
    assert many(0.7, 0.5)[1] <= 0.02
