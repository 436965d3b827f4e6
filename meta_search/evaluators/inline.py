"""Runs agents from this process: one sandbox, driven by an event loop in a background thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from meta_search.config import EvaluateConfig, SandboxConfig
from meta_search.errors import SandboxError
from meta_search.sandbox import Sandbox
from meta_search.sandbox.trusted.broker import LLM
from meta_search.sandbox.trusted.loop_thread import LoopThread
from meta_search.types import ItemJob, ItemResult

__all__ = ["LLM", "InlineEvaluator"]

CONCURRENCY = 64  # items at a time if `evaluate.per_worker` is 0


class InlineEvaluator:
    """Runs items from this process: one sandbox, driven by an event loop in a background thread.

    Args:
        sandbox: Level and limits.
        evaluate: `per_worker` is the number of items that run at a time; 0 takes `CONCURRENCY`.
        llm: Answers the agents' calls; awaited on the background thread's loop.
        runtime: As for `Sandbox`.

    Raises:
        SandboxError: The sandbox cannot be set up.
    """

    def __init__(
        self, sandbox: SandboxConfig, evaluate: EvaluateConfig, llm: LLM, runtime: Path | None = None
    ) -> None:
        self._llm = llm
        self._loop = LoopThread("evaluator")
        self._closed = False
        self._futures: set[Future[ItemResult]] = set()
        self._running: set[asyncio.Task[Any]] = set()
        self._waiting: set[asyncio.Task[Any]] = set()
        try:
            concurrency = evaluate.per_worker or CONCURRENCY
            opening = self._loop.submit(self._open(sandbox, concurrency, runtime))
            self._sandbox, self._concurrency = opening.result()
        except BaseException:
            self._loop.close()
            raise

    @property
    def missing(self) -> dict[str, str]:
        """Layer of the sandbox that does not work here -> why."""
        return self._sandbox.missing

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """Queue an item; see `Evaluator`.

        Raises:
            SandboxError: The evaluator is closed.
        """
        if self._closed:
            raise SandboxError("the evaluator is closed; start another one")
        future = self._loop.submit(self._run(job))
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def drop_waiting(self) -> None:
        """See `Evaluator`."""

        async def drop() -> None:
            for task in list(self._waiting):
                task.cancel()

        self._loop.submit(drop())

    def close(self) -> None:
        """End everything that runs, cancel what waits, and wait until no process is left."""
        if self._closed:
            return
        self._closed = True
        for future in list(self._futures):
            future.cancel()
        self._loop.submit(self._close_sandbox()).result()
        self._loop.close()

    async def _open(
        self, config: SandboxConfig, concurrency: int, runtime: Path | None
    ) -> tuple[Sandbox, asyncio.Semaphore]:
        sandbox = Sandbox(config, runtime)
        await sandbox.start()
        return sandbox, asyncio.Semaphore(concurrency)

    async def _run(self, job: ItemJob) -> ItemResult:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        async with self._concurrency:
            self._waiting.discard(task)
            return await self._sandbox.run(job, self._llm)

    async def _close_sandbox(self) -> None:
        # Wait for the items before anything else is cancelled: they may still be cleaning up.
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._sandbox.close()
