"""Selection of parents: fronts, champions, and choices that only chance and the population decide."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.select import Population, Selectable, champions, choose_parents, fronts, pareto

RULES = ("front", "best", "champion", "complementary", "expected")


def member(name: str, scores: str, cost: float = 1.0, children: int = 0) -> Selectable:
    """`scores` is a digit 0..9 an item, in tenths of nine."""
    return Selectable(name, {str(i): int(s) / 9 for i, s in enumerate(scores)}, cost, children)


def names(pool: list[Selectable]) -> list[str]:
    return [m.agent for m in pool]


members = st.lists(
    st.tuples(st.text("0359", min_size=4, max_size=4), st.integers(1, 4), st.integers(0, 3)),
    min_size=1,
    max_size=9,
).map(lambda rows: [member(f"m{i}", s, c, n) for i, (s, c, n) in enumerate(rows)])


def dominates(a: Selectable, b: Selectable) -> bool:
    no_worse = a.score >= b.score and a.cost <= b.cost
    return no_worse and (a.score, a.cost) != (b.score, b.cost)


@settings(max_examples=200, deadline=None)
@given(members)
def test_the_front_is_who_nobody_dominates(pool: list[Selectable]) -> None:
    expected = {m.agent for m in pool if not any(dominates(other, m) for other in pool)}
    assert set(pareto(pool)) == expected
    layers = list(fronts(pool))
    assert sorted(m.agent for layer in layers for m in layer) == sorted(m.agent for m in pool)
    for before, after in itertools.pairwise(layers):
        assert all(any(dominates(a, b) for a in before) for b in after)


def test_champions_solve_what_others_do_not() -> None:
    pool = [
        member("broad", "9990"),
        member("narrow", "9900"),  # covered by broad
        member("odd", "0009"),
        member("nothing", "0000"),
        member("half", "0050"),
    ]
    assert names(champions(pool)) == ["broad", "odd"]


def test_of_champions_with_equal_niches_the_better_stays() -> None:
    pool = [member("dear", "9900", cost=5), member("cheap", "9900", cost=1), member("more", "9930")]
    assert names(champions(pool)) == ["more"]
    assert names(champions(pool[:2])) == ["cheap"]
    assert champions([]) == []


@settings(max_examples=200, deadline=None)
@given(members)
def test_champions_cover_all_that_is_solved(pool: list[Selectable]) -> None:
    kept = champions(pool)
    for item in pool[0].scores:
        best = max(m.scores[item] for m in pool)
        assert best == 0 or max(m.scores[item] for m in kept) == best


@settings(max_examples=200, deadline=None)
@given(members, st.sampled_from(RULES), st.integers(0, 5), st.integers(0, 99))
def test_choices_are_distinct_best_first_and_repeatable(
    pool: list[Selectable], rule: str, n: int, seed: int
) -> None:
    chosen = choose_parents(pool, rule, n, random.Random(seed))  # type: ignore[arg-type]
    assert len(chosen) == len(set(chosen)) == min(n, len(pool))
    score = {m.agent: m.score for m in pool}
    assert [score[a] for a in chosen] == sorted((score[a] for a in chosen), reverse=True)
    mixed = random.Random(seed + 1).sample(pool, len(pool))
    assert choose_parents(mixed, rule, n, random.Random(seed)) == chosen  # type: ignore[arg-type]


def test_fewer_children_go_first_and_chance_breaks_ties() -> None:
    pool = [member("a", "9", 3, children=4), member("b", "5", 2, children=1), member("c", "3", 1, children=1)]
    firsts = {choose_parents(pool, "front", 1, random.Random(seed)) for seed in range(30)}
    assert firsts == {("b",), ("c",)}
    assert choose_parents(pool, "front", 2, random.Random(0)) == ("b", "c")
    assert choose_parents(pool, "best", 1, random.Random(0)) == ("a",)


def test_who_is_behind_the_front_fills_up() -> None:
    pool = [member("front", "9", 1, children=9), member("behind", "5", 2), member("last", "3", 3)]
    assert choose_parents(pool, "front", 2, random.Random(0)) == ("front", "behind")


def test_champions_become_parents_though_their_mean_is_low() -> None:
    pool = [member("broad", "9990"), member("second", "9900"), member("odd", "0009", cost=9)]
    assert choose_parents(pool, "champion", 2, random.Random(0)) == ("broad", "odd")
    assert choose_parents(pool, "best", 2, random.Random(0)) == ("broad", "second")


def test_complementary_parents_add_what_the_first_lacks() -> None:
    pool = [
        member("first", "999900", cost=1),
        member("same", "999900", cost=2),
        member("other", "000099", cost=3, children=7),
        member("bit", "000009", cost=4),
    ]
    assert set(choose_parents(pool, "complementary", 2, random.Random(0))) == {"first", "other"}


def test_small_and_empty_populations() -> None:
    for rule in RULES:
        assert choose_parents([], rule, 2, random.Random(0)) == ()  # type: ignore[arg-type]
        assert choose_parents([member("a", "0")], rule, 2, random.Random(0)) == ("a",)  # type: ignore[arg-type]
    assert pareto([]) == ()
    assert Selectable("empty", {}).score == 0.0


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(ValueError, match="unknown rule 'elite'; known: front, best"):
        choose_parents([], "elite", 1, random.Random(0))  # type: ignore[arg-type]


def test_a_population_chooses_as_the_functions_do() -> None:
    population = Population((member("a", "90"), member("b", "09", cost=2)))
    assert population.pareto() == ("a",)
    assert population.choose_parents("best", 1, random.Random(0)) == ("a",)
    assert len(population) == 2
