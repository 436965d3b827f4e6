"""Nothing of Ray outlives its driver, at whatever moment that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from meta_search.evaluators import reaper
from tests.kits.processes import gone, until

SLEEPER = [sys.executable, "-c", "print(flush=True); import time; time.sleep(600)"]


def sleeper(**environment: str) -> subprocess.Popen[bytes]:
    """A process that sleeps, with these variables in its environment."""
    process = subprocess.Popen(SLEEPER, env={**os.environ, **environment}, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_ends_what_bears_its_mark_when_its_input_closes_and_removes_the_folder(tmp_path: Path) -> None:
    (folder := tmp_path / "ray").mkdir()
    (folder / "log").touch()
    (folder / "elsewhere").symlink_to(tmp_path)
    with sleeper(MARK="mark-1") as marked, sleeper(MARK="mark-2") as other:
        command = [sys.executable, "-I", str(Path(reaper.__file__)), "mark-1", str(folder)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as watching:
            assert marked.poll() is None
            assert folder.is_dir()
            watching.communicate(timeout=30)
        assert list(tmp_path.iterdir()) == []
        assert marked.wait(10) == -9
        assert other.poll() is None
        other.kill()


DRIVER = """
    import sys, threading
    from meta_search.config import RayConfig
    from meta_search.evaluators.ray_pool import start_ray
    start_ray(RayConfig())
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment", ["raylet", *(pytest.param(m, marks=pytest.mark.slow) for m in ("agent", "up"))]
)
def test_a_driver_killed_while_ray_starts_leaves_nothing(root: Path, moment: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(DRIVER)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=root, **pipes) as driver:  # type: ignore[call-overload]
        if moment == "up":
            assert driver.stdout.readline() == b"up\n"
        else:
            assert until(lambda: any(moment in title for title in titles(driver.pid)), 60)
        below = family(driver.pid)
        (folder,) = folders(below)
        assert folder.is_dir()
        driver.kill()
        driver.wait()
        assert until(lambda: all(gone(pid) for pid in below), 10), [p for p in below if not gone(p)]
        assert not folder.exists()


def folders(pids: list[int]) -> list[Path]:
    """Ray's, as the reaper among these processes was told."""
    lines = [Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1] for pid in pids if not gone(pid)]
    return [Path(words[-1]) for words in lines if any(word.endswith("reaper.py") for word in words)]


def titles(root: int) -> list[str]:
    found = []
    for pid in family(root):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            continue
        found += [Path(word).name if word.startswith("/") else "" for word in words[:3]]
    return found


def family(root: int) -> list[int]:
    """All processes below `root`."""
    found, rest = [], [root]
    while rest:
        pid = rest.pop()
        for listed in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                below = [int(child) for child in listed.read_text().split()]
            except OSError:
                continue
            found += below
            rest += below
    return found
