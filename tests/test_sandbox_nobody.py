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
