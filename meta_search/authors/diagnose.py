"""Operator `diagnose`: the cause of each failing item first, then the change that removes it, in one reply.

The meta agent sees failing items with what the parent's models were asked and said, and names a cause for
each before it edits: an edit that answers a cause is one that can be checked.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from meta_search.authors.author import Context, Failure, Parent, Written
from meta_search.authors.block_table import blocks_of, solver
from meta_search.authors.cases import known_cases, shown
from meta_search.authors.conversing import Question, converse, told_first
from meta_search.authors.designs import stages_of
from meta_search.authors.drafts import attempt, plan_of, refused
from meta_search.authors.llm import candidate_from
from meta_search.authors.plan import STAGED, Plan, plan_schema
from meta_search.authors.replies.instructions import MOST_CAUSE, causes_in
from meta_search.authors.sight.quoting import SHORTLY
from meta_search.authors.templating import render
from meta_search.text import one_line, passage
from meta_search.types import Attempt, Candidate, lines_of, parse

__all__ = ["diagnose", "prompt"]

SYSTEM = (
    "You find out why agents fail: small programs that solve tasks by calling a language model. "
    f"You are concise. {SHORTLY}"
)
AGAIN = "Reply again with the `Cause` lines and the edits, or with the whole source in one ```python block."
AGAIN_PLAN = "Reply again with the whole JSON plan, its causes first."
REPLY_TOKENS = 500  # of an embedded model
MOST_CASES, FEW_CASES = 6, 2
MOST_CALLS = 4  # of an item
RESERVED = 1_300  # characters of a prompt that are none of the parts
MOST_THOUGHT, MOST_CAUSES = 400, 200
SOURCE_SHARE = 0.5  # of the room


def diagnose(context: Context) -> Written | None:
    """Write the child of the first parent that does without what made it fail.

    Returns:
        `None` where the parent failed at nothing: the author then changes it as it changes any other.
    """
    if not context.parents:
        return refused(context, "diagnose needs a parent")
    parent = context.parents[0]
    if not parent.failures:
        return None
    plan = _plan(context, parent)

    def read(text: str) -> Candidate | Attempt:
        made = candidate_from(context, "plan" if plan else "edit", text)
        if isinstance(made, Attempt):
            return made
        if made.agent.id == parent.agent.id or (plan is not None and made.plan == plan.to_mapping()):
            return attempt(context, "draft", "nothing was changed", made.agent.source)
        return replace(made, thought=_thought(made.thought, causes_in(text)))

    messages = (("system", SYSTEM), ("user", prompt(context)))
    again, schema = (AGAIN_PLAN, _schema(context)) if plan else (AGAIN, None)
    return converse(context, Question(messages, again, REPLY_TOKENS, schema), read)


def prompt(context: Context) -> str:
    """What the meta agent is asked: the agent, and the items that it failed at with its calls."""
    parent, plan, small = context.parents[0], _plan(context, context.parents[0]), bool(context.context_tokens)
    brief, notes, room = told_first(context, RESERVED)
    source, whole = _source(parent, int(SOURCE_SHARE * room)) if plan is None else (_told(plan), True)
    cases = _cases(parent, FEW_CASES if small else MOST_CASES)
    each = max(0, room - len(source)) // max(1, len(cases))
    ways = {way: solver(way).does for way in blocks_of("solve") if way in context.config.ways}
    return render(
        context.config.prompts,
        "diagnose",
        brief=brief,
        notes=notes,
        agent=one_line(parent.agent.name, 60),
        source=source,
        whole=whole,
        ways=ways if plan else {},
        words=sorted(set(context.domain.keywords.values())) if plan else [],
        cases=[(case.verdict, shown(case, parent.agent.source, _calls(case), each)) for case in cases],
        failing=sum(not case.right for case in cases),
    )


def _plan(context: Context, parent: Parent) -> Plan | None:
    """The parent's plan, where the meta agent writes nothing but plans."""
    return plan_of(parent) if set(context.config.formats) == {"plan"} else None


def _told(plan: Plan) -> str:
    """A plan as the model is to write it."""
    keys = {*plan_schema()["properties"], *STAGED}
    return json.dumps({k: v for k, v in plan.to_mapping().items() if k in keys}, ensure_ascii=False)


def _schema(context: Context) -> dict[str, Any]:
    """Of a plan, the causes first; with stages where the parent's plan has any."""
    plan = _plan(context, context.parents[0])
    staged = plan is not None and not STAGED.keys().isdisjoint(plan.to_mapping())
    words = sorted(set(context.domain.keywords.values()))
    schema = plan_schema(words, context.config.ways, stages=stages_of(context) if staged else {})
    line = {"type": "string", "maxLength": MOST_CAUSE}
    causes = {"type": "array", "maxItems": FEW_CASES, "items": line}
    properties = {"causes": causes, **schema["properties"]}
    return {**schema, "properties": properties, "required": ["causes", *schema["required"]]}


def _cases(parent: Parent, most: int) -> Sequence[Failure]:
    """Failing items, and where there is room a right one for contrast."""
    found = known_cases(parent)
    wrong, right = [c for c in found if not c.right], [c for c in found if c.right]
    return [*wrong[: most - bool(right and most > FEW_CASES)], *(right[:1] if most > FEW_CASES else [])]


def _calls(case: Failure) -> list[tuple[str, str, str]]:
    """The first calls of an item, and its last one."""
    calls = [*case.trace[: MOST_CALLS - 1], *case.trace[MOST_CALLS - 1 :][-1:]]
    return [(one_line(c.component or c.author, 60), c.prompt, c.text) for c in calls]


def _source(parent: Parent, room: int) -> tuple[str, bool]:
    """The parent's source, and whether it is whole: where it is too long, `forward` alone, which most edits
    are about."""
    source = parent.agent.source
    if len(source) <= room:
        return source.rstrip(), True
    found = [n for n in parse(source).body if isinstance(n, ast.FunctionDef) and n.name == "forward"]
    if found:
        source = "".join(lines_of(source)[found[-1].lineno - 1 : found[-1].end_lineno])
    return passage(source, max(room, 0)) if len(source) > room else source.rstrip(), False


def _thought(thought: str, causes: Sequence[str]) -> str:
    """A thought with what it answers, short."""
    told = one_line("; ".join(causes), MOST_CAUSES)
    return one_line(f"{thought} Causes: {told}" if told else thought, MOST_THOUGHT)
