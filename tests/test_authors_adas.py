"""The author of `search=adas`: what the meta agent is told, step by step, and what comes of its replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from meta_search.authors import adas_prompts as prompts
from meta_search.authors.adas import AdasAuthor, best_and_newest
from meta_search.authors.author import Author, Context, Failure, Parent
from meta_search.config import AuthorConfig
from meta_search.types import Agent, Brief, CallReply
from tests.kits.author_contexts import SOURCES, Desk, failed, made, seed
from tests.kits.sandboxed_agents import House, wrapped

AUTHOR: Author = AdasAuthor()
CONFIG = AuthorConfig(name="adas", formats=("program",), reflexions=2, max_tokens=100)
ARCHIVE = tuple(
    seed(name, score, thought=f"thinks of {name}", scores=(0.0,) * 2 + (1.0,) * 2)
    for name, score in (("direct", 0.1), ("debate", 0.9), ("self_refine", 0.3), ("step_back", 0.5))
)
CRASHES = wrapped("return LLMAgentBase(['answer'], 'A')([taskInfo], '')[3]")


def text(name: str, source: str = "") -> str:
    body = source or wrapped(f"return LLMAgentBase(['answer'], '{name}')([taskInfo], 'Solve.')[0]")
    return f"Name: {name}\nThought: thinks of {name}.\n```python\n{body}```"


def context(desk: Desk, texts: Sequence[str | CallReply], operator: str = "novel", **more: Any) -> Context:
    brief = Brief(4, operator, "adas", temperature=0.8, seed=3)
    given = {"archive": ARCHIVE, "config": CONFIG, "attempts": 3, "brief": brief}
    return desk.context(operator, more.pop("parents", ()), texts=texts, **{**given, **more})


def said(desk: Desk, step: int) -> str:
    return desk.asked[step].messages[-1][1]


def test_the_whole_archive_is_shown_with_thought_source_and_interval(desk: Desk) -> None:
    candidate = made(AUTHOR.write(context(desk, [text("A"), text("B"), text("C")])))
    assert (candidate.agent.name, candidate.thought, candidate.generation) == ("C", "thinks of C.", 5)
    for agent in ARCHIVE:
        assert prompts.entry(agent) in said(desk, 0)
        assert f"thinks of {agent.agent.name}" in said(desk, 0)
        assert SOURCES[agent.agent.name].strip() in said(desk, 0)
    assert "Fitness: 90.0%, 95% bootstrap interval 0.0% to 100.0%" in said(desk, 0)
    assert "letters and sums" in said(desk, 0)
    assert {request.temperature for request in desk.asked} == {0.8}


def test_two_reflexions_the_first_beside_the_agent_found_before(desk: Desk) -> None:
    made(AUTHOR.write(context(desk, [text("A"), text("B"), text("C")])))
    assert [r.occurrence for r in desk.asked] == ["draft", "reflexion0", "reflexion1"]
    assert "first of all with «step_back», which was found before yours" in said(desk, 1)
    assert "step_back" not in said(desk, 2)
    # It stands in the archive: showing it again costs as much as a draft, at every look.
    for step in (1, 2):
        assert (
            "\n".join(text for _, text in desk.asked[step].messages).count(SOURCES["step_back"].strip()) == 1
        )
    assert [role for role, _ in desk.asked[2].messages] == ["system", *("user", "assistant") * 2, "user"]
    assert desk.asked[2].messages[2][1] == text("A")


def test_the_first_generation_has_none_before_it(desk: Desk) -> None:
    first = Brief(0, "novel", "adas", temperature=0.8)
    made(AUTHOR.write(context(desk, [text("A"), text("B"), text("C")], brief=first)))
    assert "found before" not in said(desk, 1)


def test_drafts_that_cannot_run_count_as_attempts_with_the_error_between(desk: Desk) -> None:
    texts = [text("A"), text("B"), "no code", text("Broken", CRASHES), text("D")]
    written = AUTHOR.write(context(desk, texts))
    assert (made(written).agent.name, written.used) == ("D", 3)
    assert [a.stage for a in written.attempts] == ["draft", "dry_run"]
    assert [r.occurrence for r in desk.asked[3:]] == ["debug1", "debug2"]
    assert "no ```python block" in said(desk, 3)
    assert "IndexError: list index out of range (line 2: `return LLM" in said(desk, 4)


def test_after_three_attempts_the_generation_is_consumed(desk: Desk) -> None:
    written = AUTHOR.write(context(desk, [text("A"), text("B"), *["no code"] * 3]))
    assert failed(written).message.startswith("there is no ```python block")
    assert (len(written.attempts), len(desk.asked)) == (3, 5)


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ((Failure("Sum?", "", "3", "", "KeyError: 'x'", "crash"),), "crash: KeyError: 'x'; the key may be"),
        ((Failure("Sum?", "4", "3", ""),), "not one of 4 tasks was right"),
    ],
)
def test_debugging_goes_on_with_the_conversation(desk: Desk, failures: Any, told: str) -> None:
    broken = replace(ARCHIVE[0], agent=Agent.of("Broken", CRASHES), thought="fails", failures=failures)
    brief = Brief(4, "debug", "adas", (broken.agent.id,), temperature=0.8, kind="repair", repair=1)
    more = {"brief": brief, "parents": (broken,), "attempts": 1}
    candidate = made(AUTHOR.write(context(desk, [text("Mended")], "debug", **more)))
    assert (candidate.agent.name, candidate.generation) == ("Mended", 5)
    [request] = desk.asked
    _, first, answer, error = (content for _, content in request.messages)
    assert prompts.entry(ARCHIVE[1]) in first
    assert answer == f"Name: Broken\nThought: fails\n```python\n{CRASHES.strip()}\n```"
    assert told in error


def shown(prompt: str) -> list[str]:
    return [agent.agent.name for agent in ARCHIVE if prompts.entry(agent) in prompt]


def test_what_the_context_does_not_hold_is_left_out_and_said(desk: Desk) -> None:
    whole = AUTHOR.write(context(desk, [text("A")] * 3, context_tokens=100_000))
    assert (shown(said(desk, 0)), whole.note) == ([a.agent.name for a in ARCHIVE], "")
    desk.asked.clear()
    written = AUTHOR.write(context(desk, [text("A")] * 3, context_tokens=3000))
    assert 0 < len(shown(said(desk, 0))) < 4
    assert f"it is shown {len(shown(said(desk, 0)))} of 4 agents" in written.note
    length = sum(len(content) for _, content in desk.asked[2].messages)
    assert length / 3 + CONFIG.max_tokens <= 3000


def test_a_context_that_was_not_known_is_found_out(desk: Desk) -> None:
    full = CallReply("", fault="context", message="too long")
    written = AUTHOR.write(context(desk, [full, full, text("A"), text("B"), text("C")]))
    assert [shown(said(desk, step)) for step in range(3)] == [
        ["direct", "debate", "self_refine", "step_back"],
        ["debate", "step_back"],
        ["debate"],
    ]
    assert made(written).agent.name == "C"
    assert "1 of 4 agents" in written.note
    desk.asked.clear()
    made(AUTHOR.write(context(desk, [text("A"), full, text("B"), text("C")])))  # in the middle of it
    assert [len(shown(r.messages[1][1])) for r in desk.asked] == [4, 4, 2, 2]
    assert [r.messages[2:4] for r in desk.asked[1:3]] == [desk.asked[1].messages[2:4]] * 2
    lost = AUTHOR.write(context(desk, [full] * 4))
    assert failed(lost).message == "context: too long; lower author.context"


def test_the_best_and_the_newest_in_their_order() -> None:
    def names(count: int) -> list[str]:
        return [agent.agent.name for agent in best_and_newest(ARCHIVE, count)]

    assert names(4) == ["direct", "debate", "self_refine", "step_back"]
    assert names(3) == ["debate", "self_refine", "step_back"]
    assert names(1) == ["debate"]
    assert names(0) == []


def test_intervals_are_those_of_the_bootstrap() -> None:
    low, high = prompts.interval((0.0,) * 10 + (1.0,) * 10)
    assert low == pytest.approx(0.3, abs=0.051)  # binomial(20, 1/2): 2.5 % quantile 6, 97.5 % quantile 14
    assert high == pytest.approx(0.7, abs=0.051)
    assert prompts.interval((1.0,) * 5) == (1.0, 1.0)
    assert prompts.interval(()) == (0.0, 1.0)
    assert prompts.interval((0.5, 1.0)) == prompts.interval((0.5, 1.0))


def test_the_example_and_the_runtime_are_runnable(house: House) -> None:
    source = prompts.EXAMPLE.split("```python\n")[1].split("```")[0]
    assert house.run(source, dry=True).kind == "ok"
    parent = Parent(Agent.of("x", source), 0.5, 1.0)
    assert prompts.reply(parent).endswith("return checked\n```")
