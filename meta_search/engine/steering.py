"""Steering: what people ask of a search while it runs, done on the engine's thread, between two of its steps.

Each request is an event of the journal when it is taken in, and all that it does follows from that event. So
a replay does the same at the same place, and a run that was killed is gone on with as it was steered:
`engine.restore` repeats what requests have changed.
"""

from __future__ import annotations

from concurrent.futures import Future

from meta_search.engine.briefs import Briefs
from meta_search.engine.focus import BRIEFS
from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.races import Races
from meta_search.engine.restore import Restored
from meta_search.engine.stopping import Stopping
from meta_search.errors import ConfigError
from meta_search.run.mailbox import Mailbox
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.run.steered import KEPT, Steered, clock_time
from meta_search.run.steering import limited
from meta_search.text import one_line

__all__ = ["Steering"]


class Steering:
    """Takes requests in.

    Args:
        run: The run at work.
        briefs: Of the search.
        races: Of the search.
        waiting: Agents that wait for their evaluation.
        stopping: What signals ask for.
    """

    def __init__(
        self, run: Run, briefs: Briefs, races: Races, waiting: list[Member], stopping: Stopping
    ) -> None:
        self._run, self._briefs, self._races = run, briefs, races
        self._waiting, self._stopping = waiting, stopping
        self._mailbox = Mailbox(run.session.folder)
        self._paused: Steered | None = None
        self._added = 0

    @property
    def paused(self) -> bool:
        """Whether nothing new is begun for now."""
        return self._paused is not None

    def begin(self, before: Restored | None = None) -> None:
        """A session begins, and with it a pause of an earlier one ends: who resumes wants it to go on.

        Args:
            before: What earlier sessions left.
        """
        self._added = before.added if before else 0
        if self._run.journal.resumable:
            for stale in self._mailbox.forget(before.steered if before else (), KEPT):
                self._run.progress.print_line(f"{_told(stale)}: came too late, as the search had ended")
        self._keep()

    def end(self) -> None:
        """The search is over, and with it a pause."""
        if self._paused is not None:
            self._paused = None
            self._run.session.stand(False)
            self._keep()

    def lines(self) -> tuple[str, ...]:
        """What is to be seen of it, with what is under way."""
        now = self._paused
        return () if now is None else (f"paused by {now.who} at {clock_time(now.at)}",)

    def take(self) -> None:
        """Do what was asked for since the last time."""
        while (steered := self._run.journal.steered(self._mailbox.next)) is not None:
            self._run.progress.print_line(f"{_told(steered)}: {self._do(steered)}")
            self._keep(steered)
        while self._mailbox.removed:
            self._run.progress.print_line(self._mailbox.removed.popleft())

    def end_pause(self) -> None:
        """The search is to finish: what a pause held up is looked at once more."""
        if self._paused is not None:
            self._go_on()
            self._keep()

    # -- inside

    def _keep(self, steered: Steered | None = None) -> None:
        """Archive whether the search is paused. By then the event is there, so its request may go."""
        now = self._paused
        paused = None if now is None else {"who": now.who, "at": now.at}
        written = self._run.runner.pen.set_meta("steered", {"paused": paused})
        if steered is not None and self._run.journal.resumable:

            def archived(done: Future[None]) -> None:
                if not done.cancelled() and done.exception() is None:
                    self._mailbox.done(steered)

            written.add_done_callback(archived)

    def _do(self, steered: Steered) -> str:
        """Do what was asked. Returns what comes of it, for people."""
        match steered.command:
            case "pause":
                return self._pause(steered)
            case "resume":
                return self._go_on()
            case "stop":
                if self._run.journal.resumable:  # what follows of it is recorded, too
                    self._stopping.finish()
                return "finishes what is in flight, then reports"
            case "limit":
                return self._limit(steered)
            case "note":
                new = self._briefs.contexts.hints.give(steered)
                return (
                    "in the prompts of the next briefs" if new else "was given before: counts as the newest"
                )
            case "add":
                return self._add(steered)
            case "focus":
                return self._focus(steered)
            case _:
                return self._drop(steered)

    def _pause(self, steered: Steered) -> str:
        if self._paused is not None:
            return f"paused already by {self._paused.who} at {clock_time(self._paused.at)}"
        self._paused, self._races.holding = steered, True
        self._run.session.stand(True)
        return "what is in flight ends, nothing new begins, the clock stands"

    def _go_on(self) -> str:
        if self._paused is None:
            return "was not paused"
        self._paused = None
        self._run.session.stand(False)
        self._races.release()
        return "goes on"

    def _limit(self, steered: Steered) -> str:
        run = self._run
        try:
            config = limited(run.config, steered)
        except ConfigError as error:
            return f"refused: {one_line(error, 200)}"
        run.progress.limit(config)
        if run.journal.resumable:
            run.session.limit(config)
        else:  # a replay pays nothing
            run.session.config = config
        self._briefs.unpaid.lift(self._briefs.writing)
        return "holds from now on"

    def _add(self, steered: Steered) -> str:
        open_brief = OpenBrief.of_person(steered, self._added, self._run.config.seed)
        self._added += 1
        self._briefs.write(open_brief)
        return "is checked and run dry, then raced as any other"

    def _focus(self, steered: Steered) -> str:
        member = self._run.members.get(steered.agent)
        if member is None:
            return "no agent of this run"
        if member.dropped:
            return f"«{member.agent.name}» was dropped, and stays so"
        self._briefs.contexts.focus.on(member.agent.id)
        return f"«{member.agent.name}» is a parent of half of the next {BRIEFS} briefs that change an agent"

    def _drop(self, steered: Steered) -> str:
        member = self._run.members.get(steered.agent)
        if member is None:
            return "no agent of this run"
        self._briefs.contexts.focus.off(member.agent.id)
        unknown = not member.done
        self._races.dismiss(member, steered.why)
        name = f"«{member.agent.name}»"
        if member.seed:
            return f"{name} is no parent any more; it is a seed, and stays a baseline"
        if not member.done:
            return f"{name} is no parent and no finalist; its race ends with the items in flight"
        if member in self._waiting:
            self._waiting.remove(member)
        if unknown:
            self._briefs.learn(member)
        return f"{name} is no parent and no finalist any more"


def _told(steered: Steered) -> str:
    return f"steered by {steered.who} at {clock_time(steered.at)}, {steered.line()}"
