"""Who may be in a team: at least eight roles for each family of domains, and more from the meta agent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from meta_search.text import one_line
from meta_search.types import CallRequest

__all__ = ["FAMILIES", "POOLS", "Roles", "family_of", "read_roles", "request_for_roles"]

Roles = tuple[tuple[str, str], ...]
"""Pairs of a name and what the agent is told to be."""

MOST_ASKED, MOST_NAME, MOST_ROLE = 4, 40, 200

_EVERYWHERE: Roles = (
    ("Planner", "expert who breaks a task into small steps before solving it"),
    ("Checker", "careful examiner who verifies every step and every number before answering"),
    ("Sceptic", "sceptic who looks for the mistake that everybody else makes"),
    ("Reader", "exact reader who first restates what is asked and what is given"),
)
POOLS: Mapping[str, Roles] = {
    "mathematics": (
        ("Teacher", "patient teacher of mathematics who writes out each calculation"),
        ("Algebraist", "mathematician who names the unknowns and solves equations"),
        ("Accountant", "accountant who tracks every quantity and its unit"),
        ("Estimator", "physicist who estimates the result first and rejects what is implausible"),
        *_EVERYWHERE,
        ("Programmer", "programmer who works through the task as an algorithm"),
    ),
    "reasoning": (
        ("Programmer", "programmer who works through the task as an algorithm"),
        ("Mathematician", "careful mathematician"),
        ("Linguist", "linguist who looks at words letter by letter"),
        ("Puzzler", "solver of puzzles who tries small cases first"),
        ("Logician", "logician who derives each statement from those before"),
        *_EVERYWHERE,
    ),
    "general": (
        ("Scholar", "scholar with wide knowledge who recalls the facts first"),
        ("Mathematician", "careful mathematician"),
        ("Practitioner", "practical expert in the field that the question is from"),
        ("Editor", "editor who gives the shortest answer that is right"),
        ("Analyst", "analyst who compares the possible answers one by one"),
        *_EVERYWHERE,
    ),
}
FAMILIES: Mapping[str, str] = {"mgsm": "mathematics", "reasoning": "reasoning"}


def family_of(domain: str) -> str:
    """Family of a domain by its name; `general` for those that users bring."""
    return FAMILIES.get(domain, "general")


def request_for_roles(
    domain: str, known: Roles, temperature: float, seed: int, brief: int, wrong: str = ""
) -> CallRequest:
    """Ask the meta agent for roles that a team lacks.

    Args:
        domain: The domain's paragraph on its tasks.
        known: Roles that are there.
        temperature: Of the meta model.
        seed: Of the call.
        brief: `Brief.code` of the brief.
        wrong: What the team gets wrong, lines of text.
    """
    role = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": MOST_NAME},
            "role": {"type": "string", "maxLength": MOST_ROLE},
        },
        "required": ["name", "role"],
    }
    there = "\n".join(f"- {name}: {text}" for name, text in known)
    prompt = (
        f"Tasks: {domain}\n\nA team of experts solves them; these are in it:\n{there}\n\n{wrong}"
        f"Name up to {MOST_ASKED} further experts who would see what these miss. Reply with JSON: "
        '{"roles": [{"name": "one or two words", "role": "who the expert is, in one short sentence"}]}.'
    )
    return CallRequest(
        model="meta",
        messages=(("system", "You put teams of experts together. You are concise."), ("user", prompt)),
        temperature=temperature,
        max_tokens=320,
        schema={
            "type": "object",
            "properties": {"roles": {"type": "array", "maxItems": MOST_ASKED, "items": role}},
            "required": ["roles"],
        },
        seed=seed,
        occurrence="roles",
        purpose="meta",
        agent=f"brief-{brief}",
        author="meta agent",
    )


def read_roles(text: str, known: Sequence[str]) -> Roles:
    """Roles from the meta agent's reply; none where it cannot be read. Names that are known are dropped."""
    try:
        data = json.loads(text[text.find("{") : text.rfind("}") + 1], strict=False)
    except (ValueError, RecursionError):
        return ()
    rows = data.get("roles") if isinstance(data, dict) else None
    taken = {name.casefold() for name in known}
    found: list[tuple[str, str]] = []
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict):
            continue
        name, role = (_line(row.get(key), most) for key, most in (("name", MOST_NAME), ("role", MOST_ROLE)))
        if name and role and name.casefold() not in taken:
            taken.add(name.casefold())
            found.append((name, role))
    return tuple(found[:MOST_ASKED])


def _line(value: object, most: int) -> str:
    return one_line(value or "", most, end="")
