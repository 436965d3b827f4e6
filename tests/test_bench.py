"""The table of benchmarks: what cannot be measured says so, and is never a figure. Nothing is timed here."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench.__main__ import one, table
from tests.bench.row import ROWS, Row, percentile, spread


def test_every_row_has_a_measurement_or_says_that_it_has_none() -> None:
    folder = Path(__file__).parent / "bench"
    missing = {name for name in ROWS if not (folder / f"{name}.py").exists()}
    for name in missing:
        row = one(name, quick=True)
        assert (row.figure, row.ok) == ("", None)
        assert row.note
    assert missing < set(ROWS)


def test_a_row_whose_data_is_absent_is_not_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setenv("META_SEARCH_BENCH_ADAS", str(tmp_path / "absent.json"))
    row = one("published", quick=True)
    assert row.ok is None
    assert row.figure == ""
    assert "META_SEARCH_BENCH_ADAS" in row.note


def test_the_table_tells_ok_short_and_not_measured_apart() -> None:
    console = Console(file=io.StringIO(), width=160)
    console.print(table([Row("a", "1", "1", True), Row("b", "1", "2", False), Row("c", "1", note="no part")]))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for line in ("ok", "short", "not yet measured", "no part"):
        assert line in text


def test_percentiles() -> None:
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([3.0], 0.99) == 3.0
    assert spread([1.0, 2.0, 3.0]) == "median 2.0 ms, p99 3.0 ms"
