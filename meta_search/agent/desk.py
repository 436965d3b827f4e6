"""The child's end of the pipe: sends calls as soon as their inputs are there, waits only for what is read.

The order in which requests leave may differ from program order; what an agent sees may not. Two rules
keep it so. A request's *occurrence* (which of several equal requests it is) is counted in program order:
a call that is ready waits for an earlier one that might turn out equal (`Shape`). And each branch of
`self.map` counts for itself.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

__all__ = ["HOLE", "Branch", "Call", "Channel", "Desk", "FieldAnswer", "Shape", "shape_of"]

HOLE = "\0"  # stands in a message for a text that has not come yet
KEYS = ("temperature", "max_tokens", "schema", "model")


class Channel(Protocol):
    """A pipe of JSON objects to the broker."""

    def send(self, message: dict[str, Any]) -> None: ...

    def recv(self) -> dict[str, Any]: ...


class Shape(NamedTuple):
    """What is known of a request before all its inputs are there.

    Attributes:
        settings: Everything but the messages.
        turns: Role, known beginning and known end of each message.
    """

    settings: str
    turns: tuple[tuple[str, str, str], ...]

    def may_equal(self, other: Shape) -> bool:
        """Whether the two requests could turn out equal."""
        if self.settings != other.settings or len(self.turns) != len(other.turns):
            return False
        return all(
            role == role_
            and (start.startswith(start_) or start_.startswith(start))
            and (end.endswith(end_) or end_.endswith(end))
            for (role, start, end), (role_, start_, end_) in zip(self.turns, other.turns, strict=True)
        )


def shape_of(message: dict[str, Any]) -> Shape:
    """Shape of a request whose messages have `HOLE` for each text that is not there yet."""
    turns = []
    for role, text in message["messages"]:
        start, hole, _ = text.partition(HOLE)
        end = text.rpartition(HOLE)[2]
        # An empty text takes the blank lines around it with it.
        turns.append((role, start.rstrip() if hole else start, end.lstrip() if hole else end))
    return Shape(json.dumps([message[k] for k in KEYS]), tuple(turns))


class Branch:
    """What one line of control counts for itself: the main line, or one item of a `self.map`.

    Args:
        path: `""` for the main line, `"2.0/"` for the first item of the second map.
        seed: Seed of this branch's random state.
    """

    def __init__(self, path: str, seed: int) -> None:
        self.path = path
        self.random = random.Random(f"{seed}/{path}")
        self.seen: dict[str, int] = {}
        self.unsent: list[Call] = []
        self.agents = 0
        self.maps = 0


class Call:
    """One request: waiting for its inputs, under way, or answered."""

    def __init__(self, number: int, branch: Branch, shape: Shape | None, inputs: Sequence[Call]) -> None:
        self.number = number
        self.branch = branch
        self.shape = shape
        self.inputs = list(inputs)
        self.render: Callable[[], dict[str, Any]] | None = None
        self.parse: Callable[[str], dict[str, str]] | None = None
        self.reply: dict[str, Any] | None = None
        self.values: dict[str, str] = {}

    def settle(self, reply: dict[str, Any]) -> None:
        """Take the broker's reply."""
        self.reply = reply
        if self.parse is not None:
            self.values = self.parse(str(reply.get("text", "")))


class FieldAnswer:
    """One output field of a call."""

    __slots__ = ("call", "desk", "field")

    def __init__(self, desk: Desk, call: Call, field: str) -> None:
        self.desk = desk
        self.call = call
        self.field = field

    def read(self) -> str:
        self.desk.wait(self.call)
        return self.call.values[self.field]


class Desk:
    """Keeps the calls of one item. All methods are called by the line of control that holds `turn`."""

    def __init__(self, channel: Channel, seed: int) -> None:
        self.channel = channel
        self.seed = seed
        self.turn = threading.Condition(threading.Lock())
        self.turn.acquire()  # by the line of control that builds the desk: the main one
        self.calls: dict[int, Call] = {}
        self.reading = False
        self.number = 0
        self.local = threading.local()
        self.main = Branch("", seed)
        self.local.branch = self.main
        self.branches = [self.main]

    @property
    def branch(self) -> Branch:
        """The branch of the running line of control.

        Raises:
            RuntimeError: A thread that the agent started itself: nobody could say in what order it asks.
        """
        branch: Branch | None = getattr(self.local, "branch", None)
        if branch is None:
            raise RuntimeError("only forward and self.map can ask models: use self.map in place of threads")
        return branch

    def call(
        self,
        shape: Shape,
        inputs: Sequence[Call],
        render: Callable[[], dict[str, Any]],
        parse: Callable[[str], dict[str, str]],
    ) -> Call:
        """Register an LLM call and send it if it can go; never blocks.

        Args:
            shape: What is known of the request before its inputs are there.
            inputs: Calls whose answers go into the request.
            render: Makes the request once the inputs are there.
            parse: Turns the model's text into the values of the output fields.
        """
        call = Call(self._next(), self.branch, shape, inputs)
        call.render, call.parse = render, parse
        self.calls[call.number] = call
        call.branch.unsent.append(call)
        self._send_ready()
        return call

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request of another kind (`run_python`, helpers) and wait for its reply."""
        call = Call(self._next(), self.branch, None, [])
        self.calls[call.number] = call
        self.channel.send({**message, "id": call.number})
        self.wait(call)
        assert call.reply is not None
        return call.reply

    def wait(self, call: Call) -> None:
        """Block until the call is answered. One waiting line of control reads the pipe for all."""
        while self.branch and call.reply is None:
            if self.reading:
                self.turn.wait()
            else:
                self._read_one()

    def finish(self) -> None:
        """Complete what nobody read: it was asked for, so it is answered, counted and paid."""
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
        """Send every call whose inputs are there, in program order within each branch."""
        for branch in self.branches:
            held: list[Call] = []
            ready = []
            for call in branch.unsent:
                there = all(c.reply is not None for c in call.inputs)
                if there and not any(_may_equal(call, earlier) for earlier in held):
                    ready.append(call)
                else:
                    held.append(call)
            branch.unsent = held
            for call in ready:
                self._send(call)

    def _send(self, call: Call) -> None:
        assert call.render is not None
        message = call.render()
        key = json.dumps([message[k] for k in ("messages", *KEYS)])
        n = call.branch.seen.get(key, 0)
        call.branch.seen[key] = n + 1
        self.channel.send(
            {
                "op": "call",
                "id": call.number,
                "occurrence": f"{call.branch.path}{n}",
                "inputs": [c.number for c in call.inputs],
                **message,
            }
        )


def _may_equal(call: Call, earlier: Call) -> bool:
    return call.shape is not None and earlier.shape is not None and call.shape.may_equal(earlier.shape)
