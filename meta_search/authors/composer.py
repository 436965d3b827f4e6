"""The composer: writes agents from blocks under an Optuna trial. Needs no model; the honest baseline."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from meta_search.authors.author import Context, Parent, Written
from meta_search.authors.bootstrap import bootstrap, collect
from meta_search.authors.drafts import (
    MAX_DEMONSTRATIONS,
    Draft,
    demonstrations_for,
    plan_of,
    refused,
    written,
)
from meta_search.authors.names import described, value_part, with_parts
from meta_search.authors.near_duplicates import is_known
from meta_search.authors.plan import MAX_SHOWN, TUNED, Plan, Route, compile_plan, shown_by
from meta_search.authors.registry import by_operator
from meta_search.authors.simplify import simplify
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
    "way_for",
    "write_plan",
]

MOST_KINDS = 12


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
    made, known = _mutate(context, *planned[0]), context.findings.known
    if is_known(made.to_mapping(), known):
        others = [p for p in _neighbours(context, planned[0][1]) if not is_known(p.to_mapping(), known)]
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
    plan, carried = showing(context, plan)
    draft = Draft(plan.name, compile_plan(plan), plan.thought, demonstrations=carried, plan=plan.to_mapping())
    return written(context, draft)


def showing(context: Context, plan: Plan) -> tuple[Plan, tuple[Demonstration, ...]]:
    """A plan and the worked examples that it carries; one that shows none where there are none to show."""
    if not plan.shown:
        return plan, ()
    carried = shown_by(plan, pool_for(context, plan))[-MAX_DEMONSTRATIONS:]
    if carried or ("direct" in plan.ways() and context.domain.examples):
        return plan, carried
    thought = re.sub(r"; \d worked examples? shown", "", plan.thought)
    return replace(_changed(plan, "shown", "", shown=0), thought=thought), ()


def pool_for(context: Context, plan: Plan) -> tuple[Demonstration, ...]:
    """The run's worked examples; found first where a plan shows some and the run has none that fit.

    Only an agent that works as the plan does can teach any: the first such parent or inspiration does.
    """
    pool = context.findings.demonstrations
    lacking = [way for way in sorted(plan.ways() - {"direct"}) if not shown_by(Plan("", way=way), pool)]
    for way in lacking if plan.shown else ():
        for teacher in (*context.parents, *context.inspirations):
            taught = plan_of(teacher)
            if taught is not None and taught.way == way:
                pool = (*pool, *collect(context, teacher))
                break
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
    return _routed(context, ways, samples, trial.suggest_int("shown", 0, 2))


def _routed(context: Context, ways: dict[str, str], samples: int, shown: int) -> Plan:
    """A plan that works each kind in its way; the commonest way needs no route."""
    default = Counter(ways.values()).most_common(1)[0][0]
    routes = tuple(
        Route(context.domain.keywords[kind], way) for kind, way in ways.items() if kind and way != default
    )
    parts = [f"{kind} {way}" for kind, way in ways.items() if kind and way != default]
    thought = f"Works by {default}" + (f", but {', '.join(parts)}" if parts else "")
    thought += f"; {samples} votes" if samples > 1 else ""
    thought += f"; {shown} worked examples shown" if shown else ""
    plan = Plan("", thought + ".", default, routes, samples=samples, shown=shown)
    return replace(plan, name=described(plan))


def _with_wording(plan: Plan, parent: Plan) -> Plan:
    """With the parent's advisers, hint and temperature: what was changed is the ways, and only they."""
    made = replace(plan, steps=parent.steps, hint=parent.hint, temperature=parent.temperature)
    return replace(made, name=described(made))


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
    made = _routed(context, ways, min(plan.samples for plan in plans), shown)
    return _with_wording(made, max(zip(parents, plans, strict=True), key=lambda pair: pair[0].score)[1])


def _blend(plans: tuple[Plan, Plan]) -> Plan | None:
    """Where no words tell kinds of items apart: the better plan, with what the other has and it has not.
    `None` where that is one of the two."""
    better, other = plans
    made = replace(
        better,
        thought=f"{better.name} with the votes, steps and examples of {other.name}.",
        steps=better.steps or other.steps,
        hint=better.hint or other.hint,
        samples=max(better.samples, other.samples),
        shown=max(better.shown, other.shown),
    )
    made = replace(made, name=described(made))
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
        return _with_wording(_routed(context, ways, plan.samples, plan.shown), plan)
    if knob == "way":
        way = context.rng.choice(others)
        return _changed(plan, "way", f"by {way}", way=way, routes=())
    if knob == "samples" and plan.samples > 1:
        return _changed(plan, "samples", "one vote", samples=1)
    if knob == "samples" and plan.shown:
        return _changed(plan, "samples", "3 votes", samples=3)
    if not (context.domain.examples or shown_by(plan, context.findings.demonstrations)):
        return _changed(plan, "samples", "3 votes", samples=3)  # nothing could be shown
    shown = context.rng.choice([n for n in (1, 2, 3) if n != plan.shown])
    return _changed(plan, "shown", f"{shown} shown", shown=shown)


def _neighbours(context: Context, plan: Plan) -> list[Plan]:
    """The plan with one thing changed, in all ways that a mutation has."""
    found = [_changed(plan, "samples", "3 votes" if n > 1 else "one vote", samples=n) for n in (1, 3)]
    if context.domain.examples or shown_by(plan, context.findings.demonstrations):
        found += [_changed(plan, "shown", f"{n} shown", shown=n) for n in range(MAX_SHOWN + 1)]
    kinds = context.domain.keywords
    if not kinds:
        found += [_changed(plan, "way", f"by {way}", way=way, routes=()) for way in context.config.ways]
    now = {kind: way_for(plan, words) for kind, words in kinds.items()}
    changes = [(kind, way) for kind in kinds for way in context.config.ways if way != now[kind]]
    for kind, way in changes:
        routed = _routed(context, {**now, kind: way}, plan.samples, plan.shown)
        found.append(_with_wording(routed, plan))
    itself = replace(plan, name="", thought="")
    return [made for made in found if replace(made, name="", thought="") != itself]


def _changed(plan: Plan, kind: str, what: str, **fields: Any) -> Plan:
    """The plan with one thing changed, which its name and thought tell: by what it does now where the name
    was that, else by what is different."""
    made = replace(plan, thought=f"As «{plan.name}», but {what}.", **fields)
    told = described(made) if plan.name == described(plan) else with_parts(plan.name, {kind: what})
    return replace(made, name=told)


def _smaller(plan: Plan) -> Plan | None:
    """The same with fewer calls and shorter prompts; `None` where nothing is left to leave out."""
    if plan.samples > 1:
        return _changed(plan, "samples", "one vote", samples=1)
    if plan.shown > 1:
        return _changed(plan, "shown", f"{plan.shown - 1} shown", shown=plan.shown - 1)
    if plan.steps:
        return _changed(plan, "advisers", "no advisers", steps=())
    if plan.routes:
        return _changed(plan, "routes", "fewer routes", routes=plan.routes[:-1])
    return None


def tune(context: Context) -> Written:
    """Operator `tune`: the first parent with other values for the parameters that it declares."""
    if not (context.parents and context.parents[0].space):
        return write_plan(context, _novel(context))
    parent, values = context.parents[0], context.values
    if not values:
        return refused(context, "the parent declares nothing to tune")
    told = ", ".join(f"{name}={value}" for name, value in values.items())
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
