"""A search begins with what earlier runs found out, and does so again when it is resumed or replayed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import meta_search
from meta_search import cli
from meta_search.compose import compose
from meta_search.config import Config
from meta_search.engine.warm_start import begin, prior_of
from meta_search.guide.guide import Guide
from meta_search.guide.prior import MOST, Prior
from meta_search.run.journal import Journal
from meta_search.run.progress import Progress
from meta_search.run.session import Session
from meta_search.testing import CountingEndpoint
from tests.data import record_run
from tests.kits.answers import mind
from tests.kits.searches import assert_same, command, mixed_search, questions, replay

OPERATORS = ("crossover", "mutate")


def past(folder: Path, path: Path) -> Path:
    """The recorded run as an earlier one of the same domain, under the root `past`."""
    run = record_run.unpack(folder / "past")
    change(run, domain={"path": str(path.resolve())})
    return run


def change(run: Path, **groups: dict[str, Any]) -> None:
    kept = json.loads((run / "config.json").read_text())
    for group, values in groups.items():
        kept[group] |= values
    (run / "config.json").write_text(json.dumps(kept))


def config(path: Path, *more: str) -> Config:
    return compose([*mixed_search(path.resolve(), "http://127.0.0.1:9/v1", "run.root=past", *more)])


def told(run: Path) -> list[tuple[dict[str, Any], float]]:
    """Briefs with their values, by hand."""
    sql = (
        "SELECT params, [values] FROM trials WHERE study = 'briefs' AND [values] IS NOT NULL ORDER BY number"
    )
    with sqlite3.connect(run / "archive.db") as database:
        rows = [(json.loads(params), json.loads(values)[0]) for params, values in database.execute(sql)]
    return [({k: v for k, v in params.items() if k[0] != "_"}, value) for params, value in rows]


def events(run: str, *kinds: str) -> list[tuple[str, Any]]:
    with meta_search.open_run(run) as archive:
        return [(e.kind, e.data) for e in archive.events() if e.kind in kinds]


def priors(run: str) -> list[Any]:
    return [data["value"] for _, data in events(run, "decision") if data["what"] == "prior"]


def test_a_prior_is_journaled_and_asked_with_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = questions(folder)
    before = past(folder, path)
    usable = [row for row in told(before) if row[0]["operator"] in OPERATORS]
    assert len(usable) > 4
    more = (
        "run.root=past",
        "search.in_flight=1",
        "search.candidates=7",
        "search.operators=[crossover,mutate]",
    )
    with CountingEndpoint(mind) as endpoint:
        words = mixed_search(path, endpoint.base_url, *more)
        assert cli.main(["run", *words, "run.dir=whole"]) == 0
        sent = endpoint.calls
    shown = capsys.readouterr().out
    assert f"prior: {len(usable)} briefs of 1 earlier run" in shown
    assert priors("whole") == [{"runs": 1, "briefs": [[params, value] for params, value in usable]}]
    asked = events("whole", "ask", "tell")
    assert sorted(data["brief"] for kind, data in asked if kind == "tell") == list(range(7))

    with CountingEndpoint(mind, latency_s=0.01) as endpoint:
        words = mixed_search(path, endpoint.base_url, *more)
        process = command(folder, "run", *words, "run.dir=killed")
        try:
            endpoint.wait_for(int(sent * 0.6))
        finally:
            process.kill()
            process.communicate()
        assert len(priors("killed")) == 1
        shutil.rmtree("past")  # whatever becomes of the earlier run
        assert cli.main(["resume", "killed"]) == 0
    assert events("killed", "ask", "tell") == asked
    for run in ("whole", "killed"):
        assert replay(run, f"{run}-again") == 0
        assert_same(run, f"{run}-again")


def test_what_is_taken_and_what_is_not(folder: Path) -> None:
    path = questions(folder)
    run = past(folder, path)
    mine = config(path)

    def taken(*, anything: bool = True) -> Prior:
        return prior_of(mine, folder / "mine", lambda params: anything)

    whole = taken()
    assert whole == Prior(tuple(told(run)), 1)
    assert taken(anything=False) == Prior()
    assert prior_of(mine, run, lambda params: True) == Prior()  # its own folder
    for groups in (
        {"domain": {"name": "mgsm"}},
        {"domain": {"path": "other.jsonl"}},
        {"llm": {"task": {"model": "other", "base_url": None}}},
        {"llm": {"meta": {"model": "other", "base_url": None}}},
        {"llm": {"mode": "replay"}},
    ):
        kept = (run / "config.json").read_text()
        change(run, **groups)
        assert taken() == Prior(), groups
        (run / "config.json").write_text(kept)
    assert taken() == whole
    with sqlite3.connect(run / "archive.db") as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {version - 1}")
    assert taken() == Prior()  # of another schema


def test_no_more_than_the_newest_are_taken(folder: Path) -> None:
    path = questions(folder)
    run = past(folder, path)
    for number in range(7):
        copy = shutil.copytree(run, folder / "past" / f"copy-{number}")
        with sqlite3.connect(copy / "archive.db") as database:
            database.execute("UPDATE trials SET [values] = ? WHERE study = 'briefs'", [f"[{number}.0]"])
    prior = prior_of(config(path), folder / "mine", lambda params: True)
    assert len(prior.briefs) == MOST
    assert prior.briefs[-1][1] == 6.0  # the newest last
    values = [value for _, value in prior.briefs]
    assert values == sorted(values)


@pytest.mark.parametrize("word", ["search.prior=false", "search.guided=false", "search=random"])
def test_without_a_prior_earlier_runs_are_not_looked_at(folder: Path, word: str) -> None:
    path = questions(folder)
    past(folder, path)
    chosen = config(path, word)
    guide = Guide(0, chosen.search.operators, ("composer",), ("plan",))
    session = Session(chosen, folder / "mine", *[cast(Any, None)] * 3, 0.0, 0.0, cast(Any, None))
    journal, rows = Journal(), list[Any]()
    journal.open(rows.extend)
    with Progress(chosen, folder / "mine", 0.0, live=False) as progress:
        begin(session, guide, journal, progress)
        assert not rows
        wanted = replace(chosen, search=replace(chosen.search, prior=True, guided=True))
        begin(replace(session, config=wanted), guide, journal, progress)
        assert len(rows) == 1
