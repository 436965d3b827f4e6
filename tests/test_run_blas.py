"""The command line has numpy's linear algebra work in one thread."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import meta_search

THREADS = """
import os
from meta_search import cli
cli.main(["--version"])
assert "numpy" not in __import__("sys").modules
import numpy
print("threads", len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted by /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has one thread")
@pytest.mark.parametrize(("told", "threads"), [("", "threads 1"), ("2", "threads 2")])
def test_it_has_one_thread_unless_told_otherwise(told: str, threads: str) -> None:
    mine = {"PYTHONPATH": str(Path(meta_search.__file__).parents[1])}
    own = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    env = own | mine | ({"OPENBLAS_NUM_THREADS": told} if told else {})
    done = subprocess.run(
        [sys.executable, "-c", THREADS], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == threads
