"""One agent's page: thought, code, values, scores, components, its race, what its calls cost."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from archive import inspecting, summaries
from archive.inspecting import Look
from archive.records import Archive
from archive.values import Record
from meta_search.dashboard.views.agents import agent_row
from meta_search.dashboard.views.inspecting import (
    kinds_of,
    known_items,
    mean_interval,
    scores_interval,
    shown,
)
from meta_search.dashboard.views.shared import Json, evaluated_split, fate_of, interval, shown_name
from meta_search.dashboard.views.stairs import leaders
from meta_search.dashboard.views.standing import goes_on
from meta_search.importance import merged
from meta_search.outcomes import most_frequent
from meta_search.report import taught
from meta_search.report.tuning import range_text, value_text
from meta_search.text import one_line
from meta_search.types import Importance, ItemResult, Split, TraceCall, stopped_line

__all__ = ["agent"]

MOST_RESULTS = 2_000  # of a split that scores by kind are made of
MOST_TRACED = 60  # items whose traces are looked at
MOST_CHILDREN, MOST_PARENTS, MOST_NODES = 200, 50, 40
ORDER: tuple[Split, ...] = ("train", "validation", "test", "perturbed", "examples")
METHODS = ("leave_out", "ratings", "judge")  # the first of them stands in the graph


def agent(folder: Path, archive: Archive, *, agent: str) -> Json:
    """`AgentPage` of the contract. Scores of a race are those of all its items up to the block's end.

    Args:
        folder: Of the run.
        archive: Its archive.
        agent: Id, the start of one, or a name.

    Raises:
        ArchiveError: No agent is called so, or several are.
    """
    record = archive.record(agent)
    who, split = record.agent.id, evaluated_split(archive)
    running = goes_on(archive)
    fate = _fate(folder, archive, record, split, running)
    splits = [split for split in ORDER if split in record.evaluations]
    results = {split: archive.results(who, split, trace=False, most=MOST_RESULTS) for split in splits}
    traced = archive.results(who, splits[0], most=MOST_TRACED) if splits else []
    worth = merged(who, archive.importance(who), traced)
    train = record.evaluations.get("train")
    parents = record.parents[:MOST_PARENTS]
    children = archive.children(who)[:MOST_CHILDREN]
    names = summaries.names(archive, [*parents, *children])
    return {
        "row": agent_row(record, fate, split),
        "thought": shown(record.thought),
        "source": shown(record.agent.source, 400_000),
        "children": _named(children, names),
        "parents": _named(parents, names),
        "values": _values(record),
        "demonstrations": _demonstrations(archive, record),
        "evaluations": [_evaluation(record, split, results[split]) for split in splits],
        "kinds": [row for split in splits for row in _kinds(archive, split, results[split])],
        "components": [_worth(row) for row in worth],
        "race": _race(archive, record, running),
        "stopped": one_line(stopped_line(train.stopped), 400) if train and train.stopped else "",
        "calls": _calls(traced),
        "team": _team(traced, worth),
    }


def _named(ids: Sequence[str], names: Mapping[str, str]) -> list[Json]:
    """Those that there are, with their names."""
    return [{"agent": one, "name": shown_name(names[one])} for one in ids if one in names]


def _values(record: Record) -> list[Json]:
    """Tuned values, each with its range and default; those that stand in no parameter last."""
    space = {parameter.name: parameter for parameter in record.space}
    chosen = record.agent.values
    rows = []
    for name in dict.fromkeys([*space, *chosen]):
        parameter = space.get(name)
        value = chosen.get(name, parameter.default if parameter else "")
        notes = []
        if parameter:
            notes.append(range_text(parameter))
            notes.append("default" if name not in chosen else f"default {value_text(parameter.default)}")
        note = "; ".join(notes) or "not a parameter that the agent declares"
        rows.append(
            {
                "name": one_line(name, 80),
                "value": one_line(value_text(value), 400),
                "note": one_line(note, 400),
            }
        )
    return rows


def _demonstrations(archive: Archive, record: Record) -> list[Json]:
    found = record.agent.demonstrations[:100]
    return [
        {
            "question": shown(demonstration.question, 8_000),
            "reply": shown(demonstration.reply, 8_000),
            "kind": one_line(known.kind, 80),
            "teacher": one_line(taught.TEACHERS.get(known.teacher, ""), 80),
        }
        for demonstration, known in zip(found, taught.of_agent(archive, found), strict=True)
    ]


def _evaluation(record: Record, split: Split, results: Sequence[ItemResult]) -> Json:
    e = record.evaluations[split]
    n, fault = max(1, e.items), most_frequent(results)
    return {
        **interval(e),
        "split": split,
        "complete": e.complete,
        "stopped": one_line(e.stopped, 400),
        "outcomes": {one_line(kind, 40): count for kind, count in e.outcomes.items()},
        "tokens_per_item": e.used.tokens / n,
        "calls_per_item": e.used.calls / n,
        "cost_usd_per_item": e.used.cost_usd / n,
        "hint": one_line(fault.explain(record.agent.source), 600) if fault else "",
    }


def _kinds(archive: Archive, split: Split, results: Sequence[ItemResult]) -> list[Json]:
    """Scores by kind of item, the worst first; none where all items are of one kind."""
    known = known_items(archive, split).values()
    kinds, found = kinds_of(archive, split, known), defaultdict[str, list[ItemResult]](list)
    for result in results:
        if result.item in kinds:
            found[kinds[result.item]].append(result)
    rows = [{**mean_interval(of_kind), "kind": kind, "split": split} for kind, of_kind in found.items()]
    return sorted(rows, key=lambda row: (row["score"] is None, row["score"] or 0.0)) if len(rows) > 1 else []


def _worth(row: Importance) -> Json:
    return {
        "component": shown_name(row.component),
        "method": one_line(row.method, 40),
        "value": row.value,
        "items": row.items,
        "calls": row.calls,
        "tokens": row.tokens,
    }


def _fate(folder: Path, archive: Archive, record: Record, split: Split, running: bool) -> str:
    """What became of an agent, as the table of agents says it."""
    evaluation = record.evaluations.get(split)
    known = summaries.some_rows(archive, [record.agent.id])[record.agent.id]
    may_lead = evaluation is not None and evaluation.complete and not record.same_as
    leads = may_lead and record.agent.id in leaders(folder, archive, split=split)["agents"]
    return fate_of(known, evaluation, leads=leads, running=running, same=record.same_as)


def _race(archive: Archive, record: Record, running: bool) -> list[Json]:
    """The race on train items, block by block: to where, with which score, and how it went on."""
    ends = [time.time()] if running else []
    written = inspecting.evaluated_at(archive, record.agent.id)
    looks = inspecting.races(archive, record.agent.id, record.created, max([*ends, *written, record.created]))
    found = [look for look in looks if look.split == "train"]
    rows: list[Json] = []
    for place, look in enumerate(found):
        if look.to is None:
            continue
        after = found[place + 1] if place + 1 < len(found) else None
        so_far = scores_interval(zip(after.items, after.scores, strict=True) if after else ())
        rows.append(
            {
                "block": len(rows) + 1,
                "to": look.to,
                "items": look.to - (rows[-1]["to"] if rows else 0),
                **{name: so_far[name] for name in ("score", "low", "high")},
                "verdict": _verdict(after),
                "at": after.at if after else look.at,
            }
        )
    return rows


def _verdict(after: Look | None) -> str:
    """How a race went on after a block."""
    if after is None:
        return "under way"
    if after.to is not None:
        return "goes on"
    if after.stopped:
        return one_line(stopped_line(after.stopped), 400)
    return "through, and on to validation" if after.validate else "through"


def _calls(traced: Sequence[ItemResult]) -> list[Json]:
    """What each component's calls cost per item, the dearest first; US dollars by its share of the tokens."""
    items = [result for result in traced if result.trace]
    by_component: dict[str, list[TraceCall]] = defaultdict(list)
    for result in items:
        for call in result.trace:
            by_component[call.component or call.author].append(call)
    tokens = max(1, sum(call.tokens for of_one in by_component.values() for call in of_one))
    usd = sum(result.used.cost_usd for result in items)
    n = max(1, len(items))
    rows = []
    for name, of_one in by_component.items():
        used = sum(call.tokens for call in of_one)
        rows.append(
            {
                "component": shown_name(name),
                "calls_per_item": len(of_one) / n,
                "tokens_per_item": used / n,
                "cost_usd_per_item": usd * used / tokens / n,
                "latency_s": sum(call.latency_s for call in of_one) / len(of_one),
            }
        )
    return sorted(rows, key=lambda row: -row["tokens_per_item"])


def _team(traced: Sequence[ItemResult], worth: Sequence[Importance]) -> Json | None:
    """Who hears whom; `None` where there are fewer than two components."""
    items = [result.trace for result in traced if result.trace]
    if len({call.component or call.author for trace in items for call in trace}) < 2:
        return None
    from meta_search.report import graphs  # and with it networkx, which takes a while

    graph = graphs.team(items)
    if len(graph) < 2:
        return None
    method = next((m for m in METHODS if any(row.method == m for row in worth)), "")
    values = {row.component: row.value for row in worth if row.method == method}
    by_calls = sorted(graph.nodes(data=True), key=lambda node: -node[1]["calls"])[:MOST_NODES]
    kept = {name for name, _ in by_calls}
    return {
        "nodes": [
            {
                "name": shown_name(name),
                "calls_per_item": data["calls"] / len(items),
                "importance": values.get(name),
            }
            for name, data in by_calls
        ],
        "edges": [
            {"from": shown_name(a), "to": shown_name(b), "weight": data["weight"]}
            for a, b, data in graph.edges(data=True)
            if a in kept and b in kept
        ],
    }
