"""What a caller from Python is told while a run goes on: `meta_search.search(…, on_event=…)`.

A journal sees everything that the engine does, in order and on the engine's thread. So `Watched` is a journal
around another one, which tells the caller of it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Literal

from archive.records import Archive, Record
from meta_search.run.chances import Chances
from meta_search.run.events import BriefAsked, BriefDelivered, Event, ItemDelivered, Key, RaceEnded, Steered
from meta_search.run.journal import Begun, Journal, Rows
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.text import error_line
from meta_search.types import Brief, ItemJob, ItemResult, OutcomeKind, Split, Usage, brief_number

__all__ = ["ASKED", "EventKind", "OnEvent", "SearchEvent", "Watched"]

EventKind = Literal["note", "brief", "written", "item", "evaluated", "best", "spent", "stopped", "done"]
ASKED = "asked"  # why a search ended that `on_event` ended
SPENT_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class SearchEvent:
    """Something that happened in a run. What an event does not tell of is `None`.

    Attributes:
        kind: `note` (a line that the screen keeps: the estimate, warnings), `brief` (an author begins to
            write), `written` (it is through; `agent` is `None` where nothing came of it), `item` (an agent
            answered an item), `evaluated` (an agent is through with train or validation items, or was
            stopped), `best` (another agent leads on train), `spent` (calls were paid; at most once a second),
            `stopped` (the search is over, the final report follows), `done`.
        time: Seconds since the epoch.
        elapsed_s: Seconds of the run so far, earlier sessions included.
        text: Kind `note`: the line; `evaluated`: why it was stopped early, or `""`; `stopped`: why the search
            ended; `done`: the verdict's sentence.
        agent: Id of the agent.
        name: Its name.
        split: Split of the items.
        item: Id of the item.
        outcome: How the item ended; `ok`: with an answer, right or wrong.
        score: Of the item, or the mean over `items`, 0..1; `None` where there is none.
        feedback: What the scorer said of the answer, lines of text; kind `item`.
        low: Lower end of its 95 % interval.
        high: Upper end of it.
        items: Number of item × repeat pairs behind the score.
        model_free: Share of them that was answered without any LLM call, 0..1.
        brief: Number of the brief; a repair of its candidate has the same.
        operator: Of the brief.
        author: Of the brief.
        calls: Used by the item; of kind `spent` paid by the run so far.
        tokens: Likewise.
        cost_usd: Paid by the run so far, in US dollars; kind `spent`.
    """

    kind: EventKind
    time: float
    elapsed_s: float
    text: str = ""
    agent: str | None = None
    name: str | None = None
    split: Split | None = None
    item: str | None = None
    outcome: OutcomeKind | None = None
    score: float | None = None
    feedback: str | None = None
    low: float | None = None
    high: float | None = None
    items: int | None = None
    model_free: float | None = None
    brief: int | None = None
    operator: str | None = None
    author: str | None = None
    calls: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None


OnEvent = Callable[[SearchEvent], object]


class Watched:
    """A journal that tells `on_event` what the engine does, and otherwise is the journal it stands before.

    `on_event` is called on the engine's thread, which is the caller's own, in the order in which things
    happen. Where it returns `False` the search ends in good order, with its report. An exception in it is
    warned of once and changes nothing.

    Args:
        journal: The journal.
        on_event: Called with every `SearchEvent`.
    """

    def __init__(self, journal: Journal, on_event: OnEvent) -> None:
        self._journal, self._on_event = journal, on_event
        self._run: Run | None = None
        self._waiting: list[SearchEvent] = []
        self._best: str | None = None
        self._spent = Usage()
        self._looked_at = 0.0
        self._asked = self._warned = False

    def note(self, line: str) -> None:
        """Tell of a line that the screen keeps."""
        self.tell("note", text=line)

    def attach(self, run: Run) -> None:
        """The run whose agents and costs are told of."""
        self._run = run

    def tell(self, kind: EventKind, **more: Any) -> None:
        """Tell of one more event, after all that wait."""
        if kind == "done":
            self._look(now=True)
        self._waiting.append(self._event(kind, **more))
        self._hand_out()

    def _event(self, kind: EventKind, **more: Any) -> SearchEvent:
        elapsed = self._run.progress.elapsed if self._run else 0.0
        return SearchEvent(kind, time.time(), round(elapsed, 3), **more)

    def _member(self, agent: str | None) -> Member | None:
        return self._run.members.get(agent) if self._run and agent else None

    def _made(self, event: Event) -> SearchEvent | None:
        """A decision of the engine as callers see it; `None` for what is of no interest outside."""
        match event:
            case BriefAsked(brief=b):
                return self._event("brief", brief=b.number, operator=b.operator, author=b.author)
            case BriefDelivered():
                return self._event("written", brief=brief_number(event.brief), agent=event.agent)
            case ItemDelivered():
                cost = {"calls": event.calls, "tokens": event.tokens}
                where = {"agent": event.agent, "split": event.split, "item": event.item}
                said = {"score": event.score, "feedback": event.feedback}
                return self._event("item", **where, outcome=event.outcome, **said, **cost)
            case RaceEnded():
                member = self._member(event.agent)
                found = member.evaluation(event.split) if member else None
                scored = {k: getattr(found, k, None) for k in ("score", "low", "high", "items")}
                scored["model_free"] = found.free_share if found else None
                return self._event(
                    "evaluated", agent=event.agent, split=event.split, text=event.stopped, **scored
                )
        return None

    def _hand_out(self) -> None:
        """Call `on_event`. Only now, as the engine knows agents by name when it is through with a step."""
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            member = self._member(event.agent)
            self._call(replace(event, name=member.agent.name) if member else event)
        best = self._run.members.best() if self._run and waiting else None
        if best is not None and best.agent.id != self._best:
            self._best = best.agent.id
            e = best.evaluation("train")
            scored = {"score": e.score, "low": e.low, "high": e.high, "items": e.items, "split": e.split}
            who = {"agent": best.agent.id, "name": best.agent.name, "model_free": e.free_share}
            self._call(self._event("best", **who, **scored))

    def _call(self, event: SearchEvent) -> None:
        try:
            self._asked = self._on_event(event) is False or self._asked
        except Exception as error:  # noqa: BLE001 (the user's code: it must not end a night's search)
            if not self._warned:
                self._warned = True
                told = f"on_event failed; the search goes on: {error_line(error)}"
                warnings.warn(told, RuntimeWarning, stacklevel=2)

    def _look(self, now: bool = False) -> None:
        """Hand out what waits, and what was spent: now, or now and then."""
        self._hand_out()
        since = time.monotonic() - self._looked_at
        if self._run is None or (since < SPENT_EVERY_S and not now):
            return
        self._looked_at = time.monotonic()
        paid = sum(self._run.session.status().paid.values(), Usage())
        if paid != self._spent:
            self._spent = paid
            self.tell("spent", calls=paid.calls, tokens=paid.tokens, cost_usd=paid.cost_usd)

    # -- the Protocol `Journal`

    @property
    def resumable(self) -> bool:
        return self._journal.resumable

    def open(self, write: Callable[[Rows], None]) -> None:
        self._journal.open(write)

    def expect(self, key: Key) -> None:
        self._journal.expect(key)

    def comes(self, key: Key) -> bool:
        return self._journal.comes(key)

    def put(self, key: Key, happened: object) -> None:
        self._journal.put(key, happened)

    def wake(self) -> None:
        self._journal.wake()

    def next(self, timeout_s: float) -> object | None:
        self._look()
        return self._journal.next(timeout_s)

    def arrived(self, begun: Begun, timeout_s: float) -> list[Future[Any]]:
        self._look()
        return self._journal.arrived(begun, timeout_s)

    def record(self, event: Event) -> None:
        self._journal.record(event)
        made = self._made(event)
        if made is not None:
            self._waiting.append(made)
        if isinstance(event, BriefDelivered):
            number = brief_number(event.brief)
            more = (self._event("written", brief=number, agent=a) for a in event.further)
            self._waiting += more

    def decide(self, what: str, clock: Callable[[], Any]) -> Any:
        return self._journal.decide(what, clock)

    def find(self, what: str, look: Callable[[], Any]) -> Any:
        return self._journal.find(what, look)

    def steered(self, look: Callable[[], Steered | None]) -> Steered | None:
        return self._journal.steered(look)

    def expired(self, clock: Callable[[], bool]) -> bool:
        return self._journal.expired(clock)

    def stop(self, why: str) -> str:
        self._hand_out()
        ended = self._journal.stop(why or (ASKED if self._asked else ""))
        if ended:
            self.tell("stopped", text=ended)
        return ended

    def interrupt(self) -> None:
        self._journal.interrupt()

    def recorded(self, job: ItemJob) -> ItemResult | None:
        return self._journal.recorded(job)

    def as_said(self, result: ItemResult) -> ItemResult:
        return self._journal.as_said(result)

    def chances(self, brief: Brief) -> Chances:
        return self._journal.chances(brief)

    def agents(self, archive: Archive, ids: Iterable[str]) -> list[Record]:
        return self._journal.agents(archive, ids)

    def flush(self, now: bool = True) -> None:
        self._look()
        self._journal.flush(now)
