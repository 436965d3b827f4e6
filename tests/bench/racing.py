"""Calls saved by racing in whole searches on the recorded landscape, and would-be finalists lost."""

from __future__ import annotations

from tests.bench.row import ROWS, NotYet, Row

LEAST_SAVED, MOST_LOST = 0.40, 0.02


def measure(quick: bool) -> Row:
    """The default search, its races as they are; `tests.bench.landscape.racing` has the whole curve."""
    from tests.bench.landscape.racing import CANDIDATES, SEEDS, in_force
    from tests.bench.landscape.table import FILE, Landscape

    if not FILE.exists():
        raise NotYet("needs a recorded landscape: python -m tests.bench.landscape.record")
    seeds = range(10 if quick else SEEDS)
    total = in_force(Landscape.read(), seeds)
    return Row(
        *ROWS["racing"],
        figure=f"{total.saved:.0%} saved, {total.lost_share:.1%} lost",
        ok=total.saved >= LEAST_SAVED and total.lost_share <= MOST_LOST,
        note=f"default searches of {CANDIDATES} briefs, {len(seeds)} seeds; seeds and authors counted; "
        "would-be finalists: of the two best by all items, the cheaper of equals",
    )
