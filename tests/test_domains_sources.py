"""Sources: files of rows as people and programs write them, packed or not; each right, or one clear line."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from domains.sources import limits, opening, texts, values
from domains.sources.source import Source, is_local, is_pinned, open_source
from domains.table import TableDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError

WANTED = ("question", "answer")
PAIRS = [(f"What is {n} plus 1?", str(n + 1)) for n in range(12)]
LISTED = [{"question": question, "answer": answer} for question, answer in PAIRS]
LINES = "".join(json.dumps(row) + "\n" for row in LISTED)
CSV = "question,answer\n" + "".join(f"{question},{answer}\n" for question, answer in PAIRS)


def source(path: Path, data: str | bytes, wanted: Sequence[str] = WANTED) -> Source:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return open_source(str(path), wanted)


def pairs(opened: Source, part: str = "") -> list[tuple[Any, Any]]:
    return [(record["question"], record["answer"]) for _, record in opened.records(part)]


def parted(mark: str, rows: Sequence[tuple[str, str]] = PAIRS) -> str:
    return "".join(f"{mark.join(row)}\n" for row in [WANTED, *rows])


FRENCH = [(f"Où est né l'élève numéro {n} ?", "À Orléans") for n in range(12)]
GERMAN = [(f"Wie groß ist {n}?", f"{n},50") for n in range(12)]
ARABIC = [(f"ما هو {n} زائد واحد؟", str(n + 1)) for n in range(12)]
COLUMNS = {"question": [q for q, _ in PAIRS], "answer": [a for _, a in PAIRS]}
KEYED = {name: {str(n): cell for n, cell in enumerate(cells)} for name, cells in COLUMNS.items()}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bom.csv", b"\xef\xbb\xbf" + CSV.encode()),
        ("utf16.csv", CSV.encode("utf-16")),
        ("utf16be.csv", b"\xfe\xff" + CSV.encode("utf-16-be")),
        ("utf16-without-a-mark.csv", CSV.encode("utf-16-le")),
        ("utf32.jsonl", LINES.encode("utf-32")),
        ("crlf.csv", CSV.replace("\n", "\r\n")),
        ("old-mac.csv", CSV.replace("\n", "\r")),
        ("no-last-line-end.csv", CSV.rstrip("\n")),
        ("semicolons.csv", parted(";")),
        ("tabs.csv", parted("\t")),
        ("bars.csv", parted("|")),
        ("commas.tsv", CSV),
        ("sep.csv", "sep=;\r\n" + parted(";").replace("\n", "\r\n")),
        ("quoted-sep.csv", '"sep=|"\n' + parted("|")),
        ("case.csv", CSV.replace("question,answer", " Question , ANSWER ")),
        ("invisible.csv", CSV.replace("question,answer", "\u200bquestion,answer\u200e")),
        ("blank-rows.csv", "\n,\n" + CSV.replace("What is 3", "\n,\n  , \nWhat is 3") + ",\n,\n"),
        ("blank-columns.csv", CSV.replace("\n", ",,\n")),
        (
            "pandas-index.csv",
            ",question,answer\n" + "".join(f"{n},{q},{a}\n" for n, (q, a) in enumerate(PAIRS)),
        ),
        ("all-quoted.csv", "".join(f'"{q}","{a}"\r\n' for q, a in [WANTED, *PAIRS])),
        ("without-a-heading.tsv", "".join(f"{q}\t{a}\n" for q, a in PAIRS)),
        ("lines.jsonl", LINES.replace("\n", "\r\n") + "\n\n"),
        ("lines.ndjson", LINES),
        ("lines.json", LINES),
        ("commas.jsonl", LINES.replace("}\n", "},\n")),
        ("list.jsonl", json.dumps(LISTED)),
        ("comma-at-the-end.json", json.dumps(LISTED, indent=1)[:-2] + ",\n]"),
        ("pretty.jsonl", "".join(json.dumps(row, indent=2) + "\n" for row in LISTED)),
        ("together.json", "".join(json.dumps(row) for row in LISTED)),
        ("named.json", json.dumps({"version": 1, "data": LISTED})),
        ("columns.json", json.dumps(COLUMNS)),
        ("pandas.json", json.dumps(KEYED)),
        ("pandas-index.json", json.dumps({f"row {n}": row for n, row in enumerate(LISTED)})),
        ("pandas-split.json", json.dumps({"columns": WANTED, "index": [], "data": PAIRS})),
        ("pandas-table.json", json.dumps({"schema": {"fields": [{"name": "x"}]}, "data": LISTED})),
        (
            "viewer.json",
            json.dumps({"features": [{}], "rows": [{"row_idx": 0, "row": row} for row in LISTED]}),
        ),
        ("packed.csv.gz", gzip.compress(CSV.encode())),
        ("packed.jsonl.gz", gzip.compress(LINES.encode())),
        ("packed-but-not-called-so.csv", gzip.compress(CSV.encode())),
        ("not-packed.jsonl.gz", LINES),
        ("two-members.jsonl.gz", gzip.compress(LINES[:200].encode()) + gzip.compress(LINES[200:].encode())),
    ],
)
def test_the_same_rows_however_they_are_written(tmp_path: Path, name: str, data: str | bytes) -> None:
    opened = source(tmp_path / name, data)
    assert pairs(opened) == PAIRS
    assert pairs(opened) == PAIRS  # again
    assert not opened.parts
    assert "\n" not in "".join(opened.notes)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("rows", [FRENCH, GERMAN])
def test_letters_of_western_languages(tmp_path: Path, encoding: str, rows: list[tuple[str, str]]) -> None:
    opened = source(tmp_path / "t.csv", parted(";", rows).encode(encoding))
    assert pairs(opened) == rows
    guessed = encoding in ("cp1252", "latin-1")
    assert guessed == any("read as Windows-1252, as in" in note for note in opened.notes)


def test_right_to_left_text_is_kept_as_it_is(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-16"):
        assert pairs(source(tmp_path / "t.csv", parted(",", ARABIC).encode(encoding))) == ARABIC


def test_quoted_cells_hold_line_ends_quotes_and_delimiters(tmp_path: Path) -> None:
    odd = [('two\r\nlines, "quoted"', "1"), ("a;b|c\td", "2"), ("\u2028 is no line end\x0b", "3")]
    rows = [*odd, *PAIRS]
    text = "question,answer\n" + "".join('"' + q.replace('"', '""') + f'",{a}\n' for q, a in rows)
    assert pairs(source(tmp_path / "t.csv", text)) == rows
    written = "".join(
        json.dumps(dict(zip(WANTED, row, strict=True)), ensure_ascii=False) + "\n" for row in rows
    )
    assert pairs(source(tmp_path / "t.jsonl", written)) == rows


def test_decimal_commas_of_a_spreadsheet_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(parted(";", GERMAN), encoding="cp1252")
    domain = TableDomain(DomainConfig(name="table", path=str(tmp_path / "t.csv")))
    item = next(i for i in domain.items("train") if i.target == f"{i.question[13:-1]},50")
    assert domain.score(item, f"The answer is {item.target.replace(',', '.')}").value == 1
    assert domain.score(item, item.target.replace(",", "")).value == 0


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", "", "is empty"),
        ("t.jsonl", " \n\n", "is empty"),
        ("t.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("t.csv", b"PK\x03\x04rest", "is an Excel workbook or a zip archive: save the sheet as CSV"),
        ("t.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "is an Excel workbook of the old kind"),
        ("t.xlsx", b"PK\x03\x04", "unknown kind of file: save the sheet as CSV"),
        ("t.json", b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
        ("t.jsonl", "\n<!doctype html><html>", "is a web page"),
        ("t.jsonl", b"\x80\x04\x95\x00", "is a pickle, which is not read as it could run code"),
        ("t.csv", b"question,answer\n\x00\x01\x02,4\n", "is a binary file, no text"),
        ("t.csv", "question,answer\nже,1\n".encode("cp1251"), "is not UTF-8 (byte 16)"),
        ("t.csv", "question,answer\né,1\n".encode() + b"\xff\n", "is not UTF-8 (byte 21)"),
        ("t.csv", "question,answer\nこんにちは,1\n".encode("shift-jis"), "UTF-8"),
        (
            "t.csv",
            CSV + 'a "quote,1\n"open,2\n',
            "after line 14: unexpected end of data: a quote does not end",
        ),
        ("t.csv", CSV + '"half" quoted,2\n', "after line 13: a quote ends within a cell"),
        (
            "t.csv",
            CSV + "a,b,c\n",
            "line 14: has more or fewer cells than the first line (3 and 2, parted by commas)",
        ),
        ("t.jsonl", LINES + '{"question": "x" "answer": 1}\n', "line 13: is not JSON"),
        ("t.json", json.dumps(LISTED)[:-1], "is not JSON: the list does not end"),
        ("t.json", json.dumps(LISTED, indent=1)[:-30], "line 47: is not JSON"),
        ("t.json", json.dumps(LISTED) + "x", "is not JSON: Extra data"),
        ("t.json", '[{"question": 1} {"question": 2}]', "is not JSON: Expecting ',' delimiter"),
        ("t.json", '{"a": 1', "is not JSON"),
        ("t.json", "hello", "is not JSON"),
        ("t.json", json.dumps({"a": [], "b": {}}), "must be a JSON list of objects"),
        ("t.jsonl", "[" * 100_000, "is n"),
        ("t.jsonl.gz", gzip.compress(LINES.encode())[:-20], "is broken off"),
        ("t.jsonl.gz", gzip.compress(LINES.encode())[:20] + b"\x07" * 200, "cannot be unpacked"),
        ("t.txt", LINES, "unknown kind of file; use .jsonl, .json, .csv, .tsv or .parquet"),
        ("t.parquet", "x", "is no parquet file"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, data: str | bytes, message: str) -> None:
    with pytest.raises(DomainError) as caught:
        list(source(tmp_path / name, data).records())
    assert message in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_real_workbook_under_another_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.csv", "w") as packed:
        packed.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(DomainError, match="is an Excel workbook"):
        open_source(str(tmp_path / "t.csv"))


def test_bombs_and_endless_lines_end_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FREE", 2**20)
    zeros = gzip.compress(b"\n" * 2**23)
    with pytest.raises(DomainError, match=r"unpacks to more than . MB, which is too much for its size"):
        list(source(tmp_path / "t.jsonl.gz", zeros).records())
    for module in (texts, values):
        monkeypatch.setattr(module, "LARGEST_RECORD", 1000)
    with pytest.raises(DomainError, match="line 2: is longer than"):
        list(source(tmp_path / "t.jsonl", LINES.partition("\n")[0] + "\n" + " " * 2000).records())
    monkeypatch.setattr(opening, "LARGEST_FILE", 100)
    with pytest.raises(DomainError, match="is no plain file of at most"):
        source(tmp_path / "t.csv", CSV)


def test_a_field_of_two_megabytes_and_a_record_longer_than_what_is_held(tmp_path: Path) -> None:
    long = "word " * 400_000
    rows = [(f"{n} {long}" if n in (0, 5) else q, a) for n, (q, a) in enumerate(PAIRS)]
    listed = [dict(zip(WANTED, row, strict=True)) for row in rows]
    for name, text in (
        ("t.csv", parted(",", rows)),
        ("t.jsonl", "".join(json.dumps(row) + "\n" for row in listed)),
        ("t.json", json.dumps(listed)),
    ):
        assert pairs(source(tmp_path / name, text)) == rows


def test_numbers_are_as_written_and_nan_is_missing(tmp_path: Path) -> None:
    opened = source(
        tmp_path / "t.json", '[{"a": 0.50, "b": NaN, "c": [1e3, null], "d": {"e": 1}, "f": true}]'
    )
    _, record = next(iter(opened.records()))
    assert record == {"a": "0.50", "b": None, "c": ["1e3", None], "d": {"e": "1"}, "f": True}
    assert isinstance(record["a"], values.Written)
    assert record["f"] is True


def test_what_is_read_otherwise_than_it_is_written_is_told(tmp_path: Path) -> None:
    for name, text, note in (
        ("a.csv", CSV.replace("question", "Question"), "the column 'Question' was read as 'question'"),
        (
            "b.csv",
            CSV.replace("\n", ",7\n").replace("answer,7", "answer,answer"),
            "several columns are called 'answer'",
        ),
        ("c.csv", CSV + ",\n,\n", "2 empty rows were left out"),
        ("d.tsv", "".join(f"{q}\t{a}\n" for q, a in PAIRS), "the first line is no heading"),
        ("e.jsonl", LINES.replace("}\n", "},\n"), "12 lines end with a comma"),
        ("f.json", json.dumps({f"r{n}": row for n, row in enumerate(LISTED)}), "12 rows by name, as 'r0'"),
    ):
        opened = source(tmp_path / name, text)
        assert pairs(opened) == PAIRS
        assert any(note in told for told in opened.notes), opened.notes
        domain = TableDomain(DomainConfig(name="table", path=str(tmp_path / name)))
        assert any(told.startswith(f"{name}: ") and note in told for told in domain.notes)


def test_a_column_that_is_there_is_not_taken_for_another(tmp_path: Path) -> None:
    text = "Question,question,answer\n" + "".join(f"no,{q},{a}\n" for q, a in PAIRS)
    assert pairs(source(tmp_path / "t.csv", text)) == PAIRS


def test_a_folder_has_a_part_for_each_name(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name, rows in (("train-00000-of-00002", PAIRS[:4]), ("train-00001-of-00002", PAIRS[4:6])):
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "data" / f"{name}.csv").write_text(parted(",", rows))
    (folder / "test.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    (folder / "README.md").write_text("# no data")
    (folder / "dataset_infos.json").write_text("{}")
    (folder / ".hidden.csv").write_text("x")
    opened = open_source(str(folder), WANTED)
    assert opened.parts == ("train", "test")
    assert pairs(opened, "train") == PAIRS[:6]
    assert [line for line, _ in opened.records("train")] == [1, 2, 3, 4, 5, 6]
    assert pairs(opened, "test") == PAIRS
    assert len(pairs(opened)) == 18
    assert opened.place("test", 3) == f"{folder}/test.jsonl.gz, line 3"
    assert opened.place("train", 5) == f"{folder}, train, row 5"
    with pytest.raises(DomainError, match="has no part 'dev'; there are: train, test"):
        list(opened.records("dev"))
    (folder / "test.csv").write_text(CSV)
    with pytest.raises(DomainError, match="test is there more than once"):
        open_source(str(folder))


def test_a_json_object_of_splits_has_parts(tmp_path: Path) -> None:
    opened = source(tmp_path / "t.json", json.dumps({"train": LISTED[:5], "dev": LISTED[5:], "about": "x"}))
    assert opened.parts == ("train", "dev")
    assert pairs(opened, "dev") == PAIRS[5:]
    assert opened.place("dev", 2).endswith("t.json, dev, row 2")


def test_parts_that_are_called_as_splits_are_those(tmp_path: Path) -> None:
    more = [(f"What is {n} minus 1?", str(n - 1)) for n in range(40)]
    for name, rows in (("train", more), ("test", PAIRS)):
        (tmp_path / f"{name}.csv").write_text(parted(",", rows))
    domain = TableDomain(DomainConfig(name="table", path=str(tmp_path)))
    assert {item.question for item in domain.items("test")} == {question for question, _ in PAIRS}
    assert not {item.question for item in domain.items("train")} & {question for question, _ in PAIRS}
    assert any("lacks some splits" in note for note in domain.notes)
    anew = TableDomain(DomainConfig(name="table", path=str(tmp_path), split=None))
    assert {item.question for item in anew.items("test")} != {question for question, _ in PAIRS}
    (tmp_path / "test.csv").write_text(parted(",", [*PAIRS, ("", "4")]))
    with pytest.raises(DomainError, match=r"test\.csv, line 14: 'question' is empty"):
        TableDomain(DomainConfig(name="table", path=str(tmp_path)))
    (tmp_path / "test.csv").write_text(parted(",", [*PAIRS, (more[3][0], "wrong")]))
    with pytest.raises(
        DomainError, match=r"train\.csv, line 5 and .*test\.csv, line 14 ask the same question"
    ):
        TableDomain(DomainConfig(name="table", path=str(tmp_path)))


def test_links_out_of_a_folder_of_datasets_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "../../etc/x.arrow"}]}))
    with pytest.raises(DomainError, match="which lies elsewhere"):
        open_source(str(tmp_path))
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(DomainError, match="is a damaged folder"):
        open_source(str(tmp_path))


@pytest.mark.parametrize("cell", ["nan", "NaN", "#N/A", "#DIV/0!"])
def test_what_programs_write_for_nothing_is_no_answer(tmp_path: Path, cell: str) -> None:
    (tmp_path / "t.csv").write_text(parted(",", [*PAIRS, ("odd", cell)]))
    with pytest.raises(DomainError, match=f"line 14: 'answer' is '{cell}', as programs write a value"):
        TableDomain(DomainConfig(name="table", path=str(tmp_path / "t.csv")))


def test_what_is_local_and_what_is_pinned() -> None:
    assert is_local("questions.csv")
    assert not is_local("hf:openai/gsm8k")
    assert is_pinned("hf:a/b:c@" + "0" * 40, "hf:a/b:c")
    assert not is_pinned("hf:a/bc@" + "0" * 40, "hf:a/b")
    with pytest.raises(DomainError, match="addresses are not read: download the file"):
        open_source("https://example.org/t.csv")
    for path in ("hf:", "hf:a/b/c", "hf:../x", "wheel:x", "wheel:x==1/../y", "wheel:x==1//etc"):
        with pytest.raises(DomainError, match="must be "):
            open_source(path)


def test_no_pipe_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.jsonl")
    with pytest.raises(DomainError, match="is no plain file"):
        open_source(str(tmp_path / "t.jsonl"))


def test_numbers_of_records_are_numbers_and_no_number_is_too_long() -> None:
    text = f'{{"a": [0.50, 7], "b": {{"c": "x"}}, "n": {"9" * 5_000}}}'
    [(_, record)] = values.values_of("t", io.StringIO(text), False)
    assert values.with_numbers(record) == {"a": [0.5, 7], "b": {"c": "x"}, "n": "9" * 5_000}


@pytest.mark.parametrize("shape", ["%s\n%s\n", "[%s,\n%s]", '{"data": [%s, %s]}'])
def test_what_is_nested_deeply_is_refused_before_anything_goes_through_it(tmp_path: Path, shape: str) -> None:
    def write(depth: int) -> str:
        row = '{"question": "q?", "answer": %s"x"%s}' % ("[" * depth, "]" * depth)  # noqa: UP031
        (tmp_path / "t.json").write_text(shape % (row, row))
        return str(tmp_path / "t.json")

    assert len(list(open_source(write(90)).records())) == 2
    for depth in (120, 900, 100_000):
        with pytest.raises(DomainError, match="is nested too deeply"):
            list(open_source(write(depth)).records())
