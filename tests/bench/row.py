"""What a measurement yields, and small tools that several of them need."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROWS", "NotYet", "Row", "cpu_s", "family", "percentile", "spread"]

# Module -> (what, target), in the order in which they are printed.
ROWS = {
    "published": (
        "15 published agents × 32 items, 200 ms endpoint, 64 in flight: span",
        "≤ 13.5 s (1/4 of the reference) and ≤ 1.5 × ideal; stretch 1.2 ×",
    ),
    "overhead": ("engine over the ideal time, sleeping model and evaluators, 400 candidates", "≤ 4 %"),
    "call_cpu": ("engine CPU per LLM call, with what sends it", "≤ 3 ms beyond litellm's own"),
    "sandbox": ("sandbox per item with two calls, end to end", "≤ 5 ms"),
    "racing": ("calls saved by racing, at most 5 % of would-be finalists lost", "≥ 40 %"),
    "presets": (
        "embedded models: search=adas and search=default at the same tokens, fresh test items, three seeds",
        "default no worse",
    ),
    "startup": ("meta-search --help; import of meta_search", "≤ 0.3 s; < 50 ms"),
    "first_item": ("`run` to the first item", "≤ 20 s with Ray, ≤ 12 s inline"),
    "archive_size": (
        "archive of 1,000,000 agents",
        "add ≥ 2,000/s, top 20 and a lineage ≤ 50 ms, ≤ 200 MB",
    ),
    "budgets": (
        "500 in flight, budgets of calls, tokens and USD: what the endpoint counts",
        "never above the budget",
    ),
    "storm": ("three of ten calls fail in all ways: scores of an evaluation", "the same as without faults"),
    "kills": (
        "kill -9 ten times in an evaluation, and in searches with one and with four in flight (its replay)",
        "no answered call sent again, repeats ≤ in flight, equal results",
    ),
    "orphans": ("8 workers and the driver killed while the embedded model serves: processes left", "0"),
    "team": (
        "embedded model: a team of seven roles and the three that matter most, fresh test items",
        "three no worse than seven, at half the calls",
    ),
    "components": (
        "SIMULATION: components of 36 published agents, and their importance by leaving out",
        "all found; most agents cheaper at an equal score",
    ),
    "simplify": (
        "embedded model: six published agents before and after `simplify`, 10 items",
        "fewer calls at an equal score",
    ),
    "operators": (
        "embedded models: teaching, reflect, instruct, diagnose, novel, the opening at equal tokens",
        "one of them no worse than novel",
    ),
    "ledger_size": ("bytes a call takes in the archive, a million calls", "≤ 2 KB, found in ≤ 5 ms"),
    "resume": ("calls with a ledger row sent again after kill -9 and resume", "0"),
    "hostile": ("hostile agents that get out, get a key, or score without answering", "0"),
}


class NotYet(Exception):
    """A part that the measurement needs is not there; the message says which."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes:
        what: What was measured.
        target: What is to be reached, as text.
        figure: What was measured, as text with units.
        ok: Whether the figure reaches the target; `None` if it was not measured.
        note: How it was measured, or why it was not.
    """

    what: str
    target: str
    figure: str = ""
    ok: bool | None = None
    note: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def spread(values: Sequence[float], unit: str = "ms", digits: int = 1) -> str:
    """Median and 99th percentile as text."""
    median, high = statistics.median(values), percentile(values, 0.99)
    return f"median {median:.{digits}f} {unit}, p99 {high:.{digits}f} {unit}"


def family(root: int) -> list[int]:
    """Process ids below `root`, `root` itself not included."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        below.setdefault(parent, []).append(int(stat.parent.name))
    found, rest = [], [root]
    while rest:
        children = below.get(rest.pop(), [])
        found += children
        rest += children
    return found


def cpu_s(pid: int, ended: bool = True) -> float:
    """CPU seconds of a process, with those of its children that have `ended`; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11 : 15 if ended else 13]) / os.sysconf("SC_CLK_TCK")
