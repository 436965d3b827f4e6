"""Ways of working, with what this run has found of them."""

from __future__ import annotations

from collections.abc import Iterable

from meta_search.authors.author import Context
from meta_search.authors.block_table import BLOCKS
from meta_search.authors.sight.kinds import counts, percent
from meta_search.authors.sight.part import Part
from meta_search.authors.sight.tokens import tokens
from meta_search.authors.views import WayRate

__all__ = ["ways", "ways_lines"]

HEAD = "Ways of working"
FOUND = ", with what all agents of this run that took them came to"


def ways(context: Context) -> Part:
    """The ways that this run knows; in little room without their kinds."""
    lines = ways_lines(context)
    known = bool(context.findings.rates)
    head = f"{HEAD}{FOUND if known else ''}:"
    whole = "\n".join([head, *lines])
    short = "\n".join([head, *ways_lines(context, kinds=False)])

    def shrink(room: int) -> str:
        return next((text for text in (whole, short) if tokens(text) <= room), "")

    return Part("ways", whole, shrink, 0.08, "what ways of working came to")


def ways_lines(context: Context, kinds: bool = True) -> list[str]:
    """One line for each way of working: neutral, then this run's own rates where it has any.

    Args:
        context: Of the brief.
        kinds: Whether the rates of kinds are told too.
    """
    rates = context.findings.rates
    seen = dict.fromkeys((*context.config.ways, *(rate.way for rate in rates)))
    return [f"- {way}: {BLOCKS[way].does}.{_rates(way, rates, kinds)}" for way in seen if way in BLOCKS]


def _rates(way: str, rates: Iterable[WayRate], kinds: bool) -> str:
    mine = [rate for rate in rates if rate.way == way and rate.items]
    over_all = next((rate for rate in mine if not rate.kind), None)
    by_kind = {rate.kind: (rate.right, rate.items) for rate in mine if rate.kind}
    if over_all is None and not by_kind:
        return " Not tried yet." if any(rate.items for rate in rates) else ""
    right, items = (
        (over_all.right, over_all.items)
        if over_all
        else (sum(r for r, _ in by_kind.values()), sum(n for _, n in by_kind.values()))
    )
    cost = f" at {over_all.tokens:.0f} tokens" if over_all and over_all.tokens else ""
    told = f" Here: {percent(right / items)} of {items}{cost}"
    return f"{told} ({counts(by_kind)})." if by_kind and kinds else f"{told}."
