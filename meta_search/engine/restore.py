"""Rebuilds what the engine knows from the archive, which is the only truth, to go on with a run.

What was done is read from the events; the other tables say what came of it. A row without its event is not
counted: the run was killed before the engine acted upon it, and it will be met again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from archive.guard import making_sense
from archive.records import Archive, Record
from meta_search.engine.context import Contexts
from meta_search.engine.lessons import LESSON
from meta_search.engine.modelled import DESIGN, Modelled
from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.warm_start import PRIOR, WARM
from meta_search.engine.windows import WINDOWS, windows_of
from meta_search.errors import ArchiveError
from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.prior import NOTHING, Prior
from meta_search.guide.studies import Row
from meta_search.outcomes import UNSCORED
from meta_search.run.events import (
    BriefAsked,
    BriefDelivered,
    BriefTold,
    Decided,
    Event,
    ItemDelivered,
    LookPlanned,
    RaceEnded,
    Steered,
    parse_rows,
)
from meta_search.run.members import Member, Members
from meta_search.run.run import Run
from meta_search.types import (
    PERTURBED,
    SCORED,
    Attempt,
    Brief,
    Candidate,
    ItemResult,
    Scalar,
    Split,
    agent_id,
)

__all__ = ["Restored", "as_archived", "candidate_of", "imported", "restore"]


@dataclass(slots=True)
class Restored:
    """What was under way when the run ended.

    Attributes:
        writing: `Brief.code` -> what authors were at work on.
        awaited: Agent -> the brief that it was written for, told once the agent is evaluated.
        failed: `Brief.number` -> what came to nothing and was not told.
        races: Agent -> split on which it was under evaluation.
        told: What was told to the guide, in order.
        written: Candidates that briefs came to.
        asked: Briefs that were asked for.
        prior: What the run took from earlier ones.
        warm: Source -> settings that its tuning study began with.
        proposals: Number of a brief -> the design that was proposed for it.
        added: Agents that people added.
        steered: Ids of the requests of people that were taken in.
    """

    writing: dict[int, OpenBrief] = field(default_factory=dict)
    awaited: dict[str, OpenBrief] = field(default_factory=dict)
    failed: dict[int, OpenBrief] = field(default_factory=dict)
    races: dict[str, Split] = field(default_factory=dict)
    told: list[OpenBrief] = field(default_factory=list)
    written: int = 0
    asked: int = 0
    prior: Prior = NOTHING
    warm: dict[str, list[list[Any]]] = field(default_factory=dict)
    proposals: dict[int, dict[str, Scalar]] = field(default_factory=dict)
    added: int = 0
    steered: set[str] = field(default_factory=set)


def restore(archive: Archive, run: Run, guide: Guide, contexts: Contexts, modelled: Modelled) -> Restored:
    """Bring back members with their results, and the guide's studies.

    Args:
        archive: What earlier sessions left.
        run: The run at work; its members are added to.
        guide: Its studies are restored.
        contexts: Learn what authors are to be shown.
        modelled: Learns from all results, block by block as they came.

    Raises:
        ArchiveError: An older version wrote it, which kept no order of results.
    """
    with making_sense(archive.path):
        restored = _Walk(archive, run, contexts, modelled).walk()
        _studies(archive, guide, restored, run.members)
        modelled.restore(restored.proposals)
    return restored


def candidate_of(record: Record) -> Candidate:
    """The candidate that an archived agent was."""
    assert record.brief is not None
    return Candidate(record.agent, record.brief, record.thought, record.generation, record.space, record.plan)


def as_archived(candidates: Sequence[Candidate], archive: Archive) -> list[Candidate]:
    """Seeds of ours as an archive has them: no id is made again, and older versions made other ones."""
    seeds = (record for record in archive.scan() if record.brief and record.brief.kind == "seed")
    known = {record.agent.source: candidate_of(record) for record in seeds}
    return [known.get(candidate.agent.source, candidate) for candidate in candidates]


def imported(archive: Archive, members: Members) -> list[str]:
    """Ids of the agents that `meta-search archive import` has added since."""
    found = (record for record in archive.agents() if record.status == "imported")
    return [record.agent.id for record in found if record.agent.id not in members]


class _Walk:
    """Goes through the events once."""

    def __init__(self, archive: Archive, run: Run, contexts: Contexts, modelled: Modelled) -> None:
        self._archive, self._members, self._runner = archive, run.members, run.runner
        self._contexts, self._modelled = contexts, modelled
        self._seed, self._through = run.config.seed, set[int]()
        self._attempts: dict[int, list[Attempt]] = {}
        for attempt in archive.attempts():
            self._attempts.setdefault(attempt.brief, []).append(attempt)
        self._records = {record.agent.id: record for record in archive.agents()}
        self._results = {agent: _results(archive, agent) for agent in self._records}
        self._now = Restored()

    def walk(self) -> Restored:
        events = [event for _, event in parse_rows(self._archive.events())]
        evaluated = any(record.evaluations for record in self._records.values())
        if evaluated and not any(isinstance(event, LookPlanned | RaceEnded) for event in events):
            raise ArchiveError(f"{self._archive.path} was written by an older meta-search: start a new run")
        self._through = {event.brief for event in events if isinstance(event, BriefDelivered)}
        for event in events:
            self._take_in(event)
            if isinstance(event, BriefAsked):
                self._look(event.brief)
        for left in self._results.values():  # what came and was not acted upon is not run again
            for result in left.values():
                self._runner.know(result)
        return self._now

    def _look(self, brief: Brief) -> None:
        """Where its author is at work again, it is shown the same."""
        if brief.code not in self._through:
            self._contexts.look(brief)

    def _take_in(self, event: Event) -> None:
        match event:
            case BriefAsked():
                self._ask(event)
            case BriefDelivered():
                self._written(event)
            case ItemDelivered() if event.outcome not in UNSCORED:
                self._item(event)
            case LookPlanned():
                member = self._raced(event.agent)
                self._modelled.learn(member)
                member.next_look[event.split], member.chosen = event.to, event.pairs
                self._now.races[event.agent] = event.split
            case RaceEnded():
                self._race_ended(event)
            case Decided():
                self._decision(event)
            case BriefTold():
                self._tell(event)
            case Steered():
                self._steered(event)

    def _ask(self, event: BriefAsked) -> None:
        now, open_brief = self._now, OpenBrief.of(event)
        if open_brief.repairs:  # goes on with the chain of the brief whose agent it repairs
            before = now.awaited.pop(open_brief.brief.parents[0])
            for agent in _awaited(now, open_brief.brief.number):  # its siblings, which nobody waits for now
                now.awaited.pop(agent)
            open_brief = replace(open_brief, tokens=before.tokens, used=before.used, cost_usd=before.cost_usd)
        now.writing[open_brief.brief.code] = open_brief
        self._contexts.focus.asked(open_brief.brief)
        now.asked = max(now.asked, open_brief.brief.number + 1)

    def _item(self, event: ItemDelivered) -> None:
        member = self._member(event.agent)
        member.add(self._results[event.agent].pop((event.split, event.item, event.repeat)))
        member.wanted[event.split] = self._runner.planned(event.split)

    def _member(self, agent: str) -> Member:
        """A member; also one that only the final report has run, a baseline, which is not searched from."""
        if agent not in self._members:
            self._members.add(Member(candidate_of(self._records[agent]), done=True))
        return self._members[agent]

    def _written(self, event: BriefDelivered) -> None:
        now = self._now
        open_brief = now.writing.pop(event.brief).spent(event.writing_tokens, event.used, event.cost_usd)
        self._contexts.keep(event)
        self._contexts.lessons.delivered(open_brief.brief, event.lessons)
        if event.agent is None:
            if not open_brief.added:
                now.failed[open_brief.brief.number] = open_brief
            self._contexts.missed(open_brief.brief, self._attempts.get(event.brief, ()))
        else:
            now.written += 0 if open_brief.repairs or open_brief.added else len(event.agents)
            for agent in event.agents:
                if not open_brief.added:
                    now.awaited[agent] = open_brief
                self._members.add(Member(candidate_of(self._records[agent])))

    def _decision(self, event: Decided) -> None:
        if event.what == WINDOWS:
            self._contexts.windows = windows_of(event.value)
        if event.what == LESSON:
            self._contexts.lessons.inherit(str(event.value))
        if event.what == PRIOR:
            self._now.prior = Prior.from_json(event.value)
            self._modelled.recall(self._now.prior)
        if event.what.startswith(DESIGN):
            self._now.proposals[int(event.what.removeprefix(DESIGN))] = event.value
        if event.what.startswith(WARM):
            self._now.warm[event.what.removeprefix(WARM)] = event.value
        for agent in event.value if event.what == "imported" else ():
            self._members.add(Member(candidate_of(self._records[agent])))
        for agent in event.value if event.what == "baselines" else ():
            if agent in self._records and agent not in self._members:  # they take no part in the search
                self._members.add(Member(candidate_of(self._records[agent]), seed=True, done=True))

    def _race_ended(self, event: RaceEnded) -> None:
        member, races = self._raced(event.agent), self._now.races
        races.pop(event.agent, None)
        if event.split == "train":
            member.done, member.stopped, member.same_as = True, event.stopped, event.same_as
            self._modelled.end(member)
            member.at_pause = event.expected
            self._contexts.lessons.evaluated(member)
            if event.validate:
                races[event.agent] = "validation"

    def _steered(self, event: Steered) -> None:
        """What a person asked for, as `engine.steering` did it."""
        now, contexts = self._now, self._contexts
        now.steered.add(event.id)
        match event.command:
            case "note":
                contexts.hints.give(event)
            case "focus" if event.agent in self._members:
                if not self._members[event.agent].dropped:
                    contexts.focus.on(event.agent)
            case "add":
                open_brief = OpenBrief.of_person(event, now.added, self._seed)
                now.added += 1
                now.writing[open_brief.brief.code] = open_brief
                self._look(open_brief.brief)
            case "drop" if event.agent in self._members:
                contexts.focus.off(event.agent)
                self._dropped(self._members[event.agent], event.why)

    def _dropped(self, member: Member, why: str) -> None:
        """As `Races.dismiss`, and what follows where it was never evaluated."""
        member.dropped = why
        if member.seed or self._now.races.get(member.agent.id) == "train":
            return
        if not member.done:
            self._contexts.lessons.evaluated(member)
        member.end()
        self._modelled.end(member)

    def _raced(self, agent: str) -> Member:
        if agent not in self._members:
            raise ArchiveError(
                f"{self._archive.path}: {agent} took part, and is none of the seeds of this version: "
                "go on with the version that began the run, or start a new one"
            )
        return self._members[agent]

    def _tell(self, event: BriefTold) -> None:
        now, number = self._now, event.brief
        came = [now.awaited.pop(agent) for agent in _awaited(now, number)]
        now.told.append(came[0] if came else now.failed.pop(number))


def _awaited(now: Restored, number: int) -> list[str]:
    """The candidates of a brief that is not told."""
    return [agent for agent, open_brief in now.awaited.items() if open_brief.brief.number == number]


def _results(archive: Archive, agent: str) -> dict[tuple[str, str, int], ItemResult]:
    return {
        (split, result.item, result.repeat): result
        for split in (*SCORED, PERTURBED)
        for result in archive.results(agent, split, trace=False)
    }


def _studies(archive: Archive, guide: Guide, restored: Restored, members: Members) -> None:
    """Trials of told briefs as they were told; those of the others as they are under way."""
    rows = {study: {t.number: t for t in archive.trials(study)} for study in archive.studies()}
    told: dict[str, list[Row]] = {}
    running: dict[str, list[Row]] = {}
    awaited = {open_brief.brief.number: open_brief for open_brief in restored.awaited.values()}
    writing = [b for b in restored.writing.values() if not b.added]
    under_way = [*writing, *awaited.values(), *restored.failed.values()]
    for open_briefs, found in ((restored.told, told), (under_way, running)):
        for open_brief in open_briefs:
            number = open_brief.brief.number
            trials = [("briefs", number), ("designs", open_brief.design)]
            trials += [(f"tuning/{source}", trial) for source, trial in open_brief.tuning]
            for study, trial in trials:
                row = rows.get(study, {}).get(trial)
                if row is not None and (study != "designs" or number not in restored.writing):
                    found.setdefault(study, []).append(
                        (trial, row.params, row.values if found is told else None)
                    )
    again = [b.design for b in writing if not b.repairs]
    spaces = {agent_id(m.agent.source): m.candidate.space for m in members}
    for open_brief in (*restored.told, *under_way):  # by the names that their studies have
        parent = members.get("".join(open_brief.brief.parents[:1]))
        if parent is not None:
            spaces = {**{source: parent.candidate.space for source, _ in open_brief.tuning}, **spaces}
    proposals = {
        b.design: restored.proposals[b.brief.number] for b in writing if b.brief.number in restored.proposals
    }
    warm = {s: (spaces[s], settings) for s, settings in restored.warm.items() if s in spaces}
    guide.restore(Snapshot(told, running, restored.asked, again, proposals, restored.prior, warm))
