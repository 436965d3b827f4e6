"""The trusted end of a child's pipe: runs one item, from its job to its result.

Forwards calls to the LLM, has programs run in sibling processes, limits the item's time, and decides the
outcome. Everything it reads is hostile until `messages.read` has parsed it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from meta_search.config import SandboxConfig
from meta_search.errors import SandboxError
from meta_search.sandbox.trusted import dry_run
from meta_search.sandbox.trusted.charges import PROGRAM_S, WAKE_S, Charges
from meta_search.sandbox.trusted.child_handle import Child, wait_despite_cancel
from meta_search.sandbox.trusted.clock import Clock
from meta_search.sandbox.trusted.equality import Equality, Questions
from meta_search.sandbox.trusted.exit_outcomes import outcome_of, outcome_of_long_line
from meta_search.sandbox.trusted.job import job_message
from meta_search.sandbox.trusted.messages import (
    Call,
    Equal,
    Final,
    Message,
    Program,
    ProtocolError,
    read,
    too_large,
)
from meta_search.sandbox.trusted.programs import run_in_sibling
from meta_search.sandbox.trusted.requests import request_of
from meta_search.sandbox.trusted.tokens import TokenMeter, most_tokens
from meta_search.sandbox.trusted.trace import Programs, digest_of, place_of, trace_of
from meta_search.sandbox.trusted.zygote_handle import ZygoteHandle, ZygoteLost
from meta_search.types import CallReply, CallRequest, ItemJob, ItemResult, OutcomeKind, Usage

__all__ = ["LLM", "Broker"]

LLM = Callable[[CallRequest], Awaitable[CallReply]]

MAX_BYTES = 16 * 2**20
MAX_PROMPTS = 4 * 2**20  # bytes of all prompts of an item, which are kept until it ends
TRACE = 4  # times `sandbox.output_kb`: what is kept of its prompts and their answers
MAX_PROGRAMS_WAITING = 64


@dataclass(slots=True)
class _Asked:
    """A call that the child has made, and the task that answers it."""

    call: Call
    task: asyncio.Task[CallReply]


class Broker:
    """Runs one item. Use once, within an event loop.

    Args:
        job: The item and its agent.
        llm: Answers calls; not used for dry runs.
        config: Limits.
        zygote: Forks the item's child and the siblings that run its programs.
        equality: Compares answers of teams; with `None`, nothing is known to be the same.
    """

    def __init__(
        self,
        job: ItemJob,
        llm: LLM,
        config: SandboxConfig,
        zygote: ZygoteHandle,
        equality: Equality | None = None,
    ) -> None:
        self._job = job
        self._llm = llm
        self._config = config
        self._zygote = zygote
        self._asked: dict[int, _Asked] = {}
        self._prompts = 0  # bytes
        self._programs: dict[int, asyncio.Task[None]] = {}
        self._ran = Programs()
        self._waiting_programs = 0
        self._one_program = asyncio.Lock()
        self._tokens = TokenMeter(config.tokens)
        self._questions = Questions(equality, self._compared)
        self._end: asyncio.Future[Final] = asyncio.get_running_loop().create_future()

    async def run(self) -> ItemResult:
        """Run the item. A failure of the agent is the result's `kind`, not an exception.

        Raises:
            ZygoteLost: The zygote died; the item may be run again.
            SandboxError: No process can be started.
        """
        started = time.monotonic()
        try:
            final = await self._converse(await self._zygote.spawn())
            # Calls that were sent are answered and paid, whatever the item's outcome.
            in_order = sorted(self._asked.items(), key=lambda row: place_of(row[1].call))
            if in_order:
                await asyncio.wait([asked.task for _, asked in in_order])
            replies = {n: asked.task.result() for n, asked in in_order if not asked.task.cancelled()}
        except ZygoteLost:
            await asyncio.gather(*(asked.task for asked in self._asked.values()), return_exceptions=True)
            raise
        finally:
            for asked in self._asked.values():
                asked.task.cancel()  # some are left only after an exception
        return self._result(final, replies, time.monotonic() - started)

    async def _converse(self, child: Child) -> Final:
        """Send the job and handle messages until the child has ended."""
        self._clock = Clock(self._config.wall_s, self._timeout)
        self._charges = Charges(lambda cpu_s: self._zygote.charge(child.number, cpu_s))
        child.reader.on_data = self._woken
        child.send({**job_message(self._job), "calls": self._config.calls})
        reading = asyncio.create_task(self._read(child))
        try:
            await asyncio.wait((self._end, reading), return_when=asyncio.FIRST_COMPLETED)
            if self._end.done():
                exit_ = await child.end()
            else:
                reading.result()
                exit_ = await child.end()
                self._finish(outcome_of(exit_, self._config))
            final = self._end.result()
            # A limit that the zygote enforced outweighs whatever the child still said.
            return outcome_of(exit_, self._config) if exit_.exceeded_limit else final
        finally:
            self._clock.close()
            self._tokens.close()
            reading.cancel()
            for program in self._programs.values():
                program.cancel()
            parts = (reading, *self._programs.values(), child.end())
            await wait_despite_cancel(asyncio.gather(*parts, return_exceptions=True))

    async def _read(self, child: Child) -> None:
        """Handle the child's messages until it ends, sends its answer, or breaks the protocol."""
        size = 0
        while not self._end.done():
            try:
                line = await child.reader.readuntil(b"\n")
            except asyncio.LimitOverrunError:
                start = await child.reader.read(64)
                self._finish(outcome_of_long_line(start))
                return
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            size += len(line)
            if size > MAX_BYTES:
                self._fault("output", f"sent more than {MAX_BYTES >> 20} MB of prompts and other messages")
                return
            try:
                with self._charges.work():
                    self._handle(read(line), child)
            except ProtocolError as error:
                self._fault("refused", str(error))

    def _woken(self) -> None:
        self._charges.add(WAKE_S)

    def _handle(self, message: Message, child: Child) -> None:
        if isinstance(message, Call):
            self._start_call(message, child)
        elif isinstance(message, Program | Equal):
            self._start_program(message, child)
        elif message.kind == "memory":
            self._fault("memory", f"{message.detail} (limit: {self._config.memory_mb} MB)")
        elif message.kind == "disk":
            self._fault("disk", f"{message.detail} (limit: {self._config.disk_mb} MB)")
        elif not self._job.mute and sum(n.calls for n in message.networks) > len(self._asked):
            self._fault("refused", "reported more calls of its teams than it made")
        elif excess := too_large(message, self._config.output_kb):
            self._fault("output", excess)
        else:
            self._finish(message)

    def _start_program(self, message: Program | Equal, child: Child) -> None:
        if message.id in self._programs or len(self._programs) > 100_000:
            raise ProtocolError("broke the sandbox's protocol: id of a program used twice")
        if self._waiting_programs >= MAX_PROGRAMS_WAITING:
            raise ProtocolError(f"asked for more than {MAX_PROGRAMS_WAITING} programs at a time")
        self._waiting_programs += 1
        if isinstance(message, Equal):
            work = self._compare(message, child)
        else:
            self._charges.add(PROGRAM_S)
            work = self._run_program(message, child)
        self._programs[message.id] = asyncio.create_task(work)

    def _start_call(self, call: Call, child: Child) -> None:
        if call.id in self._asked:
            raise ProtocolError("broke the sandbox's protocol: id of a call used twice")
        if len(self._asked) >= self._config.calls:
            self._fault("calls", f"made more than {self._config.calls} LLM calls")
            return
        self._prompts += call.size
        if self._prompts > MAX_PROMPTS:
            self._fault("output", f"sent more than {MAX_PROMPTS >> 20} MB of prompts")
            return
        task = asyncio.ensure_future(self._answer(call))
        self._asked[call.id] = _Asked(call, task)
        self._clock.pause()
        task.add_done_callback(lambda done: self._answered(call, done, child))

    async def _answer(self, call: Call) -> CallReply:
        """Answer a call, once the item's tokens allow for it."""
        most = used = most_tokens(call, self._job.max_tokens)
        await self._tokens.reserve(most)
        try:
            reply = await self._ask(call)
            used = reply.used.tokens
        finally:
            self._tokens.settle(most, used)
        return reply

    async def _ask(self, call: Call) -> CallReply:
        if self._job.dry:
            return dry_run.reply(call, self._job)
        return await self._llm(request_of(call, self._job))

    def _answered(self, call: Call, done: asyncio.Task[CallReply], child: Child) -> None:
        self._clock.resume()
        if done.cancelled() or done.exception() is not None or done.result().fault is not None:
            self._fault("llm", "a call failed")  # `_result` has the details
        elif self._tokens.over:
            self._fault("tokens", f"used more than {self._config.tokens} tokens")
        else:
            self._send(child, {"id": call.id, "text": done.result().text})

    async def _run_program(self, program: Program, child: Child) -> None:
        """Run a program in a sibling, one at a time; the zygote charges its CPU time to the item."""
        async with self._one_program:
            ended = self._ran.begun(program)
            try:
                ok, text = await run_in_sibling(
                    program, child.number, self._zygote, self._config, self._woken
                )
            except SandboxError as error:  # a fault of ours, which is no outcome of the agent
                if not self._end.done():
                    self._end.set_exception(error)
                return
        ended(ok, text)
        self._waiting_programs -= 1
        self._send(child, {"id": program.id, "ok": ok, "text": text})

    async def _compare(self, question: Equal, child: Child) -> None:
        """Compare two answers. The clock is paused meanwhile: `_compared` charges what the work took."""
        self._clock.pause()
        try:
            asked = question.kind, question.a, question.b, question.threshold
            ok, equal = await self._questions.ask(*asked)
        finally:
            self._clock.resume()
        self._waiting_programs -= 1
        self._send(child, {"id": question.id, "ok": ok, "equal": equal})

    def _compared(self, cpu_s: float, seconds: float) -> None:
        self._charges.add(cpu_s)
        self._clock.spend(seconds)

    def _send(self, child: Child, message: Mapping[str, Any]) -> None:
        if child.writer.transport.get_write_buffer_size() > MAX_BYTES:
            self._fault("refused", f"left more than {MAX_BYTES >> 20} MB of answers unread")
        else:
            child.send(message)

    def _timeout(self) -> None:
        limit = f"{self._config.wall_s:g} s"
        self._fault("timeout", f"worked longer than {limit}, time spent waiting for LLM answers not counted")

    def _fault(self, kind: OutcomeKind, detail: str) -> None:
        self._finish(Final(kind, "", detail, ()))

    def _finish(self, final: Final) -> None:
        """End the item; the first end counts."""
        self._tokens.close()
        if not self._end.done():
            self._end.set_result(final)

    def _result(self, final: Final, replies: Mapping[int, CallReply], seconds: float) -> ItemResult:
        kind, answer, detail = final.kind, final.answer, final.detail
        for reply in replies.values():
            # Neither an answer nor an `except` can hide a failed call; a limit that was passed before it can.
            if reply.fault is not None and kind != "tokens":
                kind, answer, detail = reply.fault, "", reply.message or "the endpoint failed"
                break
        calls = [(self._asked[n].call, reply) for n, reply in replies.items()]
        dry = self._job.dry
        return ItemResult(
            agent=self._job.agent.id,
            split=self._job.split,
            item=self._job.item,
            repeat=self._job.repeat,
            kind=kind,
            answer=answer if kind == "ok" else "",
            detail=detail,
            used=Usage() if dry else sum((r.used for r in replies.values()), Usage()),
            paid=Usage() if dry else sum((r.paid for r in replies.values()), Usage()),
            seconds=seconds,
            trace=trace_of(calls, final.inputs, TRACE * self._config.output_kb * 1024),
            space=final.space,
            networks=final.networks,
            asked=digest_of(calls, self._job.seed, self._job.model),
            programs=self._ran.trace(call for call, _ in calls),
        )
