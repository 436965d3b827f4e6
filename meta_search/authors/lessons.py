"""Lessons: what the meta agent writes down of its attempts, for the briefs that come after.

Reflexion keeps such notes between the trials of one agent (Shinn et al. 2023, arXiv 2303.11366); here they
are of the search over agents. An author that asks a model begins with `with_lesson`; whether a brief is to
write one is decided by the engine (`engine.lessons`), so that no two briefs do at once.

It is shown scores on train items, agents' names and thoughts, and its own former notes: nothing of validation
and test items.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from meta_search.authors.asking import request
from meta_search.authors.author import Context, LessonDue
from meta_search.authors.sight.purpose import points_of
from meta_search.authors.templating import render
from meta_search.authors.views import Tried
from meta_search.text import one_line, passage
from meta_search.types import CallReply, Lesson, free_text

__all__ = ["MOST", "lesson_prompt", "read_lesson", "with_lesson"]

ROOM = 2_500  # characters that are asked for
MOST = 3_000  # characters that are kept
CHARACTERS = 3  # per token, at the least
SHARE = 0.1  # of a small context
MOST_NAME, MOST_THOUGHT = 60, 240
MOST_AROUND = 400  # characters around a fence that are no part of the notes
DEEPEST = 4  # lists within lists of a reply in JSON
FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
SYSTEM = "You design agents: small programs that solve tasks by calling a language model. You are concise."


def with_lesson(context: Context) -> Context:
    """Write a lesson first, where one is due. Costs one request to the meta model.

    Returns:
        The context in which the brief is carried out: it reads the new lesson, or the former one where none
        came of it, which the engine is told.
    """
    due = context.lesson_due
    if due is None:
        return context
    messages = (("system", SYSTEM), ("user", lesson_prompt(context, due)))
    reply = context.bench.ask(request(context, messages, "lesson"))
    text, fault = _of_reply(reply, int(MOST / ROOM * _room(context)))
    lesson = Lesson(context.brief.code, text, due.agents, reply.used.tokens, fault)
    context.bench.learn(lesson)
    known = lesson if text else context.findings.lesson
    return replace(context, findings=replace(context.findings, lesson=known), lesson_due=None)


def lesson_prompt(context: Context, due: LessonDue) -> str:
    """What the meta agent is asked, by the template `lessons`.

    Args:
        context: Of the brief that begins with it.
        due: What it rests on.
    """
    former, room = context.findings.lesson, _room(context)
    items = due.best.items if due.best else 0
    names = {agent.id: agent.name for agent in (*context.findings.tried, *due.since) if agent.id}
    return render(
        context.config.prompts,
        "lessons",
        tasks=context.domain.brief,
        former=former.text.split("\n") if former else [],
        former_agents=former.agents if former else 0,
        since=[_line(agent, names) for agent in due.since],
        best=_line(due.best, names) if due.best else "",
        kinds=_kinds(due),
        items=items,
        noise=points_of(items) if items else 0,
        room=room,
    )


def read_lesson(text: str, most: int = MOST) -> str:
    """The notes in a reply, in whatever form they came: plain text, in a fence, or as JSON.

    Args:
        text: The reply.
        most: Characters that are kept; what is longer is cut in the middle, and says so.

    Returns:
        Printable text; `""` where there is none.
    """
    said = text.strip()
    fences = list(FENCE.finditer(said))
    if fences:
        longest = max(fences, key=lambda fence: len(fence[2]))
        around = len(said) - len(longest[0])
        if around <= MOST_AROUND and longest[2].strip():
            said = longest[2].strip()
    found = _of_json(said)
    read = passage(said if found is None else found, most).strip()
    return read if read.strip("`~ \n") else ""  # an empty fence says nothing


def _of_reply(reply: CallReply, most: int) -> tuple[str, str]:
    """The notes, and why there are none. What came of a reply that was cut is better than nothing."""
    text = read_lesson(reply.text, most) if reply.fault in (None, "cut") else ""
    if text:
        return text, ""
    if reply.fault == "cut":
        return "", f"the reply was {reply.message}: raise author.max_tokens"
    return "", f"{reply.fault}: {reply.message}" if reply.fault else "the reply was empty"


def _room(context: Context) -> int:
    """Characters that are asked for; fewer of a model with a small context, whose prompts hold them."""
    if not context.context_tokens:
        return ROOM
    return min(ROOM, int(SHARE * CHARACTERS * context.context_tokens))


def _line(agent: Tried, names: Mapping[str, str]) -> str:
    """An agent in a line. Names and thoughts are a model's: of one line each, and cut."""
    points = ", ".join(
        f"{one_line(kind, 40) or 'all'} {100 * change:+.0f}" for kind, change in sorted(agent.change.items())
    )
    of = f" by {agent.operator}" if agent.operator else ""
    parent = next((names[parent] for parent in agent.parents if parent in names), "")
    of += f" of «{one_line(parent, MOST_NAME)}»" if parent else ""
    thought = one_line(agent.thought, MOST_THOUGHT)
    parts = [
        f"«{one_line(agent.name, MOST_NAME)}»{of}{f': {thought}' if thought else ''}",
        f"scored {100 * agent.score:.0f} on {agent.items} items at {agent.tokens:.0f} tokens an item",
        free_text(agent.model_free),
        f"points: {points}" if points else "",
        one_line(agent.fate, MOST_THOUGHT),
    ]
    return " | ".join(part for part in parts if part)


def _kinds(due: LessonDue) -> list[str]:
    """Kinds of items with what the best agent has right of them, the hardest first."""
    named = [(right / n, kind, right, n) for kind, (right, n) in due.kinds.items() if n and kind]
    return [
        f"{one_line(kind, 40)} {right:g} of {n} (any agent: {100 * due.reached.get(kind, 0.0):.0f} %)"
        for _, kind, right, n in sorted(named)
    ]


def _of_json(said: str) -> str | None:
    """The texts of a reply that is JSON, a point a line; `None` for one that is not."""
    if not said.startswith(("{", "[")):
        return None
    try:
        found = json.loads(said, strict=False)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, Mapping) and len(found) == 1:  # {"lesson": …}: the name says nothing
        found = next(iter(found.values()))
    return "\n".join(_points(found, 0))


def _points(value: Any, depth: int) -> list[str]:
    if depth > DEEPEST:
        return []
    if isinstance(value, Mapping):
        lines = []
        for name, inner in value.items():
            points = _points(inner, depth + 1)
            lines += [f"{name}: {points[0]}"] if len(points) == 1 else [f"{name}:", *points]
        return lines
    if isinstance(value, list):
        return [f"- {point}" for inner in value for point in _points(inner, depth + 1)]
    return [] if value is None else str(value).strip().split("\n")
