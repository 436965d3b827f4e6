"""The model that agents call, and a request as it arrives there."""

from __future__ import annotations

from meta_search.authors.author import Context
from meta_search.authors.sight.part import Part, Piece, Said, of_pieces
from meta_search.text import one_line

__all__ = ["task_model"]

MOST_REQUEST = 6_000  # characters


def task_model(context: Context) -> Part:
    """The task model; in little room without the request."""
    task = context.task
    facts = [f"The task model, which agents call: {one_line(task.name, 80)}." if task.name else ""]
    if task.window:
        facts.append(f"It reads and writes at most {task.window} tokens in one call.")
    if task.reply_tokens:
        facts.append(
            f"Its replies have at most {task.reply_tokens} tokens where an agent names no max_tokens."
        )
    told = " ".join(fact for fact in facts if fact)
    if not task.request:
        return of_pieces("task_model", [told], 0.12)
    request = "\n\n".join(f"[{role}]\n{content}" for role, content in task.request)
    head = "A request as it arrives there, the first of an agent of this run:"
    shown: list[Piece] = [told, head, Said(request, MOST_REQUEST)]
    return of_pieces("task_model", shown, 0.12, "the task model", shorter=[[told]])
