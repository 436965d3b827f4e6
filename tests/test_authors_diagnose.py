"""`diagnose`: a cause for each failing item, then the edit, in one reply."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from meta_search.authors.compiler import compile_plan
from meta_search.authors.llm import LLMAuthor
from meta_search.authors.plan import Plan
from meta_search.config import AuthorConfig
from meta_search.types import Agent
from tests.kits.arithmetic import HINT, SOLO, Scene, parent
from tests.kits.author_contexts import failed, made
from tests.kits.sandboxed_agents import House

EDIT = f"""Cause 1: nobody tells it to add.
Cause 2: nobody tells it to add.
Cause 3: it guesses.
Name: Adder
Thought: Told to add.
<<<<<<< SEARCH
    return solver([taskInfo], "Reply with only the number.")[0]  # the answer
=======
    return solver([taskInfo], "{HINT}, reply with only the number.")[0]  # the answer
>>>>>>> REPLACE"""


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house)


@pytest.mark.parametrize("traced", [True, False])
def test_the_edit_is_made_and_the_causes_stay_in_the_thought(scene: Scene, traced: bool) -> None:
    candidate = made(LLMAuthor().write(scene.context([EDIT], operator="diagnose", traced=traced)))
    assert candidate.agent.source == SOLO.replace('"Reply', f'"{HINT}, reply')
    assert candidate.agent.name == "Adder"
    assert candidate.thought == "Told to add. Causes: nobody tells it to add.; it guesses."
    prompt = scene.desk.asked[0].messages[1][1]
    assert SOLO.strip() in prompt
    assert prompt.count(", wrong:") == 5 + (not traced)
    assert ("Solver was given:" in prompt) == traced
    assert "right answer:\n> 9" in prompt
    assert "scorer:\n> off by 9" in prompt
    assert "Cause 1" in prompt


def test_a_whole_program_does_as_well(scene: Scene) -> None:
    reply = f"Cause 1: it guesses\nName: Whole\nThought: t\n```python\n{SOLO.replace('Reply', HINT)}```"
    candidate = made(LLMAuthor().write(scene.context([reply], operator="diagnose")))
    assert HINT in candidate.agent.source
    assert "it guesses" in candidate.thought


def test_an_edit_that_cannot_be_made_is_asked_for_again(scene: Scene) -> None:
    broken = EDIT.replace("return solver", "return nobody")
    written = LLMAuthor().write(scene.context([broken, EDIT], operator="diagnose"))
    assert made(written).agent.name == "Adder"
    assert written.attempts[0].stage == "draft"
    assert written.attempts[0].message in scene.desk.asked[1].messages[-1][1]


def test_no_change_is_no_candidate(scene: Scene) -> None:
    same = f"Cause 1: none\n```python\n{SOLO}```"
    attempt = failed(LLMAuthor().write(scene.context([same, same], operator="diagnose")))
    assert attempt.message == "nothing was changed"


def test_a_long_source_shows_forward_alone(scene: Scene) -> None:
    long = SOLO + "\n".join(f"\n\ndef helper{n}(a):\n    return a  # {'x' * 60}" for n in range(40))
    given = replace(parent(long, scene.runs), agent=Agent.of("Solo", long))
    context = scene.context([EDIT], operator="diagnose", parent=given, context_tokens=2048)
    candidate = made(LLMAuthor().write(context))
    prompt = scene.desk.asked[0].messages[1][1]
    assert "helper3" not in prompt
    assert "its helpers are left out" in prompt
    assert candidate.agent.source.rstrip() == long.replace('"Reply', f'"{HINT}, reply')


def test_who_writes_plans_alone_diagnoses_a_plan(scene: Scene) -> None:
    plan = Plan("direct", way="direct")
    given = replace(
        parent(), agent=Agent.of("direct", compile_plan(plan)), plan=plan.to_mapping(), generation=1
    )
    config = AuthorConfig(formats=("plan",), reflexions=0, debug_rounds=1)
    same = {"causes": ["it guesses"], **plan.to_mapping(), "steps": []}
    other = {**same, "way": "program", "name": "Written", "thought": "By program."}
    more = {"operator": "diagnose", "parent": given, "config": config, "context_tokens": 2048}
    written = LLMAuthor().write(scene.context([json.dumps(same), json.dumps(other)], **more))
    candidate = made(written)
    assert [a.message for a in written.attempts] == ["nothing was changed"]
    assert candidate.plan is not None
    assert candidate.plan["way"] == "program"
    assert candidate.thought == "By program. Causes: it guesses"
    asked = scene.desk.asked[0]
    assert next(iter(asked.schema["properties"])) == "causes"  # type: ignore[index]
    assert '"way": "direct"' in asked.messages[1][1]
    assert "program (the model writes" in asked.messages[1][1]
    assert "team" not in asked.messages[1][1]


def test_a_parent_without_failures_is_changed_as_any_other(scene: Scene) -> None:
    context = scene.context(
        [EDIT], operator="diagnose", parent=replace(parent(), failures=()), tags=("edit",)
    )
    assert made(LLMAuthor().write(context)).agent.name == "Adder"
    assert "Find out why" in scene.desk.asked[0].messages[1][1]
