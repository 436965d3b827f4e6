"""`run --from RUN[:AGENT]`: the agents and the lesson that a fork begins with.

What comes along is recorded with the fork's own events and archive: the other run may be gone when it is
resumed or replayed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archive.guard import making_sense
from archive.records import Archive, Record
from domains.domain import Domain
from meta_search.config import Config
from meta_search.engine.lessons import LESSON
from meta_search.engine.restore import candidate_of
from meta_search.run.fingerprint import differences
from meta_search.run.folder import read_config, same_models, split_agent
from meta_search.run.fork import Origin, folder_of, tested_in
from meta_search.run.run import Run
from meta_search.types import OWN, SEARCHED, Brief, Candidate

__all__ = ["Fork", "begin", "own_too", "read"]

COME = "imported"  # what the decision on the agents is called
# Agents that come along, the best first: where nothing differs they cost sandbox time only, else their calls.
MOST_SAME, MOST_OTHER = 200, 20


@dataclass(frozen=True, slots=True)
class Fork:
    """What another run knows.

    Attributes:
        origin: Where it comes from.
        agents: Found agents, the best first.
        own: Seeds that the person had brought along there.
        lesson: The newest one, or `""`.
    """

    origin: Origin
    agents: tuple[Candidate, ...]
    own: tuple[Candidate, ...] = ()
    lesson: str = ""

    @property
    def folder(self) -> Path:
        return Path(self.origin.run)

    def measured_by(self, config: Config, domain: Domain) -> Fork:
        """With what the fork measures otherwise, and no more agents than that leaves room for."""
        with Archive(self.folder) as archive, making_sense(archive.path):
            kept = archive.meta("fingerprint")
            changed = differences(kept, domain, SEARCHED) if kept else ["nothing tells what it measured with"]
            if not same_models(read_config(self.folder), config):
                changed.append("other models")
        agents = self.agents[: MOST_OTHER if changed else MOST_SAME]
        came = replace(self.origin, agents=len(agents), changed=tuple(changed))
        return replace(self, origin=came, agents=agents)


def read(config: Config) -> Fork | None:
    """What the run knows that a configuration forks; `None` where it forks none.

    The run may be at work: what it has committed by now is read. Nothing of it is executed.

    Raises:
        ArchiveError: It cannot be read.
    """
    folder = folder_of(config)
    if folder is None:
        return None
    _, named = split_agent(str(config.search.fork))
    with Archive(folder) as archive, making_sense(archive.path):
        records = archive.lineage(named) if named else archive.agents()
        found = sorted(filter(_is_found, records), key=_worth)
        own = [candidate_of(r) for r in archive.scan() if r.author == OWN and r.status == "seed"]
        lessons = archive.lessons()
        name = archive.record(named).agent.name if named else ""
        begun = Origin(str(folder), named or "", name, round(time.time(), 1), tested=tested_in(archive))
    agents = [_come(record, number) for number, record in enumerate(found)]
    return Fork(begun, tuple(agents), tuple(own), lessons[-1].text if lessons else "")


def own_too(own: Sequence[Candidate], fork: Fork | None) -> list[Candidate]:
    """The person's own seeds of this command, and then those of the forked run."""
    found = {c.agent.id: c for c in own}
    first = max((c.brief.number for c in own), default=-1) + 1
    for candidate in fork.own if fork else ():
        if candidate.agent.id not in found:
            number = max(first, candidate.brief.number)
            found[candidate.agent.id] = replace(candidate, brief=replace(candidate.brief, number=number))
            first = number + 1
    return list(found.values())


def begin(run: Run, fork: Fork | None) -> tuple[list[Candidate], str]:
    """Archive what comes along, and record it. In a replay it comes from the recording.

    Returns:
        The agents, in their order, and the lesson, `""` without one.
    """
    pen = run.runner.pen
    given = [c for c in fork.agents if c.agent.id not in run.members] if fork else []

    def archived() -> list[str]:
        for candidate in given:  # before the event that names them
            pen.add_candidate(candidate, "imported")
        return [candidate.agent.id for candidate in given]

    ids = run.journal.find(COME, archived) or []
    if ids and not given:
        with Archive(run.session.folder) as archive:
            given = [candidate_of(record) for record in run.journal.agents(archive, ids)]
        for candidate in given:
            pen.add_candidate(candidate, "imported")
    lesson = run.journal.find(LESSON, lambda: fork.lesson if fork else "")
    return given, str(lesson or "")


def _is_found(record: Record) -> bool:
    """Whether a search has found and run it, and it is nobody's double."""
    brief, train = record.brief, record.evaluations.get("train")
    return (
        brief is not None
        and brief.kind in ("asked", "repair", "imported")
        and train is not None
        and not record.same_as
        and record.status not in ("failed", "duplicate")
    )


def _worth(record: Record) -> tuple[bool, float, int]:
    """What sorts the best first: whole evaluations, by score, then by cost."""
    train = record.evaluations["train"]
    return not train.complete, -train.score, train.used.tokens


def _come(record: Record, number: int) -> Candidate:
    """An agent as the fork has it: by whom and of whom it was made stays, its brief was another run's."""
    candidate = candidate_of(record)
    old = candidate.brief
    brief = Brief(number, old.operator, old.author, old.parents, temperature=old.temperature, kind="imported")
    return replace(candidate, brief=brief)
