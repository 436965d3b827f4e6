"""`instruct`: choices of instructions for the tuning study, in the real sandbox."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meta_search.authors.compiler import compile_plan
from meta_search.authors.composer import Composer
from meta_search.authors.instruct import MOST_OFFERED
from meta_search.authors.llm import LLMAuthor
from meta_search.authors.plan import Plan
from meta_search.config import AuthorConfig
from meta_search.types import Agent, CallReply, Demonstration
from tests.kits.arithmetic import HINT, PAIR, QUESTIONS, SOLO, Scene, parent
from tests.kits.author_contexts import Desk, child, failed, made
from tests.kits.sandboxed_agents import House

OFFER = f"1. First {HINT}.\n2. You are a shopkeeper: say the number.\n3. Reply with only the number.\n"
TODAY = "Reply with only the number."


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house)


@pytest.mark.parametrize("traced", [True, False])
def test_each_instruction_becomes_a_choice_with_todays_wording_as_default(scene: Scene, traced: bool) -> None:
    candidate = made(LLMAuthor().write(scene.context([OFFER], operator="instruct", traced=traced)))
    [parameter] = candidate.space
    assert (parameter.name, parameter.kind, parameter.default) == ("instruction_1", "choice", TODAY)
    assert parameter.choices == (TODAY, f"First {HINT}.", "You are a shopkeeper: say the number.")
    # With today's wording it would be its parent once more, so it begins with a new one.
    assert candidate.agent.values == {"instruction_1": f"First {HINT}."}
    assert "# every remark stays" in candidate.agent.source
    results = [
        scene.runs.probe(Agent.of("x", candidate.agent.source, v), [3], ())[0]
        for v in (candidate.agent.values, {})
    ]
    assert [r.score for r in results] == [1.0, 0.0]
    assert not candidate.brief.tags or candidate.plan is None


def test_a_request_for_each_call_site(scene: Scene) -> None:
    offers = ["1. Note what is sold.\n2. Say nothing, but note.", OFFER]
    candidate = made(LLMAuthor().write(scene.context(offers, PAIR, operator="instruct")))
    assert [len(p.choices) for p in candidate.space] == [3, 3]
    prompts = [asked.messages[1][1] for asked in scene.desk.asked]
    assert ['as "Reader"' in p for p in prompts] == [True, False]
    assert len({asked.occurrence for asked in scene.desk.asked}) == 2
    assert "choice of 3 and 3 instructions" in candidate.agent.name


def test_worked_examples_of_the_pool_are_tunable_as_well(scene: Scene) -> None:
    pool = (Demonstration("A shop sells 1 loaf.", "1"), Demonstration("Write.", "```python\nprint(1)\n```"))
    given = scene.context([OFFER], operator="instruct", demonstrations=pool)
    candidate = made(LLMAuthor().write(given))
    assert {p.name: p.default for p in candidate.space} == {"shown": 0, "instruction_1": TODAY}
    assert candidate.agent.demonstrations == pool[:1]  # a program is no answer to it
    # One that shows some already keeps its own.
    own = (Demonstration("own", "2"),)
    shows = 'demonstrations=self.nearest(taskInfo, self.tune.int("shown", 0, 3, 1)), temperature'
    source = SOLO.replace("temperature", shows)
    agent = Agent.of("S", source, {"shown": 2}, own)
    kept = made(
        LLMAuthor().write(
            scene.context(
                [OFFER], operator="instruct", demonstrations=pool, parent=replace(parent(), agent=agent)
            )
        )
    )
    assert kept.agent.demonstrations == own
    assert kept.agent.values == {"shown": 2, "instruction_1": f"First {HINT}."}


def test_plans_get_choices_in_their_source(scene: Scene) -> None:
    plan = Plan("direct", way="direct")
    given = replace(
        parent(), agent=Agent.of("direct", compile_plan(plan)), plan=plan.to_mapping(), generation=1
    )
    candidate = made(LLMAuthor().write(scene.context([OFFER], operator="instruct", parent=given)))
    assert {p.name for p in candidate.space} >= {"samples", "temperature", "instruction_1"}


def test_what_it_made_is_tuned(scene: Scene, house: House) -> None:
    first = made(LLMAuthor().write(scene.context([OFFER], operator="instruct")))
    values = {"instruction_1": "You are a shopkeeper: say the number."}
    tuned = made(Composer().write(Desk(house).context("tune", [child(first)], values=values)))
    assert tuned.agent.values == values
    assert tuned.agent.source == first.agent.source
    assert len(tuned.thought) < 300
    # All are choices now: the author edits it as it edits any other.
    config = AuthorConfig(reflexions=0, debug_rounds=0)
    again = scene.context(
        ["no edit"], operator="instruct", parent=child(first), config=config, tags=("edit",)
    )
    assert failed(LLMAuthor().write(again)).stage == "draft"


def test_instructions_that_quote_a_scored_item_are_left_out(scene: Scene) -> None:
    offer = f"1. As in: {QUESTIONS[3]} {HINT}.\n2. Be quick.\n3. {'word ' * 900}"
    candidate = made(LLMAuthor().write(scene.context([offer], operator="instruct")))
    assert candidate.space[0].choices == (TODAY, "Be quick.")


@pytest.mark.parametrize("reply", ["", "no", f"1. {TODAY}"])
def test_a_reply_without_new_instructions_makes_no_agent(scene: Scene, reply: str) -> None:
    attempt = failed(LLMAuthor().write(scene.context([reply], operator="instruct")))
    assert "no new instructions" in attempt.message


def test_faults_and_bounds(scene: Scene) -> None:
    attempt = failed(
        LLMAuthor().write(scene.context([CallReply("", fault="llm", message="gone")], operator="instruct"))
    )
    assert attempt.message == "llm: gone"
    offer = "\n".join(f"{n}. Say the number, way {n}." for n in range(1, 40))
    candidate = made(LLMAuthor().write(scene.context([offer], operator="instruct")))
    assert len(candidate.space[0].choices) == MOST_OFFERED + 1
