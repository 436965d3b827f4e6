"""What all tests share: nobody's keys, nobody's run folders, no download of price maps."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from archive import search_index
from tests.kits.author_contexts import Desk
from tests.kits.bare_sandbox import write_runtime
from tests.kits.sandboxed_agents import House
from tests.kits.sqlite_pen import SqlitePen

if TYPE_CHECKING:  # Ray's modules are for those that use it
    from xdist.remote import Producer
    from xdist.scheduler import LoadFileScheduling

    from meta_search.evaluators.ray_pool import RayHost

# A busy machine draws slowly; that says nothing of the code.
settings.register_profile("busy", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("busy")

# Read when litellm and Ray are imported, by child processes too.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# Runs are salted and signed with a key of whoever runs them: the tests have their own, always the same.
STATE = Path(tempfile.mkdtemp(prefix="meta-search-tests-"))
(STATE / "meta-search").mkdir()
(STATE / "meta-search" / "key").touch(0o600)
(STATE / "meta-search" / "key").write_bytes(bytes(32))
atexit.register(shutil.rmtree, STATE, ignore_errors=True)
os.environ["XDG_STATE_HOME"] = str(STATE)
search_index.FOLDER = str(STATE / "search")  # indexes of the tests' archives, in place of the user's

ROOT = Path(__file__).parent.parent


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """`make test` shares the suite out to a few processes, file by file; all that starts Ray goes to one,
    so that there is one cluster."""
    from xdist.scheduler import LoadFileScheduling

    class OneCluster(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "ray" if "ray_cluster" in _text_of(file) or "mark.ray" in _text_of(file) else file

    return OneCluster(config, log)


@cache
def _text_of(file: str) -> str:
    return (ROOT / file).read_text()


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can spend the money of whoever runs it."""
    for name in list(os.environ):
        if name.endswith("_API_KEY"):
            monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, so that `runs/` is the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A sandbox for candidate code, with a scripted LLM."""
    with House() as house:
        yield house


@pytest.fixture
def desk(house: House) -> Desk:
    """What an author is handed, and what it does with it."""
    return Desk(house)


@pytest.fixture
def pen(tmp_path: Path) -> Iterator[SqlitePen]:
    """A ledger's database, which knows no archive."""
    pen = SqlitePen(tmp_path / "archive.db")
    yield pen
    pen.close()


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest runtime, in place of the agents' own."""
    return write_runtime(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """Ray on this machine, started once for the whole session."""
    from meta_search.config import RayConfig
    from meta_search.evaluators.ray_pool import start_ray, stop_ray

    start_ray(RayConfig())
    yield
    stop_ray()


@pytest.fixture(scope="module")
def host(ray_cluster: None) -> Iterator[RayHost]:
    """A host process with a gateway that echoes."""
    from meta_search.evaluators.ray_pool import RayHost
    from tests.kits.ray_stand_ins import Echo

    made = RayHost(Echo, "echo: ")
    yield made
    made.close()
