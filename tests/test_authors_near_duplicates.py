"""Near-duplicates: found, asked again once, and never lost for that."""

from __future__ import annotations

import json
from typing import Any

from meta_search.authors.compiler import compile_plan
from meta_search.authors.llm import LLMAuthor
from meta_search.authors.near_duplicates import Known, twin
from meta_search.authors.plan import plan_from
from meta_search.config import AuthorConfig
from meta_search.types import Agent, Brief, Candidate
from tests.kits.author_contexts import PLAN, Desk, made, seed
from tests.kits.sandboxed_agents import House, wrapped

BODY = (
    "first = LLMAgentBase(['answer'], 'A')([taskInfo], '{}')[0]\n"
    "return LLMAgentBase(['answer'], 'B')([taskInfo, first], 'Check.')[0]"
)
MIXED = {**PLAN, "name": "Mixed"}


def source(word: str) -> str:
    return wrapped(BODY.format(word))


def program(word: str) -> str:
    return f"Name: {word}\nThought: T.\n```python\n{source(word)}```"


def known(word: str) -> Known:
    return Agent.of(f"known {word}", source(word)), None


def planned(**changes: Any) -> Known:
    plan = plan_from({**MIXED, **changes})
    return Agent.of(plan.name, compile_plan(plan)), plan.to_mapping()


def candidate(known: Known, operator: str) -> Candidate:
    return Candidate(known[0], Brief(1, operator, "llm"), "", 1, (), known[1])


def test_a_word_of_twenty_is_hardly_a_difference_where_another_agent_was_asked_for() -> None:
    assert twin(candidate(known("Solve."), "novel"), [known("Answer.")]) == "known Answer."
    assert twin(candidate(known("Solve."), "mutate"), [known("Answer.")]) == ""  # a change was asked for
    assert twin(candidate(known("Solve."), "mutate"), [known("Solve.")]) == "known Solve."
    other = Agent.of("other", wrapped("return self.run_python('print(42)')")), None
    assert twin(candidate(known("Solve."), "novel"), [other]) == ""


def test_plans_are_alike_that_choose_alike_and_say_the_same_to_the_model() -> None:
    ours = candidate(planned(name="New", thought="Else."), "novel")
    assert twin(ours, [planned()]) == "Mixed"
    assert twin(ours, [planned(hint="Be brief.")]) == ""  # what the model is told is a difference
    assert twin(ours, [planned(samples=3), planned(way="program"), planned(routes=[])]) == ""


def test_a_plan_from_the_archive_is_as_good_as_one_from_memory() -> None:
    agent, plan = planned()
    stored = json.loads(json.dumps(plan))
    assert twin(candidate(planned(thought="Else."), "novel"), [(agent, stored)]) == "Mixed"
    assert stored != plan  # tuples are lists there


def test_the_meta_agent_is_told_twice_of_a_near_duplicate(house: House) -> None:
    desk, texts = Desk(house), [program("Solve."), program("Reckon."), program("Think.")]
    context = desk.context(
        "novel", [seed("direct")], texts=texts, tags=("program",), known=(known("Answer."),)
    )
    written = LLMAuthor().write(context)
    assert made(written).agent.source == source("Think.")  # alike as well, but taken now
    told = ("duplicate", "hardly differs from «known Answer.»")
    assert [(a.stage, a.message) for a in written.attempts] == [told, told]
    assert [request.occurrence for request in desk.asked] == ["ideas", "another", "another1"]
    assert "«known Answer.»" in desk.asked[1].messages[3][1]
    assert desk.asked[1].messages[:3] == (*desk.asked[0].messages, ("assistant", texts[0]))
    assert desk.asked[2].messages[:5] == (*desk.asked[1].messages, ("assistant", texts[1]))
    assert "«known Answer.»" in desk.asked[2].messages[5][1]


def test_an_embedded_model_is_told_once(house: House) -> None:
    desk, texts = Desk(house), [program("Solve."), program("Reckon.")]
    context = desk.context(
        "novel",
        [seed("direct")],
        texts=texts,
        tags=("program",),
        known=(known("Answer."),),
        context_tokens=4096,
    )
    assert made(LLMAuthor().write(context)).agent.source == source("Reckon.")
    assert [request.occurrence for request in desk.asked] == ["draft", "another"]


def test_of_several_drafts_those_count_that_differ(house: House) -> None:
    other = (
        program("Solve.").replace("'B'", "'C', 'a sceptic'").replace("[taskInfo, first], 'Check.'", "[first]")
    )
    config = AuthorConfig(reflexions=0, debug_rounds=0, drafts=2)
    context = Desk(house).context(
        "novel",
        [],
        texts=[program("Solve.") + "\n\n" + other.replace("Name: Solve.", "Name: Other")],
        tags=("program",),
        known=(known("Answer."),),
        config=config,
    )
    written = LLMAuthor().write(context)
    assert (made(written).agent.name, written.further) == ("Other", ())
    assert [a.stage for a in written.attempts] == ["duplicate"]


def test_a_second_draft_that_fails_loses_the_first_one_not(house: House) -> None:
    desk, texts = Desk(house), [json.dumps(MIXED), "no plan", "none again"]
    written = LLMAuthor().write(desk.context("novel", [], texts=texts, tags=("plan",), known=(planned(),)))
    assert made(written).agent.name == "Mixed"
    assert [a.stage for a in written.attempts] == ["draft", "draft"]
    assert [request.occurrence for request in desk.asked] == ["ideas", "another", "another-debug0"]
