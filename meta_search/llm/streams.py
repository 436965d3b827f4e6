"""Answers that come as a stream of server-sent events, joined to the reply that they make.

Needs the standard library only: exported agents carry this file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from meta_search.llm.bodies import value_of
from meta_search.llm.faults import BadAnswer, one_line

__all__ = ["joined"]

LINES = re.compile(r"\r\n|\r|\n")
MOST_LINES = 100  # that one event comes in
MOST_AGAIN = 2**19  # characters that are read in vain, as their event goes on in the next line
SHOWN = 400  # characters of an event that cannot be read which a message shows


def joined(stream: str) -> dict[str, Any]:
    """A stream of events as the one reply that it makes."""
    try:
        return _joined(stream)
    except (AttributeError, TypeError) as error:
        raise BadAnswer(f"an event of the stream has an unknown form: {error}") from error


def _joined(stream: str) -> dict[str, Any]:
    pieces: dict[str, list[Any]] = {}
    calls: dict[int, dict[str, str]] = {}
    choice: dict[str, Any] = {"message": {}, "finish_reason": None}
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
                pieces.clear()  # the whole of it
            _add(pieces, calls, part.get("delta") or part.get("message") or {"content": part.get("text")})
    message = choice["message"] = {name: _together(parts) for name, parts in pieces.items()}
    if calls:
        made = (call for _, call in sorted(calls.items()))
        message["tool_calls"] = [
            {"id": c["id"], "function": {"name": c["name"], "arguments": c["arguments"]}} for c in made
        ]
    if number is None and flat is not None:
        return flat
    if number is None:
        raise BadAnswer("the stream holds no answer")
    if not (ended or choice["finish_reason"]):
        raise BadAnswer("the stream broke off before its end")
    return reply


def _add(pieces: dict[str, list[Any]], calls: dict[int, dict[str, str]], delta: Mapping[str, Any]) -> None:
    for name in ("content", "refusal", "reasoning_content", "reasoning", "thinking"):
        piece = delta.get(name)
        if isinstance(piece, list):
            pieces.setdefault("content", []).extend(piece)
        elif piece:
            pieces.setdefault(name, []).append(str(piece))
    if isinstance(delta.get("reasoning_details"), list):
        pieces.setdefault("reasoning_details", []).extend(delta["reasoning_details"])
    for call in delta.get("tool_calls") or ():
        what = call.get("function") or {}
        whole = calls.setdefault(call.get("index") or 0, {"id": "", "name": "", "arguments": ""})
        whole["id"] = whole["id"] or str(call.get("id") or "")
        whole["name"] = whole["name"] or str(what.get("name") or "")  # whole in its first piece, or again
        given = what.get("arguments") or ""
        whole["arguments"] += given if isinstance(given, str) else json.dumps(given)


def _together(parts: list[Any]) -> Any:
    """The pieces of one field: a text, where all of them are texts."""
    return "".join(parts) if all(isinstance(part, str) for part in parts) else parts


def _events(stream: str) -> Iterator[dict[str, Any] | None]:
    """The JSON of each event; `None` for the mark at the end. An event's data may come in several lines."""
    begun, lines, again = "", 0, 0
    for line in LINES.split(stream):
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]" and not begun:
            yield None
            continue
        begun, lines = (f"{begun}\n{data}", lines + 1) if begun else (data, 1)
        if lines > MOST_LINES or again > MOST_AGAIN:
            break
        try:
            event = value_of(begun)
        except (ValueError, RecursionError):
            again += len(begun)
            continue
        begun = ""
        if isinstance(event, dict):
            yield event
    if begun:
        raise BadAnswer(f"an event of the stream is not JSON: {one_line(begun[:SHOWN])}")
