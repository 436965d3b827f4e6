"""Rows and tables of agents."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from meta_search.report.tables import (
    agent_rows,
    agents_table,
    evaluation_row,
    evaluations_table,
    p_text,
    score_text,
    usd_text,
    verdict_table,
)
from meta_search.report.verdict import archive_verdict
from meta_search.text import one_line
from tests.kits.list_archive import ListArchive, named_agent, searched_archive

EVALUATE_KEYS = [
    "name",
    "agent",
    "score",
    "low",
    "high",
    "items",
    "calls",
    "tokens",
    "cost_usd",
    "seconds",
    "outcomes",
    "model_free",
]


def shown(table: Table, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_an_evaluation_row_has_the_keys_that_tools_depend_on() -> None:
    archive = ListArchive()
    record = archive.add(named_agent("X"), {"test": [1.0, 0.0, 1.0, 1.0]}, tokens=40, usd=0.5)
    row = evaluation_row(record.agent, record.evaluations["test"])
    assert list(row) == EVALUATE_KEYS
    assert row | {"low": 0, "high": 0} == {
        "name": "X",
        "agent": record.agent.id,
        "score": 0.75,
        "low": 0,
        "high": 0,
        "items": 4,
        "calls": 8,
        "tokens": 160,
        "cost_usd": 2.0,
        "seconds": 2.0,
        "outcomes": {"ok": 4},
        "model_free": 0.0,
    }
    assert 0.30 < row["low"] < 0.31  # Wilson, 3 of 4
    assert 0.95 < row["high"] < 0.96


def test_agent_rows_are_json_with_lineage_and_come_best_first() -> None:
    archive = searched_archive()
    rows = agent_rows(archive)
    assert len(rows) == len(archive.records)
    assert {*EVALUATE_KEYS, "author", "operator", "generation", "parents", "validation", "test"} <= rows[
        0
    ].keys()
    assert json.loads(json.dumps(rows)) == rows
    complete = [r["complete"] for r in rows]
    assert complete == sorted(complete, reverse=True)
    scores = [r["score"] for r in rows if r["complete"]]
    assert scores == sorted(scores, reverse=True)
    finalist = next(r for r in rows if r["test"] is not None and r["operator"] != "seed")
    assert finalist["split"] == "train"
    assert finalist["validation"] is not None
    assert finalist["parents"][0] in {r["agent"] for r in rows}


def test_an_agent_without_evaluation_has_a_row() -> None:
    archive = ListArchive()
    archive.add(named_agent("new"), {})
    row = agent_rows(archive)[0]
    assert (row["score"], row["items"], row["complete"]) == (None, 0, False)
    assert "new" in shown(agents_table([row]))


def test_tables_fit_a_hundred_columns_and_show_names_as_they_are() -> None:
    rows = agent_rows(searched_archive())
    text = shown(agents_table(rows, limit=50))
    assert max(map(len, text.splitlines())) <= 100
    assert "[bold]x[/bold]" in shown(agents_table([rows[0] | {"name": "[bold]x[/bold]"}]))
    assert "\x1b" not in text
    assert "*" in text
    best = rows[0]
    assert score_text(best["score"], best["low"], best["high"]).strip() in text
    assert "5 of 27 agents" in shown(agents_table(rows, limit=5))
    narrow = shown(evaluations_table(rows, "all"))
    assert max(map(len, narrow.splitlines())) <= 100
    assert "$/item" not in narrow


def test_a_list_in_eighty_columns_shows_the_best_who_pauses_and_names() -> None:
    archive = ListArchive()
    archive.add(named_agent("program, direct for buys"), {"train": [1.0, 0.0]}, usd=0.00002)
    rows = agent_rows(archive)
    rows = [rows[0] | {"best": "beats the baselines"}, rows[0] | {"best": "", "status": "paused"}]
    rows[1] |= {"complete": False, "agent": "b" * 16}
    text = shown(agents_table(rows, wide=False), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("program, direct") == 2
    assert [line.split()[-1] for line in text.splitlines() if "program" in line] == ["best", "paused"]
    assert "$" not in text
    assert "$" in shown(agents_table(rows))


def test_faults_and_prices_have_their_column() -> None:
    archive = ListArchive()
    record = archive.add(named_agent("X"), {"test": [1.0, 0.0]}, usd=0.002)
    row = evaluation_row(record.agent, record.evaluations["test"])
    row["outcomes"] = {"ok": 1, "timeout": 1}
    text = shown(evaluations_table([row]))
    assert "timeout 1" in text
    assert "$0.002" in text


def test_what_else_a_domain_measures_has_a_column() -> None:
    record = ListArchive().add(named_agent("X"), {"test": [1.0, 0.0]})
    row = evaluation_row(record.agent, record.evaluations["test"])
    text = shown(evaluations_table([row | {"measures": {"macro_f1": 0.3333}}, row]))
    assert "macro" in text
    assert "33.3" in text
    assert "macro" not in shown(evaluations_table([row]))


def test_the_verdict_has_a_table() -> None:
    found = archive_verdict(searched_archive())
    text = shown(verdict_table(found))
    assert text.count("finalist") == 2
    assert text.count("baseline") == 3
    assert max(map(len, text.splitlines())) <= 100
    assert "repay" not in text  # nobody knows what was paid


def test_the_table_of_a_verdict_fits_eighty_columns_with_long_names() -> None:
    archive = searched_archive()
    for record in archive.records[-2:]:
        object.__setattr__(record.agent, "name", "Route by kind, then write_and_mend_a_long_program")
    archive.values["final"] = {
        "finalists": [r.agent.id for r in archive.records[-2:]],
        "baselines": [r.agent.id for r in archive.records[:3]],
        "paid": {"tokens": 1_120_000},
    }
    found = archive_verdict(archive)
    text = shown(verdict_table(found), 80)
    assert max(map(len, text.splitlines())) <= 80
    for c in found.comparisons:  # no figure is cut
        for figure in (
            f"{100 * c.difference:+.1f}",
            f"{c.p_adjusted:.4f}",
            f"{c.finalist.tokens_per_item:,.0f}",
        ):
            assert figure in text
    assert ("repay" in text) == any(p.uses is not None for p in found.paybacks)
    assert "of 36 items" in text
    assert text.count("…") == 2  # the names, which are cut at 48 characters


def test_a_finalist_whose_turn_did_not_come_has_no_p_value() -> None:
    found = archive_verdict(searched_archive()).comparisons[0]
    assert p_text(replace(found, p=0.01, p_adjusted=0.03)) == "0.0300"
    assert p_text(replace(found, p=0.00001, p_adjusted=0.00001)) == "<0.0001"
    assert p_text(replace(found, p=0.01, p_adjusted=1.0)) == "-"
    assert p_text(replace(found, p=1.0, p_adjusted=1.0)) == "1.0000"


def test_money_and_text_forms() -> None:
    amounts = {0: "-", 12.345: "$12.35", 0.9999: "$1", 0.3: "$0.3", 0.0123: "$0.012", 0.00001234: "$0.000012"}
    assert [usd_text(amount) for amount in amounts] == [*amounts.values()]
    assert one_line("a\r\n\x1b[2Jb\u202e\u200bc  d") == "a [2Jb c d"
    assert one_line("x" * 200, 10) == "x" * 9 + "…"
