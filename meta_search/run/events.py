"""What a run records of its decisions: the rows of the archive's table `events`, as values.

The table holds a kind and JSON; its form is here and in `run.deliveries`, nowhere else. Recordings of earlier
versions must stay readable, so keys may be added, but neither renamed nor removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from archive.values import Event as Row
from meta_search.errors import ArchiveError
from meta_search.run.deliveries import (
    BlockDelivered,
    BriefDelivered,
    Chance,
    Delivered,
    ItemDelivered,
    Json,
    Key,
)
from meta_search.run.steered import Steered
from meta_search.text import error_line
from meta_search.types import (
    Brief,
    Scalar,
    Split,
)

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
    "Steered",
    "parse",
    "parse_rows",
]


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
class LookPlanned:
    """A race goes on, or is taken up again; it is looked at when the agent has run `to` pairs of the split.

    Attributes:
        agent: Id.
        split: Of the race.
        to: As above.
        pairs: The (item, repeat) that are run up to there; none where they are the next in fixed order.
    """

    kind: ClassVar[str] = "race"
    agent: str
    split: Split
    to: int
    pairs: tuple[tuple[str, int], ...] = ()

    def data(self) -> Json:
        more = {"pairs": [list(pair) for pair in self.pairs]} if self.pairs else {}
        return {"agent": self.agent, "split": self.split, "to": self.to, **more}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> LookPlanned:
        pairs = tuple((str(item), int(repeat)) for item, repeat in data.get("pairs", ()))
        return cls(data["agent"], data["split"], data["to"], pairs)


@dataclass(frozen=True, slots=True)
class RaceEnded:
    """An agent is through with a split.

    Attributes:
        agent: Id.
        split: `train` or `validation`.
        stopped: Why it was stopped early on train, or pauses; `""` where it was not.
        validate: Whether it goes on to validation.
        same_as: Id of the agent that it behaves as and is counted as; `""` for others.
        expected: The mean score that it is expected to end with, for one that pauses and may be taken up
            again; `None` for others.
    """

    kind: ClassVar[str] = "race"
    agent: str
    split: Split
    stopped: str = ""
    validate: bool = False
    same_as: str = ""
    expected: float | None = None

    def data(self) -> Json:
        where = {"agent": self.agent, "split": self.split}
        if self.split != "train":
            return where
        more: Json = {"same_as": self.same_as} if self.same_as else {}
        more |= {} if self.expected is None else {"expected": self.expected}
        return {**where, "stopped": self.stopped, "validate": self.validate, **more}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> RaceEnded:
        known = {k: data[k] for k in ("stopped", "validate", "same_as", "expected") if k in data}
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
        why: `candidates`, `budget`, `time`, `report`, `nothing new`, `patience` or `scorer`; `finish` where a
            person had it end in time to report, `asked` where `on_event` did, `signal` where it had to stop.
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


Event = (
    Delivered | BriefAsked | LookPlanned | RaceEnded | Decided | Resumed | SearchStopped | BriefTold | Steered
)


def parse(kind: str, data: Mapping[str, Any]) -> Event | None:
    """An event from its row; `None` for a kind that this version does not know."""
    if kind == "delivery":
        if "brief" in data:
            return BriefDelivered.of(data)
        return ItemDelivered.of(data) if "item" in data else BlockDelivered.of(data)
    if kind == "race":
        return LookPlanned.of(data) if "to" in data else RaceEnded.of(data)
    known = {k.kind: k for k in (BriefAsked, Decided, Resumed, SearchStopped, BriefTold, Steered)}
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
