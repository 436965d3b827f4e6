"""The loop: ask the guide for a brief, have an author write, evaluate, archive, tell the guide.

Steady state: `search.in_flight` candidates are always being written or evaluated. One thread, the caller's,
waits for what comes next; only it touches the guide and the members.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archive.records import Archive
from meta_search.authors.adas import AdasAuthor
from meta_search.authors.author import Author
from meta_search.authors.composer import Composer
from meta_search.authors.llm import LLMAuthor
from meta_search.engine import seeds, warm_start
from meta_search.engine.briefs import Briefs
from meta_search.engine.races import Races
from meta_search.engine.restore import candidate_of, imported, restore
from meta_search.errors import LLMError
from meta_search.final.report import final_report
from meta_search.guide.guide import Guide
from meta_search.outcomes import most_frequent
from meta_search.report.verdict import Verdict
from meta_search.run.journal import Journal
from meta_search.run.members import Member, Members
from meta_search.run.progress import Progress
from meta_search.run.replay import Interrupted
from meta_search.run.runner import Runner
from meta_search.run.session import Session
from meta_search.run.signals import signals
from meta_search.types import Candidate

__all__ = ["RunSummary", "Search"]

AUTHORS: dict[str, type[Author]] = {"llm": LLMAuthor, "composer": Composer, "adas": AdasAuthor}
TICK_S = 0.5


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run ended.

    Attributes:
        folder: The run folder. status: Exit status: 0 done, 1 failed, 3 stopped before the end.
        sentence: Whether the best agent found beats the best seed on fresh test items.
        best: Id of the best agent, `""` if there is none.
    """

    folder: Path
    status: int
    sentence: str
    best: str = ""
    verdict: Verdict | None = None


class Search:
    """One search over an opened session.

    Args:
        session, progress: The opened run.
        resumed: The archive of earlier sittings.
        journal: In a replay, the recording.
    """

    def __init__(
        self,
        session: Session,
        progress: Progress,
        resumed: Archive | None = None,
        journal: Journal | None = None,
    ) -> None:
        config, search = session.config, session.config.search
        self.session, self.config, self.progress = session, config, progress
        self.journal = journal or Journal()
        self.members = Members()
        self.runner = Runner(session, self.journal)
        authors = ("llm", "composer") if config.author.name == "mixed" else (config.author.name,)
        guide = Guide(config.seed, search.operators, authors, config.author.formats, search.guided)
        about = (session, self.members, self.runner, guide, self.journal)
        self.briefs = Briefs(*about, AUTHORS, progress, self._admit)
        self.pairs = self.briefs.briefing.pairs
        self.races = Races(config, self.members, self.runner, self.pairs, self.journal, self._evaluated)
        self.waiting: list[Member] = []
        self.stop = ""
        self._signalled = False
        self._guide, self._resumed = guide, resumed
        for candidate in seeds.candidates(search.seeds, config.domain.name):
            self.runner.write("add_candidate", candidate, "seed")
            self._admit(candidate, seed=True)

    @property
    def written(self) -> int:
        """Briefs that came to something: a candidate, or failed attempts."""
        return self.briefs.written

    # -- the loop

    def run(self) -> RunSummary:
        """Search until candidates or budget are used up, then report on fresh test items."""
        with signals(self._signal):
            try:
                if self._resumed is not None:
                    self._go_on(self._resumed)
                else:
                    warm_start.begin(self.session, self._guide, self.journal, self.progress)
                while not self._finished():
                    self._fill()
                    self._next()
                self.races.drop()
                return self._stopped() if self.stop == "signal" else self._close()
            except KeyboardInterrupt:
                if self.journal.replays:
                    self.journal.stop("signal")
                return self._stopped()
            except Interrupted:
                self.runner.cancel()
                return self._stopped("the recorded run ended here")

    def _finished(self) -> bool:
        busy = bool(self.waiting or self.briefs.writing or self.races.running())
        through = self.briefs.stop or ("candidates" if self.written >= self.config.search.candidates else "")
        why = "signal" if self._signalled else self.races.stop or ("" if busy else through)
        if not why and self.progress.search_time_left() <= 0:
            why = "time"
        if not why and not busy and not self.races.seeds_known():
            raise self._nothing_known()
        self.stop = self.journal.stop(why)
        return bool(self.stop)

    def _nothing_known(self) -> LLMError:
        """The seeds ran, and the endpoint failed them on every item: there is nothing to search from."""
        rows = [row for member in self.members for row in member.results.get("train", {}).values()]
        fault = most_frequent(rows)
        why = f": {fault.kind}: {fault.detail}" if fault else ""
        return LLMError(
            f"every seed failed on every item{why}; everything is saved: "
            f"`meta-search resume {self.session.folder}`"
        )

    def _fill(self) -> None:
        """Keep `in_flight` candidates going: written ones first, then seeds and briefs in turns."""
        writing, in_flight = self.briefs.writing, self.config.search.in_flight
        while len(self.races.running()) + len(writing) < in_flight:
            written = next((m for m in self.waiting if not m.seed), None)
            more = self.briefs.begun < self.config.search.candidates and not self.briefs.stop
            briefs = more and self.races.seeds_known()
            seeds_run = any(m.seed for m in self.races.running())
            if written is None and briefs and (seeds_run or not self.waiting):
                self.briefs.ask()
            elif self.waiting:
                member = written or self.waiting[0]
                self.waiting.remove(member)
                self.races.start(member)
            else:
                break

    def _next(self) -> None:
        """Handle what comes next, or let time pass."""
        action = self.journal.next(TICK_S)
        if action is not None:
            action()
        self.progress.show(self.members, (*self.briefs.lines(), *self.races.lines()))
        self.runner.tick()

    def _admit(self, candidate: Candidate, seed: bool = False) -> None:
        """A candidate waits for its evaluation."""
        member = Member(candidate, seed)
        self.members.add(member)
        self.waiting.append(member)

    def _evaluated(self, member: Member) -> None:
        """A train evaluation is complete or was stopped: say so, and tell the guide."""
        score, n = member.score("train"), len(member.rows("train"))
        ending = f"; stopped: {member.stopped}" if member.stopped else ""
        self.progress.say(f"«{member.agent.name}» {score:.0%} right on {n} train items{ending}")
        self.briefs.evaluated(member)

    # -- beginnings and ends

    def _go_on(self, archive: Archive) -> None:
        """Take up what earlier sittings left: untold briefs, writing, races; and agents imported since."""
        before = restore(archive, self.members, self.runner, self._guide)
        self.journal.note("resume", {})
        source = self.journal.archive or archive
        new = self.journal.decide("imported", lambda: imported(archive, self.members))
        for record in source.get(new):
            self.runner.write("add_candidate", candidate_of(record), record.status)
            self.members.add(Member(candidate_of(record)))
        self.waiting = [m for m in self.members if not m.done and m.agent.id not in before.races]
        self.briefs.restore(before)
        for agent, split in before.races.items():
            self.races.go_on(self.members[agent], split)

    def _stopped(self, why: str = "stopped before the end") -> RunSummary:
        self.briefs.close()
        self.runner.finish("stopped")
        go_on = "" if self.journal.replays else f". Go on with: meta-search resume {self.session.folder}"
        self.progress.say(f"{why}; everything is saved{go_on}")
        return RunSummary(self.session.folder, 3, why)

    def _close(self) -> RunSummary:
        self.briefs.close()
        self.session.host.call("set_phase", "final").result()
        ending = final_report(self.session, self.members, self.runner, self.pairs, self.progress)
        self.runner.finish(ending.status)
        status = 0 if ending.complete else 3
        return RunSummary(self.session.folder, status, ending.verdict.sentence, ending.best, ending.verdict)

    def _signal(self) -> None:
        """The first signal ends the search in good order; a second one, or one in the report, at once."""
        if self._signalled or self.progress.phase == "final":
            raise KeyboardInterrupt
        self._signalled = True
        self.journal.wake()
