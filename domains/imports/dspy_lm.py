"""DSPy, loaded when a file needs it; and what its language models do while meta-search is at work.

A metric may ask a model: through `dspy.configure(lm=…)`, a `dspy.LM` that it holds, or a module with one set.
All of these are asked through `ask` instead (`domains.user_file.Ask`), which goes to `llm.judge.model` by the
gateway, within the budget, and no provider is reached. That holds within `asking` alone: elsewhere in this
process, as in a notebook that uses DSPy by itself, its models are what they were.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from domains.user_file import Ask
from meta_search.errors import DomainError

__all__ = ["Refused", "asking", "library", "loading", "read_as", "refusing", "spoken_to"]

INSTALL = "pip install 'meta-search[dspy]'"
MODEL = "meta-search/judge"
KEY = "meta_search_ask"  # of `dspy.settings`, which DSPy hands on to threads of its own
MOST_TOKENS = 16_384  # as a confined scorer may ask for; see `sandbox.trusted.judging`
CAN = ("supports_function_calling", "supports_reasoning", "supports_response_schema", "supported_params")


class Refused(RuntimeError):
    """A model was asked where none may be."""


def library() -> Any:
    """The module `dspy`.

    Raises:
        DomainError: It is not installed; says how to.
    """
    try:
        import dspy
    except ImportError as error:
        raise DomainError(f"domain=dspy needs DSPy ({error}): {INSTALL}") from error
    logging.getLogger("dspy.clients.model_metadata").setLevel(logging.ERROR)  # it looks for news on a network
    _route(dspy)
    return dspy


@contextlib.contextmanager
def asking(dspy: Any, ask: Ask, settings: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Within the block every language model of DSPy is asked by `ask`.

    Args:
        dspy: The library.
        ask: Asks a model.
        settings: Further settings of DSPy, as its adapter.
    """
    with dspy.context(**{**(settings or {}), "lm": _own_lm(dspy), KEY: ask}):
        yield


@contextlib.contextmanager
def loading(dspy: Any) -> Iterator[dict[str, Any]]:
    """Within the block `dspy.configure(…)` configures nothing; what it was told is in the dict."""
    told: dict[str, Any] = {}
    kind = type(dspy.settings)
    module, method = dspy.configure, kind.configure
    dspy.configure = lambda **settings: told.update(settings)
    kind.configure = lambda _self, **settings: told.update(settings)
    try:
        yield told
    finally:
        dspy.configure, kind.configure = module, method


def refusing(why: str) -> tuple[Ask, list[bool]]:
    """An `ask` that refuses; and a list that is not empty once it was asked."""
    asked: list[bool] = []

    def ask(messages: Any, model: str, max_tokens: int | None, temperature: float) -> str:
        asked.append(True)
        raise Refused(why)

    return ask, asked


def read_as(kind: Any, value: Any) -> Any:
    """A value as a type of a signature, as DSPy's adapters read what a model wrote; raises as they do."""
    from dspy.adapters.utils import parse_value

    return parse_value(value, kind)


def spoken_to(lm: Any) -> str:
    """What a language model is called, for messages."""
    return str(getattr(lm, "model", lm))


@functools.cache
def _own_lm(dspy: Any) -> Any:
    return type("GatewayLM", (dspy.BaseLM,), {"__doc__": "Asks as `asking` says."})(MODEL)


@functools.cache
def _route(dspy: Any) -> None:
    """Have all language models of DSPy look for an `ask` first."""
    for kind in (dspy.BaseLM, dspy.LM):
        for name in ("__call__", "forward"):
            if name in vars(kind):
                setattr(kind, name, _routed(dspy, vars(kind)[name]))
        for name in ("acall", "aforward"):
            if name in vars(kind):
                setattr(kind, name, _routed_later(dspy, vars(kind)[name]))
        for name in CAN:
            if isinstance(vars(kind).get(name), property):
                setattr(kind, name, property(_plain(dspy, name, vars(kind)[name].fget)))


def _routed(dspy: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(self: Any, prompt: Any = None, messages: Any = None, **settings: Any) -> Any:
        ask = dspy.settings.get(KEY)
        if ask is None:
            return original(self, prompt, messages=messages, **settings)
        return _replies(dspy, self, ask, prompt, messages, settings)

    return call


def _routed_later(dspy: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def call(self: Any, prompt: Any = None, messages: Any = None, **settings: Any) -> Any:
        ask = dspy.settings.get(KEY)
        if ask is None:
            return await original(self, prompt, messages=messages, **settings)
        return _replies(dspy, self, ask, prompt, messages, settings)

    return call


def _plain(dspy: Any, name: str, original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """No tools and no schemas where we ask: prompts of text alone."""

    def can(self: Any) -> Any:
        if dspy.settings.get(KEY) is None:
            return original(self)
        return {"temperature", "max_tokens"} if name == "supported_params" else False

    return can


def _replies(
    dspy: Any, lm: Any, ask: Ask, prompt: Any, messages: Any, settings: Mapping[str, Any]
) -> list[str]:
    """What a call of a language model gives: a text for each of the `n` that are asked for."""
    wanted = {**(getattr(lm, "kwargs", None) or {}), **settings}
    turns = _turns([{"role": "user", "content": prompt}] if messages is None else messages)
    most = wanted.get("max_tokens") or wanted.get("max_completion_tokens")
    tokens = None if most is None else max(1, min(int(most), MOST_TOKENS))
    warmth = min(max(float(wanted.get("temperature") or 0.0), 0.0), 2.0)
    replies = [ask(turns, "judge", tokens, warmth) for _ in range(int(wanted.get("n") or 1))]
    if not dspy.settings.get("disable_history"):
        lm.history.append({"prompt": prompt, "messages": messages, "kwargs": dict(settings),
                           "outputs": replies, "usage": {}, "cost": None, "model": MODEL})  # fmt: skip
    return replies


def _turns(messages: Any) -> list[tuple[str, str]]:
    """Chat messages as pairs of role and text.

    Raises:
        TypeError: They hold something else than text.
    """
    turns = []
    for message in messages:
        if not isinstance(message, Mapping):
            raise TypeError(f"a model is asked with texts or chat messages, not {type(message).__name__}")
        content = message.get("content")
        if isinstance(content, list | tuple):
            if any(not isinstance(part, Mapping) or part.get("type") != "text" for part in content):
                raise TypeError("a model that judges is shown text alone, no images")
            content = "\n".join(str(part["text"]) for part in content)
        role = str(message.get("role", "user"))
        turns.append(("system" if role == "developer" else role, str(content or "")))
    return turns
