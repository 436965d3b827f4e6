"""Slices of benchmarks in which some items come again, written a little otherwise, wherever they can."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kits.benchmarks import slice_of

__all__ = ["twins_of"]

TEXTS = ("question", "Question", "input", "prompt", "problem", "Problem", "body", "Body", "text", "passage")
TWINS = 2  # of each file
SOURCES: Mapping[str, tuple[str, str]] = {  # what a file in Python has, and has then
    "python": ("for n in range(start, start + 10)]", "for n in range(start, start + 10)] + more[split]"),
    "dspy": ("]  # rows", "] + more"),
    "inspect": ("]  # rows", "] + more"),
}
MORE: Mapping[str, str] = {
    "python": 'more = {s: [(f"Double: {n}?", str(2 * n)) for n in (3, 13, 23) if s == "test"] '
    'for s in ("examples", "train", "validation", "test")}\n',
    "dspy": 'more = [(f"Double: {n}?", 2 * n) for n in range(3)]\n',
    "inspect": 'more = [(f"Double: {n}?", 2 * n) for n in range(3)]\n',
}


def twins_of(name: str, folder: Path) -> list[str]:
    """The overrides that take a made slice of a domain with twins; where it has parts, in other parts."""
    overrides = slice_of(name, folder)
    if name in SOURCES:
        for path in folder.glob("*.py"):
            source = path.read_text().replace(*SOURCES[name])
            path.write_text(source + MORE[name] if name == "python" else MORE[name] + source)
        return overrides
    if name.startswith("arc"):
        for n, path in enumerate(sorted(folder.rglob("*.json"))[:TWINS]):
            for part in ("training", "evaluation"):
                (path.parents[1] / part / f"{n:07x}f.json").write_bytes(path.read_bytes())
        return overrides
    for path in (*folder.glob("*.tsv"), *folder.glob("*.csv")):
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines, *map(_otherwise, lines[1 : 1 + TWINS])]) + "\n")
    files = sorted(folder.glob("*.jsonl"))
    rows = {path: [json.loads(line) for line in path.read_text().splitlines()] for path in files}
    for n, path in enumerate(files):
        twins = [_twin(row) for row in rows[files[n - 1]][:TWINS]]
        path.write_text("".join(json.dumps(row) + "\n" for row in [*rows[path], *twins]))
    for path in folder.glob("*.json"):
        kept = json.loads(path.read_text())
        kept["examples"] += map(_twin, kept["examples"][:TWINS])
        path.write_text(json.dumps(kept))
    return overrides


def _twin(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row that says the same, with ids of its own."""
    return {key: _changed(key, value) for key, value in row.items()}


def _changed(key: str, value: Any) -> Any:
    if key in TEXTS and isinstance(value, str):
        return _otherwise(value)
    if key == "task_id" and isinstance(value, int):  # of MBPP: a number of another split
        return value + 594
    if key in ("id", "ID", "_id", "key") or key.endswith("_id"):
        return value + 1000 if isinstance(value, int) else re.sub(r"(\d+)(\D*)$", r"77\1\2", str(value))
    return value


def _otherwise(text: str) -> str:
    """The same words with a colon between two of them."""
    return re.sub(
        r"Add " if '"""' in text else r"(?<=\w) (?=\w)", lambda found: f"{found[0][:-1]}: ", text, count=1
    )
