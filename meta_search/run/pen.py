"""Typed writes to the archive, whatever process holds it.

The archive is written by one process only (`run.service`). Everything else writes through a `Pen`: it has the
writing methods of `archive.store.Store`, and each call becomes a message to that process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from meta_search.types import (
    ArchivedItem,
    Attempt,
    Candidate,
    Evaluation,
    Importance,
    ItemResult,
    MetaName,
)

__all__ = ["Pen", "make_pen"]


class Pen(Protocol):
    """What can be written; `archive.store.Store` documents each method.

    A future resolves once the write is committed. Writes happen in the order of the calls. Arguments are
    positional, as they travel in a message.
    """

    def add_candidate(self, candidate: Candidate, status: str, /) -> Future[bool]: ...

    def set_status(self, agent: str, status: str, /) -> Future[None]: ...

    def set_same(self, agent: str, other: str, /) -> Future[None]: ...

    def add_results(self, results: Iterable[ItemResult], /) -> Future[None]: ...

    def put_evaluation(self, evaluation: Evaluation, /) -> Future[None]: ...

    def put_items(self, rows: Iterable[ArchivedItem], afresh: bool = False, /) -> Future[None]: ...

    def put_importance(self, rows: Iterable[Importance], /) -> Future[None]: ...

    def add_attempt(self, attempt: Attempt, /) -> Future[None]: ...

    def add_trial(
        self,
        study: str,
        number: int,
        params: Mapping[str, Any],
        values: Sequence[float] | None = None,
        state: str = "running",
        agent: str | None = None,
        /,
    ) -> Future[None]: ...

    def add_events(self, rows: Iterable[tuple[str, Mapping[str, Any]]], /) -> Future[None]: ...

    def copy_ledger(self, recording: Path | str, /) -> Future[int]: ...

    def set_meta(self, key: MetaName, value: Any, /) -> Future[None]: ...


class _Proxy:
    def __init__(self, send: Callable[..., Future[Any]]) -> None:
        self._send = send

    def __getattr__(self, method: str) -> Callable[..., Future[Any]]:
        return partial(self._send, method)


def make_pen(send: Callable[..., Future[Any]]) -> Pen:
    """A pen over a message channel.

    Args:
        send: Called with the name of a method of `Store` and its arguments.
    """
    return cast(Pen, _Proxy(send))
