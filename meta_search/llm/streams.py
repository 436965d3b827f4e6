"""Answers that come as a stream of server-sent events, joined to the reply that they make.

Needs the standard library only: exported agents carry this file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from meta_search.llm.faults import BadAnswer, one_line

__all__ = ["joined"]

LINES = re.compile(r"\r\n|\r|\n")
SHOWN = 400  # characters of an event that cannot be read which a message shows


def joined(stream: str) -> dict[str, Any]:
    """A stream of events as the one reply that it makes."""
    try:
        return _joined(stream)
    except (AttributeError, TypeError) as error:
        raise BadAnswer(f"an event of the stream has an unknown form: {error}") from error


def _joined(stream: str) -> dict[str, Any]:
    message: dict[str, Any] = {}
    calls: dict[int, str] = {}
    choice: dict[str, Any] = {"message": message, "finish_reason": None}
    reply: dict[str, Any] = {"choices": [choice]}
    ended, number, flat = False, None, None
    for event in _events(stream):
        if event is None:
            ended = True
            continue
        if event.get("error"):
            return {"error": event["error"]}
        reply["usage"] = event.get("usage") or reply.get("usage")
        flat = event if event.get("message") or event.get("detail") or event.get("msg") else flat
        for part in event.get("choices") or ():
            number = (part.get("index") or 0) if number is None else number
            if (part.get("index") or 0) != number:  # another answer to the same
                continue
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            if part.get("error"):
                choice["error"] = part["error"]
            if isinstance(part.get("message"), Mapping) and not part.get("delta"):
                message.clear()  # the whole of it
            _add(message, calls, part.get("delta") or part.get("message") or {"content": part.get("text")})
    if calls:
        message["tool_calls"] = [{"function": {"arguments": text}} for _, text in sorted(calls.items())]
    if number is None and flat is not None:
        return flat
    if number is None:
        raise BadAnswer("the stream holds no answer")
    if not (ended or choice["finish_reason"]):
        raise BadAnswer("the stream broke off before its end")
    return reply


def _add(message: dict[str, Any], calls: dict[int, str], delta: Mapping[str, Any]) -> None:
    for name in ("content", "refusal", "reasoning_content", "reasoning", "thinking"):
        piece = delta.get(name)
        if isinstance(piece, list):
            message.setdefault("content", [])
            if isinstance(message["content"], str):
                message["content"] = [message["content"]]
            message["content"] += piece
        elif piece:
            before = message.get(name)
            message[name] = [*before, piece] if isinstance(before, list) else (before or "") + str(piece)
    if isinstance(delta.get("reasoning_details"), list):
        message.setdefault("reasoning_details", []).extend(delta["reasoning_details"])
    for call in delta.get("tool_calls") or ():
        number = call.get("index") or 0
        calls[number] = calls.get(number, "") + str((call.get("function") or {}).get("arguments") or "")


def _events(stream: str) -> Iterator[dict[str, Any] | None]:
    """The JSON of each event; `None` for the mark at the end. An event's data may come in several lines."""
    begun = ""
    for line in LINES.split(stream):
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]" and not begun:
            yield None
            continue
        begun = f"{begun}\n{data}" if begun else data
        try:
            event = json.loads(begun)
        except (ValueError, RecursionError):
            continue
        begun = ""
        if isinstance(event, dict):
            yield event
    if begun:
        raise BadAnswer(f"an event of the stream is not JSON: {one_line(begun[:SHOWN])}")
