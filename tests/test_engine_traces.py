"""Traces are read from the archive when they are to be seen, and nothing is left open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search.engine import traces
from meta_search.engine.traces import Traces
from meta_search.types import Agent, Brief, Candidate, ItemResult, TraceCall, TraceProgram

AGENT = Agent.of("one", "def forward(self, taskInfo):\n    return 'x'\n")


def result(item: str, repeat: int = 0, length: int = 3) -> ItemResult:
    call = TraceCall(1, "A", "", ("answer",), f"{item}/{repeat}?", "x" * length, (), 7, 0.25)
    programs = (TraceProgram(1, "print(1)", "1"),)
    return ItemResult(AGENT.id, "train", item, repeat, "ok", score=0.0, trace=(call,), programs=programs)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """An archive with a few results, which is still being written."""
    path = tmp_path / "archive.db"
    store = Store.open(path)
    store.add_candidate(Candidate(AGENT, Brief(0, "seed", "hand", kind="seed")), "seed")
    store.add_results([result("a"), result("a", 1), result("long", 0, 50_000)]).result()
    yield path
    store.close()
    assert not path.with_name("archive.db-wal").exists()  # no reader held up the writer


def test_one_result_is_found_by_its_place(path: Path) -> None:
    with Archive(path) as archive:
        found = archive.result(AGENT.id, "train", "a", 1)
        assert found is not None
        assert found.trace[0].prompt == "a/1?"
        assert archive.result(AGENT.id, "validation", "a", 1) is None
        assert archive.result(AGENT.id, "train", "a", 2) is None


def test_a_trace_is_read_once_and_the_longest_every_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    fetch = Archive.result

    def noted(self: Archive, agent: str, split: str, item: str, repeat: int) -> ItemResult | None:
        read.append(item)
        return fetch(self, agent, split, item, repeat)  # type: ignore[arg-type]

    monkeypatch.setattr(Archive, "result", noted)
    kept = Traces(path)
    for _ in range(2):
        calls, programs = kept.of(result("a"))
        assert (calls, programs) == (result("a").trace, result("a").programs)
        assert len(kept.of(result("long"))[0][0].text) == 50_000
        assert kept.of(result("nowhere")) == ((), ())
    kept.close()
    assert read == ["a", "long", "nowhere", "long"]


def test_few_traces_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "KEPT", 2)
    kept = Traces(path)
    for item in ("a", "b", "a", "c", "d"):
        kept.of(result(item))
    kept.close()
    assert [item for _, item, _ in kept._kept] == ["c", "d"]
