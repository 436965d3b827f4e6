"""From a draft to a candidate: static checks and the free dry run, the same for every author."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from meta_search.authors.author import Context, Parent, Written
from meta_search.authors.check import check_source
from meta_search.authors.plan import SEED_PLANS, TUNED, Plan, plan_from
from meta_search.outcomes import explain
from meta_search.types import (
    Agent,
    Attempt,
    CallReply,
    Candidate,
    Demonstration,
    ItemResult,
    Parameter,
    Scalar,
)

__all__ = [
    "MAX_DEMONSTRATIONS",
    "Draft",
    "attempt",
    "demonstrations_for",
    "examined",
    "finish",
    "fit",
    "lost",
    "plan_of",
    "refused",
    "written",
]

MAX_DEMONSTRATIONS = 48


@dataclass(frozen=True, slots=True)
class Draft:
    """An agent as it was written, before anything was checked.

    Attributes:
        name: Of the agent.
        source: Python source.
        thought: The idea behind it.
        values: Parameter -> value, where it is not the default.
        demonstrations: Worked examples that it carries.
        plan: The plan that it was compiled from, if it was.
    """

    name: str
    source: str
    thought: str
    values: Mapping[str, Scalar] = field(default_factory=dict)
    demonstrations: Sequence[Demonstration] = ()
    plan: Mapping[str, Any] | None = None


def attempt(context: Context, stage: str, message: str, source: str = "") -> Attempt:
    """A failed draft of this brief."""
    brief = context.brief
    return Attempt(brief.code, brief.author, brief.operator, stage, message, source)


def lost(context: Context, reply: CallReply) -> Attempt:
    """A draft that never came, or not whole."""
    if reply.fault == "cut":
        return attempt(context, "draft", f"the draft was {reply.message}: raise author.max_tokens")
    if reply.fault == "context":
        return attempt(context, "draft", f"context: {reply.message}; lower author.context")
    return attempt(context, "draft", f"{reply.fault}: {reply.message}")


def fit(context: Context, agent: Agent) -> tuple[str | None, str, tuple[Parameter, ...]]:
    """Check an agent and run it dry.

    Returns:
        The stage that failed (`check` or `dry_run`) or `None`; one line why; the declared parameters.
    """
    return _tried(context, agent)[:3]


def _tried(
    context: Context, agent: Agent
) -> tuple[str | None, str, tuple[Parameter, ...], tuple[ItemResult, ...]]:
    """As `fit`, with the dry runs."""
    fault = check_source(agent.source, must_ask=context.domain.model_free == "refuse")
    if fault:
        return "check", fault, (), ()
    space: dict[str, Parameter] = {}
    results = tuple(context.bench.try_out(agent))
    for result in results:
        space.update({p.name: p for p in result.space})
        if result.kind != "ok":
            return "dry_run", explain(result.kind, result.detail, agent.source), (), results
    return None, "", tuple(space.values()), results


def demonstrations_for(source: str, pool: Sequence[Demonstration]) -> tuple[Demonstration, ...]:
    """What of the run's pool an agent should carry: everything, if its code uses `self.demonstrations`."""
    uses = "self.demonstrations" in source or "self.nearest" in source
    return tuple(pool[-MAX_DEMONSTRATIONS:]) if uses else ()


def plan_of(parent: Parent) -> Plan | None:
    """The plan behind an agent, with its tuned values; `None` for an agent that was written freely."""
    if parent.plan is not None:
        tuned = {k: v for k, v in parent.agent.values.items() if k in TUNED}
        return plan_from({**parent.plan, **tuned, "name": parent.agent.name})
    return SEED_PLANS.get(parent.agent.name) if parent.generation == 0 else None  # seeds only


def finish(context: Context, draft: Draft) -> Candidate | Attempt:
    """Make a candidate of a draft that passes, or an attempt that says why it does not."""
    return examined(context, draft)[0]


def examined(context: Context, draft: Draft) -> tuple[Candidate | Attempt, tuple[ItemResult, ...]]:
    """As `finish`, with what the dry runs were."""
    agent = Agent.of(draft.name, draft.source, draft.values, draft.demonstrations)
    stage, why, space, dry = _tried(context, agent)
    if stage:
        return attempt(context, stage, why, draft.source), dry
    generation = max((p.generation for p in context.parents), default=0)
    generation += context.brief.operator != "debug"  # a repair is no generation of its own
    known = {p.name: p for p in space}
    kept = {k: v for k, v in draft.values.items() if k in known and v != known[k].default}
    agent = Agent.of(draft.name, draft.source, kept, draft.demonstrations)
    return Candidate(agent, context.brief, draft.thought, generation, space, draft.plan), dry


def written(context: Context, draft: Draft) -> Written:
    """What comes of a brief whose only draft this is."""
    made = finish(context, draft)
    return Written(None, (made,)) if isinstance(made, Attempt) else Written(made)


def refused(context: Context, message: str) -> Written:
    """What comes of a brief that cannot be carried out, with the reason in one line."""
    return Written(None, (attempt(context, "draft", message),))
