"""report.html: self-contained, whole, and deaf to what models write into it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from meta_search.dashboard import contents, one_file
from meta_search.dashboard.one_file import write_report
from meta_search.report import sections
from meta_search.report.tables import agent_rows
from meta_search.report.verdict import archive_verdict
from meta_search.types import Attempt
from tests.kits.list_archive import HOSTILE, ListArchive, named_agent, searched_archive
from tests.kits.pages import page_answers, page_text, page_view
from tests.kits.stored import stored

SCRIPT = "console.log('</scr' + 'ipt>');"
INDEX = """<!doctype html>
<html lang="en"><head><meta name="csp-nonce" content="__NONCE__"><title>meta-search</title>
<link rel="stylesheet" href="app.css"></head>
<body><div id="page"></div><noscript>Needs JavaScript.</noscript><script src="app.js"></script></body></html>
"""


class Page(HTMLParser):
    """Tags, and the text outside scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in = tag if tag in ("script", "style") else ""
        for name, found in (("script", self.scripts), ("style", self.styles)):
            if tag == name:
                found.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if not self._in:
            self.text += data
        else:
            found = self.scripts if self._in == "script" else self.styles
            found[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build of three lines in place of the page's own."""
    files = {"index.html": INDEX, "app.js": SCRIPT, "app.css": "body { margin: 0 }"}
    monkeypatch.setattr(one_file, "_built", files.__getitem__)


@pytest.fixture(scope="module")
def run() -> ListArchive:
    return searched_archive()


@pytest.fixture(scope="module")
def archive(run: ListArchive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return stored(run, tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def path(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_report(archive, None, tmp_path_factory.mktemp("run") / "report.html", "run <7>")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]  # no half-written file is left
    return path


def test_the_page_says_the_verdict_and_holds_every_part(path: Path, archive: Archive) -> None:
    found, plain = archive_verdict(archive), Page(path.read_text(encoding="utf-8"))
    assert found.sentence in plain.text  # for readers without JavaScript too
    assert found.cost in plain.text
    assert "run <7>" in plain.text
    rows = [[cell.strip() for cell in row] for row in _rows(path.read_text(encoding="utf-8"))]
    assert [row[1] for row in rows] == ["finalist", "finalist", "baseline", "baseline", "baseline"]
    told = page_view(path, "overview")
    assert told["verdict"] == found.sentence
    assert found.cost in told["notes"]
    assert [row["role"] for row in told["tested"]] == ["finalist"] * 2 + ["baseline"] * 3
    assert told["totals"]["duration"] == "1:15:24"
    assert told["attempts"]["total"] == 14
    views = {re.sub(r"^/api/run/[^/]+/|\?.*|/.*", "", p) for p in page_answers(path) if p != "/api/runs"}
    assert views >= {"overview", "progress", "now", "lanes", "lineage", "guide", "events", "niches"}


def _rows(page: str) -> list[list[str]]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.findall(r"<td>(.*?)</td>", row) for row in body.splitlines() if row]


@pytest.mark.usefixtures("built")
def test_the_page_loads_nothing_and_runs_no_script_but_its_own(archive: Archive, tmp_path: Path) -> None:
    path = write_report(archive, None, tmp_path / "report.html", HOSTILE)
    page = Page(path.read_text(encoding="utf-8"))
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "img", "object", "base")
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv")) or ""
    assert page.tags[2][1].get("http-equiv") == "Content-Security-Policy"  # before anything it rules
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    data, script = page.all("script")
    assert data == {"type": "application/octet-stream", "id": "run-data"}
    assert script == {}
    for kind, text in (("script", page.scripts[1]), ("style", page.styles[0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    (nonce,) = [m["content"] for m in page.all("meta") if m.get("name") == "csp-nonce"]
    assert f"'nonce-{nonce}'" in policy
    assert len(str(nonce)) > 20
    other = write_report(archive, None, tmp_path / "other.html").read_text(encoding="utf-8")
    assert str(nonce) not in other


@pytest.mark.usefixtures("built")
def test_nothing_that_a_model_wrote_becomes_markup(archive: Archive, tmp_path: Path) -> None:
    path = write_report(archive, None, tmp_path / "report.html", HOSTILE)
    source = path.read_text(encoding="utf-8")
    assert "<script>alert" not in source
    assert "<img" not in source
    assert "\x1b" not in source
    assert "\u202e" not in source
    assert "<script>alert(1)</script>" in page_text(path)  # as text
    assert "\u202e" not in page_text(path)
    assert "\x1b" not in page_text(path)


@pytest.mark.usefixtures("built")
def test_a_script_that_would_end_its_element_does_not(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"index.html": INDEX, "app.js": "const end = '</script>';", "app.css": ""}
    monkeypatch.setattr(one_file, "_built", files.__getitem__)
    page = Page(write_report(archive, None, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.scripts[1] == "const end = '<\\/script>';"


def test_without_a_build_the_plain_part_is_shown(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_file, "_built", lambda name: "")
    source = write_report(archive, None, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<noscript>" not in source
    assert archive_verdict(archive).sentence in Page(source).text


def test_the_configuration_is_shown_without_secrets(path: Path) -> None:
    config = page_view(path, "overview")["config"]
    assert "seed: 3" in config
    assert "hunter2" not in page_text(path)
    assert "sk-123" not in page_text(path)


def test_progress_never_falls_and_marks_what_became_of_each(path: Path, run: ListArchive) -> None:
    found = page_view(path, "progress")
    corrected = [step["corrected"] for step in found["steps"]]
    assert corrected == sorted(corrected)
    assert {m["fate"] for m in found["marks"]} >= {"seed", "better", "not better", "stopped early"}
    assert len(found["marks"]) == len(run.records)
    complete = [m for m in found["marks"] if m["complete"]]
    front = sorted((m["tokens_per_item"], m["score"]) for m in complete if m["on_front"])
    assert [score for _, score in front] == sorted(score for _, score in front)
    assert found["best_seed"]["selection"] is True


def test_failed_attempts_are_summed_by_stage() -> None:
    failed = [Attempt(i, "llm", "mutate", "check", "no forward") for i in range(3)]
    failed += [Attempt(9, "llm", "novel", "dry_run", "NameError"), Attempt(9, "llm", "novel", "check", "odd")]
    failed.append(Attempt(10, "composer", "novel", "duplicate", "is 15e493b0be9bb466"))
    first, second, third = sections.attempts(failed, {"15e493b0be9bb466": "direct"})
    assert (first["stage"], first["count"], first["messages"][0]) == ("check", 4, ("no forward", 3))
    assert (second["stage"], second["count"]) == ("dry_run", 1)
    assert third["messages"] == [("is the same as «direct»", 1)]  # a name, not an id


def test_an_empty_archive_and_a_run_without_test_make_a_page(tmp_path: Path) -> None:
    empty = write_report(stored(ListArchive(), tmp_path / "a"), None, tmp_path / "a.html")
    assert page_view(empty, "overview")["counts"]["agents"] == 0
    assert "Nothing has been evaluated on the test items yet." in page_text(empty)
    young = ListArchive()
    young.add(named_agent("seed", 1), {"train": [1, 0]}, operator="seed", status="seed")
    young.add(named_agent("\ud800 lone", 2), {}, parents=("0" * 16,))
    page = write_report(stored(young, tmp_path / "b"), None, tmp_path / "b.html")
    assert page_view(page, "overview")["verdict"] is None
    assert "no test yet: selection scores, not the result" in page_text(page)
    assert [node["name"] for node in page_view(page, "lineage")["nodes"]] == ["seed", "? lone"]


@pytest.mark.slow
def test_what_has_no_room_is_left_out_and_said(archive: Archive, tmp_path: Path) -> None:
    whole = write_report(archive, None, tmp_path / "whole.html")
    small = write_report(archive, None, tmp_path / "small.html", room=4_000)
    assert small.stat().st_size < whole.stat().st_size
    assert page_answers(small).keys() < page_answers(whole).keys()
    assert "had no room in this file" in page_text(small)
    assert "had no room in this file" not in page_text(whole)
    told = page_view(small, "overview")
    assert told["verdict"] == page_view(whole, "overview")["verdict"]
    assert "had no room in this file" in told["notes"][-1]


def test_a_page_is_written_whole_or_not_at_all(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text("before")

    def fails(*args: Any) -> Any:
        raise OSError("no room")

    monkeypatch.setattr(one_file, "packed", fails)
    with pytest.raises(OSError, match="no room"):
        write_report(archive, None, path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_real_archive_says_the_same(archive: Archive, run: ListArchive) -> None:
    """The Protocol is what `archive` offers: a run written to SQLite makes the same rows and verdict."""
    assert archive_verdict(archive) == archive_verdict(run)
    scores = {r["agent"]: (r["score"], r["parents"]) for r in agent_rows(run)}
    assert {r["agent"]: (r["score"], r["parents"]) for r in agent_rows(archive)} == scores


def test_who_is_shown_one_by_one(archive: Archive, run: ListArchive) -> None:
    shown = contents.shown_agents(archive)
    assert archive.best() is not None
    assert shown[0] == archive.best().agent.id  # type: ignore[union-attr]
    seeds = {r.agent.id for r in run.records if r.operator == "seed"}
    assert seeds <= set(shown)


def test_a_path_is_what_the_page_asks_for() -> None:
    page = contents.Page("item", "a b/ü", {"split": "train", "agent": "0f"})
    assert page.path("my run (2)") == "/api/run/my%20run%20(2)/item/a%20b%2F%C3%BC?agent=0f&split=train"


def test_a_hostile_run_packs_to_json_that_browsers_take(tmp_path: Path) -> None:
    run = ListArchive()
    made = named_agent("wrong", body="return 'x'")
    run.add(made, {"train": [0.0] * 4}, 10, author=HOSTILE, operator=HOSTILE, generation=1, thought=HOSTILE)
    rows = run.item_results[made.id, "train"]
    run.item_results[made.id, "train"] = [
        replace(r, answer=HOSTILE, feedback=f"{HOSTILE}\nmissing: field {n}") for n, r in enumerate(rows)
    ]
    run.values["config"] = {HOSTILE: {HOSTILE: [HOSTILE]}, "x": {"api_key": "sk-1"}}
    path = write_report(stored(run, tmp_path), None, tmp_path / "report.html")
    source = path.read_text(encoding="utf-8")
    assert "<img" not in source
    assert "\x1b" not in source
    assert "sk-1" not in page_text(path)
    text = json.dumps(page_answers(path), allow_nan=False)  # NaN is no JSON
    assert "sk-1" not in text
