"""An agent's pipe to its broker, in memory: answers come in any order."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any

from meta_search.agent.call_scheduler import CallScheduler
from meta_search.agent.runtime import AgentSystem, LLMAgentBase, make_llm_agent_base

Answer = Callable[[dict[str, Any]], str]
PATIENCE_S = 10.0


class Wire:
    """The broker's end of the pipe: answers what was sent, one request for each `recv`.

    Args:
        answer: Call -> text.
        choose: Numbers of the unanswered requests, in the order in which they came -> the one to answer next.
        fewest: Requests that must have come before the first is answered.

    Attributes:
        calls: Every request, in the order in which it was sent.
        log: ("send" or "answer", author) in order.
    """

    def __init__(self, answer: Answer, choose: Callable[[list[int]], int] = min, fewest: int = 1) -> None:
        self._answer, self._choose, self._fewest = answer, choose, fewest
        self._waiting: dict[int, dict[str, Any]] = {}
        self._came = threading.Condition()
        self.calls: list[dict[str, Any]] = []
        self.log: list[tuple[str, str]] = []

    def send(self, message: dict[str, Any]) -> None:
        message = json.loads(json.dumps(message))
        with self._came:
            self._waiting[message["id"]] = message
            self.calls.append(message)
            self.log.append(("send", str(message.get("author"))))
            self._came.notify()

    def recv(self) -> dict[str, Any]:
        with self._came:
            if not self._came.wait_for(lambda: self._waiting and len(self.calls) >= self._fewest, PATIENCE_S):
                raise AssertionError("the agent waits for an answer to a request that it never sent")
            message = self._waiting.pop(self._choose(list(self._waiting)))
            self.log.append(("answer", str(message.get("author"))))
        return {"id": message["id"], "text": self._answer(message), "ok": True}

    def authors(self) -> list[str]:
        return [call["author"] for call in self.calls]


class Stage:
    """A scheduler with what an agent sees of it; belongs to the thread that builds it."""

    def __init__(self, wire: Wire, job: Mapping[str, Any] | None = None, seed: int = 0) -> None:
        self.scheduler = CallScheduler(wire, seed)
        self.system = AgentSystem(job or {}, self.scheduler)
        self.agent: type[LLMAgentBase] = make_llm_agent_base(self.scheduler, {})


def any_order(seed: int) -> Callable[[list[int]], int]:
    """Answers in an order drawn from a seed."""
    return random.Random(seed).choice


def prompt_of(call: Mapping[str, Any]) -> str:
    """The last message of a call."""
    return str(call["messages"][-1][1])
