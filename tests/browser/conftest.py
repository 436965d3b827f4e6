"""Runs to look at, served by the real server: one that was recorded, and one that goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from meta_search.testing import CountingEndpoint
from tests.browser.kit import chromium, why_not
from tests.data import record_run
from tests.kits.answers import mind
from tests.kits.dashboards import Client, serving
from tests.kits.searches import command, mixed_search, questions

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FIRST_CALLS = 150  # after these some agents are evaluated


@dataclass(frozen=True)
class Served:
    """A folder of runs and its server; `link` is what the command would print."""

    folder: Path
    client: Client

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.client.port}"

    @property
    def link(self) -> str:
        token = self.client.access.token
        return f"{self.base}/?token={token}" if token else f"{self.base}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; a test without it is skipped, and says why."""
    if reason := why_not():
        pytest.skip(reason)
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The recorded run, and a second one to compare it with."""
    folder = tmp_path_factory.mktemp("recorded")
    record_run.unpack(folder, record_run.EARLIER)
    shutil.copytree(folder / "run", folder / "evening")
    with serving(folder) as client:
        yield Served(folder, client)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A search that goes on, in a process of its own, and may be steered by the page."""
    folder = tmp_path_factory.mktemp("live")
    with CountingEndpoint(mind, latency_s=0.1) as endpoint:
        words = mixed_search(questions(folder), endpoint.base_url, "run.dir=run", "search.candidates=2000")
        more = ("search.give_up_after=2000", "budget.calls=100000", "search.in_flight=2", "run.grace_s=5")
        process = command(folder, "run", *words, *more)
        try:
            endpoint.wait_for(FIRST_CALLS)
            record_run.unpack(folder / "other", record_run.EARLIER)
            with serving(folder, steer=True) as client:
                yield Served(folder, client)
        finally:
            process.kill()
            process.communicate()
