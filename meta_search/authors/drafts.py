"""From a draft to a candidate: static checks and the free dry run, the same for every author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meta_search.authors.author import Context, Parent
from meta_search.authors.check import check_source
from meta_search.authors.plan import SEED_PLANS, Plan, plan_from
from meta_search.outcomes import explain
from meta_search.types import Agent, Attempt, Candidate, Demonstration, Parameter, Scalar

__all__ = ["attempt", "demonstrations_for", "finish", "fit", "plan_of"]

MAX_DEMONSTRATIONS = 48


def attempt(context: Context, stage: str, message: str, source: str = "") -> Attempt:
    """A failed draft of this brief."""
    brief = context.brief
    return Attempt(brief.code, brief.author, brief.operator, stage, message, source)


def fit(context: Context, agent: Agent) -> tuple[str | None, str, tuple[Parameter, ...]]:
    """Check an agent and run it dry.

    Returns:
        The stage that failed (`check` or `dry_run`) or `None`; one line why; the declared parameters.
    """
    fault = check_source(agent.source)
    if fault:
        return "check", fault, ()
    space: dict[str, Parameter] = {}
    for result in context.bench.try_out(agent):
        space.update({p.name: p for p in result.space})
        if result.kind != "ok":
            return "dry_run", explain(result.kind, result.detail, agent.source), ()
    return None, "", tuple(space.values())


def demonstrations_for(source: str, pool: Sequence[Demonstration]) -> tuple[Demonstration, ...]:
    """What of the run's pool an agent should carry: everything, if its code uses `self.demonstrations`."""
    uses = "self.demonstrations" in source or "self.nearest" in source
    return tuple(pool[-MAX_DEMONSTRATIONS:]) if uses else ()


def plan_of(parent: Parent) -> Plan | None:
    """The plan behind an agent, or `None` for an agent that was written freely."""
    if parent.plan is not None:
        return plan_from(parent.plan)
    return SEED_PLANS.get(parent.agent.name) if parent.generation == 0 else None  # seeds only


def finish(
    context: Context,
    name: str,
    source: str,
    thought: str,
    *,
    values: Mapping[str, Scalar] | None = None,
    demonstrations: Sequence[Demonstration] = (),
    plan: Mapping[str, Any] | None = None,
) -> Candidate | Attempt:
    """Make a candidate of a draft that passes, or an attempt that says why it does not."""
    agent = Agent.of(name, source, values, demonstrations)
    stage, why, space = fit(context, agent)
    if stage:
        return attempt(context, stage, why, source)
    generation = max((p.generation for p in context.parents), default=0)
    generation += context.brief.operator != "debug"  # who is mended is no generation of its own
    known = {p.name: p for p in space}
    kept = {k: v for k, v in (values or {}).items() if k in known and v != known[k].default}
    agent = Agent.of(name, source, kept, demonstrations)
    return Candidate(agent, context.brief, thought, generation, space, plan)
