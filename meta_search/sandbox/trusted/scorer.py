"""The trusted end of scorers that parse or run an answer: each answer is scored in a confined child.

The scorer's process is started by exec with an empty environment, loads the scorer, and forks a child for
each answer, behind the same walls as agents. Walls keep an answer from doing harm; they do not make a scorer
honest: code that runs within the scorer's own child can say that it is right. A scorer that has to run an
answer's code asks for `run(code, stdin, timeout)` instead, which runs it in a process of a second sandbox
that knows neither the item nor the way back here, and compares what was printed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
import signal
import threading
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from meta_search.config import SandboxConfig
from meta_search.errors import SandboxError
from meta_search.sandbox.trusted.fate import limit_passed
from meta_search.sandbox.trusted.handle import Child, Exit, ZygoteHandle, ZygoteLost
from meta_search.sandbox.trusted.launch import refuse_without
from meta_search.sandbox.trusted.messages import ProtocolError, clean_line, program_result
from meta_search.sandbox.trusted.names import LAYERS
from meta_search.sandbox.trusted.scorer_process import ScorerProcess

P = TypeVar("P", ScorerProcess, ZygoteHandle)

__all__ = ["ROOM", "ConfinedScorer", "Scored"]

ROOM = 4  # answers that are scored at a time
WALL_S = 60.0  # for one answer, the programs that its scorer runs included
ATTEMPTS = 3
MAX_ANSWER = 2**20  # characters
MAX_BYTES = 16 * 2**20  # that a child may send in all: programs
MAX_PROGRAMS = 256
MAX_PROGRAM_S = 30.0
PROGRAMS = Path(__file__).resolve().parents[1] / "confined" / "programs"


@dataclass(frozen=True, slots=True)
class Scored:
    """A score in 0..1 with a note of one line. `failed`: the scorer did not come to a verdict."""

    value: float
    note: str = ""
    failed: bool = False


class ConfinedScorer:
    """Scores answers in confined children. `score` may be called by any thread.

    Args:
        factory: `module:function`, called in the scorer's process with `arguments` (JSON values); returns
            `score(item, answer, run)`, whose result has `value` and `note`.
        config: Level and limits, for each answer. Wall time is at most `WALL_S`.
        layers: Layers to use, for tests.

    Raises:
        DomainError: The scorer cannot be loaded.
        SandboxError: Its process does not start, or lacks a layer that the level asks for.
    """

    def __init__(
        self,
        factory: str,
        arguments: Mapping[str, Any],
        config: SandboxConfig,
        layers: Iterable[str] = LAYERS,
    ) -> None:
        self._factory, self._arguments = factory, dict(arguments)
        self._config, self._layers = config, tuple(layers)
        self._wall_s = min(config.wall_s, WALL_S)
        self._scorer: ZygoteHandle | None = None
        self._programs: ZygoteHandle | None = None
        self._starting, self._room = asyncio.Lock(), asyncio.Semaphore(ROOM)
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="confined-scorer", daemon=True)
        self._thread.start()
        try:
            self._do(self._scoring()).result()
        except BaseException:
            self.close()
            raise

    def score(self, item: Any, answer: str) -> Scored:
        """Score one answer; blocks. Whatever the answer does to its scorer is a score of 0 with a note.

        Args:
            item: Any value that can be pickled.

        Raises:
            SandboxError: No process can be started; or after `close`.
        """
        if self._closed:
            raise SandboxError("the scorer is closed")
        if len(answer) > MAX_ANSWER:
            return Scored(0.0, f"an answer of {len(answer)} characters, more than {MAX_ANSWER}")
        job = {"item": base64.b64encode(pickle.dumps(item)).decode(), "answer": answer}
        scored: Scored = self._do(self._score(job)).result()
        return scored

    def close(self) -> None:
        """End everything that runs, and wait until no process is left. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._do(self._settle()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _settle(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for process in (self._scorer, self._programs):
            if process is not None:
                await process.close()

    async def _scoring(self) -> ZygoteHandle:
        async with self._starting:
            if self._scorer is None or self._scorer.lost:
                if self._scorer is not None:
                    await self._scorer.close()
                made = await ScorerProcess.open(self._factory, self._arguments, self._config, self._layers)
                self._scorer = await self._checked(made)
        return self._scorer

    async def _running_programs(self) -> ZygoteHandle:
        async with self._starting:
            if self._programs is None or self._programs.lost:
                if self._programs is not None:
                    await self._programs.close()
                made = await ZygoteHandle.start(self._config, self._layers, PROGRAMS)
                self._programs = await self._checked(made)
        return self._programs

    async def _checked(self, process: P) -> P:
        """A process whose sandbox has all it must have; one that has not is never used."""
        try:
            refuse_without(
                process.missing, self._layers, self._config.level, "scorer's sandbox", "score answers"
            )
        except SandboxError:
            await process.close()
            raise
        return process

    async def _score(self, job: Mapping[str, Any]) -> Scored:
        async with self._room:
            for _ in range(ATTEMPTS):
                try:
                    return await self._converse(await self._scoring(), job)
                except ZygoteLost:
                    continue
        return Scored(0.0, f"the scorer's process died {ATTEMPTS} times under this answer", failed=True)

    async def _converse(self, process: ZygoteHandle, job: Mapping[str, Any]) -> Scored:
        child = await process.spawn()
        scored = None
        try:
            child.send(job)
            async with asyncio.timeout(self._wall_s):
                scored = await self._read(child)
        except TimeoutError:
            scored = Scored(0.0, f"scoring took longer than {self._wall_s:g} s", failed=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # told by how it ended
        except (ProtocolError, asyncio.LimitOverrunError):
            scored = Scored(0.0, "the scorer's child broke the protocol", failed=True)
        finally:
            exit_ = await child.end()
        if scored is None or exit_.why in ("cpu", "disk", "threads"):
            return Scored(0.0, _fate(exit_, self._config), failed=True)
        return scored

    async def _read(self, child: Child) -> Scored:
        """Have programs run until the child tells a score. What it sends is hostile: it may be the answer's.

        Raises:
            ProtocolError, LimitOverrunError: Something that a scorer does not send.
            IncompleteReadError, ConnectionError: It ended.
        """
        size = programs = 0
        while True:
            line = await child.reader.readuntil(b"\n")
            size += len(line)
            message = _message(line)
            operation = message.get("op")
            if operation == "score":
                return _scored(message)
            if operation == "fault":
                return Scored(0.0, clean_line(_text(message, "detail")) or "the scorer failed", failed=True)
            programs += 1
            if operation != "python" or size > MAX_BYTES or programs > MAX_PROGRAMS:
                raise ProtocolError("unknown message, or too many programs")
            ok, text = await self._program(message)
            child.send({"ok": ok, "text": text})

    async def _program(self, message: Mapping[str, Any]) -> tuple[bool, str]:
        """Run a program for a scorer: whether it ended well, and what it printed or how it failed."""
        seconds = min(max(_number(message, "timeout"), 0.05), MAX_PROGRAM_S)
        job = {key: _text(message, key) for key in ("code", "stdin")}
        child = await (await self._running_programs()).spawn()
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
            return False, _fate(await child.end(), self._config)
        finally:
            await child.end()


def _message(line: bytes) -> dict[str, Any]:
    def refuse(word: str) -> float:
        raise ProtocolError(word)

    try:
        message = json.loads(line, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("not an object")
    return message


def _scored(message: Mapping[str, Any]) -> Scored:
    value = _number(message, "value")
    if not 0.0 <= value <= 1.0:
        raise ProtocolError("value")
    return Scored(value, clean_line(_text(message, "note")))


def _text(message: Mapping[str, Any], key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str):
        raise ProtocolError(key)
    return value


def _number(message: Mapping[str, Any], key: str) -> float:
    value = message.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise ProtocolError(key)
    return float(value)


def _fate(exit_: Exit, config: SandboxConfig) -> str:
    """How a child ended that did not come to its last message, in one line."""
    passed = limit_passed(exit_, config)
    if passed is not None:
        return passed[1]
    return f"died of {signal.Signals(exit_.signal).name}" if exit_.signal else "ended before its time"
