"""A run as a row of the table of runs: how it stands, its best agent, what it spent, what to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archive import summaries
from archive.guard import making_sense
from archive.records import Archive
from archive.select import best_so_far
from meta_search.dashboard.views.shared import (
    MOST_NAME,
    SPLITS,
    Json,
    config_of,
    interval,
    meta,
    part,
    shown_name,
    usage,
)
from meta_search.dashboard.views.standing import SILENT_S, state_of, state_text, steered_limits
from meta_search.run.fork import origin
from meta_search.text import one_line
from meta_search.types import Evaluation, Split, Usage

__all__ = ["best_of", "limits_of", "run_row", "spent"]

NEARLY = 0.9  # of a limit


def best_of(archive: Archive) -> Json | None:
    """`Best` of the contract: after a final report the agent to take by its test score, before it the best so
    far by its selection score."""
    reported = meta(archive, "best") if meta(archive, "final") else None
    if isinstance(reported, str) and (found := archive.get([reported])):
        record = found[0]
        evaluation = record.evaluations.get("test")
        if evaluation is not None:
            return _best(record.agent.id, record.agent.name, evaluation)
    evaluations = _evaluations(archive, summaries.likely_best(archive))
    place = best_so_far([of for _, of in evaluations])
    if place is None:
        return None
    agent, of = evaluations[place]
    split = next(s for s in (*SPLITS, *of) if s in of)
    if meta(archive, "kind") == "evaluate":
        split = next(iter(of))
    name = summaries.names(archive, [agent]).get(agent, agent)
    selection = split != "test" and meta(archive, "kind") != "evaluate"
    return _best(agent, name, of[split]) | {"selection": selection}


def _best(agent: str, name: str, evaluation: Evaluation) -> Json:
    return {
        **interval(evaluation),
        "agent": agent,
        "name": shown_name(name),
        "split": evaluation.split,
        "selection": False,
    }


def _evaluations(archive: Archive, ids: Sequence[str]) -> list[tuple[str, Mapping[Split, Evaluation]]]:
    return [(agent, of) for agent, of in summaries.evaluations_of(archive, ids).items() if of]


def spent(archive: Archive) -> Usage:
    """What the run has paid in all."""
    return sum(summaries.paid(archive)[0].values(), Usage())


def limits_of(config: Mapping[str, Any], steered: Mapping[str, float] | None = None) -> Json:
    """`Limits` of the contract.

    Args:
        config: Of the run.
        steered: What people have set since, by its key: `budget.usd`.
    """
    found = {}
    for name in ("calls", "tokens", "usd", "wall_s"):
        value = (steered or {}).get(f"budget.{name}", part(config, "budget", name))
        found[name] = value if isinstance(value, int | float) else None
    return found


def run_row(folder: Path, archive: Archive, run: str = ".") -> Json:
    """`RunRow` of the contract: a row of the table of runs.

    Args:
        folder: Of the run.
        archive: Its archive, which may still grow.
        run: Its id: the path below the folder that is served.
    """
    with making_sense(archive.path):
        return _run_row(folder, archive, run)


def _run_row(folder: Path, archive: Archive, run: str) -> Json:
    config, kind = config_of(folder, archive), meta(archive, "kind")
    state, paid, best = state_of(archive), spent(archive), best_of(archive)
    row: Json = {
        "id": run,
        "name": one_line(folder.resolve().name, MOST_NAME),
        "kind": "evaluate" if kind == "evaluate" else "search",
        "domain": one_line(_domain(config, archive), 60),
        "task_models": _models(part(config, "llm", "task")),
        "meta_models": _models(part(config, "llm", "meta")),
        "state": state,
        "started_at": summaries.first_seen(archive),
        "heartbeat_at": summaries.heartbeat(archive),
        "elapsed_s": _elapsed(archive),
        "agents": summaries.how_many_agents(archive),
        "best": best,
        "spent": usage(paid),
        "limits": limits_of(config, steered_limits(archive)),
        "verdict": _verdict(archive),
        "fork_of": _fork(archive),
    }
    row["state_text"] = state_text(archive, state, row["kind"], row)
    row["attention"] = _attention(row)
    return row


def _domain(config: Mapping[str, Any], archive: Archive) -> str:
    facts = meta(archive, "domain")
    named = facts.get("name") if isinstance(facts, Mapping) else None
    return str(named or part(config, "domain", "name") or "")


def _models(stored: Any) -> list[str]:
    """Names of the models of a role; several meta models have a list."""
    if not isinstance(stored, Mapping):
        return []
    several = stored.get("models")
    rows = several if isinstance(several, list) and several else [stored]
    found = [str(row.get("model") or row.get("name") or "") for row in rows if isinstance(row, Mapping)]
    return [one_line(name, 80) for name in found if name]


def _elapsed(archive: Archive) -> float:
    seconds = meta(archive, "elapsed_s")
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _verdict(archive: Archive) -> str | None:
    """Its first sentence is the verdict; the rest is for the run's own page."""
    text = meta(archive, "verdict")
    return one_line(text, 600) if isinstance(text, str) and text else None


def _fork(archive: Archive) -> Json | None:
    begun = origin(archive)
    if begun is None or not begun.run:
        return None
    return {"run": one_line(begun.run, 200), "agent": one_line(begun.agent, 80)}


def _attention(row: Json) -> list[str]:
    """What a person should look at."""
    found = []
    if row["state"] == "killed":
        found.append("ended without a report: resume goes on with it")
    if row["state"] == "cut short":
        found.append("the final report was cut short")
    if row["state"] in ("searching", "reporting"):
        quiet = summaries.age(row["heartbeat_at"])
        if SILENT_S < quiet < 1e9:
            found.append(f"no sign of life for {quiet / 60:.0f} minutes")
        now = {
            "calls": row["spent"]["calls"],
            "tokens": row["spent"]["tokens"],
            "usd": row["spent"]["cost_usd"],
            "wall_s": row["elapsed_s"],
        }
        for name, most in row["limits"].items():
            if most and now[name] >= NEARLY * most:
                found.append(f"{now[name] / most:.0%} of budget.{name} is used")
    return found
