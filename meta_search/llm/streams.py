"""Answers that come as a stream of server-sent events, joined to the reply that they make.

Needs the standard library only: exported agents carry this file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from meta_search.llm.faults import BadAnswer, one_line

__all__ = ["joined"]

SHOWN = 400  # characters of an event that cannot be read which a message shows


def joined(stream: str) -> dict[str, Any]:
    """A stream of events as the one reply that it makes."""
    message: dict[str, Any] = {}
    calls: dict[int, str] = {}
    choice: dict[str, Any] = {"message": message, "finish_reason": None}
    reply: dict[str, Any] = {"choices": [choice]}
    seen = ended = False
    for event in _events(stream):
        if event is None:
            ended = True
            continue
        if event.get("error"):
            return {"error": event["error"]}
        reply["usage"] = event.get("usage") or reply.get("usage")
        for part in (event.get("choices") or ())[:1]:
            seen = True
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            if part.get("error"):
                choice["error"] = part["error"]
            _add(message, calls, part.get("delta") or part.get("message") or {"content": part.get("text")})
    if calls:
        message["tool_calls"] = [{"function": {"arguments": text}} for _, text in sorted(calls.items())]
    if not seen:
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
    for call in delta.get("tool_calls") or ():
        number = call.get("index") or 0
        calls[number] = calls.get(number, "") + str((call.get("function") or {}).get("arguments") or "")


def _events(stream: str) -> Iterator[dict[str, Any] | None]:
    """The JSON of each event; `None` for the mark at the end."""
    for line in stream.split("\n"):
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            yield None
            continue
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise BadAnswer(f"an event of the stream is not JSON: {one_line(data[:SHOWN])}") from None
        if isinstance(event, dict):
            yield event
