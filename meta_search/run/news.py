"""Who is told of a run besides its caller: `run.notify` and `run.tracking`, as listeners to its events."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from archive.records import Archive
from meta_search.config import Config
from meta_search.run.caller import Caller
from meta_search.run.notify import Notifier, check_notify
from meta_search.run.progress import Progress
from meta_search.run.tracking import Tracking, check_tracking
from meta_search.run.watch import OnEvent, SearchEvent
from meta_search.types import Usage

__all__ = ["check_news", "with_news"]


def check_news(config: Config) -> None:
    """See that whoever is to be told of a run can be; a replay tells nobody.

    Raises:
        ConfigError: One cannot; one line.
    """
    if config.llm.mode != "replay":
        check_notify(config)
        check_tracking(config)


@contextlib.contextmanager
def with_news(
    caller: Caller, config: Config, folder: Path, progress: Progress, before: Archive | None = None
) -> Iterator[Caller]:
    """A caller with whom `run.notify` and `run.tracking` listen as well, until the block ends.

    Args:
        caller: Who starts the run.
        config: Its configuration.
        folder: Its folder.
        progress: Gets a line where somebody could not be told.
        before: The archive that earlier sessions left.
    """
    if config.llm.mode == "replay" or not (config.run.notify or config.run.tracking):
        yield caller
        return
    paid = sum(before.usage().values(), Usage()) if before else Usage()
    elapsed = float((before.meta("elapsed_s") if before else 0.0) or 0.0)
    listeners: list[Callable[[SearchEvent], None]] = []
    with contextlib.ExitStack() as stack:
        if config.run.notify:
            notifier = Notifier(config, folder, progress.say_later, paid, elapsed, before is None)
            listeners.append(stack.enter_context(notifier.until_closed()))
        if config.run.tracking:
            tracking = Tracking(config, folder, progress.say_later)
            listeners.append(stack.enter_context(tracking.until_closed()))
        yield replace(caller, on_event=_all(listeners, caller.on_event))


def _all(listeners: Sequence[Callable[[SearchEvent], None]], last: OnEvent | None) -> OnEvent:
    """All listeners as one; what the caller's own returns counts."""

    def tell(event: SearchEvent) -> object:
        for listener in listeners:
            listener(event)
        return last(event) if last is not None else None

    return tell
