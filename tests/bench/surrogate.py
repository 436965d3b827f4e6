"""How long the surrogate takes: `python -m tests.bench.surrogate`.

Agents of a space of twelve kinds of item; half of those of the largest row are no designs, so that they have
effects of their own. `update` is one result, `expected` all agents at once, `propose` one design.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from meta_search.guide.surrogate import Surrogate, Uses
from meta_search.guide.surrogate_proposals import propose
from meta_search.types.designs import Slot, Space

__all__ = ["main"]

KINDS, ITEMS = 12, 36
PLAIN = (
    Slot("way", ("direct", "program", "think"), per_kind=True),
    Slot("votes", (1, 3)),
    Slot("shown", (0, 1, 2, 3)),
)
WIDE = (
    Slot("way", ("direct", "program", "think", "tests", "roles"), per_kind=True),
    Slot("prepare", ("", "steps", "quote", "restate"), per_kind=True),
    Slot("check", ("", "again", "critic"), per_kind=True),
    Slot("votes", (1, 3, 5)),
    Slot("shown", (0, 1, 2, 3)),
    Slot("form", ("near", "fixed")),
)
CASES = (
    ("plain", PLAIN, 100, 0),
    ("plain", PLAIN, 2000, 0),
    ("wide", WIDE, 100, 0),
    ("wide", WIDE, 2000, 1000),
)
LAST, TIMES = 60, 5  # results and proposals that are timed


def milliseconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began)


def measured(slots: tuple[Slot, ...], agents: int, programs: int) -> tuple[int, float, float, float]:
    """Features, and the medians of milliseconds of CPU for an update, all agents, and a proposal."""
    kinds = tuple(f"kind {n}" for n in range(KINDS))
    space, rng = Space(slots, kinds), random.Random(0)
    items = {f"i{n}": kinds[n % KINDS] for n in range(ITEMS)}
    model, updates = Surrogate(space, items, Uses()), []
    for n in range(agents):
        design = {name: rng.choice(choices) for name, choices in space.parameters().items()}
        parents = [f"a{rng.randrange(n)}"] if n else []
        model.meet(f"a{n}", None if n < programs else design, parents)
        shown = list(items)[:: 12 if agents > 500 else 1]  # as where races stop most
        for item in shown:
            score, cost = float(rng.random() < 0.5), rng.uniform(50, 500)
            updates.append(milliseconds(lambda i=item, s=score, c=cost, a=f"a{n}": model.learn(a, i, s, c)))
        model.end(f"a{n}", True)
    expected = milliseconds(lambda: [model.agent_score(f"a{n}") for n in range(agents)])
    proposals = [milliseconds(lambda s=n: propose(model, random.Random(s), 0.5)) for n in range(TIMES)]
    last = statistics.median(updates[-LAST:])
    return len(model.posterior), last, expected, statistics.median(proposals)


def main() -> None:
    shown = Table("space", "agents", "no designs", "features", "update, ms", "expected, ms", "propose, ms")
    for name, slots, agents, programs in CASES:
        features, *times = measured(slots, agents, programs)
        shown.add_row(name, str(agents), str(programs), str(features), *(f"{ms:.1f}" for ms in times))
    Console(width=110).print(shown)


if __name__ == "__main__":
    main()
