"""Replay: a recorded search once more, without any endpoint, in the recorded order.

Everything is done again (briefs are asked for, authors write, candidates run in their sandbox) but for what
cannot be had twice: answers of models come from the recorded ledger; what clock, budget and faults of an
endpoint brought about comes from the recorded events; and whatever comes, comes in the recorded order. Each
step is compared with the recording, so that a replay ends in the same agents, decisions and scores, or in one
line that says where it diverges.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from archive.guard import making_sense
from archive.records import Archive, Record
from meta_search.errors import ConfigError, ReplayError
from meta_search.outcomes import UNSCORED
from meta_search.run.chances import Chances, DueChances
from meta_search.run.events import (
    BriefDelivered,
    Decided,
    Delivered,
    Event,
    ItemDelivered,
    Key,
    Resumed,
    SearchStopped,
    Steered,
    parse_rows,
)
from meta_search.run.journal import CHANCE, FINISH, Begun, Recorder, Rows, job_key
from meta_search.types import Brief, ItemJob, ItemResult, Split

__all__ = ["Interrupted", "Replay"]

BY_SIGNAL = ("finish", "signal")
BY_STATE = ("candidates", "budget", "nothing new", "scorer")  # stops that follow from what was delivered
KEPT = 64  # agents and splits whose words are kept in memory
NEVER = "nothing begun that could bring it, so that it can never come"

D = TypeVar("D", bound=Delivered)


class Interrupted(Exception):
    """The recorded run ended here, or was killed."""


@dataclass(frozen=True, slots=True)
class _Step:
    """An event of the recording with its number."""

    seq: int
    event: Event


class Replay:
    """The journal of a replay. The run that replays records its own events as it goes.

    Args:
        recording: Folder of the recorded run.

    Raises:
        ArchiveError: It is no run.
        ConfigError: It holds no search that can be replayed.
    """

    resumable = False

    def __init__(self, recording: Path) -> None:
        self.archive = Archive(recording)
        self._recording = recording
        with making_sense(self.archive.path):
            self._steps = [_Step(seq, event) for seq, event in parse_rows(self.archive.events())]
        if not any(isinstance(step.event, Delivered) for step in self._steps):
            raise ConfigError(f"{recording} records no search: llm.recording names the folder of a search")
        self._at = 0
        self._end = self._session_end()
        self._places: dict[Key, list[int]] = {}
        for place, step in enumerate(self._steps):
            if isinstance(step.event, Delivered):
                self._places.setdefault(step.event.key, []).append(place)
        self._again = Recorder()
        self._expected: set[Key] = set()
        self._early: dict[Key, object] = {}
        self._said = lru_cache(KEPT)(self._words)

    def close(self) -> None:
        """Close the recording."""
        self.archive.close()

    def check_items(self, digest: str) -> None:
        """See that the domain has the items of the recording.

        Args:
            digest: Of the domain's items; see `run.recording.items_digest`.

        Raises:
            ConfigError: It has others.
        """
        if self.archive.meta("items") != digest:
            raise ConfigError(
                f"the items are not those of {self._recording}: name the recorded file with domain.path=…, "
                "and replay with the versions of packages that it was recorded with"
            )

    def resume(self) -> bool:
        """Go on with the recording's next session; false where there is none."""
        if self._end >= len(self._steps):
            return False
        self._at = self._end  # what the ended session would still have done is not recorded
        return True

    # -- the Protocol `Journal`

    def open(self, write: Callable[[Rows], None]) -> None:
        self._again.open(write)
        self._end = self._session_end()
        self._expected, self._early = set(), {}

    def expect(self, key: Key) -> None:
        self._expected.add(key)

    def comes(self, key: Key) -> bool:
        return self._place(key) is not None

    def put(self, key: Key, happened: object) -> None:
        # Sorted on the engine's thread, which alone may touch what is early.
        self._again.put(key, (key, happened))

    def wake(self) -> None:
        self._again.wake()

    def next(self, timeout_s: float) -> object | None:
        step = self._peek()
        if isinstance(step.event, SearchStopped | Steered) or _is_finish(step.event):  # while it waited
            return None
        if not isinstance(step.event, Delivered):
            raise self._diverges(step, "a wait for what was begun")
        key = step.event.key
        if key not in self._expected:
            raise self._diverges(step, NEVER)
        if key not in self._early:
            found: Any = self._again.next(timeout_s)
            if found is not None:
                self._early[found[0]] = found[1]
        if key not in self._early:
            return None
        self._expected.discard(key)
        return self._early.pop(key)

    def arrived(self, begun: Begun, timeout_s: float) -> list[Future[Any]]:
        step = self._peek()
        if not isinstance(step.event, Delivered):
            return []
        if step.event.key not in begun:
            raise self._diverges(step, NEVER)
        return list(wait([begun[step.event.key]], timeout_s or None).done)

    def record(self, event: Event) -> None:
        step = self._peek()
        if isinstance(event, BriefDelivered) and isinstance(step.event, BriefDelivered):
            event = event.like(step.event)
        if (event.kind, _plain(event)) != (step.event.kind, _plain(step.event)):
            raise self._diverges(step, _line(event))
        self._at += 1
        self._again.record(event)

    def decide(self, what: str, clock: Callable[[], Any]) -> Any:
        step = self._peek()
        if not isinstance(step.event, Decided) or step.event.what != what:
            raise self._diverges(step, f"a decision on {what}")
        self.record(step.event)
        return step.event.value

    def find(self, what: str, look: Callable[[], Any]) -> Any:
        event = self._peek().event
        return self.decide(what, look) if isinstance(event, Decided) and event.what == what else None

    def steered(self, look: Callable[[], Steered | None]) -> Steered | None:
        event = self._steps[self._at].event if self._at < self._end else None
        if not isinstance(event, Steered):
            return None
        self.record(event)
        return event

    def expired(self, clock: Callable[[], bool]) -> bool:
        return bool(self.find("end", clock))

    def stop(self, why: str) -> str:
        if why == "signal":  # of whoever watches the replay, which ends here
            self.interrupt()
            return why
        event = self._steps[self._at].event if self._at < self._end else None
        told = event.why if isinstance(event, SearchStopped) else ""
        if (told in BY_STATE or why in BY_STATE) and why != told and told not in BY_SIGNAL:
            raise self._diverges(self._peek(), f"a stop ({why})" if why in BY_STATE else "no stop")
        if event is not None and told:
            self.record(event)
        return told

    def interrupt(self) -> None:
        self._end = self._at
        del self._steps[self._at :]

    def recorded(self, job: ItemJob) -> ItemResult | None:
        event = self._delivered(job_key(job), ItemDelivered)
        return None if event is None or event.outcome not in CHANCE else self._result(event)

    def as_said(self, result: ItemResult) -> ItemResult:
        was = self._said(result.agent, result.split).get((result.item, result.repeat), result)
        if was is not result:
            result = replace(result, feedback=was.feedback)
        return (
            result if was.kind != result.kind else replace(result, detail=was.detail, programs=was.programs)
        )

    def chances(self, brief: Brief) -> Chances:
        event = self._delivered(("written", brief.code), BriefDelivered)
        return DueChances([], ()) if event is None else DueChances(event.chances, event.handed)

    def agents(self, archive: Archive, ids: Iterable[str]) -> list[Record]:
        return self.archive.get(ids)  # the run that replays has not imported them yet

    def flush(self, now: bool = True) -> None:
        self._again.flush(now)

    # -- within the recording

    def _session_end(self) -> int:
        """Where the session that begins here ends: at the next `Resumed`, or with the recording."""
        rest = range(self._at + 1, len(self._steps))
        return next((n for n in rest if isinstance(self._steps[n].event, Resumed)), len(self._steps))

    def _peek(self) -> _Step:
        if self._at >= self._end:
            raise Interrupted
        return self._steps[self._at]

    def _place(self, key: Key) -> int | None:
        """Where this session next delivers a key."""
        places = self._places.get(key, [])
        found = bisect_left(places, self._at)
        return None if found == len(places) or places[found] >= self._end else places[found]

    def _delivered(self, key: Key, kind: type[D]) -> D | None:
        place = self._place(key)
        event = None if place is None else self._steps[place].event
        return event if isinstance(event, kind) else None

    def _words(self, agent: str, split: Split) -> dict[tuple[str, int], ItemResult]:
        """(Item, repeat) -> what scorer, exceptions and programs said; of programs on train, where authors
        read it."""
        results = self.archive.results(agent, split, trace=split == "train")
        return {(r.item, r.repeat): replace(r, trace=(), networks=()) for r in results}

    def _result(self, event: ItemDelivered) -> ItemResult:
        if event.outcome in UNSCORED:
            return ItemResult(
                event.agent, event.split, event.item, event.repeat, event.outcome, detail=event.detail
            )
        for result in self.archive.results(event.agent, event.split):
            if (result.item, result.repeat) == (event.item, event.repeat):
                return replace(result, fresh=False)
        raise ReplayError(f"{self._recording} has no result of {_line(event)}")

    def _diverges(self, step: _Step, got: str) -> ReplayError:
        return ReplayError(
            f"the replay diverges from {self._recording} at event {step.seq}: expected {_line(step.event)}, "
            f"got {got}; a replay needs the program, items and models of its recording"
        )


def _is_finish(event: Event) -> bool:
    return isinstance(event, Decided) and event.what == FINISH


def _plain(event: Event) -> Any:
    """What is compared: an event as its row holds it, without the words for people.

    That an agent was stopped is compared, not how that is said.
    """
    row: dict[str, Any] = json.loads(json.dumps(event.data()))
    return {**row, "stopped": bool(row["stopped"])} if "stopped" in row else row


def _line(event: Event) -> str:
    """An event in one line."""
    told: Mapping[str, Any] = event.data()
    shown = ", ".join(f"{name} {value}" for name, value in told.items() if value not in ([], {}, "", None))
    return f"{event.kind}: {shown if len(shown) < 400 else shown[:400] + '…'}"
