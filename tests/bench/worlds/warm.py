"""A search that begins with what an earlier one has found out, see `guide.prior`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from meta_search.guide.guide import Snapshot
from meta_search.guide.prior import Prior, elsewhere, slot_effects
from meta_search.guide.studies import Study
from tests.bench.landscape.simulate import Simulated
from tests.bench.worlds.places import place
from tests.bench.worlds.recorded import FILES

__all__ = ["warmed"]

APART = 1_000  # between the seeds of a search and of the one before it; even, as both are of one split


def warmed(search: Simulated) -> None:
    """Begin with a search of the same cost. On a recorded landscape it is one of the same domain, on another
    half of the items; of a made world there is no other half, so it is one of another domain: a world of the
    same law."""
    ground, config = search.ground, search.run.config
    same = ground.name in FILES
    other = place(ground.name, ground.seed + APART).world()
    earlier = Simulated(other, replace(config, seed=config.seed + APART), most_calls=search.most_calls)
    earlier.simulate()
    briefs, designs = (tuple(_told(study)) for study in (earlier.guide.briefs, earlier.guide.designs))
    prior = Prior(
        briefs=briefs if same else (),
        runs=1,
        elsewhere=() if same else (elsewhere(briefs),),
        slots=slot_effects(designs, same),
    )
    search.guide.restore(Snapshot(prior=prior))
    search.guide.recall(prior)


def _told(study: Study) -> list[tuple[Mapping[str, Any], float]]:
    """The trials of a study that have a value, as an archive keeps them."""
    exported = ((study.export(number), value) for number, _, value in study.rows())
    return [
        ({name: told for name, told in params.items() if name != "_distributions"}, value)
        for params, value in exported
        if value is not None
    ]
