"""What a run paid for what: the best agent so far over paid tokens, and who spent them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from meta_search.report.chosen import Chosen
from meta_search.report.selection import CORRECTED
from meta_search.report.source import Archive, is_seed, meta_value
from meta_search.text import one_line
from meta_search.types import PERTURBED, Usage, drawn_in

__all__ = ["Spent", "Step", "spending_lines", "spent", "stairs", "steps_of"]

MOST_PARTS = 6  # named in a line, the largest first
WRITERS = {"meta": "writing", "teacher": "teaching", "judge": "judging answers", "perturb": "perturbing"}


@dataclass(frozen=True, slots=True)
class Step:
    """An agent that became the best so far.

    Attributes:
        agent: Id.
        name: As shown.
        score: On train items, corrected for selection, 0..1.
        paid: By the whole run when its evaluation was through.
    """

    agent: str
    name: str
    score: float
    paid: Usage


@dataclass(frozen=True, slots=True)
class Spent:
    """What was paid for one thing.

    Attributes:
        what: `search: agents`, `writing`, `teaching`, …, `final report`.
        paid: In all.
        parts: Who of it: operator, author or role in the report -> what was paid, most tokens first.
    """

    what: str
    paid: Usage
    parts: Mapping[str, Usage]


def steps_of(archive: Archive) -> list[Step]:
    """All agents that were evaluated whole on train items, in the order in which they were through."""
    through = {e.data["agent"]: e.created for e in archive.events("race") if e.data.get("split") == "train"}
    records = [
        r
        for r in archive.agents()
        if r.agent.id in through and not r.same_as and (e := r.evaluations.get("train")) and e.complete
    ]
    typical = sum(r.evaluations["train"].sure for r in records) / max(1, len(records))
    over_time = archive.paid_over_time()
    times, sums = [when for when, _ in over_time], list(accumulate(paid for _, paid in over_time))
    found = []
    for record in sorted(records, key=lambda r: through[r.agent.id]):
        train, place = record.evaluations["train"], bisect_right(times, through[record.agent.id] + 0.1)
        items = train.items + train.left_out
        score = drawn_in(train.sure * items, items, typical)
        paid = sums[place - 1] if place else Usage()
        found.append(Step(record.agent.id, one_line(record.agent.name, 48), score, paid))
    return found


def stairs(steps: Sequence[Step]) -> list[Step]:
    """Those of the agents that were the best so far when they were through."""
    best, found = -1.0, []
    for step in steps:
        if step.score > best:
            best = step.score
            found.append(step)
    return found


def spent(archive: Archive) -> list[Spent]:
    """What was paid for what, most tokens first."""
    records = {r.agent.id: r for r in archive.agents()}
    authors = {f"brief-{e.data.get('brief')}": str(e.data.get("author")) for e in archive.events("ask")}
    final = meta_value(archive, "final")
    finalists = set(final.get("finalists", ())) if isinstance(final, Mapping) else set()
    sums: dict[str, dict[str, Usage]] = defaultdict(lambda: defaultdict(Usage))
    for purpose, agent, split, paid in archive.spending():
        record = records.get(agent)
        if purpose != "task":
            what, part = WRITERS.get(purpose, purpose), authors.get(agent, "")
        elif split in ("test", PERTURBED):
            what, part = "final report", "finalists" if agent in finalists else "baselines"
        elif record is None:
            what, part = "trying out drafts and teaching", ""
        else:
            what, part = "agents on search items", "seeds" if is_seed(record) else record.operator
        sums[what][part] = sums[what][part] + paid
    found = [
        Spent(
            what,
            sum(parts.values(), Usage()),
            dict(sorted(parts.items(), key=lambda pair: (-pair[1].tokens, pair[0]))),
        )
        for what, parts in sums.items()
    ]
    return sorted(found, key=lambda s: (-s.paid.tokens, s.what))


def spending_lines(archive: Archive, take: Chosen | None, steps: Sequence[Step] | None = None) -> list[str]:
    """When the best came, and who spent the tokens, a line each; none where nothing was paid.

    Args:
        archive: Of a search.
        take: The agent to take.
        steps: As `steps_of` gives them, where they are there already: they take a look at every call.
    """
    everything = spent(archive)
    total = sum((s.paid for s in everything), Usage())
    if not total.tokens or not archive.events("ask"):
        return []
    steps = steps_of(archive) if steps is None else steps
    climbed = stairs(steps)
    lines, all_of_it = [], _count(total.tokens)
    if climbed:
        at = {_count(s.paid.tokens): _share(s.score) for s in climbed}  # the last of those at one moment
        told = "; ".join(f"{score} after {tokens}" for tokens, score in [*at.items()][-MOST_PARTS:])
        lines.append(f"Best so far by tokens, on train items, {CORRECTED}: {told} of {all_of_it}.")
    came = next((s for s in steps if take is not None and s.agent == take.agent), None)
    if came is not None:
        when = f"after {_count(came.paid.tokens)} tokens ({came.paid.tokens / total.tokens:.0%})"
        lines.append(f"{came.name}, the agent to take, was evaluated {when}.")
    told = "; ".join(_told(s) for s in everything)
    lines.append(f"Of {all_of_it} tokens: {told}.")
    return lines


def _told(s: Spent) -> str:
    parts = [(name, paid) for name, paid in s.parts.items() if name]
    named = ", ".join(f"{one_line(name, 24)} {_count(paid.tokens)}" for name, paid in parts[:MOST_PARTS])
    return f"{s.what} {_count(s.paid.tokens)}" + (f" ({named})" if named else "")


def _share(score: float) -> str:
    return f"{100 * score:.0f} %"


def _count(tokens: int) -> str:
    """Tokens in few digits: `870`, `1.7k`, `105k`, `2.1M`."""
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if tokens >= size:
            number = tokens / size
            return f"{number:.1f}{unit}" if number < 10 else f"{number:.0f}{unit}"
    return f"{tokens}"
