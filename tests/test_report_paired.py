"""Statistics of paired comparisons, held against known values and independent computations."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from meta_search.report.paired import bootstrap_interval, holm, sign_flip_test, sign_test, tango_interval

Z = 1.959963984540054


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (15, 1, 34 / 2**16), (6, 0, 2 / 2**6), (1, 15, 34 / 2**16), (1, 0, 1.0)],
)
def test_sign_test_by_hand(wins: int, losses: int, p: float) -> None:
    assert sign_test(wins, losses) == pytest.approx(p)


def test_sign_test_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for wins, losses in itertools.product(range(0, 30, 3), range(1, 30, 4)):
        expected = stats.binomtest(wins, wins + losses).pvalue
        assert sign_test(wins, losses) == pytest.approx(expected)
    assert 0 < sign_test(3000, 2800) < 0.01  # integers too long for a float must not overflow


def test_sign_flip_test_is_the_sign_test_on_equal_steps() -> None:
    assert sign_flip_test([1.0] * 9 + [-1.0] * 2 + [0.0] * 20) == pytest.approx(sign_test(9, 2))


def test_drawn_sign_flips_come_close_to_the_exact_test() -> None:
    differences = [1.0] * 19 + [-1.0] * 8
    p = sign_flip_test(differences, seed=3)
    assert p == pytest.approx(sign_test(19, 8), abs=0.01)
    assert p == sign_flip_test(differences, seed=3)
    assert 0 < sign_flip_test([0.5] * 60, seed=3) < 0.001  # never 0


def test_holm_by_hand_and_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


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


def test_bootstrap_interval_is_seeded_and_holds_the_mean() -> None:
    rng = random.Random(1)
    differences = [rng.gauss(0.2, 0.3) for _ in range(40)]
    low, high = bootstrap_interval(differences, seed=5)
    half = Z * (sum((d - sum(differences) / 40) ** 2 for d in differences) / 39 / 40) ** 0.5
    assert low < sum(differences) / 40 < high
    assert high - low == pytest.approx(2 * half, rel=0.1)
    assert (low, high) == bootstrap_interval(differences, seed=5)
    assert bootstrap_interval([0.3]) == (-1.0, 1.0)
