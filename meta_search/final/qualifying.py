"""Which seeds the final report tests: by their chance to be the best, on train and validation items.

In a search seeds are raced as all agents are, and stopped after a few items where they can hardly become a
finalist: what is left of them is a few items that say little. A baseline that is weaker than the best seed
makes any agent look good. So before the report, those seeds whose chance to be the best is open go on to more
items, and the report tests as many seeds as it takes to have the best one among them, within limits. Test
items are looked at by nobody yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meta_search.guide.best_seed import chance_to_be_best

__all__ = ["BASELINES", "MOST_BASELINES", "chosen", "next_lap", "ranked"]

BASELINES = 2  # seeds that are tested at least, where there are as many
MOST_BASELINES = 3
SURE = 0.9  # chance to have the best seed among the tested at which no further ones are tested
OPEN = 0.1  # chance, of all seeds that would not be tested together, below which nothing more is run for them
NEGLIGIBLE = 0.02  # of one seed


def ranked(scores: Sequence[Mapping[str, float]]) -> list[tuple[int, float]]:
    """Places of seeds and their chances to be the best, the likeliest first; the first named of equals.

    Args:
        scores: Of each seed, item -> score, 0..1.
    """
    found = enumerate(chance_to_be_best(scores))
    return sorted(found, key=lambda pair: -pair[1])


def chosen(order: Sequence[tuple[int, float]]) -> list[int]:
    """Places of the seeds to test: until their chances come to `SURE`, within the limits above."""
    picked: list[int] = []
    sure = 0.0
    for place, chance in order:
        if len(picked) >= MOST_BASELINES or (len(picked) >= BASELINES and sure >= SURE):
            break
        picked.append(place)
        sure += chance
    return picked


def next_lap(scores: Sequence[Mapping[str, float]], missing: Sequence[bool]) -> list[int]:
    """Places of the seeds that are to run further items next; empty where nothing that matters is open.

    Those with items left go on whose chance is not negligible, as long as there is a fair chance that none of
    the tested would be the best.

    Args:
        scores: Of each seed, item -> score, 0..1.
        missing: Whether it has items left to run.
    """
    order = ranked(scores)
    tested = chosen(order)
    if sum(chance for place, chance in order if place not in tested) < OPEN:
        return []
    return [place for place, chance in order if missing[place] and chance >= NEGLIGIBLE]
