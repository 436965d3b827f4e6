"""Tables of many rows: what is held, what is found, and that they are dealt as small ones are."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from domains import row_file, table
from domains.row_file import DistinctRows, MappedRows, RowFile
from domains.rows import Row, anchors_of, distinct, in_order, key_of
from domains.sources import progress
from domains.table import TableDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError

SPLIT_NAMES = ("train", "validation", "test")


def rows_of(count: int, seed: int = 0) -> list[Row]:
    draw = random.Random(seed)
    return [
        Row(
            n,
            f"What is {draw.randrange(count)}?",
            "é" * draw.randrange(4) + "1",
            "",
            ("2",),
            draw.choice(SPLIT_NAMES),
        )
        for n in range(count)
    ]


def filled(rows: list[Row]) -> RowFile:
    held = RowFile()
    for row in rows:
        held.add(row)
    return held


@pytest.mark.parametrize("held", [0, 2**30])
def test_rows_come_back_as_they_were(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_file, "HELD", held)
    monkeypatch.setattr(row_file, "READ", 500)
    rows = [
        *rows_of(300),
        Row(1, "long " * 1000, "a\nb", "kind", (), "", True, {"name": "numeric"}, ("x", "y"), "part"),
    ]
    kept = filled(rows)
    assert list(kept) == rows
    assert [kept[n] for n in range(len(rows))] == rows
    assert kept[-1] == rows[-1]
    assert kept[3:5] == rows[3:5]
    mapped = MappedRows(kept, lambda row: row._replace(kind="k"))
    assert {row.kind for row in mapped} == {mapped[0].kind} == {"k"}
    with pytest.raises(IndexError):
        kept[len(rows)]


def test_distinct_rows_are_those_of_a_dict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_file, "HELD", 0)
    rows = [row._replace(answer="1") for row in rows_of(2000)]
    plain = distinct(Path("t.csv"), rows)
    found = DistinctRows("t.csv", filled(rows), lambda row: f"line {row.line}")
    assert list(found) == list(plain)
    assert dict(found) == plain
    assert len(found) == len(plain) == found.splits.total()
    assert found.anchors == anchors_of(plain, "file")
    firsts = {key: row.split for key, row in plain.items()}
    assert found.crossing == sum(firsts[key_of(row.question)] != row.split for row in rows)
    assert found.again == len(rows) - len(plain) - found.crossing
    with pytest.raises(KeyError):
        found["no such question"]


def test_one_question_with_two_answers_is_found_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_file, "HELD", 0)
    rows = [Row(n, f"What is {n}?", "1", "") for n in range(5000)]
    rows.insert(4000, rows[17]._replace(line=9999, answer="2"))
    with pytest.raises(DomainError, match=r"t\.csv: rows 17 and 9999 ask the same question with different"):
        DistinctRows("t.csv", filled(rows), lambda row: "")


def test_the_front_of_an_order_is_that_of_the_whole() -> None:
    keys = [f"question {n}" for n in range(500)]
    whole = in_order(keys, 3, "file")
    assert sorted(whole) == sorted(keys)
    assert tuple(whole[-2:]) == anchors_of(keys, "file")
    for most in (0, 10, 499, 500, 900):
        assert in_order(keys, 3, "file", most) == whole[:most]
        some = iter(keys)
        assert in_order(some, 3, "file", most, anchors_of(keys, "file")) == whole[:most]


def test_many_rows_are_dealt_and_compared_as_few_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"question": f"What is {n}?", "answer": n, "split": SPLIT_NAMES[n % 3]} for n in range(900)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for split in ("split", None):
        config = DomainConfig(name="table", path=str(tmp_path / "t.jsonl"), split=split)
        whole = TableDomain(config)
        with monkeypatch.context() as patched:
            patched.setattr(row_file, "HELD", 0)
            patched.setattr(table, "MOST_LEARNED", 300)
            patched.setattr(table, "BATCH", 100)
            part = TableDomain(config)
        for name in ("examples", "train", "validation", "test"):
            assert whole.items(name) == part.items(name)
        assert whole.brief == part.brief
        assert any("of 900 rows the first" in note for note in part.notes)


def test_what_is_wrong_with_a_row_far_down_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_LEARNED", 300)
    monkeypatch.setattr(table, "BATCH", 100)
    rows = [{"question": f"What is {n}?", "answer": str(n)} for n in range(900)]
    config = DomainConfig(
        name="table", path=str(tmp_path / "t.jsonl"), matcher="numeric", matcher_column="how"
    )
    for change, message in (
        ({"answer": "none at all"}, "'none at all' holds no number"),
        ({"how": "nosuch"}, "nosuch"),
        ({"answer": ""}, "line 801: 'answer' is empty"),
        ({"question": "What is 3?"}, "rows 4 and 801 ask the same"),
    ):
        changed = [*rows[:800], {**rows[800], **change}, *rows[801:]]
        (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in changed))
        with pytest.raises(DomainError, match=message):
            TableDomain(config)


def test_long_reading_is_counted_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "AFTER_S", 0)
    assert list(progress.shown("t.csv", iter(range(3000)))) == list(range(3000))
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(progress.shown("t.csv", iter(range(3000)))) == list(range(3000))
    told = capsys.readouterr().err
    assert "reading t.csv: 1,000 rows" in told
    assert told.endswith("\r\033[K")


PEAK = """
import resource, sys
from domains.table import TableDomain
from meta_search.config import DomainConfig
TableDomain(DomainConfig(name="table", path=sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mb(path: Path, root: Path) -> int:
    command = [sys.executable, "-c", PEAK, str(path)]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return int(ran.stdout)


@pytest.mark.slow
def test_memory_is_flat_for_a_table_of_300_000_rows(tmp_path: Path, root: Path) -> None:
    peaks = {}
    for count in (3_000, 300_000):
        with (tmp_path / f"{count}.jsonl").open("w") as file:
            for n in range(count):
                asked = f"Question {n}: " + " ".join(f"word{n * k % 7919}" for k in range(25))
                file.write(json.dumps({"question": asked, "answer": n % 1000}) + "\n")
        peaks[count] = peak_mb(tmp_path / f"{count}.jsonl", root)
    print(f"peak RSS of the domain table: {peaks[3_000]} MB for 3,000 rows, {peaks[300_000]} MB for 300,000")
    assert peaks[300_000] < peaks[3_000] + 48  # of a file of 80 MB
