"""Stands in for every model of Inspect's: no provider of its own is ever made, whatever a task names.

What a task's solvers and scorers ask of a model, under any name or role, ends in `Calls`. That is done by two
names of `inspect_ai.model._model`, which are private: `registry_find`, by which `get_model` looks for a
provider, and `Model.generate`, which asks it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import inspect_ai.model._model as library
from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelAPI,
    ModelOutput,
    modelapi,
)

__all__ = ["CALLS", "NAME", "Asked", "begin", "stand_in", "turns_of"]

NAME = "meta-search/agent"  # of the model that is evaluated: our agent

Asked = Callable[[Sequence[ChatMessage], Sequence[Any], GenerateConfig], str]


class Calls:
    """Where calls of a model go.

    Attributes:
        asked: Answers a call, by its messages, tools and settings; `None` refuses.
        names: Names of models that the task made, without the provider.
        model: The one that is evaluated.
    """

    model: Model

    def __init__(self) -> None:
        self.asked: Asked | None = None
        self.names: set[str] = set()

    def answer(self, messages: Sequence[ChatMessage], tools: Sequence[Any], config: GenerateConfig) -> str:
        """The reply to a call."""
        if self.asked is None:
            raise RuntimeError("a model is asked where the task is only loaded")
        return self.asked(messages, tools, config)


CALLS = Calls()


@modelapi(name="meta-search")
class _Anything(ModelAPI):
    """A provider of whatever name; it is never asked, as `Model.generate` is ours."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **_: Any,
    ) -> None:
        CALLS.names.add(model_name)
        super().__init__(model_name, None, None, [], config or GenerateConfig())

    async def generate(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("models are asked through meta-search alone")


async def _generate(
    self: Model,
    input: str | list[ChatMessage],  # noqa: A002 (the library's name)
    tools: Any = (),
    tool_choice: Any = None,
    config: GenerateConfig | None = None,
    **_: Any,
) -> ModelOutput:
    """Takes the place of `Model.generate`."""
    messages = [ChatMessageUser(content=input)] if isinstance(input, str) else list(input)
    settings = self.config.merge(config or GenerateConfig())
    if settings.system_message:
        messages = [ChatMessageSystem(content=settings.system_message), *messages]
    named = tools if isinstance(tools, list | tuple) else [tools]
    return ModelOutput.from_content(str(self), CALLS.answer(messages, named, settings))


def stand_in() -> None:
    """Have all models be ours from now on, in this process."""
    for name in ("registry_find", "get_model", "Model"):
        if not hasattr(library, name):
            raise ImportError(f"inspect_ai.model._model has no {name}")
    setattr(library, "registry_find", lambda _: [_Anything])  # noqa: B010 (a private name of a library)
    setattr(Model, "generate", _generate)  # noqa: B010
    CALLS.model = library.get_model(NAME)
    CALLS.names.clear()


def begin(roles: Any = None) -> None:
    """In a task of asyncio: a call without a name goes to the agent's model, one of a role to the task's."""
    library.init_active_model(CALLS.model, GenerateConfig())
    library.init_model_roles(dict(roles or {}))


def turns_of(messages: Sequence[ChatMessage]) -> list[tuple[str, str]]:
    """Messages as our gateway takes them: a system's first, then a user's and an assistant's by turns.

    Raises:
        ValueError: One holds more than text.
    """
    system = "\n\n".join(m.text for m in messages if m.role == "system")
    turns: list[tuple[str, str]] = []
    for message in messages:
        if message.role == "system":
            continue
        if not isinstance(message.content, str) and any(p.type != "text" for p in message.content):
            raise ValueError("the scorer shows its model more than text: not possible yet")
        role = "assistant" if message.role == "assistant" else "user"
        if turns and turns[-1][0] == role:
            turns[-1] = (role, f"{turns[-1][1]}\n\n{message.text}")
        elif turns or role == "user":
            turns.append((role, message.text))
        else:  # begins with an assistant's: shown as what it is
            turns.append(("user", f"Assistant: {message.text}"))
    if not turns or turns[-1][0] != "user":
        turns.append(("user", "Go on."))
    return [("system", system), *turns] if system else turns
