"""Ways to search a world. What comes (surrogate, bandit, races) adds an entry, and one for each use left out.

An entry changes the configuration, prepares the search before it begins, or holds something in force during
it, see `Strategy`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from meta_search.guide.guide import Snapshot
from meta_search.guide.studies import Study
from tests.bench.landscape.simulate import Simulated
from tests.bench.landscape.strategies import STRATEGIES as RECORDED
from tests.bench.landscape.strategies import Strategy
from tests.bench.worlds.past import in_force
from tests.bench.worlds.warm import warmed

__all__ = ["ORACLE", "PAST", "STRATEGIES"]

PAST = "old default"
ORACLE = "oracle"  # no search: seeds, teaching, and the best design at once


def uniform(search: Simulated) -> None:
    """The opening as it is; every brief and design after it drawn uniformly. All else is as it is: races, and
    by what the search chooses."""
    guide: Any = search.guide
    seed = search.run.config.seed
    if hasattr(guide, "uses"):  # of a surrogate, which would propose designs
        guide.uses = replace(guide.uses, designs=False)
        guide.surrogate.uses = guide.uses
    guide.briefs = Study("briefs", seed, ["maximize"], guided=False)
    guide.designs = Study("designs", seed, ["maximize"], guided=False)
    guide._open(Snapshot())


def using(**uses: object) -> Callable[[Simulated], None]:
    """The guide's surrogate with some of its uses changed, see `Uses`."""

    def prepare(search: Simulated) -> None:
        guide = search.guide
        guide.uses = replace(guide.uses, **uses)  # type: ignore[arg-type]
        assert guide.surrogate is not None
        guide.surrogate.uses = guide.uses

    return prepare


def composed(proposals: str = "surrogate", **uses: object) -> Callable[[Simulated], None]:
    """One bootstrap, then nothing but new designs of the composer.

    Args:
        proposals: By the surrogate, by TPE, or uniform.
        uses: Of the surrogate.
    """

    def prepare(search: Simulated) -> None:
        seed = search.run.config.seed
        using(designs=proposals == "surrogate", **uses)(search)
        search.guide.designs = Study("designs", seed, ["maximize"], guided=proposals != "uniform")
        briefs = search.guide.briefs = Study("briefs", seed, ["maximize"])
        for number in range(search.run.config.most_candidates):
            operator = "novel" if number else "bootstrap"
            briefs.enqueue({"operator": operator, "author": "composer", "parents": "best", **REST})

    return prepare


REST = {"inspirations": 0, "temperature": 0.6, "format": "plan"}
STRATEGIES: dict[str, Strategy] = {
    "default": RECORDED["default"],
    PAST: Strategy("the default search as it was before the surrogate, but for its races", during=in_force),
    "uniform": Strategy("the default with uniform proposals after the opening", prepare=uniform),
    "random": RECORDED["random"],
    "without racing": RECORDED["without racing"],
    "without opening": RECORDED["without opening"],
    "warm": Strategy("the default after a search of the same cost, see `warm`", prepare=warmed),
    "default, TPE": Strategy(
        "designs by TPE, finalists by raw scores", prepare=using(designs=False, finalists=False)
    ),
    "surrogate": Strategy("one bootstrap, then designs by expected improvement per cost", prepare=composed()),
    "surrogate, draws": Strategy("the same by Thompson sampling", prepare=composed(aim="draw")),
    "surrogate, both": Strategy("one as often as the other", prepare=composed(aim="both")),
    "surrogate, cost ignored": Strategy("the same, cost ignored", prepare=composed(costs=False)),
    "surrogate, items alike": Strategy("the same, items equally hard", prepare=composed(items=False)),
    "surrogate, raw choice": Strategy("the same, choice by raw scores", prepare=composed(finalists=False)),
    "TPE": Strategy("one bootstrap, then designs by TPE", prepare=composed("TPE")),
    "uniform designs": Strategy("one bootstrap, then designs drawn uniformly", prepare=composed("uniform")),
    "uniform designs, raw choice": Strategy(
        "the same, choice by raw scores", prepare=composed("uniform", finalists=False)
    ),
}
