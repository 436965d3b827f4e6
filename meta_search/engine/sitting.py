"""One session of a search, from its beginning to its end: begin or go on, search, report on test items."""

from __future__ import annotations

from collections.abc import Sequence

from archive.records import Archive
from meta_search.engine import forking, warm_start
from meta_search.engine.ends import end_of
from meta_search.engine.loop import Search
from meta_search.engine.restore import candidate_of, imported, restore
from meta_search.engine.studies import outlook_rows
from meta_search.engine.summary import RunSummary
from meta_search.engine.windows import find_windows
from meta_search.errors import LLMError
from meta_search.final.field import contenders
from meta_search.final.report import final_report
from meta_search.run.events import Resumed
from meta_search.run.folder import resume_command
from meta_search.run.members import Member
from meta_search.run.replay import Interrupted
from meta_search.run.run import Run
from meta_search.run.signals import signals
from meta_search.text import one_line
from meta_search.types import Candidate

__all__ = ["Sitting"]

AT_ONCE_S = 5.0  # that a stop leaves answers which are under way, and paid, to come


class Sitting:
    """One session of a search.

    Args:
        run: The run at work.
        resumed: The archive that earlier sessions left.
        own: Seeds that the person brings to a run that begins.
        fork: What another run knows, for one that begins with it.

    Attributes:
        search: What it does between its beginning and its end.
    """

    def __init__(
        self,
        run: Run,
        resumed: Archive | None = None,
        own: Sequence[Candidate] = (),
        fork: forking.Fork | None = None,
    ) -> None:
        self.search = Search(run, resumed, own)
        self._run, self._resumed, self._fork = run, resumed, fork

    def execute(self) -> RunSummary:
        """Begin or go on, search, and report on fresh test items."""
        search = self.search
        with signals(search.stopping.came):
            try:
                self._begin()
                why = search.search()
                search.steering.end()
                empty = why == "finish" and not self._has_found()
                self._say_end("finish, empty" if empty else why)
                search.races.drop()
                self._run.progress.tell()
                without = empty or why in ("signal", "scorer")
                return self._stopped() if without else self._report(stopped=why == "finish")
            except KeyboardInterrupt:
                self._run.journal.interrupt()
                self._say_end("signal")
                return self._stopped()
            except LLMError as error:
                self._say_end("error", one_line(error))
                raise
            except Interrupted:
                self._run.runner.cancel()
                return self._stopped("the recorded run ended here")
            finally:
                search.briefs.close()  # programs of authors end with the search, however it ends

    # -- its beginning

    def _begin(self) -> None:
        """Take up what earlier sessions left, or begin with what earlier runs, or another one, know."""
        search = self.search
        if self._resumed is not None:
            self._run.runner.pen.set_meta("end", None)
            self._run.runner.pen.set_meta("unpaid", None)
            self._run.runner.pen.set_meta("status", None)
            self._go_on(self._resumed)
            return
        search.steering.begin()
        search.briefs.contexts.windows = find_windows(self._run)
        warm_start.begin(self._run, search.guide)
        self._take_along()

    def _take_along(self) -> None:
        """A fork begins with the agents and the lesson of the run that it is made from."""
        agents, lesson = forking.begin(self._run, self._fork)
        for candidate in agents:
            self.search.admit(candidate)
        self.search.briefs.contexts.lessons.inherit(lesson)

    def _go_on(self, archive: Archive) -> None:
        """Take up what earlier sessions left: untold briefs, writing, races; and agents imported since."""
        run, search = self._run, self.search
        before = restore(archive, run, search.guide, search.briefs.contexts, search.briefs.modelled)
        run.journal.record(Resumed())
        new = run.journal.decide("imported", lambda: imported(archive, run.members))
        for record in run.journal.agents(archive, new):
            run.runner.pen.add_candidate(candidate_of(record), record.status)
            run.members.add(Member(candidate_of(record)))
        search.steering.begin(before)
        search.waiting[:] = [m for m in run.members if not m.done and m.agent.id not in before.races]
        search.briefs.restore(before)
        for agent, split in before.races.items():
            search.races.go_on(run.members[agent], split)
        search.hope()

    # -- its end

    def _has_found(self) -> bool:
        """Whether there is anything to report on: an agent that the search has found, and a seed."""
        return all(contenders(self._run.members, self._run.config.search.finalists, self._run.runner.folds))

    def _say_end(self, why: str, told: str = "") -> None:
        """Say and archive why the search ends, with the alarms that were not told yet."""
        runner, search = self._run.runner, self.search
        unpaid = search.briefs.unpaid
        told = told or {"scorer": runner.health.line}.get(why, unpaid.refusal or runner.refusal)
        end = end_of(why, self._run.config, search.briefs.barren, told, drafted=unpaid.drafted)
        if risk := search.races.standings.risk():
            end["text"] += f"; {risk}"
        runner.pen.set_meta("end", end)
        runner.pen.set_meta("unpaid", unpaid.stored)
        runner.pen.set_meta("outlooks", outlook_rows(search.guide))
        search.bell.look(now=True)
        self._run.progress.print_line(f"search ended: {end['text']}")

    def _stopped(self, why: str = "stopped before the end") -> RunSummary:
        if self.search.stopping.now and self._run.journal.resumable:
            self._run.session.end_within(AT_ONCE_S)
        self.search.briefs.close()
        self._run.runner.finish("stopped")
        self._say_stopped(why)
        return RunSummary(self._run.session.folder, 3, why)

    def _say_stopped(self, why: str) -> None:
        go_on = f". Go on with: {resume_command(self._run.session.folder)}"
        self._run.progress.print_line(
            f"{why}; everything is saved{go_on if self._run.journal.resumable else ''}"
        )

    def _report(self, stopped: bool = False) -> RunSummary:
        search = self.search
        search.briefs.close()
        search.briefs.modelled.close()
        self._run.session.set_phase("final")
        ending = final_report(self._run, lambda: stopped or search.stopping.finishing)
        self._run.runner.finish(ending.status)
        if ending.stopped:
            self._say_stopped("stopped before the end")
        status, verdict = 0 if ending.status == "done" else 3, ending.verdict
        return RunSummary(self._run.session.folder, status, verdict.sentence, ending.best, verdict)
