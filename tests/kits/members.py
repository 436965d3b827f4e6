"""Agents of a run with results that are given, for what is counted of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domains.domain import Item
from meta_search.run.members import Member, Members
from meta_search.types import Agent, Brief, Candidate, ItemResult, Usage

__all__ = ["ITEMS", "KINDS", "member", "population", "result"]

ITEMS = {
    f"{kind}{n}": Item(f"{kind}{n}", f"A question on {kind}, number {n}", str(n), kind)
    for kind in ("sums", "words")
    for n in range(3)
}
KINDS = {item.id: item.kind for item in ITEMS.values()}


def result(agent: str, item: str, score: float, tokens: int = 10, **more: Any) -> ItemResult:
    """A scored train result; `repeat`, `kind` and so on may be given."""
    where = agent, "train", item, more.pop("repeat", 0), more.pop("kind", "ok")
    return ItemResult(*where, score=score, used=Usage(1, tokens, 0), **more)


def member(
    name: str, scores: Mapping[str, float], parents: Sequence[str] = (), tokens: int = 10, **more: Any
) -> Member:
    """A member that is through with train.

    Args:
        name: Of the agent; its source and thought are made of it.
        scores: Item -> score.
        parents: Names of members, made by this function.
        tokens: Of each item.
        more: `plan` of the candidate, `number` of the brief; the rest is the member's.
    """
    ids = tuple(agent_of(parent).id for parent in parents)
    plan, number = more.pop("plan", None), more.pop("number", 0)
    kind = "asked" if parents else "seed"
    brief = Brief(number, "mutate" if parents else "seed", "llm" if parents else "hand", ids, kind=kind)  # type: ignore[arg-type]
    candidate = Candidate(agent_of(name), brief, f"The thought of {name}.", len(parents), (), plan)
    made = Member(candidate, seed=not parents, done=more.pop("done", True), **more)
    for item, score in scores.items():
        made.add(result(made.agent.id, item, score, tokens))
    return made


def agent_of(name: str) -> Agent:
    return Agent.of(name, f"def forward(self, taskInfo):\n    return {name!r}\n")


def population(*made: Member) -> Members:
    members = Members()
    for each in made:
        members.add(each)
    return members
