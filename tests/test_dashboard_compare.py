"""Runs side by side: warnings before numbers, and what runs that are at work need."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from archive.store import Store
from meta_search.dashboard import registry
from meta_search.dashboard.views import runs as table
from meta_search.dashboard.views.compare import compare, warnings_of
from meta_search.dashboard.views.runs import run_row, runs
from meta_search.errors import ArchiveError, ConfigError
from tests.data import record_run
from tests.kits.strangers import alter, config, stranger

ITEMS = {"train": {"a": "1", "b": "2"}, "validation": {"c": "3"}, "test": "digest"}
PRINT = {"source": "s", "wording": "w", "items": ITEMS}


def facts(name: str, **more: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    row = {
        "domain": "d",
        "task_models": ["t"],
        "meta_models": ["m"],
        "kind": "search",
        "state": "done",
        "fork_of": None,
    }
    found = {"items": ITEMS, "digest": "x", "wording": "w", "source": "s", "version": "1", "preset": "p"}
    row |= {"best": {"selection": False}} | {
        key: value for key, value in more.items() if key in row or key == "best"
    }
    return name, row, found | {key: value for key, value in more.items() if key in found}


def test_runs_of_one_kind_need_no_warning() -> None:
    assert warnings_of([facts("a"), facts("b")]) == []
    assert warnings_of([facts("a")]) == []


@pytest.mark.parametrize(
    ("other", "warning"),
    [
        ({"domain": "e"}, "domains differ: d (a); e (b)"),
        ({"task_models": ["u", "v"]}, "task models differ: t (a); u, v (b)"),
        ({"meta_models": []}, "meta models differ: m (a); not known (b)"),
        (
            {"fork_of": {"run": "a", "agent": ""}},
            "forks: b started from agents of another run, whose spending is not counted here",
        ),
        ({"version": "2"}, "versions of meta-search differ: 1 (a); 2 (b)"),
        ({"preset": "adas"}, "presets differ: p (a); adas (b)"),
        ({"wording": "v"}, "what agents are told differs"),
        ({"source": "r"}, "the scorer's code differs"),
        ({"kind": "evaluate"}, "a search and an evaluation are compared"),
        ({"state": "searching"}, "still at work: b; what they show will change"),
        ({"best": {"selection": True}}, "no test yet: b show selection scores, not results"),
        (
            {"items": {**ITEMS, "train": {"a": "1", "b": "9"}}},
            "items differ: train (1 in common of 2, 2); scores on different items do not compare",
        ),
        (
            {"items": {**ITEMS, "test": "other"}},
            "items differ: test (not the same); scores on different items do not compare",
        ),
        ({"items": {}, "digest": ""}, "nobody knows whether the items are the same: b did not say"),
    ],
)
def test_each_difference_has_its_warning(other: dict[str, Any], warning: str) -> None:
    assert warnings_of([facts("a"), facts("b", **other)]) == [warning]


def test_what_runs_did_not_say_is_told_by_digest() -> None:
    pair = [facts("a", items={}, digest="x"), facts("b", items={}, digest="y")]
    assert warnings_of(pair) == ["items differ; scores on different items do not compare"]


def test_runs_stand_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "view", lambda name: lambda folder, archive: {"steps": [folder.name]})
    record_run.unpack(tmp_path)
    stranger(tmp_path / "other", config(), fingerprint=PRINT)
    found = compare(tmp_path, ["run", "other", "run"])
    assert [row["run"]["id"] for row in found["runs"]] == ["run", "other"]
    assert found["runs"][0]["steps"] == ["run"]
    assert found["runs"][0]["test"]["split"] == "test"
    assert found["runs"][1]["test"] is None
    assert [line.partition(":")[0] for line in found["warnings"][:2]] == ["domains differ", "items differ"]
    with pytest.raises(ArchiveError, match="no such run"):
        compare(tmp_path, ["run", "../run"])
    with pytest.raises(ConfigError):
        compare(tmp_path, [])


def test_a_search_that_finds_nothing_for_long_needs_attention(tmp_path: Path) -> None:
    run = stranger(tmp_path / "run", config())
    with Store.open(run) as store:
        for age, quiet in ((60.0, False), (3_960.0, True)):
            at = time.time() - age
            store.execute("UPDATE evaluations SET created = ?", (at,)).result()
            table._rows.clear()
            row = run_row(run, "run")
            assert row["state"] == "searching"
            assert any("nothing better found for 66 minutes" in line for line in row["attention"]) is quiet


def test_an_alarm_that_can_be_mended_needs_attention(tmp_path: Path) -> None:
    run = stranger(tmp_path / "run", config(), status="done")
    assert not any("alarm" in line for line in run_row(run, "run")["attention"])
    alter(run, "UPDATE results SET answer = ''")
    (line,) = run_row(run, "run")["attention"]
    assert line.startswith("alarm: 100% of answers are empty: ")


def test_a_run_that_was_killed_needs_attention_until_it_goes_on(tmp_path: Path) -> None:
    run = stranger(tmp_path / "run", config())
    (row,) = runs(tmp_path)["runs"]
    assert row["state"] == "killed"
    assert row["attention"]
    with Store.open(run) as store:
        store.event("resume", {}).result()
        (row,) = runs(tmp_path)["runs"]
        assert row["state"] == "searching"
        assert row["attention"] == []
