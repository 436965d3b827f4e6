"""Thinking within an answer's text, as models mark it, told apart from the answer.

Needs the standard library only: exported agents carry this file.
"""

from __future__ import annotations

import json
import re

__all__ = ["object_at_end", "without_thinking"]

NAMES = "think|thinking|thought|thoughts|reasoning|seed:think|mm:think|antthinking"
OPEN = re.compile(
    rf"\s*(?:<({NAMES}) *>|(◁think▷)|(\[THINK\])|(<\|START_THINKING\|>)|(<\|begin_of_thought\|>)"
    r"|(<\|thinking\|>)|(<unused94>))",
    re.IGNORECASE,
)
CLOSED_BY = (  # by group of OPEN
    *("", "◁/think▷", "[/THINK]", "<|END_THINKING|>", "<|end_of_thought|>"),
    *("<|/thinking|>", "<unused95>"),
)
AROUND = re.compile(r"<\|(?:begin|end)_of_solution\|>|<\|(?:START|END)_RESPONSE\|>")  # of what comes then
# A closing tag whose opening one the chat template has swallowed: it ends a paragraph of thinking.
LONE_CLOSE = re.compile(r"(?<![`'\"/])(?:</(?:think|thinking|thought)>|◁/think▷|\[/THINK\])(?![`'\"])")
FINAL = re.compile(r"<\|channel\|>\s*final\b.*?<\|message\|>", re.DOTALL)
HARMONY = re.compile(r"\s*(<\|start\|>\s*assistant\s*)?<\|channel\|>")
HARMONY_END = re.compile(r"<\|(return|end|call)\|>.*", re.DOTALL)


def without_thinking(text: str) -> tuple[str, str]:
    """An answer and the thinking within it, as models mark it; tags within ordinary text are left alone.

    Returns:
        The answer, and the thinking; the answer is empty where the thinking never ends.
    """
    if "<" not in text and "◁" not in text and "[" not in text and not text.startswith("analysis"):
        return text, ""
    if HARMONY.match(text):  # gpt-oss, with a server that does not know its format
        final = list(FINAL.finditer(text))
        if not final:
            return "", text
        return HARMONY_END.sub("", text[final[-1].end() :]).strip(), text[: final[-1].start()]
    if text.startswith("analysis") and "assistantfinal" in text:  # the same without its special tokens
        thought, _, said = text.rpartition("assistantfinal")
        return said.strip(), thought
    thoughts, rest = "", text
    while match := OPEN.match(rest):
        close = f"</{match[1]}>" if match[1] else CLOSED_BY[(match.lastindex or 1) - 1]
        end = _end(rest.lower(), match[0].strip().lower(), close.lower(), match.end())
        if end < 0:
            return "", thoughts + rest[match.end() :]
        thoughts += rest[match.end() : end]
        rest = rest[end + len(close) :]
    if thoughts or rest is not text:
        return AROUND.sub("", rest).strip(), thoughts
    lone = LONE_CLOSE.search(text)
    if lone and not _opens(text[: lone.start()]) and not _is_json(text):
        return text[lone.end() :].strip(), text[: lone.start()]
    return text, ""


def _end(text: str, opened: str, close: str, start: int) -> int:
    """Where a thought ends that begins at `start`: thoughts may hold others. Negative where it does not."""
    end = text.find(close, start)
    while end >= 0 and text.count(opened, start, end) > text.count(close, start, end):
        further = text.find(close, end + len(close))
        if further < 0:
            return end
        end = further
    return end


def _opens(text: str) -> bool:
    return bool(re.search(rf"<({NAMES})>|◁think▷|\[THINK\]", text, re.IGNORECASE))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def object_at_end(text: str) -> str:
    """The JSON object that a text ends with; empty without one."""
    text = text.rstrip()
    for start in (m.start() for m in list(re.finditer(r"\{", text))[:200]):
        if _is_json(text[start:]):
            return text[start:]
    return ""
