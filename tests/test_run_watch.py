"""What a caller from Python is told while a run goes on, and how it ends one."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import meta_search
from meta_search import SearchEvent
from meta_search.testing import CountingEndpoint
from tests.kits import searches, sums
from tests.kits.answers import adds_below


@pytest.fixture(scope="module")
def endpoint() -> Iterator[CountingEndpoint]:
    with CountingEndpoint(adds_below(12)) as endpoint:
        yield endpoint


def test_events_come_in_order_on_the_callers_thread(folder: Path, endpoint: CountingEndpoint) -> None:
    events: list[SearchEvent] = []
    threads: set[threading.Thread] = set()

    def watch(event: SearchEvent) -> None:
        threads.add(threading.current_thread())
        events.append(event)

    summary = meta_search.search(
        *sums.short(endpoint, "domain.dealing=row"), domain=sums.rows(), on_event=watch
    )
    assert threads == {threading.current_thread()}
    assert [e.elapsed_s for e in events] == sorted(e.elapsed_s for e in events)
    kinds = [e.kind for e in events]
    assert kinds[0] == "note"
    assert any("estimate: about" in e.text for e in events if e.kind == "note")
    assert kinds[-1] == "done"
    assert kinds.count("stopped") == 1
    assert (events[-1].text, events[-1].agent) == (summary.sentence, summary.best)

    archive = meta_search.open_run(summary.folder)
    paid = archive.usage()["task"]
    # an answer may be handed out after it was paid
    spent = next(e for e in reversed(events) if e.kind == "spent")
    assert (spent.calls, spent.tokens) == (paid.calls, paid.tokens)
    items = [e for e in events if e.kind == "item"]
    assert {(e.agent, e.split, e.item, e.score) for e in items} == {
        (row["agent"], row["split"], row["item"], row["score"])
        for row in archive.rows("items")
        if row["split"] != "examples"
    }
    names = {r.agent.id: r.agent.name for r in archive.agents()}
    baselines = {r.agent.id for r in archive.agents() if r.status == "baseline"}  # of the report alone
    assert all(e.name == names[e.agent] for e in events if e.agent and e.agent not in baselines)
    written = [e for e in events if e.kind == "written"]
    assert [e.agent for e in written] == [row["agent"] for row in archive.rows("briefs")]
    assert [e.brief for e in events if e.kind == "brief"] == [row["brief"] for row in archive.rows("briefs")]
    # One that pauses and goes on is told of more than once.
    for e in {(e.agent, e.split): e for e in events if e.kind == "evaluated"}.values():
        record = archive.record(str(e.agent))
        assert e.split is not None
        assert (e.score, e.items) == (
            record.evaluations[e.split].score,
            record.evaluations[e.split].items,
        )
        assert bool(e.text) == bool(record.evaluations[e.split].stopped)
    assert "best" in kinds


def test_false_ends_the_search_with_its_report(folder: Path, endpoint: CountingEndpoint) -> None:
    events: list[SearchEvent] = []

    def enough(event: SearchEvent) -> bool:
        events.append(event)
        return event.kind != "written"

    words = sums.short(endpoint, "search.candidates=100", "run.dir=run", "llm.mode=record")
    summary = meta_search.search(*words, domain=sums.rows(), on_event=enough)
    assert summary.status == 0
    assert (summary.folder / "report.html").is_file()
    assert "fresh test items" in summary.sentence
    assert [e.text for e in events if e.kind == "stopped"] == ["asked"]
    assert len([e for e in events if e.kind == "brief"]) < 10
    searches.assert_replays("run")


def test_an_exception_is_told_once_and_changes_nothing(folder: Path, endpoint: CountingEndpoint) -> None:
    calls = 0

    def fails(event: SearchEvent) -> None:
        nonlocal calls
        calls += 1
        raise ValueError("no such plot")

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        summary = meta_search.search(*sums.short(endpoint), domain=sums.rows(), on_event=fails)
    assert summary.status == 0
    assert calls > 10
    (warning,) = [str(w.message) for w in told if w.category is RuntimeWarning]
    assert warning == "on_event failed; the search goes on: ValueError: no such plot"


@pytest.mark.slow
def test_an_interrupt_in_it_stops_at_once_with_everything_saved(
    folder: Path, endpoint: CountingEndpoint
) -> None:
    def interrupts(event: SearchEvent) -> None:
        if event.kind == "evaluated":
            raise KeyboardInterrupt

    summary = meta_search.search(*sums.short(endpoint), domain=sums.rows(), on_event=interrupts)
    assert summary.status == 3
    assert meta_search.resume(summary.folder).status == 0


def test_an_evaluation_tells_of_items_and_agents(folder: Path, endpoint: CountingEndpoint) -> None:
    events: list[SearchEvent] = []
    agents = [sums.SILENT, sums.SILENT.replace("7", "8")]
    meta_search.evaluate(agents, *sums.short(endpoint), domain=sums.rows(), on_event=events.append)
    kinds = [e.kind for e in events if e.kind not in ("note", "spent")]
    assert sorted(kinds) == sorted([*["item"] * 12, *["evaluated"] * 2, "done"])
    assert {(e.name, e.items) for e in events if e.kind == "evaluated"} == {("agent 1", 6), ("agent 2", 6)}
    assert kinds[-1] == "done"
