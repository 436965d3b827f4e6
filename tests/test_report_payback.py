"""Break-even by hand: uses after which a found agent has saved what the search paid."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from meta_search.report.paired import mean_interval
from meta_search.report.payback import Paid, Payback, payback, payback_text, uses_text
from meta_search.report.standing import Contender
from tests.kits.list_archive import item_result


def contender(name: str, tokens: Sequence[int], right: int, usd: float = 0.0) -> Contender:
    rows = [item_result(name, f"i{i}", float(i < right), n, usd=usd) for i, n in enumerate(tokens)]
    return Contender.of(name, name, rows)


def found(mine: Sequence[int], other: Sequence[int], right: tuple[int, int], paid: Paid) -> Payback:
    result = payback(contender("X", mine, right[0]), contender("Y", other, right[1]), paid)
    assert result is not None
    return result


PAID = Paid(tokens=10_000)


def test_cheaper_and_no_worse_pays_back_after_paid_by_saving() -> None:
    it = found([100] * 80, [130] * 80, (60, 60), PAID)
    assert (it.case, it.saving, it.uses, it.soonest, it.latest) == ("pays_back", 30.0, 334, 334, 334)
    assert payback_text(it, 6_700) == (
        "The run paid 10,000 tokens in 1 h 52 min; the agent saves 30 tokens [30, 30] per use compared with "
        "Y and pays for itself after 334 uses [334, 334]."
    )
    assert uses_text(it) == "334"


def test_cheaper_and_perhaps_worse_is_not_said_to_pay_back() -> None:
    it = found([100] * 8, [130] * 8, (6, 6), PAID)
    assert (it.case, it.uses) == ("unsure", None)
    assert payback_text(it) == (
        "The run paid 10,000 tokens; the agent saves 30 tokens [30, 30] per use compared with Y, but that it "
        "scores no worse was not shown (it may be 32 points worse), so no break-even is claimed."
    )
    assert uses_text(it) == "not shown"


@pytest.mark.parametrize("items", [24, 48, 120])
def test_an_agent_that_is_truly_worse_hardly_ever_pays_back(items: int) -> None:
    """Cheaper, and 10 points worse: 26 % of such agents were said to pay back, on 24 items."""
    rng, said = random.Random(items), 0
    for _ in range(200):
        both = [(float(rng.random() < 0.6), float(rng.random() < 0.7)) for _ in range(items)]
        mine, other = (
            Contender.of(
                name, name, [item_result(name, f"i{n}", pair[side], 50) for n, pair in enumerate(both)]
            )
            for side, name in enumerate("XY")
        )
        costs = dict.fromkeys(other.scores, (100.0, 0.0, 1.0))
        result = payback(mine, replace(other, costs=costs), PAID)
        assert result is not None
        said += result.case == "pays_back"
    assert said <= 10


def test_the_interval_of_uses_is_that_of_the_saving() -> None:
    other = [110, 120, 130, 140, 150, 160, 170, 180] * 10
    it = found([100] * 80, other, (60, 60), PAID)
    low, high = mean_interval([n - 100 for n in other], draws=2_000)
    assert (it.low, it.high) == pytest.approx((low, high), rel=0.02)  # drawn in another order of the items
    assert 0 < low < it.saving == 45.0 < high
    assert it.uses == 223  # 10,000 / 45, rounded up
    assert it.soonest is not None
    assert it.latest is not None
    assert it.soonest < it.uses < it.latest


def test_dearer_never_pays_back_and_its_right_answers_have_a_price() -> None:
    it = found([150] * 10, [100] * 10, (8, 6), PAID)
    assert (it.case, it.uses, it.each) == ("buys", None, pytest.approx(250.0))  # 50 more, for 0.2 more right
    assert payback_text(it, sure=False) == (
        "The run paid 10,000 tokens; the agent uses 50 tokens [50, 50] more per use than Y and never pays "
        "for itself; each additional right answer costs 250 tokens, if it is better at all."
    )
    assert "at all" not in payback_text(it)
    assert uses_text(it) == "never"
    worse = found([150] * 10, [100] * 10, (6, 6), PAID)
    assert (worse.case, worse.each) == ("never", None)
    assert payback_text(worse) == (
        "The run paid 10,000 tokens and will not recover that: the agent uses 50 tokens [50, 50] more per "
        "use than Y and scored no better."
    )


def test_cheaper_but_worse_claims_no_break_even() -> None:
    it = found([60] * 10, [100] * 10, (5, 7), PAID)
    assert (it.case, it.uses, it.each) == ("gives_up", None, pytest.approx(200.0))
    assert "each right answer given up saves 200 tokens" in payback_text(it)
    assert uses_text(it) == "never"


def test_a_saving_that_may_be_none_is_not_shown() -> None:
    it = found([100, 100, 100, 100], [60, 150, 70, 130], (3, 3), PAID)
    assert it.case == "unclear"
    assert it.low < 0 < it.high
    assert "was not shown (2.5 tokens [-" in payback_text(it)
    assert uses_text(it) == "not shown"


def test_money_counts_where_calls_have_a_price() -> None:
    mine, other = contender("X", [900] * 80, 60, usd=0.001), contender("Y", [100] * 80, 60, usd=0.003)
    it = payback(mine, other, Paid(tokens=50_000, usd=4.0))
    assert it is not None
    assert (it.unit, it.uses) == ("USD", 2_000)
    assert "The run paid $4.00; the agent saves $0.002 [0.002, 0.002] per use" in payback_text(it)


def test_costs_are_per_item_and_repeats_of_one_are_averaged() -> None:
    rows = [item_result("X", f"i{i}", 1.0, 40 * (r + 1), repeat=r) for i in range(3) for r in range(2)]
    it = payback(Contender.of("X", "X", rows), contender("Y", [100] * 3, 3), PAID)
    assert it is not None
    assert it.saving == 40.0  # 100 - (40 + 80) / 2


@pytest.mark.parametrize("paid", [Paid(), Paid(seconds=3.0)])
def test_without_what_was_paid_there_is_none(paid: Paid) -> None:
    assert payback(contender("X", [1] * 4, 3), contender("Y", [2] * 4, 3), paid) is None
    assert payback(contender("X", [1], 1), contender("Y", [2], 1), PAID) is None
    assert uses_text(None) == "-"
    assert Paid.of(None) == Paid()
