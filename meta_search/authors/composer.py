"""The composer: writes agents from blocks under an Optuna trial. Needs no model; the honest baseline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from meta_search.authors.author import Context, Parent, Written
from meta_search.authors.block_table import NONE
from meta_search.authors.bootstrap import bootstrap, collect
from meta_search.authors.changes import changed, mutated, neighbours, rate, smaller
from meta_search.authors.compiler import compile_plan, shown_by
from meta_search.authors.designs import cell_for, plan_for, routed, space_in, suggested
from meta_search.authors.drafts import Draft, demonstrations_for, plan_of, refused, written
from meta_search.authors.names import described, value_part, with_parts
from meta_search.authors.near_duplicates import is_known
from meta_search.authors.plan import STAGED, TUNED, Cell, Plan
from meta_search.authors.registry import by_operator
from meta_search.authors.simplify import simplify
from meta_search.authors.teach import carried, forms_for_ways, plain_misses, taught
from meta_search.text import one_line
from meta_search.types import Demonstration, Scalar

__all__ = [
    "Composer",
    "crossover",
    "mutate",
    "pool_for",
    "show_examples",
    "showing",
    "simplify_agent",
    "tune",
    "write_plan",
]


class Composer:
    """Author `composer`."""

    def write(self, context: Context) -> Written:
        """Carry a brief out; an operator that lacks what it needs becomes `novel`."""
        made = by_operator("composer", context)
        return write_plan(context, _novel(context)) if made is None else made


def mutate(context: Context) -> Written | None:
    """Operator `mutate`: the first parent that has a plan, with one thing changed; what is known only where
    all such changes are."""
    planned = _planned(context)
    if not planned:
        return None
    made, known = mutated(context, *planned[0]), context.findings.known
    if is_known(made.to_mapping(), known):
        others = [p for p in neighbours(context, planned[0][1]) if not is_known(p.to_mapping(), known)]
        made = context.rng.choice(others) if others else made
    return write_plan(context, made)


def crossover(context: Context) -> Written | None:
    """Operator `crossover` of two parents that have plans."""
    planned = _planned(context)
    made = _cross(context, planned[0], planned[1]) if len(planned) >= 2 else None
    return None if made is None else write_plan(context, made)


def show_examples(context: Context) -> Written | None:
    """Operator `bootstrap`."""
    return bootstrap(context) if context.parents else None


def simplify_agent(context: Context) -> Written | None:
    """Operator `simplify`: a smaller plan, else the first parent without some of its components."""
    planned = _planned(context)
    leaner = smaller(planned[0][1]) if planned else None
    if leaner is not None:
        return write_plan(context, leaner)
    if not context.parents:
        return None
    found = simplify(context)
    if found.candidate is not None:
        return found
    instead = write_plan(context, _novel(context))
    return Written(instead.candidate, (*found.attempts, *instead.attempts))


def _planned(context: Context) -> list[tuple[Parent, Plan]]:
    """The parents that were compiled from a plan."""
    return [(parent, plan) for parent in context.parents if (plan := plan_of(parent)) is not None]


def write_plan(context: Context, plan: Plan) -> Written:
    """Compile a plan, collect worked examples if it shows any and there are none yet, and check the agent."""
    plan, shown = showing(context, plan)
    draft = Draft(plan.name, compile_plan(plan), plan.thought, demonstrations=shown, plan=plan.to_mapping())
    return written(context, draft)


def showing(context: Context, plan: Plan) -> tuple[Plan, tuple[Demonstration, ...]]:
    """A plan and the worked examples that it carries; one that shows none where there are none to show."""
    if not plan.shown:
        return plan, ()
    pool = shown_by(plan, pool_for(context, plan))
    if plan.choice == "repair":
        missed = plain_misses(context)
        pool, every = tuple(d for d in pool if d.question in missed), pool
        if not pool:
            nearest = changed(plan, "choice", "", choice=STAGED["choice"])
            plan, pool = replace(nearest, thought=plan.thought), every
    shown = carried(context, pool)
    if shown or ("direct" in plan.ways() and context.domain.examples):
        return plan, shown
    thought = re.sub(r"; \d worked examples? shown", "", plan.thought)
    return replace(changed(plan, "shown", "", shown=0), thought=thought), ()


def pool_for(context: Context, plan: Plan) -> tuple[Demonstration, ...]:
    """The run's worked examples; found first where a plan shows some and the run has none that fit.

    Only an agent that works as the plan does can teach any: the first such parent or inspiration does, unless
    the meta model teaches first.
    """
    pool = context.findings.demonstrations
    if plan.shown and context.course.first:
        return taught(context, forms_for_ways(sorted(plan.ways())))
    lacking = [way for way in sorted(plan.ways() - {"direct"}) if not shown_by(Plan("", way=way), pool)]
    for way in lacking if plan.shown else ():
        for teacher in (*context.parents, *context.inspirations):
            works = plan_of(teacher)
            if works is not None and works.way == way:
                pool = (*pool, *collect(context, teacher))
                break
    return pool


def _novel(context: Context) -> Plan:
    """Every choice that a design has from the trial."""
    space = space_in(context)
    return plan_for(space, suggested(space, context.trial), context.domain.keywords)


def _cross(context: Context, first: tuple[Parent, Plan], second: tuple[Parent, Plan]) -> Plan | None:
    """Each kind of item as the parent does it that did better on it (ties: as the cheaper one)."""
    parents, plans = (first[0], second[0]), (first[1], second[1])
    cells: dict[str, Cell] = {}
    for kind, words in context.domain.keywords.items():
        rates = [rate(parent, kind) for parent in parents]
        cheaper = 0 if parents[0].tokens <= parents[1].tokens else 1
        winner = cheaper if rates[0] == rates[1] else rates.index(max(rates))
        cells[kind] = cell_for(plans[winner], words)
    if not cells:
        return _blend(plans)
    better = max(zip(parents, plans, strict=True), key=lambda pair: pair[0].score)[1]
    samples, shown = min(plan.samples for plan in plans), max(plan.shown for plan in plans)
    return routed(replace(better, samples=samples, shown=shown), cells, context.domain.keywords)


def _blend(plans: tuple[Plan, Plan]) -> Plan | None:
    """Where no words tell kinds of items apart: the better plan, with what the other has and it has not.
    `None` where that is one of the two."""
    better, other = plans
    made = replace(
        better,
        thought=f"{better.name} with the votes, steps, stages and examples of {other.name}.",
        steps=better.steps or other.steps,
        hint=better.hint or other.hint,
        prepare=better.prepare if better.prepare != NONE else other.prepare,
        check=better.check if better.check != NONE else other.check,
        samples=max(better.samples, other.samples),
        shown=max(better.shown, other.shown),
    )
    made = replace(made, name=described(made))
    known = [replace(plan, name=made.name, thought=made.thought) for plan in plans]
    return None if made in known else made


def tune(context: Context) -> Written:
    """Operator `tune`: the first parent with other values for the parameters that it declares."""
    if not (context.parents and context.parents[0].space):
        return write_plan(context, _novel(context))
    parent, values = context.parents[0], context.values
    if not values:
        return refused(context, "the parent declares nothing to tune")
    told = ", ".join(one_line(f"{name}={value}", 80) for name, value in values.items())
    # A plan that shows any carries them; the pool would lie idle in the others.
    more = () if parent.plan else demonstrations_for(parent.agent.source, context.findings.demonstrations)
    draft = Draft(
        _tuned_name(parent, values),
        parent.agent.source,
        f"{parent.agent.name} with {told}.",
        values=values,
        demonstrations=parent.agent.demonstrations or more,
        plan=parent.plan,
    )
    return written(context, draft)


def _tuned_name(parent: Parent, values: Mapping[str, Scalar]) -> str:
    """The parent's name with the values that are not the default, in place of those that it told."""
    plan = plan_of(parent)
    if plan is not None and plan.name == described(plan):
        tuned: dict[str, Any] = {k: v for k, v in values.items() if k in TUNED}
        return described(replace(plan, **tuned))
    declared = {p.name: p.default for p in parent.space}
    told = {name: value_part(name, v) for name, v in values.items() if v != declared.get(name, v)}
    return with_parts(parent.agent.name, {**dict.fromkeys(parent.agent.values, ""), **told})
