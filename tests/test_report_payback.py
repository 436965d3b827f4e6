"""Break-even by hand: uses after which a found agent has saved what the search paid."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from meta_search.report.paired import bootstrap_mean
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
    it = found([100] * 8, [130] * 8, (6, 6), PAID)
    assert (it.case, it.saving, it.uses, it.soonest, it.latest) == ("pays_back", 30.0, 334, 334, 334)
    assert payback_text(it, 6_700) == (
        "The run paid 10,000 tokens in 1 h 52 min; the agent saves 30 tokens [30, 30] per use compared with "
        "Y and pays for itself after 334 uses [334, 334]."
    )
    assert uses_text(it) == "334"


def test_the_interval_of_uses_is_that_of_the_saving() -> None:
    other = [110, 120, 130, 140, 150, 160, 170, 180]
    it = found([100] * 8, other, (6, 5), PAID)
    low, high = bootstrap_mean([n - 100 for n in other], draws=2_000)
    assert (it.low, it.high) == (low, high)
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
    mine, other = contender("X", [900] * 4, 3, usd=0.001), contender("Y", [100] * 4, 3, usd=0.003)
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
