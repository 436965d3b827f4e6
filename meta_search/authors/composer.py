"""The composer: writes agents from blocks under an Optuna trial. Needs no model; the honest baseline."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

from meta_search.authors.author import Context, Parent, Written
from meta_search.authors.bootstrap import bootstrap, collect
from meta_search.authors.drafts import Draft, demonstrations_for, plan_of, refused, written
from meta_search.authors.plan import Plan, Route, compile_plan
from meta_search.authors.registry import by_operator
from meta_search.authors.simplify import simplify
from meta_search.types import Demonstration

__all__ = [
    "Composer",
    "crossover",
    "mutate",
    "pool_for",
    "show_examples",
    "simplify_agent",
    "tune",
    "way_for",
    "write_plan",
]

MOST_KINDS = 12
# What `_changed` can change, as names tell it; patterns.
CHANGES = (r"by \w+", r"(?:one vote|three votes)", r"\d shown", "no advisers", "fewer routes")


class Composer:
    """Author `composer`."""

    def write(self, context: Context) -> Written:
        """Carry a brief out; an operator that lacks what it needs becomes `novel`."""
        made = by_operator("composer", context)
        return write_plan(context, _novel(context)) if made is None else made


def mutate(context: Context) -> Written | None:
    """Operator `mutate`: the first parent that has a plan, with one thing changed."""
    planned = _planned(context)
    return write_plan(context, _mutate(context, *planned[0])) if planned else None


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
    smaller = _smaller(planned[0][1]) if planned else None
    if smaller is not None:
        return write_plan(context, smaller)
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
    source = compile_plan(plan)
    carried = demonstrations_for(source, pool_for(context, plan)) if plan.shown else ()
    draft = Draft(plan.name, source, plan.thought, demonstrations=carried, plan=plan.to_mapping())
    return written(context, draft)


def pool_for(context: Context, plan: Plan) -> tuple[Demonstration, ...]:
    """The run's worked examples; found first where a plan shows programs and the run has none.

    Only an agent that writes programs can teach any: the first such parent or inspiration does.
    """
    pool = context.findings.demonstrations
    if not plan.shown or "program" not in plan.ways() or any("```" in d.reply for d in pool):
        return pool
    for teacher in (*context.parents, *context.inspirations):
        taught = plan_of(teacher)
        if taught is not None and taught.way == "program":
            return (*pool, *collect(context, teacher))
    return pool


def _novel(context: Context) -> Plan:
    """Every choice from the trial: a way of working per kind of item, votes, worked examples."""
    trial = context.trial
    kinds, choices = list(context.domain.keywords)[:MOST_KINDS], list(context.config.ways)
    if kinds:
        ways = {kind: trial.suggest_categorical(f"way:{kind}", choices) for kind in kinds}
    else:
        ways = {"": trial.suggest_categorical("way", choices)}
    samples = 1 + 2 * trial.suggest_int("votes", 0, 1)
    return _routed(context, ways, samples, trial.suggest_int("shown", 0, 2), "Composed")


def _routed(context: Context, ways: dict[str, str], samples: int, shown: int, name: str) -> Plan:
    """A plan that works each kind in its way; the commonest way needs no route."""
    default = Counter(ways.values()).most_common(1)[0][0]
    routes = tuple(
        Route(context.domain.keywords[kind], way) for kind, way in ways.items() if kind and way != default
    )
    parts = [f"{kind} {way}" for kind, way in ways.items() if kind and way != default]
    thought = f"Works by {default}" + (f", but {', '.join(parts)}" if parts else "")
    thought += f"; {samples} votes" if samples > 1 else ""
    thought += f"; {shown} worked examples shown" if shown else ""
    title = f"{name} {default}{' routed' if parts else ''}{f', {shown} shown' if shown else ''}"
    return Plan(
        title,
        thought + ".",
        default,
        routes,
        (),
        "",
        samples,
        shown,
    )


def _with_wording(plan: Plan, parent: Plan) -> Plan:
    """With the parent's advisers, hint and temperature: what was changed is the ways, and only they."""
    return replace(plan, steps=parent.steps, hint=parent.hint, temperature=parent.temperature)


def _cross(context: Context, first: tuple[Parent, Plan], second: tuple[Parent, Plan]) -> Plan | None:
    """Each kind of item in the way of the parent that did better on it (ties: the cheaper parent's)."""
    parents, plans = (first[0], second[0]), (first[1], second[1])
    ways: dict[str, str] = {}
    for kind, words in context.domain.keywords.items():
        rates = [_rate(parent, kind) for parent in parents]
        cheaper = 0 if parents[0].tokens <= parents[1].tokens else 1
        winner = cheaper if rates[0] == rates[1] else rates.index(max(rates))
        ways[kind] = way_for(plans[winner], words)
    if not ways:
        return _blend(plans)
    shown = max(plan.shown for plan in plans)
    made = _routed(context, ways, min(plan.samples for plan in plans), shown, "Crossed")
    return _with_wording(made, max(zip(parents, plans, strict=True), key=lambda pair: pair[0].score)[1])


def _blend(plans: tuple[Plan, Plan]) -> Plan | None:
    """Where no words tell kinds of items apart: the better plan, with what the other has and it has not.
    `None` where that is one of the two."""
    better, other = plans
    name = f"{better.name} × {other.name}"[:60]
    made = replace(
        better,
        name=name,
        thought=f"{better.name} with the votes, steps and examples of {other.name}.",
        steps=better.steps or other.steps,
        hint=better.hint or other.hint,
        samples=max(better.samples, other.samples),
        shown=max(better.shown, other.shown),
    )
    known = [replace(plan, name=made.name, thought=made.thought) for plan in plans]
    return None if made in known else made


def way_for(plan: Plan, words: str) -> str:
    """The way in which a plan works items told by these words."""
    have = set(words.split())
    return next((route.way for route in plan.routes if set(route.words.split()) <= have), plan.way)


def _rate(parent: Parent, kind: str) -> float:
    right, n = parent.by_kind.get(kind, (0.0, 0))
    return right / n if n else -1.0


def _mutate(context: Context, parent: Parent, plan: Plan) -> Plan:
    """Another way for the kind of item that goes worst, or another number of worked examples or votes."""
    trial = context.trial
    knob = trial.suggest_categorical("mutate", ["way", "shown", "samples"])
    others = [way for way in context.config.ways if way != plan.way] or [plan.way]
    if knob == "way" and context.domain.keywords:
        kind = min(context.domain.keywords, key=lambda k: (_rate(parent, k), context.rng.random()))
        ways = {k: way_for(plan, words) for k, words in context.domain.keywords.items()}
        ways[kind] = context.rng.choice([w for w in context.config.ways if w != ways[kind]] or [ways[kind]])
        return _with_wording(_routed(context, ways, plan.samples, plan.shown, "Mutated"), plan)
    if knob == "way":
        way = context.rng.choice(others)
        return _changed(plan, f"by {way}", way=way, routes=())
    if knob == "samples" and plan.samples > 1:
        return _changed(plan, "one vote", samples=1)
    if knob == "samples" and plan.shown:
        return _changed(plan, "three votes", samples=3)
    shown = context.rng.choice([n for n in (1, 2, 3) if n != plan.shown])
    return _changed(plan, f"{shown} shown", shown=shown)


def _changed(plan: Plan, what: str, **fields: Any) -> Plan:
    """The plan with one thing changed, which its name and thought tell. What the name told of that thing
    before is left out, or names would grow with every generation."""
    kind = next(kind for kind in CHANGES if re.fullmatch(kind, what))
    name = f"{re.sub(f', {kind}', '', plan.name)}, {what}"[:60]
    return replace(plan, name=name, thought=f"As «{plan.name}», but {what}.", **fields)


def _smaller(plan: Plan) -> Plan | None:
    """The same with fewer calls and shorter prompts; `None` where nothing is left to leave out."""
    if plan.samples > 1:
        return _changed(plan, "one vote", samples=1)
    if plan.shown > 1:
        return _changed(plan, f"{plan.shown - 1} shown", shown=plan.shown - 1)
    if plan.steps:
        return _changed(plan, "no advisers", steps=())
    if plan.routes:
        return _changed(plan, "fewer routes", routes=plan.routes[:-1])
    return None


def tune(context: Context) -> Written:
    """Operator `tune`: the first parent with other values for the parameters that it declares."""
    if not (context.parents and context.parents[0].space):
        return write_plan(context, _novel(context))
    parent, values = context.parents[0], context.values
    if not values:
        return refused(context, "the parent declares nothing to tune")
    told = ", ".join(f"{name}={value}" for name, value in values.items())
    draft = Draft(
        f"{parent.agent.name} tuned"[:60],
        parent.agent.source,
        f"{parent.agent.name} with {told}.",
        values=values,
        demonstrations=parent.agent.demonstrations
        or demonstrations_for(parent.agent.source, context.findings.demonstrations),
        plan=parent.plan,
    )
    return written(context, draft)
