"""How alike are worlds and recorded landscapes? `python -m tests.bench.worlds.fit`.

The same table of both: every way of working × votes × worked examples, on every item, and by how much the
score varies by kinds of items, by choices, by items, and by what of these comes together.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from meta_search.authors.plan import WAYS
from tests.bench.landscape.ground import Ground
from tests.bench.landscape.table import FILE, SHOWN, VOTES, Design, Landscape
from tests.bench.worlds.draws import Array
from tests.bench.worlds.laws import LAWS
from tests.bench.worlds.places import seeds
from tests.bench.worlds.world import World

__all__ = ["components", "table_of_landscape", "table_of_world"]

WORLDS = 20
FILES = (FILE, FILE.with_name("families-0.5b.json.xz"))
AXES = ("kind", "way", "votes", "shown")


def table_of_landscape(landscape: Landscape) -> list[Array]:
    """Outcomes of pure designs: for each kind of item float, shape (items, ways, votes, shown)."""
    works = {
        (way, votes, shown): Design((way,) * len(landscape.kinds), votes, shown)
        for way, votes, shown in itertools.product(WAYS, VOTES, SHOWN)
    }
    return _outcomes(landscape, works)


def table_of_world(world: World) -> list[Array]:
    """The same of a world over way, votes and worked examples."""
    works = {
        (way, votes, shown): world.made(
            {**{f"way:{kind}": way for kind in world.kinds}, "votes": votes, "shown": shown}
        )
        for way, votes, shown in itertools.product(WAYS, VOTES, SHOWN)
    }
    return _outcomes(world, works)


def _outcomes(ground: Ground, works: Mapping[tuple[str, int, int], object]) -> list[Array]:
    columns = {name: [row.right for row in ground.rows(work)] for name, work in works.items()}
    whole = np.array(
        [[[columns[w, v, s] for s in SHOWN] for v in VOTES] for w in WAYS]
    )  # ways, votes, shown, items
    kind_of = np.array(ground.kind_of)
    return [np.moveaxis(whole[..., kind_of == kind], -1, 0) for kind in ground.kinds]


def components(tables: Sequence[Array]) -> dict[str, float]:
    """Standard deviations of effects on the score, 0..1.

    Args:
        tables: Of each kind, shape (items, ways, votes, shown).

    Returns:
        `mean`; every effect of kinds and choices, as `kind × way`; `item`, `item × way`, and `item × rest`
        within kinds. The squares of all but the first add up to the variance of all outcomes, where kinds
        have equally many items.
    """
    cells = np.array([table.mean(axis=0) for table in tables])
    found = {"mean": float(cells.mean())}
    for size in range(1, len(AXES) + 1):
        for chosen in itertools.combinations(range(len(AXES)), size):
            effect = _effect(cells, chosen)
            found[" × ".join(AXES[axis] for axis in chosen)] = float(np.sqrt((effect**2).mean()))
    within = [table - table.mean(axis=0) for table in tables]
    items = [w.mean(axis=(1, 2, 3), keepdims=True) for w in within]
    ways = [w.mean(axis=(2, 3), keepdims=True) - i for w, i in zip(within, items, strict=True)]
    rest = [w - i - v for w, i, v in zip(within, items, ways, strict=True)]
    for name, parts in (("item", items), ("item × way", ways), ("item × rest", rest)):
        found[name] = float(np.sqrt(np.mean([(part**2).mean() for part in parts])))
    return found


def _effect(cells: Array, axes: tuple[int, ...]) -> Array:
    """Effect of some axes together, without those of fewer of them (Fisher's decomposition)."""
    found = np.zeros_like(cells)
    for size in range(len(axes) + 1):
        for kept in itertools.combinations(axes, size):
            away = tuple(axis for axis in range(cells.ndim) if axis not in kept)
            found = found + (-1) ** (len(axes) - size) * cells.mean(axis=away, keepdims=True)
    return found


def main() -> None:
    columns = {Path(file).name: components(table_of_landscape(Landscape.read(file))) for file in FILES}
    for law in LAWS:
        made = [components(table_of_world(World(law, seed, 6, 40, held_out=2))) for seed in seeds(WORLDS)]
        columns[law] = {name: float(np.mean([one[name] for one in made])) for name in made[0]}
    shown = Table("part of the score", *columns, title=f"Standard deviations; worlds: mean of {WORLDS}")
    for name in next(iter(columns.values())):
        shown.add_row(name, *(f"{column[name]:.2f}" for column in columns.values()))
    Console(width=150).print(shown)


if __name__ == "__main__":
    main()
