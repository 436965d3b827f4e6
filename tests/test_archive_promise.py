"""Parents by expected gain: who promises most, alone and in pairs."""

from __future__ import annotations

import random
from collections import Counter

from archive.promise import promising
from archive.select import Population, Selectable

KINDS = {f"{kind}{n}": kind for kind in "abc" for n in range(8)}


def agent(name: str, a: float, b: float, c: float, children: int = 0, improved: int = 0) -> Selectable:
    """Scores of each of the eight items of three kinds."""
    scores = {item: {"a": a, "b": b, "c": c}[kind] for item, kind in KINDS.items()}
    return Selectable(name, scores, 1.0, children, improved)


def chosen(pool: list[Selectable], n: int, draws: int = 200) -> Counter[tuple[str, ...]]:
    return Counter(
        tuple(sorted(pool[place].agent for place in promising(pool, n, KINDS, random.Random(seed))))
        for seed in range(draws)
    )


def test_a_crossing_is_of_those_that_together_come_furthest() -> None:
    pool = [agent("best", 0.9, 0.9, 0.1), agent("like it", 0.9, 0.8, 0.1), agent("other", 0.1, 0.2, 0.9)]
    assert chosen(pool, 2).most_common(1)[0][0] == ("best", "other")
    found = chosen(pool, 2)
    assert found[("best", "like it")] < 20  # of 200: they are good at the same


def test_the_better_one_is_changed_unless_its_children_came_to_nothing() -> None:
    good, weak = agent("good", 0.8, 0.7, 0.5), agent("weak", 0.2, 0.1, 0.3)
    assert chosen([good, weak], 1)[("good",)] > 150
    near = agent("near", 0.75, 0.7, 0.5, 0)
    tired = agent("good", 0.8, 0.7, 0.5, children=12)
    assert chosen([tired, near], 1)[("near",)] > chosen([good, near], 1)[("near",)] + 40
    fruitful = agent("good", 0.8, 0.7, 0.5, children=12, improved=9)
    assert chosen([fruitful, near], 1)[("good",)] > chosen([tired, near], 1)[("good",)]


def test_headroom_where_others_do_better_counts() -> None:
    """Of two that are equally good, the one whose weak kind somebody solves."""
    pool = [agent("open", 0.9, 0.9, 0.1), agent("flat", 0.63, 0.63, 0.63), agent("solver", 0.0, 0.0, 1.0)]
    found = chosen(pool, 1)
    assert found[("open",)] > found[("flat",)] + 50


def test_few_items_and_odd_populations() -> None:
    rng = random.Random(0)
    assert promising([], 1, {}, rng) == []
    alone = [agent("alone", 1.0, 1.0, 1.0)]
    assert promising(alone, 1, {}, rng) == promising(alone, 2, {}, rng) == [0]
    assert promising([Selectable("none", {}), *alone], 2, KINDS, rng) == [0, 1]
    pool = [agent(str(n), n / 60, 0.5, 0.5) for n in range(60)]
    assert len(set(promising(pool, 3, KINDS, rng))) == 3
    population = Population(tuple(pool), KINDS)
    one = [population.choose_parents("expected", 2, random.Random(3)) for _ in range(2)]
    assert one[0] == one[1]
    assert len(one[0]) == 2
