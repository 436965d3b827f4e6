"""The journal: what it hands out, and that its rows come in order and after what they tell of."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from meta_search.run.journal import FLUSH_EVENTS, Journal, call_name, delivery, job_key, key_of
from meta_search.types import Agent, CallRequest, ItemJob, ItemResult, Usage


def opened() -> tuple[Journal, list[list[tuple[str, Mapping[str, Any]]]]]:
    journal, written = Journal(), []
    journal.open(lambda rows: written.append(list(rows)))
    return journal, written


def test_what_comes_from_threads_is_handed_out_one_by_one() -> None:
    journal, _ = opened()
    seen: list[int] = []
    threads = [
        threading.Thread(target=journal.put, args=(("written", n), lambda n=n: seen.append(n)))
        for n in range(9)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        action = journal.next(5.0)
        assert action is not None
        action()
    assert sorted(seen) == list(range(9))
    assert journal.next(0.0) is None


def test_deliveries_are_written_in_batches_and_never_after_what_follows_them() -> None:
    journal, written = opened()
    for n in range(FLUSH_EVENTS + 2):
        journal.note("delivery", {"n": n})
    assert [len(rows) for rows in written] == [FLUSH_EVENTS]
    journal.note("race", {"to": 6})
    assert [kind for kind, _ in written[1]] == ["delivery", "delivery", "race"]
    journal.note("delivery", {})
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


def test_a_result_is_known_by_the_key_of_its_job() -> None:
    agent = Agent.of("a", "def forward(self, taskInfo): return '1'")
    job = ItemJob(agent, "train", "q", 2, "?")
    result = ItemResult(agent.id, "train", "q", 2, "ok", score=1.0, used=Usage(3, 10, 20), seconds=9.0)
    told = delivery(result)
    assert key_of(told) == job_key(job)
    assert (told["score"], told["calls"], told["tokens"]) == (1.0, 3, 30)
    assert "seconds" not in told  # a replay takes another time
    assert "detail" in delivery(ItemResult(agent.id, "train", "q", 2, "llm", detail="down"))


def test_calls_of_a_brief_are_told_apart() -> None:
    names = {
        call_name(CallRequest("meta", (("user", text),), occurrence=step))
        for text in ("a", "b", "\ud800")
        for step in ("draft", "debug0")
    }
    assert len(names) == 6
