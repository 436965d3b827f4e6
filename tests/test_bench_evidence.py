"""Tests of evidence: small cases by hand, what scipy says, and how often equals are called worse."""

from __future__ import annotations

import random
from itertools import product
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.landscape.evidence import TESTS, Paired, betting, chance, reachable, sign, sign_test

LOST, WON, LEVEL = (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)


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


def test_the_sign_test_pays_for_its_looks() -> None:
    assert sign(Paired((LOST,) * 6 + (LEVEL,) * 9)) == pytest.approx(1 / 64)
    assert sign(Paired((LOST,) * 6, looks=3)) == pytest.approx(3 / 64)
    assert sign(Paired((WON,) * 6, looks=3)) == 1.0


# -- betting


def mixture(worse: int, better: int) -> float:
    """The e-value of a uniform mixture in closed form, as the docstring of `betting` has it."""
    n = worse + better
    below = sum(comb(n + 1, k) for k in range(worse + 1)) / 2 ** (n + 1)
    return below * 2 ** (n + 1) / ((n + 1) * comb(n, worse))


def test_a_bet_by_hand() -> None:
    # ∫ (1 + λ) dλ = 3/2 after one loss; ∫ (1 + λ)² dλ = 7/3 after two.
    assert 1 / betting(Paired((LOST,))) == pytest.approx(3 / 2, rel=1e-3)
    assert 1 / betting(Paired((LOST, LOST))) == pytest.approx(7 / 3, rel=1e-3)
    # A win then a loss: ∫ (1 - λ)(1 + λ) dλ = 2/3, and it was 1/2 before: the most is what it began with.
    assert betting(Paired((WON, LOST))) == 1.0
    # The same two the other way round were worth 3/2 in between, which counts.
    assert 1 / betting(Paired((LOST, WON))) == pytest.approx(3 / 2, rel=1e-3)
    # Graded: ∫ (1 + λ/2) dλ = 5/4.
    assert 1 / betting(Paired(((0.25, 0.75),))) == pytest.approx(5 / 4, rel=1e-3)


@pytest.mark.parametrize(("worse", "better"), [(1, 0), (5, 0), (9, 0), (20, 0), (12, 2), (15, 4)])
def test_bets_on_right_and_wrong_are_the_uniform_mixture(worse: int, better: int) -> None:
    paired = Paired((WON,) * better + (LOST,) * worse)
    assert 1 / betting(paired) == pytest.approx(max(1.0, mixture(worse, better)), rel=0.02)


def test_level_items_bet_nothing() -> None:
    assert betting(Paired((LEVEL,) * 50)) == 1.0
    assert betting(Paired((LEVEL,) * 50 + (LOST,) * 4)) == betting(Paired((LOST,) * 4))


def test_a_bet_can_be_expected_to_gain_nothing_against_equals() -> None:
    """The mean worth over all outcomes of n fair pairs is 1: a martingale, exactly."""
    for n in (1, 2, 5, 8):
        worths = []
        for outcome in product((LOST, WON), repeat=n):
            worth = [1.0] * 64
            for ours, theirs in outcome:
                worth = [w * (1 + (2 * k + 1) / 128 * (theirs - ours)) for k, w in enumerate(worth)]
            worths.append(sum(worth) / 64)
        assert sum(worths) / len(worths) == pytest.approx(1.0)


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("ties", [0.0, 0.5])
def test_equals_are_called_worse_at_most_as_often_as_said_however_often_one_looks(
    alpha: float, ties: float
) -> None:
    rng, called, races = random.Random(7), 0, 1000
    for _ in range(races):
        seen = tuple(LEVEL if rng.random() < ties else rng.choice((LOST, WON)) for _ in range(60))
        called += betting(Paired(seen)) <= alpha  # the most at any time: as if looked at after every item
    assert called / races <= alpha + 2 * (alpha * (1 - alpha) / races) ** 0.5
    assert called > 0


def test_a_sign_test_looked_at_after_every_item_calls_far_too_many_worse() -> None:
    """What the correction is for."""
    rng, called = random.Random(7), 0
    for _ in range(300):
        seen = tuple(rng.choice((LOST, WON)) for _ in range(60))
        called += any(sign(Paired(seen[:n])) <= 0.1 for n in range(1, 61))
    assert called / 300 > 0.2


# -- the chance to end in front


def test_the_chance_by_hand() -> None:
    # Nothing seen: as many wins among three as losses among none, 0 to 3 alike.
    assert chance(Paired((), rest=(0.0,) * 3)) == pytest.approx(1.0)
    assert chance(Paired((), rest=(0.0,) * 3, strict=True)) == pytest.approx(3 / 4)
    # No losses to come to be level: one in four.
    assert chance(Paired((), rest=(1.0,) * 3)) == pytest.approx(1 / 4)
    # One behind of one; one left that the rival gets wrong: 1/2 where nothing of that sort was seen.
    assert chance(Paired((LOST,), rest=(0.0,))) == pytest.approx(1 / 2)
    # Two behind with one to go.
    assert chance(Paired((LOST, LOST), rest=(0.0,))) == 0.0
    # Lost one of one that the rival had right: it loses the next one with (1 + 1)/(1 + 2).
    assert chance(Paired((LOST, WON), rest=(1.0,))) == pytest.approx(1 / 3)


def test_the_chance_is_what_a_simulation_with_the_same_prior_finds() -> None:
    seen = (LOST,) * 2 + (LEVEL,) * 4 + (WON,) + ((0.0, 0.0),) * 2
    rest = (1.0,) * 7 + (0.0,) * 4
    rng, kept = random.Random(3), 0
    for _ in range(20000):
        lose, win = rng.betavariate(1 + 2, 1 + 4), rng.betavariate(1 + 1, 1 + 2)
        losses = sum(rng.random() < lose for _ in range(7))
        wins = sum(rng.random() < win for _ in range(4))
        kept += wins - losses >= 1
    assert chance(Paired(seen, rest)) == pytest.approx(kept / 20000, abs=0.01)


def test_who_cannot_reach_has_no_chance() -> None:
    assert reachable(Paired((LOST,), rest=(0.0,)))
    assert not reachable(Paired((LOST,), rest=(0.0,), strict=True))
    assert not reachable(Paired((LOST,), rest=(1.0,)))
    assert reachable(Paired(((0.2, 0.5),), rest=(0.7,)))
    assert not reachable(Paired(((0.2, 0.5),), rest=(0.75,)))


grades = st.sampled_from([0.0, 0.25, 0.5, 1.0])
pairs = st.lists(st.tuples(grades, grades), max_size=20).map(tuple)


@settings(deadline=None)
@given(pairs, st.lists(grades, max_size=12).map(tuple), st.booleans())
def test_every_test_gives_a_share_and_being_better_never_lowers_it(
    seen: tuple[tuple[float, float], ...], rest: tuple[float, ...], strict: bool
) -> None:
    paired = Paired(seen, rest, 3, strict)
    better = Paired(tuple((max(pair), pair[1]) for pair in seen), rest, 3, strict)
    for test in TESTS.values():
        assert 0.0 <= test(paired) <= 1.0 + 1e-9
    assert chance(Paired(seen, rest, strict=True)) <= chance(Paired(seen, rest)) + 1e-9
    assert betting(paired) <= betting(better)
    assert (chance(paired) > 0.0) <= reachable(paired)


def test_hundreds_of_items_overflow_nothing() -> None:
    seen = (LOST, WON, LEVEL) * 400
    for test in TESTS.values():
        assert 0.0 <= test(Paired(seen + (LOST,) * 1200, (1.0,) * 300)) <= 1.0
