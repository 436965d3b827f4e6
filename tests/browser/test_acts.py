"""What a person does on the page: find, sort, follow links, go back, compare, read, diff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Served
from tests.browser.kit import Look, looking
from tests.browser.places import places

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
ROWS = ".x-rows tbody tr[data-index]"


@pytest.fixture
def look(browser: Browser, recorded: Served) -> Iterator[Look]:
    """A look at the recorded run; nothing in the console at its end."""
    with looking(browser, recorded.base) as found:
        yield found
        assert found.complaints == []


@pytest.fixture(scope="module")
def where(recorded: Served) -> Mapping[str, str]:
    return places(recorded.client.get, others=("evening",))


def _names(look: Look) -> list[str]:
    return [str(name) for name in look.page.locator(f"{ROWS} td:first-child a").all_inner_texts()]


def test_runs_are_searched_and_compared(look: Look) -> None:
    look.go("#/")
    look.page.keyboard.press("/")
    look.page.keyboard.type("evening")
    look.until("document.querySelectorAll('tbody tr').length === 1")
    look.page.keyboard.press("Escape")
    look.until("document.querySelectorAll('tbody tr').length === 2")
    for box in look.page.locator("tbody input[type=checkbox]").all():
        box.check()
    look.page.get_by_role("button", name="Compare", exact=True).click()
    look.page.get_by_role("heading", name="Compare 2 runs").wait_for()
    look.settle()
    assert look.page.locator("h2", has_text="Best so far over paid calls").count() == 1
    look.page.locator("label", has_text="tokens").first.click()
    look.page.locator("h2", has_text="tokens").wait_for()


def test_agents_are_sorted_filtered_and_opened(look: Look, where: Mapping[str, str]) -> None:
    look.go(where["agents"])
    by_score = _names(look)
    assert len(by_score) == 11
    look.page.get_by_role("button", name="agent", exact=True).click()
    look.until("location.hash.includes('sort=name')")
    look.settle()
    assert _names(look) == sorted(by_score, key=str.lower)
    look.page.go_back()
    look.until("!location.hash.includes('sort=')")
    look.settle()
    assert _names(look) == by_score
    look.page.go_forward()
    look.until("location.hash.includes('sort=name')")
    look.page.keyboard.press("/")
    look.page.keyboard.type("chain")
    look.until(f"document.querySelectorAll('{ROWS}').length === 2")
    assert all("chain" in name for name in _names(look))
    look.page.keyboard.press("Escape")
    look.page.keyboard.press("Escape")
    look.until(f"document.querySelectorAll('{ROWS}').length === 11")
    look.page.locator("label", has_text="operator").locator("select").select_option("seed")
    look.until(f"document.querySelectorAll('{ROWS}').length === 3")
    look.page.locator("body").click(position={"x": 5, "y": 400})
    look.page.keyboard.press("j")
    look.page.keyboard.press("Enter")
    look.page.locator(".x-head h1").wait_for()
    assert "seed" in look.text(".x-head")


def test_columns_are_chosen_and_remembered(look: Look, where: Mapping[str, str]) -> None:
    look.go(where["agents"])
    look.page.locator("summary", has_text="Columns").click()
    look.page.locator("label", has_text="lines of code").locator("input").check()
    assert look.page.locator("th", has_text="lines of code").count() == 1
    look.go(where["overview"])
    look.go(where["agents"])
    assert look.page.locator("th", has_text="lines of code").count() == 1


def test_keys_go_from_view_to_view(look: Look, where: Mapping[str, str]) -> None:
    look.go(where["overview"])
    for letter, view in (("a", "agents"), ("l", "lineage"), ("n", "niches"), ("i", "items"), ("e", "log")):
        look.page.keyboard.press("g")
        look.page.keyboard.press(letter)
        look.until(f"location.hash.includes('/{view}')")
    look.page.go_back()
    look.until("location.hash.includes('/items')")
    look.page.keyboard.press("?")
    look.page.get_by_role("dialog", name="Keys").wait_for()
    assert look.violations() == []
    look.page.keyboard.press("Escape")
    look.page.get_by_role("dialog", name="Keys").wait_for(state="detached")


def test_an_item_is_read_call_by_call(look: Look, where: Mapping[str, str]) -> None:
    look.go(where["items"])
    look.page.locator(".matrix .cell").nth(3).click()
    drawer = look.page.get_by_role("dialog")
    drawer.locator(".transcript").wait_for()
    assert "How many are that?" in drawer.inner_text()
    item = look.page.locator(".drawer h2").inner_text()
    look.page.keyboard.press("j")
    look.until("document.querySelector('.drawer h2').innerText !== before", item)
    look.page.go_back()
    look.page.get_by_role("dialog").wait_for(state="detached")
    look.go(where["drawer"])
    find = look.page.get_by_label("Find in transcript")
    find.fill("loaves")
    look.page.locator(".transcript mark").first.wait_for()
    assert "1 of" in look.text(".transcript-found")
    find.press("Escape")
    look.page.keyboard.press("Escape")
    look.page.get_by_role("dialog").wait_for(state="detached")


def test_versions_are_compared(look: Look, where: Mapping[str, str]) -> None:
    look.go(where["diff"])
    look.page.locator(".cm-mergeView").wait_for()
    assert "lines added" in look.text() or "line added" in look.text()
    look.page.get_by_role("button", name="Next change").click()
    assert "cm-content" in str(look.page.evaluate("document.activeElement.className"))
    card = look.page.locator(".card", has=look.page.locator("h2", has_text="Item by item"))
    assert "p = " in card.inner_text()
    card.locator("label", has_text="tied").first.click()
    assert card.locator("tbody tr").count() == card.locator(".x-tied").count()
    before = look.place()
    look.page.get_by_role("link", name="Swap").click()
    look.until("location.hash !== before", before)
    look.settle()
    look.page.locator("label", has_text="or find another").locator("input").fill("chain")
    look.page.locator(".x-found button").first.click()
    look.page.locator("h2", has_text="Item by item against chain_of_thought").wait_for()


def test_the_log_is_searched_and_opened(look: Look, where: Mapping[str, str]) -> None:
    look.go(where["log"])
    look.page.get_by_role("button", name="brief asked").click()
    look.until("location.hash.includes('kind=')")
    look.settle()
    assert set(look.page.locator(".log-kind").all_inner_texts()) == {"brief asked"}
    look.page.locator(".log-row button", has_text="data").first.click()
    look.page.locator(".log-data").wait_for()


def test_the_run_is_searched_in_full_text(look: Look, where: Mapping[str, str]) -> None:
    look.go(where["overview"])
    look.page.keyboard.press("s")
    dialog = look.page.get_by_role("dialog", name="Search the run")
    dialog.locator("input").fill("arithmetic")
    dialog.locator(".found a").first.wait_for()
    assert look.violations() == []
    look.page.keyboard.press("Enter")
    look.until("location.hash.includes('agent=')")


def test_niches_on_other_axes_are_a_link(look: Look, where: Mapping[str, str]) -> None:
    look.go(where["niches"])
    look.page.locator("label", has_text="across").locator("select").select_option("author")
    look.until("location.hash.includes('x=author')")
    look.settle()
    look.page.locator(".x-niche a").first.click()
    look.page.locator(".x-head h1").wait_for()
    look.page.go_back()
    look.page.locator(".x-niche a").first.wait_for()
    assert "x=author" in look.place()


def test_colours_are_chosen_and_remembered(look: Look, where: Mapping[str, str]) -> None:
    look.go(where["overview"])
    look.page.get_by_role("button", name="Colours: system").click()
    look.page.get_by_role("button", name="Colours: light").click()
    look.go(where["agents"])
    look.page.get_by_role("button", name="Colours: dark").wait_for()
