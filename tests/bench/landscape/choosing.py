"""Who should be a finalist? `python -m tests.bench.landscape.choosing [--file FILE] [--seeds N]`.

Designs of the recorded landscape, in a random order, stand in for a search's agents: each is evaluated on
train items, and on validation items if it is among the best few then. One is chosen and looked at on held-out
items. Once all validations are whole; once that of the last to come among the best few was cut, as the end of
a budget does it.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from meta_search.final.field import contenders
from meta_search.run.members import Member, Members
from meta_search.types import Agent, Brief, Candidate, ItemResult, Usage
from tests.bench.landscape.measures import Interval, mean
from tests.bench.landscape.table import Cell, Design, Landscape, arguments

__all__ = ["CHOICES", "Ended", "held_out", "search"]

SEEDS = 500
SIZES = ((6, 20), (13, 8), (13, 20), (13, 50))  # items of train, and of validation; agents
VALIDATED = 3  # so many of the best on train, as with two finalists


@dataclass(frozen=True, slots=True)
class Ended:
    """A search that has ended.

    Attributes:
        members: Its agents. held_out: id -> share of the held-out items that the agent gets right.
        items: Of validation, where it is whole.
    """

    members: Members
    held_out: dict[str, float]
    items: int


def search(landscape: Landscape, seed: int, items: int, agents: int, cut: bool) -> Ended:
    """Evaluate designs drawn at random.

    Args:
        items: Of train, and of validation; the others are held out.
        cut: The last validation ends somewhere before its end, after one item at the earliest.
    """
    rng, places = random.Random(seed), range(len(landscape.items))
    order = rng.sample(places, len(places))
    train, validation, rest = order[:items], order[items : 2 * items], order[2 * items :]
    designs = rng.sample(landscape.recorded, agents)
    members, known, validated = Members(), {}, []
    for number, design in enumerate(designs):
        member = _member(number)
        members.add(member)
        known[member.agent.id] = design
        _run(member, "train", landscape, design, train)
        if member in members.ranked()[:VALIDATED]:
            validated.append(member)
    for member in validated:
        most = rng.randrange(1, items) if cut and member is validated[-1] else items
        _run(member, "validation", landscape, known[member.agent.id], validation[:most])
    truth = {agent: landscape.score(design, rest) / len(rest) for agent, design in known.items()}
    return Ended(members, truth, items)


def _member(number: int) -> Member:
    agent = Agent.of(f"{number}", f"def forward(self, taskInfo):\n    return {number}\n")
    return Member(Candidate(agent, Brief(number, "novel", "composer")), done=True)


def _run(member: Member, split: str, landscape: Landscape, design: Design, places: Sequence[int]) -> None:
    rows = landscape.rows(design)
    for place in places:
        cell: Cell = rows[place]
        used = Usage(cell.calls, cell.tokens)
        item = landscape.items[place]
        member.add(ItemResult(member.agent.id, split, item, 0, "ok", score=float(cell.right), used=used))


def by_train(ended: Ended) -> Member:
    """The best on train, of equals the cheaper."""
    return ended.members.ranked()[0]


def by_validation(ended: Ended) -> Member:
    """The best of those with a whole validation; all others come after, by train. The rule until 8920c15."""

    def rank(member: Member) -> tuple[bool, float, float, float]:
        whole = len(member.rows("validation")) == ended.items
        score = member.score("validation" if whole else "train")
        return not whole, -score, -member.score("train"), member.cost("train")

    return min(ended.members, key=rank)


def in_force(ended: Ended) -> Member:
    """As the final report chooses."""
    return contenders(ended.members, 1)[0][0]


CHOICES: dict[str, Callable[[Ended], Member]] = {
    "train alone": by_train,
    "validation alone": by_validation,
    "train and validation (in force)": in_force,
}


def held_out(landscape: Landscape, seeds: int, items: int, agents: int, cut: bool) -> dict[str, list[float]]:
    """Choice -> what the chosen agent gets right of the held-out items, a share for each search."""
    found: dict[str, list[float]] = {name: [] for name in CHOICES}
    for seed in range(seeds):
        ended = search(landscape, seed, items, agents, cut)
        for name, choice in CHOICES.items():
            found[name].append(ended.held_out[choice(ended).agent.id])
    return found


def more(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Mean paired difference."""
    return mean([a - b for a, b in zip(ours, theirs, strict=True)])


def main() -> None:
    options = arguments("choosing", __doc__, SEEDS).parse_args()
    landscape = Landscape.read(options.file)
    shown = Table(
        *("items of train and validation each", "agents", "last validation"),
        *(*CHOICES, "in force over validation alone"),
        title=f"Held-out items that the chosen agent gets right, {options.seeds} searches",
    )
    for items, agents in SIZES:
        for cut in (False, True):
            found = held_out(landscape, options.seeds, items, agents, cut)
            _, before, now = found.values()
            shares = [f"{statistics.mean(one):.1%}" for one in found.values()]
            about = (f"{items}", f"{agents}", "cut" if cut else "whole")
            shown.add_row(*about, *shares, points(more(now, before)))
    Console(width=150).print(shown)


def points(interval: Interval) -> str:
    """As text, in percentage points."""
    return "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * value for value in interval))


if __name__ == "__main__":
    main()
