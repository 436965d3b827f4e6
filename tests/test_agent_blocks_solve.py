"""Ways of working: in the real sandbox, with a model that is right, wrong, silent or at fault."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meta_search.authors.block_table import BLOCKS, solver
from meta_search.authors.check import check_source
from meta_search.authors.compiler import compile_plan, shown_by
from meta_search.authors.plan import EVERY_WAY, Plan, Route, plan_from
from meta_search.types import CallReply, CallRequest, Demonstration, ItemResult
from tests.kits.sandboxed_agents import House, Script, fields_of, with_text

NEW = ("reader", "tested", "screened", "roles", "debate", "tree")
READING = ("reader", "tested", "screened")
QUESTION = "How many letters has the word moon?"
COUNTS = "```python\nprint(len(re.search(r'word (\\w+)', QUESTION)[1]))\n```"
WRONG = "```python\nprint(2 * QUESTION.count('oo'))\n```"
FAILS = "```python\nprint(1 / 0)\n```"
KNOWN = (("How many letters has the word cat?", "3"), ("How many letters has the word otter?", "5"))
CAT = "How many letters has the word cat?"
PROGRAM = (CAT, "```python\nprint(len('cat'))\n```")
COPIES = (CAT, "```python\nQUESTION = 'cat'\nprint(len(QUESTION))\n```")
READS = (CAT, COUNTS)
THINKS = (CAT, '{"thinking": "c, a, t", "answer": "3"}')


def run(house: House, way: str, script: Script | None = None, **more: Any) -> ItemResult:
    return house.run(compile_plan(Plan(way, way=way)), script, **{"question": QUESTION, **more})


def says(code: str, tests: str = "", answer: str = "4", **fields: str) -> Script:
    """A model that replies with a program, tests, or fields with this answer."""

    def script(request: CallRequest) -> str:
        if request.schema:
            told = {"thinking": "m, o, o, n", "answer": answer, **fields}
            return json.dumps({name: told[name] for name in fields_of(request)})
        return {"Test writer": tests, "Value model": "[3, 9]"}.get(request.author, code)

    return script


def in_turn(author: str, *texts: str, other: str = "") -> Script:
    """A model whose agent of this name replies with one text after the other; all others with `other`."""
    left: Iterator[str] = iter(texts)
    return lambda request: next(left) if request.author == author else other


USUAL_CALLS = {"reader": 1, "tested": 2, "screened": 3, "roles": 3, "debate": 2, "tree": 7}


@pytest.mark.parametrize("way", NEW)
def test_a_right_model_gives_the_right_answer(house: House, way: str) -> None:
    script = says(COUNTS, "How many letters has the word a? => 1\n- How many letters has the word an? => 2")
    result = run(house, way, script, examples=KNOWN)
    assert (result.kind, result.answer.strip(), result.used.calls) == ("ok", "4", USUAL_CALLS[way])


@pytest.mark.parametrize("way", NEW)
def test_a_wrong_model_gives_its_own_answer(house: House, way: str) -> None:
    result = run(house, way, says(WRONG, answer="2"), examples=KNOWN)
    assert (result.kind, result.answer.strip()) == ("ok", "2")


@pytest.mark.parametrize("way", NEW)
def test_what_a_silent_model_gives_is_empty(house: House, way: str) -> None:
    result = run(house, way, lambda request: "", examples=KNOWN)
    assert (result.kind, result.answer) == ("ok", "")


@pytest.mark.parametrize("way", NEW)
def test_a_fault_of_the_endpoint_ends_the_item(house: House, way: str) -> None:
    def fails(request: CallRequest) -> Any:
        return CallReply("", fault="llm", message="no model is there")

    result = run(house, way, fails, examples=KNOWN)
    assert (result.kind, result.answer) == ("llm", "")


# -- calls


def disagrees(request: CallRequest) -> str:
    """A model that never says the same twice, and whose programs fail."""
    number = str(abs(hash((request.author, request.occurrence, len(request.messages[-1][1])))) % 10_000)
    if request.schema:
        return json.dumps(dict.fromkeys(fields_of(request), number))
    return {"Test writer": "a => b", "Value model": "1 2 3 4"}.get(request.author, FAILS)


def expected(way: str, values: dict[str, Any]) -> int:
    """Calls of a way whose answers differ and whose programs fail."""
    return {
        "reader": lambda: 2,
        "tested": lambda: 3,
        "screened": lambda: values["programs"],
        "roles": lambda: 2 + values["reviews"],
        "debate": lambda: values["debaters"] * values["debate_rounds"],
        "tree": lambda: values["expansions"] * (values["width"] + 1) + 1,
    }[way]()


@pytest.mark.parametrize("way", NEW)
def test_calls_are_bounded_as_the_table_says(house: House, way: str) -> None:
    space = run(house, way, disagrees, examples=KNOWN).space
    own = [p for p in space if p.name in solver(way).parameters]
    assert {p.name for p in own} == set(solver(way).parameters)
    corners = [p.choices or (int(p.low or 0), int(p.high or 0)) for p in own]
    found = []
    for chosen in product(*corners):
        values = dict(zip([p.name for p in own], chosen, strict=True))
        result = run(house, way, disagrees, values=values, examples=KNOWN)
        assert result.used.calls == expected(way, values), values
        found.append(result.used.calls)
        found.append(run(house, way, says(COUNTS), values=values, examples=KNOWN).used.calls)
    assert (min(found), max(found)) == BLOCKS[way].calls


@pytest.mark.parametrize("way", NEW)
def test_only_the_way_that_is_taken_declares_its_parameters(house: House, way: str) -> None:
    source = compile_plan(Plan("Routed", way="direct", routes=(Route("moon", way),)))
    more = {"examples": KNOWN, "demonstrations": [READS, THINKS]}
    taken = {p.name for p in house.run(source, says(COUNTS), question=QUESTION, **more).space}
    other = {p.name for p in house.run(source, says(COUNTS), question="Which?", **more).space}
    assert taken - other == set(solver(way).parameters)
    assert other == {"samples", "shown", "temperature"}


# -- programs that read the question

questions = st.text(max_size=60) | st.text(alphabet="\"'\\\n`{}#\r\0a", max_size=30)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=questions)
def test_the_question_is_bound_as_it_is(house: House, question: str) -> None:
    result = run(house, "reader", lambda _: "```python\nprint(ascii(QUESTION))\n```", question=question)
    assert result.answer.strip() == ascii(question)


@pytest.mark.parametrize("way", READING)
def test_each_form_of_program_is_shown_where_it_runs(house: House, way: str) -> None:
    pool = [Demonstration(*pair) for pair in (PROGRAM, COPIES, READS, THINKS)]
    assert [d.form for d in pool] == ["program", "program", "reading", "thinking"]
    assert shown_by(Plan("", way=way), pool) == (pool[2],)
    assert shown_by(Plan("", way="program"), pool) == tuple(pool[:2])
    for other, fits in ((way, [READS]), ("program", [COPIES, PROGRAM])):
        source = compile_plan(Plan("Shown", way=other, shown=3))
        more = {"demonstrations": [PROGRAM, COPIES, READS, THINKS], "examples": KNOWN}
        house.run(source, says(COUNTS), question=QUESTION, **more)
        told = [text for role, text in house.llm.requests[0].messages if role == "assistant"]
        assert told == [reply for _, reply in fits]


def test_a_program_that_fails_is_mended_once_and_told_why(house: House) -> None:
    result = run(house, "reader", in_turn("Reader", FAILS, COUNTS))
    assert (result.answer.strip(), result.used.calls) == ("4", 2)
    assert "division by zero" in house.llm.requests[1].messages[-1][1]
    again = run(house, "reader", in_turn("Reader", FAILS, FAILS))
    assert again.answer.startswith("Error: ZeroDivisionError")


TESTS = "How many letters has the word cat? => 3\nHow many letters has the word otter? => 5"


@pytest.mark.parametrize(
    ("texts", "answer", "calls"),
    [
        ((COUNTS,), "4", 2),
        ((WRONG, COUNTS), "4", 3),
        ((WRONG, FAILS), "2", 3),
        ((FAILS, COUNTS), "4", 3),
        ((COUNTS.replace("[1])", "[1]) + 0 * len(QUESTION.split('otter')[1]"), WRONG), "Error", 3),
    ],
)
def test_the_program_that_misses_fewer_tests_answers(
    house: House, texts: tuple[str, ...], answer: str, calls: int
) -> None:
    result = run(house, "tested", in_turn("Coder", *texts, other=TESTS))
    if answer == "Error":  # it fails on the question itself: what was mended answers
        answer = "2"
    assert (result.answer.strip(), result.used.calls) == (answer, calls)


def test_what_the_tests_found_is_told(house: House) -> None:
    run(house, "tested", in_turn("Coder", WRONG, COUNTS, other=TESTS))
    told = house.llm.requests[-1].messages[-1][1]
    assert "For «How many letters has the word cat?» it printed «0», not «3»." in told


def test_tests_that_are_none_change_nothing(house: House) -> None:
    result = run(house, "tested", in_turn("Coder", WRONG, other="I cannot.\n=> 3\nx =>"))
    assert (result.answer.strip(), result.used.calls) == ("2", 2)


def test_programs_are_screened_by_worked_examples(house: House) -> None:
    script = in_turn("Screened", WRONG, COUNTS, WRONG)
    assert run(house, "screened", script, examples=KNOWN).answer.strip() == "4"
    assert run(house, "screened", in_turn("Screened", WRONG, COUNTS, WRONG)).answer.strip() == "2"
    assert run(house, "screened", in_turn("Screened", FAILS, COUNTS, FAILS)).answer.strip() == "4"


def test_screening_never_sees_the_question_itself(house: House) -> None:
    own = ((QUESTION, "2"), *KNOWN)
    assert (
        run(house, "screened", in_turn("Screened", WRONG, COUNTS, WRONG), examples=own).answer.strip() == "4"
    )


@pytest.mark.slow
def test_programs_without_an_end_leave_time_for_the_others(house: House) -> None:
    endless = "```python\nwhile 'moon' not in QUESTION:\n    pass\nprint(2)\n```"
    script = in_turn("Screened", endless, COUNTS, endless)
    assert run(house, "screened", script, examples=KNOWN).answer.strip() == "4"


# -- several that hand on, discuss or rate


def test_roles_hand_on_what_they_have(house: House) -> None:
    run(house, "roles", says("Given: a word.", answer="4"))
    asked = {r.author: r.messages[-1][1] for r in house.llm.requests}
    assert list(asked) == ["Analyst", "Engineer", "Reviewer"]
    assert "Given: a word." in asked["Engineer"]
    assert all(text in asked["Reviewer"] for text in ("Given: a word.", "m, o, o, n"))


def test_a_reviewer_mends_and_its_silence_does_not(house: House) -> None:
    for told, answer in (("4", "4"), ("", "5")):

        def script(request: CallRequest, told: str = told) -> str:
            answer = {"Engineer": "5", "Reviewer": told}.get(request.author, "")
            return json.dumps({"thinking": "so", "answer": answer}) if request.schema else "Given: a word."

        assert run(house, "roles", script).answer == answer


def test_debaters_see_all_answers_and_can_be_moved(house: House) -> None:
    def moved(request: CallRequest) -> str:
        again = "Weigh them" in request.messages[-1][1]
        return json.dumps({"thinking": "so", "answer": "4" if again else request.author[-1]})

    result = run(house, "debate", moved)
    assert (result.answer, result.used.calls) == ("4", 4)
    last = house.llm.requests[-1].messages[-1][1]
    assert [len(re.findall(rf"### answer #1 by Debater {n}", last)) for n in (1, 2)] == [1, 1]
    assert "(yourself)" in last


def test_the_tree_goes_on_from_what_is_rated_highest(house: House) -> None:
    steps, rates = iter(["A", "B", "C", "D", "E", "F"]), iter(["[3, 6]", "2 and 1", "[8, 9]"])

    def script(request: CallRequest) -> str:
        if request.schema:
            return json.dumps({"thinking": "so", "answer": "4"})
        return next(rates if request.author == "Value model" else steps)

    result = run(house, "tree", script, values={"expansions": 3})
    assert (result.answer, result.used.calls) == ("4", 10)
    # B leads, its children disappoint, so A is gone back to; its second child is the best.
    told = next(r for r in house.llm.requests if r.author == "Concluder").messages[-1][1]
    found = [letter for letter in "ABCDEF" if re.search(rf":\n{letter}\n", told)]
    assert found == ["A", "F"]


# -- all of them in plans


def test_every_way_is_in_one_plan_and_each_is_taken(house: House) -> None:
    routes = tuple(Route(f"{way} way", way) for way in EVERY_WAY)
    source = compile_plan(Plan("All", way="direct", routes=routes))
    assert check_source(source) is None
    dry = house.run(source, dry=True, question="An item.", examples=KNOWN)
    assert dry.kind == "ok", dry.detail
    seen = set()
    for way in EVERY_WAY:
        result = house.run(source, with_text("4"), question=f"The {way} way: 2 + 2?", examples=KNOWN)
        assert result.kind == "ok", result.detail
        seen.add(tuple(sorted({r.author for r in house.llm.requests})))
    assert len(seen) == len(EVERY_WAY)


@pytest.mark.parametrize("way", NEW)
@pytest.mark.parametrize("samples", [1, 3])
def test_votes_and_examples_go_with_every_way(house: House, way: str, samples: int) -> None:
    plan = Plan("Votes", way=way, samples=samples, shown=2)
    source = compile_plan(plan)
    assert check_source(source) is None
    pool = [PROGRAM, READS, THINKS]
    for dry in (True, False):
        result = house.run(
            source, says(COUNTS), dry=dry, question=QUESTION, demonstrations=pool, examples=KNOWN
        )
        assert result.kind == "ok", result.detail
    assert result.answer.strip() == "4"
    assert plan_from(json.loads(json.dumps(plan.to_mapping()))).way == way
