"""What all agents came to: who solves an item for the least, and what ways of working reach by kind."""

from __future__ import annotations

import random

from meta_search.engine.tally import Tally
from meta_search.run.folds import NO_FOLDS, Folds
from meta_search.run.members import Member
from meta_search.types import Brief
from tests.kits.members import ITEMS, agent_of, member, population, result

BRIEF = Brief(0, "mutate", "llm")
ROUTED = {"way": "direct", "routes": [{"words": "words", "way": "program"}]}


def counted(*made: Member, folds: Folds = NO_FOLDS) -> Tally:
    tally = Tally(population(*made), ITEMS, folds)
    tally.update()
    return tally


def test_the_cheapest_agent_that_gets_an_item_right_is_shown_never_the_one_that_learns() -> None:
    dear, cheap = member("dear", {"sums0": 1.0}, tokens=90), member("cheap", {"sums0": 1.0, "sums1": 0.5})
    tally = counted(dear, cheap, member("wrong", {"sums0": 0.99}, tokens=1))
    found = tally.solver(BRIEF, "sums0", agent_of("wrong").id)
    assert found is not None
    assert found.agent == cheap.agent.id
    other = tally.solver(BRIEF, "sums0", cheap.agent.id)
    assert other is not None
    assert other.agent == dear.agent.id
    assert tally.solver(BRIEF, "sums1", dear.agent.id) is None
    assert tally.solver(BRIEF, "words0", dear.agent.id) is None


def test_many_repeats_of_one_agent_hide_no_other() -> None:
    often, other = member("often", {}), member("other", {"sums0": 1.0}, tokens=500)
    for repeat in range(9):
        often.add(result(often.agent.id, "sums0", 1.0, repeat, repeat=repeat))
    found = counted(often, other).solver(BRIEF, "sums0", often.agent.id)
    assert found is not None
    assert found.agent == other.agent.id


def test_rates_follow_the_routes_of_plans() -> None:
    scores = {"sums0": 1.0, "sums1": 0.0, "words0": 1.0, "words1": 0.25}
    tally = counted(
        member("routed", scores, ["seed"], tokens=20, plan=ROUTED),
        member("thinks", {"sums0": 1.0}, ["seed"], tokens=100, plan={"way": "think"}),
        member("program_of_thought", {"sums2": 1.0}),  # a seed that is as good as a plan
        member("free", {"sums0": 1.0}, ["seed"]),
        member("odd", {"sums0": 1.0}, ["seed"], plan={"steps": 7}),  # imported, and no plan
    )
    assert {(r.way, r.kind): (r.right, r.items, r.tokens) for r in tally.rates(BRIEF)} == {
        ("direct", ""): (1.0, 2, 20.0),
        ("direct", "sums"): (1.0, 2, 20.0),
        ("program", ""): (2.25, 3, 50 / 3),
        ("program", "sums"): (1.0, 1, 10.0),
        ("program", "words"): (1.25, 2, 20.0),
        ("think", ""): (1.0, 1, 100.0),
        ("think", "sums"): (1.0, 1, 100.0),
    }


def test_results_of_the_endpoint_and_of_other_items_do_not_count() -> None:
    made = member("program_of_thought", {"sums0": 1.0, "gone": 1.0})
    made.add(result(made.agent.id, "sums1", 0.0, kind="llm"))
    assert [(r.kind, r.items) for r in counted(made).rates(BRIEF)] == [("", 1), ("sums", 1)]


def test_it_does_not_matter_in_which_order_results_came_and_when_they_were_counted() -> None:
    """A run that is resumed counts all at once what a live one has counted one by one."""
    rng = random.Random(0)
    names = [f"agent{n}" for n in range(12)]
    rows = [
        (name, result(agent_of(name).id, item, rng.random() if n % 2 else 1.0, rng.randrange(3)))
        for n, name in enumerate(names)
        for item in ITEMS
    ]
    told = []
    for _ in range(3):
        rng.shuffle(rows)
        made = {name: member(name, {}, ["seed"], plan=ROUTED) for name in names}
        tally = Tally(population(*made.values()), ITEMS, NO_FOLDS)
        for name, row in rows:
            made[name].add(row)
            if rng.random() < 0.2:
                tally.update()
        tally.update()
        solvers = [tally.solver(BRIEF, item, made[name].agent.id) for item in ITEMS for name in names]
        told.append((tally.rates(BRIEF), [(s.agent, s.item) for s in solvers if s is not None]))
    assert told[0] == told[1] == told[2]


def test_what_is_held_out_from_an_author_is_not_told() -> None:
    """Neither results on the items of its fold, nor agents whose author was shown them."""
    folds = Folds(2, {item: n % 2 for n, item in enumerate(ITEMS)})
    even, odd = Brief(2, "mutate", "llm"), Brief(3, "mutate", "llm")
    plan, scores = {"way": "think"}, dict.fromkeys(ITEMS, 1.0)
    tally = counted(
        member("of even", scores, ["seed"], number=2, plan=plan, tokens=1),
        member("of odd", scores, ["seed"], number=5, plan=plan, tokens=2),
        member("seed", scores, tokens=90),
        folds=folds,
    )
    shown = {b.number: tally.solver(b, "sums1", "") for b in (even, odd)}
    assert {n: s and s.agent for n, s in shown.items()} == {
        2: agent_of("of even").id,
        3: agent_of("of odd").id,
    }
    assert {(r.kind, r.items) for r in tally.rates(odd)} == {("", 6), ("sums", 4), ("words", 2)}
    for_seed = Brief(0, "seed", "hand", kind="seed")
    assert {(r.kind, r.items) for r in tally.rates(for_seed)} == {("", 12), ("sums", 6), ("words", 6)}
