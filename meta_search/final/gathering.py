"""Results of the final report, taken as they come."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from meta_search.final.reserve import RESERVE_S
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import ItemResult

__all__ = ["gather"]


def gather(run: Run, futures: Sequence[tuple[Member, Future[ItemResult]]]) -> bool:
    """Take results of the final report as they come. True if time or budget ended before all were there.

    What had come by then is paid and archived, so it is taken too: else this report would know of fewer items
    than the archive.
    """
    open_ = {future: member for member, future in futures}

    def take(timeout_s: float) -> tuple[bool, bool]:
        found = run.runner.arrived(open_, timeout_s)
        stops = [run.runner.deliver(open_.pop(future), future) for future in found]
        return bool(found), any(stops)

    def rest() -> bool:
        while open_ and take(0.0)[0]:
            pass
        return True

    while open_:
        if take(0.5)[1]:
            return rest()
        run.progress.show(run.members, _lines(run, [m for m, _ in futures]))
        run.runner.tick()
        if run.journal.expired(lambda: run.progress.time_left() < RESERVE_S / 2):
            return rest()
    return False


def _lines(run: Run, members: Sequence[Member]) -> tuple[str, ...]:
    """One line for each contender."""
    planned = run.runner.planned("test")
    return tuple(f"test: «{m.agent.name}» {len(m.rows('test'))}/{planned}" for m in dict.fromkeys(members))
