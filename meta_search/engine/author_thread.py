"""The thread that an author writes in, and what it came to there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from meta_search.authors.author import Written
from meta_search.errors import MetaSearchError
from meta_search.text import error_line
from meta_search.types import Attempt, Brief

__all__ = ["in_thread", "outcome_of"]

T = TypeVar("T")


def in_thread(work: Callable[[], T]) -> Future[T]:
    """Run something in a daemon thread: an author that waits for a model must not hold up the end."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (handed to whoever waits)
            future.set_exception(error)

    threading.Thread(target=run, name="author", daemon=True).start()
    return future


def outcome_of(brief: Brief, future: Future[Written]) -> Written:
    """What an author came to. A fault in an author costs its brief, not the run; ours end the run."""
    try:
        return future.result()
    except MetaSearchError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, it is archived as a failed attempt)
        message = error_line(error)
        return Written(None, (Attempt(brief.code, brief.author, brief.operator, "draft", message),))
