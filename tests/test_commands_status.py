"""`meta-search status` on a run that goes on in another process, and what its log says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from archive.records import Archive
from archive.store import Store
from meta_search import cli
from meta_search.commands import watching
from meta_search.commands.search import failures_logged
from meta_search.errors import ConfigError
from meta_search.report.live import render
from meta_search.testing import CountingEndpoint
from meta_search.types import Agent, Brief, Candidate, Evaluation, ItemResult, Usage
from tests.kits import sums
from tests.kits.answers import adds_below

VOTER = Agent.of("Voter\x1b[31m", "def forward(self, taskInfo):\n    return 'a'\n")


def evaluated(store: Store) -> None:
    rows = [ItemResult(VOTER.id, "train", f"i{n}", 0, "ok", score=1.0, used=Usage(1, 5)) for n in range(4)]
    store.add_candidate(Candidate(VOTER, Brief(0, "novel", "llm")), "population")
    store.add_results(rows)
    store.put_evaluation(Evaluation.of(VOTER.id, "train", rows)).result()


def test_a_run_that_goes_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    brief = Brief(7, "mutate", "llm").to_json()
    with Store.open(folder / "runs/one/archive.db") as store:
        evaluated(store)
        store.set_meta("config", {"budget": {"calls": 10, "usd": None}})
        store.set_meta("elapsed_s", 60.0)
        store.add_events([("ask", {**brief, "brief": brief["number"]})])
        store.add_events([("race", {"agent": VOTER.id, "split": "train", "to": 8})]).result()
        assert cli.main(["status", "--json"]) == 0
        row = json.loads(capsys.readouterr().out)
        assert (row["status"], row["agents"], row["evaluated"], row["elapsed_s"]) == ("running", 1, 1, 60.0)
        assert row["limits"] == {"usd": None, "tokens": None, "calls": 10.0, "wall_s": None}
        assert (row["best"]["agent"], row["best"]["score"], row["best"]["split"]) == (VOTER.id, 1.0, "train")
        assert row["in_flight"] == [
            "brief 7: llm writes by mutate",
            "Voter [31m: 4 of 4 train items",
        ]
        assert cli.main(["status"]) == 0
        shown = capsys.readouterr().out
        assert "best so far: Voter" in shown
        assert "not the result" in shown
        assert "brief 7: llm writes by mutate" in shown
        assert "\x1b" not in shown
        for width in (60, 80, 120):
            look = watching.Look(folder / "runs/one", Archive(folder / "runs/one"))
            place = Console(width=width, height=30)
            with place.capture() as captured:
                place.print(render(look.snapshot(), look.messages(), place))
            lines = captured.get().splitlines()
            assert all(len(line) <= width for line in lines)
            assert any("Voter" in line for line in lines)
    look = watching.Look(folder / "runs/one", Archive(folder / "runs/one"))
    assert look.ended
    assert look.snapshot().phase == "killed"


def test_watch_follows_another_process_to_its_end(folder: Path, root: Path) -> None:
    """Started while a search runs, it prints lines where there is no terminal, and ends with the search."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-m", "meta_search", "status", "run", "--watch", "--json"]
    with Store.open(folder / "run/archive.db") as store:
        evaluated(store)
        watcher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert watcher.stdout is not None
        first = json.loads(watcher.stdout.readline())
        assert (first["status"], first["agents"]) == ("running", 1)
        store.set_meta("status", "done").result()
    out, _ = watcher.communicate(timeout=60)
    last = json.loads(out.splitlines()[-1])
    assert last["status"] == "done"
    assert watcher.returncode == 0


def test_a_copy_of_a_finished_run_is_not_waited_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(folder / "run/archive.db") as store:
        evaluated(store)
        store.set_meta("status", "done").result()
    (folder / "run/archive.db.lock").unlink()
    ended = threading.Event()

    def watch() -> None:
        cli.main(["status", "run", "--watch"])
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    assert ended.wait(30)
    assert "done: 1 agent" in capsys.readouterr().out


def test_the_log_says_what_the_screen_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f'{{"question": "{r["question"]}", "answer": "{r["answer"]}"}}' for r in sums.rows()]
    (folder / "sums.jsonl").write_text("\n".join(rows))
    with CountingEndpoint(adds_below(12)) as endpoint:
        words = ["domain=table", "domain.path=sums.jsonl", *sums.short(endpoint, "run.dir=run")]
        assert cli.main(["run", *words, "run.confirm=false"]) == 0
        screen = capsys.readouterr().out
        log = (folder / "run/log.txt").read_text()
        told = " ".join(line.partition(" ")[2].strip() for line in log.splitlines() if line[2:3] == ":")
        plain = " ".join(told.split())
        assert "\x1b" not in log
        assert str(Archive(folder / "run").meta("verdict"))[:200] in plain  # as it was wrapped
        for line in screen.splitlines():
            stamped = line[2:3] == ":" and line[5:6] == ":"
            words_ = (line.partition(" ")[2] if stamped else line).split()
            # The first line names the folder before there is one; days have lines of their own.
            if words_ and words_[:2] != ["run", "folder:"] and not line.startswith("20"):
                assert " ".join(words_) in plain, line
        assert "archive show run" in plain


def test_an_error_that_ends_a_run_stands_in_its_log(folder: Path) -> None:
    with pytest.raises(ConfigError), failures_logged(folder, live=True):
        raise ConfigError("https://me:secret@host is away")
    log = (folder / "log.txt").read_text()
    assert "meta-search: https://***@host is away" in log
