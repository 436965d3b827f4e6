"""Operator `bootstrap`: an agent's own right answers become the examples it shows.

After DSPy's BootstrapFewShot and KNNFewShot (Khattab et al. 2023, arXiv 2310.03714, section 3.3): a teacher
runs the agent on the examples split; calls of items that scored right are kept; the child shows the ones
nearest to its question. Where the meta model is the stronger one, it teaches first, kind by kind
(`authors.teach`). Else the first teacher is the task model itself, which is the cheaper one; what it gets
wrong goes to the meta model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from meta_search.authors.author import Context, Example, Parent, Worked, Written
from meta_search.authors.compiler import compile_plan, shown_by
from meta_search.authors.course import META, TASK
from meta_search.authors.drafts import MAX_DEMONSTRATIONS, Draft, plan_of, refused, written
from meta_search.authors.names import described, with_parts
from meta_search.authors.near_duplicates import is_known
from meta_search.authors.plan import Plan
from meta_search.authors.shown import fields_of, form_of, makers, reads_question, show_demonstrations, shows
from meta_search.authors.teach import carried, forms_for_ways, pool_of, taught
from meta_search.authors.teachers import PROGRAMS
from meta_search.types import Candidate, Demonstration, parse

__all__ = ["bootstrap", "bootstrap_by", "collect", "fits", "show_demonstrations"]

TEACHERS = (TASK, META)


def bootstrap(context: Context) -> Written:
    """Write the child of the first parent that shows its own worked examples."""
    if not context.parents or not context.domain.examples:
        return refused(context, "bootstrap needs a parent and an examples split")
    parent = context.parents[0]
    plan = plan_of(parent)
    why = _unfit(parent.agent.source) if plan is None else ""
    if why:
        return refused(context, why)
    pool = _ensured(context, parent)
    if not pool and not _is_direct(plan):
        return refused(context, "no example was answered right by any teacher")
    if plan is not None and _is_direct(plan) and (other := _as_taught(context, plan)) is not None:
        return _written(context, parent, other, carried(context, shown_by(other, pool_of(context))))
    return _written(context, parent, plan, pool)


def bootstrap_by(context: Context, write: Callable[[Context], Written]) -> Written:
    """The same by an author that writes: the pool is filled first, and shown to it.

    Args:
        context: Of the brief.
        write: The author's own way.

    Returns:
        What it wrote, if that shows worked examples; else the parent's source rewritten so that it does.
    """
    if not context.parents or not context.domain.examples:
        return write(context)
    pool = _ensured(context, context.parents[0])
    all_of_it = pool_of(context)
    ready = replace(context, findings=replace(context.findings, demonstrations=all_of_it))
    found = write(ready)
    if found.candidate is not None and _shows_any(found.candidate):
        return found
    if not pool and not _is_direct(plan_of(context.parents[0])):
        return found
    instead = bootstrap(ready)
    known = {agent.id for agent, _ in context.findings.known}
    if instead.candidate is None or (found.candidate is not None and instead.candidate.agent.id in known):
        return replace(found, attempts=(*found.attempts, *instead.attempts))
    return replace(instead, attempts=(*found.attempts, *instead.attempts), used=found.used)


def _shows_any(candidate: Candidate) -> bool:
    """Whether an agent shows worked examples: those that it carries, or the domain's own."""
    plan = candidate.plan
    return bool(candidate.agent.demonstrations or (plan and plan.get("shown")))


def _is_direct(plan: Plan | None) -> bool:
    """Whether all that a plan could show are the domain's own examples."""
    return plan is not None and plan.ways() == {"direct"}


def _as_taught(context: Context, plan: Plan) -> Plan | None:
    """A plan that answers at once, in the way in which most examples were taught: answers alone show a model
    no way to them. `None` where none were taught, or that agent is known."""
    if not context.course.first:
        return None
    ways = [way for way in context.config.ways if way != "direct"]
    counts = {way: len(shown_by(Plan("", way=way), pool_of(context))) for way in ways}
    best = max(ways, key=lambda way: counts[way], default="")
    if not counts.get(best):
        return None
    made = replace(plan, way=best)
    known = [k for k in context.findings.known if k[1] is not None]
    return None if any(is_known(replace(made, shown=n).to_mapping(), known) for n in (1, 2, 3)) else made


def _ensured(context: Context, parent: Parent) -> list[Demonstration]:
    """The worked examples that a parent can show; collected where there are none, or where kinds lack some
    and the meta model teaches."""
    plan = plan_of(parent)
    pool = [d for d in pool_of(context) if fits(d, parent)]
    if context.course.first:
        taught(context, _forms(context, parent, plan))
        pool = [d for d in pool_of(context) if fits(d, parent)]
    if not pool and not _is_direct(plan):
        pool = collect(context, parent)
    return list(carried(context, pool))


def _forms(context: Context, parent: Parent, plan: Plan | None) -> list[str]:
    """Forms that are taught: the parent's, and of those that plans show what the run has none of yet.

    Embedded models, which are slow, teach one.
    """
    own = forms_for_ways(sorted(plan.ways())) if plan is not None else _own_form(parent)
    have = {d.form for d in pool_of(context)}
    more = [form for form in forms_for_ways(context.config.ways) if form not in have]
    return [*own, *more][: max(1, len(own)) if context.context_tokens else None]


def _own_form(parent: Parent) -> tuple[str, ...]:
    found = makers(parse(parent.agent.source))
    forms = [form_of(fields_of(maker)) for maker in found[:1]]
    reads = reads_question(parent.agent.source)
    return tuple("reading" if form == "program" and reads else form for form in forms)


def _unfit(source: str) -> str:
    """Why no worked examples can be put into agent source, or `""`."""
    tree = parse(source)
    if shows(tree):
        return "the parent shows worked examples already"
    return "" if makers(tree) else "the parent has no call that could show examples"


def _written(context: Context, parent: Parent, plan: Plan | None, pool: Sequence[Demonstration]) -> Written:
    """The child, from the parent's plan where it has one that can show examples, else from its source."""
    # Plans show those of the domain where the answer alone is asked for.
    many = len(pool) or len(context.domain.examples)
    shown = min(many, context.trial.suggest_int("bootstrap_shown", 1, 3))
    # Without a pool these are the domain's examples with their answers, which no model has given.
    of = "worked examples that scored right" if pool else "examples with their right answers"
    nearest = f"the {shown} nearest of {many} {of}" if many > 1 else f"one of the {of}"
    thought = f"{parent.agent.name}, shown {nearest}."
    name = with_parts(parent.agent.name, {"shown": f"{shown} shown"})
    before = plan_of(parent)
    if plan is not None and before is not None and plan.way != before.way:
        thought = f"{parent.agent.name}, but by {plan.way}, shown {nearest}."
        name = described(replace(plan, shown=shown))
    if plan is not None:
        plan = replace(plan, name=name, thought=thought, shown=shown)
        source: str | None = compile_plan(plan)
    else:
        source = show_demonstrations(parent.agent.source, name, thought, shown)
    if source is None:
        return refused(context, "the parent is nested too deeply to be rewritten")
    draft = Draft(
        name,
        source,
        thought,
        values={k: v for k, v in parent.agent.values.items() if k != "shown"},
        demonstrations=pool[-MAX_DEMONSTRATIONS:],
        plan=plan.to_mapping() if plan else None,
    )
    return written(context, draft)


def collect(context: Context, parent: Parent) -> list[Demonstration]:
    """Run the parent on the examples, teacher after teacher, and keep the replies that scored right.

    Where the meta model teaches first it has done what it may, and the task model alone is asked.
    """
    todo: list[Example] = list(context.domain.examples)
    found: list[Demonstration] = []
    for teacher in TEACHERS[:1] if context.course.first else TEACHERS:
        kept: list[Demonstration] = []
        worked: list[Worked] = context.bench.teach(parent.agent, todo, teacher) if todo else []
        for run in worked:
            reply = _first_reply(run)
            if run.right and reply:
                kept.append(Demonstration(run.example.question, reply))
        context.bench.keep(kept, teacher)
        context.course.found += [(shown, teacher) for shown in kept]
        found += kept
        done = {run.example.question for run in worked if run.right}
        todo = [example for example in todo if example.question not in done]
    return found


def fits(demonstration: Demonstration, parent: Parent) -> bool:
    """Whether a reply of the run's pool has the form that the parent's first model is asked for.

    Agents share the pool: shown a program where JSON is asked for, a model writes a program.
    """
    plan = plan_of(parent)
    if plan is not None:
        return bool(shown_by(plan, (demonstration,)))
    form = (*_own_form(parent), "text")[0]
    if form == "thinking":
        return demonstration.reply.lstrip().startswith(("{", "```json"))
    if form in PROGRAMS:
        return demonstration.form == form
    return "```" not in demonstration.reply and not demonstration.reply.lstrip().startswith("{")


def _first_reply(run: Worked) -> str:
    """The reply of a call that had only the task before it: what the child will be shown.

    Of several that were asked for the same, as votes are, one that is part of the answer: another may be
    wrong although the item is right.
    """
    opening = [call for call in run.result.trace if not call.inputs]
    alike = [call for call in opening if call.fields == opening[0].fields]
    chosen = next((call for call in alike if call.final), None)
    ran = bool(opening) and "answer" not in opening[0].fields
    like_it = [call for call in run.result.trace if ran and call.fields == opening[0].fields]
    if chosen is None and any(call.final for call in like_it):
        return ""  # a program that was mended: the first one was wrong
    if chosen is None and len(alike) > 1 and "answer" in opening[0].fields:
        return ""  # (what a program answers is not its text: there the first one is taken)
    return (chosen or opening[0]).text.strip() if opening else ""
