"""Evaluators: take items to run, give futures of what came of them."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from meta_search.types import ItemJob, ItemResult

__all__ = ["Evaluator"]


class Evaluator(Protocol):
    """Runs agents on items, in any order and any number at a time.

    Contract: `submit` never blocks and may be called by any thread. A future resolves to a result whose
    `score` is `None`: scoring is for the trusted side, which knows the targets. What an agent does wrong is
    a result; an exception is a fault of the system. A cancelled future that has not begun is not run.
    `close` ends everything that runs and cancels what waits; it may be called twice.
    """

    def submit(self, job: ItemJob) -> Future[ItemResult]: ...

    def close(self) -> None: ...
