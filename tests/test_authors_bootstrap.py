"""Operator `bootstrap`: agents that show what they got right before."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from meta_search.agent.seeds import NAMES
from meta_search.authors.author import Example, Parent, Worked
from meta_search.authors.bootstrap import _first_reply, bootstrap, collect, fits, show_demonstrations
from meta_search.authors.check import check_source
from meta_search.authors.compiler import compile_plan
from meta_search.authors.composer import Composer
from meta_search.authors.plan import Plan
from meta_search.types import Agent, CallRequest, Demonstration, ItemResult, TraceCall
from tests.kits.author_contexts import EXAMPLES, SOURCES, Desk, child, failed, made, seed
from tests.kits.sandboxed_agents import House, wrapped

PROGRAM = "```python\nprint({})\n```"
SHOWN = Demonstration(EXAMPLES[2].question, PROGRAM.format(42))


def counts(request: CallRequest) -> str:
    """A model that gets the first example wrong."""
    prompt = request.messages[-1][1]
    answer = "42" if "Sum" in prompt else "2" if "moon" in prompt else "9"
    if request.schema:
        return json.dumps({"thinking": "hm", "answer": answer, "feedback": "", "correct": "True"})
    return PROGRAM.format(answer) if "program" in prompt else answer


def parent_of(source: str, **more: Any) -> Parent:
    return Parent(Agent.of("free", source), 0.5, 100.0, **more)


# -- rewriting


@pytest.mark.parametrize("name", NAMES)
def test_every_seed_can_show_examples(house: House, name: str) -> None:
    source = show_demonstrations(SOURCES[name], 'Shows "it"', "Why\\not.", 2)
    assert source is not None
    assert check_source(source) is None
    assert (ast.get_docstring(ast.parse(source)) or "").startswith('Shows "it"\n\nWhy not.')
    result = house.run(source, counts, demonstrations=[(SHOWN.question, SHOWN.reply)])
    assert result.kind == "ok", result.detail
    shown = result.space[0]
    assert (shown.name, shown.default, shown.low, shown.high) == ("shown", 2, 0, 3)
    first = house.llm.requests[0].messages
    assert first[1][1].startswith(SHOWN.question)
    assert first[2] == ("assistant", SHOWN.reply)


def test_only_models_with_the_fields_of_the_first_show_them() -> None:
    source = wrapped("""
a = LLMAgentBase(['thinking', 'answer'], 'A')
b = LLMAgentBase(['feedback'], 'B')
c = LLMAgentBase(output_fields=['thinking', 'answer'], agent_name='C')
d = LLMAgentBase(['thinking', 'answer'], 'D', demonstrations=[])
return a([taskInfo])[1]
""")
    written = show_demonstrations(source, "n", "t", 1)
    assert written is not None
    calls = [line for line in written.splitlines() if "LLMAgentBase" in line]
    assert ["demonstrations=worked" in line for line in calls] == [True, False, True, False]


def test_a_name_that_the_agent_uses_is_left_alone(house: House) -> None:
    source = wrapped("worked = 'mine'\nreturn worked + LLMAgentBase(['answer'], 'A')([taskInfo])[0].content")
    written = show_demonstrations(source, "n", "t", 1)
    assert written is not None
    assert "worked2 = self.nearest(taskInfo" in written
    assert house.run(written, lambda request: "7").answer == "mine7"


@pytest.mark.parametrize(
    "source",
    [
        "def other(self, taskInfo):\n    return LLMAgentBase(['a'], 'A')",
        wrapped("return ''"),
        wrapped("return LLMAgentBase(['a'], 'A', demonstrations=self.demonstrations)([taskInfo])[0]"),
    ],
)
def test_what_cannot_show_examples_says_so(source: str) -> None:
    assert show_demonstrations(source, "n", "t", 1) is None


# -- collecting


def test_the_meta_model_teaches_what_the_task_model_gets_wrong(house: House) -> None:
    desk = Desk(house, counts)
    found = collect(desk.context("bootstrap"), seed("program_of_thought"))
    assert desk.taught == [
        ("program_of_thought", tuple(e.question for e in EXAMPLES), "task"),
        ("program_of_thought", (EXAMPLES[0].question,), "meta"),
    ]
    assert found == desk.kept == [Demonstration(EXAMPLES[1].question, PROGRAM.format(2)), SHOWN]


def test_the_reply_to_the_bare_task_is_what_is_shown(house: House) -> None:
    desk = Desk(house, counts)
    found = collect(desk.context("bootstrap"), seed("self_refine"))
    assert [json.loads(d.reply)["answer"] for d in found] == ["2", "42"]


# -- the operator


def test_a_free_program_becomes_a_child_with_its_own_examples(house: House) -> None:
    desk = Desk(house, counts)
    candidate = made(
        bootstrap(desk.context("bootstrap", [seed("step_back", generation=2)], trial={"bootstrap_shown": 3}))
    )
    assert (candidate.agent.name, candidate.generation, candidate.plan) == (
        "step_back, 2 shown",  # there are no more
        3,
        None,
    )
    assert len(candidate.agent.demonstrations) == 2
    assert [p.default for p in candidate.space] == [2]
    assert candidate.agent.id != Agent.of("x", candidate.agent.source).id  # examples are part of identity


def test_a_plan_shows_more_of_the_pool_without_teachers(house: House) -> None:
    desk = Desk(house)
    parent = made(
        Composer().write(desk.context("novel", trial={"way:letters": "program", "way:sums": "program"}))
    )
    context = desk.context(
        "bootstrap", [child(parent)], trial={"bootstrap_shown": 2}, demonstrations=(SHOWN,)
    )
    candidate = made(bootstrap(context))
    assert candidate.plan is not None
    assert (candidate.plan["shown"], candidate.plan["way"]) == (1, "program")
    assert candidate.agent.demonstrations == (SHOWN,)


def test_tuned_values_are_inherited_but_for_the_number_shown(house: House) -> None:
    desk = Desk(house)
    source = wrapped(
        "t = self.tune.float('t', 0, 1, 0.5)\n"
        "return LLMAgentBase(['code'], 'A', temperature=t)([taskInfo])[0]"
    )
    parent = Parent(Agent.of("free", source, {"t": 0.25, "shown": 3}), 0.5, 1.0)
    candidate = made(bootstrap(desk.context("bootstrap", [parent], demonstrations=(SHOWN,))))
    assert candidate.agent.values == {"t": 0.25}


@pytest.mark.parametrize("name", ["chain_of_thought", "direct"])
def test_replies_of_another_form_are_not_shown(house: House, name: str) -> None:
    """The pool holds programs; a model that is asked for JSON would answer with one."""
    desk = Desk(house, counts)
    candidate = made(bootstrap(desk.context("bootstrap", [seed(name)], demonstrations=(SHOWN,))))
    assert SHOWN not in candidate.agent.demonstrations
    if name == "chain_of_thought":
        assert [json.loads(d.reply)["answer"] for d in candidate.agent.demonstrations] == ["2", "42"]
    else:
        assert desk.taught == []  # shows the domain's own examples


def test_a_plan_that_answers_directly_shows_examples_of_the_domain(house: House) -> None:
    desk = Desk(house)
    candidate = made(bootstrap(desk.context("bootstrap", [seed("direct")], trial={"bootstrap_shown": 1})))
    pairs = tuple((e.question, e.answer) for e in EXAMPLES)
    house.run(candidate.agent.source, question="Sum 1 and 2.", examples=pairs)
    assert house.llm.requests[0].messages[1][1].startswith("Sum 40 and 2.")


@pytest.mark.parametrize(
    ("parents", "examples", "message"),
    [
        ([], EXAMPLES, "needs a parent and an examples split"),
        ([seed("step_back")], (), "needs a parent and an examples split"),
        ([seed("step_back")], EXAMPLES, "no example was answered right"),
        (
            [parent_of(wrapped("return LLMAgentBase(['a'], 'A', demonstrations=[])([taskInfo])[0]"))],
            EXAMPLES,
            "shows worked examples already",
        ),
    ],
)
def test_what_cannot_be_done_is_an_attempt(
    house: House, parents: list[Parent], examples: tuple[Example, ...], message: str
) -> None:
    desk = Desk(house, lambda request: "wrong")
    attempt = failed(bootstrap(desk.context("bootstrap", parents, examples=examples)))
    assert message in attempt.message
    assert (attempt.brief, attempt.operator, attempt.stage) == (4, "bootstrap", "draft")
    assert bool(desk.taught) == ("answered right" in message)  # nobody is asked in vain


# -- what is shown to whom


def traced(*calls: tuple[str, bool], fields: tuple[str, ...] = ("answer",), asked: bool = False) -> Worked:
    """A right item; calls are (reply, whether it is part of the answer)."""
    trace = tuple(
        TraceCall(n, "A", "", fields, "?", text, (0,) if asked and n else (), 9, 0.1, final=final)
        for n, (text, final) in enumerate(calls)
    )
    return Worked(EXAMPLES[0], True, ItemResult("a", "examples", "e", 0, "ok", "42", score=1.0, trace=trace))


@pytest.mark.parametrize(
    ("run", "reply"),
    [
        (traced(("wrong", False), ("right", True)), "right"),
        (traced(("wrong", False), ("also wrong", False)), ""),  # mended later: nobody was right at first
        (traced(("draft", False), ("mended", True), asked=True), "draft"),  # the only one with the task alone
        (traced(("```1```", False), ("```2```", False), fields=("code",)), "```1```"),
    ],
)
def test_the_reply_that_is_shown_is_part_of_the_answer(run: Worked, reply: str) -> None:
    assert _first_reply(run) == reply


def test_a_model_that_is_asked_for_text_is_shown_no_json() -> None:
    said = Demonstration("Sum 40 and 2.", json.dumps({"thinking": "hm", "answer": "42"}))
    plain = parent_of(wrapped("return LLMAgentBase(['answer'], 'A')([taskInfo])[0]"))
    assert not fits(said, plain)
    assert fits(Demonstration("Sum 40 and 2.", "42"), plain)
    assert fits(said, parent_of(wrapped("return LLMAgentBase(['thinking', 'answer'], 'A')([taskInfo])[1]")))


def test_a_second_bootstrap_does_not_teach_the_critic(desk: Desk) -> None:
    source = show_demonstrations(SOURCES["self_refine"], "n", "t", 1)
    assert source is not None
    attempt = failed(bootstrap(desk.context("bootstrap", [parent_of(source)], examples=EXAMPLES)))
    assert attempt.message == "the parent shows worked examples already"


@pytest.mark.parametrize("way", ["program", "reader", "tested"])
def test_a_program_that_had_to_be_mended_is_no_worked_example(house: House, way: str) -> None:
    right = "print(42 if 'Sum' in QUESTION else 2)" if way != "program" else "print(42)"

    def mends(request: CallRequest) -> str:
        if "=>" in request.messages[-1][1]:
            return "no tests"
        again = "ZeroDivisionError" in request.messages[-1][1]
        return f"```python\n{right}\n```" if again or mended == "never" else "```python\nprint(1 / 0)\n```"

    parent = parent_of(compile_plan(Plan("mends", way=way)), plan=Plan("mends", way=way).to_mapping())
    for mended in ("always", "never"):
        desk = Desk(house, mends)
        found = collect(desk.context("bootstrap", [parent]), parent)
        assert bool(found) is (mended == "never")
        assert all(right in shown.reply for shown in found)
