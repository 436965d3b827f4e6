"""Names of agents: a base, and what is different, set apart by commas.

A name says what an agent does or what is different from the one it was made from, not how it came. So a part
takes the place of an earlier one of its kind, or names would grow with every generation.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from meta_search.authors.plan import TUNED, USUAL, Plan
from meta_search.text import one_line
from meta_search.types import LONGEST_NAME, Agent, Candidate, Scalar, unique_name

__all__ = ["described", "distinct", "value_part", "with_parts"]

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
        if route.way != plan.way:
            others[route.way].append(route.words)
    parts = {}
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
    changed = {key for key in ours if ours[key] != theirs.get(key)} if theirs else set()
    parts = {key: value_part(key, ours[key]) for key in TUNED if key in changed}
    if "way" in changed:
        parts["way"] = f"by {ours['way']}"
    values = candidate.agent.values
    parts |= {key: value_part(key, v) for key, v in values.items() if other.values.get(key) != v}
    return parts
