"""RUN and RUN:AGENT."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from archive.store import Store
from meta_search.config import Config, to_mapping
from meta_search.errors import ArchiveError, ConfigError
from meta_search.run.folder import read_config, resolve, split_agent, undone
from meta_search.types import Agent, Brief, Candidate, ItemResult


def make(folder: Path, started: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "archive.db").touch()
    config = folder / "config.json"
    config.write_text("{}")
    os.utime(config, (started, started))
    return folder


def with_agent(run: Path) -> Path:
    """Have a run get as far as its first seed."""
    (run / "archive.db").unlink()
    with Store.open(run / "archive.db") as store:
        seed = Candidate(
            Agent.of("direct", "def forward(self, t):\n    return '1'\n"), Brief(0, "seed", "hand")
        )
        store.add_candidate(seed, "seed").result()
    return run


def test_a_run_of_before_keeps_its_dealing_and_has_no_limit_that_it_had_not(folder: Path) -> None:
    run = make(folder / "runs/old", 1.0)
    stored = to_mapping(Config())
    (run / "config.json").write_text(json.dumps(stored))
    assert read_config(run) == Config()
    del stored["domain"]["dealing"], stored["sandbox"]["tokens"]
    (run / "config.json").write_text(json.dumps(stored))
    found = read_config(run)
    assert (found.domain.dealing, found.sandbox.tokens) == ("row", None)


def test_latest_is_the_run_that_was_started_last(folder: Path) -> None:
    older, newer = (with_agent(make(folder / f"runs/{n}", at)) for n, at in (("z", 100.0), ("a", 200.0)))
    (folder / "runs/empty").mkdir()
    make(folder / "runs/killed", 300.0)  # before it had any tables
    Store.open(make(folder / "runs/failed", 400.0) / "archive.db").close()  # before it had any agents
    os.utime(older / "archive.db")  # written to later, by `resume` say
    assert resolve("latest") == Path("runs/a")
    assert resolve("latest", folder / "runs") == newer


@pytest.mark.parametrize("error", [ConfigError("no such column"), KeyboardInterrupt(), OSError("disk")])
def test_a_start_that_failed_leaves_nothing(folder: Path, error: BaseException) -> None:
    run = with_agent(make(folder / "runs/new", 1.0))
    for name in ("log.txt", "llama-task.log", "config.json.part", "domain/q.csv"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).touch()
    with pytest.raises(type(error)), undone(run):
        raise error
    assert list((folder / "runs").iterdir()) == []


def test_what_was_paid_stays_and_so_does_what_is_not_ours(folder: Path) -> None:
    paid, shared = make(folder / "runs/paid", 1.0), make(folder / "shared", 1.0)
    (paid / "archive.db").unlink()
    with Store.open(paid / "archive.db") as store:
        store.add_results([ItemResult("a", "train", "1", 0, "ok", score=1.0)]).result()
    (shared / "notes.txt").touch()
    for run in (paid, shared):
        with pytest.raises(ConfigError), undone(run):
            raise ConfigError("went wrong")
    assert resolve("latest") == Path("runs/paid")
    assert [path.name for path in shared.iterdir()] == ["notes.txt"]


def test_a_run_by_folder_name_and_file(folder: Path) -> None:
    make(folder / "runs/one", 1.0)
    for name in ("runs/one", "one", "runs/one/", "runs/one/archive.db"):
        assert resolve(name).resolve() == folder / "runs/one"


def test_what_is_no_run_is_said_in_one_line(folder: Path) -> None:
    (folder / "other").mkdir()
    with pytest.raises(ArchiveError, match="no run under runs/ yet"):
        resolve("latest")
    (folder / "runs/starting").mkdir(parents=True)
    (folder / "runs/starting/config.json").write_text("{}")
    for name, message in (
        ("latest", "runs/starting has no agents yet: it is starting"),
        ("starting", "runs/starting has no agents yet: it is starting"),
        ("other", "other is not a run folder: it holds no archive.db"),
        ("missing", "missing: no such run folder"),
    ):
        with pytest.raises(ArchiveError, match=message) as caught:
            resolve(name)
        assert caught.value.exit_status == 2


def test_run_and_agent(folder: Path) -> None:
    (folder / "a:b").mkdir()
    assert split_agent("latest:ab12") == ("latest", "ab12")
    assert split_agent("runs/x:Chain of thought") == ("runs/x", "Chain of thought")
    assert split_agent("latest") == ("latest", None)
    assert split_agent("a:b") == ("a:b", None)
    assert split_agent("c:/folder/run") == ("c:/folder/run", None)
