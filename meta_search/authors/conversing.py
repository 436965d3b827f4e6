"""A short conversation with the meta agent: asked, read, told what is wrong, and asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from meta_search.authors.asking import request
from meta_search.authors.author import Context, Written
from meta_search.authors.check import find_leak
from meta_search.authors.drafts import attempt, lost
from meta_search.text import passage
from meta_search.types import Attempt, CallRequest, Candidate

__all__ = ["Question", "characters", "converse", "leaks", "limited", "told_first"]

MENDABLE = ("draft", "check", "dry_run", "leak")  # stages that another reply may pass
SHARE = 0.7  # of a small context: the rest is for the reply
MOST_BRIEF = 1_200  # characters
CHARACTERS = 3  # per token, at the least


def characters(context: Context) -> int:
    """Characters that a prompt of this brief may have."""
    tokens = context.room
    if context.context_tokens:
        tokens = min(tokens, int(SHARE * context.context_tokens))
    return CHARACTERS * tokens


def told_first(context: Context, reserved: int) -> tuple[str, str, int]:
    """What prompts of operators begin with.

    Args:
        context: Of the brief.
        reserved: Characters that the words of the template take.

    Returns:
        The domain's brief, the notes of the user, and the characters that are left for the rest.
    """
    brief = passage(context.domain.brief, MOST_BRIEF)
    notes = passage(context.config.notes, MOST_BRIEF)
    return brief, notes, characters(context) - reserved - len(brief) - len(notes)


def limited(context: Context, asked: CallRequest, most: int) -> CallRequest:
    """A request whose answer is short, where an embedded model gives it: those ramble and do not think."""
    if not context.context_tokens:
        return asked
    return replace(asked, max_tokens=min(asked.max_tokens or most, most))


def leaks(context: Context, *texts: str) -> bool:
    """Whether texts quote a train item, which the archive would refuse."""
    scored = {question: str(place) for place, question in enumerate(context.domain.questions)}
    return any(find_leak(text, (), scored) is not None for text in texts)


@dataclass(frozen=True, slots=True)
class Question:
    """What a brief's author asks first.

    Attributes:
        messages: System message and prompt.
        again: The form of the reply, said once more behind what is wrong with one.
        most: Tokens of a reply, for embedded models.
        schema: JSON schema of the reply, where it is JSON.
    """

    messages: tuple[tuple[str, str], tuple[str, str]]
    again: str
    most: int
    schema: Mapping[str, Any] | None = None


def converse(context: Context, asked: Question, read: Callable[[str], Candidate | Attempt]) -> Written:
    """Ask the meta agent, and tell it what is wrong with its reply while `author.debug_rounds` are left.

    Args:
        context: Of the brief.
        asked: What is asked first.
        read: A reply as a candidate, or why it is none.
    """
    failed: list[Attempt] = []
    (_, system), (_, prompt) = asked.messages
    talk: tuple[tuple[str, str], ...] = (("user", prompt),)
    for round_ in range(context.config.debug_rounds + 1):
        step = context.brief.operator + (f"-{round_}" if round_ else "")
        call = limited(context, request(context, (("system", system), *talk), step), asked.most)
        reply = context.bench.ask(replace(call, schema=asked.schema))
        if reply.fault:
            return Written(None, (*failed, lost(context, reply)))
        made = read(reply.text) if reply.text.strip() else attempt(context, "draft", "the reply is empty")
        if isinstance(made, Candidate):
            return Written(made, tuple(failed))
        failed.append(made)
        if made.stage not in MENDABLE:
            break
        told = f"That cannot be used: {made.message}\n{asked.again}"
        # Of the conversation the last reply: an embedded model has no room for more of them.
        talk = (("user", prompt), ("assistant", reply.text), ("user", told))
        if not reply.text.strip():  # not every endpoint takes a message without text
            talk = (("user", f"{prompt}\n\n{told}"),)
    return Written(None, tuple(failed))
