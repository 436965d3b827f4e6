"""The domain `table`: questions with answers from a file."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from domains.domain import SPLITS
from domains.rows import key_of, shuffled
from domains.sources.source import open_source
from domains.table import TableDomain
from domains.table_file import Columns, read_rows
from meta_search.config import DomainConfig
from meta_search.errors import DomainError

ROWS = [{"question": f"What is {n} + {n}?", "answer": 2 * n} for n in range(40)]


def make(path: Path, text: str, **keys: object) -> TableDomain:
    path.write_text(text, encoding="utf-8")
    return TableDomain(DomainConfig(name="table", path=str(path), **keys))  # type: ignore[arg-type]


def jsonl(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def questions(domain: TableDomain, split: str) -> list[str]:
    return [item.question for item in domain.items(split)]


def test_all_four_formats_give_the_same_items(tmp_path: Path) -> None:
    texts = {
        "t.jsonl": "\ufeff" + jsonl(ROWS) + "\n\n",
        "t.json": json.dumps(ROWS),
        "t.csv": "question,answer\r\n" + "".join(f'"{r["question"]}",{r["answer"]}\r\n' for r in ROWS),
        "t.tsv": "answer\tquestion\tnote\n" + "".join(f"{r['answer']}\t{r['question']}\tx\n" for r in ROWS),
    }
    domains = [make(tmp_path / name, text) for name, text in texts.items()]
    for split in SPLITS:
        first = domains[0].items(split)
        assert all(domain.items(split) == first for domain in domains)
    assert sum(len(domains[0].items(split)) for split in SPLITS) <= 40
    assert domains[0].name == "t"


def test_scores_by_number_or_text(tmp_path: Path) -> None:
    domain = make(tmp_path / "a.jsonl", jsonl(ROWS))
    item = domain.items("test")[0]
    assert domain.score(item, f"It is ${item.target}.00").value == 1
    assert domain.score(item, f"{int(item.target) + 1}").value == 0
    assert "a number" in domain.brief
    exactly = make(tmp_path / "b.jsonl", jsonl(ROWS), match="exact")
    assert exactly.score(item, f"It is ${item.target}.00").value == 0


def test_own_column_names_and_kinds(tmp_path: Path) -> None:
    rows = [{"q": f"{n}?", "a": n % 2 == 0, "kind": "even"} for n in range(20)]
    domain = make(tmp_path / "t.jsonl", jsonl(rows), question="q", answer="a")
    assert {(item.target, item.kind) for item in domain.items("train")} <= {
        ("True", "even"),
        ("False", "even"),
    }


def test_neither_order_nor_added_rows_deal_anew(tmp_path: Path) -> None:
    sizes = {"examples": 2, "train": 10, "validation": 10, "test": 10}
    domain = make(tmp_path / "a.jsonl", jsonl(ROWS), sizes=sizes)
    turned = make(tmp_path / "b.jsonl", jsonl(ROWS[::-1]), sizes=sizes)
    seeded = make(tmp_path / "c.jsonl", jsonl(ROWS), sizes=sizes, seed=1)
    added = make(tmp_path / "d.jsonl", jsonl([*ROWS, {"question": "new", "answer": 1}]), sizes=sizes)
    for split in SPLITS:
        assert len(domain.items(split)) == sizes[split]
        assert domain.items(split) == turned.items(split)
        assert questions(domain, split) != questions(seeded, split)
        assert len(set(questions(domain, split)) & set(questions(added, split))) >= sizes[split] - 1


def guessed(domain: TableDomain) -> float:
    """How often an agent finds out its split from its question, the seed, and how many rows there are."""
    asked = {q: split for split in SPLITS for q in questions(domain, split)}
    by_hash = sorted(asked, key=lambda q: hashlib.sha256(f"0/{key_of(q)}".encode()).digest())
    right, start = 0, 0
    for split in SPLITS:
        size = len(domain.items(split))
        right += sum(asked[q] == split for q in by_hash[start : start + size])
        start += size
    return right / len(asked)


def test_no_agent_can_tell_its_split_from_its_question(tmp_path: Path) -> None:
    rows = jsonl([{"question": f"What is {n} + {n}?", "answer": 2 * n} for n in range(400)])
    sizes = dict.fromkeys(SPLITS, 100)
    assert guessed(make(tmp_path / "t.jsonl", rows, sizes=sizes, dealing="row")) == 1.0
    hidden = make(tmp_path / "t.jsonl", rows, sizes=sizes)
    assert guessed(hidden) < 0.35  # chance: 0.25
    # What it takes are two rows that no agent is shown; answers may be corrected.
    anchors = shuffled((key_of(q) for split in SPLITS for q in questions(hidden, split)), "anchor")[:2]
    assert set(anchors) <= {key_of(q) for q in questions(hidden, "test")}
    corrected = make(tmp_path / "t.jsonl", rows.replace('"answer": ', '"answer": 7'), sizes=sizes)
    assert questions(corrected, "train") == questions(hidden, "train")
    other = rows.replace(anchors[0], "Something else?")
    assert questions(make(tmp_path / "t.jsonl", other, sizes=sizes), "train") != questions(hidden, "train")


def test_rows_that_are_added_leave_the_others_where_they_are(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"question": f"What is {n} + {n}?", "answer": n} for n in range(400)]
    sizes = {"examples": 20, "train": 100, "validation": 100, "test": 100}
    before = make(tmp_path / "t.jsonl", jsonl(rows), sizes=sizes)
    kept = 0
    for draw in range(20):
        more = [{"question": f"And what is {draw} - {n}?", "answer": n} for n in range(4)]
        after = make(tmp_path / "t.jsonl", jsonl([*rows, *more]), sizes=sizes)
        moved = [set(questions(before, s)) - set(questions(after, s)) for s in SPLITS]
        kept += sum(map(len, moved)) < 25
    assert kept >= 17  # two of 400 rows are anchors: four more take the place of one in 2 % of all cases


def test_duplicates_are_one_item(tmp_path: Path) -> None:
    again = [{"question": f"  {row['question'].replace(' ', '  ')}", "answer": row["answer"]} for row in ROWS]  # type: ignore[attr-defined]
    domain = make(tmp_path / "t.jsonl", jsonl(ROWS + again))
    asked = [" ".join(q.split()) for split in SPLITS for q in questions(domain, split)]
    assert len(asked) == len(set(asked)) <= 40


def test_small_files_are_shared_out_and_large_ones_capped(tmp_path: Path) -> None:
    for n in range(8, 60):
        domain = make(tmp_path / "t.jsonl", jsonl([{"question": f"{i}?", "answer": i} for i in range(n)]))
        sizes = [len(domain.items(split)) for split in SPLITS]
        assert sum(sizes) <= n
        assert sum(sizes) >= n - 4
        assert min(sizes[1:]) >= 1
    large = make(tmp_path / "t.jsonl", jsonl([{"question": f"{i}?", "answer": i} for i in range(1000)]))
    assert [len(large.items(split)) for split in SPLITS] == [24, 48, 48, 120]


def test_named_sizes_are_kept_and_the_rest_is_shared(tmp_path: Path) -> None:
    domain = make(tmp_path / "t.jsonl", jsonl(ROWS), sizes={"test": 36})
    assert [len(domain.items(split)) for split in SPLITS][3] == 36
    assert sum(len(domain.items(split)) for split in SPLITS[:3]) <= 4
    assert all(len(domain.items(split)) >= 1 for split in SPLITS[1:])


def test_few_rows_are_counted_over_all_splits_of_a_file(tmp_path: Path) -> None:
    given = {"examples": 2, "train": 6, "validation": 6, "test": 8}
    rows = [
        {"question": f"{split} {'abcdefgh'[n] * 5}", "answer": n, "split": split}
        for split, count in given.items()
        for n in range(count)
    ]
    domain = make(tmp_path / "a.jsonl", jsonl(rows))
    assert {split: len(domain.items(split)) for split in SPLITS} == given
    domain = make(tmp_path / "b.jsonl", jsonl([row for row in rows if row["split"] != "examples"]))
    assert len(domain.items("examples")) + len(domain.items("train")) == 6
    assert len(domain.items("train")) >= 1


GOOD = "".join(f"q{n},{n}\n" for n in range(20))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "", "is empty"),
        ("t.csv", "question,answer\n", "too few rows: 0 different questions, at least 8"),
        (
            "t.csv",
            "frage,antwort\na,b\n",
            "line 2: no column 'question', there are: frage, antwort; set domain.question",
        ),
        (
            "t.csv",
            "question,reply\n" + GOOD,
            "no column 'answer', there are: question, reply; set domain.answer",
        ),
        (
            "t.csv",
            "question,answer\n" + GOOD + "a,b,c\n",
            "line 22: has more or fewer cells than the first line",
        ),
        ("t.csv", "question,answer\n" + GOOD + "a\n", "line 22: has more or fewer cells than the first line"),
        ("t.csv", "question,answer\n" + GOOD + '"a,5\n', "after line 21: unexpected end of data"),
        ("t.csv", "question,answer\n" + GOOD + "a,\n", "line 22: 'answer' is empty"),
        ("t.csv", "question,answer\n" + GOOD + "q1,7\n", "rows 3 and 22 ask the same question"),
        ("t.jsonl", jsonl(ROWS) + "{'a': 1}\n", "line 41: is not JSON"),
        ("t.jsonl", jsonl(ROWS) + "[1]\n", "line 41: must be a JSON object"),
        ("t.jsonl", jsonl(ROWS) + "[" * 100_000, "line 41: is n"),
        (
            "t.jsonl",
            jsonl(ROWS) + '{"question": "x", "answer": null}',
            "line 41: 'answer' is null",
        ),
        (
            "t.jsonl",
            jsonl(ROWS) + '{"question": "\\ud800", "answer": 1}',
            "line 41: 'question' holds half a character",
        ),
        ("t.json", '{"question": 1}', "must be a JSON list"),
        ("t.json", "[]", "must be a JSON list"),
        ("t.json", "[3]", "row 1: must be a JSON object"),
        ("t.json", '[\n{"question": }]', "line 2: is not JSON"),
        ("t.xlsx", "x", "unknown kind of file"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DomainError) as caught:
        make(tmp_path / name, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_path_no_file_a_folder_and_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "thai.csv").write_bytes("question,answer\nใคร?,สมชาย\n".encode("cp874"))
    (tmp_path / "folder.csv").mkdir()
    for path, message in (
        (None, "needs a file"),
        (str(tmp_path / "none.csv"), "cannot be read: No such file"),
        (str(tmp_path / "folder.csv"), "the folder holds no file of rows"),
        (str(tmp_path / "thai.csv"), "is not UTF-8"),
    ):
        with pytest.raises(DomainError, match=message):
            TableDomain(DomainConfig(name="table", path=path))


def test_sizes_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="40 different questions, at least 102 are needed"):
        make(tmp_path / "t.jsonl", jsonl(ROWS), sizes={"test": 100})


def test_numbers_are_kept_as_written(tmp_path: Path) -> None:
    lines = "".join(f'{{"question": "{n}?", "answer": {n}.50}}\n' for n in range(10))
    domain = make(tmp_path / "t.jsonl", lines + '{"question": "big", "answer": ' + "9" * 5000 + "}")
    targets = [item.target for split in SPLITS for item in domain.items(split)]
    assert any(target.endswith(".50") for target in targets)


def read(tmp_path: Path, name: str, text: str) -> dict[str, str]:
    """Question -> answer of all rows of a table."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    return {
        row.question: row.answer
        for row in read_rows(open_source(str(tmp_path / name), Columns().named), Columns())
    }


PAIRS = [(f"What is {n} plus 1?", str(n + 1)) for n in range(12)]
LISTED = [{"question": q, "answer": a} for q, a in PAIRS]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("semicolons.csv", "question;answer\n" + "".join(f"{q};{a}\n" for q, a in PAIRS)),
        ("list.jsonl", json.dumps(LISTED)),
        (
            "named.json",
            json.dumps({"name": "sums", "examples": LISTED}),
        ),
    ],
)
def test_tables_as_other_programs_write_them(tmp_path: Path, name: str, text: str) -> None:
    assert read(tmp_path, name, text) == dict(PAIRS)


def test_quotes_of_a_tsv_are_marks_where_they_pair(tmp_path: Path) -> None:
    rows = "".join(f"{q}\t{a}\n" for q, a in PAIRS)
    paired = read(tmp_path, "a.tsv", "question\tanswer\n" + rows + '"two\tcells"\t1\n')
    assert paired["two\tcells"] == "1"
    loose = read(tmp_path, "b.tsv", "question\tanswer\n" + rows + '"Hello" he said: "\t1\n')
    assert loose['"Hello" he said: "'] == "1"


def test_a_long_cell_is_read_and_the_limit_is_what_it_was(tmp_path: Path) -> None:
    limit, long = csv.field_size_limit(), "word " * 40_000
    rows = "".join(f"{q},{a}\n" for q, a in PAIRS)
    found = read(tmp_path, "long.csv", f"question,answer\n{rows}{long},1\n")
    assert found[long.strip()] == "1"
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.touch() or os.truncate(path, 10**12)])
def test_a_pipe_or_a_file_without_end_is_not_read(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / "t.csv")
    with pytest.raises(DomainError, match=r"t\.csv: is no plain file of at most 4,096 MB"):
        list(read_rows(open_source(str(tmp_path / "t.csv")), Columns()))
