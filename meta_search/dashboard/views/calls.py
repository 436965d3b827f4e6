"""LLM calls as the page shows them: transcripts of items, conversations of the meta agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meta_search.dashboard.views.inspecting import MOST_TEXT, shown
from meta_search.dashboard.views.shared import Json, shown_name
from meta_search.llm.thinking import without_thinking
from meta_search.text import one_line
from meta_search.types import ToolCall, TranscriptCall
from meta_search.types.tools import CALLING, RESULT, resulted
from meta_search.types.tools import called as calling_parts

__all__ = ["MOST_CALLS", "MOST_TOTAL", "calls_json"]

MOST_CALLS = 400  # of a transcript
MOST_TOTAL = 2_000_000  # characters of all their texts
MOST_ARGUMENTS = 4_000
LEAST = 2_000  # characters that are left of a text where the room is used up
REPEATED = "Its first {n} messages are those of the call before, with the reply to it: left out."
CROWDED = "Texts are cut: the transcript is very long."


def calls_json(found: Sequence[TranscriptCall], conversation: bool = False) -> list[Json]:
    """`Call[]` of the contract.

    Args:
        found: The calls.
        conversation: Whether calls go on with the one before, whose messages need not stand there again.
    """
    results = _tool_results(found)
    rows: list[Json] = []
    left = MOST_TOTAL
    before: tuple[tuple[str, str], ...] = ()
    for call in found[:MOST_CALLS]:
        again = _common(before, call.messages) if conversation else 0
        row = _call(call, again, results, left)
        left -= sum(len(m["text"]) for m in row["messages"]) + len(row["reply"])
        before = call.messages
        rows.append(row)
    if rows and len(found) > MOST_CALLS:
        told = f"{len(found) - MOST_CALLS:,} more calls are left out."
        rows[-1]["left_out"] = " ".join(filter(None, [rows[-1]["left_out"], told]))
    return rows


def _call(call: TranscriptCall, again: int, results: Mapping[str, str], left: int) -> Json:
    most = MOST_TEXT if left > 0 else LEAST
    answer, thought = without_thinking(call.reply)
    notes = [call.left_out] if call.left_out else []
    notes += [REPEATED.format(n=again)] if again else []
    notes += [CROWDED] if left <= 0 else []
    return {
        "index": call.index,
        "component": shown_name(call.component),
        "role": shown(call.role, 2_000),
        "model": one_line(call.model, 120),
        "messages": [_message(role, content, most) for role, content in call.messages[again:]],
        "reply": shown(answer, most),
        "reasoning": shown(call.reasoning or thought, most),
        "tool_calls": [_tool_call(c, results.get(c.id, "")) for c in call.tool_calls[:100]],
        "fields": [one_line(name, 80) for name in call.fields[:100]],
        "inputs": list(call.inputs),
        "final": call.final,
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "cost_usd": call.cost_usd,
        "latency_s": call.latency_s,
        "attempts": call.attempts,
        "fault": one_line(call.fault, 400),
        "purpose": one_line(call.purpose, 40),
        "left_out": " ".join(notes),
    }


def _message(role: str, content: str, most: int) -> Json:
    """A message as sent; of those that hold our JSON, its parts."""
    calls: tuple[ToolCall, ...] = ()
    try:
        if role == CALLING:
            role, (content, calls) = "assistant", calling_parts(content)
        elif role == RESULT:
            content = resulted(content)[2]
    except (ValueError, KeyError, TypeError, RecursionError):  # a stranger's archive
        calls = ()
    told = [
        {"name": shown_name(c.name), "arguments": shown(c.arguments, MOST_ARGUMENTS)} for c in calls[:100]
    ]
    return {"role": one_line(role, 40), "text": shown(content, most), "calls": told}


def _tool_call(call: ToolCall, result: str) -> Json:
    arguments = shown(call.arguments, MOST_ARGUMENTS)
    return {"name": shown_name(call.name), "arguments": arguments, "result": shown(result, MOST_ARGUMENTS)}


def _tool_results(found: Sequence[TranscriptCall]) -> dict[str, str]:
    """Id of a tool's call -> what came of it, as later requests tell the model."""
    results: dict[str, str] = {}
    for call in found:
        for role, content in call.messages:
            if role != RESULT:
                continue
            try:
                name, _, text = resulted(content)
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
            results[str(name)] = str(text)
    return results


def _common(before: Sequence[Any], now: Sequence[Any]) -> int:
    """How many messages a request repeats, with the reply to them; 0 where it is another conversation."""
    n = len(before)
    if not n or len(now) <= n or tuple(now[:n]) != tuple(before):
        return 0
    return n + (now[n][0] in ("assistant", CALLING))
