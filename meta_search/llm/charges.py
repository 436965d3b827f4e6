"""What an answer used and is charged, and how its being cut is said."""

from __future__ import annotations

from meta_search.llm.forms import Form
from meta_search.llm.replies import Answer
from meta_search.types import Usage

__all__ = ["cut_message", "usage_of"]


def usage_of(answer: Answer, form: Form, estimate: Usage) -> tuple[Usage, Usage]:
    """What an answer used, and what it is charged.

    Tokens are as the endpoint counts them. What it does not count is charged in full, so that budgets hold;
    what the agent used is then estimated, at four bytes a token.
    """
    price, prompt, completion = form.call.route.price, answer.prompt_tokens, answer.completion_tokens
    if prompt and completion is not None:
        used = price.usage(prompt, completion, reasoning_tokens=answer.reasoning_tokens)
        return used, used
    form.tells("usage", False)
    read = prompt or sum(len(text.encode()) + 16 for _, text in form.call.request.messages) // 4
    written = completion if completion is not None else -(-len(answer.text.encode()) // 4)
    used = price.usage(read, min(written, estimate.completion_tokens))
    if prompt:
        estimate = price.usage(prompt, estimate.completion_tokens)
    return used, estimate


def cut_message(answer: Answer, limit: int) -> str:
    """One line on an answer that was cut."""
    thinking = ", all of them spent on thinking" if answer.thinks and not answer.text.strip() else ""
    return f"cut at {limit} tokens{thinking}"
