"""Overview: what is true of a run now, what its final report found, what went wrong, and what it spent."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archive import summaries
from archive.records import Archive
from meta_search.dashboard.views.bounded import Bounded
from meta_search.dashboard.views.kept import kept, sensibly
from meta_search.dashboard.views.now import under_way
from meta_search.dashboard.views.row_of_run import run_row
from meta_search.dashboard.views.shared import Json, config_of, evaluated_split, shown_name, usage
from meta_search.report import alarms, behaviour, components, robustness, sections, spending
from meta_search.report.chosen import Chosen, chosen
from meta_search.report.comparing import Comparison
from meta_search.report.judge import judge_lines
from meta_search.report.live import duration
from meta_search.report.outside import outside_line
from meta_search.report.payback import Paid, Payback, uses_text
from meta_search.report.source import meta_value
from meta_search.report.standing import Standing
from meta_search.report.tables import per_item
from meta_search.report.taught import pool_line
from meta_search.report.verdict import Verdict, archive_verdict
from meta_search.run import secrets
from meta_search.text import one_line, passage
from meta_search.types import free_text

__all__ = ["overview"]

MOST_LESSONS = 40
MOST_SIMPLIFIED = 40
MOST_LESSON, MOST_CONFIG = 20_000, 100_000  # characters
BEHAVE = 40  # agents of which is told how differently they behave


@sensibly
def overview(folder: Path, archive: Archive) -> Json:
    """`Overview` of the contract; further `lines`, all that the verdict says, a sentence each,
    `outcome`, `totals`, `attempts` by stage, and `behaviour`, one sentence on how different the agents are.

    Args:
        folder: Of the run.
        archive: Its archive.
    """
    row = run_row(folder, archive)
    return {"run": row, **_overview(folder, archive), "counts": _counts(archive, row)}


@kept
def _overview(folder: Path, archive: Archive) -> Json:
    part = Bounded(archive)
    verdict = archive_verdict(part)
    take = chosen(part, verdict)
    robust = robustness.of_archive(part)
    told = bool(meta_value(part, "final")) or bool(verdict.comparisons)
    return {
        "verdict": verdict.sentence if told else None,
        "outcome": verdict.outcome,
        "lines": list(verdict.lines) if told else [],
        "end": alarms.end_text(part) or None,
        "alarms": [{"kind": alarm.kind, "line": alarm.line} for alarm in alarms.of_archive(part)],
        "notes": _notes(part, verdict),
        "take": _take(part, take),
        "tested": tested_rows(verdict),
        "robust": robust.as_json() if robust else None,
        "judge": judge_lines(part),
        "outside": outside_line(part),
        "lessons": _lessons(part),
        "spending": _spending(part, take),
        "totals": _totals(part),
        "attempts": _attempts(archive, part),
        "behaviour": _behaviour(archive, part),
        "simplified": _simplified(archive, part),
        "config": config_yaml(config_of(folder, archive)),
    }


def _notes(part: Bounded, verdict: Verdict) -> list[str]:
    """What a careful reader must know beside the verdict."""
    worked, behaves = pool_line(part), sum(bool(r.same_as) for r in part.agents())
    power = verdict.power
    same = f"{behaves} agents behave as another one, and are counted as that" if behaves else ""
    lines = verdict.lines[1:] if verdict.comparisons or verdict.baselines else ()
    told = (*lines, power, worked, same, _unpriced(part), part.part)
    return [one_line(line, 1_000) for line in told if line]


def _unpriced(part: Bounded) -> str:
    """Which models have no price, where that is not what they cost: their money would look like none."""
    config, prices = part.meta("config"), part.meta("prices")
    llm = config.get("llm") if isinstance(config, dict) else None
    if not isinstance(llm, dict) or llm.get("provider") == "local" or not isinstance(prices, dict):
        return ""
    given = llm.get("prices")
    named = given if isinstance(given, dict) else {}
    free = [
        m
        for m, price in prices.items()
        if m not in named and isinstance(price, dict) and not any(price.values())
    ]
    return (
        f"No price is known for {', '.join(free)}: $0 is counted. Set llm.prices to count it" if free else ""
    )


def _take(part: Bounded, take: Chosen | None) -> Json | None:
    if take is None:
        return None
    found = part.get([take.agent])
    name = shown_name(found[0].agent.name) if found else take.agent
    return {"agent": take.agent, "name": name, "why": take.why, "so_far": take.so_far}


def tested_rows(verdict: Verdict) -> list[Json]:
    """`Tested` of the contract: finalists first, then baselines, each best first."""
    rows = [_tested(c.finalist, "finalist", c, None) for c in verdict.comparisons]
    return rows + [_tested(s, "baseline", None, verdict.payback(s.agent)) for s in verdict.baselines]


def _tested(s: Standing, role: str, c: Comparison | None, back: Payback | None) -> Json:
    notes = [sections.ROLES[s.kind]] if role == "baseline" else []
    if c is not None:
        notes.append(f"{c.wins} won, {c.losses} lost against {c.baseline.name}")
    notes += [free_text(s.told_free)] if s.told_free else []
    notes += [f"uses until the best finalist has saved what the run paid: {uses_text(back)}"] if back else []
    return {
        "agent": s.agent,
        "name": s.name,
        "role": role,
        "kind": s.kind,
        "score": s.score,
        "low": s.low,
        "high": s.high,
        "items": s.items,
        "measure": s.measure,
        "points": None if c is None else c.difference,
        "points_low": None if c is None else c.low,
        "points_high": None if c is None else c.high,
        "p": None if c is None or c.unsettled else c.p_adjusted,
        "against": None if c is None else c.baseline.agent,
        "tokens_per_item": s.tokens_per_item,
        "calls_per_item": s.calls_per_item,
        "cost_usd_per_item": s.usd_per_item,
        "uses": None if back is None else {"uses": back.uses, "soonest": back.soonest, "latest": back.latest},
        "notes": notes,
    }


def _lessons(part: Bounded) -> list[Json]:
    """The newest first."""
    return [
        {"brief": lesson.brief, "agents": lesson.agents, "text": passage(lesson.text, MOST_LESSON)}
        for lesson in [*reversed(part.lessons())][:MOST_LESSONS]
    ]


def _spending(part: Bounded, take: Chosen | None) -> Json:
    paid = sorted(part.usage().items(), key=lambda pair: -pair[1].tokens)
    by = [
        {
            "purpose": one_line(purpose, 24),
            "usage": usage(found),
            "prompt_tokens": found.prompt_tokens,
            "completion_tokens": found.completion_tokens,
            "reasoning_tokens": found.reasoning_tokens,
        }
        for purpose, found in paid
    ]
    return {"by": by, "lines": spending.spending_lines(part, take)}


def _totals(part: Bounded) -> Json:
    """What the final report says that the run paid, in all and how long it took, as far as it says so."""
    final = meta_value(part, "final")
    paid = Paid.of(final.get("paid") if isinstance(final, Mapping) else None)
    seconds = paid.seconds if paid.tokens else meta_value(part, "elapsed_s")
    known = float(seconds) if isinstance(seconds, int | float) else 0.0
    return {"tokens": paid.tokens, "cost_usd": paid.usd, "seconds": known, "duration": duration(known)}


def _attempts(archive: Archive, part: Bounded) -> Json:
    """Failed attempts by stage, and how many there were in all."""
    counts = summaries.attempts_by_stage(archive)
    known = {r.agent.id: r.agent.name for r in part.agents()}
    rows = sections.attempts(part.attempts(), known)
    stages = [
        {
            "stage": row["stage"],
            "count": counts.get(row["stage"], row["count"]),
            "authors": [[name, n] for name, n in row["authors"]],
            "messages": [[text, n] for text, n in row["messages"]],
        }
        for row in rows
    ]
    return {"total": sum(counts.values()), "stages": stages}


def _behaviour(archive: Archive, part: Bounded) -> str:
    """How different the best agents behave, in a sentence."""
    split = evaluated_split(archive)
    whole: list[Json] = [
        {"agent": r.agent.id, "name": r.agent.name, "score": e.score}
        for r in part.agents()
        if (e := r.evaluations.get(split)) and e.complete and e.items and not r.same_as
    ]
    whole.sort(key=lambda row: -row["score"])
    found = behaviour.behaviour(part, whole[:BEHAVE], split)
    return behaviour.line(found, summaries.how_many(archive, split)["complete"]) if found else ""


def _simplified(archive: Archive, part: Bounded) -> list[Json]:
    """Agents that were made smaller, before and after, the newest first."""

    def side(row: Mapping[str, Any]) -> Json:
        interval = {name: row[name] for name in ("agent", "score", "low", "high", "items")}
        cost = {f"{name}_per_item": per_item(row, name) for name in ("calls", "tokens", "cost_usd")}
        return {**interval, "name": shown_name(row["name"]), **cost}

    rows = components.changes(part.agents(), evaluated_split(archive))
    return [
        {"operator": row["operator"], "before": side(row["before"]), "after": side(row["after"])}
        for row in [*reversed(rows)][:MOST_SIMPLIFIED]
    ]


def _counts(archive: Archive, row: Json) -> Json:
    counts = summaries.how_many(archive, evaluated_split(archive))
    writing, evaluating = under_way(archive, row["state"], time.time())
    return {
        "agents": row["agents"],
        "complete": counts["complete"],
        "failed": sum(summaries.attempts_by_stage(archive).values()),
        "in_flight": len(writing) + len(evaluating),
        "briefs": summaries.last_brief(archive),
    }


def config_yaml(config: Mapping[str, Any]) -> str:
    """A configuration as YAML, without keys and what addresses hold of them."""
    return passage("\n".join(_yaml(sections.redacted(secrets.shown(config)), 0)), MOST_CONFIG)


def _yaml(value: Any, depth: int) -> Sequence[str]:
    """Lines of YAML: nested mappings by their depth, all else as JSON, which is YAML too."""
    if not isinstance(value, Mapping) or not value:
        return [json.dumps(value, ensure_ascii=False)]
    lines = []
    for key, inner in value.items():
        found = _yaml(inner, depth + 1)
        name = f"{'  ' * depth}{one_line(key, 200)}:"
        nested = isinstance(inner, Mapping) and bool(inner)
        lines += [name, *found] if nested else [f"{name} {found[0]}"]
    return lines
