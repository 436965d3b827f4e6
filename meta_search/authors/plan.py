"""Plans: a small description of an agent, and the compiler that turns it into readable source.

A plan is what both authors share: the composer takes it from an Optuna trial, the llm author from the meta
agent as JSON by schema. Small models fill a plan far more reliably than they write a program (8 of 8 valid
against 2 of 8 with the 1.5B, measured for this project).
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from meta_search.agent import blocks
from meta_search.text import one_line, printable
from meta_search.types import Demonstration

__all__ = [
    "EVERY_WAY",
    "SEED_PLANS",
    "TUNED",
    "USUAL",
    "WAYS",
    "Plan",
    "Route",
    "compile_plan",
    "plan_from",
    "plan_schema",
    "shown_by",
]

WAYS = ("direct", "program", "think")
EVERY_WAY = (*WAYS, "team")  # a team is expensive: `author.ways` says whether plans are drawn with it
STARTERS = {way: f"start_{way}" for way in EVERY_WAY}
INSTRUCTIONS = {
    "direct": "Reply with only the final answer.",
    "program": "Write a short Python program that computes and prints only the final answer.",
    "think": "Think step by step in a few words, then give the answer.",
    "team": "Think step by step in a few words, then give the answer.",
}
ROLES = {
    "direct": "helpful assistant",
    "program": "programmer who writes short Python programs",
    "think": "careful expert",
    "team": "",
}
MAX_ROUTES, MAX_STEPS, MAX_SAMPLES, MAX_SHOWN = 12, 2, 5, 3
TUNED: tuple[str, ...] = ("samples", "shown", "temperature")  # fields that are parameters of the agent
USUAL, LIVELY = 0.1, 0.5  # temperatures; the latter where answers of equal models are compared


@dataclass(frozen=True, slots=True)
class Route:
    """Items whose question holds all of `words` (lower case, blank-separated) are worked in `way`."""

    words: str
    way: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What an agent does.

    Attributes:
        name: Short, for people.
        thought: The idea behind it, for people.
        way: How items are worked that no route takes: direct, program, think or team.
        routes: First match wins.
        steps: Instructions of preliminary calls whose answers are handed to the final one, 0..2.
        hint: A sentence added to the final instruction.
        samples: Answers that are voted on, 1..5.
        shown: Nearest worked examples shown, 0..3.
        temperature: Of the final calls; 0..1. Where it is the usual one, votes and teams take 0.5: equal
            samples would cast equal votes.
    """

    name: str
    thought: str = ""
    way: str = "program"
    routes: tuple[Route, ...] = ()
    steps: tuple[str, ...] = ()
    hint: str = ""
    samples: int = 1
    shown: int = 0
    temperature: float = USUAL

    def to_mapping(self) -> dict[str, Any]:
        """Plain data, as stored with the candidate."""
        return asdict(self)

    def ways(self) -> set[str]:
        """All ways of working that the plan can take."""
        return {self.way, *(route.way for route in self.routes)}


# What the seeds are as plans, so that a seed can be mutated and crossed.
SEED_PLANS = {
    "direct": Plan("direct", way="direct"),
    "program_of_thought": Plan("program", way="program"),
    "chain_of_thought": Plan("think", way="think"),
    "self_consistency": Plan("think, 5 votes", way="think", samples=5),
}


def plan_schema(words: Sequence[str] = (), ways: Sequence[str] = WAYS) -> dict[str, Any]:
    """JSON schema of a plan as a model fills it: short, so that a small model stays within it.

    Args:
        words: That routes may name; empty leaves them free.
        ways: Ways of working that it may take.
    """
    route_word: dict[str, Any] = {"type": "string", "maxLength": 40}
    if words:
        route_word["enum"] = list(words)
    way = {"type": "string", "enum": list(ways)}
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 40},
            "thought": {"type": "string", "maxLength": 160},
            "way": way,
            "routes": {
                "type": "array",
                "maxItems": MAX_ROUTES,
                "items": {
                    "type": "object",
                    "properties": {"words": route_word, "way": way},
                    "required": ["words", "way"],
                },
            },
            "hint": {"type": "string", "maxLength": 120},
            "samples": {"type": "integer", "enum": [1, 3, 5]},
            "shown": {"type": "integer", "enum": [0, 1, 2, 3]},
        },
        "required": ["name", "thought", "way", "routes", "hint", "samples", "shown"],
    }


def plan_from(data: Mapping[str, Any]) -> Plan:
    """Read a plan from JSON, leniently: values out of range are clipped, unknown ways dropped.

    Raises:
        ValueError: Nothing in it says how to work; the message is for the author.
    """
    if not isinstance(data, Mapping) or not ({"way", "routes"} & set(data)):
        raise ValueError('the plan needs "way": one of direct, program, think')
    routes: list[Route] = []
    for entry in _list(data.get("routes")):
        if isinstance(entry, Mapping) and entry.get("way") in EVERY_WAY:
            words = " ".join(re.findall(r"\w+", str(entry.get("words", "")).lower())[:4])
            if words and words not in {r.words for r in routes}:
                routes.append(Route(words, str(entry["way"])))
    way = str(data.get("way", "program")).lower()
    return Plan(
        name=_line(data.get("name"), 60) or "Unnamed",
        thought=_line(data.get("thought"), 400),
        way=way if way in EVERY_WAY else "program",
        routes=tuple(routes[:MAX_ROUTES]),
        steps=tuple(filter(None, (_line(step, 200) for step in _list(data.get("steps")))))[:MAX_STEPS],
        hint=_line(data.get("hint"), 200),
        samples=_clip(data.get("samples", 1), 1, MAX_SAMPLES),
        shown=_clip(data.get("shown", 0), 0, MAX_SHOWN),
        temperature=_share(data.get("temperature", USUAL)),
    )


def shown_by(plan: Plan, pool: Sequence[Demonstration]) -> tuple[Demonstration, ...]:
    """The worked examples of a pool that a plan's ways of working could show."""
    carrier = types.SimpleNamespace(demonstrations=pool, examples=())
    examples_for: Callable[..., Sequence[Demonstration]] = blocks.examples_for
    fit = [d for way in plan.ways() for d in examples_for(carrier, way)]
    return tuple(d for d in pool if d in fit)


def compile_plan(plan: Plan) -> str:
    """Complete agent source for a plan. Routes that change nothing are left out; numbers are tunable."""
    plan = replace(plan, routes=tuple(r for r in plan.routes if r.way != plan.way or _shadows(plan, r)))
    ways = [way for way in EVERY_WAY if way in plan.ways()]
    used = [STARTERS[way] for way in ways]
    lines = [
        '"""' + _docstring(plan.name),
        "",
        _docstring(plan.thought) or "Compiled from a plan.",
        '"""',
        "",
    ]
    lines += [f"ROUTES = {_literal([(r.words, r.way) for r in plan.routes])}"] if plan.routes else []
    if "team" in ways:
        rows = (f"    ({_literal(name)}, {_literal(role)})," for name, role in blocks.TEAM_ROLES)
        lines += ["TEAM_ROLES = [", *rows, "]"]
    lines += ["", "", *_forward(plan, ways)]
    functions = (["pick"] if plan.routes else []) + used + ["vote", "examples_for", "sorted_by_nearness"]
    for name in functions:
        lines += ["", "", _source_of(name)]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).strip() + "\n"


def _forward(plan: Plan, ways: Sequence[str]) -> list[str]:
    hint = f" {plan.hint.strip()}" if plan.hint.strip() else ""
    any_shown = " or ".join(f'examples_for(self, "{way}")' for way in ways)
    body = [
        "def forward(self, taskInfo):",
        f'    samples = self.tune.int("samples", 1, {MAX_SAMPLES}, {plan.samples})',
        f"    any_shown = {any_shown}",
        f'    shown = self.tune.int("shown", 0, {MAX_SHOWN}, {plan.shown}) if any_shown else 0',
        "    infos = [taskInfo]",
    ]
    for number, step in enumerate(plan.steps, 1):
        body += [
            f'    adviser{number} = LLMAgentBase(["advice"], "Adviser {number}", temperature=0.3)',
            f"    infos += adviser{number}(infos, {_literal(step)})",
        ]
    if len(ways) == 1 and not plan.routes:
        body += [f"    start, role, instruction = {_choice(ways[0], hint)}"]
    else:
        body += ["    ways = {"]
        body += [f'        "{way}": {_choice(way, hint)},' for way in ways]
        body += ["    }"]
        chosen = f'pick(taskInfo.content, ROUTES, "{plan.way}")' if plan.routes else f'"{plan.way}"'
        body += [f"    start, role, instruction = ways[{chosen}]"]
    return [
        *body,
        f'    temperature = self.tune.float("temperature", 0.0, 1.0, {_temperature(plan, ways)})',
        "    started = [start(self, infos, role, instruction, shown, temperature) for _ in range(samples)]",
        "    return vote(started)",
    ]


def _temperature(plan: Plan, ways: Sequence[str]) -> str:
    """The temperature that is taken unless it is tuned, as source."""
    own = round(plan.temperature, 6)
    if own != USUAL or [*ways] == ["team"]:
        return f"{own if own != USUAL else LIVELY}"
    several = "samples > 1" + (" or start is start_team" if "team" in ways else "")
    return f"{LIVELY} if {several} else {own}"


def _choice(way: str, hint: str) -> str:
    return f"({STARTERS[way]}, {_literal(ROLES[way])}, {_literal(INSTRUCTIONS[way] + hint)})"


def _shadows(plan: Plan, route: Route) -> bool:
    # A route to the default way still matters when a later, wider route would take its items elsewhere.
    after = plan.routes[plan.routes.index(route) + 1 :]
    return any(set(r.words.split()) <= set(route.words.split()) or r.way != plan.way for r in after)


def _source_of(name: str) -> str:
    function = getattr(blocks, name)
    assert isinstance(function, types.FunctionType)
    return inspect.getsource(function).rstrip()


def _literal(value: Any) -> str:
    if isinstance(value, str) and value.isprintable():
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def _docstring(text: str) -> str:
    plain = printable(text.replace("\\", " "), kept="", instead=" ")
    return plain.replace('"""', "'''").strip()


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _line(value: Any, most: int) -> str:
    return one_line(value or "", most, end="")


def _share(value: Any) -> float:
    try:
        return min(1.0, max(0.0, float(value)))
    except (TypeError, ValueError, OverflowError):
        return USUAL


def _clip(value: Any, low: int, high: int) -> int:
    try:
        return max(low, min(high, int(value)))
    except (TypeError, ValueError, OverflowError):
        return low
