"""Plays a task's chain of solvers: to see what it asks a model, and what it makes of an answer.

Templates, system messages, shots and options come from whatever solvers the task has, so none is known here
by name. The first call of the model is the question that agents are asked; in its place the agent's
answer is handed on, and what the chain does then (as `multiple_choice` marks the options) is done. Where the
chain asks once more (a critique, another turn), it ends there: how an answer is found is the agent's part.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageUser, ModelName, ModelOutput
from inspect_ai.scorer import Target
from inspect_ai.solver import TaskState
from inspect_ai.solver._task_state import Choices, set_sample_state
from inspect_ai.util._store import init_subtask_store

from domains.inspect.models import CALLS, NAME, begin

__all__ = ["Prompt", "answered", "asked", "sample_of"]

MEDIA = "images, sound or files"


class _Ended(BaseException):
    """Ends a chain of solvers. No `Exception`, so that a solver does not catch it."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a task asks a model.

    Attributes:
        system: The system's messages, or empty.
        question: The rest: one user's text, or a conversation with the names of who speaks.
        tools: Whether the model is given tools.
        media: Whether it is shown more than text.
    """

    system: str
    question: str
    tools: bool = False
    media: bool = False


class _SeededChoices(Choices):
    """Options that are shuffled alike each time: solvers may do it while they run."""

    def shuffle(self, rand: random.Random = random.Random()) -> None:  # noqa: B008 (the library's)
        super().shuffle(random.Random("\0".join(choice.value for choice in self)))


class _Play:
    """One sample's way through the chain.

    Args:
        answer: The agent's answer; `None` ends the chain at the question.
    """

    def __init__(self, answer: str | None) -> None:
        self._answer = answer
        self.prompt: Prompt | None = None
        self.state: TaskState | None = None
        self.again = False

    async def generate(self, state: TaskState, *_: Any, **__: Any) -> TaskState:
        """What solvers are handed as `generate`."""
        self._first(state.messages, state.tools)
        assert self._answer is not None
        state.output = ModelOutput.from_content(NAME, self._answer)
        state.messages.append(state.output.message)
        self.state = state
        return state

    def call(self, messages: Sequence[ChatMessage], tools: Sequence[Any], _: Any) -> str:
        """A call that a solver makes by itself."""
        self._first(messages, tools)
        assert self._answer is not None
        return self._answer

    def _first(self, messages: Sequence[ChatMessage], tools: Sequence[Any]) -> None:
        if self.prompt is not None:
            self.again = True
            raise _Ended
        self.prompt = _prompt(messages, bool(tools))
        if self._answer is None:
            raise _Ended


def sample_of(data: Mapping[str, Any]) -> Sample:
    """A sample from its JSON."""
    return Sample.model_validate(data)


async def asked(task: Any, sample: Sample) -> Prompt | None:
    """What the task asks of a model for a sample; `None` where it asks nothing."""
    play, _ = await _run(task, sample, None)
    return play.prompt


async def answered(task: Any, sample: Sample, answer: str) -> tuple[TaskState, bool]:
    """The state that scorers are handed for an answer; and whether the chain would have asked again."""
    play, state = await _run(task, sample, answer)
    if state.output.completion == "" and answer:  # the model was asked by the solver itself
        state.output = ModelOutput.from_content(NAME, answer)
    if state.messages and state.messages[-1].role != "assistant":
        state.messages.append(state.output.message)
    state.completed = True
    return state, play.again


async def _run(task: Any, sample: Sample, answer: str | None) -> tuple[_Play, TaskState]:
    play, state = _Play(answer), _state(sample)
    begin(task.model_roles)
    set_sample_state(state)
    init_subtask_store(state.store)
    CALLS.asked = play.call
    random.seed(0)
    try:
        for solver in _chain(task):
            state = await solver(state, play.generate)
            if state.completed:
                break
    except BaseException:
        # A group of tasks wraps what ends it.
        if not (play.again or (answer is None and play.prompt is not None)):
            raise
        state = play.state or state
    finally:
        CALLS.asked = None
    return play, state


def _chain(task: Any) -> list[Any]:
    setup = task.setup
    before = [] if setup is None else list(setup) if isinstance(setup, list | tuple) else [setup]
    solver = task.solver
    return [*before, *(solver if isinstance(solver, list | tuple) else [solver])]


def _state(sample: Sample) -> TaskState:
    found = sample.model_copy(deep=True)
    given = found.input
    messages = [ChatMessageUser(content=given, source="input")] if isinstance(given, str) else given
    state = TaskState(
        model=ModelName(NAME),
        sample_id=found.id or 0,
        epoch=1,
        input=copy.deepcopy(given),
        messages=messages,
        target=Target(found.target),
        choices=found.choices,
        output=ModelOutput(model=NAME),
        metadata=found.metadata or {},
    )
    if found.choices:
        state.choices = _SeededChoices(found.choices)
    return state


def _prompt(messages: Sequence[ChatMessage], tools: bool) -> Prompt:
    media = any(
        part.type not in ("text", "reasoning")
        for m in messages
        if not isinstance(m.content, str)
        for part in m.content
    )
    system = "\n\n".join(m.text.strip() for m in messages if m.role == "system")
    turns = [(m.role, m.text.strip()) for m in messages if m.role != "system"]
    if len(turns) == 1 and turns[0][0] == "user":
        return Prompt(system, turns[0][1], tools, media)
    question = "\n\n".join(f"{role.capitalize()}: {text}" for role, text in turns)
    return Prompt(system, question, tools, media)
