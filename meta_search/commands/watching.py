"""`meta-search status --watch`: a run in another process, redrawn until it ends."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.commands.terminal import console
from meta_search.dashboard.views.now import under_way
from meta_search.dashboard.views.row_of_run import limits_of
from meta_search.dashboard.views.shared import config_of
from meta_search.dashboard.views.standing import AT_WORK, state_of, steered_limits
from meta_search.report.snapshot import Snapshot, SnapshotRow
from meta_search.run.folder import LOG
from meta_search.text import one_line
from meta_search.types import Usage, pareto_front

if TYPE_CHECKING:
    from archive.records import Archive, Record

__all__ = ["Look", "watch"]

EVERY_S = 1.0  # between two looks
LINE_EVERY_S = 10.0  # between two plain lines, where there is no terminal
MOST_ROWS, MOST_MESSAGES, LONGEST = 12, 6, 160
TAIL = 8_192  # bytes of the log that are read
PHASES = {"searching": "search", "reporting": "final"}  # as a search calls them on its own screen


class Look:
    """Looks at a run that another process writes, as the page does. Cheap enough to be asked each second.

    Args:
        folder: The run.
        archive: Its archive.
    """

    def __init__(self, folder: Path, archive: Archive) -> None:
        self._folder, self._archive = folder, archive

    @property
    def ended(self) -> bool:
        """Whether nobody writes it any more."""
        return state_of(self._archive) not in AT_WORK

    def snapshot(self) -> Snapshot:
        """What it looks like now."""
        archive, state = self._archive, state_of(self._archive)
        paid = sum(archive.usage().values(), Usage())
        records = [r for r in archive.top(MOST_ROWS, self._split()) if not r.same_as]
        return Snapshot(
            phase=PHASES.get(state, state),
            elapsed_s=self.elapsed(),
            wall_s=self.limits()["wall_s"],
            calls=paid.calls,
            tokens=paid.tokens,
            cost_usd=paid.cost_usd,
            rows=self._rows(records),
            agents=len(archive),
            in_flight=_in_flight(*under_way(archive, state, time.time())),
        )

    def messages(self) -> list[str]:
        """The last lines of its log, without their times."""
        with contextlib.suppress(OSError), (self._folder / LOG).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()[1:]
            told = [line.partition(" ")[2] for line in lines if line[2:3] == ":" and " [" not in line[:10]]
            return [one_line(line, LONGEST) for line in told[-MOST_MESSAGES:]]
        return []

    def limits(self) -> dict[str, float | None]:
        """The budget that holds now: `usd`, `tokens`, `calls`, `wall_s`."""
        return limits_of(config_of(self._folder, self._archive), steered_limits(self._archive))

    def elapsed(self) -> float:
        """Seconds of the run so far, as it writes them down while it works."""
        return float(self._archive.meta("elapsed_s") or 0.0)

    def _split(self) -> Any:
        return "test" if self._archive.meta("kind") == "evaluate" else "train"

    def _rows(self, records: list[Record]) -> tuple[SnapshotRow, ...]:
        split = self._split()
        found = [(record, record.evaluations[split]) for record in records]
        costs = [e.used.tokens / max(1, e.items) for _, e in found]
        planned = max((e.items for _, e in found if e.complete), default=0)
        sure = [e.sure if e.complete else -1.0 for _, e in found]
        scores = list(zip(sure, costs, strict=True))
        front = set(pareto_front(scores)) if scores else set()
        return tuple(
            SnapshotRow(
                agent=record.agent.id,
                name=record.agent.name,
                author=record.author,
                operator=record.operator,
                score=e.score,
                low=e.low,
                high=e.high,
                items=e.items,
                planned=max(planned, e.items),
                tokens_per_item=cost,
                on_front=place in front and e.complete,
            )
            for place, ((record, e), cost) in enumerate(zip(found, costs, strict=True))
        )


def _in_flight(
    writing: Sequence[Mapping[str, Any]], evaluating: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    """What is written and evaluated, a line each; from `Now` of the page."""
    written = [f"brief {w['brief']}: {w['author']} writes by {w['operator']}" for w in writing]
    raced = [
        f"{one_line(r['name'], 60)}: {r['done']} of {r['planned']} {r['split']} items" for r in evaluating
    ]
    return (*written, *raced)


def watch(folder: Path, archive: Archive, as_json: bool, row: Callable[[], Mapping[str, Any]]) -> None:
    """Show a run until it ends, or until Ctrl-C.

    On a terminal the picture is redrawn; elsewhere a line is printed where something changed.

    Args:
        folder: The run.
        archive: Its archive.
        as_json: Print a JSON object a line, as of `status --json`, where something changed.
        row: Makes that object.
    """
    look, pause = Look(folder, archive), threading.Event()
    with contextlib.suppress(KeyboardInterrupt):
        if as_json or not sys.stdout.isatty():
            _lines(look, as_json, row, pause)
        else:
            _redrawn(look, pause)


def _redrawn(look: Look, pause: threading.Event) -> None:
    from rich.live import Live

    from meta_search.report.live import render

    place = console()
    with Live(console=place, auto_refresh=False, transient=True) as live:
        while True:
            live.update(render(look.snapshot(), look.messages(), place), refresh=True)
            if look.ended:
                return
            pause.wait(EVERY_S)


def _lines(look: Look, as_json: bool, row: Callable[[], Mapping[str, Any]], pause: threading.Event) -> None:
    from meta_search.report.live import status_line

    shown, shown_at = "", float("-inf")
    while True:
        ended = look.ended
        line = json.dumps(row(), default=str) if as_json else status_line(look.snapshot())
        what = line.partition("] ")[2] or line
        if what != shown and (ended or time.monotonic() - shown_at >= LINE_EVERY_S):
            shown, shown_at = what, time.monotonic()
            print(line, flush=True)
        if ended:
            return
        pause.wait(EVERY_S)
