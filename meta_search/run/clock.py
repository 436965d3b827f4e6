"""A clock that stands while a person has paused a run."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Standstill"]


class Standstill:
    """For how long the clock of a run stood.

    Time that a search is paused counts for nothing: not for `budget.wall_s`, and not as time of the run. Who
    pauses wants the machine or the endpoint back for a while; a search that came back with its time used up
    would have lost what it was paused to keep.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._stood = clock, 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds so far; for any thread."""
        since = self._since
        return self._stood + (0.0 if since is None else self._clock() - since)

    def begin(self) -> None:
        """The clock stands from now on."""
        if self._since is None:
            self._since = self._clock()

    def end(self) -> None:
        """It goes on."""
        if self._since is not None:
            stood = self._clock() - self._since
            self._since = None
            self._stood += stood
