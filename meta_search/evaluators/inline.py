"""Runs agents from this process: one sandbox, driven by an event loop in a background thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from meta_search.config import EvaluateConfig, SandboxConfig
from meta_search.errors import SandboxError
from meta_search.sandbox import Sandbox
from meta_search.sandbox.trusted.broker import LLM
from meta_search.types import ItemJob, ItemResult

__all__ = ["LLM", "InlineEvaluator"]

ROOM = 64  # items at a time where `evaluate.per_worker` does not say


class InlineEvaluator:
    """Runs items from this process: one sandbox, driven by an event loop in a background thread.

    Args:
        sandbox: Level and limits.
        evaluate: `per_worker` is the number of items that run at a time; 0 is `ROOM`.
        llm: Answers the agents' calls; awaited on the background thread's loop.
        runtime: As for `Sandbox`.

    Raises:
        SandboxError: The sandbox cannot be set up.
    """

    def __init__(
        self, sandbox: SandboxConfig, evaluate: EvaluateConfig, llm: LLM, runtime: Path | None = None
    ) -> None:
        self._llm = llm
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="evaluator", daemon=True)
        self._thread.start()
        self._closed = False
        self._futures: set[Future[ItemResult]] = set()
        self._running: set[asyncio.Task[Any]] = set()
        try:
            room = evaluate.per_worker or ROOM
            self._sandbox, self._room = self._do(self._open(sandbox, room, runtime)).result()
        except BaseException:
            self._stop()
            raise

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """Run an item as soon as there is room. Raises `SandboxError` after `close`."""
        if self._closed:
            raise SandboxError("the evaluator is closed; start another one")
        future = self._do(self._run(job))
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def close(self) -> None:
        """End everything that runs, cancel what waits, and wait until no process is left."""
        if self._closed:
            return
        self._closed = True
        for future in list(self._futures):
            future.cancel()
        self._do(self._settle()).result()
        self._stop()

    def _do(self, work: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _open(
        self, config: SandboxConfig, room: int, runtime: Path | None
    ) -> tuple[Sandbox, asyncio.Semaphore]:
        sandbox = Sandbox(config, runtime)
        await sandbox.start()
        return sandbox, asyncio.Semaphore(room)

    async def _run(self, job: ItemJob) -> ItemResult:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        async with self._room:
            result: ItemResult = await self._sandbox.run(job, self._llm)
            return result

    async def _settle(self) -> None:
        # Items first, and only they: what they start to clean up may not be cancelled.
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._sandbox.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
