"""`run.tracking`: what a tracker of experiments gets of a run, and the real ones where they are installed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.compose import compose
from meta_search.config import Config, RunConfig
from meta_search.errors import ConfigError
from meta_search.run.tracking import Tracking, check_tracking, parameters
from meta_search.run.watch import SearchEvent
from meta_search.testing import CountingEndpoint
from tests.kits import strangers, sums
from tests.kits.answers import adds_below


@dataclass
class Kept:
    """A tracker in lists."""

    begun: list[tuple[str, str]] = field(default_factory=list)
    numbers: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    ended: list[tuple[str, bool]] = field(default_factory=list)

    def begin(self, name: str, key: str, parameters: Mapping[str, str]) -> None:
        self.begun.append((name, key))

    def log(self, values: Mapping[str, float], step: int) -> None:
        self.numbers.append((step, dict(values)))

    def keep(self, name: str, text: str) -> None:
        self.texts[name] = text

    def end(self, summary: str, failed: bool) -> None:
        self.ended.append((summary, failed))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[CountingEndpoint]:
    with CountingEndpoint(adds_below(12)) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def searched(endpoint: CountingEndpoint, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """A finished search, and its events."""
    events: list[SearchEvent] = []
    folder = tmp_path_factory.mktemp("tracked") / "run"
    words = sums.short(endpoint, f"run.dir={folder}")
    meta_search.search(*words, domain=sums.rows(), on_event=events.append)
    return folder, events


def test_a_tracker_gets_parameters_scores_and_agents(searched: tuple[Path, list[Any]]) -> None:
    folder, events = searched
    kept, said = Kept(), list[str]()
    with Tracking(Config(), folder, said.append, kept).until_closed() as tracking:
        for event in events:
            tracking(event)
    assert said == []
    assert kept.begun == [("run", str(folder.resolve()))]
    archive = meta_search.open_run(folder)
    best = archive.best()
    assert best is not None
    numbers = {name: value for _, values in kept.numbers for name, value in values.items()}
    tested = best.evaluations["test"]
    assert (numbers["test_score"], numbers["test_low"]) == (tested.score, tested.low)
    assert numbers["best_train_low"] <= numbers["best_train_score"] <= numbers["best_train_high"]
    assert numbers["calls"] == sum(usage.calls for usage in archive.usage().values())
    assert best.agent.source in kept.texts["agents/best.py"]
    compile(kept.texts["agents/best.py"], "best.py", "exec")
    assert any(name.startswith("agents/best_so_far/") for name in kept.texts)
    [(summary, failed)] = kept.ended
    assert summary.startswith(str(archive.meta("verdict"))[:40])
    assert not failed


def test_a_run_that_fails_is_ended_as_failed(searched: tuple[Path, list[Any]]) -> None:
    kept = Kept()
    with pytest.raises(ConfigError), Tracking(Config(), searched[0], print, kept).until_closed():
        raise ConfigError("no")
    assert len(kept.ended) == 1


def test_a_tracker_that_fails_costs_one_line(searched: tuple[Path, list[Any]]) -> None:
    class Away(Kept):
        def begin(self, name: str, key: str, parameters: Mapping[str, str]) -> None:
            raise ConnectionError("https://me:secret@host is away")

    said: list[str] = []
    started = time.monotonic()
    with Tracking(Config(), searched[0], said.append, Away()).until_closed() as tracking:
        for event in searched[1]:
            tracking(event)
    assert time.monotonic() - started < 10
    assert len(said) == 1
    assert "away" in said[0]
    assert "secret" not in said[0]


def test_parameters_hold_no_key() -> None:
    words = ["llm=endpoint", "llm.base_url=http://127.0.0.1:9/v1", "llm.meta.model=m", "llm.task.model=t"]
    secret = "llm.extra_headers={Authorization: Bearer abc}"
    config = compose([*words, secret, "tracking=mlflow:x", "notify=true"])
    found = parameters(config)
    assert found["llm.meta.model"] == "m"
    assert "abc" not in str(found)
    assert not any(name.startswith(("run.notify", "run.tracking")) for name in found)


@pytest.mark.parametrize("tracking", ["comet", "mlfow:x"])
def test_an_unknown_tracker_is_refused(tracking: str) -> None:
    with pytest.raises(ConfigError, match="mlflow"):
        check_tracking(Config(run=RunConfig(tracking=tracking)))


def test_a_strangers_run_is_logged_nowhere_unasked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = strangers.config("tracking=mlflow:http://127.0.0.1:9")
    theirs = strangers.stranger(folder / "theirs", words)
    assert cli.main(["resume", str(theirs)]) == 2
    assert "run.tracking" in capsys.readouterr().err


@pytest.mark.extras
def test_mlflow_has_the_run(folder: Path, endpoint: CountingEndpoint) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    pytest.importorskip("sqlalchemy", reason="mlflow's databases are not installed")
    from mlflow.tracking import MlflowClient

    place = f"sqlite:///{folder}/ml.db"
    words = sums.short(endpoint, f"tracking=mlflow:{place}", "run.dir=run")
    summary = meta_search.search(*words, domain=sums.rows())
    client = MlflowClient(place)
    [experiment] = [e for e in client.search_experiments() if e.name == "meta-search"]
    [run] = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    assert run.data.params["search.candidates"] == "2"
    assert run.data.tags["mlflow.note.content"].startswith(summary.sentence[:40])
    assert "test_low" in run.data.metrics
    assert {f.path for f in client.list_artifacts(run.info.run_id)} == {
        "agents",
        "config.json",
        "verdict.txt",
    }


@pytest.mark.extras
def test_wandb_has_the_run_offline(
    folder: Path, endpoint: CountingEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    meta_search.search(*sums.short(endpoint, "tracking=wandb", "run.dir=run"), domain=sums.rows())
    [kept] = (folder / "run").glob("wandb/offline-run-*/files/agents/best.py")
    assert "def forward" in kept.read_text()
