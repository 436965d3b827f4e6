"""From the order to an author to what it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from meta_search.types.agents import Agent, Parameter

__all__ = [
    "OUTSIDE",
    "OWN",
    "REPAIR",
    "Attempt",
    "Brief",
    "BriefKind",
    "Candidate",
    "HandedIn",
    "Lesson",
    "brief_number",
]

BriefKind = Literal["asked", "repair", "seed", "baseline", "imported", "added"]

# How archives number briefs: those that were asked for from 0, each repair of their candidates so much above,
# everything that no author was asked for below 0.
REPAIR = 1_000_000_000
SEED, BASELINE, IMPORTED, ADDED = -1, -101, -1001, -1_000_001
OWN = "you"  # author of the seeds that a person brings along
OUTSIDE = ("command",)  # authors outside of the run, whose cost nobody here can count


@dataclass(frozen=True, slots=True)
class Brief:
    """What the guide asks an author for; or, for agents that nobody asked for, where they come from.

    Attributes:
        number: Ordinal within its kind. Of a brief that was asked for, its trial in the study of briefs; a
            repair has that of the brief whose candidate it repairs, an imported agent 0, one that a person
            added while the search ran the how many-th of these it is, from 0.
        operator: One of `operators.OPERATORS`; seed, baseline, import, added.
        author: llm, composer, adas, …; hand or replay for agents that no author wrote here, `OWN` for those
            that the person brought along.
        parents: Ids of the agents to start from, best first.
        inspirations: Ids of further agents shown.
        temperature: Temperature of the meta agent.
        tags: Building-block tags to favour.
        seed: Seed of everything random in carrying the brief out.
        kind: What it is.
        repair: For kind `repair`: the how many-th of its chain, from 1.
        model: Name of the meta model that writes, of several; `""` where there is one, or none writes.
    """

    number: int
    operator: str
    author: str
    parents: tuple[str, ...] = ()
    inspirations: tuple[str, ...] = ()
    temperature: float = 0.7
    tags: tuple[str, ...] = ()
    seed: int = 0
    kind: BriefKind = "asked"
    repair: int = 0
    model: str = ""

    @property
    def code(self) -> int:
        """Kind, number and repair as one number: the key of a brief in events, attempts and calls."""
        first = _BELOW.get(self.kind)
        return self.number + self.repair * REPAIR if first is None else first - self.number

    def to_json(self) -> dict[str, Any]:
        """As archives and events have it."""
        stored = asdict(self)
        del stored["kind"], stored["repair"]
        if not self.model:  # as in archives that know of one model only
            del stored["model"]
        return {**stored, "number": self.code}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Brief:
        """From `to_json`; keys that this version does not know are left out."""
        known: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in stored.items() if k in _STORED
        }
        code = int(known.pop("number"))
        if code <= ADDED:
            return cls(ADDED - code, kind="added", **known)
        if known["operator"] == "import" or known["author"] == "replay" or code <= IMPORTED:
            return cls(max(0, IMPORTED - code), kind="imported", **known)
        if code <= BASELINE:
            return cls(BASELINE - code, kind="baseline", **known)
        if code <= SEED:
            return cls(SEED - code, kind="seed", **known)
        repair, number = divmod(code, REPAIR)
        return cls(number, kind="repair" if repair else "asked", repair=repair, **known)


_BELOW: Mapping[str, int] = {"seed": SEED, "baseline": BASELINE, "imported": IMPORTED, "added": ADDED}


def brief_number(code: int) -> int:
    """`Brief.number` of a `Brief.code`."""
    below = next((first for first in (ADDED, IMPORTED, BASELINE, SEED) if code <= first), None)
    return code % REPAIR if below is None else below - code


_STORED = frozenset(f.name for f in fields(Brief)) - {"kind", "repair"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent that an author proposes, before it is fully evaluated."""

    agent: Agent
    brief: Brief
    thought: str = ""
    generation: int = 0
    space: tuple[Parameter, ...] = ()
    plan: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A draft that did not become a candidate, or a candidate that was refused; kept outside the population.

    Attributes:
        brief: `Brief.code` of the brief.
        author: As in the brief.
        operator: As in the brief.
        stage: draft, check, dry_run, minibatch, duplicate, leak, or surplus (more than `search.candidates`).
        message: One line: why.
        source: What was written, possibly not even Python.
    """

    brief: int
    author: str
    operator: str
    stage: str
    message: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the meta agent wrote down of what the search has shown, for later briefs.

    Attributes:
        brief: `Brief.code` of the brief that it was written for.
        text: A page: what helps here, what does not, ideas that nobody has tried; `""` where none came of it.
        agents: Evaluated agents that it rests on.
        tokens: Used to write it.
        fault: Why none came of it, in a line; `""` where one did.
    """

    brief: int
    text: str
    agents: int
    tokens: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What a program, or a person, handed in for a brief (`author=command`).

    Attributes:
        source: Of the agent.
        thought: The idea behind it; its first line is the agent's name.
        fault: One line why it cannot be used; `""` where it can.
        final: Whether the program is not called again for this brief: its time is over.
    """

    source: str = ""
    thought: str = ""
    fault: str = ""
    final: bool = False
