"""`LLMAgentBase`: one LLM with a name and a role, as the agents that ADAS published use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .answers import parse_fields, schema_for
from .desk import Call, Desk, FieldAnswer
from .info import Info, content_of
from .prompt import messages_for
from .shape import HOLE, shape_of

__all__ = ["LLMAgentBase", "make_llm_agent_base"]


class LLMAgentBase:
    """An LLM with a name, a role and named output fields. Bound to one item by `make_llm_agent_base`.

    Args:
        output_fields: Names of what the model is asked for. One field is asked for as plain text
            (`code` and `program` as a fenced block), several as a JSON object.
        agent_name: Name, for the `author` of its answers.
        role: Who the model is told to be.
        model: Ignored: the run says which model agents call, whatever model a published agent names.
        temperature: Sampling temperature, 0..2.
        demonstrations: Worked examples, (question, reply) pairs, sent as earlier chat turns.
        max_tokens: Most tokens of a reply; `None` takes the run's limit.

    Attributes:
        component: Name of this part of the agent: name and role, and `#2` for the second of that name.
    """

    desk: Desk
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
        branch = self.desk.branch
        branch.agents += 1
        self.id = f"{branch.path}{branch.agents}"
        self.component = self.desk.component(self.agent_name, self.role)

    def __repr__(self) -> str:
        return f"{self.agent_name} {self.id}"

    def __hash__(self) -> int:
        return hash(self.id)  # an address would order sets of agents by chance

    def __call__(self, input_infos: Any, instruction: Any = "", iteration_idx: int = -1) -> list[Info]:
        """Ask the model. Returns at once with one `Info` per output field, in order.

        A component that is left out asks nothing: its answers are empty.
        """
        if self.component in self.desk.mute:
            return [Info(name, repr(self), "", iteration_idx) for name in self.output_fields]
        single = isinstance(input_infos, str | Info | Mapping) or not isinstance(input_infos, Iterable)
        infos = [_kept(value) for value in ([input_infos] if single else input_infos)]
        asked = _kept(instruction)
        fields = list(self.output_fields)
        inputs: list[Call] = []
        for value in [*infos, asked]:
            pending = value.pending if isinstance(value, Info) else None
            if pending is not None and pending.call not in inputs:
                inputs.append(pending.call)
        settings = {
            "author": self.agent_name,
            "role": self.role,
            "temperature": _number(self.temperature),
            "max_tokens": None if self.max_tokens is None else max(1, int(self.max_tokens)),
            "schema": schema_for(fields),
            "fields": fields,
            "component": self.component,
        }
        pairs = [(content_of(d[0]), content_of(d[1])) for d in self.demonstrations]
        role, me = self.role, repr(self)

        def render(infos: Sequence[Any] = infos, asked: Any = asked) -> dict[str, Any]:
            text = content_of(asked)
            return {**settings, "messages": messages_for(infos, text, role, fields, pairs, self.wording, me)}

        shape = shape_of(render([_with_hole(value) for value in infos], _with_hole(asked)))
        known = [value for value in [*infos, asked] if not (isinstance(value, Info) and value.pending)]
        pieces = [role, *map(content_of, known), *(text for pair in pairs for text in pair)]
        call = self.desk.call(shape, inputs, render, lambda text: parse_fields(text, fields), pieces)
        return [Info(name, me, FieldAnswer(self.desk, call, name), iteration_idx) for name in fields]

    def query(self, input_infos: Any, instruction: Any = "", iteration_idx: int = -1) -> list[Info]:
        """The published runtime's other name for a call."""
        return self(input_infos, instruction, iteration_idx)


def _kept(value: Any) -> Any:
    """An input as it is now: agents may change a list or an object after they passed it."""
    if not isinstance(value, Info):
        return content_of(value)
    return value if value.pending is not None else value._replace(content=content_of(value))


def _with_hole(value: Any) -> Any:
    """An input with a hole where its text has not come yet, or may not have."""
    return value._replace(content=HOLE) if isinstance(value, Info) and value.pending is not None else value


def make_llm_agent_base(desk: Desk, wording: Mapping[str, str]) -> type[LLMAgentBase]:
    """`LLMAgentBase` for one item."""
    return type("LLMAgentBase", (LLMAgentBase,), {"desk": desk, "wording": wording})


def _number(value: Any) -> float:
    try:
        return min(2.0, max(0.0, float(value)))
    except (TypeError, ValueError):
        return 0.5
