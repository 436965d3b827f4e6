"""The llm author: the meta agent drafts, looks again, and mends what the checks find.

Draft, reflexion, static check, free dry run, debug: the loop of Meta Agent Search (arXiv 2408.08435,
section 3), with parents and their failures in the prompt in place of the whole archive (arXiv 2510.06711).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from meta_search.agent.answers import code_in
from meta_search.authors import prompts
from meta_search.authors.author import Context, Written
from meta_search.authors.composer import showing
from meta_search.authors.drafts import Draft, attempt, demonstrations_for, finish, lost
from meta_search.authors.near_duplicates import twin
from meta_search.authors.plan import Plan, compile_plan, plan_from, plan_schema
from meta_search.authors.registry import by_operator
from meta_search.types import Attempt, CallRequest, Candidate, parse

__all__ = ["FORMS", "LLMAuthor", "apply_edits", "candidate_from", "program_in", "read_plan", "request"]

EDIT = re.compile(r"<{5,} ?SEARCH\n(.*?)\n?={5,}\n(.*?)\n?>{5,} ?REPLACE", re.DOTALL)
LABEL = re.compile(r"\W*(name|thought)\W*:[^=\n]*$", re.IGNORECASE | re.MULTILINE)
CODE = re.compile(r'^(import |from |def |class |@|"""|[A-Za-z_]\w* *=)', re.MULTILINE)
OPENING = re.compile(r"^[ \t]*```[\w+-]*[ \t\r]*\n", re.MULTILINE)
CLOSING = re.compile(r"^[ \t]*```[ \t\r]*$", re.MULTILINE)
MOST_FENCES = 12  # of each kind that are looked at
FORMS = {"plan": "JSON plan", "edit": "edits", "program": "program"}
PLAN_TOKENS = 320


@dataclass(frozen=True, slots=True)
class _Read:
    """A reply of the meta model, read: source and, for a plan, the plan."""

    name: str
    thought: str
    source: str
    plan: Plan | None = None


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
            # A plan is looked at by itself, see `_follow`: what it is to get right has to be said again.
            wrong = prompts.wrong_items(context, "The wrong items:") if form == "plan" else ""
            asked = partial(prompts.reflect, form=FORMS[form], wrong=wrong)
            again = self._follow(context, form, text, asked, f"reflexion{number}")
            # A reflexion that cannot be read is no reason to lose a draft that can.
            if isinstance(again, str) and not isinstance(_read(context, form, again), str):
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
    read = _read(context, form, text)
    if isinstance(read, str):
        return attempt(context, "draft", read, text)
    if read.plan is None:
        carried = demonstrations_for(read.source, context.findings.demonstrations)
        return finish(context, Draft(read.name, read.source, read.thought, demonstrations=carried))
    plan, shown = showing(context, read.plan)
    draft = Draft(plan.name, compile_plan(plan), plan.thought, demonstrations=shown, plan=plan.to_mapping())
    return finish(context, draft)


def _read(context: Context, form: str, text: str) -> _Read | str:
    """A draft, or one line on why it cannot be read."""
    if form == "plan":
        plan = read_plan(text)
        if isinstance(plan, str):
            return plan
        return _Read(plan.name, plan.thought, compile_plan(plan), plan)
    name = _labelled(text, "Name", 60) or "Unnamed"
    thought = _labelled(text, "Thought", 400)
    if form == "edit":
        edited = apply_edits(context.parents[0].agent.source, text)
        return edited if edited.startswith("edit:") else _Read(name, thought, edited)
    if "```" not in text and "def forward" not in text:
        return "there is no ```python block with the source"
    return _Read(name, thought, _without_labels(program_in(text)) + "\n")


def program_in(text: str) -> str:
    """The program in a reply that may hold other blocks, before it or, within a string, inside of it.

    Returns:
        The first fenced part that defines `forward` and can be parsed; without one, what `code_in` has.
    """
    openings = [m.end() for m in OPENING.finditer(text)][:MOST_FENCES]
    closings = [m.start() for m in CLOSING.finditer(text)][:MOST_FENCES]
    for start in openings:
        for end in (*(c for c in closings if c >= start), len(text)):
            part = text[start:end].strip("\n")
            if "def forward" in part and _parses(part):
                return part
    return code_in(text)


def _parses(source: str) -> bool:
    try:
        parse(_without_labels(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def read_plan(text: str) -> Plan | str:
    """A plan from JSON, or one line on what is wrong with it."""
    start, end = text.find("{"), text.rfind("}")
    try:
        data: Any = json.loads(text[start : end + 1], strict=False) if start >= 0 else None
    except (ValueError, RecursionError) as error:
        return f"the JSON cannot be read: {error}"
    if not isinstance(data, Mapping):
        return "there is no JSON object"
    try:
        return plan_from(data)
    except (ValueError, TypeError) as error:
        return str(error)


def apply_edits(source: str, text: str) -> str:
    """Source with search/replace edits applied; a text that begins with `edit:` says what failed."""
    edits = EDIT.findall(text)
    if not edits:
        return "edit: no SEARCH/REPLACE block found"
    for search, put in edits:
        if not search.strip():
            return "edit: the SEARCH text is empty"
        if source.count(search) != 1:
            found = "is not in" if search not in source else "stands more than once in"
            return f"edit: the SEARCH text {found} the source: {search.strip().splitlines()[:1]}"
        source = source.replace(search, put)
    return source


def _without_labels(code: str) -> str:
    """Small models put name and thought into the block as well: what stands above the code is left out."""
    begins = CODE.search(code)
    return code[begins.start() :] if LABEL.match(code) and begins else code


def _labelled(text: str, label: str, most: int) -> str:
    told = rf"^\W*{label}[^\w\n]*:[^\w\n]*(?:\n\s*(?!\w+:))?(\w.*)$"  # or, as a heading, with the text below
    match = re.search(told, text, re.MULTILINE | re.IGNORECASE)
    return match.group(1).strip(" *`")[:most] if match else ""
