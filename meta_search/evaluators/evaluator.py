"""The interface of an evaluator: takes agents with items, returns futures of results."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from meta_search.types import ItemJob, ItemResult

__all__ = ["Evaluator"]


class Evaluator(Protocol):
    """Runs agents on items, in any order and any number at a time.

    A future resolves to a result whose `score` is `None`: the engine scores it, as only the engine knows the
    targets. A failure of the agent is a result; an exception is a fault of the system.
    """

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """Queue an item. Never blocks; may be called by any thread.

        Cancelling the future ends the item, or keeps it from being run.
        """
        ...

    def drop_waiting(self) -> None:
        """Cancel what no sandbox runs yet; what runs goes on. May be called by any thread."""
        ...

    def close(self) -> None:
        """End everything that runs and cancel what waits. May be called twice."""
        ...
