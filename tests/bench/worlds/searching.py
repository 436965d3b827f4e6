"""One search of a world, and what is kept of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.bench.landscape.measures import saving
from tests.bench.landscape.simulate import Simulated, Trace, configuration
from tests.bench.worlds.places import Place
from tests.bench.worlds.recorded import Recorded
from tests.bench.worlds.strategies import ORACLE, STRATEGIES
from tests.bench.worlds.works import Work
from tests.bench.worlds.world import World

__all__ = ["Result", "Task", "search", "searched"]

FINALISTS = 2


@dataclass(frozen=True, slots=True)
class Task:
    """A search that is to be made.

    Attributes:
        place: The world. strategy: one of `STRATEGIES`, or the oracle.
        calls, candidates: Where it ends.
        label: What the strategy is called in tables: `default@before`.
    """

    place: Place
    strategy: str
    calls: int
    candidates: int
    label: str = ""

    def key(self) -> tuple[Any, ...]:
        """What tells a search from others; equal ones come to the same."""
        return (*asdict(self.place).values(), self.label or self.strategy, self.calls, self.candidates)


@dataclass(slots=True)
class Result:
    """What a search came to.

    Attributes:
        task: Which search.
        best: Expected scores of the best design: on the searched items, on those held out.
        curve: (used calls, expected scores of the agent that the search would choose then, on the searched
            items and on those held out), whenever that is another one.
        used, briefs: Calls and candidates in all. stopped: candidates that races stopped.
        saved: Calls with races, and what they would have been without.
        lost: Would-be finalists that were stopped, of so many.
        seconds: CPU time.
    """

    task: Task
    best: tuple[float, float]
    curve: list[tuple[int, float, float]] = field(default_factory=list)
    used: int = 0
    briefs: int = 0
    stopped: int = 0
    saved: tuple[int, int] = (0, 0)
    lost: tuple[float, int] = (0.0, 0)
    seconds: float = 0.0

    def to_mapping(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> Result:
        """From plain data."""
        told = dict(data["task"])
        task = Task(**{**told, "place": _place(told["place"])})
        pairs = {name: tuple(data[name]) for name in ("best", "saved", "lost")}
        return cls(**{**data, **pairs, "task": task, "curve": [tuple(point) for point in data["curve"]]})


def _place(told: dict[str, Any]) -> Place:
    return Place(**{**told, "blocks": tuple(told.get("blocks", ()))})


def searched(
    world: World | Recorded, strategy: str, calls: int, candidates: int, blocks: Sequence[str] = ()
) -> tuple[Simulated, Trace]:
    """Search a world to the end.

    Args:
        world: Where.
        strategy: One of `STRATEGIES`.
        calls, candidates: Where it ends.
        blocks: See `Place`.
    """
    way = STRATEGIES[strategy]
    author = {"blocks": tuple(blocks)} if blocks else {}
    changes = {"items": len(world.searched), "author": author, **way.changes}
    config = configuration(world.seed, candidates, **changes)
    with way.during():
        found = Simulated(world, config, most_calls=calls)
        way.prepare(found)
        return found, found.simulate()


def search(task: Task) -> Result:
    """Carry a task out."""
    began, world = time.process_time(), task.place.world()
    best = world.oracle
    result = Result(task, (best.train, best.held_out))
    if task.strategy == ORACLE:
        result.curve, result.used = _at_once(world)
    else:
        _, trace = searched(world, task.strategy, task.calls, task.candidates, task.place.blocks)
        result.used, result.briefs = trace.calls, trace.briefs
        result.stopped = sum(bool(e.stopped) for e in trace.evaluations)
        result.curve = curve(world, trace)
        races = saving(world, trace, FINALISTS)
        result.saved, result.lost = (races.used, races.full), (races.lost, races.places)
    result.seconds = round(time.process_time() - began, 3)
    return result


def curve(world: World | Recorded, trace: Trace) -> list[tuple[int, float, float]]:
    """What the search would choose, whenever that is another agent: see `Result.curve`."""
    found: list[tuple[int, float, float]] = []
    before: Work | None = None
    for ended in trace.evaluations:
        if ended.best is not None and ended.best != before:
            before = ended.best
            found.append((ended.used, world.truth(before), world.truth_held_out(before)))
    return found


def _at_once(world: World | Recorded) -> tuple[list[tuple[int, float, float]], int]:
    """Seeds, worked examples and the best design, and nothing else."""
    best = world.oracle
    works = [*world.seeds(), best.design]
    ran = sum(world.rows(work)[place].calls for work in works for place in world.searched)
    used = ran + world.teaching_calls
    return [(used, best.train, best.held_out)], used
