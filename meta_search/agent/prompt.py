"""Turns the inputs of a call into chat messages, in one layout for all agents.

Measured with Qwen2.5-Coder-0.5B on six task families: small models follow best when the instruction comes
after the question and the form of the reply is in the system message ("one code block only"). With the
instruction in the system message the model tends to answer instead of writing the program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .answers import CODE_FIELDS
from .info import Info, content_of

__all__ = ["messages_for"]


def messages_for(
    infos: Sequence[Any],
    instruction: str,
    role: str,
    fields: Sequence[str],
    demonstrations: Sequence[tuple[str, str]],
    wording: Mapping[str, str],
    me: str,
) -> list[list[str]]:
    """Chat messages of a call.

    Args:
        infos: Inputs of the call: the task and earlier answers, as `Info` or text.
        instruction: What to do with them.
        role: Who the model is told to be.
        fields: Output fields.
        demonstrations: Worked examples, sent as earlier turns in the same layout.
        wording: The domain's wording: field -> what is expected in it; `""` -> a line for the system message.
        me: Name and id of the calling agent, by which its own earlier answers are marked.

    Returns:
        Pairs [role, content], the system message first.
    """
    system = " ".join(part for part in (_persona(role), wording.get("", ""), _form(fields, wording)) if part)
    messages = [["system", system]]
    for question, reply in demonstrations:
        messages.append(["user", _user([question], instruction)])
        messages.append(["assistant", reply])
    messages.append(["user", _user([_section(info, me) for info in infos], instruction)])
    return messages


def _persona(role: str) -> str:
    role = role.strip().rstrip(".")
    if not role:
        return ""
    if role.lower().startswith(("you ", "your ")):
        return f"{role}."
    if role.lower().startswith(("a ", "an ", "the ")):
        return f"You are {role}."
    article = "an" if role[:1].lower() in "aeiou" else "a"
    return f"You are {article} {role}."


def _form(fields: Sequence[str], wording: Mapping[str, str]) -> str:
    """How to reply, by the output fields."""
    if not fields:
        return ""
    if len(fields) == 1:
        name = fields[0]
        if name.lower() in CODE_FIELDS:
            return "Reply with one Python code block only."
        expected = wording.get(name, "")
        return f"Reply with {expected}." if expected else f"Reply with the {name.replace('_', ' ')} only."
    parts = [f'"{name}": {wording.get(name) or "your " + name.replace("_", " ")}' for name in fields]
    return (
        "Reply with one JSON object, all values strings, with exactly these keys: {" + "; ".join(parts) + "}."
    )


def _section(info: Any, me: str) -> str:
    if not isinstance(info, Info):
        return content_of(info)
    if info.name == "task":
        return content_of(info)
    own = " (yourself)" if info.author == me else ""
    number = (
        f" #{info.iteration_idx + 1}"
        if isinstance(info.iteration_idx, int) and info.iteration_idx >= 0
        else ""
    )
    return f"### {info.name}{number} by {info.author}{own}:\n{content_of(info)}"


def _user(sections: Sequence[str], instruction: str) -> str:
    return "\n\n".join([part for part in (*sections, instruction.strip()) if part])
