"""Runs a domain's scorer on answers that it parses or executes: each answer in a confined child of its own.

The scorer's process is started by exec with an empty environment, loads the scorer, and forks a child for
each answer, confined as agents are. That keeps an answer from doing harm, but not from cheating: code that is
executed within the scorer's own child can award itself full marks. A scorer that has to execute an answer's
code therefore calls `run(code, stdin, timeout)`, which executes it in a process of a second sandbox that
knows neither the item nor a way back here, and compares what was printed.
"""

from __future__ import annotations

import asyncio
import base64
import pickle
import signal
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from meta_search.config import SandboxConfig
from meta_search.errors import SandboxError
from meta_search.sandbox.trusted.child_handle import Child, Exit
from meta_search.sandbox.trusted.exit_outcomes import limit_exceeded
from meta_search.sandbox.trusted.judging import Ask, JudgeFault, Judging
from meta_search.sandbox.trusted.launch import require_layers
from meta_search.sandbox.trusted.layers import LAYERS
from meta_search.sandbox.trusted.loop_thread import LoopThread, cancel_others
from meta_search.sandbox.trusted.message_fields import (
    ProtocolError,
    clean_line,
    number,
    parse_object,
    raw_text,
)
from meta_search.sandbox.trusted.messages import program_result
from meta_search.sandbox.trusted.scored import OverWork, Scored, Work
from meta_search.sandbox.trusted.scorer_process import ScorerProcess
from meta_search.sandbox.trusted.zygote_handle import ZygoteHandle, ZygoteLost
from meta_search.text import passage

P = TypeVar("P", ScorerProcess, ZygoteHandle)

__all__ = ["CONCURRENCY", "ConfinedScorer", "Scored"]

CONCURRENCY = 4  # answers that are scored at a time
WALL_S = 60.0  # for one answer, including the programs that its scorer runs
ATTEMPTS = 3
MAX_ANSWER = 2**20  # characters
MAX_BYTES = 16 * 2**20  # that a child may send in all, programs above all
MAX_PROGRAMS = 256
MOST_CPU = 3.0  # times `sandbox.cpu_s`, of all programs of an answer together: honest tests are many
MAX_PROGRAM_S = 30.0
PROGRAMS = Path(__file__).resolve().parents[1] / "confined" / "programs"


class ConfinedScorer:
    """Scores answers in confined children. `score` may be called by any thread.

    Args:
        factory: `module:function`, called in the scorer's process with `arguments` (JSON values); returns
            `score(item, answer, run)`, whose result has `value` and `feedback`. Where it has a true attribute
            `asks`, it is handed `ask` as well, which asks a judge model.
        config: Level and limits, for each answer; wall time is at most `WALL_S`.
        layers: Layers to use, for tests.
        concurrency: Answers that are scored at a time.

    Raises:
        DomainError: The scorer cannot be loaded.
        SandboxError: Its process does not start, or lacks a layer that the level requires.
    """

    def __init__(
        self,
        factory: str,
        arguments: Mapping[str, Any],
        config: SandboxConfig,
        layers: Iterable[str] = LAYERS,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._factory, self._arguments = factory, dict(arguments)
        self._config, self._layers = config, tuple(layers)
        self._wall_s = min(config.wall_s, WALL_S)
        self._scorer: ZygoteHandle | None = None
        self._programs: ZygoteHandle | None = None
        self._starting, self._concurrency = asyncio.Lock(), asyncio.Semaphore(concurrency)
        self._closed = False
        self._loop = LoopThread("confined-scorer")
        try:
            self._loop.submit(self._scorer_process()).result()
        except BaseException:
            self.close()
            raise

    def score(self, item: Any, answer: str, ask: Ask | None = None) -> Scored:
        """Score one answer; blocks. If the scorer fails on it, its score is 0, with a line on it as
        feedback, and `failed`.

        Args:
            item: The item, any value that can be pickled.
            answer: The answer.
            ask: Makes the calls of a judge model that the scorer asks for; `None` allows none.

        Raises:
            SandboxError: No process can be started; or after `close`.
        """
        return self.submit(item, answer, ask).result()

    def submit(self, item: Any, answer: str, ask: Ask | None = None) -> Future[Scored]:
        """As `score`, without waiting. Whoever cancels the future has the scorer's child killed.

        Raises:
            SandboxError: After `close`.
        """
        if self._closed:
            raise SandboxError("the scorer is closed")
        if len(answer) > MAX_ANSWER:
            long: Future[Scored] = Future()
            long.set_result(Scored(0.0, f"an answer of {len(answer)} characters, more than {MAX_ANSWER}"))
            return long
        job = {"item": base64.b64encode(pickle.dumps(item)).decode(), "answer": answer}
        return self._loop.submit(self._score(job, ask))

    def close(self) -> None:
        """End everything that runs, and wait until no process is left. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._loop.submit(self._end_processes()).result()
        self._loop.close()

    async def _end_processes(self) -> None:
        await cancel_others()
        for process in (self._scorer, self._programs):
            if process is not None:
                await process.close()

    async def _scorer_process(self) -> ZygoteHandle:
        """The process that has the scorer; started if it does not run."""
        async with self._starting:
            if self._scorer is None or self._scorer.lost:
                if self._scorer is not None:
                    await self._scorer.close()
                made = await ScorerProcess.open(self._factory, self._arguments, self._config, self._layers)
                self._scorer = await self._checked(made)
        return self._scorer

    async def _program_process(self) -> ZygoteHandle:
        """The process for programs; started if it does not run."""
        async with self._starting:
            if self._programs is None or self._programs.lost:
                if self._programs is not None:
                    await self._programs.close()
                made = await ZygoteHandle.start(self._config, self._layers, PROGRAMS)
                self._programs = await self._checked(made)
        return self._programs

    async def _checked(self, process: P) -> P:
        """A process, if it has all required layers; else it is closed.

        Raises:
            SandboxError: A required layer is missing.
        """
        try:
            require_layers(
                process.missing, self._layers, self._config.level, "scorer's sandbox", "score answers"
            )
        except SandboxError:
            await process.close()
            raise
        return process

    async def _score(self, job: Mapping[str, Any], ask: Ask | None) -> Scored:
        async with self._concurrency:
            for _ in range(ATTEMPTS):
                try:
                    return await self._converse(await self._scorer_process(), job, ask)
                except ZygoteLost:
                    continue
        return Scored(0.0, f"the scorer's process died {ATTEMPTS} times under this answer", failed=True)

    async def _converse(self, process: ZygoteHandle, job: Mapping[str, Any], ask: Ask | None) -> Scored:
        """Score one answer in a child of its own."""
        child = await process.spawn()
        started = asyncio.get_running_loop().time()
        work = Work(MOST_CPU * self._config.cpu_s)
        scored = None
        try:
            child.send(job)
            async with asyncio.timeout(self._wall_s) as clock:
                scored = await self._read(
                    child, None if ask is None else Judging(ask, clock, self._config.tokens), work
                )
        except JudgeFault as fault:
            scored = Scored(0.0, fault.message, failed=True, kind=fault.kind)
        except TimeoutError:
            scored = Scored(0.0, f"scoring took longer than {self._wall_s:g} s", failed=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # how it ended says why
        except OverWork:
            scored = Scored(
                0.0, f"the answer's programs used more than {work.most_s:g} s of CPU", failed=True
            )
        except (ProtocolError, asyncio.LimitOverrunError):
            scored = Scored(0.0, "the scorer's child broke the protocol", failed=True)
        finally:
            exit_ = await child.end()
        if scored is None or exit_.exceeded_limit:
            scored = Scored(0.0, _reason(exit_, self._config), failed=True)
        seconds = asyncio.get_running_loop().time() - started
        return replace(scored, cpu_s=exit_.cpu_s + work.cpu_s, seconds=seconds)

    async def _read(self, child: Child, judging: Judging | None, work: Work) -> Scored:
        """Do what a child asks for, programs and calls, until it sends a score. It may be the answer's doing.

        Raises:
            JudgeFault: A call of the judge got no answer.
            ProtocolError: It sent something that a scorer does not send.
            LimitOverrunError: It sent a message that is too long.
            OverWork: Its programs have used too much CPU together.
            IncompleteReadError: It ended.
            ConnectionError: It ended.
        """
        size = programs = 0
        while True:
            line = await child.reader.readuntil(b"\n")
            size += len(line)
            message = parse_object(line)
            operation = message.get("op")
            if operation == "score":
                return _scored(message)
            if operation == "fault":
                return Scored(
                    0.0,
                    clean_line(raw_text(message.get("detail"), "detail")) or "the scorer failed",
                    failed=True,
                    kind="raised",
                )
            if operation == "ask" and judging is not None and size <= MAX_BYTES:
                child.send({"text": await judging.ask(message)})
                continue
            programs += 1
            if operation != "python" or size > MAX_BYTES or programs > MAX_PROGRAMS:
                raise ProtocolError("unknown message, or too many programs")
            ok, text = await self._program(message, work)
            if work.cpu_s > work.most_s:
                raise OverWork
            child.send({"ok": ok, "text": text})

    async def _program(self, message: Mapping[str, Any], work: Work) -> tuple[bool, str]:
        """Run a program for a scorer.

        Returns:
            Whether it ended without an error, and what it printed or the error.
        """
        seconds = min(max(number(message, "timeout"), 0.05), MAX_PROGRAM_S)
        job = {key: raw_text(message.get(key), key) for key in ("code", "stdin")}
        child = await (await self._program_process()).spawn()
        try:
            child.send({**job, "output_kb": self._config.output_kb})
            async with asyncio.timeout(seconds):
                line = await child.reader.readuntil(b"\n")
            return program_result(line, self._config.output_kb)
        except TimeoutError:
            return False, f"TimeoutError: the program ran longer than {seconds:g} s"
        except (ProtocolError, asyncio.LimitOverrunError):
            return False, "the program broke the sandbox's protocol"
        except (asyncio.IncompleteReadError, ConnectionError):
            return False, _reason(await child.end(), self._config)
        finally:
            work.cpu_s += (await child.end()).cpu_s


def _scored(message: Mapping[str, Any]) -> Scored:
    value = number(message, "value")
    if not 0.0 <= value <= 1.0:
        raise ProtocolError("value")
    return Scored(value, passage(raw_text(message.get("feedback"), "feedback")))


def _reason(exit_: Exit, config: SandboxConfig) -> str:
    """Why a child ended without its last message, in one line."""
    exceeded = limit_exceeded(exit_, config)
    if exceeded is not None:
        return exceeded[1]
    return f"died of {signal.Signals(exit_.signal).name}" if exit_.signal else "ended before its time"
