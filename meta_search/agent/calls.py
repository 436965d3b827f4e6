"""The calls of an agent, and the branches of its control flow that make them; see `call_scheduler`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from .pasted_answers import Text
from .request_shape import RequestShape
from .seeded_random import RandomStates

__all__ = ["Branch", "Call"]


class Branch:
    """The counters and random states of one thread of the agent: the main one, or one item of `self.map`.

    Args:
        path: `""` for the main thread, `"2.0/"` for the first item of the third map.
        seed: Seed of this branch's random states.
        place: Where it begins in a sequential run: `()` for the main thread, `(4, 0)` for the first item of
            a map that is the main thread's fourth step.
        reads: Texts that the agent had read before the branch began.

    Attributes:
        steps: Calls and maps so far.
        random_states: What the functions of `random` and `numpy.random` draw from.
        reads: Texts that the agent has read, in order (a dict used as an ordered set).
        seen: Request as JSON -> how often it was sent.
        unsent: Calls whose inputs have not arrived, in program order.
        agents: Number of `LLMAgentBase` objects made so far.
        maps: Number of `self.map` calls so far.
        components: Name of a component -> how often it was used.
    """

    def __init__(self, path: str, seed: int, place: tuple[int, ...] = (), reads: Iterable[Text] = ()) -> None:
        self.path = path
        self.place = place
        self.steps = 0
        self.random_states = RandomStates(f"{seed}/{path}")
        self.reads: dict[Text, None] = dict.fromkeys(reads)
        self.seen: dict[str, int] = {}
        self.unsent: list[Call] = []
        self.agents = 0
        self.maps = 0
        self.components: dict[str, int] = {}

    @property
    def random(self) -> Random:
        """What the functions of `random` draw from."""
        return self.random_states.random

    def step(self) -> tuple[int, ...]:
        """Count one step and return its place."""
        self.steps += 1
        return (*self.place, self.steps)


class Call:
    """One request: waiting for its inputs, sent, or answered.

    Args:
        number: Id of the request on the pipe.
        branch: The branch that makes it.
        shape: What is known of an LLM request before its inputs have arrived; `None` for other requests.
        inputs: Calls whose answers go into the request.

    Attributes:
        place: Its position in a sequential run.
        pasted: Further calls whose answers the agent pasted into the request as text.
        render: Makes the request once the inputs have arrived.
        parse: Turns the model's text into the values of the output fields.
        reply: The broker's reply, `None` until it has arrived.
        values: Output field -> value, from the reply.
        texts: Output field -> value as a `Text` that later prompts may contain.
    """

    def __init__(
        self, number: int, branch: Branch, shape: RequestShape | None, inputs: Sequence[Call]
    ) -> None:
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
        """Store the broker's reply."""
        self.reply = reply
        if self.parse is not None:
            self.values = self.parse(str(reply.get("text", "")))
            self.texts = {field: Text(value, [self]) for field, value in self.values.items()}
