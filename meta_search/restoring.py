"""Rebuilds what the engine knows from the archive, which is the only truth, to go on with a run."""

from __future__ import annotations

from archive.records import Archive, Record
from meta_search.guide.guide import Guide
from meta_search.members import Member, Members
from meta_search.scoring import Runner
from meta_search.types import Candidate

__all__ = ["restore", "unfinished"]


def restore(archive: Archive, members: Members, runner: Runner, guide: Guide) -> int:
    """Bring back members with their results, and the guide's studies.

    Returns:
        Number of briefs that came to something: a candidate, or a told failure.
    """
    for record in archive.agents():
        if record.agent.id not in members and record.brief is not None:
            members.add(Member(_candidate(record)))
        member = members.get(record.agent.id)
        if member is not None:
            _results(archive, record, member, runner)
    told = {
        study: [(t.number, t.params, t.values) for t in archive.trials(study)] for study in archive.studies()
    }
    asked = 1 + max((int(event.data["brief"]) for event in archive.events("ask")), default=-1)
    guide.restore(told, asked=asked)
    found = {m.candidate.brief.number for m in members.all() if not m.seed}
    return len(found | {number for number, _, _ in told.get("briefs", [])})


def unfinished(members: Members, runner: Runner) -> list[Member]:
    """Members whose validation was begun and not ended."""
    planned = runner.planned("validation")
    return [m for m in members.all() if m.done and not m.stopped and 0 < m.ran("validation") < planned]


def _candidate(record: Record) -> Candidate:
    assert record.brief is not None
    return Candidate(record.agent, record.brief, record.thought, record.generation, record.space, record.plan)


def _results(archive: Archive, record: Record, member: Member, runner: Runner) -> None:
    for split in ("train", "validation", "test"):
        for result in archive.results(record.agent.id, split, trace=False):
            member.add(result)
    member.wanted = {split: runner.planned(split) for split in member.results}
    evaluation = record.evaluations.get("train")
    if evaluation is not None and (evaluation.complete or evaluation.stopped):
        member.done, member.stopped = True, evaluation.stopped
