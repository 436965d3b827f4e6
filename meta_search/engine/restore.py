"""Rebuilds what the engine knows from the archive, which is the only truth, to go on with a run.

What was done is read from the events; the other tables say what came of it. A row without its event is not
counted: the run was killed before the engine acted upon it, and it will be met again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archive.records import Archive, Record
from meta_search.engine.open_brief import Writing
from meta_search.engine.warm_start import DECISION, WARM
from meta_search.errors import ArchiveError
from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.prior import NOTHING, Prior
from meta_search.guide.studies import Row
from meta_search.outcomes import UNSCORED
from meta_search.run.members import Member, Members
from meta_search.run.runner import Runner
from meta_search.types import Candidate, Demonstration, ItemResult, Split, agent_id

__all__ = ["Restored", "candidate_of", "imported", "restore"]


@dataclass(slots=True)
class Restored:
    """What was under way when the run ended.

    Attributes:
        writing: Brief -> what authors were at work on.
        awaited: Agent -> what is told once the agent is evaluated.
        failed: Number of the first brief -> what came to nothing and was not told.
        found: Worked examples of the run's pool.
        races: Agent -> split on which it was under evaluation.
        written: Briefs that were delivered. asked: briefs that were asked for.
        prior: What the run took from earlier ones.
        warm: Source -> settings that its tuning study began with.
    """

    writing: dict[int, Writing] = field(default_factory=dict)
    awaited: dict[str, Writing] = field(default_factory=dict)
    failed: dict[int, Writing] = field(default_factory=dict)
    found: list[Demonstration] = field(default_factory=list)
    races: dict[str, Split] = field(default_factory=dict)
    told: list[Writing] = field(default_factory=list)
    written: int = 0
    asked: int = 0
    prior: Prior = NOTHING
    warm: dict[str, list[list[Any]]] = field(default_factory=dict)


def restore(archive: Archive, members: Members, runner: Runner, guide: Guide) -> Restored:
    """Bring back members with their results, and the guide's studies.

    Raises:
        ArchiveError: An older version wrote it, which kept no order of results.
    """
    restored = _Walk(archive, members, runner).walk()
    _studies(archive, guide, restored, members)
    return restored


def candidate_of(record: Record) -> Candidate:
    """The candidate that an archived agent was."""
    assert record.brief is not None
    return Candidate(record.agent, record.brief, record.thought, record.generation, record.space, record.plan)


def imported(archive: Archive, members: Members) -> list[str]:
    """Ids of the agents that `meta-search archive import` has added since."""
    found = (record for record in archive.agents() if record.status == "imported")
    return [record.agent.id for record in found if record.agent.id not in members]


class _Walk:
    """Goes through the events once."""

    def __init__(self, archive: Archive, members: Members, runner: Runner) -> None:
        self._archive, self._members, self._runner = archive, members, runner
        self._records = {record.agent.id: record for record in archive.agents()}
        self._results = {agent: _results(archive, agent) for agent in self._records}
        self._now = Restored()

    def walk(self) -> Restored:
        events = self._archive.events()
        evaluated = any(record.evaluations for record in self._records.values())
        if evaluated and not any(event.kind == "race" for event in events):
            raise ArchiveError(f"{self._archive.path} was written by an older meta-search: start a new run")
        kinds: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "ask": self._ask,
            "delivery": self._delivery,
            "race": self._race,
            "decision": self._decision,
            "tell": self._tell,
        }
        for event in events:
            if event.kind in kinds:
                kinds[event.kind](event.data)
        for left in self._results.values():  # what came and was not acted upon is not run again
            for result in left.values():
                self._runner.know(result)
        return self._now

    def _ask(self, data: Mapping[str, Any]) -> None:
        now, writing = self._now, Writing.of(data)
        if writing.mends:  # goes on with the chain of the brief whose agent it mends
            before = now.awaited.pop(writing.brief.parents[0])
            writing = replace(writing, tokens=before.tokens, used=before.used)
        now.writing[writing.brief.code] = writing
        now.asked = max(now.asked, writing.brief.number + 1)

    def _delivery(self, data: Mapping[str, Any]) -> None:
        if "brief" in data:
            self._written(data)
        elif "item" in data and data["kind"] not in UNSCORED:
            key = (data["split"], data["item"], data["repeat"])
            member = self._member(data["agent"])
            member.add(self._results[data["agent"]].pop(key))
            member.wanted[data["split"]] = self._runner.planned(data["split"])

    def _member(self, agent: str) -> Member:
        """A member; also one that only the final report has run, a baseline, which is not searched from."""
        if agent not in self._members:
            self._members.add(Member(candidate_of(self._records[agent]), done=True))
        return self._members[agent]

    def _written(self, data: Mapping[str, Any]) -> None:
        now = self._now
        writing = now.writing.pop(data["brief"]).written(data["tokens"], data.get("used", 1))
        now.written += not writing.mends
        known = {d.question for d in now.found}
        now.found += [Demonstration(q, r) for q, r in data["found"] if q not in known]
        if data["agent"] is None:
            now.failed[writing.brief.number] = writing
        else:
            now.awaited[data["agent"]] = writing
            self._members.add(Member(candidate_of(self._records[data["agent"]])))

    def _decision(self, data: Mapping[str, Any]) -> None:
        if data["what"] == DECISION:
            self._now.prior = Prior.from_json(data["value"])
        if data["what"].startswith(WARM):
            self._now.warm[data["what"].removeprefix(WARM)] = data["value"]
        for agent in data["value"] if data["what"] == "imported" else ():
            self._members.add(Member(candidate_of(self._records[agent])))
        for agent in data["value"] if data["what"] == "baselines" else ():
            if agent in self._records and agent not in self._members:  # they take no part in the search
                self._members.add(Member(candidate_of(self._records[agent]), seed=True, done=True))

    def _race(self, data: Mapping[str, Any]) -> None:
        agent, split, races = data["agent"], data["split"], self._now.races
        member = self._raced(agent)
        if "to" in data:
            member.target[split] = data["to"]
            races[agent] = split
            return
        races.pop(agent, None)
        if split == "train":
            member.done, member.stopped = True, data["stopped"]
            if data["validate"]:
                races[agent] = "validation"

    def _raced(self, agent: str) -> Member:
        if agent not in self._members:
            raise ArchiveError(
                f"{self._archive.path}: {agent} took part, and is none of the seeds of this version: "
                "go on with the version that began the run, or start a new one"
            )
        return self._members[agent]

    def _tell(self, data: Mapping[str, Any]) -> None:
        now, number = self._now, data["brief"]
        agent = next((a for a, w in now.awaited.items() if w.brief.number == number), None)
        now.told.append(now.failed.pop(number) if agent is None else now.awaited.pop(agent))


def _results(archive: Archive, agent: str) -> dict[tuple[str, str, int], ItemResult]:
    return {
        (split, result.item, result.repeat): result
        for split in ("train", "validation", "test")
        for result in archive.results(agent, split, trace=False)
    }


def _studies(archive: Archive, guide: Guide, restored: Restored, members: Members) -> None:
    """Trials of told briefs as they were told; those of the others as they are under way."""
    rows = {study: {t.number: t for t in archive.trials(study)} for study in archive.studies()}
    told: dict[str, list[Row]] = {}
    running: dict[str, list[Row]] = {}
    under_way = [*restored.writing.values(), *restored.awaited.values(), *restored.failed.values()]
    for writings, found in ((restored.told, told), (under_way, running)):
        for writing in writings:
            number = writing.brief.number
            trials = [("briefs", number), ("designs", writing.design)]
            trials += [(f"tuning/{source}", trial) for source, trial in writing.tuning]
            for study, trial in trials:
                row = rows.get(study, {}).get(trial)
                if row is not None and (study != "designs" or number not in restored.writing):
                    found.setdefault(study, []).append(
                        (trial, row.params, row.values if found is told else None)
                    )
    again = [w.design for w in restored.writing.values() if not w.mends]
    spaces = {agent_id(m.agent.source): m.candidate.space for m in members}
    warm = {source: (spaces[source], settings) for source, settings in restored.warm.items()}
    guide.restore(Snapshot(told, running, restored.asked, again, restored.prior, warm))
