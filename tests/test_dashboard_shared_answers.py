"""Pages that ask the same at once are answered by one view, and never with a state that is over."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from archive.readers import stamps
from meta_search.dashboard.shared_answers import LASTS_S, MOST_KEPT, SharedAnswers


class Works:
    """Pieces of work that end when they are told to, counted."""

    def __init__(self, size: int = 0) -> None:
        self.begun = self.given_up = 0
        self.go = asyncio.Event()
        self._size = size

    async def work(self) -> bytes:
        self.begun += 1
        number = self.begun
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return str(number).encode().ljust(self._size)


def run(what: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(what, 10))


def test_those_who_ask_at_once_share_one_answer_and_others_have_their_own() -> None:
    async def ask() -> None:
        shared, works = SharedAnswers(), Works()
        asked = [asyncio.ensure_future(shared.of("a", works.work)) for _ in range(10)]
        other = asyncio.ensure_future(shared.of("b", works.work))
        works.go.set()
        assert {*await asyncio.gather(*asked)} == {b"1"}
        assert await other == b"2"
        assert await shared.of("a", works.work) == b"1"
        assert works.begun == 2

    run(ask())


def test_an_answer_lasts_a_second_or_until_something_is_known_to_have_changed() -> None:
    async def ask() -> None:
        now = [0.0]
        shared, works = SharedAnswers(lambda: now[0]), Works()
        works.go.set()
        assert await shared.of("a", works.work) == b"1"
        now[0] = LASTS_S
        assert await shared.of("a", works.work) == b"1"
        now[0] = LASTS_S + 0.01
        assert await shared.of("a", works.work) == b"2"
        shared.forget()
        assert await shared.of("a", works.work) == b"3"

    run(ask())


def test_work_goes_on_while_anybody_waits_and_is_given_up_after() -> None:
    async def ask() -> None:
        shared, works = SharedAnswers(), Works()
        first, second = (asyncio.ensure_future(shared.of("a", works.work)) for _ in range(2))
        while not works.begun:
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert works.given_up == 0
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        while not works.given_up:
            await asyncio.sleep(0)
        works.go.set()
        assert await shared.of("a", works.work) == b"2"

    run(ask())


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    async def ask() -> None:
        shared, works, fails = SharedAnswers(), Works(), [True]
        works.go.set()

        async def work() -> bytes:
            found = await works.work()
            if fails.pop():
                raise ValueError("once")
            return found

        fails.insert(0, False)
        asked = await asyncio.gather(*(shared.of("a", work) for _ in range(3)), return_exceptions=True)
        assert [str(error) for error in asked] == ["once"] * 3
        assert await shared.of("a", work) == b"2"

    run(ask())


def test_large_answers_are_not_kept_beyond_a_bound() -> None:
    async def ask() -> None:
        shared, works = SharedAnswers(lambda: 0.0), Works(MOST_KEPT // 2)
        works.go.set()
        for key in range(4):
            await shared.of(key, works.work)
        assert works.begun == 4
        await shared.of(3, works.work)
        assert works.begun == 4
        await shared.of(0, works.work)
        assert works.begun == 5

    run(ask())


@pytest.mark.parametrize("name", ["archive.db", "archive.db-wal"])
def test_what_is_written_is_another_state(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    states = [stamps(tmp_path / "archive.db")]
    file.write_bytes(b"1")
    states.append(stamps(tmp_path / "archive.db"))
    assert stamps(tmp_path / "archive.db") == states[-1]
    os.utime(file, ns=(0, 5))
    states.append(stamps(tmp_path / "archive.db"))
    file.write_bytes(b"22")
    states.append(stamps(tmp_path / "archive.db"))
    file.rename(tmp_path / "old")
    file.write_bytes(b"22")
    states.append(stamps(tmp_path / "archive.db"))
    assert len({*states}) == len(states)
