"""The page: self-contained, whole, and deaf to what models write into it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search.report import figures, sections
from meta_search.report.html import write_report
from meta_search.report.tables import agent_rows
from meta_search.report.verdict import archive_verdict
from meta_search.types import Attempt, Brief, Candidate
from tests.kits.list_archive import HOSTILE, ListArchive, named_agent, searched_archive


class Page(HTMLParser):
    """Tags, ids, links and the text outside scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag in ("script", "style")
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if not self._in_script:
            self.text += data
        elif self.scripts:
            self.scripts[-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def figures(self) -> dict[str, Any]:
        return json.loads(self.scripts[0])  # type: ignore[no-any-return]


def test_the_most_frequent_fault_stands_beside_the_code(tmp_path: Path) -> None:
    archive = ListArchive()
    made = named_agent("breaks", body="return 1 / 0")
    archive.add(made, {"train": [0.0] * 4}, 10, author="llm", operator="novel", generation=1)
    rows = archive.item_results[made.id, "train"]
    detail = "ZeroDivisionError: division by zero (line 4 of agent.py)"
    archive.item_results[made.id, "train"] = [
        replace(r, kind="crash", detail=detail, answer="") if n else r for n, r in enumerate(rows)
    ]
    page = Page(write_report(archive, None, tmp_path / "report.html").read_text())
    assert "Most frequent fault: 3 of 4 items: crash: ZeroDivisionError: division by zero" in page.text
    assert "(line 4: `return 1 / 0`); the divisor may be 0: look first" in page.text


@pytest.fixture(scope="module")
def archive() -> ListArchive:
    return searched_archive()


@pytest.fixture(scope="module")
def source(archive: ListArchive, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = write_report(archive, None, tmp_path_factory.mktemp("run") / "report.html", "run <7>")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]  # no half-written file is left
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


def test_the_page_says_the_verdict_and_shows_every_part(page: Page, archive: ListArchive) -> None:
    found = archive_verdict(archive)
    assert found.sentence in page.text
    assert found.cost in page.text
    for title in ("Finalists and baselines", "Progress", "Which briefs paid", "Failed attempts"):
        assert title in page.text
    assert page.text.count("finalist") >= 4
    assert "run <7>" in page.text
    assert "1,120,000" in page.text  # tokens paid
    assert "1:15:24" in page.text


def test_the_page_loads_nothing(page: Page) -> None:
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "img", "object", "base")
        assert "src" not in attributes
        href = attributes.get("href")
        assert href is None or href.startswith("#")
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy


def test_every_link_leads_somewhere(page: Page, archive: ListArchive) -> None:
    ids = [a["id"] for _, a in page.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    links = {(a["href"] or "")[1:] for a in page.all("a")}
    assert links <= set(ids)
    child = archive.records[-1]
    assert f"a-{child.parents[0]}" in links


def test_nothing_that_a_model_wrote_becomes_markup(page: Page, source: str) -> None:
    nonce = re.search(r"'nonce-([\w-]+)'", source)
    assert nonce is not None
    scripts = page.all("script")
    assert len(scripts) == 3
    assert all(s.get("nonce") == nonce[1] or s.get("type") == "application/json" for s in scripts)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in source
    assert "\u202e" not in source
    hovers = [t for trace in page.figures["scatter"]["data"] for t in trace.get("text", ())]
    assert any("&lt;script&gt;" in t for t in hovers)
    assert not any("<script" in t or "<img" in t for t in hovers)


def test_code_is_shown_whole_with_its_demonstrations(page: Page, archive: ListArchive) -> None:
    best = archive.records[-1].agent
    assert best.source.strip() in page.text
    assert "What is 2 + 3?" in page.text
    assert json.dumps(best.values) in page.text
    assert len([d for d in page.all("details") if (d.get("id") or "").startswith("c-")]) == 6


def test_the_configuration_is_shown_without_secrets(page: Page) -> None:
    assert '"seed": 3' in page.text
    assert "hunter2" not in page.text
    assert "sk-123" not in page.text


def test_the_scatter_marks_front_and_finalists(archive: ListArchive) -> None:
    rows = [r | {"seed": r["operator"] == "seed"} for r in agent_rows(archive) if r["complete"]]
    finalist = archive.records[-1].agent.id
    figure = figures.score_and_cost(rows, frozenset({finalist}), "train")
    named = {trace["name"]: trace for trace in figure["data"]}
    assert list(named) == ["Pareto front", "seed", "found", "finalist"]
    line = named["Pareto front"]
    assert line["x"] == sorted(line["x"])
    assert line["y"] == sorted(line["y"])
    assert named["finalist"]["customdata"] == [finalist]
    assert sum(len(t["x"]) for name, t in named.items() if name != "Pareto front") == len(rows)
    wide = [rows[0] | {"tokens": 30}, rows[1] | {"tokens": 30_000}]
    assert figures.score_and_cost(wide, frozenset(), "train")["layout"]["xaxis"]["type"] == "log"


def test_progress_never_falls_and_ignores_those_stopped_early(page: Page) -> None:
    figure = page.figures["progress"]
    line = figure["data"][0]
    assert line["y"] == sorted(line["y"])
    complete = [y for t in figure["data"][1:] if t["name"] != "stopped early" for y in t["y"]]
    assert line["y"][-1] == pytest.approx(max(complete))
    assert "stopped early" in {t["name"] for t in figure["data"]}
    by_time = figure["layout"]["updatemenus"][0]["buttons"][1]["args"][0]["x"]
    assert [len(x) for x in by_time] == [len(t["x"]) for t in figure["data"]]
    assert by_time[0][:3] == [0, 1, 2]  # minutes


def test_plotly_takes_the_figures(page: Page) -> None:
    objects = pytest.importorskip("plotly.graph_objects")
    for figure in page.figures.values():
        objects.Figure(figure)  # raises on an unknown property


def test_failed_attempts_are_summed_by_stage() -> None:
    failed = [Attempt(i, "llm", "mutate", "check", "no forward") for i in range(3)]
    failed += [Attempt(9, "llm", "novel", "dry_run", "NameError"), Attempt(9, "llm", "novel", "check", "odd")]
    failed.append(Attempt(10, "composer", "novel", "duplicate", "is 15e493b0be9bb466"))
    first, second, third = sections.attempts(failed, {"15e493b0be9bb466": "direct"})
    assert (first["stage"], first["count"], first["messages"][0]) == ("check", 4, ("no forward", 3))
    assert (second["stage"], second["count"]) == ("dry_run", 1)
    assert third["messages"] == [("is the same as «direct»", 1)]  # a name, not an id


def test_an_empty_archive_and_a_run_without_test_make_a_page(tmp_path: Path) -> None:
    text = Page(write_report(ListArchive(), None, tmp_path / "a.html").read_text(encoding="utf-8")).text
    assert "The archive has no agents yet." in text
    young = ListArchive()
    young.add(named_agent("seed", 1), {"train": [1, 0]}, operator="seed", status="seed")
    young.add(named_agent("\ud800 lone", 2), {}, parents=("0" * 16,))
    text = Page(write_report(young, None, tmp_path / "b.html").read_text(encoding="utf-8")).text
    assert "Nothing was evaluated on the test items" in text
    assert "not evaluated" in text


def test_a_large_archive_keeps_its_best(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("meta_search.report.html.AGENTS", 5)
    archive = searched_archive(hostile=False)
    page = Page(write_report(archive, None, tmp_path / "r.html").read_text(encoding="utf-8"))
    rows = [a for a in page.all("tr") if (a.get("id") or "").startswith("a-")]
    assert [a["id"] for a in rows] == [f"a-{r['agent']}" for r in agent_rows(archive)[:5]]
    assert "the best 5 of 27" in html.unescape(page.text)
    monkeypatch.setattr("meta_search.report.html.AGENTS", 500)
    whole = Page(write_report(archive, None, tmp_path / "all.html").read_text(encoding="utf-8"))
    assert page.figures["progress"] == whole.figures["progress"]  # the figures have them all
    assert page.figures["scatter"] == whole.figures["scatter"]
    assert re.search(r"The best \d+ of \d+ fully evaluated agents show", page.text)
    assert not re.search(r"The best \d+ of \d+ fully evaluated agents show", whole.text)


def test_a_real_archive_says_the_same(tmp_path: Path) -> None:
    """The Protocol is what `archive` offers: a run written to SQLite makes the same rows and verdict."""
    run = searched_archive(hostile=False)
    with Store.open(tmp_path / "archive.db") as store:
        for r in run.records:
            brief = r.brief or Brief(-1, r.operator, r.author)
            store.add_candidate(Candidate(r.agent, brief, r.thought, r.generation), r.status)
            for (agent, _), rows in run.item_results.items():
                if agent == r.agent.id:
                    store.add_results(rows)
            for evaluation in r.evaluations.values():
                store.put_evaluation(evaluation)
        for attempt in run.failed:
            store.add_attempt(attempt)
        store.set_meta("config", {"seed": 3})
    archive = Archive(tmp_path / "archive.db")
    assert archive_verdict(archive) == archive_verdict(run)
    scores = {r["agent"]: (r["score"], r["parents"]) for r in agent_rows(run)}
    assert {r["agent"]: (r["score"], r["parents"]) for r in agent_rows(archive)} == scores
    page = Page(write_report(archive, None, tmp_path / "report.html").read_text(encoding="utf-8"))
    assert archive_verdict(run).sentence in page.text
    assert '"seed": 3' in page.text


def test_the_page_shows_what_the_scorer_said_and_no_more_than_text(tmp_path: Path) -> None:
    archive = ListArchive()
    made = named_agent("wrong", body="return 'x'")
    archive.add(made, {"train": [0.0] * 40}, 10, author="llm", operator="novel", generation=1)
    rows = archive.item_results[made.id, "train"]
    archive.item_results[made.id, "train"] = [
        replace(r, answer=HOSTILE, feedback=f"{HOSTILE}\nmissing: field {n}") for n, r in enumerate(rows)
    ]
    source = write_report(archive, None, tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(source)
    assert "Wrong on 40 of 40 train results: what the scorer said" in page.text
    assert "missing: field 0" in page.text
    assert "missing: field 19" in page.text
    assert "missing: field 20" not in page.text
    assert "The 20 worst" in page.text
    assert "<img" not in source
    assert "\x1b" not in source
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
