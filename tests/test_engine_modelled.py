"""Searches whose designs the surrogate proposes: recorded, replayed, cut and gone on with."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from meta_search import cli
from meta_search.testing import CountingEndpoint
from tests.kits.answers import mind
from tests.kits.searches import assert_replays, cut_behind, overrides, questions, replay, tables

WORDS = (
    *("author=composer", "search.operators=[novel,mutate]", "search.seeds=[direct,program_of_thought]"),
    *(
        "search.candidates=6",
        "search.in_flight=1",
        "evaluate.items=8",
        "evaluate.block=4",
        "run.confirm=false",
    ),
    *("domain.sizes={examples:8,train:8,validation:4,test:4}", "run.dir=run"),
)


def events(run: str) -> list[tuple[int, str, dict[str, Any]]]:
    with sqlite3.connect(f"{run}/archive.db") as database:
        rows = database.execute("SELECT seq, kind, data FROM events ORDER BY seq").fetchall()
    return [(seq, kind, json.loads(data)) for seq, kind, data in rows]


def proposals(run: str) -> dict[int, dict[str, Any]]:
    told = (
        data for _, kind, data in events(run) if "what" in data and str(data["what"]).startswith("design/")
    )
    return {int(data["what"].removeprefix("design/")): data["value"] for data in told}


def trials(run: str) -> dict[int, dict[str, Any]]:
    with sqlite3.connect(f"{run}/archive.db") as database:
        rows = database.execute("SELECT number, params FROM trials WHERE study = 'designs'").fetchall()
    return {number: json.loads(params) for number, params in rows}


@pytest.fixture
def searched(folder: Path) -> CountingEndpoint:
    """A search in `run`, which has ended."""
    with CountingEndpoint(mind) as endpoint:
        verb = overrides(questions(folder), endpoint, *WORDS, meta="writer", task="solver")
        assert cli.main(["run", *verb]) == 0
        yield endpoint


def test_a_search_takes_what_is_proposed_replays_and_goes_on_as_it_was(searched: CountingEndpoint) -> None:
    proposed = proposals("run")
    assert proposed
    assert all(any(name.startswith("way") for name in made) for made in proposed.values())
    taken = trials("run")
    novel = [n for n, params in taken.items() if any(name.startswith("way") for name in params)]
    assert novel
    for number in novel:
        told = {name: value for name, value in taken[number].items() if name in proposed[number]}
        assert told == proposed[number]

    # Cut where a brief was asked for and not written: its author is at work again, with the same design.
    asked = [seq for seq, kind, data in events("run") if kind == "ask" and data["design"] == novel[-1]]
    name = cut_behind(asked[0])
    assert cli.main(["resume", name]) == 0
    assert proposals(name) == proposed
    assert trials(name) == taken
    assert tables(name)["agents"] == tables("run")["agents"]
    assert replay(name, "replayed") == 0
    assert tables("replayed")["trials"] == tables(name)["trials"]
    assert_replays()
