"""What a running search looks like at one moment, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Snapshot", "SnapshotRow"]


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One agent as the live table shows it.

    Attributes:
        agent: Id.
        name: As in the archive.
        author: As in the archive.
        operator: As in the archive.
        score: So far, 0..1.
        low: Lower end of its 95 % interval, 0..1.
        high: Upper end of it.
        items: Number of item × repeat pairs evaluated.
        planned: Number of item × repeat pairs planned.
        tokens_per_item: Used tokens per item.
        on_front: Whether it is on the Pareto front of score and used tokens.
        model_free: Share of the items that it answered without any LLM call, 0..1, as people are told of it.
    """

    agent: str
    name: str
    author: str
    operator: str
    score: float
    low: float
    high: float
    items: int
    planned: int
    tokens_per_item: float
    on_front: bool = False
    model_free: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a search looks like at one moment.

    Attributes:
        phase: What it is doing: seeds, search, final, ….
        elapsed_s: Seconds since its start, earlier sessions included.
        wall_s: Its budget of seconds, or `None`.
        calls: Paid so far.
        tokens: Paid so far.
        cost_usd: Paid so far, in US dollars.
        rows: The best agents, best first.
        agents: How many there are in all; 0 for as many as rows.
        in_flight: What is being written or evaluated, one line each.
        message: The last thing that happened, or `""`.
    """

    phase: str
    elapsed_s: float = 0.0
    wall_s: float | None = None
    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    rows: tuple[SnapshotRow, ...] = ()
    agents: int = 0
    in_flight: tuple[str, ...] = ()
    message: str = ""
