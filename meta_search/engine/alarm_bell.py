"""Tells alarms while a search runs: each kind when it first appears, and again when it has grown much."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from meta_search.report.alarms import Alarm, Evidence, Seen, alarms
from meta_search.run.run import Run

__all__ = ["AlarmBell"]

EVERY_S = 5.0
SPARE = 100  # times as long as a look takes, until the next one
TWICE, MORE = 2, 1.25  # growth of count and of share that is told


class AlarmBell:
    """Looks at a search from time to time.

    Args:
        run: The run at work.
        clock: Seconds.

    Attributes:
        briefs: Briefs that were delivered.
        stages: Stage of a failed draft -> how many, in this session.
        unpaid: Briefs since no meta model could be paid, and why not.
    """

    def __init__(self, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._run, self._clock = run, clock
        self._told: dict[str, Alarm] = {}
        self._next = clock() + EVERY_S
        self.briefs = 0
        self.stages: Counter[str] = Counter()
        self.unpaid = 0, ""

    def look(self, now: bool = False) -> None:
        """Tell what is new; mostly does nothing.

        Args:
            now: Look, whenever the last look was.
        """
        began = self._clock()
        if not now and began < self._next:
            return
        for alarm in alarms(self._evidence()):
            # What the start has said of the targets is not said again.
            if alarm.kind != "targets" and self._is_news(alarm):
                self._told[alarm.kind] = alarm
                self._run.progress.print_line(f"alarm: {alarm.line}")
        ended = self._clock()
        self._next = ended + max(EVERY_S, SPARE * (ended - began))

    def _is_news(self, alarm: Alarm) -> bool:
        told = self._told.get(alarm.kind)
        if told is None:
            return True
        share, before = alarm.count / max(1, alarm.of), told.count / max(1, told.of)
        return alarm.count >= TWICE * told.count and share >= MORE * before

    def _evidence(self) -> Evidence:
        members = self._run.members.all()
        rows = [(m, {split: list(found.values()) for split, found in m.results.items()}) for m in members]
        left_out = (r for _, splits in rows for found in splits.values() for r in found if r.kind == "scorer")
        return Evidence(
            agents=[Seen(splits, m.done and not m.stopped) for m, splits in rows],
            briefs=self.briefs,
            stages=self.stages,
            left_out=Counter(r.detail for r in left_out),
            unpaid=self.unpaid,
        )
