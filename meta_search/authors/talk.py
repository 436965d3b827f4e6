"""The conversation in which the meta agent carries a brief out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from meta_search.authors import prompts
from meta_search.authors.asking import request
from meta_search.authors.author import Context
from meta_search.authors.designs import stages_of
from meta_search.authors.drafts import lost
from meta_search.authors.plan import plan_schema
from meta_search.types import Attempt, CallReply

__all__ = ["Talk", "plans_schema"]

PLAN_TOKENS = 320  # of embedded models, which ramble and do not think
SHORT = 3  # messages of the shortest conversation: what was asked first, the last reply, what is asked now


class Talk:
    """A conversation about one brief: every message is answered with all before it in view.

    The window of an embedded model is small. There a follow-up stands behind what was asked first and the
    draft that it is about; one about a plan, which says all there is, stands by itself with the plan.

    Args:
        context: Of the brief.
        form: plan, edit or program.
        most: Agents that a reply may hold.

    Attributes:
        was_cut: Whether the last reply was cut, however much room it was given.
    """

    was_cut = False

    def __init__(self, context: Context, form: str, most: int = 1) -> None:
        self._context, self._form, self._most = context, form, most
        self._short = bool(context.context_tokens)
        self._said: list[tuple[str, str]] = []

    def say(self, text: str, step: str, free: bool = False) -> str | Attempt:
        """Say something and have the reply; an attempt where there is none.

        Args:
            text: The message.
            step: Tells the call from the brief's other ones.
            free: Whether the reply may be anything: a plan is not asked for by its schema then.
        """
        if self._said and self._said[-1][0] == "user":  # not every endpoint takes a message without text
            text = f"{self._said.pop()[1]}\n\n{text}"
        self._said.append(("user", text))
        reply = self._ask(self._said, step, free)
        if reply.fault == "context" and len(self._said) > SHORT:
            self._said = [self._said[0], *self._said[1 - SHORT :]]
            reply = self._ask(self._said, f"{step}-short", free)
        return self._heard(reply)

    def follow(self, draft: str, asked: Callable[[str], str], step: str, free: bool = False) -> str | Attempt:
        """Ask about a draft, in view of what was asked first.

        Args:
            draft: The draft.
            asked: The message, given the draft, or `""` where that stands in the conversation.
            step: As in `say`.
            free: As in `say`.
        """
        if self._short and self._form == "plan":
            self._said = []
            return self.say(asked(draft), step, free)
        if self._short:
            self._said = [*self._said[:1], *([("assistant", draft)] if draft.strip() else [])]
        return self.say(asked(""), step, free)

    def _heard(self, reply: CallReply) -> str | Attempt:
        self.was_cut = reply.fault == "cut"
        if reply.fault:  # nobody has heard what was said
            self._said.pop()
            return lost(self._context, reply)
        if reply.text.strip():
            self._said.append(("assistant", reply.text))
        return reply.text

    def _ask(self, said: Sequence[tuple[str, str]], step: str, free: bool) -> CallReply:
        context = self._context
        asked = request(context, (("system", prompts.system(context.config.prompts)), *said), step)
        if self._form == "plan":
            if not free:
                words = sorted(set(context.domain.keywords.values()))
                stages = {} if self._short else stages_of(context)
                schema = plan_schema(words, context.config.ways, not self._short, stages)
                schema = plans_schema(schema, self._most) if self._most > 1 else schema
                asked = replace(asked, schema=schema)
            if self._short:
                asked = replace(asked, max_tokens=min(asked.max_tokens or PLAN_TOKENS, PLAN_TOKENS))
        return context.bench.ask(asked)


def plans_schema(plan: Mapping[str, Any], most: int) -> dict[str, Any]:
    """JSON schema of a reply with up to `most` plans, each by the schema `plan`."""
    rows = {"type": "array", "maxItems": most, "items": dict(plan)}
    return {
        "type": "object",
        "properties": {"plans": rows},
        "required": ["plans"],
        "additionalProperties": False,
    }
