"""Which difference a number of test items can show at all."""

from __future__ import annotations

from itertools import count

from meta_search.report.comparing import ALPHA
from meta_search.report.paired import sign_test

__all__ = ["least_wins", "power_line"]

COARSE = 0.2  # a gain that a run may well find: where only larger ones can be shown, it is said


def least_wins(finalists: int) -> int:
    """Items that the best finalist must win, without losing any, for its gain to be significant.

    By the test of the verdict on right/wrong items: McNemar's exact test, Holm-corrected over the finalists.
    """
    return next(n for n in count(1) if max(1, finalists) * sign_test(n, 0) < ALPHA)


def power_line(items: int, finalists: int) -> str:
    """What too few test items mean and what to do, one line; `""` where there are enough.

    Args:
        items: Test items that finalists and baselines meet on.
        finalists: How many finalists there are.
    """
    wins = least_wins(finalists)
    if not items or wins / items <= COARSE:
        return ""
    wanted = -(-wins * 100 // int(100 * COARSE))
    more = f"{wanted} items show {COARSE * 100:.0f} points (domain.sizes.test, or more rows)"
    if finalists > 1 and least_wins(1) < wins:
        more += ", and search.finalists=1 needs fewer"
    if wins > items:
        return f"with {items} test items no gain can be significant: at least {wins} are needed; {more}"
    points = -(-100 * wins // items)
    return f"with {items} test items only a gain of {points} points or more can be significant; {more}"
