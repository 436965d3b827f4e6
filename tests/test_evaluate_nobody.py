"""The sandbox from an account without privileges: the same walls, by way of a user namespace or without."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from evaluate_kit import write_runtime

NOBODY = 65534

SCRIPT = """
import json, sys
from pathlib import Path
from evaluate_kit import Bench
bodies, layers = json.loads(sys.argv[1])
with Bench(Path("runtime").resolve(), layers, wall_s=2, cpu_s=0.5, memory_mb=128, disk_mb=4) as bench:
    results = {name: bench.body(body) for name, body in bodies.items()}
    print(json.dumps([{n: [r.kind, r.answer] for n, r in results.items()}, bench.sandbox.missing,
                      bench.children()]))
"""

BODIES = {
    "honest": "return self.call('a') + self.run_python('print(1 + 1)')",
    "loop": "while True: pass",
    "memory": "x = []\nwhile True: x.append(bytearray(10**6))",
    "disk": "import time\nfor i in range(9): open(str(i), 'wb').write(bytes(10**6))\ntime.sleep(9)",
    "fork": "import os\nreturn str(os.fork())",
    "environment": "import os\nreturn open(f'/proc/{os.getppid()}/environ').read()",
    "kill": "import os\nos.kill(os.getppid(), 9)",
    "signal by ownership": "import fcntl, os\nfcntl.fcntl(3, 10, 9); fcntl.fcntl(3, 8, os.getppid())",
    "socket": "import socket\nsocket.socket()",
    "file of the account": "return open('@MINE@').read()",
    "mode of the account's file": "import os\nos.chmod('@MINE@', 0)",
    "next slot": "import os\nreturn str(os.listdir('..'))",
    "threads": "import threading as t, time\nwhile True: t.Thread(target=time.sleep, args=(9,)).start()",
}  # fmt: skip
KINDS = {
    "honest": {"ok"},
    "loop": {"cpu"},
    "memory": {"memory"},
    "disk": {"disk"},
    "threads": {"crash", "memory", "refused", "cpu"},
}


def readable_python() -> str | None:
    """An interpreter that other accounts can run, Python 3.11 or newer."""
    for path in (sys.executable, "/usr/bin/python3"):
        probe = "import sys; sys.exit(sys.version_info < (3, 11))"
        try:
            done = subprocess.run(
                [path, "-c", probe], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={}
            )
        except OSError:
            continue
        if done.returncode == 0:
            return path
    return None


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A copy that anyone can read: pytest's own folders are private."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else; the other tests run without privileges here")
    folder = Path(tempfile.mkdtemp(prefix="meta-search-test-"))
    folder.chmod(0o755)
    root = Path(__file__).parents[1]
    shutil.copytree(
        root / "meta_search", folder / "meta_search", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(root / "tests" / "evaluate_kit.py", folder)
    write_runtime(folder)
    mine = folder / "mine"
    mine.write_text("SECRET")
    os.chown(mine, NOBODY, NOBODY)
    mine.chmod(0o600)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "layers",
    [
        ("rlimits", "no_new_privs", "landlock", "seccomp", "uid", "network", "quota"),
        ("rlimits", "no_new_privs", "landlock", "seccomp"),
    ],
    ids=["namespaces", "none"],
)
def test_walls_hold_for_nobody(checkout: Path, layers: tuple[str, ...]) -> None:
    python = readable_python()
    if python is None:
        pytest.skip("no interpreter that other accounts can run")
    mine = checkout / "mine"
    bodies = {name: body.replace("@MINE@", str(mine)) for name, body in BODIES.items()}
    done = subprocess.run(
        [python, "-B", "-c", SCRIPT, json.dumps([bodies, layers])],
        capture_output=True,
        text=True,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd=checkout,
        env={"KEY": "SECRET"},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    results, missing, left = json.loads(done.stdout)
    assert set(missing) <= {"uid", "network", "quota"}
    assert left == []
    assert results["honest"] == ["ok", "heard a2\n"]
    for name, (kind, answer) in results.items():
        assert kind in KINDS.get(name, {"refused"}), (name, kind, answer)
        assert "SECRET" not in answer
    assert mine.stat().st_mode & 0o777 == 0o600
