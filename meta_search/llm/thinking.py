"""Thinking within an answer's text, as models mark it, told apart from the answer.

Needs the standard library only: exported agents carry this file.
"""

from __future__ import annotations

import re

from meta_search.llm.bodies import value_of

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
LONGEST = 200_000  # characters in which an object is looked for
AROUND = re.compile(r"<\|(?:begin|end)_of_solution\|>|<\|(?:START|END)_RESPONSE\|>")  # of what comes then
# A closing tag whose opening one the chat template has swallowed: it ends a paragraph of thinking.
LONE_CLOSE = re.compile(r"(?<![`'\"/])(?:</(?:think|thinking|thought)>|◁/think▷|\[/THINK\])(?![`'\"])")
FINAL = re.compile(r"<\|channel\|>\s{0,20}final\b.{0,200}?<\|message\|>", re.DOTALL)
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
    thoughts: list[str] = []
    at = 0
    while match := OPEN.match(text, at):
        close = f"</{match[1]}>" if match[1] else CLOSED_BY[(match.lastindex or 1) - 1]
        end = _end(text, match[0].strip(), close, match.end())
        if end < 0:
            return "", "".join(thoughts) + text[match.end() :]
        thoughts.append(text[match.end() : end])
        at = end + len(close)
    if thoughts:
        return AROUND.sub("", text[at:]).strip(), "".join(thoughts)
    lone = LONE_CLOSE.search(text)
    if lone and not _opens(text[: lone.start()]) and not _is_json(text):
        return text[lone.end() :].strip(), text[: lone.start()]
    return text, ""


def _end(text: str, opened: str, close: str, start: int) -> int:
    """Where a thought ends that begins at `start`: thoughts may hold others. Negative where it does not."""
    deeper, end = 0, -1
    marks = re.compile(f"({re.escape(opened)})|{re.escape(close)}", re.IGNORECASE | re.ASCII)
    for mark in marks.finditer(text, start):
        if mark[1]:
            deeper += 1
            continue
        end = mark.start()
        if deeper <= 0:
            return end
        deeper -= 1
    return end


def _opens(text: str) -> bool:
    return bool(re.search(rf"<({NAMES})>|◁think▷|\[THINK\]", text, re.IGNORECASE))


def _is_json(text: str) -> bool:
    try:
        value_of(text)
    except (ValueError, RecursionError):
        return False
    return True


def object_at_end(text: str) -> str:
    """The JSON object that a text ends with; empty without one."""
    text = text.rstrip()
    if len(text) > LONGEST:
        return ""
    for start in (m.start() for m in list(re.finditer(r"\{", text))[:200]):
        if _is_json(text[start:]):
            return text[start:]
    return ""
