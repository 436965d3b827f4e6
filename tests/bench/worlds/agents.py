"""What the agents that a search writes are in a world."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from meta_search.authors.designs import design_of
from meta_search.authors.plan import SEED_PLANS, Plan, plan_from
from meta_search.types import Agent, Candidate, ItemJob, Parameter, Scalar, TraceCall
from tests.bench.landscape.ground import WORKED_PROGRAM
from tests.bench.worlds.works import Work

if TYPE_CHECKING:
    from tests.bench.worlds.world import World

__all__ = ["declared", "lesson", "placed"]

WORKED_THOUGHT = '{"thinking": "as it says", "answer": "1"}'
SLOT_OF = {"samples": "votes"}  # names that agents tune by -> the slot


def placed(world: World, candidate: Candidate, known: Mapping[str, Work]) -> Work:
    """What a candidate is: the design of its plan and its tuned values.

    A child without a plan counts as its parent, and so does one that does what no design does.
    """
    agent = candidate.agent
    plan = plan_from(candidate.plan) if candidate.plan is not None else SEED_PLANS.get(agent.name)
    found = None if plan is None else _design_of(world, plan, agent.values)
    if found is not None:
        return world.made(found)
    parents = [p for p in candidate.brief.parents if p in known]
    return known[parents[0]] if parents else world.made({})


def declared(world: World, agent: Agent) -> tuple[Parameter, ...]:
    """The numbers that a compiled agent tunes, where they are choices that all kinds share."""
    found, slots = [], {slot.name: slot for slot in world.space.slots}
    for name, default in re.findall(r'self\.tune\.int\("(\w+)", \d+, \d+, (\d+)\)', agent.source):
        slot = slots.get(SLOT_OF.get(name, name))
        if slot is not None and not slot.per_kind:
            own = int(default) if int(default) in slot.choices else slot.choices[0]
            found.append(Parameter(name, "choice", own, choices=slot.choices))
    return tuple(found)


def lesson(job: ItemJob) -> TraceCall:
    """A call that is right, in the form of the agent that made it."""
    if "def start_think" in job.agent.source and "def start_program" not in job.agent.source:
        fields, reply = ("thinking", "answer"), WORKED_THOUGHT
    else:
        fields, reply = ("code",), WORKED_PROGRAM
    return TraceCall(0, "Worker", "", fields, job.question, reply, (), 0, 0.0)


def _design_of(world: World, plan: Plan, values: Mapping[str, Scalar]) -> Mapping[str, Scalar] | None:
    plain = replace(plan, hint="", steps=())
    tries = ((plan, values), (plain, values), (plain, {}))
    found = (design_of(world.space, one, world.keywords, known) for one, known in tries)
    return next((design for design in found if design is not None), None)
