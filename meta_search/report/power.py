"""Which difference a number of test items can show at all."""

from __future__ import annotations

from functools import cache
from itertools import count

from meta_search.report.comparing import ALPHA
from meta_search.report.paired import right_or_wrong

__all__ = ["least_wins", "power_line"]

COARSE = 0.2  # a gain that a run may well find: where only larger ones can be shown, it is said


@cache
def least_wins() -> int:
    """Items that the best finalist must win, without losing any, for its gain to be significant.

    By the test of the verdict on right/wrong items. The best finalist is tested first, so that it takes no
    more where there are several.
    """
    return next(n for n in count(1) if right_or_wrong(n, 0, n).p < ALPHA)


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
    points = -(-100 * wins // items)
    return f"with {items} test items only a gain of {points} points or more can be significant; {more}"
