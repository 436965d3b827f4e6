"""The same from an account without privileges: a copy of the checkout that all may read, and an interpreter.

An interpreter below a home folder that is closed to others (pyenv's lies there) is made reachable in a mount
namespace of its own: nothing of it shows outside, and nothing is copied.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["NOBODY", "checkout", "run_as_nobody", "why_not"]

NOBODY = 65534
ROOT = Path(__file__).resolve().parents[2]
PARTS = ("meta_search", "archive", "domains", "conf", "tests")
# Run by root in a process of its own: opens the way to `folders`, and becomes nobody.
WAY = """
import json, os, sys
from meta_search.sandbox.confined import libc
folders, command = json.loads(sys.argv[1])
closed = {}
for folder in folders:
    path = ''
    for part in folder.strip('/').split('/'):
        path += '/' + part
        if not os.stat(path).st_mode & 1:
            closed.setdefault(path, []).append(folder)
            break
if closed:
    libc.unshare(libc.CLONE_NEWNS)
    libc.mount('none', '/', None, libc.MS_REC | libc.MS_PRIVATE)
for above, inside in closed.items():
    held = [(folder, os.open(folder, os.O_PATH)) for folder in inside]
    libc.mount('way', above, 'tmpfs', 0, 'mode=755')
    for folder, descriptor in held:
        os.makedirs(folder)
        libc.mount(f'/proc/self/fd/{descriptor}', folder, None, 0x1000)
        os.close(descriptor)
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
os.execv(command[0], command)
"""


def why_not() -> str:
    """Why nothing can be run as nobody here, in one line; empty if it can."""
    if os.geteuid() != 0:
        return "only root can become somebody else; the other tests run without privileges here"
    done = _start([sys.executable, "-c", "print('here')"], Path("/"), {})
    return "" if done.stdout == "here\n" else f"no interpreter that others can run: {done.stderr[-200:]}"


@contextmanager
def checkout() -> Iterator[Path]:
    """A copy of the checkout that anyone can read; its folder `home` is nobody's own."""
    folder = Path(tempfile.mkdtemp(prefix="nobody-"))
    folder.chmod(0o755)
    try:
        for part in PARTS:
            skipped = shutil.ignore_patterns("__pycache__", "landscape", "*.db")
            shutil.copytree(ROOT / part, folder / part, ignore=skipped)
        home = folder / "home"
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_as_nobody(
    folder: Path, arguments: Sequence[str], timeout_s: float = 600.0
) -> subprocess.CompletedProcess[str]:
    """Run this interpreter as nobody in a checkout's copy, with these arguments."""
    home = str(folder / "home")
    environment = {"HOME": home, "TMPDIR": home, "RAY_TMPDIR": home, "PATH": os.environ.get("PATH", "")}
    environment |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return _start([sys.executable, *arguments], folder, environment, timeout_s)


def _start(
    command: Sequence[str], folder: Path, environment: dict[str, str], timeout_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    # The base installation, and a virtual environment's own folder.
    folders = sorted({sys.base_prefix, sys.prefix})
    way = [sys.executable, "-c", WAY, json.dumps([folders, list(command)])]
    return subprocess.run(
        way,
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), **environment},
        timeout=timeout_s,
    )
