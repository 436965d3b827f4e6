"""Which briefs paid: the report's figures are those counted by hand from a real archive."""

from __future__ import annotations

import json
import sqlite3
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.dashboard.views.guide import guide
from meta_search.report import briefs
from meta_search.report.briefs import Asked
from meta_search.types import Usage
from tests.data import record_run
from tests.kits.list_archive import ListArchive, named_agent
from tests.kits.pages import page_view
from tests.kits.stored import stored


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_run.unpack(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def database(run: Path) -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(f"file:{run}/archive.db?mode=ro", uri=True) as connection:
        yield connection
    connection.close()


@pytest.fixture
def asked(run: Path) -> list[Asked]:
    with meta_search.open_run(str(run)) as archive:
        return briefs.asked(archive, archive.agents())


def told(database: sqlite3.Connection, kind: str) -> list[dict[str, Any]]:
    rows = database.execute("SELECT data FROM events WHERE kind = ? ORDER BY seq", [kind])
    return [json.loads(data) for (data,) in rows]


def scores(database: sqlite3.Connection, agent: str) -> dict[str, float]:
    sql = "SELECT item, score FROM results WHERE agent = ? AND split = 'train'"
    return dict(database.execute(sql, [agent]).fetchall())


def duplicates(database: sqlite3.Connection) -> set[str]:
    """Agents that behave as another one: their briefs brought nothing."""
    return {agent for (agent,) in database.execute("SELECT id FROM agents WHERE status = 'duplicate'")}


def test_every_brief_is_there_with_what_came_of_it(asked: list[Asked], database: sqlite3.Connection) -> None:
    delivered = {e["brief"]: e["agent"] for e in told(database, "delivery") if "brief" in e}
    trials = dict(database.execute("SELECT number, [values] FROM trials WHERE study = 'briefs'"))
    params = dict(database.execute("SELECT number, params FROM trials WHERE study = 'briefs'"))
    assert len(asked) == len(told(database, "ask")) > 5
    for brief, ask in zip(asked, told(database, "ask"), strict=True):
        assert (brief.number, brief.operator, brief.author) == (ask["brief"], ask["operator"], ask["author"])
        assert brief.agent == (delivered[brief.number] or "")
        evaluated = database.execute(
            "SELECT complete, stopped, calls, tokens FROM evaluations WHERE agent = ? AND split = 'train'",
            [brief.agent],
        ).fetchone()
        assert (brief.full, brief.stopped) == (
            bool(evaluated and evaluated[0]),
            bool(evaluated and evaluated[1] and brief.agent not in duplicates(database)),
        )
        if brief.number in trials:
            assert brief.value == json.loads(trials[brief.number])[0]
            rule = json.loads(params[brief.number])["parents"]
            crossed = brief.operator == "crossover" and rule != "expected"  # which chooses pairs as well
            assert brief.rule == ("complementary" if crossed else rule)


def test_gains_are_over_the_items_that_child_and_parent_share(
    asked: list[Asked], database: sqlite3.Connection
) -> None:
    compared = 0
    for brief, ask in zip(asked, told(database, "ask"), strict=True):
        mine, gains = scores(database, brief.agent), []
        for parent in ask["parents"]:
            theirs = scores(database, parent)
            both = mine.keys() & theirs.keys()
            gains += [statistics.fmean(mine[i] - theirs[i] for i in both)] if both else []
        gains = [] if brief.agent in duplicates(database) else gains
        assert brief.gain == (pytest.approx(min(gains)) if gains else None)
        compared += bool(gains)
    assert compared > 4


def test_used_calls_and_tokens_are_all_accounted_for(
    asked: list[Asked], database: sqlite3.Connection
) -> None:
    written = database.execute(
        "SELECT SUM(attempts), SUM(prompt_tokens + completion_tokens) FROM calls WHERE purpose = 'meta'"
    ).fetchone()
    evaluated = database.execute(
        "SELECT SUM(calls), SUM(tokens) FROM evaluations WHERE split IN ('train', 'validation') AND agent IN "
        "(SELECT id FROM agents WHERE author IN ('llm', 'composer') AND operator != 'baseline')"
    ).fetchone()
    rows = briefs.by_operator(asked)
    assert sum(r["writing_calls"] for r in rows) == written[0] > 0
    assert sum(r["writing_tokens"] for r in rows) == written[1]
    assert (sum(r["calls"] for r in rows), sum(r["tokens"] for r in rows)) == evaluated
    assert sum(r["asked"] for r in rows) == len(asked)
    chosen = [b for b in asked if b.operator != "debug"]  # who is mended is its parent: no rule chose it
    assert sum(r["asked"] for r in briefs.by_rule(asked)) == len(chosen)
    assert sum(r["tokens"] for r in briefs.by_rule(asked)) == sum(b.evaluating.tokens for b in chosen)


def test_who_became_best_was_better_than_all_complete_ones_before(
    asked: list[Asked], database: sqlite3.Connection
) -> None:
    best, leaders = (-1.0, 0.0), set()
    for race in told(database, "race"):
        if race["split"] == "train" and "to" not in race and not race["stopped"]:
            n, calls, tokens = database.execute(
                "SELECT COUNT(*), SUM(calls), SUM(prompt_tokens + completion_tokens) FROM results "
                "WHERE agent = ? AND split = 'train'",
                [race["agent"]],
            ).fetchone()
            found = scores(database, race["agent"]).values()
            standing = (statistics.fmean(found), -(calls + tokens) / n)
            if standing > best:
                best = standing
                leaders.add(race["agent"])
    assert {b.agent for b in asked if b.best} == leaders & {b.agent for b in asked}


def test_sums_of_a_group() -> None:
    gains = [0.1, -0.2, 0.3, 0.0, 0.05, None]
    rows = [
        Asked(
            i,
            "mutate" if i != 5 else "novel",
            "llm",
            "best",
            agent=f"a{i}",
            full=i % 2 == 0,
            stopped=i % 2 == 1,
            gain=gain,
            best=i == 2,
            value=gain and gain / 2,
            writing=Usage(1, 10, 5),
            evaluating=Usage(4, 100, 20),
        )
        for i, gain in enumerate(gains)
    ]
    mutate, novel = briefs.by_operator(rows)
    assert (mutate["operator"], mutate["author"], mutate["asked"], mutate["written"]) == (
        "mutate",
        "llm",
        5,
        5,
    )
    assert (mutate["full"], mutate["stopped"], mutate["compared"], mutate["improved"]) == (3, 2, 5, 3)
    assert (mutate["best"], mutate["median"], mutate["mean"]) == (1, 0.05, pytest.approx(0.05))
    assert mutate["low"] < 0.05 < mutate["high"]
    assert (mutate["writing_calls"], mutate["writing_tokens"]) == (5, 75)
    assert (mutate["calls"], mutate["tokens"]) == (20, 600)
    assert (novel["compared"], novel["mean"], novel["low"]) == (0, None, None)
    (whole,) = briefs.by_rule(rows)
    assert (whole["rule"], whole["asked"], whole["best"]) == ("best", 6, 1)
    assert briefs.by_operator(rows[:4])[0]["low"] is None  # too few for an interval


def test_children_without_parents_are_held_against_the_best_seed() -> None:
    archive = ListArchive()
    for name, row in (("weak", [0, 0, 0, 0]), ("strong", [1, 1, 0, 0])):
        archive.add(named_agent(name, len(name)), {"train": row}, operator="seed", status="seed")
    child = archive.add(named_agent("new", 20), {"train": [1, 1, 1]}, operator="novel", stopped="dominated")
    archive.brief(child)
    (found,) = briefs.asked(archive, archive.records)
    assert (found.gain, found.full, found.stopped, found.rule) == (pytest.approx(1 / 3), False, True, "–")
    assert briefs.by_rule([found]) == []


def test_a_child_becomes_best_by_a_better_score_or_the_same_for_less() -> None:
    archive = ListArchive()
    for number, (row, tokens, best) in enumerate(
        (
            ([1, 0], 100, True),
            ([1, 0], 100, False),
            ([0, 1], 80, True),
            ([1, 1], 900, True),
            ([1, 1], 950, False),
        )
    ):
        archive.brief(archive.add(named_agent(f"child {number}", number), {"train": row}, tokens))
        assert briefs.asked(archive, archive.records)[-1].best is best


def test_the_report_shows_it_on_the_page_and_on_the_terminal(
    run: Path, asked: list[Asked], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["report", str(run)]) == 0
    shown = capsys.readouterr().out
    paid_off = page_view(run / "report.html", "guide")["paid_off"]
    assert {row["group"] for row in paid_off} == {"operator", "rule"}
    by_name = {row["name"]: row for row in paid_off}
    assert "which briefs paid" in shown
    for row in briefs.by_operator(asked):
        assert f"{row['operator']}, {row['author']}" in shown
        told = by_name[f"{row['operator']}, {row['author']}"]
        assert told["usage"]["tokens"] == row["writing_tokens"] + row["tokens"]
        assert (told["briefs"], told["mean"]) == (row["asked"], row["mean"])
    assert cli.main(["report", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["briefs"] == briefs.by_operator(asked)


def test_a_run_without_briefs_says_so(tmp_path: Path) -> None:
    assert guide(tmp_path, stored(ListArchive(), tmp_path))["paid_off"] == []
