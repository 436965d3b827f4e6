"""`meta-search export RUN --as optuna FILE`: the guide's studies as Optuna and its dashboard open them."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import optuna
import pytest

import meta_search
from archive.store import Store
from meta_search import cli
from meta_search.testing import CountingEndpoint
from meta_search.types import Brief, Candidate
from tests.kits import strangers, sums
from tests.kits.answers import adds_below

KIND = json.dumps({"name": "IntDistribution", "attributes": {"log": False, "step": 1, "low": 0, "high": 9}})


def opened(file: Path) -> dict[str, optuna.Study]:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))
    names = optuna.get_all_study_names(storage)
    return {name: optuna.load_study(study_name=name, storage=storage) for name in names}


@pytest.fixture
def made(folder: Path) -> Path:
    """A run whose guide tuned an agent: trials told, failed, under way, and one that makes no sense."""
    with Store.open(folder / "run/archive.db") as store:
        store.add_candidate(Candidate(strangers.CHILD, Brief(0, "tune", "composer")), "population")
        params = {"votes": 3, "_distributions": {"votes": KIND}, "_told": {"gain": 0.5}}
        store.add_trial("tuning/abc", 0, params, [0.75, 120.0], "complete", strangers.CHILD.id)
        store.add_trial("tuning/abc", 1, {**params, "votes": 4}, None, "fail", None)
        store.add_trial("tuning/abc", 3, {**params, "votes": 5}, None, "running", None)
        store.add_trial("tuning/abc", 4, {**params, "votes": 99}, [0.5, 10.0], "complete", "f" * 16)
        store.add_trial("odd/\x1b[31m", 0, {"x": 1, "_distributions": {"x": "{"}}, [0.1], "complete", None)
    return folder / "run"


def test_values_parameters_states_and_agents_are_there(
    made: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", str(made), "--as", "optuna", "out.journal"]) == 0
    assert "5 trials of 2 studies" in capsys.readouterr().out
    studies = opened(folder / "out.journal")
    study = studies["run/tuning/abc"]
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["score", "tokens per item"]
    told, failed, running, odd = study.trials
    assert (told.params, told.values, told.state.name) == ({"votes": 3}, [0.75, 120.0], "COMPLETE")
    assert told.user_attrs["agent"] == strangers.CHILD.id
    assert (told.user_attrs["agent name"], told.user_attrs["gain"]) == ("Voter", 0.5)
    assert told.distributions["votes"] == optuna.distributions.IntDistribution(0, 9)
    assert (failed.state.name, running.state.name, running.user_attrs["number"]) == ("FAIL", "RUNNING", 3)
    assert (odd.params, odd.user_attrs["param votes"]) == ({}, 99)  # out of its range: kept, not believed
    assert not any("\x1b" in name for name in studies)


def test_a_real_search_has_all_its_trials(folder: Path) -> None:
    with CountingEndpoint(adds_below(12)) as endpoint:
        meta_search.search(*sums.short(endpoint, "run.dir=run"), domain=sums.rows())
    assert cli.main(["export", "run", "--as", "optuna", "out.journal"]) == 0
    archive, studies = meta_search.open_run("run"), opened(folder / "out.journal")
    assert "run/briefs" in studies
    for name in archive.studies():
        ours, theirs = archive.trials(name), studies[f"run/{name}"].trials
        assert [t.values and tuple(t.values) for t in theirs] == [t.values for t in ours]
        assert [t.user_attrs.get("agent") for t in theirs] == [t.agent for t in ours]
        assert all(t.params for t in theirs if t.state.name == "COMPLETE")


def test_nothing_is_overwritten_and_errors_are_one_line(
    made: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "there").write_text("mine")
    for words in (["optuna", "there"], ["plotly", "new"]):
        assert cli.main(["export", str(made), "--as", *words]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["export", str(made), strangers.CHILD.id, "--as", "optuna", "new"]) == 2
    assert (folder / "there").read_text() == "mine"
    assert not (folder / "new").exists()


@pytest.mark.extras
def test_the_real_dashboard_serves_it(made: Path, folder: Path) -> None:
    program = Path(sys.executable).with_name("optuna-dashboard")
    if not (found := shutil.which(str(program)) or shutil.which("optuna-dashboard")):
        pytest.skip("optuna-dashboard is not installed")
    assert cli.main(["export", str(made), "--as", "optuna", "out.journal"]) == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [found, "out.journal", "--host", "127.0.0.1", "--port", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        url, until = f"http://127.0.0.1:{port}/api/studies", time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(url) as reply:
                    rows = json.load(reply)["study_summaries"]
                break
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.1)
        assert "run/tuning/abc" in [row["study_name"] for row in rows]
        number = next(row["study_id"] for row in rows if row["study_name"] == "run/tuning/abc")
        with urllib.request.urlopen(f"{url}/{number}") as reply:
            trials = json.load(reply)["trials"]
        assert [t["state"] for t in trials] == ["Complete", "Fail", "Running", "Complete"]
    finally:
        server.terminate()
        server.wait(10)
