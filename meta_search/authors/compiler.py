"""Compiles plans to complete, readable agent source. What a plan does not use is not in it."""

from __future__ import annotations

import functools
import inspect
import json
import re
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from meta_search.agent import blocks
from meta_search.authors.block_table import BLOCKS, NEAREST, NONE, Block, blocks_of, solver
from meta_search.authors.plan import LIVELY, MAX_SAMPLES, MAX_SHOWN, USUAL, Cell, Plan, Route
from meta_search.text import printable
from meta_search.types import Demonstration

__all__ = ["compile_plan", "shown_by"]


def shown_by(plan: Plan, pool: Sequence[Demonstration]) -> tuple[Demonstration, ...]:
    """The worked examples of a pool that a plan's ways of working could show."""
    carrier = types.SimpleNamespace(demonstrations=pool, examples=())
    examples_for: Callable[..., Sequence[Demonstration]] = blocks.examples_for
    fit = [d for way in plan.ways() | plan.seconds() for d in examples_for(carrier, solver(way).shows)]
    return tuple(d for d in pool if d in fit)


def compile_plan(plan: Plan) -> str:
    """Complete agent source for a plan. Routes that change nothing are left out; numbers are tunable."""
    plan = replace(plan, routes=tuple(r for r in plan.routes if r.cell != plan.cell or _shadows(plan, r)))
    lines = [
        '"""' + _docstring(plan.name),
        "",
        _docstring(plan.thought) or "Compiled from a plan.",
        '"""',
        "",
    ]
    rows = [(route.words, _key(route.cell)) for route in plan.routes]
    lines += [f"ROUTES = {_literal(rows)}"] if rows else []
    names = _names(plan)
    for name in names:
        lines += [] if callable(getattr(blocks, name)) else _constant(name)
    lines += ["", "", *_forward(plan)]
    for name in names:
        lines += ["", "", _source_of(plan, name)] if callable(getattr(blocks, name)) else []
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip() + "\n"


def _names(plan: Plan) -> list[str]:
    """Functions and constants of the blocks that a plan's agent has, in their order."""
    cells = plan.cells()
    used = [BLOCKS[name] for stage in (_prepares(cells), _checks(cells)) for name in stage]
    used += [BLOCKS[plan.failed]] if _checks(cells) else []
    ways, combine = _ways(plan), BLOCKS[plan.combine]
    functions = ["pick"] if plan.routes else []
    functions += [block.function for block in (*ways, *used, combine)]
    needs = [need for block in (*used, combine, *ways) for need in block.needs]
    return list(dict.fromkeys((*functions, *needs)))


def _ways(plan: Plan) -> list[Block]:
    """The ways of working that a plan can come to, in the order of the table."""
    taken = plan.ways() | plan.seconds()
    return [solver(way) for way in blocks_of("solve") if way in taken]


def _prepares(cells: Iterable[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.prepare for cell in cells if cell.prepare != NONE))


def _checks(cells: Iterable[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.check for cell in cells if cell.check != NONE))


def _key(cell: Cell) -> str:
    """What a cell is called in the source of an agent: its way, with the stages beside it."""
    stages = (cell.prepare, cell.way, cell.check)
    return ", ".join(name for name in stages if name != NONE)


def _forward(plan: Plan) -> list[str]:
    ways = _ways(plan)
    body = [
        "def forward(self, taskInfo):",
        f'    samples = self.tune.int("samples", 1, {MAX_SAMPLES}, {plan.samples})',
        f"    any_shown = {_any_shown(ways)}",
        f'    shown = self.tune.int("shown", 0, {MAX_SHOWN}, {plan.shown}) if any_shown else 0',
        "    infos = [taskInfo]",
    ]
    for number, step in enumerate(plan.steps, 1):
        body += [
            f'    adviser{number} = LLMAgentBase(["advice"], "Adviser {number}", temperature=0.3)',
            f"    infos += adviser{number}(infos, {_literal(step)})",
        ]
    body += _chosen(plan, ways)
    body += [f'    temperature = self.tune.float("temperature", 0.0, 1.0, {_temperature(plan, ways)})']
    return [*body, *_answered(plan)]


def _chosen(plan: Plan, ways: Sequence[Block]) -> list[str]:
    """What is done with the item is looked up, and notes are made."""
    cells, names = plan.cells(), [way.name for way in ways]
    fields = _fields(plan)
    if len(cells) == 1 and not plan.routes:
        row = _row(plan, plan.cell)
        notes = [f"    infos += {row['prepare']}(self, infos)"] if "prepare" in fields else []
        other = [f"    second = {row['second']}"] if "second" in fields else []
        return [*notes, f"    start, role, instruction = ({row[WORK]})", *other]
    lines = ["    ways = {"]
    for cell in sorted(cells, key=lambda cell: names.index(cell.way)):
        row = _row(plan, cell)
        if len(fields) == 1:
            lines += [f'        "{_key(cell)}": ({row[WORK]}),']
        else:
            lines += [
                f'        "{_key(cell)}": (',
                *(f"            {row[name]}," for name in fields),
                "        ),",
            ]
    lines += ["    }"]
    key = f'"{_key(plan.cell)}"'
    chosen = f"pick(taskInfo.content, ROUTES, {key})" if plan.routes else key
    lines += [f"    {', '.join(fields)} = ways[{chosen}]"]
    return lines + (["    infos += prepare(self, infos) if prepare else []"] if "prepare" in fields else [])


WORK = "start, role, instruction"


def _fields(plan: Plan) -> list[str]:
    """What is looked up for an item."""
    cells = plan.cells()
    return [
        *(["prepare"] if _prepares(cells) else []),
        WORK,
        *(["check"] if _checks(cells) else []),
        *(["second"] if plan.seconds() else []),
    ]


def _row(plan: Plan, cell: Cell) -> dict[str, str]:
    """What is done with the items of a cell, by field, as source."""
    way = solver(cell.way)
    return {
        "prepare": BLOCKS[cell.prepare].function if cell.prepare != NONE else "None",
        WORK: _choice(way, plan.hint),
        "check": BLOCKS[cell.check].function if cell.check != NONE else "None",
        "second": f"({_choice(solver(way.second), plan.hint)})" if plan.turns(cell) else "None",
    }


def _answered(plan: Plan) -> list[str]:
    """Answers are started, checked and combined."""
    cells, combine = plan.cells(), BLOCKS[plan.combine]
    checks, turns = _checks(cells), bool(plan.seconds())
    if not (checks or turns or combine.takes):
        begun = "start(self, infos, role, instruction, shown, temperature)"
        return [f"    started = [{begun} for _ in range(samples)]", "    return vote(started)"]
    lines = [
        "",
        '    def ask(more=(), note="", temperature=temperature):',
        "        return start(self, [*infos, *more], role, instruction + note, shown, temperature)",
        "",
    ]
    if turns:
        lines += [
            "    def other():",
            "        start, role, instruction = second",
            "        return start(self, infos, role, instruction, shown, temperature)",
            "",
        ]
    begin = "ask"
    if checks:
        one = len(cells) == 1 and not plan.routes
        check = BLOCKS[checks[0]].function if one else "check"
        given = f"self, infos, ask, {'other' if turns else None}, {check}, {BLOCKS[plan.failed].function}"
        done = f"checked({given})"
        lines += ["    def begin():", f"        return {done}" + ("" if one else " if check else ask()"), ""]
        begin = "begin"
    if not combine.takes:
        return [*lines, f"    return vote([{begin}() for _ in range(samples)])"]
    given = ", ".join(begin if name == "begin" else name for name in combine.takes)
    return [*lines, f"    return {combine.function}({given})"]


def _any_shown(ways: Iterable[Block]) -> str:
    """Whether there are worked examples that one of the ways would show, as source."""
    shows = dict.fromkeys(way.shows for way in ways if way.shows)
    return " or ".join(f'examples_for(self, "{name}")' for name in shows) or "False"


def _temperature(plan: Plan, ways: Sequence[Block]) -> str:
    """The temperature that is taken unless it is tuned, as source."""
    own, lively = round(plan.temperature, 6), [way.function for way in ways if way.lively]
    if own != USUAL or len(lively) == len(ways):
        return f"{own if own != USUAL else LIVELY}"
    several = "samples > 1"
    if lively:
        several += f" or start in ({', '.join(lively)})" if lively[1:] else f" or start is {lively[0]}"
    return f"{LIVELY} if {several} else {own}"


def _choice(way: Block, hint: str) -> str:
    told = f"{way.instruction} {hint.strip()}" if hint.strip() else way.instruction
    return f"{way.function}, {_literal(way.role)}, {_literal(told)}"


def _shadows(plan: Plan, route: Route) -> bool:
    # A route to the default way still matters when a later, wider route would take its items elsewhere.
    after = plan.routes[plan.routes.index(route) + 1 :]
    return any(set(r.words.split()) <= set(route.words.split()) or r.cell != plan.cell for r in after)


@functools.cache
def _text_of(function: types.FunctionType) -> str:
    return inspect.getsource(function).rstrip()


def _source_of(plan: Plan, name: str) -> str:
    """A function of the blocks; ways of working order their worked examples as the plan says."""
    function = getattr(blocks, _ordered(plan, name))
    assert isinstance(function, types.FunctionType)
    return _text_of(function).replace(NEAREST, _ordered(plan, NEAREST))


def _ordered(plan: Plan, name: str) -> str:
    return BLOCKS[plan.choice].function if name == NEAREST else name


def _constant(name: str) -> list[str]:
    """A constant of the blocks as source: a list a row an entry."""
    value = getattr(blocks, name)
    if not isinstance(value, list):
        return [f"{name} = {_literal(value)}"]
    return [f"{name} = [", *(f"    {_entry(entry)}," for entry in value), "]"]


def _entry(value: Any) -> str:
    return f"({', '.join(map(_literal, value))})" if isinstance(value, tuple) else _literal(value)


def _literal(value: Any) -> str:
    if isinstance(value, str) and value.isprintable():
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def _docstring(text: str) -> str:
    plain = printable(text.replace("\\", " "), kept="", instead=" ")
    return plain.replace('"""', "'''").strip()
