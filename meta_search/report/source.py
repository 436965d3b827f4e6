"""What the reports read: the archive's reading side, as this package sees it.

The `archive` package satisfies these Protocols; reports never import it, so that the stages stay apart and
the tests can hand in a list of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from meta_search.types import (
    Agent,
    Attempt,
    Evaluation,
    Importance,
    ItemResult,
    Lesson,
    MetaName,
    Parameter,
    Split,
    Usage,
    item_means,
)

__all__ = [
    "HAND_MADE",
    "Archive",
    "Event",
    "Record",
    "Trial",
    "is_seed",
    "item_scores",
    "meta_value",
    "tells_free",
]

HAND_MADE = frozenset({"seed", "baseline"})


class Record(Protocol):
    """One archived agent with its evidence. `created` is in seconds since the epoch."""

    @property
    def agent(self) -> Agent: ...
    @property
    def author(self) -> str: ...
    @property
    def operator(self) -> str: ...
    @property
    def generation(self) -> int: ...
    @property
    def thought(self) -> str: ...
    @property
    def parents(self) -> Sequence[str]: ...
    @property
    def brief(self) -> Any: ...
    @property
    def space(self) -> tuple[Parameter, ...]: ...
    @property
    def status(self) -> str: ...
    @property
    def created(self) -> float: ...
    @property
    def evaluations(self) -> Mapping[Split, Evaluation]: ...
    @property
    def same_as(self) -> str: ...


class Event(Protocol):
    """A numbered decision of the engine; `created` is in seconds since the epoch."""

    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def created(self) -> float: ...


class Trial(Protocol):
    """A trial of one of the guide's studies; `values` is `None` until it has ended."""

    @property
    def number(self) -> int: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def values(self) -> Sequence[float] | None: ...
    @property
    def agent(self) -> str | None: ...


class Archive(Protocol):
    """The reading side of a run's archive; may be read while the run still writes."""

    def agents(self) -> Sequence[Record]:
        """All agents, in the order in which they came in."""
        ...

    def get(self, ids: Iterable[str]) -> Sequence[Record]:
        """Agents by their full ids, in the order given; unknown ones are left out."""
        ...

    def best(self) -> Record | None:
        """The agent that the final report says to take, before that the best so far."""
        ...

    def results(self, agent: str, split: Split, trace: bool = True) -> Sequence[ItemResult]:
        """Scored results of one agent on one split, without their traces if so asked; may be empty."""
        ...

    def importance(self, agent: str) -> Sequence[Importance]:
        """What an agent's components were found to be worth; may be empty."""
        ...

    def lessons(self) -> Sequence[Lesson]: ...
    def attempts(self) -> Sequence[Attempt]:
        """Drafts that did not become candidates."""
        ...

    def trials(self, study: str) -> Sequence[Trial]:
        """Trials of a study by number."""
        ...

    def studies(self) -> Sequence[str]:
        """Names of the studies that have trials."""
        ...

    def events(self, kind: str) -> Sequence[Event]:
        """Events of one kind, in their order."""
        ...

    def writing(self) -> Mapping[int, Usage]:
        """What the meta agent used to carry out each brief, by its number."""
        ...

    def usage(self) -> Mapping[str, Usage]:
        """What was paid so far, by purpose."""
        ...

    def spending(self) -> Sequence[tuple[str, str, str, Usage]]:
        """What was paid by purpose, agent (of an author's calls: its brief) and split of the items."""
        ...

    def paid_over_time(self) -> Sequence[tuple[float, Usage]]:
        """What was paid in each short while, by its end in seconds since the epoch; in order."""
        ...

    def meta(self, key: MetaName) -> Any:
        """A value of the table `meta`: parsed, as JSON text, or `None` where there is none."""
        ...


def is_seed(record: Record) -> bool:
    """Whether an agent is hand-made, a seed or a baseline of the final report, rather than found."""
    return not HAND_MADE.isdisjoint((record.operator, record.author, record.status))


def tells_free(archive: Archive) -> bool:
    """Whether people are told of answers without an LLM call: always but with `domain.model_free=allow`."""
    config = meta_value(archive, "config")
    domain = config.get("domain") if isinstance(config, Mapping) else None
    return not (isinstance(domain, Mapping) and domain.get("model_free") == "allow")


def item_scores(archive: Archive, agent: str, split: Split) -> dict[str, float]:
    """Item -> mean score over its repeats, those left out that say nothing of the agent and have none."""
    results = archive.results(agent, split, trace=False)
    return item_means((r.item, r.score) for r in results if r.score is not None)


def meta_value(archive: Archive, key: MetaName) -> Any:
    """A parsed value of the table `meta`, or `None` where there is none."""
    try:
        return parsed(archive.meta(key))
    except KeyError:
        return None


def parsed(value: Any) -> Any:
    """JSON text as what it stands for; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
