"""How the meta agent is asked in carrying out a brief: settings of its calls, and what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence

from meta_search.authors.author import Context
from meta_search.types import CallRequest

__all__ = ["request"]


def request(context: Context, messages: Sequence[tuple[str, str]], step: str) -> CallRequest:
    """A call of the meta agent in carrying out a brief; `step` tells it from the brief's other calls."""
    return CallRequest(
        model="meta",
        messages=tuple(messages),
        temperature=context.brief.temperature,
        max_tokens=context.config.max_tokens,
        seed=context.brief.seed,
        occurrence=step,
        purpose="meta",
        agent=f"brief-{context.brief.code}",
        author="meta agent",
    )
