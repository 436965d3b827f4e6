"""Plans: read leniently, compiled to agents that always run."""

from __future__ import annotations

import ast
import json
import string
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meta_search.authors.check import check_source
from meta_search.authors.compiler import compile_plan
from meta_search.authors.plan import EVERY_WAY, WAYS, Plan, Route, plan_from, plan_schema
from meta_search.types import CallRequest
from tests.kits.sandboxed_agents import House, with_text

nasty = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="\"'\\\n{}%#\0", max_size=12),
    st.sampled_from(['"""', "\\", 'ends with "', "'''", "\ud800", "\u2028", "{x}", "\N{SNOWMAN}"]),
)
words = st.text(alphabet=string.ascii_lowercase + " ", min_size=1, max_size=12).filter(str.strip)
plans = st.builds(
    Plan,
    name=nasty,
    thought=nasty,
    way=st.sampled_from(WAYS),
    routes=st.lists(st.builds(Route, words=words | nasty, way=st.sampled_from(WAYS)), max_size=4).map(tuple),
    steps=st.lists(nasty, max_size=2).map(tuple),
    hint=nasty,
    samples=st.integers(1, 5),
    shown=st.integers(0, 3),
    temperature=st.floats(0, 1),
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=plans)
def test_every_plan_compiles_to_an_agent_that_runs(house: House, plan: Plan) -> None:
    source = compile_plan(plan)
    assert check_source(source) is None
    source.encode()
    result = house.run(
        source,
        dry=True,
        examples=(("How many cats?", "3"), ("Sum 1 and 2.", "3")),
        demonstrations=[("How many legs?", "```\nprint(4)\n```"), ("Sum 1 and 2.", '{"thinking": "3"}')],
    )
    assert result.kind == "ok", result.detail
    assert [p.name for p in result.space] == ["samples", "shown", "temperature"]
    assert [p.default for p in result.space[:2]] == [plan.samples, plan.shown]


@settings(deadline=None)
@given(plans)
def test_a_plan_that_was_stored_is_read_back(plan: Plan) -> None:
    read = plan_from(json.loads(json.dumps(plan.to_mapping())))
    assert plan_from(read.to_mapping()) == read
    assert (read.way, read.samples, read.shown, read.temperature) == (
        plan.way,
        plan.samples,
        plan.shown,
        plan.temperature,
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(WAYS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["words", "way"]), inner),
    max_leaves=6,
)
keys = ["name", "thought", "way", "routes", "steps", "hint", "samples", "shown", "temperature"]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(keys), json_values).filter(lambda d: "way" in d or "routes" in d))
def test_whatever_a_model_writes_becomes_a_plan_in_range(data: dict[str, object]) -> None:
    plan = plan_from(data)
    assert plan.way in WAYS
    assert (1 <= plan.samples <= 5, 0 <= plan.shown <= 3, 0.0 <= plan.temperature <= 1.0) == (True,) * 3
    assert check_source(compile_plan(plan)) is None


def test_reading_is_lenient() -> None:
    plan = plan_from(
        {
            "name": "  Routed\n one ",
            "way": "Direct",
            "routes": [
                {"words": "Letter, count!", "way": "program"},
                {"words": "letter count", "way": "think"},
                {"words": "gcd", "way": "magic"},
                {"words": "?!", "way": "think"},
                "letter",
            ],
            "steps": "one step",
            "samples": "30",
            "shown": -1,
            "temperature": "hot",
        }
    )
    assert plan == Plan("Routed one", way="direct", routes=(Route("letter count", "program"),), samples=5)


@pytest.mark.parametrize("data", [{}, {"name": "x"}, [], None])
def test_what_says_nothing_of_how_to_work_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match="way"):
        plan_from(data)  # type: ignore[arg-type]


def test_the_source_reads_well() -> None:
    plan = Plan(
        "Routed",
        "Counts by program.",
        "direct",
        (Route("letter count", "program"),),
        ("Restate it.",),
        "Be brief.",
    )
    source = compile_plan(plan)
    assert ast.get_docstring(ast.parse(source)) == "Routed\n\nCounts by program."
    defined = [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
    starts = ["start_direct", "start_program"]
    assert defined == ["forward", "pick", *starts, "vote", "examples_for", "sorted_by_nearness"]
    assert "Reply with only the final answer. Be brief." in source
    assert "start_think" not in source


def test_what_a_plan_does_not_use_is_left_out() -> None:
    source = compile_plan(Plan("Think", way="think", routes=(Route("gcd", "think"),)))
    defined = [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
    assert defined == ["forward", "start_think", "vote", "examples_for", "sorted_by_nearness"]


def test_a_route_to_the_default_way_shadows_a_later_wider_one(house: House) -> None:
    routes = (Route("legs dogs", "direct"), Route("legs", "program"))
    source = compile_plan(Plan("Shadow", way="direct", routes=routes))
    house.run(source)
    assert [request.author for request in house.llm.requests] == ["Solver"]
    house.run(source, question="How many legs?")
    assert house.llm.requests[0].author == "Coder"


def test_a_vote_takes_the_most_frequent_answer_that_is_no_error(house: House) -> None:
    texts = iter(["```\n1 / 0\n```", "```\nprint(5)\n```", "```\nprint(4)\n```", "```\nprint(4)\n```"])
    source = compile_plan(Plan("Vote", way="program", samples=3))
    result = house.run(source, lambda request: next(texts))
    assert (result.kind, result.answer.strip(), result.used.calls) == ("ok", "4", 4)
    assert {request.temperature for request in house.llm.requests} == {0.5}


def test_nearest_worked_examples_are_shown(house: House) -> None:
    def script(request: CallRequest) -> str:
        return "```\nprint(16)\n```"

    shown = [
        ("Spell cat.", "```\nprint('cat')\n```"),
        ("How many legs have 9 dogs?", "```\nprint(36)\n```"),
        ("Legs?", "36"),
    ]
    result = house.run(compile_plan(Plan("Shown", shown=2)), script, demonstrations=shown)
    assert result.answer.strip() == "16"
    assert [content for role, content in house.llm.requests[0].messages if role == "assistant"] == [
        "```\nprint('cat')\n```",
        "```\nprint(36)\n```",
    ]


def test_the_schema_lists_the_words_of_routes() -> None:
    schema = plan_schema(["gcd", "letter"])
    assert schema["properties"]["routes"]["items"]["properties"]["words"]["enum"] == ["gcd", "letter"]
    assert plan_schema()["properties"]["way"]["enum"] == list(WAYS)
    assert set(schema["required"]) <= set(schema["properties"])


def test_a_plan_can_have_a_team_where_it_is_told_to(house: House) -> None:
    plan = Plan("Team", way="direct", routes=(Route("sum", "team"),))
    source = compile_plan(plan)
    assert check_source(source) is None
    asked = house.run(source, with_text("42"), question="Sum 40 and 2.")
    assert (asked.answer, asked.used.calls, asked.networks[0].calls) == ("42", 3, 3)
    assert {"roles", "rounds"} <= {p.name for p in asked.space}
    assert house.run(source, with_text("42"), question="Add 40 and 2.").used.calls == 1
    assert plan_schema([], ("direct", "team"))["properties"]["way"]["enum"] == ["direct", "team"]


# -- parameters


DEMONSTRATIONS = [
    (f"How many legs have {n} dogs?", reply)
    for n in range(1, 5)
    for reply in (
        f"```\nprint({4 * n})\n```",
        "```\nprint(4 * int(re.search(r'\\d+', QUESTION)[0]))\n```",
        json.dumps({"thinking": "4 each", "answer": str(4 * n)}),
    )
]
PAIRS = tuple((f"How many legs have {n} birds?", str(2 * n)) for n in range(1, 5))
QUESTIONS = ("How many legs have 3 dogs?", "Count the letter o in moon.")


def varies(request: CallRequest) -> str:
    """A model that rarely says the same twice, so that nobody agrees."""
    digits = str(zlib.crc32(repr((request.messages, request.seed, request.author)).encode()) % 1000)
    if request.schema:
        known = {"thinking": "so it is", "ratings": "[3, 3, 3, 3, 3, 3]"}
        return json.dumps({f: known.get(f, digits) for f in request.schema["properties"]})
    return f"```\nprint({digits})\n```" if "program" in request.messages[-1][1] else digits


def asked_by(house: House, source: str, values: dict[str, object], **more: Any) -> list[object]:
    """All that an agent asks on the questions, and the parameters that it declares."""
    asked = []
    for question in QUESTIONS:
        result = house.run(source, varies, question=question, values=values, **more)
        assert result.kind == "ok", result.detail
        requests = [(r.messages, r.temperature, r.occurrence) for r in house.llm.requests]
        asked.append((sorted(requests), result.space))
    return asked


@pytest.mark.slow
@pytest.mark.parametrize(("examples", "demonstrations"), [((), []), (PAIRS, DEMONSTRATIONS)])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(
    ("way", "other"), [(way, way) for way in EVERY_WAY] + [("think", "direct"), ("program", "team")]
)
def test_every_parameter_that_is_declared_matters(
    house: House, way: str, other: str, samples: int, examples: Any, demonstrations: Any
) -> None:
    routes = () if other == way else (Route("letter", other),)
    source = compile_plan(Plan("Any", way=way, routes=routes, samples=samples, shown=1))
    more = {"examples": examples, "demonstrations": demonstrations}
    usual = asked_by(house, source, {}, **more)
    space = {p.name: p for _, found in usual for p in found}  # type: ignore[attr-defined]
    assert {"samples", "temperature"} <= set(space)
    for name, parameter in space.items():
        value = parameter.low if parameter.default != parameter.low else parameter.high
        changed = asked_by(house, source, {name: value}, **more)
        assert [a for a, _ in changed] != [a for a, _ in usual], (name, value)  # type: ignore[misc]


@pytest.mark.parametrize("way", EVERY_WAY)
def test_the_number_of_examples_is_declared_where_there_are_any_to_show(house: House, way: str) -> None:
    fit = {"direct": ("examples", PAIRS)}.get(way, ("demonstrations", DEMONSTRATIONS))
    unfit = {"direct": ("demonstrations", DEMONSTRATIONS)}.get(way, ("examples", PAIRS))
    source = compile_plan(Plan("Any", way=way, shown=2))
    for (field, values), declared in ((fit, True), (unfit, False)):
        result = house.run(source, varies, **{field: values})
        assert ("shown" in {p.name for p in result.space}) is declared
        shown = {sum(role == "assistant" for role, _ in r.messages) for r in house.llm.requests}
        assert max(shown) == (2 if declared else 0)


def test_a_tuned_temperature_is_honoured_whatever_the_votes(house: House) -> None:
    source = compile_plan(Plan("Vote", way="think", samples=3))
    house.run(source, varies, values={"temperature": 0.2})
    assert {r.temperature for r in house.llm.requests} == {0.2}
    house.run(source, varies, values={"samples": 1})
    assert {r.temperature for r in house.llm.requests} == {0.1}
    house.run(source, varies)
    assert {r.temperature for r in house.llm.requests} == {0.5}
    house.run(compile_plan(Plan("Vote", way="think", samples=3, temperature=0.3)), varies)
    assert {r.temperature for r in house.llm.requests} == {0.3}
