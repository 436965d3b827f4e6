"""`LLMAgentBase`: one LLM with a name and a role, as the agents that ADAS published use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .answers import parse_fields
from .call_scheduler import CallScheduler, FieldAnswer
from .calls import Call
from .info import Info, content_of
from .prompt import messages_for
from .request_shape import PLACEHOLDER, shape_of

__all__ = ["LLMAgentBase", "make_llm_agent_base"]

MOST_TOKENS = 10**6


class LLMAgentBase:
    """An LLM with a name, a role and named output fields. Bound to one item by `make_llm_agent_base`.

    Args:
        output_fields: Names of what the model is asked for. One field is asked for as plain text
            (`code` and `program` as a fenced block), several as a JSON object.
        agent_name: Name that its answers carry as `author`.
        role: Who the model is told to be.
        model: Ignored, as the run decides which model agents call; published agents pass it.
        temperature: Sampling temperature, 0..2.
        demonstrations: Worked examples, (question, reply) pairs, sent as earlier chat turns.
        max_tokens: Most tokens of a reply; `None` takes the run's limit.

    Attributes:
        scheduler: Sends the calls of the item.
        wording: The domain's wording of the output fields, as in `messages_for`.
        id: Ordinal of the object within its branch, after the branch's path.
        component: Name of this component of the agent: name and role, and `#2` for the second of that name.
    """

    scheduler: CallScheduler
    wording: Mapping[str, str]

    def __init__(
        self,
        output_fields: Sequence[str],
        agent_name: str,
        role: str = "helpful assistant",
        model: str | None = None,
        temperature: float = 0.5,
        demonstrations: Iterable[Any] = (),
        max_tokens: int | None = None,
    ) -> None:
        self.output_fields = (
            [output_fields] if isinstance(output_fields, str) else [str(f) for f in output_fields]
        )
        self.agent_name = str(agent_name)
        self.role = str(role)
        self.model = model
        self.temperature = temperature
        self.demonstrations = list(demonstrations)
        self.max_tokens = max_tokens
        branch = self.scheduler.branch
        branch.agents += 1
        self.id = f"{branch.path}{branch.agents}"
        self.component = self.scheduler.component(self.agent_name, self.role)

    def __repr__(self) -> str:
        return f"{self.agent_name} {self.id}"

    def __hash__(self) -> int:
        return hash(self.id)  # an address would order sets of agents by chance

    def __call__(self, input_infos: Any, instruction: Any = "", iteration_idx: int = -1) -> list[Info]:
        """Ask the model. Returns at once.

        Args:
            input_infos: What the model is shown: an `Info`, a text, or several of them.
            instruction: What to do with it.
            iteration_idx: Ordinal of the round, for the answers.

        Returns:
            One `Info` per output field, in order. A component that is left out asks nothing: its answers are
            empty.
        """
        if self.component in self.scheduler.mute:
            return [Info(name, repr(self), "", iteration_idx) for name in self.output_fields]
        single = isinstance(input_infos, str | Info | Mapping) or not isinstance(input_infos, Iterable)
        infos = [_kept(value) for value in ([input_infos] if single else input_infos)]
        asked = _kept(instruction)
        fields = list(self.output_fields)
        inputs = _pending_calls([*infos, asked])
        settings = {
            "author": self.agent_name,
            "role": self.role,
            "temperature": _number(self.temperature),
            "max_tokens": None if self.max_tokens is None else min(MOST_TOKENS, max(1, int(self.max_tokens))),
            "fields": fields,
            "component": self.component,
        }
        pairs = [(content_of(d[0]), content_of(d[1])) for d in self.demonstrations]
        role, me = self.role, repr(self)

        def render(infos: Sequence[Any] = infos, asked: Any = asked) -> dict[str, Any]:
            text = content_of(asked)
            return {**settings, "messages": messages_for(infos, text, role, fields, pairs, self.wording, me)}

        shape = shape_of(render([_with_placeholder(value) for value in infos], _with_placeholder(asked)))
        known = [value for value in [*infos, asked] if not (isinstance(value, Info) and value.pending)]
        pieces = [role, *map(content_of, known), *(text for pair in pairs for text in pair)]
        call = self.scheduler.call(shape, inputs, render, lambda text: parse_fields(text, fields), pieces)
        return [Info(name, me, FieldAnswer(self.scheduler, call, name), iteration_idx) for name in fields]

    def query(self, input_infos: Any, instruction: Any = "", iteration_idx: int = -1) -> list[Info]:
        """The published runtime's other name for a call."""
        return self(input_infos, instruction, iteration_idx)


def _pending_calls(values: Iterable[Any]) -> list[Call]:
    """The calls whose answers are among the inputs, each once."""
    calls: list[Call] = []
    for value in values:
        pending = value.pending if isinstance(value, Info) else None
        if pending is not None and pending.call not in calls:
            calls.append(pending.call)
    return calls


def _kept(value: Any) -> Any:
    """An input as it is now: an agent may change a list or an object after it passed it."""
    if not isinstance(value, Info):
        return content_of(value)
    return value if value.pending is not None else value._replace(content=content_of(value))


def _with_placeholder(value: Any) -> Any:
    """An input with a placeholder for a text that may not have arrived yet."""
    return (
        value._replace(content=PLACEHOLDER)
        if isinstance(value, Info) and value.pending is not None
        else value
    )


def make_llm_agent_base(scheduler: CallScheduler, wording: Mapping[str, str]) -> type[LLMAgentBase]:
    """`LLMAgentBase` bound to one item.

    Args:
        scheduler: Sends the calls of the item.
        wording: The domain's wording of the output fields, as in `messages_for`.
    """
    return type("LLMAgentBase", (LLMAgentBase,), {"scheduler": scheduler, "wording": wording})


def _number(value: Any) -> float:
    try:
        return min(2.0, max(0.0, float(value)))
    except (TypeError, ValueError):
        return 0.5
