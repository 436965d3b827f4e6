"""Every view, of a run that is done and of one that goes on: whole, quiet and reachable on all screens."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archive.records import Archive
from meta_search.dashboard.one_file import write_report
from tests.browser.conftest import Served
from tests.browser.kit import WIDTHS, Look, looking
from tests.browser.places import places
from tests.kits.pages import page_answers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
SCREENS = [(width, scheme) for width in WIDTHS for scheme in ("light", "dark")]


def _examined(look: Look, where: Mapping[str, str], prefix: str, width: int, scheme: str) -> list[str]:
    """What is wrong with these views on this screen, with a picture of each."""
    wrong = []
    for name, place in where.items():
        look.go(place)
        look.picture(f"{prefix}-{name}-{scheme}-{width}")
        for what, found in (
            ("overflow", look.overflow()),
            ("axe", look.violations()),
            ("console", look.complaints[:5]),
            ("unfolded, overflow", look.unfolded().overflow()),
        ):
            wrong += [f"{name}: {what} {found}"] if found else []
        look.complaints.clear()
        if not look.page.locator("main h1, main h2").count():
            wrong.append(f"{name}: has no heading: {look.text()[:100]}")
        if error := look.page.locator(".error").all_inner_texts():
            wrong.append(f"{name}: says {error}")
    return wrong


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_every_view_of_a_recorded_run(browser: Browser, recorded: Served, width: int, scheme: str) -> None:
    where = places(recorded.client.get, others=("evening",))
    with looking(browser, recorded.base, width, scheme) as look:
        assert _examined(look, where, "recorded", width, scheme) == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_view_of_a_search_that_goes_on(browser: Browser, live: Served, width: int, scheme: str) -> None:
    token = {"Authorization": f"Bearer {live.client.access.token}"}
    where = places(lambda path: live.client.get(path, **token), others=("other/run",))
    with looking(browser, live.base, width, scheme) as look:
        look.page.goto(live.link)
        look.page.locator("table").first.wait_for()
        assert _examined(look, where, "live", width, scheme) == []
        look.go(where["overview"])
        assert look.text(".link") == "live"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_every_view_of_a_file_without_network(
    browser: Browser, recorded: Served, tmp_path: Path, width: int, scheme: str
) -> None:
    run = shutil.copytree(recorded.folder / "run", tmp_path / "run")
    page = run / "report.html"
    with Archive(run) as archive:
        write_report(archive, None, page)
    answers = page_answers(page)
    (name,) = {path.split("/")[3] for path in answers if path.startswith("/api/run/")}

    @cache
    def get(path: str) -> Any:
        return next(answer for key, answer in answers.items() if key.split("?")[0] == path)

    with looking(browser, page.as_uri(), width, scheme, offline=True) as look:
        assert _examined(look, places(get, run=name), "file", width, scheme) == []


def test_a_server_that_goes_away_and_comes_back(browser: Browser, recorded: Served) -> None:
    from tests.kits.dashboards import serving

    with looking(browser, "") as look:
        with serving(recorded.folder) as client:
            look.base = f"http://127.0.0.1:{client.port}"
            look.go("#/run/run/overview")
            assert look.page.locator(".link").count() == 0
        look.allowed = ("Failed to load resource", "ERR_")
        lost = look.page.get_by_text("connection lost, trying again")
        lost.wait_for()
        assert lost.get_attribute("role") == "status"
        with serving(recorded.folder, port=client.port):
            lost.wait_for(state="detached")
            look.page.keyboard.press("g")
            look.page.keyboard.press("a")
            look.settle()
            assert "agents. Scores are of the train items" in look.text()
        assert look.complaints == []
