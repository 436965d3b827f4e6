"""One item: question, target, and what an agent made of it, call by call."""

from __future__ import annotations

from pathlib import Path

from archive import inspecting, summaries
from archive.opened import WITHHELD
from archive.records import Archive
from meta_search.dashboard.views.calls import calls_json
from meta_search.dashboard.views.inspecting import distinct, kind_of, shown, split_of
from meta_search.dashboard.views.items import chosen
from meta_search.dashboard.views.shared import Json, shown_name
from meta_search.errors import ArchiveError
from meta_search.text import one_line
from meta_search.types import ArchivedItem, ItemResult, Split

__all__ = ["item"]

UNKNOWN = "The archive has no item of this name."
MOST_AGENTS = 400


def item(
    folder: Path, archive: Archive, *, item: str, split: str = "", agent: str = "", repeat: int = 0
) -> Json:
    """`ItemPage` of the contract.

    Args:
        folder: Of the run.
        archive: Its archive.
        item: Id of the item.
        split: Its split; by default the one that the search evaluates on.
        agent: Whose result: id, the start of one, or a name; by default nobody's.
        repeat: Which repeat of it, from 0.

    Raises:
        ArchiveError: No agent is called so, several are, or the item is none of the archive's.
    """
    on = split_of(archive, split)
    open_ = inspecting.is_open(archive, on)
    kept = archive.item(item, on) if open_ else None
    who = archive.record(agent).agent.id if agent else ""
    ids = distinct([*([who] if who else []), *chosen(archive, on)])
    runs = inspecting.runs_of(archive, ids, on, item)
    if kept is None and open_ and not runs:
        raise ArchiveError(f"{archive.path.parent.name} has no {on} item {one_line(item, 80)}")
    names = summaries.names(archive, (run.agent for run in runs))
    return {
        "item": item,
        "split": on,
        "kind": kind_of(archive, kept, on),
        "question": shown(kept.question) if kept and kept.question else None,
        "target": shown(kept.target) if kept and kept.target is not None else None,
        "target_note": _note(kept, open_),
        "agents": [
            {
                "agent": run.agent,
                "name": shown_name(names.get(run.agent, run.agent)),
                "repeat": run.repeat,
                "score": run.score,
                "outcome": one_line(run.kind, 40),
            }
            for run in runs[:MOST_AGENTS]
        ],
        "result": _result(archive, who, on, item, repeat) if who and open_ else None,
    }


def _note(kept: ArchivedItem | None, open_: bool) -> str:
    """What there is to say of question and target; `""` for nothing."""
    if not open_:
        return WITHHELD
    return one_line(kept.note, 400) if kept else UNKNOWN


def _result(archive: Archive, agent: str, split: Split, item: str, repeat: int) -> Json | None:
    result = archive.result(agent, split, item, repeat)
    if result is None:
        return None
    (name,) = summaries.names(archive, [agent]).values()
    return {
        "agent": agent,
        "name": shown_name(name),
        "repeat": repeat,
        "outcome": one_line(result.kind, 40),
        "score": result.score,
        "answer": shown(result.answer),
        "feedback": shown(result.feedback),
        "detail": shown(_explained(archive, result), 4_000),
        "seconds": result.seconds,
        "used": {
            "calls": result.used.calls,
            "tokens": result.used.tokens,
            "cost_usd": result.used.cost_usd,
        },
        "calls": calls_json(archive.transcript(agent, item, split, repeat)),
        "programs": [
            {
                "code": shown(program.code),
                "output": shown(program.output) if program.ok else "",
                "error": "" if program.ok else shown(program.output),
            }
            for program in result.programs
        ],
        "networks": len(result.networks),
    }


def _explained(archive: Archive, result: ItemResult) -> str:
    """What ended it otherwise than with an answer, and what to do about it."""
    from meta_search.outcomes import explain

    if result.kind == "ok":
        return result.detail
    source = next((record.agent.source for record in archive.get([result.agent])), "")
    return explain(result.kind, result.detail, source)
