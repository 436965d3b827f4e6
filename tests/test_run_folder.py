"""RUN and RUN:AGENT."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meta_search.errors import ArchiveError
from meta_search.run.folder import resolve, split_agent


def make(folder: Path, started: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "archive.db").touch()
    config = folder / "config.json"
    config.write_text("{}")
    os.utime(config, (started, started))
    return folder


def test_latest_is_the_run_that_was_started_last(folder: Path) -> None:
    older, newer = make(folder / "runs/z", 100.0), make(folder / "runs/a", 200.0)
    (folder / "runs/empty").mkdir()
    os.utime(older / "archive.db")  # written to later, by `resume` say
    assert resolve("latest") == Path("runs/a")
    assert resolve("latest", folder / "runs") == newer


def test_a_run_by_folder_name_and_file(folder: Path) -> None:
    make(folder / "runs/one", 1.0)
    for name in ("runs/one", "one", "runs/one/", "runs/one/archive.db"):
        assert resolve(name).resolve() == folder / "runs/one"


def test_what_is_no_run_is_said_in_one_line(folder: Path) -> None:
    (folder / "other").mkdir()
    for name, message in (
        ("latest", "no run under runs/ yet"),
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
