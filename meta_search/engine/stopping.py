"""What signals ask of a search: to finish, to stop, to end at once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from meta_search.run.run import Run
from meta_search.run.signals import FINISH, STOP, Escalation

__all__ = ["Stopping"]

SHARE = 0.5  # of the seconds of grace: for what is in flight; the rest is the report's


class Stopping:
    """How far signals have asked a search to end.

    The first Ctrl-C has it finish what is in flight and report, within `run.grace_s`; the second one, or a
    SIGTERM, stops it in good order; the next one where it stands, and from then on signals kill.

    Args:
        run: The run at work.
        in_flight: Counts the items that run now.
    """

    def __init__(self, run: Run, in_flight: Callable[[], int]) -> None:
        self._run, self._in_flight = run, in_flight
        self._asked = Escalation(run.config.run)
        self._until = float("inf")

    @property
    def finishing(self) -> bool:
        """Whether nothing new is to be begun."""
        return self._asked.level >= FINISH

    @property
    def now(self) -> bool:
        """Whether the search is to stop now."""
        return self._asked.level >= STOP

    @property
    def patient(self) -> bool:
        """Whether there is time left for what is in flight."""
        return time.monotonic() < self._until

    def finish(self) -> None:
        """A person asks for what a first Ctrl-C asks for; nothing where it is under way already."""
        if not self._asked.level:
            self.came(signal.SIGINT)

    def came(self, number: signal.Signals) -> None:
        """A signal came.

        Raises:
            KeyboardInterrupt: The search, or its report, is to end where it stands.
        """
        final = self._run.progress.phase == "final"
        # A replay, which pays nothing, just ends.
        level = self._asked.came(number, may_finish=self._run.journal.resumable)
        if level == FINISH:
            self._finish(final)
        if level > STOP or (final and level == STOP):
            raise KeyboardInterrupt
        self._run.journal.wake()

    def _finish(self, final: bool) -> None:
        grace, n = self._run.config.run.grace_s, self._in_flight()
        self._until = time.monotonic() + SHARE * grace
        items = f"{n} item{'' if n == 1 else 's'} in flight"
        what = "the final report" if final else f"finishing {items}, then the final report,"
        line = f"stopping: {what} within {grace:g} s; Ctrl-C again to stop at once"
        self._run.progress.end_within(grace, line)
