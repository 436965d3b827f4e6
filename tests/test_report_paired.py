"""Statistics of paired comparisons, held against known values and independent computations."""

from __future__ import annotations

import itertools
import math
import random
import statistics

import pytest

from meta_search.report.paired import (
    bounded_mean,
    mean_interval,
    mid_p,
    right_or_wrong,
    tango_interval,
)

Z = 1.959963984540054


@pytest.mark.parametrize(("wins", "losses", "p"), [(0, 0, 1.0), (4, 4, 1.0), (5, 0, 1 / 32), (6, 1, 9 / 128)])
def test_mid_p_by_hand(wins: int, losses: int, p: float) -> None:
    assert mid_p(wins, losses) == mid_p(losses, wins) == pytest.approx(p)


def test_mid_p_is_the_exact_test_less_half_of_what_was_seen() -> None:
    stats = pytest.importorskip("scipy.stats")
    for wins, losses in itertools.product(range(0, 30, 3), range(1, 30, 4)):
        exact = stats.binomtest(wins, wins + losses).pvalue
        if wins != losses:
            assert mid_p(wins, losses) == pytest.approx(exact - stats.binom.pmf(wins, wins + losses, 0.5))
    assert 0 < mid_p(3000, 2800) < 0.01  # integers too long for a float must not overflow


def test_tango_without_disagreement_has_its_closed_form() -> None:
    low, high = tango_interval(0, 0, 36)
    assert high == pytest.approx(Z * Z / (36 + Z * Z), abs=1e-6)
    assert low == pytest.approx(-high, abs=1e-6)


@pytest.mark.parametrize(("wins", "losses", "n"), [(15, 1, 36), (3, 2, 12), (7, 0, 20), (40, 31, 200)])
def test_tango_ends_where_the_score_statistic_is_z(wins: int, losses: int, n: int) -> None:
    """The bounds are found again with a restricted maximum likelihood that is searched, not solved."""
    low, high = tango_interval(wins, losses, n)
    assert low < (wins - losses) / n < high
    for bound, expected in ((low, Z), (high, -Z)):
        variance = n * (2 * _restricted_maximum(wins, losses, n, bound) + bound - bound * bound)
        assert (wins - losses - n * bound) / math.sqrt(variance) == pytest.approx(expected, abs=0.01)
    mirrored = tango_interval(losses, wins, n)
    assert mirrored == pytest.approx((-high, -low), abs=1e-6)


def _restricted_maximum(wins: int, losses: int, n: int, difference: float) -> float:
    """Share of losses that makes the counts most likely, given the difference of wins and losses."""

    def likelihood(share: float) -> float:
        cells = ((wins, share + difference), (losses, share), (n - wins - losses, 1 - 2 * share - difference))
        return sum(k * math.log(max(p, 1e-300)) for k, p in cells if k)

    lowest, highest = max(0.0, -difference), (1 - difference) / 2
    grid = [lowest + (highest - lowest) * i / 20_000 for i in range(20_001)]
    return max(grid, key=likelihood)


def test_tango_covers_what_it_promises() -> None:
    """Exact coverage over all outcomes of 20 items, for a gain of 30 points."""
    n, p_win, p_loss = 20, 0.4, 0.1
    covered = 0.0
    for wins in range(n + 1):
        for losses in range(n + 1 - wins):
            low, high = tango_interval(wins, losses, n)
            if low <= p_win - p_loss <= high:
                ways = math.comb(n, wins) * math.comb(n - wins, losses)
                covered += ways * p_win**wins * p_loss**losses * (1 - p_win - p_loss) ** (n - wins - losses)
    assert 0.93 <= covered <= 0.98


def test_tango_extremes() -> None:
    assert tango_interval(0, 0, 0) == (-1.0, 1.0)
    low, high = tango_interval(10, 0, 10)
    assert 0.4 < low < 1
    assert high == pytest.approx(1.0)
    wide = tango_interval(15, 1, 36, level=0.975)
    narrow = tango_interval(15, 1, 36)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_right_or_wrong_test_and_interval_agree() -> None:
    for n in (8, 12, 24, 42, 100):
        for wins in range(min(n, 24) + 1):
            for losses in range(0, min(n - wins, 24) + 1, 2):
                for level in (0.95, 0.975):
                    found = right_or_wrong(wins, losses, n, level)
                    assert (found.p < 1 - level) == (not found.low <= 0 <= found.high), (wins, losses, n)
                    assert found.low <= (wins - losses) / n <= found.high


@pytest.mark.parametrize("n", [12, 24, 42])
def test_right_or_wrong_errs_no_more_often_than_it_says(n: int) -> None:
    """Exactly, over all outcomes: gains claimed where there is none, by the share of items that differ."""
    claims = [
        (wins, losses)
        for wins in range(n + 1)
        for losses in range(min(wins, n - wins + 1))
        if right_or_wrong(wins, losses, n).p < 0.05
    ]
    for apart in (0.05, 0.1, 0.2, 0.4, 0.7, 1.0):
        wrong = sum(
            math.comb(n, w)
            * math.comb(n - w, lost)
            * (apart / 2) ** (w + lost)
            * (1 - apart) ** (n - w - lost)
            for w, lost in claims
        )
        assert wrong <= 0.033, apart  # 2.5 % on this side, and what the mid-p test may go over it


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_rare_heavy_losses_are_reckoned_with(share: float) -> None:
    """The mean is 0. Most often no loss is seen; a permutation test then finds a gain that is none."""
    rng = random.Random(7)
    drawn = [[share - 1 if rng.random() < share else share for _ in range(24)] for _ in range(60)]
    found = [bounded_mean(values, seed=n) for n, values in enumerate(drawn)]
    assert sum(f.p < 0.05 for f in found) <= 3
    assert sum(not f.low <= 0 <= f.high for f in found) <= 3


def test_bounded_mean_agrees_with_itself_and_is_seeded() -> None:
    rng = random.Random(1)
    for n in (0, 1, 2, 12, 42):
        for gain in (-0.3, 0.0, 0.1, 0.3):
            values = [min(1.0, max(-1.0, rng.gauss(gain, 0.25))) for _ in range(n)]
            found = bounded_mean(values, seed=5)
            assert found == bounded_mean(values, seed=5)
            assert (found.p < 0.05) == (not found.low <= 0 <= found.high)
            assert -1 <= found.low <= sum(values) / max(1, n) <= found.high <= 1
            assert bounded_mean([-v for v in values], seed=5).low == pytest.approx(-found.high, abs=0.01)
    assert bounded_mean([0.0] * 20).p == 1.0
    assert 0 < bounded_mean([0.5] * 60).p < 0.001  # never 0
    assert bounded_mean([0.01] * 5_000).low > 0


def test_bounded_mean_finds_a_gain_that_there_is() -> None:
    rng = random.Random(2)
    drawn = [[rng.betavariate(2, 2) - rng.betavariate(2, 2) + 0.2 for _ in range(60)] for _ in range(40)]
    assert sum(bounded_mean([min(1.0, d) for d in values]).p < 0.05 for values in drawn) >= 34


@pytest.mark.parametrize(("right", "n"), [(17, 20), (80, 100), (20, 20)])
def test_bounded_mean_of_right_and_wrong_is_that_of_clopper_and_pearson(right: int, n: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    exact = stats.binomtest(right, n).proportion_ci(method="exact")
    found = bounded_mean([1.0] * right + [-1.0] * (n - right))
    assert (found.low + 1) / 2 == pytest.approx(exact.low, abs=0.01)
    assert (found.high + 1) / 2 == pytest.approx(exact.high, abs=0.01)


def test_the_interval_of_a_mean_is_students_where_values_are_even_and_wider_where_they_are_skewed() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = random.Random(1)
    even = [rng.gauss(0.2, 0.3) for _ in range(40)]
    low, high = mean_interval(even, seed=5)
    assert (low, high) == pytest.approx(
        stats.t.interval(0.95, 39, statistics.fmean(even), stats.sem(even)), abs=0.03
    )
    assert (low, high) == mean_interval(even, seed=5)
    skewed = [rng.lognormvariate(0, 1) for _ in range(24)]
    low, high = mean_interval(skewed)
    assert high - statistics.fmean(skewed) > 1.2 * (statistics.fmean(skewed) - low)
    assert mean_interval([0.3]) == (-math.inf, math.inf)
    assert mean_interval([2.0] * 9) == (2.0, 2.0)
    few = stats.t.interval(0.95, 1, 1.5, stats.sem([1.0, 2.0]))
    assert mean_interval([1.0, 2.0])[0] == pytest.approx(few[0], rel=0.01)


def test_the_interval_of_skewed_costs_covers_what_it_promises() -> None:
    rng = random.Random(3)
    covered = 0
    for n in range(300):
        low, high = mean_interval([rng.lognormvariate(0, 1) for _ in range(24)], seed=n, draws=1_000)
        covered += low <= math.exp(0.5) <= high
    assert covered >= 268  # 93 % in the long run; percentiles cover 87
