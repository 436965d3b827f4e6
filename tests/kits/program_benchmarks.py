"""Small files in the formats in which benchmarks of programs, grids and forms are published, made by us."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["FILES", "arc_folder", "arc_task", "humaneval_rows", "ifeval_rows", "mbpp_rows", "write_rows"]


def humaneval_rows(count: int = 40) -> list[dict[str, Any]]:
    """Rows as in HumanEval.jsonl."""
    return [
        {
            "task_id": f"HumanEval/{n}",
            "prompt": "from typing import List\n\n\n"
            f'def shift{n}(values: List[int]) -> List[int]:\n    """Add {n}."""\n',
            "entry_point": f"shift{n}",
            "canonical_solution": f"    return [value + {n} for value in values]\n",
            "test": "METADATA = {}\n\n\ndef check(candidate):\n"
            f"    assert candidate([1, 2]) == [{n + 1}, {n + 2}]\n"
            f"    assert candidate([]) == []\n    assert shift{n}([-1]) == [{n - 1}], 'negative'\n",
        }
        for n in range(count)
    ]


def mbpp_rows(numbers: range = range(1, 700, 9)) -> list[dict[str, Any]]:
    """Rows as in mbpp.jsonl."""
    return [
        {
            "task_id": n,
            "text": f"Write a function times{n} that multiplies by {n}.",
            "code": f"def times{n}(x):\r\n  return x * {n}",
            "test_list": [f"assert times{n}({k}) == {k * n}" for k in range(3)],
            "test_setup_code": "",
            "challenge_test_list": [],
        }
        for n in numbers
    ]


def ifeval_rows(count: int = 40) -> list[dict[str, Any]]:
    """Rows as in ifeval's input_data.jsonl; the hub's have every argument, most of them null."""
    return [
        {
            "key": 1000 + n,
            "prompt": f"Write about the number {n} without commas, in less than {n + 5} words.",
            "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
            "kwargs": [{"num_words": None}, {"relation": "less than", "num_words": n + 5, "keywords": None}],
        }
        for n in range(count)
    ]


def arc_task(n: int, tests: int = 1, side: int = 2, width: int = 0) -> dict[str, Any]:
    """A task whose rule is to add n to each cell, modulo 10."""

    def pair(start: int) -> dict[str, Any]:
        before = [
            [(start + row * side + column) % 10 for column in range(width or side)] for row in range(side)
        ]
        return {"input": before, "output": [[(cell + n) % 10 for cell in row] for row in before]}

    return {"train": [pair(2 * n + k) for k in range(3)], "test": [pair(3 * n + 5 + k) for k in range(tests)]}


def arc_folder(folder: Path, count: int = 30, largest: int = 40) -> Path:
    """A folder as ARC's, with half of its tasks in `evaluation`."""
    for n in range(count):
        place = folder / ("evaluation" if n % 2 else "training")
        place.mkdir(parents=True, exist_ok=True)
        width = 1 + n // 10 if largest < count else 0  # small grids differ by their width
        task = arc_task(n, 1 + n % 3, min(2 + n, largest), width)
        (place / f"{n:08x}.json").write_text(json.dumps(task))
    return folder


def write_rows(rows: list[dict[str, Any]], path: Path) -> Path:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


FILES: Mapping[str, Callable[[Path], Path]] = {
    "humaneval": lambda folder: write_rows(humaneval_rows(), folder / "HumanEval.jsonl"),
    "mbpp": lambda folder: write_rows(mbpp_rows(), folder / "mbpp.jsonl"),
    "ifeval": lambda folder: write_rows(ifeval_rows(), folder / "input_data.jsonl"),
    "arc": arc_folder,
    "arc_easy": lambda folder: arc_folder(folder, largest=5),
}
"""Domain -> function that writes its file into a folder, and returns its path."""
