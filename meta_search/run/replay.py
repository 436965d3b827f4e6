"""Replay: a recorded search once more, without any endpoint, in the recorded order.

Everything is done again (briefs are asked for, authors write, candidates run in their sandbox) but for what
cannot be had twice: answers of models come from the recorded ledger; what clock, budget and faults of an
endpoint brought about comes from the recorded events; and whatever comes, comes in the recorded order. Each
step is compared with the recording, so that a replay ends in the same agents, decisions and scores, or in one
line that says where it departs.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archive.records import Archive, Event
from meta_search.errors import ConfigError, ReplayError
from meta_search.outcomes import UNSCORED
from meta_search.run.journal import CHANCE, Action, Journal, Key, job_key, key_of
from meta_search.types import ItemJob, ItemResult

__all__ = ["Interrupted", "Replay"]

KINDS = ("ask", "delivery", "decision", "race", "resume", "stop", "tell")
BY_STATE = ("candidates", "budget")  # stops that follow from what was delivered


NEVER = "has begun nothing of the kind, so that it can never come"


class Interrupted(Exception):
    """The recorded run was ended here, or killed.

    Attributes:
        resumed: Whether it was resumed afterwards.
    """

    def __init__(self, resumed: bool) -> None:
        super().__init__()
        self.resumed = resumed


class Replay(Journal):
    """Hands out what has come in the order of a recording, and holds every step against it.

    Args:
        recording: The recorded run.

    Raises:
        ArchiveError: It is none. ConfigError: It holds no search that can be replayed.
    """

    replays = True

    def __init__(self, recording: Path) -> None:
        super().__init__()
        self.archive: Archive = Archive(recording)
        self._recording = recording
        self._events = [event for event in self.archive.events() if event.kind in KINDS]
        if not any(event.kind == "delivery" for event in self._events):
            raise ConfigError(f"{recording} records no search: llm.recording names the folder of a search")
        self._at = 0
        self._end = self._sitting()
        self._places: dict[Key, list[int]] = {}
        for place, event in enumerate(self._events):
            if event.kind == "delivery":
                self._places.setdefault(key_of(event.data), []).append(place)
        self._expected: set[Key] = set()
        self._early: dict[Key, Action] = {}

    def close(self) -> None:
        """Close the recording."""
        self.archive.close()

    def check_items(self, digest: str) -> None:
        """See that the domain has the items of the recording.

        Raises:
            ConfigError: It has others.
        """
        if self.archive.meta("items") != digest:
            raise ConfigError(
                f"the items are not those of {self._recording}: name the recorded file with domain.path=…, "
                "and replay with the versions of packages that it was recorded with"
            )

    def open(self, write: Callable[[Sequence[tuple[str, Mapping[str, Any]]]], None]) -> None:
        super().open(write)
        self._end = self._sitting()
        self._expected, self._early = set(), {}

    def resume(self) -> bool:
        """Go on with the recording's next sitting; false where there is none."""
        if self._end >= len(self._events):
            return False
        self._at = self._end  # what the ended sitting would still have done is not recorded
        return True

    def expect(self, key: Key) -> None:
        self._expected.add(key)

    def comes(self, key: Key) -> bool:
        return self._recorded(key) is not None

    def next(self, timeout_s: float) -> Action | None:
        event = self._peek()
        if event.kind == "stop":  # while it waited
            return None
        if event.kind != "delivery":
            raise self._departs(event, "waits for what was begun")
        key = key_of(event.data)
        if key not in self._expected:
            raise self._departs(event, NEVER)
        if key not in self._early:
            found = super().next(timeout_s)
            if found is not None:
                found()
        if key not in self._early:
            return None
        self._expected.discard(key)
        return self._early.pop(key)

    def put(self, key: Key, action: Action) -> None:
        # Sorted on the engine's thread, which alone may touch what is early.
        super().put(key, lambda: self._early.__setitem__(key, action))

    def wake(self) -> None:
        super().put((), lambda: None)

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        event = self._peek()
        told = json.loads(json.dumps(data))
        if (kind, told) != (event.kind, dict(event.data)):
            raise self._departs(event, f"comes to {_line(kind, told)}")
        self._at += 1
        super().note(kind, data)

    def decide(self, what: str, clock: Callable[[], Any]) -> Any:
        event = self._peek()
        if event.kind != "decision" or event.data.get("what") != what:
            raise self._departs(event, f"has to decide on {what}")
        self.note("decision", event.data)
        return event.data["value"]

    def find(self, what: str, look: Callable[[], Any]) -> Any:
        event = self._peek()
        found = (event.kind, event.data.get("what")) == ("decision", what)
        return self.decide(what, look) if found else None

    def worded(self, agent: str, why: str) -> str:
        # A recording of another version may say the same in other words.
        event = self._events[self._at] if self._at < self._end else None
        if not why or event is None or (event.kind, event.data.get("agent")) != ("race", agent):
            return why
        return str(event.data.get("stopped") or why)

    def stop(self, why: str) -> str:
        if why == "signal":  # of whoever watches the replay, which ends here
            self._end = self._at
            del self._events[self._at :]
            return why
        event = self._events[self._at] if self._at < self._end else None
        told = str(event.data["why"]) if event is not None and event.kind == "stop" else ""
        if (told in BY_STATE or why in BY_STATE) and why != told and told != "signal":
            raise self._departs(self._peek(), f"stops ({why})" if why in BY_STATE else "goes on")
        if event is not None and told:
            self.note("stop", event.data)
        return told

    def recorded(self, job: ItemJob) -> ItemResult | None:
        told = self._recorded(job_key(job))
        return None if told is None or told["kind"] not in CHANCE else self._result(told)

    def chances(self, brief: int) -> Sequence[Sequence[str]]:
        told = self._recorded(("written", brief))
        return [] if told is None else list(told["chances"])

    def next_key(self, begun: Container[Key | None]) -> Key | None:
        """Key of the delivery that comes next; `None` if something else does."""
        event = self._peek()
        key = key_of(event.data) if event.kind == "delivery" else None
        if key is not None and key not in begun:
            raise self._departs(event, NEVER)
        return key

    def _sitting(self) -> int:
        """Where the sitting that begins here ends: at the next `resume`, or with the recording."""
        rest = range(self._at + 1, len(self._events))
        return next((place for place in rest if self._events[place].kind == "resume"), len(self._events))

    def _peek(self) -> Event:
        if self._at >= self._end:
            raise Interrupted(self._end < len(self._events))
        return self._events[self._at]

    def _recorded(self, key: Key) -> Mapping[str, Any] | None:
        """The next delivery of a key in this sitting."""
        places = self._places.get(key, [])
        found = bisect_left(places, self._at)
        if found == len(places) or places[found] >= self._end:
            return None
        return self._events[places[found]].data

    def _result(self, told: Mapping[str, Any]) -> ItemResult:
        agent, split, item, repeat = told["agent"], told["split"], told["item"], told["repeat"]
        if told["kind"] in UNSCORED:
            return ItemResult(agent, split, item, repeat, told["kind"], detail=told["detail"])
        for result in self.archive.results(agent, split):
            if (result.item, result.repeat) == (item, repeat):
                return replace(result, fresh=False)
        raise ReplayError(f"{self._recording} has no result of {_line('delivery', told)}")

    def _departs(self, event: Event, does: str) -> ReplayError:
        recorded = _line(event.kind, event.data)
        return ReplayError(
            f"the replay departs from {self._recording} at event {event.seq} ({recorded}): it {does}; "
            "a replay needs the program, items and models of its recording"
        )


def _line(kind: str, data: Mapping[str, Any]) -> str:
    """An event in one line."""
    shown = ", ".join(f"{name} {value}" for name, value in data.items() if value not in ([], {}, "", None))
    return f"{kind}: {shown if len(shown) < 400 else shown[:400] + '…'}"
