"""What is shown while a run goes on, and how much time it has left."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from meta_search.config import Config
from meta_search.llm.gateway import GatewayStatus
from meta_search.report.live import LiveView
from meta_search.report.notebook import make_view
from meta_search.report.screen import RunLog, lasting
from meta_search.report.snapshot import Snapshot, SnapshotRow
from meta_search.run.folder import LOG
from meta_search.run.members import Member, Members
from meta_search.run.session import Session
from meta_search.types import Split, Usage, wilson

__all__ = ["Progress"]

MOST_ROWS = 12
STATUS_EVERY_S = 1.0
SHOW_EVERY_S = 0.25


class Progress:
    """The live view of one run. A context manager; `attach` it to the session once that is open.

    Args:
        config: The configuration.
        folder: The run folder.
        elapsed_s: Seconds of earlier sessions.
        live: Whether anything is shown.
        split: The split whose scores are shown.
    """

    def __init__(
        self, config: Config, folder: Path, elapsed_s: float, live: bool, split: Split = "train"
    ) -> None:
        self._config, self._folder, self._live, self._split = config, folder, live, split
        self._started = time.monotonic() - elapsed_s
        self._session: Session | None = None
        self._status: GatewayStatus | None = None
        self._asked_at = self._shown_at = 0.0
        self._ends = float("inf")  # of the monotonic clock
        self._told: deque[str] = deque()
        self._later: deque[str] = deque()
        self._noted = 0  # lines of the gateway that were said
        self.phase = "starting"
        self._view = make_view(lambda: LiveView(log=RunLog(folder / LOG)))
        self.listener: Callable[[str], object] | None = None

    def __enter__(self) -> Progress:
        if self._live:
            with lasting(sys.stdout):
                print(f"run folder: {self._folder}")
            self._view.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            while self._told:  # what other threads said when nothing was drawn any more
                self.print_line(self._told.popleft())
            self._view.close()

    def attach(self, session: Session) -> None:
        """The session is open: its gateway can be asked from now on."""
        self._session = session
        self.phase = "search"

    @property
    def elapsed(self) -> float:
        """Seconds of the run, earlier sessions and the start included, without those of pauses."""
        stood = 0.0 if self._session is None else self._session.stood.seconds
        return time.monotonic() - self._started - stood

    def limit(self, config: Config) -> None:
        """Other limits hold from now on."""
        self._config = config

    def search_time_left(self) -> float:
        """Seconds until the share of the final report begins."""
        budget = self._config.budget
        return (
            float("inf") if budget.wall_s is None else budget.wall_s * (1 - budget.final_share) - self.elapsed
        )

    def time_left(self) -> float:
        """Seconds until the run must have ended."""
        wall = self._config.budget.wall_s
        return min(float("inf") if wall is None else wall - self.elapsed, self._ends - time.monotonic())

    def end_within(self, seconds: float, line: str) -> None:
        """Give the run no more than this time from now; for a signal's handler.

        Args:
            seconds: Until it must have ended.
            line: Shown at the next `show`: the handler may have interrupted one that prints.
        """
        self._ends = time.monotonic() + seconds
        self._told.append(line)

    def say(self, line: str) -> None:
        """One line on something that happened."""
        if self._live:
            self._view.say(line)

    def say_later(self, line: str) -> None:
        """One line that stays, from any thread: printed at the next `show`."""
        self._told.append(line)

    def later(self, line: str) -> None:
        """As `say`, from any thread: it is said at the next `show`."""
        self._later.append(line)

    def tell(self) -> None:
        """Say what the gateway has found out: what an endpoint takes, that it is down, or asks to wait."""
        if not self._live or self._session is None:
            return
        self._status, self._asked_at = self._session.status(), time.monotonic()
        for line in self._status.notes[self._noted :]:
            self.say(line)
        self._noted = len(self._status.notes)

    def print_line(self, line: str) -> None:
        """One line that stays where it is, above what is redrawn; the listener gets it too."""
        if self.listener is not None:
            self.listener(line)
        if self._live:
            self._view.note(line)

    def ask(self, question: str) -> bool | None:
        """Ask on the terminal, yes or no; `None` where there is none, or nothing is shown."""
        if not self._live or not (sys.stdin.isatty() and sys.stdout.isatty()):
            return None
        self._view.close()
        try:
            answer = input(f"{question} [y/N] ")
        except EOFError:
            answer = ""
        self._view.__enter__()
        return answer.strip().lower() in ("y", "yes")

    def show(
        self, members: Members, in_flight: tuple[str, ...], message: str = "", last: bool = False
    ) -> None:
        """Draw the state; cheap enough to be called at every event.

        Args:
            members: All agents.
            in_flight: What is being written or evaluated, one line each.
            message: The last thing that happened.
            last: Whether this is the picture that stays: it is drawn in any case, with what is paid by now.
        """
        while self._told:
            self.print_line(self._told.popleft())
        while self._later:
            self.say(self._later.popleft())
        now = time.monotonic()
        if not self._live or (now - self._shown_at < SHOW_EVERY_S and not last):
            return
        self._shown_at = now
        if last or now - self._asked_at >= STATUS_EVERY_S:
            self.tell()
        paid = sum(self._status.paid.values(), Usage()) if self._status else Usage()
        rows, agents = self._rows(members)
        self._view.update(
            Snapshot(
                phase=self.phase,
                elapsed_s=self.elapsed,
                wall_s=self._config.budget.wall_s,
                calls=paid.calls,
                tokens=paid.tokens,
                cost_usd=paid.cost_usd,
                rows=rows,
                agents=agents,
                in_flight=in_flight,
                message=message,
            )
        )

    def _rows(self, members: Members) -> tuple[tuple[SnapshotRow, ...], int]:
        """The best agents, and how many there are in all."""
        complete = {m.agent.id for m in members.finished()}
        fronts = complete & set(members.population().pareto())
        split = self._split
        counted = [m for m in members.ranked(split) if not m.same_as]
        ranked = sorted(counted, key=lambda m: (bool(m.stopped) or not m.done, -m.score(split)))
        return tuple(self._row(m, m.agent.id in fronts) for m in ranked[:MOST_ROWS]), len(ranked)

    def _row(self, member: Member, on_front: bool) -> SnapshotRow:
        scores = member.scores(self._split)
        low, high = wilson(sum(scores.values()), len(scores))
        brief, tells = member.candidate.brief, self._config.domain.model_free != "allow"
        return SnapshotRow(
            agent=member.agent.id,
            name=member.agent.name,
            author=brief.author,
            operator=brief.operator,
            score=member.score(self._split),
            low=low,
            high=high,
            items=len(member.rows(self._split)),
            planned=member.wanted.get(self._split, 0),
            tokens_per_item=member.cost(self._split),
            on_front=on_front,
            model_free=member.evaluation(self._split).free_share if tells else 0.0,
        )
