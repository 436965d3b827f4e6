"""Six published agents before and after `simplify`, with the embedded model: calls at an equal score.

`python -m tests.bench.simplify` prints the whole table. The folder with the ledger stays
(`$META_SEARCH_BENCH_RUNS`, else `runs/`): what was asked once is replayed when it is called again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from tests.bench.components import print_table, published, row_of
from tests.bench.row import ROWS, Row
from tests.bench.team import FAMILIES, folder_of

AGENTS = (1, 3, 5, 7, 8, 10)  # of the archive: votes, debates, reviews; 3 to 7 calls an item
ITEMS, BUDGET = 10, 600
QUICK_AGENTS, QUICK_ITEMS = (1,), 2


def overrides(quick: bool, folder: str) -> list[str]:
    """Overrides of the session: families at which the model is neither always right nor always wrong."""
    items = QUICK_ITEMS if quick else ITEMS
    return [
        *("domain=reasoning", f"domain.families=[{FAMILIES}]", f"run.dir={folder}"),
        *(
            "evaluate.executor=inline",
            "evaluate.split=train",
            f"evaluate.items={items}",
            "llm.max_tokens=128",
        ),
        *("budget.wall_s=null", "run.confirm=false"),
    ]


def measure(quick: bool) -> Row:
    """Simplify each of them."""
    found = list(rows(quick))
    sums = [sum(row[side] or row["before"] for row in found) for side in ("before", "after")]
    scores = [sum((row[key] if row[key] is not None else row["score"]) for row in found) for key in _SCORES]
    told = (f"{row['name'][:30]} {row['before']:.1f} → {row['after'] or row['before']:.1f}" for row in found)
    return Row(
        *ROWS["simplify"],
        figure=f"calls an item of all together {sums[0]:.1f} → {sums[1]:.1f}; mean score "
        f"{scores[0] / len(found):.2f} → {scores[1] / len(found):.2f}",
        ok=sums[1] < sums[0] and scores[1] >= scores[0],
        note=f"{'; '.join(told)}; {sum(row['replayed'] for row in found):,} calls replayed, "
        f"{sum(row['asked'] for row in found):,} asked",
    )


_SCORES = ("score", "new_score")


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """One row an agent: see `components.row_of`."""
    from meta_search.authors.leave_out import leave_out, whole
    from meta_search.authors.simplify import smallest
    from meta_search.commands import evaluate_folder
    from meta_search.commands.resolve import resolved
    from meta_search.compose import compose
    from meta_search.engine.workbench import BriefWorkbench
    from meta_search.run.chances import MetChances
    from meta_search.run.preflight import checked
    from meta_search.run.progress import Progress
    from meta_search.run.run import Run
    from meta_search.run.session import open_session

    agents = published()
    folder = folder_of("bench-simplify-quick" if quick else "bench-simplify") / "run"
    config = resolved(compose(overrides(quick, str(folder))))
    earlier = evaluate_folder.open_folder(config)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with (
        checked(config) as ready,
        open_session(config, earlier.folder, earlier.elapsed_s, say, ready) as session,
    ):
        session.pen.set_meta("kind", "evaluate").result()
        progress = Progress(config, earlier.folder, earlier.elapsed_s, live=False)
        bench = BriefWorkbench(Run.of(session, progress), MetChances())
        for number in QUICK_AGENTS if quick else AGENTS:
            agent = agents[number]
            before = whole(agent, bench.probe, range(QUICK_ITEMS if quick else ITEMS))
            found = leave_out(agent, bench.probe, before, BUDGET)
            made = smallest(agent, bench.probe, found, BUDGET)
            session.pen.put_importance(found.rows).result()
            say(f"{agent.name}: {len(found.rows)} components, {found.replayed} replayed, {found.asked} asked")
            yield row_of(agent, found, made)


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    print_table(f"The embedded model on {QUICK_ITEMS if quick else ITEMS} items", list(rows(quick)))
