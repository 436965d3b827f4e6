"""Venvs of the peers, made on first use; nothing of theirs comes into the project's own.

DSPy 3.4 brings gepa 0.1 along, so one venv holds both.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.row import NotYet

__all__ = ["NAME", "WANTED", "python_of", "versions"]

NAME = "peers"
# MIPROv2 needs optuna; Flex needs Deno, which fetches Pyodide from npm when it is first used.
WANTED = ("dspy==3.4.*", "gepa==0.1.*", "optuna>=4", "deno>=2")
TIMEOUT_S = 1800.0


def python_of(venvs: Path, make: bool = True) -> Path:
    """The venv's Python.

    Args:
        venvs: Folder of the venvs.
        make: Whether to make the venv where there is none; that fetches some 100 MB.

    Raises:
        NotYet: There is none, or it cannot be made.
    """
    folder = venvs / NAME
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    if not make:
        raise NotYet(f"no venv in {folder}: `python -m tests.bench.peers --venvs {venvs}` makes it")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"making {folder} with {', '.join(WANTED)}", file=sys.stderr, flush=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *WANTED],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        if done.returncode:
            raise NotYet(f"the venv cannot be made: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    (folder / "complete").touch()
    return python


@functools.lru_cache
def versions(python: Path) -> dict[str, str]:
    """What the venv holds of what matters."""
    command = [str(python), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    names = {"dspy", "gepa", "litellm", "optuna", "deno", "numpy"}
    return {row["name"]: row["version"] for row in json.loads(done.stdout) if row["name"] in names}
