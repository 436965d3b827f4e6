"""Sends an agent's LLM calls as soon as their inputs have arrived, and waits only when an answer is read.

This is the end of the pipe that lies inside the sandbox; the other end is `sandbox.trusted.broker`.

Requests may leave in another order than the program makes them, but the agent must not notice. Two rules
ensure it. A request's *occurrence* (which of several equal requests it is) is counted in program order, so
a call that is ready waits for any earlier one that might turn out to be equal (`RequestShape`). And each
branch of `self.map` counts its own requests. Every call also carries its *place*, its position in a strictly
sequential run, so that traces do not depend on timing either.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from .calls import Branch, Call
from .pasted_answers import Background, Text, pasted_calls
from .request_shape import RequestShape, settings_of

__all__ = ["CallScheduler", "Channel", "FieldAnswer"]

DEFAULT_ROLE = "helpful assistant"
MAX_AUTHOR, MAX_ROLE = 80, 80  # characters of the name of a component
MAX_PLACE = 64  # numbers of a place that are sent: nobody nests maps deeper


class Channel(Protocol):
    """A pipe of JSON objects to the broker."""

    def send(self, message: dict[str, Any]) -> None:
        """Send one object."""
        ...

    def recv(self) -> dict[str, Any]:
        """Block until the next object has arrived."""
        ...


class FieldAnswer:
    """One output field of a call that may still be unanswered (`info.PendingAnswer`)."""

    __slots__ = ("call", "field", "scheduler")

    def __init__(self, scheduler: CallScheduler, call: Call, field: str) -> None:
        self.scheduler = scheduler
        self.call = call
        self.field = field

    def read(self) -> str:
        """The value; blocks until the call is answered."""
        self.scheduler.wait(self.call)
        self.scheduler.record_read(self.call.texts[self.field])
        return self.call.values[self.field]


class CallScheduler:
    """Schedules the calls of one item.

    Only one of the agent's threads runs at a time: the one that holds the lock `turn`, like a global
    interpreter lock. Only that thread calls these methods.

    Args:
        channel: Pipe to the broker.
        seed: Seed of the agent's random numbers.
        limit: Most LLM calls; one more is sent last and ends the item. `None`: no limit.

    Attributes:
        background: Texts that the agent has from elsewhere than from a model.
        mute: Components that are left out: their calls are not made.
        made: Number of LLM calls so far.
        turn: The lock, as a condition that is notified when replies have arrived or a branch has ended.
        calls: Number -> call, of all requests so far.
        reading: Whether a thread waits for the pipe; the others wait for `turn`.
        rendering: Whether a prompt is being put together: what is read then is not read by the agent.
        main: The main thread's branch.
        branches: All branches so far.
        networks: (path of the branch, ordinal) -> network of a team that worked there.
    """

    def __init__(self, channel: Channel, seed: int, limit: int | None = None) -> None:
        self.channel = channel
        self.seed = seed
        self.limit = limit
        self.made = 0
        self.background = Background()
        self.mute: frozenset[str] = frozenset()
        self.rendering = False
        self.turn = threading.Condition(threading.Lock())
        self.turn.acquire()  # by the thread that builds the scheduler: the main one
        self.calls: dict[int, Call] = {}
        self.reading = False
        self.number = 0
        self.local = threading.local()
        self.main = Branch("", seed)
        self.local.branch = self.main
        self.branches = [self.main]
        self.networks: dict[tuple[str, int], dict[str, Any]] = {}

    @property
    def branch(self) -> Branch:
        """The branch of the running thread.

        Raises:
            RuntimeError: The agent started the thread itself, so its calls have no place in program order.
        """
        branch: Branch | None = getattr(self.local, "branch", None)
        if branch is None:
            raise RuntimeError("only forward and self.map can ask models: use self.map in place of threads")
        return branch

    def call(
        self,
        shape: RequestShape,
        inputs: Sequence[Call],
        render: Callable[[], dict[str, Any]],
        parse: Callable[[str], dict[str, str]],
        pieces: Iterable[str] = (),
    ) -> Call:
        """Register an LLM call and send it if its inputs have arrived. Blocks only beyond the limit.

        Args:
            shape: What is known of the request before its inputs have arrived.
            inputs: Calls whose answers go into the request.
            render: Makes the request once the inputs have arrived.
            parse: Turns the model's text into the values of the output fields.
            pieces: Other texts of the request, into which the agent may have pasted earlier answers.
        """
        too_many = self.limit is not None and self.made >= self.limit
        if too_many:
            self.finish()  # so that the cost does not depend on which answers come first
        self.made += 1
        call = Call(self._next(), self.branch, shape, inputs)
        call.render, call.parse = render, parse
        call.pasted = [c for c in self.pasted(pieces, inputs) if c not in call.inputs]
        self.calls[call.number] = call
        call.branch.unsent.append(call)
        self._send_ready()
        if too_many:
            self.wait(call)  # for ever: the broker ends the item
        return call

    def component(self, author: str, role: str) -> str:
        """A name for a new component of the agent, by which it can be left out.

        Args:
            author: Name that the agent gave it.
            role: Its role; the default role is not part of the name.

        Returns:
            `author`, or `author (role)`; the second of that name ends in ` #2`, one in the second branch of
            the first map in ` #0.1/1`.
        """
        name = " ".join(author.split())[:MAX_AUTHOR] or "?"
        role = " ".join(role.split())[:MAX_ROLE]
        if role.casefold() not in ("", DEFAULT_ROLE, name.casefold()):
            name = f"{name} ({role})"
        branch = self.branch
        branch.components[name] = n = branch.components.get(name, 0) + 1
        ordinal = f"{branch.path}{n}"
        return name if ordinal == "1" else f"{name} #{ordinal}"

    def pasted(self, pieces: Iterable[str], passed: Iterable[Call] = ()) -> list[Call]:
        """Calls whose answers the running branch has read and that appear in these texts.

        Args:
            pieces: Texts on their way into a prompt.
            passed: Calls whose answers are part of the prompt anyway.
        """
        return pasted_calls(pieces, list(self.branch.reads), self.background, passed)

    def record_read(self, text: Text) -> None:
        """Remember a text that the agent reads: it may appear in a later prompt."""
        if not self.rendering:
            self.branch.reads[text] = None

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request that is not for a model (`run_python`, helpers) and wait for its reply."""
        call = Call(self._next(), self.branch, None, [])
        self.calls[call.number] = call
        self.channel.send({**message, "id": call.number, "place": call.place[:MAX_PLACE]})
        self.wait(call)
        assert call.reply is not None
        return call.reply

    def wait(self, call: Call) -> None:
        """Block until the call is answered. One of the waiting threads reads the pipe for all."""
        while self.branch and call.reply is None:
            if self.reading:
                self.turn.wait()
            else:
                self._read_one()

    def finish(self) -> None:
        """Wait for all calls, also those whose answers nobody read: they were made, so they count."""
        for call in list(self.calls.values()):
            self.wait(call)

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _read_one(self) -> None:
        self.reading = True
        self.turn.release()  # other branches may run while this one reads
        try:
            message = self.channel.recv()
        finally:
            self.turn.acquire()
            self.reading = False
            self.turn.notify_all()
        call = self.calls.get(int(message.get("id", -1)))
        if call is not None and call.reply is None:
            call.settle(message)
            self._send_ready()

    def _send_ready(self) -> None:
        """Send every call whose inputs have arrived, in program order within each branch."""
        for branch in self.branches:
            held: list[Call] = []
            ready = []
            for call in branch.unsent:
                complete = all(c.reply is not None for c in call.inputs)
                if complete and not any(_may_equal(call, earlier) for earlier in held):
                    ready.append(call)
                else:
                    held.append(call)
            branch.unsent = held
            for call in ready:
                self._send(call)

    def _send(self, call: Call) -> None:
        assert call.render is not None
        self.rendering = True  # the runtime reads here, not the agent
        try:
            message = call.render()
        finally:
            self.rendering = False
        key = json.dumps([message["messages"], *settings_of(message)])
        n = call.branch.seen.get(key, 0)
        call.branch.seen[key] = n + 1
        self.channel.send(
            {
                "op": "call",
                "id": call.number,
                "occurrence": f"{call.branch.path}{n}",
                "inputs": [c.number for c in call.inputs],
                "pasted": [c.number for c in call.pasted],
                "place": call.place[:MAX_PLACE],
                **message,
            }
        )


def _may_equal(call: Call, earlier: Call) -> bool:
    return call.shape is not None and earlier.shape is not None and call.shape.may_equal(earlier.shape)
