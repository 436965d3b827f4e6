"""The commands on real searches: one against a scripted endpoint, one with the embedded 0.5B model."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.errors import ModelFileError
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below
from tests.kits.pages import page_view
from tests.kits.searches import overrides, write_table

ROW = ["name", "agent", "score", "low", "high", "items", "calls", "tokens", "cost_usd", "seconds", "outcomes"]
SOURCE = "class Agent:\n    def forward(self, taskInfo):\n        return str(eval('1 + 1'))\n"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, CountingEndpoint, list[str]]]:
    """A folder in which a search was run to its end, its endpoint, and the overrides that name both."""
    folder = tmp_path_factory.mktemp("searched")
    pairs = [(a, b) for a in range(3, 15) for b in range(20, 28)]
    write_table(folder / "sums.csv", ((f"What is {a} + {b}?", str(a + b)) for a, b in pairs))
    with pytest.MonkeyPatch.context() as patch, CountingEndpoint(adds_below(99)) as endpoint:
        patch.chdir(folder)
        words = overrides("sums.csv", endpoint, "evaluate.items=6", "evaluate.test_items=6")
        status = cli.main(
            [
                "run",
                *words,
                "search.candidates=2",
                "search.seeds=[direct,chain_of_thought]",
                "author=composer",
            ]
        )
        assert status == 0
        yield folder, endpoint, words


def test_a_search_leaves_a_run_that_can_be_looked_through(
    searched: tuple[Path, CountingEndpoint, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, endpoint, _ = searched
    monkeypatch.chdir(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["runs", "sums.csv"]  # nothing of Hydra's
    assert cli.main(["archive", "list", "latest", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"direct", "chain_of_thought"} < {row["name"] for row in rows}
    assert max(row["score"] for row in rows) == 1.0
    assert max(row["test"] or 0.0 for row in rows) == 1.0
    (run,) = (folder / "runs").iterdir()
    assert {"archive.db", "config.json", "report.html"} <= {path.name for path in run.iterdir()}
    assert page_view(run / "report.html", "overview")["run"]["state"] == "done"
    with sqlite3.connect(run / "archive.db") as database:
        (ledger,) = database.execute("SELECT COUNT(*) FROM calls").fetchone()
    assert 0 < ledger <= endpoint.calls
    assert len(meta_search.open_run(run)) == len(rows)


def test_resuming_a_finished_run_sends_nothing_again(
    searched: tuple[Path, CountingEndpoint, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, endpoint, _ = searched
    monkeypatch.chdir(folder)
    before = endpoint.calls
    assert cli.main(["resume", "latest", "budget.wall_s=600"]) == 0
    assert endpoint.calls <= before + 1  # the check that the endpoint answers
    assert cli.main(["resume", "latest", "seed=3"]) == 2


def test_evaluate_a_file_and_a_run(
    searched: tuple[Path, CountingEndpoint, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _, words = searched
    monkeypatch.chdir(folder)
    Path("mine.py").write_text(SOURCE)
    assert cli.main(["evaluate", "mine.py", *words, "--json", "rows.json"]) == 0
    (row,) = json.loads(Path("rows.json").read_text())
    assert set(ROW) <= row.keys()
    assert (row["score"], row["items"], row["calls"]) == (0.0, 6, 0)
    assert sum(row["outcomes"].values()) == 6
    first = min((folder / "runs").iterdir(), key=lambda path: path.stat().st_mtime)
    rows = meta_search.evaluate(f"{first}:direct", *words)
    assert [(r["name"], r["score"]) for r in rows] == [("direct", 1.0)]


def test_report_and_export(
    searched: tuple[Path, CountingEndpoint, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, _, _ = searched
    monkeypatch.chdir(folder)
    run = str(min((folder / "runs").iterdir(), key=lambda path: path.stat().st_mtime))
    assert cli.main(["report", run]) == 0
    assert "fresh test items" in capsys.readouterr().out
    assert cli.main(["export", run, "--to", "best"]) == 0
    assert {"agent.py", "card.md", "run.py", "runtime"} <= {path.name for path in Path("best").iterdir()}


@pytest.mark.slow
@pytest.mark.model
def test_a_search_with_the_embedded_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At most three minutes of a real search; its evaluations are backed by calls in the ledger."""
    pytest.importorskip("xllamacpp")
    from meta_search.llm import models

    model = "qwen2.5-coder-0.5b"
    try:
        models.pull(model, progress=False)
    except ModelFileError as error:
        pytest.skip(f"the model cannot be had: {error}")
    status = cli.main(
        [
            "run", f"llm.meta.model={model}", f"llm.task.model={model}", "budget.wall_s=170",
            "search.seeds=[direct,program_of_thought]", "search.candidates=1", "author=composer",
            "evaluate.items=2", "evaluate.test_items=2", "domain.sizes.examples=4",
            "domain.sizes.validation=2", "domain.families=[chain_sum,letter_counting]", "llm.max_tokens=128",
        ]
    )  # fmt: skip
    shown = capsys.readouterr().out
    assert status == 0, shown
    assert "fresh test items" in shown
    archive = meta_search.open_run()
    records = archive.agents()
    assert sum("train" in record.evaluations for record in records) >= 3
    assert any(record.evaluations["test"].items == 2 for record in records if "test" in record.evaluations)
    used = sum(e.paid.calls for record in records for e in record.evaluations.values())
    assert 0 < used <= archive.usage()["task"].calls
