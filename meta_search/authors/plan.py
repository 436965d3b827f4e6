"""Plans: a small description of an agent, which `authors.compiler` turns into readable source.

A plan is what both authors share: the composer takes it from an Optuna trial, the llm author from the meta
agent as JSON by schema. Small models fill a plan far more reliably than they write a program (8 of 8 valid
against 2 of 8 with the 1.5B, measured for this project).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from meta_search.authors.block_table import BLOCKS, NONE, blocks_of, solver
from meta_search.text import one_line

__all__ = [
    "BY_KIND",
    "EVERY_WAY",
    "LIVELY",
    "MAX_ROUTES",
    "MAX_SAMPLES",
    "MAX_SHOWN",
    "MAX_STEPS",
    "SEED_PLANS",
    "STAGED",
    "TUNED",
    "USUAL",
    "WAYS",
    "Cell",
    "Plan",
    "Route",
    "plan_from",
    "plan_schema",
]

WAYS = tuple(way for way in blocks_of("solve") if BLOCKS[way].by_default)
EVERY_WAY = blocks_of("solve")  # others are expensive: `author.ways` says which ways plans are drawn with
MAX_ROUTES, MAX_STEPS, MAX_SAMPLES, MAX_SHOWN = 16, 2, 5, 3
TUNED: tuple[str, ...] = ("samples", "shown", "temperature")  # fields that are parameters of the agent
MOST_STEP = 200  # characters of a step
USUAL, LIVELY = 0.1, 0.5  # temperatures; the latter where answers of equal models are compared


@dataclass(frozen=True, slots=True)
class Cell:
    """What is done with items of a kind.

    Attributes:
        way: How they are solved.
        prepare: Stage before it, or `none`.
        check: Stage behind it, or `none`.
    """

    way: str
    prepare: str = NONE
    check: str = NONE

    @property
    def plain(self) -> bool:
        """Whether items are solved, and nothing else."""
        return self.prepare == self.check == NONE


@dataclass(frozen=True, slots=True)
class Route:
    """Items whose question holds all of `words` (lower case, blank-separated) are worked in `way`, with a
    stage before it and one behind it."""

    words: str
    way: str
    prepare: str = NONE
    check: str = NONE

    @property
    def cell(self) -> Cell:
        """What is done with its items."""
        return Cell(self.way, self.prepare, self.check)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an agent does: prepare → solve → check, by kind of item, and → combine.

    The blocks of each stage are in `authors.block_table`.

    Attributes:
        name: Short, for people.
        thought: The idea behind it, for people.
        way: How items are worked that no route takes: a block of the stage solve.
        routes: First match wins.
        steps: Instructions of preliminary calls whose answers are handed to the final one, 0..2.
        hint: A sentence added to the final instruction.
        samples: Answers that are voted on, 1..5.
        shown: Nearest worked examples shown, 0..3.
        temperature: Of the final calls; 0..1. Where it is the usual one, votes and teams take 0.5: equal
            samples would cast equal votes.
        prepare: What is worked out first for items that no route takes, or `none`.
        check: How their answers are checked, or `none`.
        failed: What follows a check that an answer does not pass; read where there is a check.
        combine: How one answer is had of `samples`.
        choice: Which worked examples are shown.
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
    prepare: str = NONE
    check: str = NONE
    failed: str = "mend"
    combine: str = "vote"
    choice: str = "nearest"

    @property
    def cell(self) -> Cell:
        """What is done with items that no route takes."""
        return Cell(self.way, self.prepare, self.check)

    def cells(self) -> tuple[Cell, ...]:
        """All that the plan does with items, each once; those that no route takes first."""
        return tuple(dict.fromkeys((self.cell, *(route.cell for route in self.routes))))

    def to_mapping(self) -> dict[str, Any]:
        """Plain data, as stored with the candidate: of stages only what the plan has, so that it is the same
        as in archives from before there were any."""
        made = asdict(self)
        usual = {name: default for name, default in STAGED.items() if made[name] == default}
        for route in made["routes"]:
            for name in BY_KIND:
                if route[name] == made[name]:
                    del route[name]
        return {name: value for name, value in made.items() if name not in usual}

    def ways(self) -> set[str]:
        """All ways of working that the plan can take first."""
        return {self.way, *(route.way for route in self.routes)}

    def seconds(self) -> set[str]:
        """The ways that it takes where a check or a doubt asks for another one."""
        cells = [cell for cell in self.cells() if self.turns(cell)]
        return {solver(cell.way).second for cell in cells}

    def turns(self, cell: Cell) -> bool:
        """Whether items of a cell can come to be worked in a second way."""
        checked = cell.check != NONE
        return (
            BLOCKS[self.combine].other
            or (checked and BLOCKS[cell.check].other)
            or (checked and BLOCKS[self.failed].other)
        )


STAGED = {"prepare": NONE, "check": NONE, "failed": "mend", "combine": "vote", "choice": "nearest"}
"""Fields of a plan that say which blocks it has at a stage -> what stands where nothing is said."""
BY_KIND = ("prepare", "check")  # those of them that each kind of item has for itself


# What the seeds are as plans, so that a seed can be mutated and crossed.
SEED_PLANS = {
    "direct": Plan("direct", way="direct"),
    "program_of_thought": Plan("program", way="program"),
    "chain_of_thought": Plan("think", way="think"),
    "self_consistency": Plan("think, 5 votes", way="think", samples=5),
}


def plan_schema(
    words: Sequence[str] = (),
    ways: Sequence[str] = WAYS,
    whole: bool = False,
    stages: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """JSON schema of a plan as a model fills it: short, so that a small model stays within it.

    Args:
        words: That routes may name; empty leaves them free.
        ways: Ways of working that it may take.
        whole: Whether it has all keys that plans have, for models that are not embedded.
        stages: Stage besides solve -> blocks that it may have there (`designs.stages_of`).
    """
    route_word: dict[str, Any] = {"type": "string", "maxLength": 40}
    if words:
        route_word["enum"] = list(words)
    way = {"type": "string", "enum": list(ways)}
    blocks = {stage: {"type": "string", "enum": [*names]} for stage, names in stages.items()}
    of_kind = {stage: one for stage, one in blocks.items() if stage in BY_KIND}
    route = {
        "type": "object",
        "properties": {"words": route_word, "way": way, **of_kind},
        "required": ["words", "way", *of_kind],
    }
    more: dict[str, Any] = {}
    if whole:
        step = {"type": "string", "maxLength": MOST_STEP}
        more = {
            "steps": {"type": "array", "maxItems": MAX_STEPS, "items": step},
            "temperature": {"type": "number", "minimum": 0, "maximum": 1},
        }
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 40},
            "thought": {"type": "string", "maxLength": 160},
            "way": way,
            "routes": {"type": "array", "maxItems": MAX_ROUTES, "items": route},
            "hint": {"type": "string", "maxLength": 120},
            "samples": {"type": "integer", "enum": [1, 3, 5]},
            "shown": {"type": "integer", "enum": [0, 1, 2, 3]},
            **more,
            **blocks,
        },
        "required": ["name", "thought", "way", "routes", "hint", "samples", "shown", *more, *blocks],
    }


def plan_from(data: Mapping[str, Any]) -> Plan:
    """Read a plan from JSON, leniently: values out of range are clipped, unknown ways dropped.

    Raises:
        ValueError: Nothing in it says how to work; the message is for the author.
    """
    if not isinstance(data, Mapping) or not ({"way", "routes"} & set(data)):
        raise ValueError(f'the plan needs "way": one of {", ".join(WAYS)}')
    stages = {name: _block(data, name, usual) for name, usual in STAGED.items()}
    routes: list[Route] = []
    for entry in _list(data.get("routes")):
        if isinstance(entry, Mapping) and entry.get("way") in EVERY_WAY:
            words = " ".join(re.findall(r"\w+", str(entry.get("words", "")).lower())[:4])
            if words and words not in {r.words for r in routes}:
                own = {name: _block(entry, name, str(stages[name])) for name in BY_KIND}
                routes.append(Route(words, str(entry["way"]), **own))
    way = str(data.get("way", "program")).lower()
    return Plan(
        name=_line(data.get("name"), 60) or "Unnamed",
        thought=_line(data.get("thought"), 400),
        way=way if way in EVERY_WAY else "program",
        routes=tuple(routes[:MAX_ROUTES]),
        steps=tuple(filter(None, (_line(step, MOST_STEP) for step in _list(data.get("steps")))))[:MAX_STEPS],
        hint=_line(data.get("hint"), 200),
        samples=_clip(data.get("samples", 1), 1, MAX_SAMPLES),
        shown=_clip(data.get("shown", 0), 0, MAX_SHOWN),
        temperature=_share(data.get("temperature", USUAL)),
        **stages,
    )


def _block(data: Mapping[str, Any], stage: str, usual: str) -> str:
    """The block that is told of a stage, if there is such a one."""
    told = str(data.get(stage) or usual).strip().lower().replace(" ", "_")
    known = told == NONE == STAGED[stage] or (told in BLOCKS and BLOCKS[told].stage == stage)
    return told if known else usual


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
