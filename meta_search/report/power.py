"""Which difference a number of test items can show at all."""

from __future__ import annotations

from functools import cache
from itertools import count
from math import comb

from meta_search.report.comparing import ALPHA
from meta_search.report.paired import right_or_wrong

__all__ = ["detectable", "few_items_line", "least_wins", "power_line", "shown_line"]

POWER = 0.8  # chance of a run to show a gain that is there
FEW_VALIDATION = 10  # items, fewer than which choose hardly better than chance
WANTED_VALIDATION = 18  # what `evaluate.items` takes by itself
COARSE = 0.2  # a gain that a run may well find: where only larger ones can be shown, it is said


@cache
def least_wins() -> int:
    """Items that the best finalist must win, without losing any, for its gain to be significant.

    By the test of the verdict on right/wrong items. The best finalist is tested first, so that it takes no
    more where there are several.
    """
    return next(n for n in count(1) if right_or_wrong(n, 0, n).p < ALPHA)


@cache
def detectable(items: int) -> float | None:
    """The true gain that so many test items show in four of five runs, as a share of the items, 0..1.

    At best: of an agent that loses no item to the baseline, by the verdict's own test (`least_wins`); one
    that loses some needs more items. `None` where no gain is shown as often.
    """
    wins = least_wins()

    def power(gain: float) -> float:
        return 1.0 - sum(
            comb(items, k) * gain**k * (1 - gain) ** (items - k) for k in range(min(wins, items + 1))
        )

    return next((step / 100 for step in range(1, 101) if wins <= items and power(step / 100) >= POWER), None)


def power_line(items: int) -> str:
    """What too few test items mean and what to do, one line; `""` where there are enough.

    Args:
        items: Test items that finalists and baselines meet on.
    """
    wins = least_wins()
    if not items or wins / items <= COARSE:
        return ""
    wanted = -(-wins * 100 // int(100 * COARSE))
    more = f"{wanted} items show {COARSE * 100:.0f} points (domain.sizes.test, or more rows)"
    if wins > items:
        return f"with {items} test items no gain can be significant: at least {wins} are needed; {more}"
    points, sure = -(-100 * wins // items), detectable(items)
    often = f", and one of {max(points, round(100 * sure))} or more is found in 4 of 5 runs" if sure else ""
    return f"with {items} test items only a gain of {points} points or more can be significant{often}; {more}"


def shown_line(items: int) -> str:
    """Which difference the planned test items can show, one line; `""` where none, or see `power_line`."""
    sure = detectable(items)
    if sure is None or power_line(items):
        return ""
    often = f"a true gain of {100 * sure:.0f} points is found in 4 of 5 runs"
    return f"with {items} test items {often}, at best: where the agent found loses no item to the baseline"


def few_items_line(folds: int, validation: int, there: int = 0) -> str:
    """What few validation items mean for the choice of finalists, and what to do, one line; `""` for enough.

    Args:
        folds: `evaluate.folds`.
        validation: Validation items that are evaluated.
        there: Validation items that the domain has.
    """
    if folds or not 0 < validation < FEW_VALIDATION:
        return ""
    items = "1 validation item tells" if validation == 1 else f"{validation} validation items tell"
    if there >= FEW_VALIDATION:
        more = f"evaluate.items={min(there, WANTED_VALIDATION)} takes more of the {there}"
        return f"{items} agents apart badly: {more}"
    return f"{items} agents apart badly: evaluate.folds=3 chooses by train and validation items together"
