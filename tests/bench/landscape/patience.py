"""What giving up costs: `python -m tests.bench.landscape.patience [--file FILE] [--seeds N]`.

Recorded designs in a random order stand in for a search's agents, each evaluated on the same train items. The
search ends by `search.patience`, or goes on to the last agent. Told are, for each patience: how many agents
were evaluated, and in how many searches going on would have found more than an item in twenty, on held-out
items.
"""

from __future__ import annotations

import random
import statistics

from rich.console import Console
from rich.table import Table

from tests.bench.landscape.table import Landscape, arguments

AGENTS, ITEMS = 100, 18
WORTH = 0.05  # of the held-out items
PATIENCE = (5, 10, 20, 30, 40, 60)


def stopped_at(scores: list[int], patience: int) -> int:
    """Agents until the search ends."""
    best, since = -1, 0
    for number, score in enumerate(scores, 1):
        since = 0 if score > best else since + 1
        best = max(best, score)
        if since >= patience:
            return number
    return len(scores)


def main() -> None:
    """Print the table."""
    options = arguments("patience", __doc__ or "", 300).parse_args()
    landscape = Landscape.read(options.file)
    places = range(len(landscape.items))
    found: dict[int, list[tuple[int, bool]]] = {patience: [] for patience in PATIENCE}
    for seed in range(options.seeds):
        rng = random.Random(seed)
        order = rng.sample(places, len(places))
        train, rest = order[:ITEMS], order[ITEMS:]
        designs = [rng.choice(landscape.recorded) for _ in range(AGENTS)]
        scores = [round(landscape.score(design, train)) for design in designs]
        truth = [landscape.score(design, rest) / len(rest) for design in designs]
        for patience in PATIENCE:
            end = stopped_at(scores, patience)
            now = truth[max(range(end), key=scores.__getitem__)]
            later = truth[max(range(AGENTS), key=scores.__getitem__)]
            found[patience].append((end, later > now + WORTH))
    shown = Table("search.patience", "agents of 100", "would have gained", title=f"{options.seeds} searches")
    for patience, ended in found.items():
        missed = sum(gained for _, gained in ended) / len(ended)
        shown.add_row(f"{patience}", f"{statistics.fmean(end for end, _ in ended):.0f}", f"{missed:.1%}")
    Console(width=100).print(shown)


if __name__ == "__main__":
    main()
