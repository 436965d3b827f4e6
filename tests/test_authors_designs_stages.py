"""Designs with stages: every one is a plan and back, is drawn as it is read, and compiles to what it uses."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from meta_search.authors.author import Parent
from meta_search.authors.block_table import CHEAP_BLOCKS, EMBEDDED_BLOCKS, NONE, OTHER_BLOCKS, blocks_of
from meta_search.authors.changes import neighbours, smaller
from meta_search.authors.compiler import compile_plan
from meta_search.authors.composer import Composer, write_plan
from meta_search.authors.course import TASK, Course, Limits
from meta_search.authors.designs import cell_for, design_of, plan_for, space_of, suggested
from meta_search.authors.llm import LLMAuthor
from meta_search.authors.names import described
from meta_search.authors.plan import Plan, Route, plan_from
from meta_search.authors.teach import plain_misses
from meta_search.commands.resolve import resolved
from meta_search.compose import compose
from meta_search.config import AuthorConfig
from meta_search.errors import ConfigError
from meta_search.types import Agent, Demonstration, Scalar
from meta_search.types.designs import Space
from tests.kits.author_contexts import EXAMPLES, KEYWORDS, Desk, made
from tests.kits.sandboxed_agents import House, with_text

WORDS = {"sum": "add", "gcd": "greatest divisor", "least": "greatest"}  # one kind's words are in another's
EVERY = space_of(blocks_of("solve"), WORDS, blocks=OTHER_BLOCKS)
SPACES = [
    EVERY,
    space_of(("direct", "program", "think"), {}, blocks=CHEAP_BLOCKS),
    space_of(("direct",), WORDS),
]
SHOWN = (
    Demonstration("Sum 40 and 2.", "```python\nprint(42)\n```"),
    Demonstration("Sum 40 and 2.", '{"thinking": "40 + 2", "answer": "42"}'),
)


class RandomTrial:
    """Draws every choice, and keeps what it was asked for."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self.asked: dict[str, Sequence[Any]] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        assert name not in self.asked
        self.asked[name] = choices
        return self._rng.choice(choices)

    def suggest_int(self, name: str, low: int, high: int) -> int:
        return self._rng.randint(low, high)


def drawn(space: Space, seed: int) -> dict[str, Scalar]:
    trial = RandomTrial(seed)
    design = suggested(space, trial)
    known = space.parameters()
    assert {name: tuple(choices) for name, choices in trial.asked.items()} == {n: known[n] for n in design}
    return design


@pytest.mark.parametrize("space", SPACES)
def test_what_a_trial_is_asked_for_is_what_the_design_reads(space: Space) -> None:
    for seed in range(300):
        design = drawn(space, seed)
        assert design == space.reduced(design)


@pytest.mark.parametrize("space", SPACES)
def test_every_design_is_a_plan_and_that_plan_is_the_design(space: Space) -> None:
    words = WORDS if space.kinds != ("",) else {}
    for seed in range(1500):
        design = drawn(space, seed)
        plan = plan_for(space, design, words)
        alone = design.get("combine") == "cascade" and design["votes"] == 1
        assert alone or design_of(space, plan, words) == design
        assert plan_from(plan.to_mapping()) == plan_from(plan_from(plan.to_mapping()).to_mapping())
        assert alone or design_of(space, plan_from(plan.to_mapping()), words) == design
        assert plan.name == described(plan)
        for kind, cell in space.cells(design).items():
            told = dict(cell)
            found = cell_for(plan, words.get(kind, ""))
            assert (found.way, found.prepare, found.check) == (
                told["way"],
                told.get("prepare", NONE),
                told.get("check", NONE),
            )


def test_without_blocks_the_space_is_the_one_of_ways_votes_and_examples() -> None:
    assert [slot.name for slot in space_of(("direct", "think"), WORDS).slots] == ["way", "votes", "shown"]


def test_what_a_run_cannot_carry_out_is_in_no_design() -> None:
    bare = space_of(("direct",), WORDS, examples=False, blocks=OTHER_BLOCKS).parameters()
    assert "choice" not in bare
    assert "form" not in bare["check:sum"]
    assert not {"second", "pass", "cascade"} & {c for choices in bare.values() for c in choices}
    whole = EVERY.parameters()
    assert {"second", "form"} <= set(whole["check:sum"])
    assert "cascade" in whole["combine"]


def test_a_plan_with_a_block_that_the_space_lacks_is_no_design() -> None:
    space = space_of(("direct", "program"), WORDS, blocks=("letter",))
    assert design_of(space, Plan("p", check="letter"), WORDS) is not None
    for plan in (
        Plan("p", check="critics"),
        Plan("p", prepare="extract"),
        Plan("p", combine="judge", samples=3),
    ):
        assert design_of(space, plan, WORDS) is None
    assert design_of(space, Plan("p", check="letter", failed="again"), WORDS) is None
    assert design_of(space, Plan("p", failed="again"), WORDS) is not None  # nothing reads it


def with_blocks(**more: Any) -> AuthorConfig:
    return AuthorConfig(blocks=CHEAP_BLOCKS, **more)


@pytest.mark.parametrize("operator", ["novel", "mutate", "crossover", "simplify"])
def test_what_the_composer_writes_of_staged_parents_is_sound(desk: Desk, operator: str) -> None:
    space = space_of(("direct", "program", "think"), KEYWORDS, blocks=OTHER_BLOCKS)
    for seed in range(6):
        plans = [plan_for(space, drawn(space, 10 * seed + n), KEYWORDS) for n in range(2)]
        parents = [
            Parent(Agent.of(plan.name, compile_plan(plan)), 0.5, 100.0, plan=plan.to_mapping())
            for plan in plans
        ]
        context = desk.context(operator, parents, config=with_blocks(), demonstrations=SHOWN)
        made(Composer().write(replace(context, trial=RandomTrial(seed))))


def test_a_neighbour_differs_in_one_choice(desk: Desk) -> None:
    context = desk.context("mutate", config=with_blocks())
    plan = Plan("think", way="think", samples=3, check="letter")
    found = neighbours(context, plan)
    assert {"extract", "restate"} <= {made.prepare for made in found} | {
        route.prepare for made in found for route in made.routes
    }
    assert {"decided"} <= {made.combine for made in found}
    assert {"again"} <= {made.failed for made in found}


def test_what_is_left_out_first_is_votes_then_checks_then_notes() -> None:
    plan: Plan | None = Plan("p", way="think", samples=3, check="letter", prepare="extract")
    told = []
    while plan is not None:
        told.append((plan.samples, plan.check, plan.prepare))
        plan = smaller(plan)
    assert told == [(3, "letter", "extract"), (1, "letter", "extract"), (1, NONE, "extract"), (1, NONE, NONE)]


def test_examples_that_repair_are_those_that_the_task_model_gets_wrong_by_itself(desk: Desk) -> None:
    pool = tuple(
        Demonstration(example.question, f"```python\nprint({example.answer!r})\n```")
        for example in EXAMPLES[:3]
    )
    hard = EXAMPLES[1].question
    for missed, choice, carried in (({(hard, "text", "task")}, "repair", (hard,)), (set(), "nearest", None)):
        context = desk.context("novel", demonstrations=pool, course=Course(missed=missed))
        candidate = made(write_plan(context, Plan("p", shown=2, choice="repair")))
        assert candidate.plan is not None
        assert candidate.plan.get("choice", "nearest") == choice
        own = tuple(shown.question for shown in candidate.agent.demonstrations)
        assert own == (carried or tuple(shown.question for shown in pool))


def test_the_task_model_is_asked_first_which_examples_it_gets_wrong(house: House) -> None:
    desk = Desk(house, with_text("42"))
    context = desk.context("novel", course=Course(limits=Limits(100, 100_000, None), each=3))
    wrong = {example.question for example in EXAMPLES if example.answer != "42"}
    found = plain_misses(context)
    assert found
    assert found <= wrong
    assert {model for _, _, model in desk.taught} == {TASK}


@pytest.mark.parametrize("knob", ["prepare", "check", "combine", "failed", "choice", "hint"])
def test_a_mutation_changes_any_stage(desk: Desk, knob: str) -> None:
    plan = Plan("think", way="think", samples=3, shown=1, check="letter")
    parent = Parent(Agent.of(plan.name, compile_plan(plan)), 0.5, 1.0, plan=plan.to_mapping())
    config = AuthorConfig(blocks=tuple(name for name in OTHER_BLOCKS if name != "repair"))
    context = desk.context("mutate", [parent], config=config, trial={"mutate": knob}, demonstrations=SHOWN)
    candidate = made(Composer().write(context))
    assert candidate.plan is not None
    changed = plan_from(candidate.plan)
    if knob in ("prepare", "check"):
        assert {getattr(c, knob) for c in changed.cells()} != {getattr(plan, knob)}
    else:
        assert getattr(changed, knob) != getattr(plan, knob)
    assert candidate.agent.name != plan.name


PLAN = {
    "name": "Quote, then check",
    "thought": "Small models lose what they do not quote.",
    "way": "direct",
    "routes": [{"words": "sum", "way": "program", "prepare": "none", "check": "execution"}],
    "hint": "",
    "samples": 3,
    "shown": 0,
    "steps": [],
    "temperature": 0.1,
    "prepare": "extract",
    "check": "letter",
    "failed": "again",
    "combine": "decided",
}


@pytest.mark.parametrize("tokens", [0, 4096])
def test_a_model_that_is_not_embedded_writes_plans_with_stages(desk: Desk, tokens: int) -> None:
    config = with_blocks(formats=("plan",), reflexions=0, debug_rounds=0)
    plan, more = Plan("think", way="think"), {"config": config, "context_tokens": tokens}
    parent = Parent(Agent.of(plan.name, compile_plan(plan)), 0.5, 1.0, plan=plan.to_mapping())
    context = desk.context("mutate", [parent], texts=[json.dumps(PLAN)], tags=("plan",), **more)
    candidate = made(LLMAuthor().write(context))
    asked = desk.asked[0]
    stages = {"prepare", "check", "failed", "combine"}
    properties = (asked.schema or {})["properties"]
    assert stages & set(properties) == (set() if tokens else stages)
    told = asked.messages[-1][1]
    assert ("extract (the parts of the task that matter are quoted first)" in told) is not bool(tokens)
    assert candidate.plan is not None
    assert plan_from(candidate.plan).routes == (Route("sum", "program", "none", "execution"),)
    assert (candidate.plan["prepare"], candidate.plan["combine"]) == ("extract", "decided")
    if not tokens:
        assert properties["routes"]["items"]["required"] == ["words", "way", "prepare", "check"]


def test_what_blocks_a_search_has_depends_on_its_model() -> None:
    def blocks(*overrides: str) -> Any:
        return resolved(compose([*overrides])).author.blocks

    cloud = ["llm=openai", "llm.task.model=gpt-4o-mini", "llm.meta.model=gpt-4o-mini"]
    assert blocks("llm=local") == EMBEDDED_BLOCKS
    assert blocks(*cloud) == CHEAP_BLOCKS
    assert blocks(*cloud, "author.blocks=[judge]") == ("judge",)
    assert blocks(*cloud, "author.blocks=[]") == ()
    with pytest.raises(ConfigError, match=r"author\.blocks: unknown name vote2"):
        blocks("author.blocks=[vote2]")
