"""Plans with one thing changed: by a mutation, in all ways that one has, or for less."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meta_search.authors.author import Context, Parent
from meta_search.authors.block_table import BLOCKS, NONE, blocks_of
from meta_search.authors.compiler import shown_by
from meta_search.authors.designs import by_kind, hint_of, routed, stages_of
from meta_search.authors.names import described, stage_part, with_parts
from meta_search.authors.plan import MAX_SHOWN, STAGED, Cell, Plan

__all__ = ["changed", "mutated", "neighbours", "rate", "smaller"]

SHARED = ("failed", "combine", "choice", "hint")
Choices = dict[str, tuple[str, ...]]


def mutated(context: Context, parent: Parent, plan: Plan) -> Plan:
    """Another block for the kind of item that goes worst, or for all; or another number of worked examples or
    votes."""
    trial, choices = context.trial, _choices(context, plan)
    knob = trial.suggest_categorical(
        "mutate", ["way", "shown", "samples", *stages_of(context), *_hints(context)]
    )
    if knob in ("way", "prepare", "check"):
        cells = by_kind(plan, context.domain.keywords)
        kind = min(cells, key=lambda k: (rate(parent, k), context.rng.random()))
        return _with_block(context, plan, kind, knob, _another(context, choices, knob, cells[kind]))
    if knob in choices:
        return _shared(plan, knob, context.rng.choice([c for c in choices[knob] if c != _own(plan, knob)]))
    if knob == "samples" and plan.samples > 1:
        return changed(plan, "samples", "one vote", samples=1)
    if knob != "shown" and plan.shown:
        return changed(plan, "samples", "3 votes", samples=3)
    if not (context.domain.examples or shown_by(plan, context.findings.demonstrations)):
        return changed(plan, "samples", "3 votes", samples=3)  # nothing could be shown
    shown = context.rng.choice([n for n in (1, 2, 3) if n != plan.shown])
    return changed(plan, "shown", f"{shown} shown", shown=shown)


def neighbours(context: Context, plan: Plan) -> list[Plan]:
    """The plan with one thing changed, in all ways that a mutation has."""
    found = [changed(plan, "samples", "3 votes" if n > 1 else "one vote", samples=n) for n in (1, 3)]
    if context.domain.examples or shown_by(plan, context.findings.demonstrations):
        found += [changed(plan, "shown", f"{n} shown", shown=n) for n in range(MAX_SHOWN + 1)]
    choices = _choices(context, plan)
    for kind, cell in by_kind(plan, context.domain.keywords).items():
        for stage in ("way", "prepare", "check"):
            others = [str(c) for c in choices.get(stage, ()) if c != getattr(cell, stage)]
            found += [_with_block(context, plan, kind, stage, block) for block in others]
    for stage in SHARED:
        found += [_shared(plan, stage, block) for block in choices.get(stage, ())]
    itself = replace(plan, name="", thought="")
    return [made for made in found if replace(made, name="", thought="") != itself]


def smaller(plan: Plan) -> Plan | None:
    """The same with fewer calls and shorter prompts; `None` where nothing is left to leave out."""
    if plan.samples > 1:
        return changed(plan, "samples", "one vote", samples=1, combine=STAGED["combine"])
    if plan.shown > 1:
        return changed(plan, "shown", f"{plan.shown - 1} shown", shown=plan.shown - 1)
    for stage in ("check", "prepare"):
        if any(getattr(cell, stage) != NONE for cell in plan.cells()):
            bare: dict[str, Any] = {stage: NONE}
            routes = tuple(replace(route, **bare) for route in plan.routes)
            return changed(plan, stage, stage_part(stage, NONE), routes=routes, **bare)
    if plan.steps:
        return changed(plan, "advisers", "no advisers", steps=())
    if plan.routes:
        return changed(plan, "routes", "fewer routes", routes=plan.routes[:-1])
    return None


def changed(plan: Plan, kind: str, what: str, **fields: Any) -> Plan:
    """The plan with one thing changed, which its name and thought tell: by what it does now where the name
    was that, else by what is different."""
    made = replace(plan, thought=f"As «{plan.name}», but {what}.", **fields)
    told = described(made) if plan.name == described(plan) else with_parts(plan.name, {kind: what})
    return replace(made, name=told)


def rate(parent: Parent, kind: str) -> float:
    """What share of a kind of item a parent gets right; -1 where nothing is known."""
    right, n = parent.by_kind.get(kind, (0.0, 0))
    return right / n if n else -1.0


def _choices(context: Context, plan: Plan) -> Choices:
    """Slot -> what it can be changed to, of those that something in the plan reads."""
    read = {
        "combine": plan.samples > 1,
        "choice": plan.shown > 0,
        "failed": any(cell.check != NONE for cell in plan.cells()),
    }
    found = {"way": tuple(context.config.ways), **stages_of(context), **_hints(context)}
    return {stage: choices for stage, choices in found.items() if read.get(stage, True)}


def _hints(context: Context) -> Choices:
    """The hints that this run's designs may have, and none."""
    own = tuple(name for name in blocks_of("hint") if name in (context.config.blocks or ()))
    return {"hint": (NONE, *own)} if own else {}


def _own(plan: Plan, stage: str) -> str:
    """The block that a plan has at a stage which all kinds of item share."""
    return hint_of(plan) if stage == "hint" else str(getattr(plan, stage))


def _shared(plan: Plan, stage: str, block: str) -> Plan:
    """The plan with another block at a stage which all kinds of item share."""
    if stage == "hint":
        text = "" if block == NONE else BLOCKS[block].text
        return changed(plan, stage, "hint" if text else "", hint=text)
    own: dict[str, Any] = {stage: block}
    return changed(plan, stage, stage_part(stage, block), **own)


def _another(context: Context, choices: Choices, stage: str, cell: Cell) -> str:
    own = getattr(cell, stage)
    return str(context.rng.choice([c for c in choices.get(stage, ()) if c != own] or [own]))


def _with_block(context: Context, plan: Plan, kind: str, stage: str, block: str) -> Plan:
    """The plan with another block for a kind of item; for all of them where kinds are not told apart."""
    own: dict[str, Any] = {stage: block}
    if not kind:
        what = f"by {block}" if stage == "way" else stage_part(stage, block)
        return changed(plan, stage, what, routes=(), **own)
    cells = by_kind(plan, context.domain.keywords)
    return routed(plan, {**cells, kind: replace(cells[kind], **own)}, context.domain.keywords)
