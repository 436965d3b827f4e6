"""The composer: every operator under a trial with fixed values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meta_search.authors.author import Author, Parent
from meta_search.authors.check import check_source
from meta_search.authors.compiler import compile_plan
from meta_search.authors.composer import Composer
from meta_search.authors.plan import Plan, Route
from meta_search.types import Agent, CallRequest, Demonstration, Parameter
from tests.kits.author_contexts import EXAMPLES, KEYWORDS, SOURCES, Desk, child, failed, made, seed
from tests.kits.sandboxed_agents import House, wrapped

COMPOSER: Author = Composer()
ROUTED = {"way:letters": "program", "way:sums": "direct"}
SHOWN = Demonstration("Sum 40 and 2.", "```python\nprint(42)\n```")
THOUGHT = Demonstration("Sum 40 and 2.", '{"thinking": "40 + 2", "answer": "42"}')


def planned(plan: Plan, **more: Any) -> Parent:
    """A parent that was compiled from a plan."""
    rest = {"score": 0.5, "tokens": 100.0, **more}
    return Parent(Agent.of(plan.name, compile_plan(plan)), plan=plan.to_mapping(), **rest)


def plan_of(desk: Desk, operator: str, parents: list[Parent], **more: Any) -> Plan:
    """The plan that the composer makes of a brief; its agent passed the checks and the dry run."""
    candidate = made(COMPOSER.write(desk.context(operator, parents, **more)))
    assert check_source(candidate.agent.source) is None
    assert candidate.plan is not None
    plan = dict(candidate.plan)
    routes = tuple(Route(**route) for route in plan.pop("routes"))
    return Plan(**{**plan, "routes": routes, "steps": tuple(plan["steps"])})


def test_novel_takes_every_choice_from_the_trial(desk: Desk) -> None:
    context = desk.context("novel", trial={**ROUTED, "votes": 3, "shown": 2}, demonstrations=(SHOWN,))
    candidate = made(COMPOSER.write(context))
    assert context.trial.asked == ["way:letters", "way:sums", "votes", "shown"]  # type: ignore[attr-defined]
    assert candidate.plan is not None
    assert (candidate.plan["way"], candidate.plan["samples"], candidate.plan["shown"]) == ("program", 3, 2)
    assert [(r["words"], r["way"]) for r in candidate.plan["routes"]] == [(KEYWORDS["sums"], "direct")]
    assert candidate.thought == "Works by program, but sums direct; 3 votes; 2 worked examples shown."
    assert candidate.agent.demonstrations == (SHOWN,)
    assert (candidate.generation, candidate.brief.number) == (1, 4)
    assert [p.name for p in candidate.space] == ["samples", "shown", "temperature"]


def test_without_kinds_there_is_one_way(desk: Desk) -> None:
    plan = plan_of(desk, "novel", [], keywords={}, trial={"way": "think"})
    assert (plan.way, plan.routes, plan.samples, plan.shown) == ("think", (), 1, 0)


def test_crossover_works_each_kind_as_the_better_parent_does(desk: Desk) -> None:
    first = planned(Plan("A", way="direct", samples=3), by_kind={"letters": (3, 4), "sums": (0, 4)})
    second = planned(Plan("B", way="program", shown=1), by_kind={"letters": (1, 4), "sums": (4, 4)})
    plan = plan_of(desk, "crossover", [first, second], demonstrations=(SHOWN,))
    assert {plan.way, *(r.way for r in plan.routes)} == {"direct", "program"}
    assert way(plan, "letters") == "direct"
    assert way(plan, "sums") == "program"
    assert (plan.samples, plan.shown) == (1, 1)


def way(plan: Plan, kind: str) -> str:
    return next((r.way for r in plan.routes if r.words == KEYWORDS[kind]), plan.way)


def test_a_tie_goes_to_the_cheaper_parent(desk: Desk) -> None:
    first = planned(Plan("A", way="direct"), tokens=200.0)
    second = planned(Plan("B", way="think"), tokens=100.0)
    assert plan_of(desk, "crossover", [first, second]).ways() == {"think"}
    assert plan_of(desk, "crossover", [replace(first, tokens=50.0), second]).ways() == {"direct"}


def test_another_way_leaves_advisers_hint_and_temperature(desk: Desk) -> None:
    kept = {"hint": "Look twice.", "temperature": 0.3, "steps": ("What may go wrong?",)}
    better = planned(Plan("A", way="direct", **kept), score=0.7, by_kind={"letters": (3, 4), "sums": (0, 4)})
    other = planned(Plan("B", way="program"), score=0.5, by_kind={"letters": (1, 4), "sums": (4, 4)})
    for plan in (
        plan_of(desk, "mutate", [better], trial={"mutate": "way"}),
        plan_of(desk, "crossover", [other, better]),
    ):
        assert {"hint": plan.hint, "temperature": plan.temperature} == {
            k: kept[k] for k in ("hint", "temperature")
        }
        assert len(plan.steps) == 1
        assert plan.ways() != {"direct"}


def test_crossover_skips_parents_without_a_plan(desk: Desk) -> None:
    free = Parent(Agent.of("free", SOURCES["debate"]), 0.9, 10.0, by_kind={"letters": (4, 4), "sums": (4, 4)})
    first = planned(Plan("A", way="direct"), by_kind={"letters": (0, 4), "sums": (0, 4)})
    second = planned(Plan("B", way="think"), by_kind={"letters": (1, 4), "sums": (1, 4)})
    assert plan_of(desk, "crossover", [free, first, second]).ways() == {"think"}


def test_crossover_without_kinds_gives_the_better_what_the_other_has(desk: Desk) -> None:
    better = planned(Plan("A", way="program", shown=2, hint="Print it."))
    other = planned(Plan("B", way="think", samples=3, hint="Slowly."))
    plan = plan_of(desk, "crossover", [better, other], keywords={}, demonstrations=(SHOWN,))
    assert (plan.way, plan.shown, plan.samples) == ("program", 2, 3)
    assert plan.name == "program, 3 votes, 2 shown, hint"
    assert plan.hint == "Print it."
    # Nothing to give: it would be the better one again, so that a new design is drawn.
    plain = planned(Plan("C", way="direct"))
    novel = plan_of(desk, "crossover", [better, plain], keywords={})
    assert (novel.way, novel.thought) == ("direct", "Works by direct.")


def test_mutation_of_a_way_takes_the_kind_that_goes_worst(desk: Desk) -> None:
    parent = planned(Plan("A", way="program"), by_kind={"letters": (3, 4), "sums": (1, 4)})
    plan = plan_of(desk, "mutate", [parent], trial={"mutate": "way"})
    assert way(plan, "letters") == "program"
    assert way(plan, "sums") != "program"


@pytest.mark.parametrize(
    ("before", "knob", "change"),
    [
        (Plan("A", way="program"), "way", {"way"}),
        (Plan("A", samples=3), "samples", {"samples"}),
        (Plan("A", shown=1), "samples", {"samples"}),
        (Plan("A", shown=1), "shown", {"shown"}),
        (Plan("A"), "shown", {"shown"}),
    ],
)
def test_mutation_changes_one_thing(desk: Desk, before: Plan, knob: str, change: set[str]) -> None:
    parent = planned(before)
    plan = plan_of(desk, "mutate", [parent], keywords={}, trial={"mutate": knob}, demonstrations=(SHOWN,))
    old, new = before.to_mapping(), plan.to_mapping()
    assert {key for key in old if old[key] != new[key]} - {"name", "thought"} == change


def test_a_mutation_that_is_known_gives_way_to_one_that_is_not(desk: Desk) -> None:
    """One after the other, until there is none that is new."""
    parent, known = planned(Plan("direct", way="direct")), list[Any]()
    for _ in range(6):
        more = {"keywords": {}, "trial": {"mutate": "samples"}, "demonstrations": (SHOWN, THOUGHT)}
        context = desk.context("mutate", [parent], known=tuple(known), **more)
        candidate = made(COMPOSER.write(context))
        known.append((candidate.agent, candidate.plan))
    names = [agent.name for agent, _ in known]
    new = {"direct, 1 shown", "direct, 2 shown", "direct, 3 shown", "direct, 3 votes", "program", "think"}
    assert set(names) == new
    again = made(COMPOSER.write(desk.context("mutate", [parent], known=tuple(known), **more)))
    assert again.agent.id in {agent.id for agent, _ in known}


def test_names_do_not_grow_and_tell_all_that_was_changed(desk: Desk) -> None:
    plan = Plan("Plan, solve", thought="Works by program; 2 worked examples shown.", shown=2)
    names = []
    for knob in ("shown", "samples", "shown", "way", "shown", "samples"):
        parent, before = planned(plan), plan
        more = {"keywords": {}, "trial": {"mutate": knob}, "demonstrations": (SHOWN, THOUGHT)}
        plan = plan_of(desk, "mutate", [parent], **more)
        assert plan.thought.startswith(f"As «{before.name}», but ")
        names.append(plan.name)
        told = {f"{plan.shown} shown", f"by {plan.way}", "3 votes" if plan.samples == 3 else "one vote"}
        assert set(plan.name.split(", ")[2:]) <= told
        assert plan.name.startswith("Plan, solve, ")
    assert len(names[-1].split(", ")) == 5  # base of two, and three things


@pytest.mark.parametrize("name", ["direct", "program_of_thought", "chain_of_thought", "self_consistency"])
def test_seeds_have_plans_to_start_from(desk: Desk, name: str) -> None:
    trial, pool = {"mutate": "samples"}, (SHOWN, THOUGHT)
    plan = plan_of(desk, "mutate", [seed(name)], trial=trial, demonstrations=pool)
    assert plan.samples == 1
    assert plan.thought.startswith("As «")
    assert plan.name == (f"{plan.way}, {plan.shown} shown" if plan.shown else plan.way)


def test_simplifying_leaves_out_one_thing_after_the_other(desk: Desk) -> None:
    plan = Plan(
        "A", way="direct", routes=(Route("letter", "program"),), steps=("Restate.",), samples=3, shown=2
    )
    seen = []
    for _ in range(5):
        plan = plan_of(
            desk, "simplify", [planned(plan)], demonstrations=(SHOWN,), trial={"way:letters": "think"}
        )
        seen.append((plan.samples, plan.shown, len(plan.steps), len(plan.routes)))
    assert seen[:4] == [(1, 2, 1, 1), (1, 1, 1, 1), (1, 1, 0, 1), (1, 1, 0, 0)]
    # Nothing was left to leave out: a new one.
    assert (plan.name, plan.thought) == ("think, direct for sum", "Works by think, but sums direct.")


@pytest.mark.parametrize("operator", ["novel", "mutate", "crossover", "simplify", "tune", "bootstrap"])
def test_an_operator_that_lacks_what_it_needs_is_novel(desk: Desk, operator: str) -> None:
    assert plan_of(desk, operator, []).thought == "Works by direct."
    if operator not in ("tune", "bootstrap"):
        assert plan_of(desk, operator, [seed("debate")]).thought == "Works by direct."


def test_tune_sets_values_that_differ_from_the_defaults(desk: Desk) -> None:
    parent = made(
        COMPOSER.write(desk.context("novel", trial={**ROUTED, "shown": 1}, demonstrations=(SHOWN,)))
    )
    chosen = {"samples": 3, "shown": 1, "temperature": 0.7, "gone": 1}
    context = desk.context("tune", [child(parent)], values=chosen)
    candidate = made(COMPOSER.write(context))
    assert candidate.agent.values == {"samples": 3, "temperature": 0.7}
    assert candidate.agent.source == parent.agent.source
    assert (candidate.agent.demonstrations, candidate.plan) == ((SHOWN,), parent.plan)
    assert candidate.agent.id != parent.agent.id


def test_tune_without_values_is_an_attempt(desk: Desk) -> None:
    parent = seed("direct", space=(Parameter("n", "int", 1, 1, 5),))
    assert "nothing to tune" in failed(COMPOSER.write(desk.context("tune", [parent]))).message


def test_a_candidate_that_fails_dry_is_an_attempt_with_the_reason(desk: Desk) -> None:
    source = wrapped("return LLMAgentBase(['a'], 'A')([taskInfo])[0].content[self.tune.int('n', 1, 99):][0]")
    parent = Parent(Agent.of("frail", source), 0.5, 1.0, space=(Parameter("n", "int", 1, 1, 99),))
    attempt = failed(COMPOSER.write(desk.context("tune", [parent], values={"n": 50})))
    assert attempt.stage == "dry_run"
    assert "crash: IndexError" in attempt.message
    assert attempt.source == source


# -- worked examples that a plan shows


def program(request: CallRequest) -> str:
    return "```python\nprint(42 if 'Sum' in " + repr(request.messages[-1][1]) + " else 2)\n```"


@pytest.mark.parametrize(
    ("pool", "parents", "teachers"),
    [
        ((), [seed("program_of_thought")], ["program_of_thought"]),
        ((), [seed("direct"), seed("program_of_thought")], ["program_of_thought"]),
        ((Demonstration("Sum?", "42"),), [seed("program_of_thought")], ["program_of_thought"]),
        ((SHOWN,), [seed("program_of_thought")], []),
        ((), [seed("direct")], []),
    ],
)
def test_programs_are_collected_where_none_is_there(
    house: House, pool: tuple[Demonstration, ...], parents: list[Parent], teachers: list[str]
) -> None:
    desk = Desk(house, program)
    trial = {"way:letters": "program", "way:sums": "program", "shown": 1}
    candidate = made(COMPOSER.write(desk.context("novel", parents, trial=trial, demonstrations=pool)))
    assert [name for name, _, _ in desk.taught] == teachers
    assert len(desk.kept) == (len(EXAMPLES) if teachers else 0)
    assert candidate.agent.demonstrations == tuple(d for d in (*pool, *desk.kept) if "```" in d.reply)
    if not candidate.agent.demonstrations:  # and a name or thought that says otherwise would lie
        assert (candidate.agent.name, candidate.thought) == ("program", "Works by program.")


def test_an_agent_that_shows_nothing_carries_nothing(desk: Desk) -> None:
    candidate = made(COMPOSER.write(desk.context("novel", trial=ROUTED, demonstrations=(SHOWN,))))
    assert candidate.agent.demonstrations == ()
