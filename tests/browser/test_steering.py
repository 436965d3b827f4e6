"""Steering by the page: every button, on a search that goes on, as its events tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import Served
from tests.browser.kit import Look, looking
from tests.kits.steering import agent_file

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
TAKEN = ".steer-asked li.taken"


@pytest.fixture
def look(browser: Browser, live: Served) -> Iterator[Look]:
    """Whoever follows the printed link."""
    with looking(browser, live.base) as found:
        found.page.goto(live.link)
        found.page.locator("tbody tr").first.wait_for()
        assert "token" not in found.page.url
        yield found
        assert found.complaints == []


def _get(live: Served, path: str) -> Any:
    return live.client.get(path, Authorization=f"Bearer {live.client.access.token}")


def _taken(look: Look, words: str) -> None:
    """Wait until the page says that the search took it in."""
    look.page.locator(TAKEN, has_text=words).last.wait_for()


def test_a_search_is_steered_from_pause_to_stop(look: Look, live: Served, tmp_path: Path) -> None:
    look.go("#/run/run/overview")
    button = look.page.get_by_role
    button("button", name="Pause", exact=True).click()
    _taken(look, "ause")
    button("button", name="Resume", exact=True).wait_for()
    look.until("document.querySelector('.top .state').innerText === 'paused'")
    assert look.violations() == []
    look.picture("steer-paused-light-1280")
    button("button", name="Resume", exact=True).click()
    button("button", name="Pause", exact=True).wait_for()

    button("button", name="Note", exact=True).click()
    look.page.locator("textarea").fill("Products need two steps.")
    button("button", name="Send the note").click()
    _taken(look, "Products need two steps.")

    button("button", name="Limits", exact=True).click()
    look.page.locator("label", has_text="Limit").locator("select").select_option("budget.calls")
    look.page.get_by_label("New value").fill("90000")
    button("button", name="Set", exact=True).click()
    _taken(look, "90")

    button("button", name="Add an agent").click()
    look.page.locator("input[type=file]").set_input_files(agent_file(tmp_path))
    look.until("document.querySelector('textarea.code').value.includes('def forward')")
    assert look.violations() == []
    look.picture("steer-add-light-1280")
    button("button", name="Add it to the race").click()
    _taken(look, "mine")

    rows = _get(live, "/api/run/run/agents?limit=50")["rows"]
    first, second = [row["agent"] for row in rows if row["fate"] != "seed"][:2]
    look.go(f"#/run/run/agent?agent={first}")
    button("button", name="Focus", exact=True).click()
    _taken(look, "ocus")
    look.go(f"#/run/run/agent?agent={second}")
    button("button", name="Drop…").click()
    button("button", name="Drop it").click()
    _taken(look, "rop")

    look.go("#/run/run/log?kind=steer")
    steered = _get(live, "/api/run/run/events?kind=steer&limit=50")["rows"]
    assert {row["data"]["command"] for row in steered} == {
        *("pause", "resume", "note", "limit", "add", "focus", "drop"),
    }
    assert look.page.locator(".log-row.log-steer").count() == len(steered)
    look.picture("steer-log-light-1280")

    look.go("#/run/run/overview")
    button("button", name="Stop and report…").click()
    button("button", name="Stop and report", exact=True).click()
    look.until("!['searching', 'paused'].includes(document.querySelector('.top .state').innerText)")
    button("button", name="Pause", exact=True).wait_for(
        state="detached"
    )  # the table of runs hears of it later


def test_a_refusal_is_one_line(look: Look, live: Served) -> None:
    """On a run that is done, nothing is offered; a request all the same is refused in words."""
    look.go("#/run/other%2Frun/overview")
    assert look.page.locator(".steer").count() == 0
    answer = live.client.ask(
        "/api/run/other/run/steer",
        "POST",
        {"command": "pause"},
        Authorization=f"Bearer {live.client.access.token}",
    )
    assert answer.status >= 400
    assert answer.error
