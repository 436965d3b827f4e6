"""Where attacks run: in the driver's own sandbox, or on Ray; and the model that answers them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

from meta_search.config import Config, EvaluateConfig
from meta_search.types import CallReply, CallRequest, ItemJob, ItemResult, Usage
from tests.hostile.house import LIMITS, TOGETHER, WAIT_S, House
from tests.hostile.traps import KEY_NAME, Traps

__all__ = ["Model", "here", "house"]


def here() -> list[str]:
    """Layers of the sandbox that this machine has for this account."""
    from meta_search.sandbox import layers

    return [name for name, works, _ in layers() if works]


class Model:
    """Answers every call, and notes what it must not be told or asked."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self._secrets = secrets
        self._found: list[str] = []

    async def __call__(self, request: CallRequest) -> CallReply:
        return await self.call(request)

    async def call(self, request: CallRequest) -> CallReply:
        told = " ".join(content for _, content in request.messages)
        mine = request.item != "honest" and "of the neighbour" not in told
        if mine:
            self._found += [
                f"the model was told the {n}" for n, secret in self._secrets.items() if secret in told
            ]
        asked = (request.model, request.purpose, request.split, request.repeat)
        if asked != ("task", "task", "test", 0):
            self._found.append(f"the model was asked as {asked}")
        if not could_be_the_runtime_s(request):
            self._found.append("the model was sent what the runtime never makes")
        fields = (request.schema or {}).get("properties", {})
        text = json.dumps(dict.fromkeys(fields, "7")) if fields else "7"
        return CallReply(text, used=Usage(1, 3, 2), paid=Usage(1, 3, 2))

    async def found(self) -> list[str]:
        """What was noted since the last time."""
        found, self._found = self._found, []
        return found


def could_be_the_runtime_s(request: CallRequest) -> bool:
    """Whether the runtime makes such requests, which every endpoint takes and none is held up by."""
    roles, texts = zip(*request.messages, strict=True)
    asked = roles[1:] if roles[0] == "system" else roles
    in_turns = asked == ("user", "assistant") * (len(asked) // 2) + ("user",) and all(map(str.strip, texts))
    names = list((request.schema or {}).get("properties", {}))
    plain = all(name.isprintable() and len(name) <= 100 and "$" not in name for name in names)
    properties = {name: {"type": "string"} for name in names}
    made = {"type": "object", "properties": properties, "required": names, "additionalProperties": False}
    own = request.schema in (None, made)
    small = len(json.dumps(request.schema)) < 8000 and sum(map(len, texts)) < 4 * 10**6
    sent = 0 <= request.temperature <= 2 and (request.max_tokens is None or 0 < request.max_tokens <= 10**6)
    return in_turns and plain and own and small and sent and request.occurrence.isascii()


class Inline:
    """A sandbox of the driver's own."""

    def __init__(self, evaluator: Any, model: Model) -> None:
        self._evaluator, self._model = evaluator, model

    def run(self, jobs: Sequence[ItemJob]) -> list[ItemResult]:
        futures = [self._evaluator.submit(job) for job in jobs]
        return [future.result(WAIT_S) for future in futures]

    def leaks(self) -> list[str]:
        found, self._model._found = self._model._found, []
        return found


class OnRay(Inline):
    """A worker of Ray, whose model lives in a process of its own."""

    def __init__(self, pool: Any, host: Any) -> None:
        self._evaluator, self._host = pool, host

    def leaks(self) -> list[str]:
        found: list[str] = self._host.call("found").result(WAIT_S)
        return found


@contextlib.contextmanager
def house(on_ray: bool = False, layers: Sequence[str] | None = None) -> Iterator[House]:
    """A house with its traps.

    Args:
        on_ray: Run on Ray, which must be up, in place of inline.
        layers: Layers of the sandbox, done without those that are missing; `None`: all of them, strictly.
            Inline only.
    """
    with contextlib.ExitStack() as stack:
        traps = stack.enter_context(Traps())
        stack.enter_context(mock.patch.dict(os.environ, {KEY_NAME: traps.secrets["key"]}))
        evaluate = EvaluateConfig(workers=1, per_worker=TOGETHER)
        if on_ray:
            from meta_search.evaluators.ray_pool import RayHost, RayPool

            host = RayHost(Model, traps.secrets)
            stack.callback(host.close)
            pool = RayPool(Config(evaluate=evaluate, sandbox=LIMITS), host)
            stack.callback(pool.close)
            yield House(OnRay(pool, host), traps, exactly=False)
        else:
            from meta_search.evaluators import inline as evaluators
            from meta_search.sandbox import Sandbox

            if layers is not None:
                chosen = partial(Sandbox, layers=layers)
                stack.enter_context(mock.patch.object(evaluators, "Sandbox", chosen))
            limits = LIMITS if layers is None else replace(LIMITS, level="process")
            model = Model(traps.secrets)
            inline = evaluators.InlineEvaluator(limits, evaluate, model)
            stack.callback(inline.close)
            yield House(Inline(inline, model), traps, exactly=True)
