"""The strategies of search that are compared on the landscape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from meta_search.guide.guide import PLAIN_RULES, Snapshot
from meta_search.guide.studies import Study
from tests.bench.landscape.simulate import OPERATORS, Simulated, Trace, configuration
from tests.bench.landscape.table import Landscape

__all__ = ["STRATEGIES", "Strategy", "searches"]


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to search.

    Attributes:
        about: What it is, in a line.
        changes: Of the configuration of the default search, see `configuration`.
        prepare: Called with a search before it starts.
        during: Makes what is in force from before a search is built to its end.
    """

    about: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Simulated], None] = lambda search: None
    during: Callable[[], AbstractContextManager[object]] = nullcontext


def searches(
    landscape: Landscape,
    strategy: Strategy,
    seeds: Sequence[int],
    candidates: int,
    calls: int,
    recorded: bool = False,
) -> list[Trace]:
    """One search a seed.

    Args:
        candidates, calls: Where a search ends: briefs, used calls.
        recorded: The recorded first half is searched on, in place of another half for every seed.
    """
    traces = []
    for seed in seeds:
        half = landscape if recorded else landscape.shuffled(seed)
        config = configuration(seed, candidates, **strategy.changes)
        with strategy.during():
            search = Simulated(half, config, most_calls=calls)
            strategy.prepare(search)
            traces.append(search.simulate())
    return traces


def once(search: Simulated) -> None:
    """The guide as it was before the bandit: the long opening, then TPE."""
    guide = search.guide
    guide._bandit, guide._rules = False, PLAIN_RULES
    guide.restore(Snapshot())


def unguided_briefs(search: Simulated) -> None:
    """Briefs drawn at random; designs and tuning as they were."""
    search.guide.briefs = Study("briefs", search.run.config.seed, ["maximize"], guided=False)


def no_opening(search: Simulated) -> None:
    """Briefs and designs by the sampler from the first on."""
    seed = search.run.config.seed
    search.guide.briefs = Study("briefs", seed, ["maximize"])
    search.guide.designs = Study("designs", seed, ["maximize"])


SCHEDULE = {"guided": False, "racing": False, "in_flight": 1}
STRATEGIES: dict[str, Strategy] = {
    "default": Strategy("the default search, the composer its only author"),
    "opening and TPE": Strategy("briefs by the long opening and TPE, as once", prepare=once),
    "random": Strategy(
        "without a guide: briefs and designs drawn uniformly; races as the default", {"guided": False}
    ),
    "adas schedule": Strategy(
        "no guide, one at a time, every candidate on all items; all operators", SCHEDULE
    ),
    "adas schedule, novel only": Strategy(
        "the same without operators: every candidate is a new design", {**SCHEDULE, "operators": ("novel",)}
    ),
    "without racing": Strategy("the default, every candidate on all items", {"racing": False}),
    "without tuning": Strategy("the default without the operator tune", {"operators": OPERATORS[:-1]}),
    "without briefs": Strategy("the default, its briefs drawn uniformly", prepare=unguided_briefs),
    "without opening": Strategy("the default, its first briefs left to the sampler", prepare=no_opening),
}
