"""Racing: each rule by itself, and that agents as good as the best are seldom stopped."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.guide.evidence import Paired, betting, sign
from meta_search.guide.racing import FAIR, Race, Standing, decide, last_finalist, too_expensive

PLANNED, BLOCK = 24, 6
RACE, ONE = Race(PLANNED, BLOCK), Race(PLANNED, BLOCK, finalists=1)


def standing(scores: str, cost: float = 1.0, first: int = 0) -> Standing:
    """From right (1) and wrong (0) on items in order."""
    return Standing({f"item {first + i}": float(s) for i, s in enumerate(scores)}, cost)


def verdict(candidate: Standing, incumbent: Standing | None, *others: Standing) -> str:
    """Against one finalist, where no others are named: the incumbent."""
    complete = [s for s in (incumbent, *others) if s is not None]
    return decide(candidate, incumbent, complete, ONE)


BEST = standing("1" * 18 + "0" * 6)


# -- rules


def test_how_dear_it_is_is_seen_on_the_items_that_both_have_run() -> None:
    long_first = {f"item {i}": 200.0 if i < 3 else 80.0 for i in range(PLANNED)}
    rival = Standing(dict.fromkeys(long_first, 1.0), 95.0, long_first)
    seen = dict.fromkeys(list(long_first)[:3], 1.0)
    equal = Standing(seen, 200.0, dict.fromkeys(seen, 200.0))
    assert verdict(equal, rival) == ""
    dear = Standing(seen, 300.0, dict.fromkeys(seen, 300.0))
    assert (
        verdict(dear, rival)
        == "cannot beat the best even if every remaining item is right (costs 1.5× as much)"
    )


MUCH = "costs {} as much as most agents: its evaluation would take {} of the budget left"


@pytest.mark.parametrize(
    ("score", "cost", "share", "told"),
    [
        (0.0, 1000.0, 0.9, MUCH.format("10×", "90%")),
        (1.0, 50_000.0, 7.0, MUCH.format("500×", "100%")),
        (1.0, 10**7, 7.0, "costs more than most agents: its evaluation would take 100% of the budget left"),
        (1.0, 1000.0, 0.9, ""),  # right so far, and it can be paid
        (0.0, 1000.0, FAIR, ""),  # the search can pay for it
        (0.0, 900.0, 0.9, ""),  # no outlier
    ],
)
def test_an_outlier_that_the_budget_cannot_pay_is_stopped(
    score: float, cost: float, share: float, told: str
) -> None:
    """One of the complete agents is as expensive: it is what most cost that counts."""
    complete = [Standing({"item 0": 1.0}, c, {"item 0": c}) for c in (100.0, 80.0, 5000.0, 100.0)]
    candidate = Standing({"item 0": score}, cost, {"item 0": cost})
    assert too_expensive(candidate, complete, share) == told
    assert too_expensive(candidate, [], share) == ""
    assert too_expensive(Standing({}, 0.0), complete, share) == ""


def test_what_asks_no_model_is_free_and_no_ratio() -> None:
    told = verdict(standing("110000", cost=49.0), standing("1" * 24, cost=0.0))
    assert told.endswith("even if every remaining item is right (costs more: that one is free)")


def test_it_names_the_place_that_it_races_for() -> None:
    complete = [BEST, standing("1" * 12 + "0" * 12), standing("0" * 24)]
    told = decide(standing("0" * 6 + "1" * 6), BEST, complete, RACE)
    assert told.endswith("chance to match the best")
    told = decide(standing("0" * 6 + "1" * 6), BEST, [*complete, *[BEST] * 3], RACE)
    assert told.endswith("chance to make the top 2")


def test_without_an_incumbent_everything_goes_on() -> None:
    assert decide(standing("000000"), None, [], RACE) == ""


def test_a_few_items_or_all_of_them_decide_nothing() -> None:
    assert verdict(standing("00"), BEST) == ""
    assert verdict(standing("0" * PLANNED), BEST) == ""


def test_nothing_right() -> None:
    assert verdict(standing("000000"), BEST) == "nothing right in 6 items"
    assert "nothing right" not in verdict(standing("00000"), BEST)  # not a block yet


def test_nothing_right_says_little_where_the_best_has_little_right() -> None:
    poor = standing("0" * 20 + "1111")
    assert verdict(standing("000000"), poor) == ""
    assert "nothing right" in verdict(standing("0" * 18), poor)


def test_worse_on_the_same_items() -> None:
    best = standing("1111111" + "1" * 10 + "0" * 7)
    assert verdict(standing("1000001"), best) == "5 items behind with 17 to go: 0.5% chance to match the best"
    assert verdict(standing("1100111"), best) == ""


def test_out_of_reach() -> None:
    best = standing("0" * 9 + "1" * 15)
    candidate = standing("111111110000000000")
    assert verdict(candidate, best) == "cannot match the best even if every remaining item is right"
    hopeful = decide(
        standing("111111111000000000"), best, [best], Race(PLANNED, BLOCK, 1, lambda paired: 1.0)
    )
    assert hopeful == ""  # it can still draw level, whatever a test says of that


def test_a_dear_one_must_end_above_not_level() -> None:
    best = standing("0" * 9 + "1" * 15, cost=1.0)
    level = standing("111111111000000000", cost=2.0)
    assert verdict(level, best) == (
        "cannot beat the best even if every remaining item is right (costs 2.0× as much)"
    )
    assert verdict(standing("111111111100000000", cost=2.0), best) != ""
    nearly = standing("111111111000000000", cost=1.05)  # costs differ from item to item
    assert not verdict(nearly, best).startswith("cannot")


def test_a_dear_one_that_is_level_after_a_few_items_goes_on() -> None:
    """It may win on those that the best gets wrong. Falling behind stops it, the dearer the sooner."""
    for cost in (4.0, 9.0):
        assert verdict(standing("111", cost=cost), BEST) == ""
    assert verdict(standing("110", cost=2.0), BEST) == ""
    assert verdict(standing("110", cost=4.0), BEST).startswith("1 item behind with 21 to go")
    assert verdict(standing("1" * 18, cost=1.0), BEST) == ""
    assert verdict(standing("1" * 18 + "00000", cost=9.0), BEST).startswith("level with 1 to go")


def test_the_dearer_the_better_must_its_odds_be() -> None:
    best = standing("1" * 18 + "0" * 6)
    behind = "111100"
    assert verdict(standing(behind, cost=1.2), best) == ""
    assert verdict(standing(behind, cost=3.0), best).endswith("chance to beat the best (costs 3.0× as much)")


def test_the_race_is_against_the_last_finalist_not_the_best() -> None:
    best, second = standing("1" * 24), standing("1" * 16 + "0" * 8)
    others = [standing("1" * 5 + "0" * 19)] * 4
    candidate = standing("111110111110")
    assert decide(candidate, best, [best, second, *others], RACE) == ""
    assert "cannot match" in decide(candidate, best, [best, second, *others], ONE)


def test_while_few_are_complete_fewer_places_count() -> None:
    ranked = [standing("1" * n + "0" * (24 - n)) for n in (20, 18, 16, 14, 12, 10)]
    assert last_finalist(ranked[:1], 2) is ranked[0]
    assert last_finalist(ranked[:3], 2) is ranked[0]
    assert last_finalist(ranked[:4], 2) is ranked[1]
    assert last_finalist(ranked, 2) is ranked[1]
    assert last_finalist(ranked[::-1] * 3, 3).mean == ranked[0].mean  # three of the same score
    cheap = standing("1" * 20 + "0" * 4, cost=0.5)
    assert last_finalist([ranked[0], cheap], 1) is cheap


def test_while_nobody_is_complete_only_the_surely_worse_are_stopped() -> None:
    promising = standing("111111111")
    found = decide(standing("000000001"), promising, [], RACE)
    assert found.startswith("8 items behind and significantly worse")
    assert decide(standing("000001111"), promising, [], RACE) == ""


def test_items_that_the_incumbent_lacks_are_no_evidence() -> None:
    assert decide(standing("0000001"), standing("1" * 23, first=100), [], RACE) == ""
    assert decide(standing("0000001"), BEST, [standing("1" * 23, first=100)], RACE) == ""


def test_another_test_and_threshold_can_be_asked_for() -> None:
    candidate, best = standing("1000001"), standing("1" * 17 + "0" * 7)
    for test in (sign, betting):
        assert decide(candidate, best, [best], Race(PLANNED, BLOCK, 1, test, 0.0)) == ""
        assert decide(candidate, best, [best], Race(PLANNED, BLOCK, 1, test, 0.1)) != ""

    def never(paired: Paired) -> float:
        return float(len(paired.seen) != 7)

    assert decide(candidate, best, [best], Race(PLANNED, BLOCK, 1, never, 0.0)) != ""


def test_graded_scores() -> None:
    best = Standing({f"item {i}": 0.5 for i in range(24)}, 1.0)
    worse = Standing({f"item {i}": 0.2 for i in range(12)}, 1.0)
    better = Standing({f"item {i}": 0.6 for i in range(12)}, 1.0)
    assert verdict(worse, best).startswith("3.6 items behind with 12 to go")
    assert verdict(better, best) == ""


scores = st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=24)


@settings(deadline=None)
@given(scores, scores, st.floats(0, 100), st.floats(0, 100))
def test_the_incumbent_would_pass_its_own_race(
    ours: list[float], theirs: list[float], a: float, b: float
) -> None:
    """Whoever is ahead on every item that it can be, at no more cost, is not stopped."""
    full = [*theirs, *[0.0] * (PLANNED - len(theirs))]
    incumbent = Standing({str(i): s for i, s in enumerate(full)}, max(a, b))
    candidate = Standing(
        {str(i): max(o, t) for i, (o, t) in enumerate(zip(ours, theirs, strict=False))}, min(a, b)
    )
    found = decide(candidate, incumbent, [incumbent], RACE)
    assert found == "" or candidate.mean == 0.0


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
        why = verdict(standing("".join(all_of_it[:n])), best)
        if why:
            return not why.startswith("cannot match"), makes_it, n
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
    assert stopped <= 0.25
    assert lost <= 0.05  # nearly all that were stopped would have ended below the incumbent


def test_the_worse_cost_little_and_the_better_go_on() -> None:
    assert many(0.1, 0.7)[2] <= 0.35
    assert many(0.3, 0.7)[2] <= 0.45
    assert many(0.7, 0.5)[1] <= 0.02
