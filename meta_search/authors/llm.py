"""The llm author: the meta agent drafts, looks again, and mends what the checks find.

Draft, reflexion, static check, free dry run, debug: the loop of Meta Agent Search (arXiv 2408.08435,
section 3), with parents and their failures in the prompt in place of the whole archive (arXiv 2510.06711).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from meta_search.authors import prompts
from meta_search.authors.author import Context, Written
from meta_search.authors.composer import showing
from meta_search.authors.drafts import Draft, attempt, demonstrations_for, finish, lost
from meta_search.authors.near_duplicates import twin
from meta_search.authors.plan import compile_plan, plan_schema
from meta_search.authors.registry import by_operator
from meta_search.authors.replies.reply import Reply, ReplyFault, read_reply
from meta_search.types import Attempt, CallRequest, Candidate

__all__ = ["FORMS", "LLMAuthor", "candidate_from", "request"]

FORMS = {"plan": "JSON plan", "edit": "edits", "program": "program"}
PLAN_TOKENS = 320


class LLMAuthor:
    """Author `llm`; one for each brief."""

    def __init__(self) -> None:
        self._opening = ""  # what was asked first
        self._text = ""  # the last reply that came to a candidate

    def write(self, context: Context) -> Written:
        """Carry a brief out in the format the guide chose (a tag), else the first that is configured."""
        written = by_operator("llm", context)
        if written is not None:
            return written
        form = next(f for f in (*context.brief.tags, *context.config.formats, "plan") if f in FORMS)
        if context.brief.operator == "debug" and "edit" in context.config.formats:
            form = "edit"  # what fails is mended where it fails
        if form == "edit" and not context.parents:
            form = "program"
        first = self._mended(context, form, self._draft(context, form), "")
        if first.candidate is None:
            return first
        alike = twin(first.candidate, context.findings.known)
        if not alike:
            return first
        # Asked again once. What comes of that is taken if it can be used, else the first after all.
        draft = json.dumps(first.candidate.plan) if form == "plan" else self._text
        again = self._follow(
            context, form, draft, lambda d: prompts.another(d, alike, FORMS[form]), "another"
        )
        second = self._mended(context, form, again, "another-")
        told = attempt(context, "duplicate", f"hardly differs from «{alike}»", first.candidate.agent.source)
        if second.candidate is None:
            return Written(first.candidate, (*first.attempts, *second.attempts))
        return Written(second.candidate, (*first.attempts, told, *second.attempts))

    def _mended(self, context: Context, form: str, text: str | Attempt, step: str) -> Written:
        """A draft checked, and mended by the meta agent while it fails and rounds are left."""
        failed: list[Attempt] = []
        for round_ in range(context.config.debug_rounds + 1):
            if isinstance(text, Attempt):
                return Written(None, (*failed, text))
            made = candidate_from(context, form, text)
            if isinstance(made, Candidate):
                self._text = text
                return Written(made, tuple(failed))
            failed.append(made)
            if round_ < context.config.debug_rounds:
                asked = partial(prompts.debug, message=made.message, form=FORMS[form])
                text = self._follow(context, form, text, asked, f"{step}debug{round_}")
        return Written(None, tuple(failed))

    def _draft(self, context: Context, form: str) -> str | Attempt:
        """First draft and reflexions."""
        first = {"plan": prompts.draft_plan, "edit": prompts.draft_edit, "program": prompts.draft_program}[
            form
        ]
        self._opening = first(context)
        text = self._ask(context, form, (("user", self._opening),), "draft")
        for number in range(context.config.reflexions or 0):
            if isinstance(text, Attempt):
                break
            asked = partial(prompts.reflect, form=FORMS[form])
            again = self._follow(context, form, text, asked, f"reflexion{number}")
            # A reflexion that cannot be read is no reason to lose a draft that can.
            if isinstance(again, str) and _readable(context, form, again):
                text = again
        return text

    def _follow(
        self, context: Context, form: str, draft: str, asked: Callable[[str], str], step: str
    ) -> str | Attempt:
        """Ask about a draft, in view of what was asked first; `asked`: the prompt, given the draft or "".

        A plan is asked about by itself: it says all there is, and the context of an embedded model is small.
        """
        if form == "plan":
            return self._ask(context, form, (("user", asked(draft)),), step)
        if not draft.strip():  # not every endpoint takes a message without text
            return self._ask(context, form, (("user", f"{self._opening}\n\n{asked('')}"),), step)
        talk = (("user", self._opening), ("assistant", draft), ("user", asked("")))
        return self._ask(context, form, talk, step)

    def _ask(self, context: Context, form: str, talk: Sequence[tuple[str, str]], step: str) -> str | Attempt:
        asked = request(context, (("system", prompts.system()), *talk), step)
        if form == "plan":
            schema = plan_schema(sorted(set(context.domain.keywords.values())), context.config.ways)
            asked = replace(asked, schema=schema)
            if context.context_tokens:  # an embedded model, which rambles and does not think
                asked = replace(asked, max_tokens=min(asked.max_tokens or PLAN_TOKENS, PLAN_TOKENS))
        reply = context.bench.ask(asked)
        if reply.fault:
            return lost(context, reply)
        return reply.text


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


def candidate_from(context: Context, form: str, text: str) -> Candidate | Attempt:
    """Read a draft and check the agent it describes."""
    try:
        read = _read(context, form, text)
    except ReplyFault as fault:
        return attempt(context, "draft", str(fault), text)
    if read.plan is None:
        carried = demonstrations_for(read.source, context.findings.demonstrations)
        return finish(context, Draft(read.name, read.source, read.thought, demonstrations=carried))
    plan, shown = showing(context, read.plan)
    draft = Draft(plan.name, compile_plan(plan), plan.thought, demonstrations=shown, plan=plan.to_mapping())
    return finish(context, draft)


def _read(context: Context, form: str, text: str) -> Reply:
    return read_reply(text, form, context.parents[0].agent.source if context.parents else "")


def _readable(context: Context, form: str, text: str) -> bool:
    try:
        _read(context, form, text)
    except ReplyFault:
        return False
    return True
