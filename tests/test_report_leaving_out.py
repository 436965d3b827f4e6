"""An agent must not choose which items count: what leaving items out does to a verdict, and to a choice."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from meta_search.types import OutcomeKind
from tests.kits.leaving_out import WAYS, simulated

SEARCHES = 200


KINDS: tuple[OutcomeKind, ...] = ("llm", "scorer", "declined")


def test_no_way_to_leave_items_out_has_ever_beaten_the_baselines() -> None:
    """200 simulated searches: the agent knows what it gets wrong, and its own answers are no better.

    By the rule before, that what came to no score was left out of both sides, 111 of 200 said "beats".
    """
    found = Counter[str]()
    for number in range(SEARCHES):
        rng = random.Random(number)
        report = simulated(rng)
        name, kind = rng.choice(list(WAYS)), rng.choice(KINDS)
        WAYS[name](report, rng, kind)
        outcome = report.verdict().outcome
        assert outcome not in ("beats", "no_claim"), (number, name, kind)
        found[outcome] += 1
    assert found.keys() == {"does_not_beat", "not_shown", "no_verdict"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WAYS)
def test_no_way_has_in_200_searches_each(name: str, kind: OutcomeKind) -> None:
    for number in range(SEARCHES):
        rng = random.Random(number)
        report = simulated(rng)
        WAYS[name](report, rng, kind)
        assert report.verdict().outcome not in ("beats", "no_claim"), number
