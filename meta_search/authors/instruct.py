"""Operator `instruct`: several instructions for each call of an agent, among which the tuning study chooses.

After MIPROv2 (Opsahl-Ong et al. 2024, arXiv 2406.11695, section 4): the meta model proposes instructions,
given what the tasks are, what the agent does and how it fared; Bayesian optimisation then chooses among them,
with worked examples and numbers. Here each becomes a `self.tune.choice` of the source, today's wording the
default, and briefs of operator `tune` follow (`OperatorSpec.followed_by`).
"""

from __future__ import annotations

from meta_search.authors.asking import request
from meta_search.authors.author import Context, Failure, Parent, Written
from meta_search.authors.bootstrap import fits, show_demonstrations
from meta_search.authors.cases import known_cases, quoted, shown
from meta_search.authors.conversing import leaks, limited, told_first
from meta_search.authors.drafts import (
    MAX_DEMONSTRATIONS,
    Draft,
    demonstrations_for,
    lost,
    refused,
    written,
)
from meta_search.authors.instructions import Instruction, instructions, told_by, tunable
from meta_search.authors.names import with_parts
from meta_search.authors.replies.instructions import MOST_INSTRUCTION, instructions_in
from meta_search.authors.rewrite import titled
from meta_search.authors.sight.quoting import SHORTLY
from meta_search.authors.templating import render
from meta_search.text import one_line
from meta_search.types import Attempt, Demonstration, TraceCall

__all__ = ["MOST_OFFERED", "instruct", "prompt"]

MOST_PARTS = 3  # instructions that get choices: those that were told most often
MOST_OFFERED, FEW_OFFERED = 8, 5  # FEW_OFFERED of an embedded model, which repeats itself
SYSTEM = f"You write instructions for a language model that solves tasks. You are concise. {SHORTLY}"
REPLY_TOKENS = 400  # of an embedded model
MOST_CASES, FEW_CASES = 4, 2
RESERVED = 1_000  # characters of a prompt that are none of the parts


def instruct(context: Context) -> Written | None:
    """Write the child of the first parent whose instructions the search may choose.

    It is evaluated with the first new wording of each: with today's it would behave as its parent.

    Returns:
        `None` where no instruction stands in the source as a text, or all are choices already: the author
        then edits the parent as it edits any other.
    """
    if not context.parents:
        return refused(context, "instruct needs a parent")
    parent = context.parents[0]
    source, carried = _showing(context, parent)
    cases, calls = known_cases(parent), _calls(context, parent)
    found = instructions(source, [c.prompt for c in calls])
    told = {i.text: sum(told_by(i, found, c) for c in calls) for i in found}
    parts = sorted((i for i in found if i.tunable), key=lambda i: -told[i.text])[:MOST_PARTS]
    if not parts:
        return None
    offered: dict[str, list[str]] = {}
    for number, part in enumerate(parts, 1):
        first = next(c for c in calls if told_by(part, found, c))
        options = _asked(context, part, first.component or first.author, cases, number)
        if isinstance(options, Attempt):
            return Written(None, (options,))
        if options:
            offered[part.text] = options
    if not offered:
        return refused(context, "the reply holds no new instructions: one a line, numbered")
    return _written(context, parent, source, carried, offered)


def prompt(context: Context, part: Instruction, name: str, cases: list[Failure]) -> str:
    """What the meta agent is asked for one instruction."""
    small, source = bool(context.context_tokens), context.parents[0].agent.source
    wrong = [case for case in cases if not case.right][: (FEW_CASES if small else MOST_CASES) - 1]
    told = [*wrong, *[case for case in cases if case.right][:1]]
    now = part.text.strip()
    brief, notes, room = told_first(context, RESERVED + min(len(now), MOST_INSTRUCTION))
    each = max(0, room) // max(1, len(told))
    return render(
        context.config.prompts,
        "instruct",
        brief=brief,
        notes=notes,
        component=one_line(name, 60),
        instruction=quoted(now, MOST_INSTRUCTION),
        cases=[(case.verdict, shown(case, source, _told(case, part), each)) for case in told],
        wanted=FEW_OFFERED if small else MOST_OFFERED,
    )


def _asked(
    context: Context, part: Instruction, name: str, cases: list[Failure], number: int
) -> list[str] | Attempt:
    """New instructions for one part; none that quotes a scored item, or is what stands there."""
    messages = (("system", SYSTEM), ("user", prompt(context, part, name, cases)))
    asked = limited(context, request(context, messages, f"instruct-{number}"), REPLY_TOKENS)
    reply = context.bench.ask(asked)
    if reply.fault:
        return lost(context, reply)
    options = instructions_in(reply.text, MOST_OFFERED + 1)
    return [o for o in options if o != part.text.strip() and not leaks(context, o)][:MOST_OFFERED]


def _written(
    context: Context,
    parent: Parent,
    source: str,
    carried: tuple[Demonstration, ...],
    offered: dict[str, list[str]],
) -> Written:
    """The child; its values are the first of each."""
    made, names = tunable(source, offered)
    many = " and ".join(str(len(options) + 1) for options in offered.values())
    name = with_parts(parent.agent.name, {"choice": f"choice of {many} instructions"})
    said = "; ".join(one_line(options[0], 100) for options in offered.values())
    thought = f"«{parent.agent.name}» with a choice of {many} instructions; the first: {said}"
    values = {**parent.agent.values, **{names[text]: options[0] for text, options in offered.items()}}
    return written(context, Draft(name, titled(made, name, thought), thought, values, carried))


def _showing(context: Context, parent: Parent) -> tuple[str, tuple[Demonstration, ...]]:
    """The parent's source, made to show worked examples where the pool has some that fit, and these: how many
    it shows is a parameter, by default as many as before."""
    source, own = parent.agent.source, parent.agent.demonstrations
    pool = tuple(d for d in context.findings.demonstrations if fits(d, parent))[-MAX_DEMONSTRATIONS:]
    shows = own or demonstrations_for(source, pool)
    if shows or not pool:
        return source, shows
    made = show_demonstrations(source, parent.agent.name, parent.thought, 0)
    return (source, ()) if made is None else (made, pool)


def _calls(context: Context, parent: Parent) -> list[TraceCall]:
    """Calls of the parent: those that the brief tells, and those of a dry run, which costs nothing."""
    told = [call for case in known_cases(parent) for call in case.trace]
    return [*told, *(call for result in context.bench.try_out(parent.agent) for call in result.trace)]


def _told(case: Failure, part: Instruction) -> list[tuple[str, str, str]]:
    """The first call of an item that was told the instruction."""
    text = part.text.strip()
    calls = [c for c in case.trace if text in c.prompt][:1]
    return [("", c.prompt.replace(text, "").strip(), c.text) for c in calls]
