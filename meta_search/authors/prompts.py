"""What the meta agent is told. Pure functions from values to text; the words are our own.

Small models follow short prompts and copy what stands in them, so every prompt says one thing, shows the
form of the reply last, and names only what exists.
"""

from __future__ import annotations

from collections.abc import Sequence

from meta_search.authors.author import Context, Parent
from meta_search.authors.failing import MATERIAL, failing, quoted, room_in
from meta_search.types.operators import OPERATORS

__all__ = [
    "another",
    "debug",
    "draft_edit",
    "draft_plan",
    "draft_program",
    "reflect",
    "system",
    "wrong_items",
]

MOST_SOURCE = 6000

RUNTIME = """An agent is Python source with `def forward(self, taskInfo)`; it returns an Info or a str.
- `LLMAgentBase(output_fields, agent_name, role="helpful assistant", temperature=0.5, demonstrations=[])`
  makes a model; `agent([taskInfo, other_infos...], "instruction")` returns a list of Info, one per output
  field. One field gives plain text (a field named "code" gives a program); several give JSON.
- `info.content` is a str. `taskInfo.content` is the question.
- `self.run_python(code)` runs a program and returns what it printed, or a text that starts with "Error: ".
- `self.examples` is a list of (question, answer); `self.demonstrations` of (question, reply);
  `self.nearest(taskInfo, k)` gives the k demonstrations nearest to the question.
- `self.map(fn, items)` runs branches side by side; `self.tune.int(name, low, high, default)`,
  `self.tune.float(...)`, `self.tune.choice(name, choices)` declare numbers that the search may tune.
- Only the standard library and numpy can be imported. The agent never sees the right answer."""

WAYS = """- direct: the model gives the answer at once. Best where a program cannot read the question.
- program: the model writes a Python program, which is run. Best for counting, arithmetic and spelling.
- think: a few words of reasoning, then the answer. Dear, and weak with small models."""

TEAM = "- team: several experts answer, read and rate one another. Dearest, for hard questions."


def system() -> str:
    """System message of the meta agent."""
    return "You design agents: small programs that solve tasks by calling a language model. You are concise."


def draft_plan(context: Context) -> str:
    """Ask for a plan as JSON."""
    routes = ""
    if context.domain.keywords:
        known = "\n".join(f"- {kind}: {words}" for kind, words in context.domain.keywords.items())
        routes = f'\nKinds of tasks, and the "words" that tell them in a route:\n{known}\n'
    ways = f"{WAYS}\n{TEAM}" if "team" in context.config.ways else WAYS
    tags = f"\nUse these if you can: {', '.join(context.brief.tags)}." if context.brief.tags else ""
    return (
        f"Tasks: {context.domain.brief}\n\nWays of working:\n{ways}\n{routes}\n"
        f"{_standing(context)}\n{_task(context, 'novel')}{tags}\n"
        'Reply with a JSON plan: "name", "thought" (one sentence), "way" (for all tasks that no route '
        'takes), "routes" (list of {"words", "way"}), "hint" (a sentence for the model, or empty), "samples" '
        '(answers to vote on: 1, 3 or 5), "shown" (worked examples shown to the model: 0 to 3).'
    )


def draft_program(context: Context) -> str:
    """Ask for a whole program."""
    return (
        f"Tasks: {context.domain.brief}\n\n{RUNTIME}\n\n{_standing(context, sources=True)}\n"
        f"{_task(context, 'novel')}\n"
        "Reply with a line `Name: …`, a line `Thought: …`, and the whole source in one ```python block."
    )


def draft_edit(context: Context) -> str:
    """Ask for an edit of the first parent as search and replace blocks."""
    return (
        f"Tasks: {context.domain.brief}\n\n{RUNTIME}\n\n{_standing(context, sources=True)}\n"
        f"{_task(context, 'mutate')}\n"
        "Reply with a line `Name: …`, a line `Thought: …`, and one or more edits of the first agent's "
        "source:\n<<<<<<< SEARCH\nlines that stand in the source, to the letter\n=======\n"
        "lines to put there\n>>>>>>> REPLACE"
    )


def reflect(draft: str, form: str, wrong: str = "") -> str:
    """Ask for a second look at a draft (Reflexion, Shinn et al. 2023, arXiv 2303.11366).

    Here and below, a draft that is "" stands in the conversation already.

    Args:
        draft: The draft.
        form: What it is, in a word or two.
        wrong: The `wrong_items` that it is to get right, where they do not stand in the conversation.
    """
    return (
        f"{_draft(draft)}{wrong}Look at it again: does it differ from what was tried, does "
        "every part help with the wrong items, is anything in it impossible? "
        f"Reply with the improved {form}, whole."
    )


def debug(draft: str, message: str, form: str) -> str:
    """Ask to mend a draft that failed, with the reason."""
    return f"{_draft(draft)}It fails: {message}\nReply with the mended {form}, whole."


def another(draft: str, twin: str, form: str) -> str:
    """Ask once more where a draft hardly differs from an agent that was tried."""
    return (
        f"{_draft(draft)}It hardly differs from «{twin}», which was tried already. "
        f"Reply with a {form} that works in another way."
    )


def _draft(draft: str) -> str:
    return f"Your draft:\n{draft[:MOST_SOURCE]}\n\n" if draft else ""


def _task(context: Context, otherwise: str) -> str:
    """What the brief's operator asks for, in a sentence."""
    spec = OPERATORS.get(context.brief.operator)
    return (spec.task if spec else "") or OPERATORS[otherwise].task


def _standing(context: Context, sources: bool = False) -> str:
    """The parents with their worst items, and the inspirations in a line each."""
    wrong = failing(context.parents, room_in(context))
    parts = [_parent(parent, lines, sources) for parent, lines in zip(context.parents, wrong, strict=True)]
    if any(map(quoted, wrong)):
        parts.append(MATERIAL)
    if context.inspirations:
        parts.append("Others so far:")
        parts += [f"- {_line(parent)}" for parent in context.inspirations]
    return "\n".join(parts) + "\n" if parts else ""


def wrong_items(context: Context, head: str) -> str:
    """What the parents got wrong, under a headline; `""` where they got nothing wrong."""
    lines = [line for lines in failing(context.parents, room_in(context)) for line in lines]
    if not lines:
        return ""
    return "\n".join((head, *lines, *([MATERIAL] if quoted(lines) else []))) + "\n\n"


def _parent(parent: Parent, wrong: Sequence[str], sources: bool) -> str:
    text = [f"Agent {_line(parent)}"]
    if parent.by_kind:
        counts = {kind: f"{right:g} of {n}" for kind, (right, n) in sorted(parent.by_kind.items())}
        kinds = ", ".join(f"{kind or 'no kind'} {count}" for kind, count in counts.items())
        text.append(f"Right: {counts['']}." if list(counts) == [""] else f"Right by kind: {kinds}.")
    if sources:
        text.append(f"```python\n{parent.agent.source[:MOST_SOURCE]}\n```")
    text += wrong
    return "\n".join(text)


def _line(parent: Parent) -> str:
    return f"«{parent.agent.name}»: mean score {parent.score:.2f} at {parent.tokens:.0f} tokens an item."
