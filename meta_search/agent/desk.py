"""The child's end of the pipe: sends calls as soon as their inputs are there, waits only for what is read.

The order in which requests leave may differ from program order; what an agent sees may not. Two rules
keep it so. A request's *occurrence* (which of several equal requests it is) is counted in program order:
a call that is ready waits for an earlier one that might turn out equal (`Shape`). And each branch of
`self.map` counts for itself. So that traces don't show the difference either, every call says its *place*:
where a strictly sequential run would have made it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Protocol

from .chance import Chance
from .shape import KEYS, Shape
from .sources import Ground, Text, sources

__all__ = ["Branch", "Call", "Channel", "Desk", "FieldAnswer"]

DEFAULT_ROLE = "helpful assistant"
MOST_AUTHOR, MOST_ROLE = 80, 80  # characters of the name of a component
DEEPEST = 64  # numbers of a place that are told: nobody nests maps deeper


class Channel(Protocol):
    """A pipe of JSON objects to the broker."""

    def send(self, message: dict[str, Any]) -> None: ...

    def recv(self) -> dict[str, Any]: ...


class Branch:
    """What one line of control counts for itself: the main line, or one item of a `self.map`.

    Args:
        path: `""` for the main line, `"2.0/"` for the first item of the second map.
        seed: Seed of this branch's random state.
        place: Where it begins in a sequential run: `()` for the main line, `(4, 0)` for the first item of a
            map that is the main line's fourth step.
        reads: What was read before it begins.
    """

    def __init__(self, path: str, seed: int, place: tuple[int, ...] = (), reads: Iterable[Text] = ()) -> None:
        self.path = path
        self.place = place
        self.steps = 0
        self.chance = Chance(f"{seed}/{path}")
        self.reads: dict[Text, None] = dict.fromkeys(reads)
        self.seen: dict[str, int] = {}
        self.unsent: list[Call] = []
        self.agents = 0
        self.maps = 0
        self.components: dict[str, int] = {}

    @property
    def random(self) -> Random:
        """State behind the functions of `random`."""
        return self.chance.random

    def step(self) -> tuple[int, ...]:
        """The place of this branch's next call or map."""
        self.steps += 1
        return (*self.place, self.steps)


class Call:
    """One request: waiting for its inputs, under way, or answered."""

    def __init__(self, number: int, branch: Branch, shape: Shape | None, inputs: Sequence[Call]) -> None:
        self.number = number
        self.branch = branch
        self.shape = shape
        self.inputs = list(inputs)
        self.place = branch.step()
        self.pasted: list[Call] = []
        self.render: Callable[[], dict[str, Any]] | None = None
        self.parse: Callable[[str], dict[str, str]] | None = None
        self.reply: dict[str, Any] | None = None
        self.values: dict[str, str] = {}
        self.texts: dict[str, Text] = {}

    def settle(self, reply: dict[str, Any]) -> None:
        """Take the broker's reply."""
        self.reply = reply
        if self.parse is not None:
            self.values = self.parse(str(reply.get("text", "")))
            self.texts = {field: Text(value, [self]) for field, value in self.values.items()}


class FieldAnswer:
    """One output field of a call."""

    __slots__ = ("call", "desk", "field")

    def __init__(self, desk: Desk, call: Call, field: str) -> None:
        self.desk = desk
        self.call = call
        self.field = field

    def read(self) -> str:
        self.desk.wait(self.call)
        self.desk.note(self.call.texts[self.field])
        return self.call.values[self.field]


class Desk:
    """Keeps the calls of one item. All methods are called by the line of control that holds `turn`.

    Args:
        channel: Pipe to the broker.
        seed: Seed of what is random.
        limit: Most LLM calls; the one too many is sent last and ends the item. `None` is endless.

    Attributes:
        ground: What explains words of a prompt without any answer.
        mute: Components that are left out: their calls are not made.
    """

    def __init__(self, channel: Channel, seed: int, limit: int | None = None) -> None:
        self.channel = channel
        self.seed = seed
        self.limit = limit
        self.made = 0
        self.ground = Ground()
        self.mute: frozenset[str] = frozenset()
        self.rendering = False
        self.turn = threading.Condition(threading.Lock())
        self.turn.acquire()  # by the line of control that builds the desk: the main one
        self.calls: dict[int, Call] = {}
        self.reading = False
        self.number = 0
        self.local = threading.local()
        self.main = Branch("", seed)
        self.local.branch = self.main
        self.branches = [self.main]
        self.networks: dict[tuple[str, int], dict[str, Any]] = {}  # of teams, by branch and ordinal

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
        pieces: Iterable[str] = (),
    ) -> Call:
        """Register an LLM call and send it if it can go; blocks only where it is one too many.

        Args:
            shape: What is known of the request before its inputs are there.
            inputs: Calls whose answers go into the request.
            render: Makes the request once the inputs are there.
            parse: Turns the model's text into the values of the output fields.
            pieces: Texts that go into the request beside them: earlier answers may be pasted there.
        """
        too_many = self.limit is not None and self.made >= self.limit
        if too_many:
            self.finish()  # so that what is paid does not depend on which answers come first
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
        """A name for a new part of the agent, by which it can be left out.

        The author; with the role, where it has one; and for the second of that name `#2`, in the second
        branch of the first map `#0.1/1`.
        """
        name = " ".join(author.split())[:MOST_AUTHOR] or "?"
        role = " ".join(role.split())[:MOST_ROLE]
        if role.casefold() not in ("", DEFAULT_ROLE, name.casefold()):
            name = f"{name} ({role})"
        branch = self.branch
        branch.components[name] = n = branch.components.get(name, 0) + 1
        ordinal = f"{branch.path}{n}"
        return name if ordinal == "1" else f"{name} #{ordinal}"

    def pasted(self, pieces: Iterable[str], passed: Iterable[Call] = ()) -> list[Call]:
        """Calls whose answers the running branch has read and that stand in these pieces of text.

        Args:
            pieces: Texts on their way into a prompt. passed: Calls whose answers go in anyway.
        """
        return sources(pieces, list(self.branch.reads), self.ground, passed)

    def note(self, text: Text) -> None:
        """The agent reads a text that may turn up in a later prompt."""
        if not self.rendering:
            self.branch.reads[text] = None

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
        self.rendering = True  # reading that is the runtime's own tells the agent nothing
        try:
            message = call.render()
        finally:
            self.rendering = False
        key = json.dumps([message[k] for k in ("messages", *KEYS)])
        n = call.branch.seen.get(key, 0)
        call.branch.seen[key] = n + 1
        self.channel.send(
            {
                "op": "call",
                "id": call.number,
                "occurrence": f"{call.branch.path}{n}",
                "inputs": [c.number for c in call.inputs],
                "pasted": [c.number for c in call.pasted],
                "place": call.place[:DEEPEST],
                **message,
            }
        )


def _may_equal(call: Call, earlier: Call) -> bool:
    return call.shape is not None and earlier.shape is not None and call.shape.may_equal(earlier.shape)
