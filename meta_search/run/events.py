"""What a run records of its decisions: the rows of the archive's table `events`, as values.

The table holds a kind and JSON; here and nowhere else is its form. Recordings of earlier versions must stay
readable, so keys may be added, but neither renamed nor removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from archive.values import Event as Row
from meta_search.errors import ArchiveError
from meta_search.outcomes import UNSCORED
from meta_search.text import error_line
from meta_search.types import Brief, Demonstration, ItemResult, OutcomeKind, Scalar, Split

__all__ = [
    "BlockDelivered",
    "BriefAsked",
    "BriefDelivered",
    "BriefTold",
    "Chance",
    "Decided",
    "Delivered",
    "Event",
    "ItemDelivered",
    "Key",
    "LookPlanned",
    "RaceEnded",
    "Resumed",
    "SearchStopped",
    "parse",
    "parse_rows",
]

Json = dict[str, Any]
Key = tuple[str | int, ...]  # names what was begun and will be delivered
Chance = tuple[str, str, OutcomeKind, str]  # what was asked for, its name, outcome kind, message


@dataclass(frozen=True, slots=True)
class BriefAsked:
    """The guide asked for a brief, or a candidate that failed is to be repaired.

    Attributes:
        brief: The brief.
        design: Number of its trial in the study of designs.
        tuning: (source, trial number) of the tuning studies that chose its values.
        values: What they chose, by parameter.
    """

    kind: ClassVar[str] = "ask"
    brief: Brief
    design: int
    tuning: tuple[tuple[str, int], ...] = ()
    values: Mapping[str, Scalar] = field(default_factory=dict)

    def data(self) -> Json:
        brief = self.brief.to_json()
        tuning = [list(pair) for pair in self.tuning]
        return {
            "brief": brief.pop("number"),
            **brief,
            "design": self.design,
            "tuning": tuning,
            "values": dict(self.values),
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> BriefAsked:
        tuning = tuple((str(source), int(number)) for source, number in data["tuning"])
        return cls(Brief.from_json({**data, "number": data["brief"]}), data["design"], tuning, data["values"])


@dataclass(frozen=True, slots=True)
class BriefDelivered:
    """An author is through with a brief.

    Attributes:
        brief: `Brief.code`.
        agent: Id of the candidate; `None` where there is none.
        tokens: Used by the meta agent.
        found: Worked examples for the run's pool.
        chances: What endpoint, budget or machine brought about on the way, not the agents.
        used: Evaluation attempts that it took.
    """

    kind: ClassVar[str] = "delivery"
    brief: int
    agent: str | None
    tokens: int
    found: tuple[Demonstration, ...] = ()
    chances: tuple[Chance, ...] = ()
    used: int = 1

    @property
    def key(self) -> Key:
        return ("written", self.brief)

    def data(self) -> Json:
        more = {"used": self.used} if self.used != 1 else {}
        return {
            "brief": self.brief,
            "agent": self.agent,
            "tokens": self.tokens,
            "found": [[d.question, d.reply] for d in self.found],
            "chances": [list(chance) for chance in self.chances],
            **more,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> BriefDelivered:
        found = tuple(Demonstration(question, reply) for question, reply in data.get("found", ()))
        chances = tuple((str(a), str(b), c, str(d)) for a, b, c, d in data.get("chances", ()))
        return cls(data["brief"], data["agent"], data["tokens"], found, chances, data.get("used", 1))


@dataclass(frozen=True, slots=True)
class ItemDelivered:
    """An item's result, as far as decisions depend on it.

    Attributes:
        agent: Id of the agent.
        split: Split of the item.
        item: Id of the item.
        repeat: Which repeat, from 0.
        outcome: How it ended.
        detail: One line on an outcome that is left out of scores, else `""`.
        score: 0..1; `None` where it is left out.
        calls: LLM calls used.
        tokens: Tokens used.
        feedback: What the scorer said. No part of the row: the table `results` has it.
    """

    kind: ClassVar[str] = "delivery"
    agent: str
    split: Split
    item: str
    repeat: int
    outcome: OutcomeKind
    detail: str = ""
    score: float | None = None
    calls: int = 0
    tokens: int = 0
    feedback: str = ""

    @classmethod
    def from_result(cls, result: ItemResult) -> ItemDelivered:
        """The event of a result that has come."""
        where = (result.agent, result.split, result.item, result.repeat, result.kind)
        if result.kind in UNSCORED:
            return cls(*where, detail=result.detail)
        calls, tokens = result.used.calls, result.used.tokens
        return cls(*where, "", result.score, calls, tokens, result.feedback)

    @property
    def key(self) -> Key:
        return ("item", self.agent, self.split, self.item, self.repeat)

    def data(self) -> Json:
        where = {"agent": self.agent, "split": self.split, "item": self.item, "repeat": self.repeat}
        if self.outcome in UNSCORED:
            return {**where, "kind": self.outcome, "detail": self.detail}
        cost = {"calls": self.calls, "tokens": self.tokens}
        return {**where, "kind": self.outcome, "score": self.score, **cost}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> ItemDelivered:
        named = {k: data[k] for k in ("agent", "split", "item", "repeat")}
        more = {k: data[k] for k in ("detail", "score", "calls", "tokens") if k in data}
        return cls(**named, outcome=data["kind"], **more)


@dataclass(frozen=True, slots=True)
class BlockDelivered:
    """A block of items of which none was left to run."""

    kind: ClassVar[str] = "delivery"
    agent: str
    split: Split

    @property
    def key(self) -> Key:
        return ("block", self.agent, self.split)

    def data(self) -> Json:
        return {"agent": self.agent, "split": self.split}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> BlockDelivered:
        return cls(data["agent"], data["split"])


@dataclass(frozen=True, slots=True)
class LookPlanned:
    """A race goes on; it is looked at again when the agent has run `to` pairs of the split."""

    kind: ClassVar[str] = "race"
    agent: str
    split: Split
    to: int

    def data(self) -> Json:
        return {"agent": self.agent, "split": self.split, "to": self.to}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> LookPlanned:
        return cls(data["agent"], data["split"], data["to"])


@dataclass(frozen=True, slots=True)
class RaceEnded:
    """An agent is through with a split.

    Attributes:
        agent: Id.
        split: `train` or `validation`.
        stopped: Why it was stopped early on train; `""` where it was not.
        validate: Whether it goes on to validation.
        same_as: Id of the agent that it behaves as and is counted as; `""` for others.
    """

    kind: ClassVar[str] = "race"
    agent: str
    split: Split
    stopped: str = ""
    validate: bool = False
    same_as: str = ""

    def data(self) -> Json:
        where = {"agent": self.agent, "split": self.split}
        if self.split != "train":
            return where
        more = {"same_as": self.same_as} if self.same_as else {}
        return {**where, "stopped": self.stopped, "validate": self.validate, **more}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> RaceEnded:
        known = {k: data[k] for k in ("stopped", "validate", "same_as") if k in data}
        return cls(data["agent"], data["split"], **known)


@dataclass(frozen=True, slots=True)
class Decided:
    """Something that clock, budget or the state of the machine decide.

    Attributes:
        what: Name of the decision.
        value: A plain value, as JSON holds it.
    """

    kind: ClassVar[str] = "decision"
    what: str
    value: Any

    def data(self) -> Json:
        return {"what": self.what, "value": self.value}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Decided:
        return cls(data["what"], data["value"])


@dataclass(frozen=True, slots=True)
class Resumed:
    """Another session of the run began."""

    kind: ClassVar[str] = "resume"

    def data(self) -> Json:
        return {}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Resumed:
        return cls()


@dataclass(frozen=True, slots=True)
class SearchStopped:
    """The search ended.

    Attributes:
        why: `candidates`, `budget`, `time`, `nothing new` or `scorer`; `finish` where a person had it end in
            time to report, `asked` where `on_event` did, `signal` where it had to stop.
    """

    kind: ClassVar[str] = "stop"
    why: str

    def data(self) -> Json:
        return {"why": self.why}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> SearchStopped:
        return cls(data["why"])


@dataclass(frozen=True, slots=True)
class BriefTold:
    """The guide was told what came of a brief and of the repairs of its candidate.

    Attributes:
        brief: `Brief.number` of the brief that was asked for.
        value: What it was worth, see `guide.gain_per_cost`; `None` where nothing came of it.
    """

    kind: ClassVar[str] = "tell"
    brief: int
    value: float | None

    def data(self) -> Json:
        return {"brief": self.brief, "value": self.value}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> BriefTold:
        return cls(data["brief"], data["value"])


Delivered = BriefDelivered | ItemDelivered | BlockDelivered
Event = Delivered | BriefAsked | LookPlanned | RaceEnded | Decided | Resumed | SearchStopped | BriefTold


def parse(kind: str, data: Mapping[str, Any]) -> Event | None:
    """An event from its row; `None` for a kind that this version does not know."""
    if kind == "delivery":
        if "brief" in data:
            return BriefDelivered.of(data)
        return ItemDelivered.of(data) if "item" in data else BlockDelivered.of(data)
    if kind == "race":
        return LookPlanned.of(data) if "to" in data else RaceEnded.of(data)
    known = {k.kind: k for k in (BriefAsked, Decided, Resumed, SearchStopped, BriefTold)}
    return known[kind].of(data) if kind in known else None


def parse_rows(rows: Iterable[Row]) -> Iterator[tuple[int, Event]]:
    """Numbered events from rows of the table; kinds that this version does not know are left out.

    Raises:
        ArchiveError: A row is damaged.
    """
    for row in rows:
        try:
            event = parse(row.kind, row.data)
        except (KeyError, TypeError, ValueError) as error:
            raise ArchiveError(
                f"event {row.seq} of the archive cannot be read: {error_line(error)}"
            ) from error
        if event is not None:
            yield row.seq, event
