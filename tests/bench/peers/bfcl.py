"""BFCL's simple and multiple function calls as a domain in a Python file.

The data (Patil et al. 2025, "The Berkeley Function Calling Leaderboard", ICML; Apache-2.0) lie in the wheel
of bfcl-eval, which is fetched and unpacked, never installed: its pins go against ours. Nothing of it is kept
in this repository. The scorer is `bfcl_domain.py`'s, which goes by the published ground truth: function,
required arguments, accepted values; text is compared as BFCL's checker compares it.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from meta_search.fetching.wheels import download

__all__ = ["KINDS", "VERSION", "domain_file", "plain", "row_of"]

VERSION = "2026.3.23"
KINDS = ("simple_python", "multiple")
FILE = Path(__file__).with_name("bfcl_domain.py")


def domain_file(cache: Path) -> Path:
    """The file for `domain.path`, with its data beside it; fetched once.

    Args:
        cache: A folder that stays.

    Raises:
        WheelError: The wheel cannot be had.
    """
    folder = cache / f"bfcl-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "bfcl.jsonl"
    if not data.exists():
        with tempfile.TemporaryDirectory() as scratch:
            wheel = download("bfcl-eval", VERSION, Path(scratch))
            rows = [row for kind in KINDS for row in _rows(wheel, kind)]
        random.Random(0).shuffle(rows)
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    shutil.copyfile(FILE, folder / FILE.name)
    return folder / FILE.name


def _rows(wheel: Path, kind: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(wheel) as archive:
        asked = archive.read(f"bfcl_eval/data/BFCL_v4_{kind}.json").decode().splitlines()
        known = archive.read(f"bfcl_eval/data/possible_answer/BFCL_v4_{kind}.json").decode().splitlines()
    truths = {row["id"]: row["ground_truth"] for row in map(json.loads, known)}
    return [row_of(row, truths[row["id"]][0], kind) for row in map(json.loads, asked)]


def row_of(row: dict[str, Any], allowed: dict[str, Any], kind: str) -> dict[str, Any]:
    """A request as the domain has it, from the published row and what its ground truth accepts."""
    [said] = [turn["content"] for turn in row["question"][0] if turn["role"] == "user"]
    functions = "\n".join(json.dumps(function, ensure_ascii=False) for function in row["function"])
    [(name, values)] = allowed.items()
    [parameters] = [f["parameters"] for f in row["function"] if f["name"] == name]
    needed = set(parameters["required"])
    first = {key: _first(given) for key, given in values.items() if "" not in given or key in needed}
    return {
        "id": row["id"],
        "kind": kind,
        "question": f"{said}\n\nFunctions:\n{functions}",
        "answer": json.dumps({"name": name, "arguments": first}, ensure_ascii=False),
        "allowed": allowed,
        "floats": [key for key, told in parameters["properties"].items() if _is_float(told)],
        "required": parameters["required"],
    }


def _is_float(told: dict[str, Any]) -> bool:
    """Whether a parameter is a float, or a list of floats."""
    return told["type"] == "float" or told.get("items", {}).get("type") == "float"


def _first(accepted: list[Any]) -> Any:
    """The first accepted value; of a dict, every key has a list of its own."""
    return plain(next(value for value in accepted if value != ""))


def plain(value: Any) -> Any:
    """An accepted value as a call has it."""
    if isinstance(value, dict):
        return {key: _first(each) for key, each in value.items() if "" not in each}
    return [plain(each) for each in value] if isinstance(value, list) else value
