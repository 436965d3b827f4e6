"""`python -m tests.bench.peers.agreement`: our scorer of BFCL's calls beside the published one, on mutants.

The wheel is fetched and unpacked into a temporary folder; of what its checker imports, the table of models
and the converters for Java and JavaScript, which calls of Python do without, are stood in for.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
import tempfile
import types
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from meta_search.fetching.wheels import download
from tests.bench.peers import bfcl, bfcl_domain

TRIES = 12  # calls of a request, of which the first three are right ones
ROOT = "bfcl_eval"


class Models(dict[str, Any]):
    """All of them call functions by their own names."""

    def __missing__(self, name: str) -> Any:
        return types.SimpleNamespace(underscore_to_dot=False)


def published(folder: Path) -> Callable[..., bool]:
    """The published checker: functions, call, truth and category -> whether the call is right."""
    stubs = {f"{ROOT}.constants.model_config": {"MODEL_CONFIG_MAPPING": Models()}}
    for name in ("java", "js"):
        stubs[f"{ROOT}.eval_checker.ast_eval.type_convertor.{name}_type_converter"] = {
            f"{name}_type_converter": None
        }
    for name, values in stubs.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(values)
    sys.path.insert(0, str(folder))
    check = importlib.import_module(f"{ROOT}.eval_checker.ast_eval.ast_checker").ast_checker
    python = importlib.import_module(f"{ROOT}.constants.enums").Language.PYTHON
    return lambda functions, call, truth, kind: bool(
        check(functions, [call], truth, python, kind, "any")["valid"]
    )


def mutate(rng: random.Random, arguments: dict[str, Any]) -> None:
    """Change one argument, or leave one out, or add one."""
    if not arguments:
        return
    key = rng.choice(list(arguments))
    value, draw = arguments[key], rng.random()
    if draw < 0.2:
        del arguments[key]
    elif draw < 0.3:
        arguments["another"] = 1
    elif isinstance(value, dict):
        mutate(rng, value)
    elif isinstance(value, bool):
        arguments[key] = rng.choice([not value, str(value)])
    elif isinstance(value, int | float):
        arguments[key] = rng.choice([value + 1, str(value), float(value), -value])
    elif isinstance(value, str):
        others = [value.upper(), value + " ", value + "x", value.replace(" ", "_"), [value], 1]
        arguments[key] = rng.choice(others)
    elif isinstance(value, list):
        arguments[key] = rng.choice([value[::-1], value + value[:1], value[:1], str(value)])


def compared(wheel: Path, check: Callable[..., bool]) -> Counter[tuple[bool, bool]]:
    """How often (published, ours) say what, over all requests."""
    rng, told = random.Random(0), Counter[tuple[bool, bool]]()
    with zipfile.ZipFile(wheel) as archive:
        for kind in bfcl.KINDS:
            asked = archive.read(f"{ROOT}/data/BFCL_v4_{kind}.json").decode().splitlines()
            known = archive.read(f"{ROOT}/data/possible_answer/BFCL_v4_{kind}.json").decode().splitlines()
            truths = {row["id"]: row["ground_truth"] for row in map(json.loads, known)}
            for row in map(json.loads, asked):
                truth = truths[row["id"]]
                item = types.SimpleNamespace(data=bfcl.row_of(row, truth[0], kind))
                [(name, accepted)] = truth[0].items()
                for number in range(TRIES):
                    chosen = {key: rng.choice(values) for key, values in accepted.items()}
                    call = {key: bfcl.plain(value) for key, value in chosen.items() if value != ""}
                    if number >= 3:
                        mutate(rng, call)
                    called = "another" if rng.random() < 0.05 else name
                    text = json.dumps({"name": called, "arguments": call})
                    ours = bfcl_domain.score(item, text) == 1.0
                    told[check(row["function"], {called: call}, truth, kind), ours] += 1
    return told


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        wheel = download("bfcl-eval", bfcl.VERSION, Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(scratch)
        told = compared(wheel, published(Path(scratch)))
    for (theirs, ours), number in sorted(told.items()):
        print(f"published {theirs}, ours {ours}: {number:,}")
    print(f"{sum(n for (a, b), n in told.items() if a == b):,} of {sum(told.values()):,} agree")


if __name__ == "__main__":
    main()
