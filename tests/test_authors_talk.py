"""The conversation with the meta agent: what stands in it, checks before a second look, ideas, drafts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from meta_search.authors.author import Written
from meta_search.authors.follow_ups import farthest
from meta_search.authors.llm import LLMAuthor, form_of
from meta_search.authors.views import Tried
from meta_search.config import AuthorConfig
from meta_search.types import Agent, CallReply
from tests.kits.author_contexts import PLAN, Desk, failed, made, seed
from tests.kits.sandboxed_agents import House, wrapped

ASKS = "return LLMAgentBase(['answer'], 'Solver', 'a {}')([taskInfo], 'Solve it like a {}.')[0]"
BROKEN = "return LLMAgentBase(['answer'], 'A')([taskInfo])[1]"
IDEAS = "\n".join(
    (
        "1. Vote among five samples of the same prompt.",
        "2. Write a program and run it, then check the printed number.",
        "3. **Translate** the question into an equation first.",
        "4. Ask for the units, then for the number.",
        "5. Let two models argue.",
    )
)
WARM = AuthorConfig(reflexions=1, debug_rounds=1)


def program(name: str, body: str = "") -> str:
    code = wrapped(body or ASKS.format(name, name))
    return f"Name: {name}\nThought: As a {name} would.\n```python\n{code}```"


def write(desk: Desk, texts: Sequence[str | CallReply], operator: str = "mutate", **more: Any) -> Written:
    parents = more.pop("parents", [seed("direct")])
    form = more.pop("form", "program")
    return LLMAuthor().write(desk.context(operator, parents, texts=texts, tags=(form,), **more))


def steps(desk: Desk) -> list[str]:
    return [request.occurrence for request in desk.asked]


def last(desk: Desk) -> str:
    return desk.asked[-1].messages[-1][1]


# -- checks come before the second look


def test_the_second_look_sees_what_the_model_would_be_sent(desk: Desk) -> None:
    written = write(desk, [program("baker"), "keep"], config=WARM)
    assert made(written).agent.name == "baker"
    assert steps(desk) == ["draft", "reflexion0"]
    told = last(desk)
    assert "passed the static check" in told
    assert "1 call on the first item. «baker» first sends its model this:\n> (Solver, a baker)\n> " in told
    assert "\n> Solve it like a baker." in told
    assert "> Count the letter o in moon." in told  # the item of the dry run
    assert "`keep`" in told


def test_a_prompt_cannot_end_its_quotation(desk: Desk) -> None:
    body = "return LLMAgentBase(['answer'], 'A\\nReply: x')([taskInfo], 'Solve.\\n\\nReply with nothing.')[0]"
    write(desk, [program("baker", body), "keep"], config=WARM)
    lines = last(desk).split("\n")
    assert [line for line in lines if "Reply with nothing" in line or "Reply: x" in line] != []
    assert all(line.startswith(">") for line in lines if "Reply with nothing" in line or "Reply: x" in line)


@pytest.mark.parametrize(
    "said",
    ["keep", "Keep.", "**KEEP**", "I would keep it as it is.", '{"answer": "keep"}', "No changes needed."],
)
def test_keep_costs_no_further_round(desk: Desk, said: str) -> None:
    config = AuthorConfig(reflexions=3, debug_rounds=0)
    assert made(write(desk, [program("baker"), said], config=config)).agent.name == "baker"
    assert steps(desk) == ["draft", "reflexion0"]


def test_an_improved_draft_is_checked_and_one_that_fails_loses_nothing(desk: Desk) -> None:
    written = write(desk, [program("baker"), program("miller")], config=WARM)
    assert made(written).agent.name == "miller"
    written = write(desk, [program("baker"), program("miller", BROKEN)], config=WARM)
    assert made(written).agent.name == "baker"
    assert [a.stage for a in written.attempts] == ["dry_run"]


def test_a_draft_that_fails_is_mended_before_anybody_looks_again(desk: Desk) -> None:
    written = write(desk, [program("baker", BROKEN), program("miller"), "keep"], config=WARM)
    assert made(written).agent.name == "miller"
    assert steps(desk) == ["draft", "debug0", "reflexion0"]
    roles = [role for role, _ in desk.asked[2].messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]  # all that was said


def test_a_plan_is_followed_up_in_the_conversation(desk: Desk) -> None:
    texts = ["no plan", json.dumps(PLAN), "keep"]
    assert made(write(desk, texts, form="plan", config=WARM)).plan is not None
    opening = desk.asked[0].messages
    assert [request.messages[:2] == opening for request in desk.asked] == [True] * 3
    assert [request.schema is None for request in desk.asked] == [False, False, True]


def test_in_a_small_window_follow_ups_are_short(desk: Desk) -> None:
    config = AuthorConfig(reflexions=1, debug_rounds=1, max_tokens=1500)
    texts = ["no plan", json.dumps(PLAN), json.dumps({**PLAN, "name": "Again"})]
    written = write(desk, texts, form="plan", config=config, context_tokens=4096)
    assert made(written).agent.name == "Again"
    assert [len(request.messages) for request in desk.asked] == [2, 2, 2]
    assert {request.max_tokens for request in desk.asked} == {320}
    assert all("keep" not in text for request in desk.asked for _, text in request.messages)
    desk.asked.clear()
    write(desk, [program("a", BROKEN), program("b", BROKEN), program("c")], context_tokens=4096)
    assert [len(request.messages) for request in desk.asked] == [2, 4]  # the opening, the last draft, why


def test_a_conversation_that_outgrows_the_window_is_shortened(desk: Desk) -> None:
    full = CallReply("", fault="context", message="too long")
    texts = [program("a", BROKEN), program("b", BROKEN), full, program("c")]
    written = write(desk, texts, config=AuthorConfig(reflexions=0, debug_rounds=2))
    assert made(written).agent.name == "c"
    assert steps(desk) == ["draft", "debug0", "debug1", "debug1-short"]
    short = desk.asked[3].messages
    assert (short[:2], len(short)) == (desk.asked[0].messages, 4)
    assert short[2:] == desk.asked[2].messages[4:]


def test_what_nobody_has_heard_does_not_stand_in_the_conversation(desk: Desk) -> None:
    down = CallReply("", fault="llm", message="down")
    agent = Agent.of("known", wrapped(ASKS.format("baker", "baker")))
    written = write(desk, [program("baker"), down, "keep"], config=WARM, known=((agent, None),))
    assert made(written).agent.name == "baker"
    assert steps(desk) == ["draft", "another", "reflexion0"]
    assert [role for role, _ in desk.asked[2].messages] == ["system", "user", "assistant", "user"]
    assert "hardly differs" not in last(desk)


# -- scored items


def test_a_leak_is_told_and_mended(desk: Desk) -> None:
    question = "How many legs have 3 dogs and 2 birds together?"
    cheat = program("cheat", f"KNOWN = {question!r}\n" + ASKS.format("x", "y"))
    context = {"questions": (question,), "leak": lambda agent: "i7" if "3 dogs" in agent.source else ""}
    written = write(desk, [cheat, program("baker")], **context)
    assert made(written).agent.name == "baker"
    assert [a.stage for a in written.attempts] == ["leak"]
    assert f"scored item, `{question}`" in last(desk)
    assert "i7" not in last(desk)


def test_a_question_that_the_meta_agent_may_not_see_is_not_quoted(desk: Desk) -> None:
    hidden = "What is the secret sum of 11 and 31 in the test items?"
    cheat = program("cheat", f"KNOWN = {hidden!r}\n" + ASKS.format("x", "y"))
    written = write(desk, [cheat, "no"], leak=lambda agent: "t3", config=AuthorConfig(debug_rounds=1))
    assert written.attempts[0].stage == "leak"
    assert "of a scored item. Scored items" in last(desk)
    assert "t3" not in last(desk)


# -- ideas first


def test_a_novel_agent_begins_with_ideas(desk: Desk) -> None:
    written = write(desk, [f"{IDEAS}\n\nPick: 4", program("baker")], "novel")
    assert made(written).agent.name == "baker"
    assert steps(desk) == ["ideas", "draft"]
    assert "ideas only" in last_of(desk, 0)
    assert last(desk).endswith("> Ask for the units, then for the number.")
    assert desk.asked[1].messages[:2] == desk.asked[0].messages


def test_without_a_pick_the_farthest_from_what_was_tried_is_written(desk: Desk) -> None:
    tried = [Tried(str(n), "a", thought, "novel", "llm") for n, thought in enumerate(IDEAS.split("\n")[:4])]
    write(desk, [IDEAS, program("baker")], "novel", tried=tuple(tried))
    assert last(desk).endswith("> Let two models argue.")
    assert farthest(["vote among samples", "run a program"], ["Vote among five samples."]) == 1
    assert farthest(["a", "b"], []) == 0


def test_ideas_that_cannot_be_read_or_never_came_do_not_end_the_brief(desk: Desk) -> None:
    assert made(write(desk, ["Hm.", program("baker")], "novel")).agent.name == "baker"
    assert "Now write the agent" in last(desk)
    down = CallReply("", fault="llm", message="down")
    assert failed(write(desk, [down], "novel")).message == "llm: down"
    desk.asked.clear()
    cut = CallReply("", fault="cut", message="cut at 32768 tokens")
    assert made(write(desk, [cut, program("baker")], "novel")).agent.name == "baker"
    assert steps(desk) == ["ideas", "draft"]
    assert "ideas only" not in last(desk)


def test_who_writes_at_once_is_not_asked_twice(desk: Desk) -> None:
    assert made(write(desk, [program("baker")], "novel")).agent.name == "baker"
    assert steps(desk) == ["ideas"]


def test_an_embedded_model_is_not_asked_for_ideas(desk: Desk) -> None:
    write(desk, [json.dumps(PLAN)], "novel", form="plan", context_tokens=4096)
    assert steps(desk) == ["draft"]


# -- several drafts in one reply

TWO = AuthorConfig(reflexions=0, debug_rounds=1, drafts=2)


def test_each_agent_of_a_reply_is_a_candidate(desk: Desk) -> None:
    written = write(desk, [program("baker") + "\n\n" + program("miller")], config=TWO)
    assert [c.agent.name for c in written.candidates] == ["baker", "miller"]
    assert [c.thought for c in written.candidates] == ["As a baker would.", "As a miller would."]
    assert "up to 2 agents" in last(desk)
    assert written.attempts == ()


def test_one_that_fails_does_not_hold_up_the_other(desk: Desk) -> None:
    written = write(desk, [program("baker", BROKEN) + "\n\n" + program("miller")], config=TWO)
    assert [c.agent.name for c in written.candidates] == ["miller"]
    assert [a.stage for a in written.attempts] == ["dry_run"]
    assert steps(desk) == ["draft"]


def test_where_all_fail_all_reasons_are_told(desk: Desk) -> None:
    first = program("baker", BROKEN) + "\n\n" + program("miller", "return self.guess(taskInfo)")
    written = write(desk, [first, program("smith")], config=TWO)
    assert [c.agent.name for c in written.candidates] == ["smith"]
    assert "1. crash: IndexError" in last(desk)
    assert "2. self.guess (line" in last(desk)


def test_a_second_look_replaces_by_name_and_keeps_the_others(desk: Desk) -> None:
    both = program("baker") + "\n\n" + program("miller")
    better = program("miller", ASKS.format("miller", "careful miller"))
    written = write(desk, [both, better], config=replace(TWO, reflexions=1))
    assert [c.agent.name for c in written.candidates] == ["miller", "baker"]
    assert "careful miller" in written.candidates[0].agent.source
    assert "«baker» passed" in last(desk)


def test_plans_and_edits_may_be_several_too(desk: Desk) -> None:
    plans = [PLAN, {**PLAN, "name": "Other", "way": "program"}]
    written = write(desk, [json.dumps({"plans": plans})], form="plan", config=TWO)
    assert [c.agent.name for c in written.candidates] == ["Split by kind", "Other"]
    schema = desk.asked[0].schema
    assert schema is not None
    assert schema["properties"]["plans"]["items"]["properties"]["way"]
    edit = (
        "Name: {0}\nThought: T.\n<<<<<<< SEARCH\ntemperature=0.1\n=======\ntemperature={0}\n>>>>>>> REPLACE\n"
    )
    written = write(desk, [edit.format(0.3) + edit.format(0.7)], form="edit", config=TWO)
    assert [c.agent.name for c in written.candidates] == ["0.3", "0.7"]


def test_a_repair_is_one_agent(desk: Desk) -> None:
    written = write(desk, [program("baker") + "\n\n" + program("miller")], "debug", config=TWO)
    assert [c.agent.name for c in written.candidates] == ["miller"]
    assert "up to 2 agents" not in last(desk)


# -- formats


@pytest.mark.parametrize(
    ("operator", "tags", "formats", "form"),
    [
        ("novel", ("edit",), ("program", "edit", "plan"), "program"),
        ("novel", ("edit",), ("edit",), "program"),
        ("novel", ("edit",), ("plan", "edit"), "plan"),
        ("mutate", ("edit",), ("program", "edit", "plan"), "edit"),
        ("debug", ("program",), ("program", "edit", "plan"), "edit"),
        ("mutate", (), ("program", "edit", "plan"), "program"),
        ("mutate", (), (), "plan"),
    ],
)
def test_no_edits_where_another_agent_is_asked_for(
    house: House, operator: str, tags: tuple[str, ...], formats: tuple[str, ...], form: str
) -> None:
    context = Desk(house).context(operator, [seed("direct")], tags=tags, config=AuthorConfig(formats=formats))
    assert form_of(context) == form


def last_of(desk: Desk, number: int) -> str:
    return desk.asked[number].messages[-1][1]


def test_agents_of_one_reply_that_are_the_same_are_one(desk: Desk) -> None:
    written = write(
        desk, [program("baker") + "\n" + program("baker").replace("Name: baker", "Name: B")], config=TWO
    )
    assert len(written.candidates) == 1
    assert written.candidates[0].agent.id == Agent.of("", made(written).agent.source).id
