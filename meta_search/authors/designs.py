"""Designs and plans: how the composer's choices become a plan, and which choices a plan is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from meta_search.authors.author import Context, Trial
from meta_search.authors.block_table import BLOCKS, NONE, blocks_of, solver
from meta_search.authors.costs import calls_of
from meta_search.authors.names import cell_told, described
from meta_search.authors.plan import MAX_ROUTES, MAX_SHOWN, STAGED, Cell, Plan, Route
from meta_search.types import Scalar, designs
from meta_search.types.designs import Design, Slot, Space

__all__ = [
    "MOST_KINDS",
    "by_kind",
    "cell_for",
    "design_of",
    "expected_calls",
    "hint_of",
    "plan_for",
    "routed",
    "space_in",
    "space_of",
    "stages_of",
    "suggested",
]

MOST_KINDS = MAX_ROUTES
VOTES = (1, 3)


def space_of(
    ways: Sequence[str], keywords: Mapping[str, str], examples: bool = True, blocks: Sequence[str] = ()
) -> Space:
    """The designs that the composer can write for a domain: what cannot be carried out is in none.

    Args:
        ways: Of working, see `author.ways`.
        keywords: Kind of item -> words that tell it in a question; empty where nothing does.
        examples: Whether worked examples can be shown at all.
        blocks: Of the other stages, see `author.blocks`; of each one, what is plainest always is a choice.
    """
    usable = [name for name in blocks if _usable(name, ways, examples)]
    checks = _choices("check", usable)
    found = [
        Slot("way", tuple(ways), per_kind=True),
        Slot("prepare", _choices("prepare", usable), per_kind=True),
        Slot("check", checks, per_kind=True),
        Slot("votes", VOTES),
        Slot("combine", _choices("combine", usable), when=(("votes", VOTES[1:]),)),
        *([Slot("shown", tuple(range(MAX_SHOWN + 1)))] if examples else []),
        Slot("choice", _choices("choice", usable), when=(("shown", tuple(range(1, MAX_SHOWN + 1))),)),
        Slot("hint", _choices("hint", usable)),
        Slot("failed", _choices("failed", usable), when=(("check", checks[1:]),)),
    ]
    kept = [slot for slot in found if len(slot.choices) > 1 or slot.name not in (*STAGED, "hint")]
    return Space(tuple(kept), tuple(list(keywords)[:MOST_KINDS]) or ("",))


def _choices(stage: str, usable: Sequence[str]) -> tuple[Scalar, ...]:
    plainest = STAGED.get(stage, NONE)
    return (plainest, *(name for name in blocks_of(stage) if name in usable and name != plainest))


def _usable(name: str, ways: Sequence[str], examples: bool) -> bool:
    """Whether a run can carry a block out: a second way has to be one of its ways, and the form of answers is
    known from worked examples."""
    block = BLOCKS[name]
    if block.other and not {solver(way).second for way in ways} <= set(ways):
        return False
    return examples or not (block.stage == "choice" or name == "form")


def space_in(context: Context) -> Space:
    """The designs of a brief's run; of its configuration where the run has told none."""
    if context.space.slots:
        return context.space
    config, domain = context.config, context.domain
    return space_of(config.ways, domain.keywords, bool(domain.examples), config.blocks or ())


def stages_of(context: Context) -> dict[str, tuple[str, ...]]:
    """Stage besides solve -> the blocks that plans of this run may have there, the plainest first; no stages
    with a single choice."""
    slots = space_in(context).slots
    return {slot.name: tuple(map(str, slot.choices)) for slot in slots if slot.name in STAGED}


def suggested(space: Space, trial: Trial) -> dict[str, Scalar]:
    """A design from a trial, choice by choice: what nothing reads is not asked for (define by run)."""
    made: dict[str, Scalar] = {}
    for slot in space.slots:
        for kind in space.kinds:
            name = space.parameter(slot, kind)
            if name not in made and slot.name in dict(space.cell(made, kind)):
                made[name] = trial.suggest_categorical(name, list(slot.choices))
    return made


def plan_for(space: Space, design: Design, keywords: Mapping[str, str]) -> Plan:
    """A plan that works each kind in its way; the commonest way needs no route."""
    found = {kind: dict(cell) for kind, cell in space.cells(design).items()}
    shared: dict[str, Scalar] = {}
    for cell in found.values():
        shared = {**cell, **shared}
    return routed(_shared(shared), {kind: _own(cell) for kind, cell in found.items()}, keywords)


def expected_calls(cell: designs.Cell) -> float:
    """LLM calls for an item of which a design does this: between the least and the most of its blocks."""
    told = dict(cell)
    least, most = calls_of(_shared(told), _own(told))
    return math.sqrt(max(1, least) * max(1, most))


def _own(cell: Mapping[str, Scalar]) -> Cell:
    """What a kind has of its own."""
    return Cell(str(cell["way"]), str(cell.get("prepare", NONE)), str(cell.get("check", NONE)))


def _shared(choices: Mapping[str, Scalar]) -> Plan:
    """What all kinds share."""
    hint = str(choices.get("hint", NONE))
    stages: dict[str, Any] = {n: str(choices[n]) for n in ("failed", "combine", "choice") if n in choices}
    return Plan(
        "",
        samples=int(choices.get("votes") or 1),
        shown=int(choices.get("shown") or 0),
        hint="" if hint == NONE else BLOCKS[hint].text,
        **stages,
    )


def routed(plan: Plan, cells: Mapping[str, Cell], keywords: Mapping[str, str]) -> Plan:
    """A plan that does this with items of each kind, and all else as the given one.

    Args:
        plan: Whose votes, examples, hint and so on are taken.
        cells: Kind of item -> what is done with it.
        keywords: Kind of item -> words that tell it.
    """
    default = Counter(cells.values()).most_common(1)[0][0]
    other = {kind: cell for kind, cell in cells.items() if kind and cell != default}
    thought = f"Works by {cell_told(default)}"
    thought += (
        f", but {', '.join(f'{kind} {cell_told(cell)}' for kind, cell in other.items())}" if other else ""
    )
    thought += f"; {plan.samples} votes" if plan.samples > 1 else ""
    thought += _shared_told(plan)
    thought += f"; {plan.shown} worked example{'s' * (plan.shown > 1)} shown" if plan.shown else ""
    made = replace(
        plan,
        thought=f"{thought}.",
        way=default.way,
        prepare=default.prepare,
        check=default.check,
        routes=_routes(cells, default, keywords),
    )
    return replace(made, name=described(made))


def _shared_told(plan: Plan) -> str:
    """What a plan says of the blocks that all kinds share, where they are not the usual ones."""
    checks = any(cell.check != NONE for cell in plan.cells())
    told = [plan.combine] if plan.samples > 1 and plan.combine != STAGED["combine"] else []
    told += [plan.failed] if checks and plan.failed != STAGED["failed"] else []
    told += [plan.choice] if plan.shown and plan.choice != STAGED["choice"] else []
    return "".join(f"; {BLOCKS[name].does}" for name in told)


def _routes(cells: Mapping[str, Cell], default: Cell, keywords: Mapping[str, str]) -> tuple[Route, ...]:
    """Routes of the kinds that the default is not for; where one would take items of another kind, that
    one's stands before it."""
    routes = {kind: set(keywords[kind].split()) for kind, cell in cells.items() if kind and cell != default}
    words = {kind: set(keywords[kind].split()) for kind in cells if kind}
    taken = {kind: own for kind, own in words.items() if any(own > other for other in routes.values())}
    order = sorted({**routes, **taken}, key=lambda kind: -len(words[kind])) if taken else list(routes)
    return tuple(
        Route(keywords[kind], cells[kind].way, cells[kind].prepare, cells[kind].check) for kind in order
    )


def design_of(
    space: Space, plan: Plan, keywords: Mapping[str, str], values: Mapping[str, Scalar] | None = None
) -> dict[str, Scalar] | None:
    """The design that a plan is; `None` where it does what no design does, as by hints or advisers.

    Args:
        space: Of the run.
        plan: What the agent was compiled from.
        keywords: Kind of item -> words that tell it.
        values: What was tuned: it counts in place of the plan's own numbers.
    """
    values, known = values or {}, space.parameters()
    votes, shown = values.get("samples", plan.samples), values.get("shown", plan.shown)
    if plan.steps or (BLOCKS[plan.combine].other and votes == 1):
        return None
    made: dict[str, Scalar] = {"votes": votes, "shown": shown}
    cells = {kind: cell_for(plan, keywords.get(kind, "")) for kind in space.kinds}
    made |= {"hint": hint_of(plan)}
    made |= {"combine": plan.combine} if votes != 1 else {}
    made |= {"choice": plan.choice} if shown else {}
    made |= {"failed": plan.failed} if any(cell.check != NONE for cell in cells.values()) else {}
    for name in ("way", "prepare", "check"):
        for kind, cell in cells.items():
            made[space.parameter(Slot(name, (), per_kind=True), kind)] = getattr(cell, name)
    fits = all(value in known.get(name, _without(name, value)) for name, value in made.items())
    return space.reduced(made) if fits else None


def _without(name: str, value: Scalar) -> tuple[Scalar, ...]:
    """What a plan may have of a parameter that the space lacks: the plainest; of examples any number, as
    there are none to show."""
    name = name.partition(":")[0]
    return (value,) if name == "shown" else (1,) if name == "votes" else (STAGED.get(name, NONE),)


def hint_of(plan: Plan) -> str:
    """The block that a plan's hint is; what is none is told as it stands, so that it fits no design."""
    text = plan.hint.strip()
    return next((name for name in blocks_of("hint") if BLOCKS[name].text == text), text) if text else NONE


def by_kind(plan: Plan, keywords: Mapping[str, str]) -> dict[str, Cell]:
    """Kind of item -> what a plan does with it; that of `""` where kinds are not told apart."""
    return {kind: cell_for(plan, words) for kind, words in keywords.items()} or {"": plan.cell}


def cell_for(plan: Plan, words: str) -> Cell:
    """What a plan does with items told by these words."""
    have = set(words.split())
    return next((route.cell for route in plan.routes if set(route.words.split()) <= have), plan.cell)
