"""Lineage: agents in layers by generation, edges from parents to children, and the path to the best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from archive import summaries
from archive.records import Archive
from archive.summaries import AgentRow, Scored
from meta_search.dashboard.views.kept import kept, sensibly
from meta_search.dashboard.views.row_of_run import best_of
from meta_search.dashboard.views.shared import Json, evaluated_split, fate_of, shown_name
from meta_search.dashboard.views.stairs import climb
from meta_search.dashboard.views.standing import goes_on
from meta_search.text import one_line

__all__ = ["lineage"]

MOST = 1_000  # nodes
FIRST = 60  # agents that came first
LONGEST = 400  # generations that a path goes back


@sensibly
def lineage(folder: Path, archive: Archive, agent: str = "") -> Json:
    """`Lineage` of the contract.

    Of a large run it shows the path to the best, all that ever led, the first, and the best of the others, as
    far as there is room; `left_out` says how many agents it does not show.

    Args:
        folder: Of the run.
        archive: Its archive.
        agent: Id, name or beginning of an id: its ancestors alone; all agents where it is empty.
    """
    running = goes_on(archive)
    return _lineage(folder, archive, agent=archive.record(agent).agent.id if agent else "", running=running)


@kept
def _lineage(folder: Path, archive: Archive, agent: str, running: bool) -> Json:
    split = evaluated_split(archive)
    found = climb(archive, split)
    best = best_of(archive)
    path = _ancestors(archive, best["agent"] if best else "", MOST)
    chosen = (
        _ancestors(archive, agent, MOST) if agent else _chosen(archive, path, found.leaders, found.corrected)
    )
    known = summaries.some_rows(archive, chosen)
    shown = [known[one] for one in chosen if one in known]
    by_agent = {row.agent: row for row in summaries.evaluated_of(archive, split, known)}
    spine = _spine(archive, best["agent"] if best else "", found.corrected)
    fates = {
        one.id: fate_of(
            one,
            by_agent.get(one.id),
            leads=one.id in found.leaders,
            running=running,
            same=found.same.get(one.id, ""),
        )
        for one in shown
    }
    return {
        "nodes": [_node(one, by_agent.get(one.id), fates[one.id], one.id in spine) for one in shown],
        "edges": _edges(archive, known),
        "left_out": 0 if agent else summaries.how_many_agents(archive) - len(shown),
    }


def _chosen(
    archive: Archive, path: Iterable[str], leaders: Iterable[str], corrected: Mapping[str, float]
) -> list[str]:
    """Whom the whole tree shows, those first that must be in it."""
    if summaries.how_many_agents(archive) <= MOST:
        return summaries.oldest(archive, MOST)
    wanted = dict.fromkeys([*path, *leaders, *summaries.oldest(archive, FIRST)])
    for one in sorted(corrected, key=lambda agent: -corrected[agent])[:MOST]:
        if len(wanted) >= MOST:
            break
        wanted[one] = None
    chosen = list(wanted)[:MOST]
    parents = [parent for parent, _ in summaries.edges(archive, chosen) if parent not in wanted]
    room = MOST - len(chosen)
    # Parents make the tree hang together; there is room for some where the best are few.
    return [*chosen, *list(dict.fromkeys(parents))[:room]]


def _ancestors(archive: Archive, agent: str, most: int) -> list[str]:
    """An agent and its ancestors, the nearest first."""
    found, layer = ({agent: None} if agent else {}), [agent] if agent else []
    for _ in range(LONGEST):
        parents = dict.fromkeys(p for p, _ in summaries.edges(archive, layer) if p not in found)
        if not parents or len(found) >= most:
            break
        layer = list(parents)
        found.update(parents)
    return list(found)[:most]


def _spine(archive: Archive, agent: str, corrected: Mapping[str, float]) -> set[str]:
    """One path from the first agents to the best one: of several parents the one that scored most."""
    spine: set[str] = set()
    while agent and agent not in spine and len(spine) < LONGEST:
        spine.add(agent)
        parents = [parent for parent, _ in summaries.edges(archive, [agent])]
        agent = max(parents, key=lambda parent: (corrected.get(parent, -1.0), parent), default="")
    return spine


def _node(one: AgentRow, row: Scored | None, fate: str, on_path: bool) -> Json:
    scored = row if row and row.items else None
    return {
        "agent": one.id,
        "name": shown_name(one.name),
        "generation": one.generation,
        "fate": fate,
        "operator": one_line(one.operator, 40),
        "author": one_line(one.author, 40),
        "score": scored.score if scored else None,
        "low": scored.low if scored else None,
        "high": scored.high if scored else None,
        "on_path": on_path,
    }


def _edges(archive: Archive, known: Mapping[str, AgentRow]) -> list[Json]:
    """Edges between agents that are shown."""
    return [
        {"parent": parent, "child": child, "kind": kind}
        for kind in ("parent", "inspiration", "same")
        for parent, child in summaries.edges(archive, list(known), kind)
        if parent in known
    ]
