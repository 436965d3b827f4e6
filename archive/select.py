"""Which agents become parents: pure functions over what a population scored.

The Pareto front of score and cost, and per-item champions after GEPA's selection of candidates (Agrawal et
al. 2025, arXiv 2507.19457, section 3): an agent that solves what others do not is worth keeping even if
its mean is low. Among equals, those with fewer children go first (ADAS's and OpenEvolve's searches spend
most of their children on few parents).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

from archive.promise import promising
from meta_search.types import Evaluation, Split, drawn_in, pareto_front

__all__ = [
    "Population",
    "Rule",
    "Selectable",
    "best_so_far",
    "champions",
    "choose_parents",
    "fronts",
    "pareto",
]

Rule = Literal["front", "best", "champion", "complementary", "expected"]


@dataclass(frozen=True)
class Selectable:
    """An agent as selection sees it.

    Attributes:
        agent: Id.
        scores: Item -> score 0..1, its behaviour.
        cost: Used cost per item, in any unit that the population shares (tokens).
        children: Number of agents made from it.
        improved: How many of them scored higher than it.
    """

    agent: str
    scores: Mapping[str, float]
    cost: float = 0.0
    children: int = 0
    improved: int = 0

    @cached_property
    def score(self) -> float:
        """Mean over its items, 0..1; 0 without items."""
        return sum(self.scores.values()) / len(self.scores) if self.scores else 0.0


@dataclass(frozen=True)
class Population:
    """The agents that may become parents. They are put in order once, as every brief chooses twice.

    Attributes:
        members: They.
        kinds: Item -> its kind, where kinds are told apart.
    """

    members: tuple[Selectable, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.members)

    def pareto(self) -> tuple[str, ...]:
        """As `pareto`."""
        return pareto(self.members)

    @cached_property
    def _pool(self) -> _Pool:
        return _Pool.of(self.members)

    def choose_parents(self, rule: Rule, n: int, rng: random.Random) -> tuple[str, ...]:
        """As `choose_parents`."""
        return _chosen(self._pool, rule, n, rng, self.kinds)


def pareto(members: Iterable[Selectable]) -> tuple[str, ...]:
    """Ids of the Pareto front (score up, cost down), best score first.

    Of members equal in both all are on it; see `types.pareto_front`.
    """
    return tuple(m.agent for m in next(fronts(members), ()))


def fronts(members: Iterable[Selectable]) -> Iterator[tuple[Selectable, ...]]:
    """The members in layers: the front, the front of the rest, and so on; best score first in each.

    A layer is worked out when it is asked for.
    """
    rest = sorted(((m.score, m) for m in members), key=lambda pair: (-pair[0], pair[1].cost, pair[1].agent))
    while rest:
        layer = pareto_front([(score, member.cost) for score, member in rest])
        yield tuple(rest[i][1] for i in layer)
        on_front = set(layer)
        rest = [pair for i, pair in enumerate(rest) if i not in on_front]


def champions(members: Iterable[Selectable]) -> list[Selectable]:
    """The agents that are best on some item and cannot be replaced there, best score first.

    An agent is dropped if another is best on all items on which it is, and on more, or on the same for a
    higher score or a lower cost. An item that nobody gets anything for has no champion.
    """
    pool = _ordered(members)
    best: dict[str, float] = {}
    for member in pool:
        for item, score in member.scores.items():
            best[item] = max(best.get(item, 0.0), score)
    niches = {m.agent: frozenset(i for i, s in m.scores.items() if s > 0 and s >= best[i]) for m in pool}
    kept: list[Selectable] = []
    # Largest niche first, better agents first among equals: who is covered is covered by one already kept.
    for member in sorted(pool, key=lambda m: -len(niches[m.agent])):
        niche = niches[member.agent]
        if niche and not any(niche <= niches[other.agent] for other in kept):
            kept.append(member)
    return [m for m in pool if m in kept]


def choose_parents(
    members: Iterable[Selectable],
    rule: Rule,
    n: int,
    rng: random.Random,
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Choose parents. The same members, rule and random state give the same parents, in whatever order.

    Args:
        members: The population.
        rule: `best`: highest score. `front`: the Pareto front. `champion`: per-item champions.
            `complementary`: one of the front or a champion, then whoever adds most on the items that the
            chosen ones do not solve. `expected`: who promises most, see `archive.promise`.
        n: How many; fewer where the population is smaller.
        rng: Breaks ties between members with equally many children; draws for `expected`.
        kinds: Item -> its kind, for `expected`.

    Returns:
        Ids, best score first.

    Raises:
        ValueError: An unknown rule.
    """
    return _chosen(_Pool.of(members), rule, n, rng, kinds)


class _Pool(NamedTuple):
    """Members, best first, and their ids in their order."""

    members: list[Selectable]
    names: list[str]

    @classmethod
    def of(cls, members: Iterable[Selectable]) -> _Pool:
        pool = _ordered(members)
        return cls(pool, sorted(m.agent for m in pool))


def _chosen(
    found: _Pool, rule: Rule, n: int, rng: random.Random, kinds: Mapping[str, str]
) -> tuple[str, ...]:
    if rule not in get_args(Rule):
        raise ValueError(f"unknown rule {rule!r}; known: {', '.join(get_args(Rule))}")
    pool = found.members
    # Drawn for every member in a fixed order, so that the draw does not depend on the rule.
    luck = {name: rng.random() for name in found.names}

    def fewer_children(member: Selectable) -> tuple[float, ...]:
        return (member.children, luck[member.agent])

    if rule == "best":
        chosen = pool[:n]
    elif rule == "expected":
        chosen = [pool[place] for place in promising(pool, n, kinds, rng)]
    elif rule == "complementary":
        chosen = _complementary(pool, n, fewer_children)
    else:
        first = [champions(pool)] if rule == "champion" else []
        chosen = _first(itertools.chain(first, fronts(pool)), n, fewer_children)
    return tuple(m.agent for m in _ordered(chosen))


Order = Callable[[Selectable], tuple[float, ...]]


def _ordered(members: Iterable[Selectable]) -> list[Selectable]:
    return sorted(members, key=lambda m: (-m.score, m.cost, m.children, m.agent))


def _first(layers: Iterable[Sequence[Selectable]], n: int, order: Order) -> list[Selectable]:
    """The first n of the layers, each sorted; a member counts where it comes first."""
    chosen: dict[str, Selectable] = {}
    for layer in layers:
        for member in sorted(layer, key=order):
            if len(chosen) >= n:
                return list(chosen.values())
            chosen.setdefault(member.agent, member)
    return list(chosen.values())


def _complementary(pool: list[Selectable], n: int, order: Order) -> list[Selectable]:
    if not pool or n < 1:
        return []
    front = set(pareto(pool)) | {m.agent for m in champions(pool)}
    chosen = [min((m for m in pool if m.agent in front), key=order)]
    covered = dict(chosen[0].scores)
    while len(chosen) < min(n, len(pool)):
        rest = [m for m in pool if m not in chosen]
        # Rounded, so that sums in another order do not break ties.
        gains = [(-round(_gain(m, covered), 9), *order(m)) for m in rest]
        added = rest[gains.index(min(gains))]
        chosen.append(added)
        for item, score in added.scores.items():
            covered[item] = max(score, covered.get(item, 0.0))
    return chosen


def _gain(member: Selectable, covered: Mapping[str, float]) -> float:
    """What a member adds to the best scores per item."""
    return sum(max(0.0, score - covered.get(item, 0.0)) for item, score in member.scores.items())


Evaluations = Mapping[Split, Evaluation]


def best_so_far(evaluated: Sequence[Evaluations]) -> int | None:
    """The best agent while no final report has been made: by train and validation items together.

    Where nobody was evaluated whole on either, as in an evaluation or at the start of a search, the best of
    those evaluated whole on another split, and last of those evaluated in part.

    Args:
        evaluated: Split -> evaluation of each agent, in the order in which the agents came.

    Returns:
        Its place among them, the cheaper of equals; `None` where nobody was evaluated.
    """
    searched: tuple[Split, ...] = ("train", "validation")
    pool = {i: [e[s] for s in searched if s in e] for i, e in enumerate(evaluated)}
    pool = {i: found for i, found in pool.items() if any(e.complete for e in found)}
    typical = sum(found[0].score for found in pool.values()) / max(1, len(pool))

    def expected(i: int) -> float:
        n = sum(e.items + e.left_out for e in pool[i])  # left out counts 0, as in `Evaluation.sure`
        return drawn_in(sum(e.score * e.items for e in pool[i]), n, typical)

    def tokens(found: Evaluation) -> float:
        return found.used.tokens / max(1, found.items)

    if pool:
        return min(pool, key=lambda i: (-expected(i), tokens(pool[i][0])))
    splits: tuple[Split, ...] = ("validation", "train", "test", "examples")
    for complete, split in itertools.product((True, False), splits):
        scored = [i for i, e in enumerate(evaluated) if split in e and e[split].complete is complete]
        if scored:
            return min(scored, key=lambda i: (-evaluated[i][split].sure, tokens(evaluated[i][split])))
    return None
