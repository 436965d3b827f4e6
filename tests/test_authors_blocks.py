"""Plans of stages: compiled whole, run dry, and no more calls than the table of blocks says."""

from __future__ import annotations

import ast
import inspect
import json
import re
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meta_search.agent import blocks
from meta_search.agent.blocks import check, combine, examples, prepare, solve, solve_panel, solve_programs
from meta_search.authors.block_table import BLOCKS, NONE, STAGES, blocks_of
from meta_search.authors.check import check_source
from meta_search.authors.compiler import compile_plan
from meta_search.authors.costs import calls_of
from meta_search.authors.plan import Plan, Route, plan_from
from meta_search.types import CallRequest
from tests.data import record_blocks
from tests.kits.sandboxed_agents import House

PREPARES, CHECKS = (NONE, *blocks_of("prepare")), (NONE, *blocks_of("check"))
EXAMPLES = (("How many cats have 8 legs?", "2"), ("Sum 1 and 2.", "3"))
SHOWN = [
    ("How many legs has a dog?", "```\nprint(4)\n```"),
    ("How many legs have 2 dogs?", "```\nprint(8)\n```"),
    ("Sum 1 and 2.", '{"thinking": "3", "answer": "3"}'),
]
MODULES = (combine, check, examples, prepare, solve, solve_panel, solve_programs)
FIELDS = re.compile(r'"(\w+)": ')


def routes(**more: Any) -> st.SearchStrategy[Route]:
    return st.builds(
        Route,
        words=st.sampled_from(["legs", "sum", "legs dogs", "count letter"]),
        way=st.sampled_from(blocks_of("solve")),
        prepare=st.sampled_from(PREPARES),
        check=st.sampled_from(CHECKS),
    )


def any_plan() -> st.SearchStrategy[Plan]:
    return st.builds(
        Plan,
        name=st.just("Any"),
        way=st.sampled_from(blocks_of("solve")),
        routes=st.lists(routes(), max_size=3, unique_by=lambda r: r.words).map(tuple),
        steps=st.sampled_from([(), ("Recall the rules.",)]),
        hint=st.sampled_from(["", "Be brief."]),
        samples=st.sampled_from([1, 3, 5]),
        shown=st.integers(0, 3),
        prepare=st.sampled_from(PREPARES),
        check=st.sampled_from(CHECKS),
        failed=st.sampled_from(blocks_of("failed")),
        combine=st.sampled_from(blocks_of("combine")),
        choice=st.sampled_from(blocks_of("choice")),
    )


def defined(source: str) -> dict[str, ast.FunctionDef]:
    return {n.name: n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)}


def names_in(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def check_whole(source: str) -> None:
    """A source that passes the static check, defines what it uses, and uses what it defines."""
    assert check_source(source) is None
    tree, functions = ast.parse(source), defined(source)
    constants = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets}  # type: ignore[attr-defined]
    own = {name for module in MODULES for name in module.__all__}
    assert names_in(tree) & own <= functions.keys() | constants
    reached, todo = {"forward"}, ["forward"]
    while todo:
        for name in names_in(functions[todo.pop()]) & functions.keys() - reached:
            reached.add(name)
            todo.append(name)
    assert functions.keys() == reached
    assert constants <= names_in(ast.Module(list(functions.values()), []))
    assert "\n\n\n\n" not in source
    assert source.endswith("\n")
    assert all(line == line.rstrip() for line in source.splitlines())


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(any_plan())
def test_every_plan_compiles_to_what_it_uses_and_no_more(plan: Plan) -> None:
    check_whole(compile_plan(plan))
    read = plan_from(json.loads(json.dumps(plan.to_mapping())))
    assert read == plan
    assert compile_plan(read) == compile_plan(plan)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(any_plan())
def test_thousands_of_plans_compile_to_what_they_use_and_no_more(plan: Plan) -> None:
    check_whole(compile_plan(plan))


def agrees(request: CallRequest) -> str:
    """A model whose answers agree, and which finds every answer right."""
    if request.schema:
        known = {"ratings": "[3, 3, 3, 3, 3, 3]"}
        return json.dumps({f: known.get(f, "7") for f in request.schema["properties"]})
    if request.author == "Tester":
        return "```\nprint('OK')\n```"
    if "code block" in request.messages[0][1]:
        return "```\nprint(7)\n```"
    wants = {"Checker": "OK", "Judge": "1", "Planner": "How many?\nHow much?", "Solver of parts": "3"}
    return "OK" if request.author in CRITICS else wants.get(request.author, "7")


CRITICS = {name for name, _ in blocks.CRITICS}  # type: ignore[attr-defined]


def quarrels(request: CallRequest) -> str:
    """A model that never says the same twice, and finds every answer wrong."""
    digits = str(zlib.crc32(repr((request.messages, request.seed, request.author)).encode()) % 10**6)
    if request.schema:
        known = {"ratings": "[3, 3, 3, 3, 3, 3]"}
        return json.dumps({f: known.get(f, digits) for f in request.schema["properties"]})
    if "code block" in request.messages[0][1]:
        return f"```\nprint({digits})\n```"
    wrong = {*CRITICS, "Checker"}
    return f"It is not {digits}." if request.author in wrong else digits


def run_one(house: House, plan: Plan, script: Any, **more: Any) -> Any:
    result = house.run(compile_plan(plan), script, examples=EXAMPLES, demonstrations=SHOWN, **more)
    assert result.kind == "ok", (plan, result.detail)
    low, high = calls_of(plan, cell_of(plan))
    assert low <= result.used.calls <= high, (plan, result.used.calls, (low, high))
    assert set(declared(compile_plan(plan))) >= {p.name for p in result.space}
    return result


def cell_of(plan: Plan) -> Any:
    """What a plan does with the house's question (legs of dogs and birds)."""
    text = "how many legs have 3 dogs and 2 birds?"
    found = (r.cell for r in plan.routes if all(word in text for word in r.words.split()))
    return next(found, plan.cell)


def declared(source: str) -> list[str]:
    return re.findall(r'self\.tune\.\w+\("(\w+)"', source)


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=any_plan())
def test_plans_run_and_cost_what_the_table_says(house: House, plan: Plan) -> None:
    run_one(house, plan, agrees)
    run_one(house, plan, quarrels)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=any_plan())
def test_hundreds_of_plans_run_and_cost_what_the_table_says(house: House, plan: Plan) -> None:
    run_one(house, plan, agrees)
    run_one(house, plan, quarrels)


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_is_told_of_in_full(name: str) -> None:
    block = BLOCKS[name]
    assert block.name == name
    assert block.stage in STAGES
    assert block.does
    assert not block.does.endswith(".")
    assert block.calls[0] <= block.calls[1]
    if block.stage == "hint":
        assert block.text.endswith(".")
        return
    function = getattr(blocks, block.function)
    assert function.__doc__
    read = {
        n
        for need in (block.function, *block.needs)
        if callable(f := getattr(blocks, need))
        for n in declared(inspect.getsource(f))
    }
    assert read == set(block.parameters)


def test_the_page_of_blocks_is_the_table() -> None:
    text = record_blocks.FILE.read_text("utf-8")
    assert record_blocks.written(text) == text
