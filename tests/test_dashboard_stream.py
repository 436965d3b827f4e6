"""What is told of a run that goes on: changes, silence, its end, and only while somebody listens."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from archive.store import Store
from meta_search import cli
from meta_search.dashboard.access import Refused
from meta_search.dashboard.stream import GONE, HEARTBEAT, MOST_LISTENING, RETRY, Streams
from meta_search.testing import CountingEndpoint
from tests.kits.dashboards import serving
from tests.kits.searches import composed_search
from tests.kits.strangers import config, stranger


def test_a_search_is_followed_from_its_first_calls_to_its_end(folder: Path) -> None:
    seen: list[dict[str, Any]] = []
    rows: list[tuple[int, int]] = []

    def follow() -> None:
        with serving(folder) as client:
            endpoint.wait_for(1)
            with client.listening("run") as events:
                for kind, data in events:
                    if kind != "change":
                        continue
                    seen.append(data)
                    rows.append((data["agents"], client.get("/api/run/run/agents")["total"]))
                    if data["state"] not in ("searching", "reporting"):
                        return

    with CountingEndpoint(latency_s=0.02) as endpoint, ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow)
        words = composed_search(folder, endpoint, "search.candidates=3", "run.confirm=false")
        assert cli.main(["run", *words]) == 0
        following.result(60)
    assert all(told <= there for told, there in rows)
    assert seen[-1]["state"] == "done"
    assert len(seen) > 2
    for before, after in itertools.pairwise(seen):
        assert all(after[name] >= before[name] for name in ("seq", "agents", "calls"))
        assert before != after


def run_of(folder: Path) -> Path:
    return stranger(folder / "run", config(), status="done")


async def following(events: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(events), 10)


def test_nothing_is_watched_where_nobody_listens(tmp_path: Path) -> None:
    run = run_of(tmp_path)

    async def listen() -> None:
        streams = Streams(every_s=0.01)
        assert streams.watched == 0
        async with aclosing(streams.listen(run)) as one, aclosing(streams.listen(run)) as other:
            assert await following(one) == RETRY
            first = await following(one)
            assert first.startswith(b"event: change\ndata: {")
            assert await following(other) == RETRY
            assert await following(other) == first  # how it stands, though nothing has changed since
            assert streams.watched == 1
        assert streams.watched == 0
        streams.close()
        streams.shut()

    asyncio.run(listen())


def test_a_change_is_told_to_all_and_silence_is_not_a_change(tmp_path: Path) -> None:
    run = run_of(tmp_path)

    async def listen() -> None:
        streams = Streams(every_s=0.01, heartbeat_s=0.1)
        async with aclosing(streams.listen(run)) as one:
            assert await following(one) == RETRY
            await following(one)
            assert await following(one) == HEARTBEAT
            with Store.open(run) as store:
                store.event("decision", {"what": "x", "value": 1}).result()
                told = await following(one)
                while told == HEARTBEAT:
                    told = await following(one)
            assert b'"seq": 3' in told
        streams.close()
        streams.shut()

    asyncio.run(listen())


def test_a_run_that_is_deleted_is_gone(tmp_path: Path) -> None:
    run = run_of(tmp_path)

    async def listen() -> list[bytes]:
        streams, told = Streams(every_s=0.01), []
        async for message in streams.listen(run):
            told.append(message)
            if len(told) == 2:
                shutil.rmtree(run)
        assert streams.watched == 0
        streams.shut()
        return told

    assert asyncio.run(listen())[-1] == GONE


def test_streams_end_with_the_server_and_are_bounded(tmp_path: Path) -> None:
    run = run_of(tmp_path)

    async def listen() -> None:
        streams = Streams(every_s=0.01)
        open_ = [streams.listen(run) for _ in range(MOST_LISTENING)]
        for events in open_:
            await following(events)
        with pytest.raises(Refused, match="listen already"):
            streams.listen(run)
        streams.close()
        for events in open_:
            async with asyncio.timeout(10):
                async for _ in events:
                    pass
        streams.shut()

    asyncio.run(listen())


def test_an_archive_that_cannot_be_read_is_told_as_damaged(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "archive.db").write_bytes(b"no archive" * 100)

    async def listen() -> bytes:
        streams = Streams(every_s=0.01)
        async with aclosing(streams.listen(run)) as events:
            await following(events)
            told = await following(events)
        streams.close()
        streams.shut()
        return told

    assert b'"state": "damaged"' in asyncio.run(listen())
