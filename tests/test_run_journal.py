"""The journal: what it hands out, and that its rows come in order and after what they tell of."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from meta_search.run.events import Decided, ItemDelivered, LookPlanned, Resumed, SearchStopped
from meta_search.run.journal import FLUSH_EVENTS, Recorder, Unrecorded, call_name, job_key
from meta_search.types import Agent, CallRequest, ItemJob


def item(agent: str = "a", repeat: int = 0) -> ItemDelivered:
    return ItemDelivered(agent, "train", "q", repeat, "ok", score=1.0)


def opened() -> tuple[Recorder, list[list[tuple[str, Mapping[str, Any]]]]]:
    journal, written = Recorder(), []
    journal.open(lambda rows: written.append(list(rows)))
    return journal, written


def test_what_comes_from_threads_is_handed_out_one_by_one() -> None:
    journal, _ = opened()
    threads = [threading.Thread(target=journal.put, args=(("written", n), f"brief {n}")) for n in range(9)]
    for thread in threads:
        thread.start()
    seen = [journal.next(5.0) for _ in threads]
    assert sorted(map(str, seen)) == [f"brief {n}" for n in range(9)]
    assert journal.next(0.0) is None


def test_deliveries_are_written_in_batches_and_never_after_what_follows_them() -> None:
    journal, written = opened()
    for n in range(FLUSH_EVENTS + 2):
        journal.record(item(repeat=n))
    assert [len(rows) for rows in written] == [FLUSH_EVENTS]
    journal.record(LookPlanned("a", "train", 6))
    assert [kind for kind, _ in written[1]] == ["delivery", "delivery", "race"]
    journal.record(item())
    journal.flush(now=False)
    assert len(written) == 2  # it has not waited long enough
    journal.flush()
    assert len(written) == 3


def test_only_what_the_clock_decides_is_numbered() -> None:
    journal, written = opened()
    assert journal.decide("items", lambda: 4) == 4
    assert journal.expired(lambda: False) is False
    assert journal.expired(lambda: True) is True
    assert journal.stop("") == ""
    assert journal.stop("time") == "time"
    assert [row for rows in written for row in rows] == [
        ("decision", {"what": "items", "value": 4}),
        ("decision", {"what": "end", "value": True}),
        ("stop", {"why": "time"}),
    ]


def test_without_a_record_the_clock_decides_all_the_same() -> None:
    journal, rows = Unrecorded(), list[Any]()
    journal.open(rows.extend)
    for event in (item(), Decided("items", 4), SearchStopped("time"), Resumed()):
        journal.record(event)
    assert (journal.decide("items", lambda: 4), journal.stop("time")) == (4, "time")
    assert journal.expired(lambda: True)
    come: Future[int] = Future()
    come.set_result(1)
    assert journal.arrived({("item", "a"): come, ("item", "b"): Future()}, 5.0) == [come]
    journal.flush()
    assert rows == []


def test_a_result_is_known_by_the_key_of_its_job() -> None:
    agent = Agent.of("a", "def forward(self, taskInfo): return '1'")
    job = ItemJob(agent, "train", "q", 2, "?")
    assert item(agent.id, repeat=2).key == job_key(job)


def test_calls_of_a_brief_are_told_apart() -> None:
    names = {
        call_name(CallRequest("meta", (("user", text),), occurrence=step))
        for text in ("a", "b", "\ud800")
        for step in ("draft", "debug0")
    }
    assert len(names) == 6
