"""Worked examples in words, whatever stands in the archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search.report.taught import Taught, digest, of_agent, pool, pool_line, told
from meta_search.types import Demonstration

ROWS = [
    [digest("q1"), "sums", "program", "meta"],
    [digest("q1"), "sums", "thinking", "author"],
    [digest("q2"), "", "text", "task"],
]


def archived(folder: Path, value: Any) -> Archive:
    with Store.open(folder / "archive.db") as store:
        store.set_meta("pool", value).result()
    return Archive(folder)


def test_the_pool_is_told_by_kind_and_teacher(tmp_path: Path) -> None:
    with archived(tmp_path, ROWS) as archive:
        line = pool_line(archive)
        shown = of_agent(archive, [Demonstration("q1", "```x```"), Demonstration("other", "42")])
    assert line == (
        "3 worked examples that agents may show: no kind 1, sums 2; "
        "1 written by the meta agent, 1 by the meta model, 1 by the task model"
    )
    assert [(row.kind, row.teacher) for row in shown] == [("sums", "meta"), ("", "")]
    assert told(shown[1:]) == "1 by a teacher that was not recorded"


@pytest.mark.parametrize("value", [None, [], {}, "x", [["a"]], [[1, 2, 3, 4]], [{}], 7])
def test_what_is_no_pool_is_left_out(tmp_path: Path, value: Any) -> None:
    with archived(tmp_path, value) as archive:
        assert pool(archive) == []
        assert pool_line(archive) == ""


def test_names_of_kinds_stay_within_their_line() -> None:
    rows = [Taught("0", f"kind\x1b[31m {n}\n" * 99, "text", "nobody") for n in range(30)]
    text = told(rows)
    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) < 600
    assert "22 more kinds" in text
