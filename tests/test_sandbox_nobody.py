"""The hostile agents from an account without privileges: the same walls, with a user namespace or without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.catalogue import PLAIN, within
from tests.hostile.nobody import checkout, run_as_nobody, why_not

WALLS = "rlimits,no_new_privs,landlock,seccomp"


@pytest.fixture(scope="module")
def copy() -> Iterator[Path]:
    """A copy of the checkout that anyone can read: pytest's own folders are private."""
    if reason := why_not():
        pytest.skip(reason)
    with checkout() as folder:
        yield folder


@pytest.mark.parametrize(
    ("on", "layers"),
    [
        pytest.param("inline", "", marks=pytest.mark.slow),
        pytest.param("inline", WALLS, marks=pytest.mark.slow),
        pytest.param("ray", "", marks=[pytest.mark.ray, pytest.mark.slow]),
    ],
    ids=["namespaces", "none", "ray"],
)
def test_walls_hold_for_nobody(copy: Path, on: str, layers: str) -> None:
    found = copy / "home" / f"{on}{len(layers)}.json"
    options = ["--on", on, "--layers", layers, "--plain", "--together", "--json", str(found)]
    done = run_as_nobody(copy, ["-m", "tests.hostile", *options])
    assert found.exists(), done.stderr
    (lines,) = json.loads(found.read_text()).values()
    assert [line for line in lines if line["escaped"] or line["odd"]] == []
    most = within(PLAIN, layers.split(",")) if layers else PLAIN
    least = within(PLAIN, ())
    assert len(lines) == len(most) if layers else len(least) <= len(lines) <= len(most)


def test_the_account_is_nobody_and_root_is_closed_to_it(copy: Path) -> None:
    code = "import os; print(os.getuid(), os.getgroups(), os.access('/root', os.R_OK | os.W_OK | os.X_OK))"
    done = run_as_nobody(copy, ["-c", f"{code}; os.listdir('/etc/ssl/private')"])
    assert done.stdout.startswith("65534 [] False"), done.stderr


BARE = "from meta_search.sandbox.confined.namespaces import NAMESPACES, enter_namespaces as enter; "


def test_nobody_has_all_layers_that_this_machine_allows(copy: Path) -> None:
    """NumPy's library once started a thread in the zygote, and with it no namespace was to be had."""
    bare = run_as_nobody(copy, ["-c", f"import json; {BARE}print(json.dumps(enter(NAMESPACES)))"])
    code = "import json; from meta_search.sandbox import layers; print(json.dumps(layers()))"
    found = run_as_nobody(copy, ["-c", code])
    missing = {name: why for name, works, why in json.loads(found.stdout) if not works}
    assert set(missing) - {"uid"} == set(json.loads(bare.stdout)), missing
    assert missing["uid"].startswith("not root")


def test_a_thread_of_ours_is_told_as_the_cause(copy: Path) -> None:
    thread = "import threading as t; t.Thread(target=t.Event().wait, daemon=True).start(); "
    told = run_as_nobody(copy, ["-c", f"{thread}{BARE}print(*enter(NAMESPACES).items(), sep='\\n')"])
    lines = told.stdout.splitlines()
    assert len(lines) == 4, told
    assert all("2 threads run in the sandbox's process" in line for line in lines)


def test_the_zygote_has_one_thread_with_numpy_too(copy: Path) -> None:
    code = (
        "import asyncio, os\n"
        "from meta_search.config import SandboxConfig\n"
        "from meta_search.sandbox.trusted.sandbox import RUNTIME\n"
        "from meta_search.sandbox.trusted.layers import LAYERS\n"
        "from meta_search.sandbox.trusted.zygote_handle import ZygoteHandle\n"
        "async def main():\n"
        "    for numpy in (False, True):\n"
        "        zygote = await ZygoteHandle.start(SandboxConfig(), LAYERS, RUNTIME, numpy=numpy)\n"
        "        print(len(os.listdir(f'/proc/{zygote._process.pid}/task')), sorted(zygote.missing))\n"
        "        await zygote.close()\n"
        "asyncio.run(main())\n"
    )
    plain, numpy = run_as_nobody(copy, ["-c", code]).stdout.splitlines()
    assert plain == numpy
    assert numpy.startswith("1 ")
