"""Which agents promise most as parents: what is expected of their children, over the best agent so far.

What an agent scores on each kind of item is drawn once from its posterior, its own mean drawn towards that
of all agents and each of its kinds towards its own, so that what few items say counts little and agents of
whom little is known have their turn (Thompson sampling, with the draws of one brief).

- One parent: a change in one respect is expected to close a part of what another agent does better on one
  kind (over all kinds, who is worse has as much more to close, which would tell nothing). What counts
  is the expected improvement over the best (Mockus 1975), times how often its children were better than it.
- Two parents: a crossing takes for each kind the parent that is better at it. What counts is what it comes
  to on average, so that a pair is worth what it promises over its better half and over the best alike.
"""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

from meta_search.types import drawn_in, expected_improvement

__all__ = ["promising"]

KIND_SHRINKAGE = 2  # items' worth of its own mean that its items of one kind are added to
TAKEN_OVER = 0.4  # of what others do better on one kind of item, that a change is expected to close
SPREAD = 0.1  # standard deviation of what a change does to the score
IMPROVED, NOT_IMPROVED = 1.0, 3.0  # children that every agent is taken to have had
MOST = 40  # agents of whom pairs are made


class Scored(Protocol):
    """What is known of an agent; see `archive.select.Selectable`."""

    @property
    def agent(self) -> str: ...
    @property
    def scores(self) -> Mapping[str, float]: ...
    @property
    def score(self) -> float: ...
    @property
    def children(self) -> int: ...
    @property
    def improved(self) -> int: ...


def promising(members: Sequence[Scored], n: int, kinds: Mapping[str, str], rng: random.Random) -> list[int]:
    """Places of the `n` members that promise most together; fewer where there are fewer.

    Args:
        members: In an order that does not depend on chance.
        n: One, two, or more: the further ones add most to what the chosen ones are good at.
        kinds: Item -> its kind; items without one are alike.
        rng: Of the draws.
    """
    if not members or n < 1:
        return []
    shares = _shares(members, kinds)
    drawn = _drawn(members, kinds, shares, rng)
    if n == 1:
        return [_one(members, drawn, shares)]
    means = [_mean(row, shares) for row in drawn]
    top = sorted(range(len(members)), key=lambda place: -means[place])[:MOST]
    pairs = [[a, b] for a, b in itertools.combinations(sorted(top), 2)] or [top]
    chosen = max(pairs, key=lambda pair: _joint(pair, drawn, shares))
    while len(chosen) < min(n, len(top)):
        left = [place for place in top if place not in chosen]
        chosen = max(([*chosen, place] for place in left), key=lambda group: _joint(group, drawn, shares))
    return chosen


def _shares(members: Sequence[Scored], kinds: Mapping[str, str]) -> dict[str, float]:
    """Kind -> its share of all items."""
    items = sorted({item for member in members for item in member.scores})
    counts: dict[str, int] = defaultdict(int)
    for item in items:
        counts[kinds.get(item, "")] += 1
    return {kind: count / len(items) for kind, count in counts.items()} or {"": 1.0}


def _drawn(
    members: Sequence[Scored], kinds: Mapping[str, str], shares: Mapping[str, float], rng: random.Random
) -> list[dict[str, float]]:
    """Kind -> score, drawn for each member."""
    typical = sum(member.score for member in members) / len(members)
    found = []
    for member in members:
        sums: dict[str, list[float]] = defaultdict(list)
        for item in sorted(member.scores):
            sums[kinds.get(item, "")].append(member.scores[item])
        n = len(member.scores)
        own = drawn_in(member.score * n, n, typical)
        row = {}
        for kind in shares:
            scores = sums.get(kind, [])
            size = len(scores) + KIND_SHRINKAGE
            mean = (math.fsum(scores) + KIND_SHRINKAGE * own) / size
            row[kind] = mean + rng.gauss(0.0, 1.0) * math.sqrt(max(0.0, mean * (1.0 - mean)) / (size + 1))
        found.append(row)
    return found


def _mean(row: Mapping[str, float], shares: Mapping[str, float]) -> float:
    return math.fsum(row[kind] * share for kind, share in shares.items())


def _joint(group: Sequence[int], drawn: Sequence[Mapping[str, float]], shares: Mapping[str, float]) -> float:
    """What a crossing comes to that has the best of a group for each kind."""
    return math.fsum(max(drawn[place][kind] for place in group) * share for kind, share in shares.items())


def _one(members: Sequence[Scored], drawn: Sequence[Mapping[str, float]], shares: Mapping[str, float]) -> int:
    """The member whose children are expected to improve most on the best."""
    reach = {kind: max(row[kind] for row in drawn) for kind in shares}
    best = max(_mean(row, shares) for row in drawn)

    def worth(place: int) -> float:
        member, row = members[place], drawn[place]
        better = max((reach[kind] - row[kind]) * share for kind, share in shares.items())
        tried = member.children + IMPROVED + NOT_IMPROVED
        often = (member.improved + IMPROVED) / tried * (IMPROVED + NOT_IMPROVED) / IMPROVED
        return expected_improvement(_mean(row, shares) + TAKEN_OVER * better - best, SPREAD) * often

    return max(range(len(members)), key=worth)
