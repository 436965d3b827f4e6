"""Names of agents: a base, and what is different, set apart by commas.

A name says what an agent does or what is different from the one it was made from, not how it came. So a part
takes the place of an earlier one of its kind, or names would grow with every generation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from meta_search.authors.block_table import NONE
from meta_search.authors.plan import STAGED, TUNED, USUAL, Cell, Plan
from meta_search.text import one_line
from meta_search.types import LONGEST_NAME, Agent, Candidate, Scalar, unique_name

__all__ = ["cell_told", "described", "distinct", "stage_part", "value_part", "with_parts"]

MOST_KINDS = 2  # told one by one
MOST_VALUE = 20  # characters of a value
LONGEST_PART = 40
MORE = ", …"  # ends a name that does not tell everything
VOTES = r"(?:one vote|three votes|\d+ votes)"
PATTERNS = {
    "shown": r"\d+ shown",
    "samples": VOTES,
    "way": r"by \w+",
    "advisers": r"(?:no|\d+) advisers?",
    "hint": "hint",
    "prepare": r"\w+ first",
    "check": r"\w+ check",
    "failed": r"(?:mended|asked again|passed on)",
    "combine": r"(?:until decided|a judge|second on doubt|all votes)",
    "choice": r"\w+ examples",
    "routes": "fewer routes",
}


def with_parts(name: str, parts: Mapping[str, str]) -> str:
    """A name with parts, each in place of an earlier one of its kind.

    Args:
        name: What is kept.
        parts: Kind (a parameter, or `way`, `without`, …) -> what the name says of it; `""` says nothing.
    """
    for kind in parts:
        pattern = PATTERNS.get(kind) or rf"{re.escape(kind)} [^,]+"
        name = re.sub(rf", {pattern}(?=,|$)", "", name)
    base, *before = name.removesuffix(MORE).split(", ")
    told = [one_line(part, LONGEST_PART) for part in parts.values() if part]
    left_out, most = name.endswith(MORE), LONGEST_NAME - len(MORE)
    # Whole parts are left out, earlier ones first: one that is cut could not be replaced later.
    while len(", ".join([base, *before, *told])) > most and (before or told[1:]):
        (before or told).pop()
        left_out = True
    room = most - len("".join(f", {part}" for part in (*before, *told)))
    return ", ".join([one_line(base, room), *before, *told]) + (MORE if left_out else "")


def value_part(name: str, value: Scalar) -> str:
    """What a name says of a tuned value."""
    if name == "shown":
        return f"{value} shown"
    if name == "samples":
        return "one vote" if value == 1 else f"{value} votes"
    text = f"{value:.2g}" if isinstance(value, float) else str(value).replace(",", " ")
    return one_line(f"{name} {text}", len(name) + 1 + MOST_VALUE)


def described(plan: Plan) -> str:
    """What a plan does, as a name."""
    others: dict[str, list[str]] = defaultdict(list)
    for route in plan.routes:
        if route.cell != plan.cell:
            others[cell_told(route.cell)].append(route.words)
    parts = stage_parts(plan)
    for way, words in others.items():
        told = " and ".join(words) if len(words) <= MOST_KINDS else f"{len(words)} kinds"
        parts[f"to {way}"] = f"{way} for {told}"
    parts["samples"] = f"{plan.samples} votes" if plan.samples > 1 else ""
    parts["shown"] = f"{plan.shown} shown" if plan.shown else ""
    usual = plan.temperature == USUAL
    parts["temperature"] = "" if usual else value_part("temperature", plan.temperature)
    parts["advisers"] = f"{len(plan.steps)} adviser{'s' if len(plan.steps) > 1 else ''}" if plan.steps else ""
    parts["hint"] = "hint" if plan.hint else ""
    return with_parts(plan.way, parts)


TOLD = {
    "mend": "mended",
    "again": "asked again",
    "pass": "passed on",
    "vote": "all votes",
    "decided": "until decided",
    "judge": "a judge",
    "cascade": "second on doubt",
}
"""Blocks of the stages failed and combine -> what a name says of them."""


def stage_part(stage: str, block: str) -> str:
    """What a name says of a block of a stage."""
    if stage in ("prepare", "check", "choice"):
        told = "no" if block == NONE else block
        return f"{told} {'first' if stage == 'prepare' else 'examples' if stage == 'choice' else stage}"
    return TOLD.get(block, block)


def stage_parts(plan: Plan) -> dict[str, str]:
    """What a name says of a plan's stages, where they are not the usual ones and something reads them."""
    checks = any(cell.check != NONE for cell in plan.cells())
    read = {
        "prepare": True,
        "check": True,
        "failed": checks,
        "combine": plan.samples > 1,
        "choice": plan.shown > 0,
    }
    own = {stage: str(getattr(plan, stage)) for stage in STAGED if read[stage]}
    return {stage: stage_part(stage, name) for stage, name in own.items() if name != STAGED[stage]}


def cell_told(cell: Cell) -> str:
    """What is done with items of a kind, in a few words: as `program after extract with letter check`."""
    after = f" after {cell.prepare}" if cell.prepare != NONE else ""
    return f"{cell.way}{after}" + (f" with {cell.check} check" if cell.check != NONE else "")


def distinct(candidate: Candidate, named: Mapping[str, tuple[Agent, Mapping[str, Any] | None]]) -> str:
    """A name for a candidate that no other agent has: its own, else with what is different, else a number.

    Args:
        candidate: Has a name.
        named: Name -> agent and its plan, of all others.
    """
    name = one_line(candidate.agent.name, LONGEST_NAME) or "Unnamed"
    if name not in named:
        return name
    other, plan = named[name]
    more = with_parts(name, _differences(candidate, other, plan))
    return unique_name(more, named)


def _differences(candidate: Candidate, other: Agent, plan: Mapping[str, Any] | None) -> dict[str, str]:
    """What a candidate has and an agent of its name has not, by kind."""
    ours, theirs = candidate.plan or {}, plan or {}
    changed = {key for key in ours if key not in STAGED and ours[key] != theirs.get(key)} if theirs else set()
    parts = {key: value_part(key, ours[key]) for key in TUNED if key in changed}
    if "way" in changed:
        parts["way"] = f"by {ours['way']}"
    for stage, usual in STAGED.items():
        if theirs and ours.get(stage, usual) != theirs.get(stage, usual):
            parts[stage] = stage_part(stage, str(ours.get(stage, usual)))
    values = candidate.agent.values
    parts |= {key: value_part(key, v) for key, v in values.items() if other.values.get(key) != v}
    return parts
