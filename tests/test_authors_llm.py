"""The llm author with a meta agent whose words are given: drafts, reflexions, checks, debug rounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from meta_search.authors.author import Author, Failure, Written
from meta_search.authors.llm import LLMAuthor
from meta_search.config import AuthorConfig
from meta_search.types import Agent, CallReply, Demonstration, Parameter
from tests.kits.author_contexts import EXAMPLES, PLAN, SOURCES, Desk, failed, made, seed
from tests.kits.sandboxed_agents import House, wrapped

AUTHOR: Author = LLMAuthor()
GOOD = wrapped("return LLMAgentBase(['answer'], 'A')([taskInfo], 'Solve.')[0]")
PROGRAM = f"Name: **One call**\nThought: It asks once.\n```python\n{GOOD}```"
EDIT = """Name: Cooler
Thought: Less heat.
<<<<<<< SEARCH
temperature=0.1
=======
temperature=0.0
>>>>>>> REPLACE"""
SHOWN = Demonstration("Sum 40 and 2.", "```python\nprint(42)\n```")


def write(
    desk: Desk, form: str, texts: Sequence[str | CallReply], operator: str = "mutate", **more: Any
) -> Written:
    parents = more.pop("parents", [seed("direct")])
    return AUTHOR.write(desk.context(operator, parents, texts=texts, tags=(form,), **more))


def config(reflexions: int = 0, debug_rounds: int = 0) -> AuthorConfig:
    return AuthorConfig(reflexions=reflexions, debug_rounds=debug_rounds)


# -- the three formats


def test_a_plan_is_asked_for_by_schema_and_compiled(desk: Desk) -> None:
    written = write(desk, "plan", [json.dumps(PLAN)])
    candidate = made(written)
    assert (candidate.agent.name, candidate.thought) == ("Split by kind", "Letters by program.")
    assert candidate.plan is not None
    assert (candidate.plan["way"], written.attempts, candidate.generation) == ("direct", (), 1)
    [request] = desk.asked
    assert request.schema is not None
    words = request.schema["properties"]["routes"]["items"]["properties"]["words"]["enum"]
    assert words == ["letter", "sum"]
    assert {"steps", "temperature"} <= set(request.schema["required"])
    assert (request.model, request.purpose, request.agent, request.occurrence) == (
        "meta",
        "meta",
        "brief-4",
        "draft",
    )
    assert (request.temperature, request.seed) == (0.7, 3)


def test_a_program_is_read_with_its_name_and_thought(desk: Desk) -> None:
    candidate = made(write(desk, "program", [PROGRAM], operator="novel"))
    assert (candidate.agent.name, candidate.thought) == ("One call", "It asks once.")
    assert (candidate.agent.source, candidate.plan) == (GOOD, None)
    assert desk.asked[0].schema is None
    assert "run_python(code" in desk.asked[0].messages[1][1]


@pytest.mark.parametrize(
    ("head", "name", "thought"),
    [
        ("### Name: One\n\n#### Thought:\nIt asks.\n\n", "One", "It asks."),
        ("**Name:**\nThought: It asks.\n", "Unnamed", "It asks."),
        ("Name: One\nThought:\n", "One", ""),
    ],
)
def test_name_and_thought_may_be_headings(desk: Desk, head: str, name: str, thought: str) -> None:
    candidate = made(write(desk, "program", [f"{head}```python\n{GOOD}```"], operator="novel"))
    assert (candidate.agent.name, candidate.thought) == (name, thought)


@pytest.mark.parametrize(
    "head", ["Name: One\n\nThought: It asks.\nTwice.\n\n", "**Name:** One\n# Thought: a\n", ""]
)
def test_name_and_thought_within_the_block_are_no_code(desk: Desk, head: str) -> None:
    candidate = made(write(desk, "program", [f"```python\n{head}{GOOD}```"], operator="novel"))
    assert candidate.agent.name == ("One" if head else "Unnamed")
    assert candidate.agent.source == GOOD


def test_an_edit_changes_the_parents_source(desk: Desk) -> None:
    candidate = made(write(desk, "edit", [EDIT]))
    assert candidate.agent.name == "Cooler"
    assert candidate.agent.source == SOURCES["direct"].replace("temperature=0.1", "temperature=0.0")
    assert SOURCES["direct"] in desk.asked[0].messages[1][1]


def test_an_edit_without_a_parent_is_a_program(desk: Desk) -> None:
    assert made(write(desk, "edit", [PROGRAM], parents=[])).agent.source == GOOD


def test_the_format_is_the_tag_else_the_first_configured_else_a_plan(desk: Desk) -> None:
    configured = AuthorConfig(formats=("program",), reflexions=0)
    assert made(write(desk, "cot", [PROGRAM], config=configured)).plan is None
    assert made(write(desk, "cot", [json.dumps(PLAN)], config=AuthorConfig(formats=()))).plan is not None


def test_the_meta_agent_sees_parents_failures_inspirations_and_kinds(desk: Desk) -> None:
    parent = seed(
        "direct", 0.25, 40.0, by_kind={"sums": (1, 4)}, failures=(Failure("Sum 1 and 2?", "4", "3", "sums"),)
    )
    write(desk, "plan", [json.dumps(PLAN)], parents=[parent], inspirations=(seed("debate", 0.6),))
    prompt = desk.asked[0].messages[1][1]
    for part in (
        "letters and sums",
        "«direct» (given): 25 % [5, 70] of 4 items; 40 tokens an item",
        "sums 1 of 4",
        "> Sum 1 and 2?\nExpected:\n> 3\nAnswered:\n> 4",
        "«debate» (given): 60 %",
        "sums: sum",
    ):
        assert part in prompt


def test_an_embedded_meta_agent_is_told_in_short(desk: Desk) -> None:
    parent = seed(
        "direct", 0.25, 40.0, by_kind={"sums": (1, 4)}, failures=(Failure("Sum 1 and 2?", "4", "3", "sums"),)
    )
    small = {"inspirations": (seed("debate", 0.6),), "context_tokens": 2_048, "room": 1_500}
    write(desk, "plan", [json.dumps(PLAN)], parents=[parent], **small)
    prompt = desk.asked[0].messages[1][1]
    for part in (
        "letters and sums",
        "«direct»: mean score 0.25 at 40 tokens",
        "sums 1 of 4",
        "Sum 1 and 2? → 4 (expected 3)",
        "«debate»: mean score 0.60",
        "- sums: sum",
    ):
        assert part in prompt
    assert "temperature" not in json.dumps(desk.asked[0].schema)


def test_faults_of_a_parent_are_told_with_what_mends_them(desk: Desk) -> None:
    source = wrapped("return LLMAgentBase(['a'], 'A')([taskInfo])[3]")
    [crash] = [desk.house.run(source)]
    failures = (
        Failure("Sum 1 and 2?", "", "3", "sums", crash.detail, crash.kind),
        Failure("Sum 3 and 4?", "8", "7", "sums"),
    )
    parent = replace(seed("direct", failures=failures), agent=Agent.of("broken", source))
    write(desk, "program", [PROGRAM], parents=[parent])
    prompt = desk.asked[0].messages[1][1]
    assert (
        "> Sum 1 and 2?\nIt ended as:\n> crash: IndexError: list index out of range (line 2: `retu" in prompt
    )
    assert "the list may be shorter than expected" in prompt
    assert "> Sum 3 and 4?\nExpected:\n> 7\nAnswered:\n> 8" in prompt


def test_debug_mends_the_parent_where_it_fails(desk: Desk) -> None:
    parent = seed("direct", failures=(Failure("Sum 1 and 2?", "", "3", "sums", "slow", "timeout"),))
    formats = AuthorConfig(formats=("plan", "edit"), reflexions=0)
    candidate = made(write(desk, "plan", [EDIT], "debug", parents=[parent], config=formats))
    assert candidate.agent.name == "Cooler"
    prompt = desk.asked[0].messages[1][1]
    assert "Mend the first agent above" in prompt
    assert "timeout: slow; do less work between the calls" in prompt
    plan = made(write(desk, "plan", [json.dumps(PLAN)], "debug", parents=[parent]))
    assert plan.plan is not None  # a model that can write nothing else mends by a new plan


def test_tune_needs_no_meta_agent(desk: Desk) -> None:
    space = (Parameter("samples", "int", 1, 1, 5),)
    source_of = made(write(desk, "plan", [json.dumps(PLAN)])).agent
    desk.asked.clear()
    parent = seed("direct", space=space)
    parent = type(parent)(source_of, 0.5, 1.0, space=space)
    candidate = made(write(desk, "plan", [], "tune", parents=[parent], values={"samples": 3}))
    assert candidate.agent.values == {"samples": 3}
    assert desk.asked == []


# -- looking again, and mending


def test_a_reflexion_replaces_the_draft(desk: Desk) -> None:
    better = json.dumps({**PLAN, "name": "Better"})
    candidate = made(write(desk, "plan", [json.dumps(PLAN), better], config=config(reflexions=1)))
    assert candidate.agent.name == "Better"
    assert [request.occurrence for request in desk.asked] == ["draft", "reflexion0"]
    assert "Split by kind" in desk.asked[1].messages[2][1]  # the draft stands in the conversation
    assert desk.asked[1].schema is None  # it may say `keep`


@pytest.mark.parametrize("again", ["I would change nothing.", CallReply("", fault="llm", message="down")])
def test_a_reflexion_that_cannot_be_read_does_not_lose_the_draft(desk: Desk, again: str | CallReply) -> None:
    candidate = made(write(desk, "plan", [json.dumps(PLAN), again], config=config(reflexions=1)))
    assert candidate.agent.name == "Split by kind"


def test_a_reflexion_may_mend_a_draft_that_cannot_be_read(desk: Desk) -> None:
    candidate = made(write(desk, "plan", ["{", json.dumps(PLAN)], config=config(reflexions=1)))
    assert candidate.agent.name == "Split by kind"


def fenced(source: str) -> str:
    return f"```python\n{source}```"


def test_each_kind_of_fault_is_told_and_mended(desk: Desk) -> None:
    texts = [
        "I can't.",
        fenced(wrapped("return '42'")),
        fenced(wrapped("return LLMAgentBase(['answer'], 'A')([taskInfo])[1]")),
        PROGRAM,
    ]
    written = write(desk, "program", texts, config=config(debug_rounds=3), model_free="refuse")
    assert made(written).agent.source == GOOD
    assert [attempt.stage for attempt in written.attempts] == ["draft", "check", "dry_run"]
    assert all(
        request.messages[:2] == desk.asked[0].messages for request in desk.asked
    )  # what was asked first
    assert [m[0] for m in desk.asked[1].messages] == ["system", "user", "assistant", "user"]
    told = ["\n".join(text for _, text in request.messages[2:]) for request in desk.asked[1:]]
    assert "no ```python block" in told[0]
    assert "never asks a model" in told[1]
    assert "IndexError: list index out of range (line 2: `return LLMAgentBase(" in told[2]
    assert "the list may be shorter than expected" in told[2]
    assert "return '42'" in told[1]
    assert [request.occurrence for request in desk.asked] == ["draft", "debug0", "debug1", "debug2"]
    assert written.attempts[1].source == wrapped("return '42'")


def test_after_the_last_debug_round_nothing_came_of_it(desk: Desk) -> None:
    written = write(desk, "program", ["no", "no", "no"], config=config(debug_rounds=2))
    assert failed(written).message.startswith("there is no ```python block")
    assert (len(written.attempts), len(desk.asked)) == (3, 3)


@pytest.mark.parametrize("when", [0, 1])
def test_a_fault_of_the_endpoint_ends_the_brief(desk: Desk, when: int) -> None:
    down = CallReply("", fault="budget", message="the budget ended")
    written = write(desk, "plan", [*["no plan"] * when, down], config=config(debug_rounds=3))
    attempt = failed(written)
    assert (attempt.message, len(written.attempts)) == ("budget: the budget ended", when + 1)


def test_a_draft_that_was_cut_says_so(desk: Desk) -> None:
    cut = CallReply("```python\ndef forward", fault="cut", message="cut at 32768 tokens")
    attempt = failed(write(desk, "program", [cut, cut], operator="novel"))
    assert attempt.message == "the draft was cut at 32768 tokens: raise author.max_tokens"


def test_an_edit_that_does_not_fit_is_told(desk: Desk) -> None:
    written = write(desk, "edit", [EDIT.replace("0.1", "0.2"), EDIT], config=config(debug_rounds=1))
    assert made(written).agent.name == "Cooler"
    assert "is not in the source: `temperature=0.2`" in desk.asked[1].messages[3][1]
    assert SOURCES["direct"] in desk.asked[1].messages[1][1]  # the source that is to be edited is in view


def test_an_empty_reply_is_no_message_of_the_conversation(desk: Desk) -> None:
    assert made(write(desk, "program", ["", PROGRAM], config=config(debug_rounds=1))).agent.source == GOOD
    assert [role for role, _ in desk.asked[1].messages] == ["system", "user"]
    assert "the reply is empty" in desk.asked[1].messages[1][1]


# -- worked examples


def test_a_plan_that_shows_programs_gets_them(house: House) -> None:
    desk = Desk(
        house, lambda request: SHOWN.reply if "Sum" in request.messages[-1][1] else "```\nprint(2)\n```"
    )
    text = json.dumps({**PLAN, "shown": 1})
    candidate = made(write(desk, "plan", [text], parents=[seed("program_of_thought")]))
    assert len(candidate.agent.demonstrations) == len(desk.kept) == len(EXAMPLES)
    again = made(write(Desk(house), "plan", [text], demonstrations=(SHOWN,)))
    assert again.agent.demonstrations == (SHOWN,)


def test_a_program_carries_the_pool_if_it_uses_it(desk: Desk) -> None:
    source = GOOD.replace("'A'", "'A', demonstrations=self.nearest(taskInfo, 1)")
    assert made(write(desk, "program", [fenced(source)], demonstrations=(SHOWN,))).agent.demonstrations == (
        SHOWN,
    )
    assert made(write(desk, "program", [fenced(GOOD)], demonstrations=(SHOWN,))).agent.demonstrations == ()
