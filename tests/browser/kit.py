"""A browser that looks at the page: what it holds against it, and pictures of it."""

from __future__ import annotations

import functools
import importlib.resources
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENSHOTS = "META_SEARCH_SCREENSHOTS"
LEVELS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
WIDTHS = {1280: 860, 390: 844}
SLOW_MS = 60_000  # a bound on a busy machine, not a measure

# Fetches under way are counted before the page's own script runs.
COUNT_FETCHES = """
window.__asked = 0;
const fetch_ = window.fetch;
window.fetch = (...words) => {
  window.__asked += 1;
  return fetch_(...words).finally(() => { window.__asked -= 1; });
};
"""
# All is there: nothing stands in for an answer, nothing is asked for, and it was drawn.
SETTLED = """() => !document.querySelector(".skeleton") && document.querySelector("main")?.children.length > 0
  && !window.__asked"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
OVERFLOW = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const right = (element) => element.getBoundingClientRect().right;
  const keeps = (element) => element && element !== root
    && (getComputedStyle(element).overflowX !== "visible" || keeps(element.parentElement));
  const all = [...document.querySelectorAll("body *")];
  const wide = all.filter((e) => right(e) > root.clientWidth + 1 && !keeps(e.parentElement));
  return [root.scrollWidth - root.clientWidth, ...wide.slice(0, 5).map((e) => `${e.tagName}.${e.className}`)];
}"""


def why_not() -> str:
    """Why there is no browser here, or nothing."""
    if CHROMIUM is None:
        return "no chromium here: apt-get install chromium"
    if importlib.util.find_spec("playwright") is None:
        return "no Playwright here: pip install -e '.[dev]'"
    return ""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's chromium, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Its own sandbox needs user namespaces or a suid helper, which containers of CI lack.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Look:
    """One person's look at the page.

    Attributes:
        page: The browser's page.
        complaints: Errors and warnings of the console, exceptions, requests to elsewhere.
    """

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base.rstrip("/")
        self.complaints: list[str] = []
        self.allowed: tuple[str, ...] = ()
        page.set_default_timeout(SLOW_MS)
        page.add_init_script(COUNT_FETCHES)
        page.on("console", lambda said: said.type in ("error", "warning") and self._complain(said.text))
        page.on("pageerror", lambda error: self._complain(str(error)))
        page.on("request", lambda asked: self._see(asked.url))

    def _complain(self, text: str) -> None:
        if not any(word in text for word in self.allowed):
            self.complaints.append(text[:400])

    def _see(self, url: str) -> None:
        if not url.startswith((self.base, "data:", "blob:")):
            self.complaints.append(f"asks elsewhere: {url[:200]}")

    def go(self, place: str) -> None:
        """To a place of the page (`#/run/…`), and wait until all of it is there."""
        self.page.goto(f"{self.base}{'' if self.base.endswith('.html') else '/'}{place}")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is on its way."""
        self.page.wait_for_function(SETTLED)
        self.page.evaluate(DRAWN)
        self.page.wait_for_function(SETTLED)
        self.page.evaluate(DRAWN)

    def until(self, expression: str, before: str = "") -> None:
        """Wait until a JavaScript expression holds, which may name what was `before`."""
        self.page.wait_for_function(f"(before) => {expression}", arg=before)  # as a function: no eval

    def place(self) -> str:
        """Where the page is, as it stands in the address."""
        return str(self.page.evaluate("location.hash"))

    def text(self, selector: str = "main") -> str:
        return self.page.locator(selector).first.inner_text()

    def unfolded(self) -> Look:
        """With everything unfolded that can be."""
        self.page.evaluate("document.querySelectorAll('main details').forEach(one => one.open = true)")
        self.page.wait_for_timeout(100)  # what is unfolded is drawn by its own handler
        return self

    def overflow(self) -> list[Any]:
        """By how many pixels it is wider than the screen, and what sticks out; empty where nothing is."""
        return list(self.page.evaluate(OVERFLOW))

    def violations(self) -> list[str]:
        """What axe says against it, levels A and AA; run by the debugger, so that the policy stands."""
        self.page.evaluate(axe())
        found = self.page.evaluate(f"axe.run(document, {{runOnly: {json.dumps(LEVELS)}}})")
        return [
            f"{rule['id']}: {node['html'][:200]} | {node['failureSummary'][:300]}"
            for rule in found["violations"]
            for node in rule["nodes"][:3]
        ]

    def picture(self, name: str) -> None:
        """The whole page as PNG in the folder META_SEARCH_SCREENSHOTS, where that is set."""
        if folder := os.environ.get(SCREENSHOTS):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@functools.cache
def axe() -> str:
    """axe-core, and nothing as value: what a script ends with is sent to whoever evaluates it."""
    source = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js")
    return f"{source.read_text(encoding='utf-8')};0"


@contextmanager
def looking(
    browser: Browser, base: str, width: int = 1280, scheme: str = "light", offline: bool = False
) -> Iterator[Look]:
    """A look with a profile of its own.

    Args:
        browser: The browser.
        base: Address of the server, or of a file.
        width: Of the screen, in CSS pixels.
        scheme: What the system asks for: light or dark.
        offline: Without network.
    """
    height = WIDTHS.get(width, 860)
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        offline=offline,
        has_touch=width < 500,
    )
    try:
        yield Look(context.new_page(), base)
    finally:
        context.close()


def named(text: str, words: Sequence[str]) -> list[str]:
    """Which of these words a text lacks."""
    return [word for word in words if not re.search(re.escape(word), text, re.IGNORECASE)]
