"""What a record means: expressions, made columns, which rows are taken, options in another order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.columns import recipe_of
from domains.domain import SPLITS
from domains.expressions import MISSING, parse, value_at
from domains.table import WORKED, TableDomain
from meta_search.compose import compose
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from tests.kits.benchmarks import hotpotqa_official, math_whole, slice_of, whole

RECORD: Mapping[str, Any] = {
    "q": "Who?",
    "n": 0,
    "none": None,
    "empty": "",
    "Incorrect Answer 1": "x",
    "a.b": "dotted",
    "spans": {"spans": ["one", "two"], "types": []},
    "rows": [{"t": "a", "u": {"v": 1}}, {"t": "b", "u": {"v": 2}}],
    "deep": {"a": {"b": [10, {"c": "end"}]}},
}
NEEDED = {"question": "domain.question", "answer": "domain.answer"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("q", "Who?"),
        ("Incorrect Answer 1", "x"),
        ("a.b", "dotted"),  # a column of that very name comes first
        ("spans.spans", ["one", "two"]),
        ("spans.spans[0]", "one"),
        ("spans.spans[-1]", "two"),
        ("spans.spans[5]", MISSING),
        ("rows.t", ["a", "b"]),
        ("rows.u.v", [1, 2]),
        ("rows[1].t", "b"),
        ("deep.a.b[1].c", "end"),
        ("deep.a.x", MISSING),
        ("nowhere", MISSING),
        ("none | q", "Who?"),
        ("nowhere | empty | n", 0),  # 0 is something
        ("nowhere | empty", ""),
        ("spans.types | spans.spans", ["one", "two"]),
        ("{q} {n}", "Who? 0"),
        ("{nowhere | q}!", "Who?!"),
        ("{nowhere}!", MISSING),
        ("{empty} {empty} | q", "Who?"),
        ("{{{q}}}", "{Who?}"),
        ("{spans.spans}", "one two"),
    ],
)
def test_expressions(text: str, value: Any) -> None:
    found = parse(text).value(RECORD)
    assert found is MISSING if value is MISSING else found == value


@pytest.mark.parametrize("text", ["", " ", "a |", "{a", "a}", "| b"])
def test_an_expression_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"names no column|not closed"):
        parse(text)


@given(
    st.text(max_size=20),
    st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists, max_leaves=5),
)
def test_no_path_and_no_record_raises(path: str, value: Any) -> None:
    value_at({"a": value}, path)
    value_at(value, path)


def made(columns: Mapping[str, Any], record: Mapping[str, Any]) -> Any:
    return recipe_of(columns, {}, NEEDED).of("t, line 1", record)


def test_columns_are_made_in_order_of_objects_and_of_lists() -> None:
    columns = {
        "parts": {"each": "context", "value": "{title | 0}: {sentences | 1}", "join": "\n"},
        "question": "{parts}\n{question}",
        "answer": {"value": "answer", "match": r"^(\d+)"},
        "accepted": {"each": "validated", "value": "number | spans"},
        "data": ["level"],
    }
    record = {"question": "Q?", "answer": "9 (apples)", "level": 3}
    validated = {"number": ["1", "", ""], "spans": [[], ["a", "b"], []]}
    for context in (
        {"title": ["T", "U"], "sentences": [["One.", " Two."], ["Three."]]},
        [["T", ["One.", " Two."]], ["U", ["Three."]]],
        [{"title": "T", "sentences": ["One.", "Two."]}, {"title": "U", "sentences": ["Three."]}],
    ):
        found = made(columns, {**record, "context": context, "validated": validated})
        assert found.record["question"] == "T: One. Two.\nU: Three.\nQ?"
        assert found.record["answer"] == "9"
        assert found.accepted == ["1", ["a", "b"]]
        assert found.data == {"level": 3}
    as_list = [{"number": "1", "spans": []}, {"number": "", "spans": ["a", "b"]}]
    assert made(columns, {**record, "context": [], "validated": as_list}).accepted == ["1", ["a", "b"]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"question": "{body} {q}"},
            r"t, line 1: no column 'body' for domain.columns.question, there are: q, a",
        ),
        ({"question": 7}, r"domain.columns.question=7: must be an expression"),
        ({"question": {"each": "q"}}, r"domain.columns.question: value is missing"),
        ({"question": {"value": "q", "with": "a"}}, r"with is none of its keys"),
        ({"question": {"value": "q", "match": "("}}, r"domain.columns.question.match: is no pattern"),
        ({"question": "{q"}, r"a brace that is not closed"),
        ({"choices": []}, r"domain.columns.choices is an empty list"),
    ],
)
def test_a_column_that_cannot_be_made_is_one_clear_line(columns: Mapping[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message) as caught:
        made(columns, {"q": "Who?", "a": "I"})
    assert "\n" not in str(caught.value)


def table(tmp_path: Path, rows: list[dict[str, Any]], **keys: Any) -> TableDomain:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return TableDomain(DomainConfig(name="table", path=str(path), **keys))


ROWS = [
    {"body": f"Add {n}.", "ask": f"{n} + {n}?", "reply": {"text": [str(2 * n)]}, "level": n % 3}
    for n in range(30)
]


def test_question_and_answer_may_be_expressions_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    words = [
        "domain=table",
        f"domain.path={path}",
        "domain.question={body} {ask}",
        "domain.answer=reply.text[0]",
    ]
    domain = TableDomain(compose([*words, "domain.where.level=[0,1]", "domain.kind=level"]).domain)
    items = [item for split in SPLITS for item in domain.items(split)]
    assert items[0].question.startswith("Add ")
    assert {item.kind for item in items} == {"0", "1"}
    assert all(domain.score(item, item.target).value == 1 for item in items)


def test_rows_that_are_not_taken_and_a_filter_that_takes_none(tmp_path: Path) -> None:
    keys = {"question": "{body} {ask}", "answer": "reply.text[0]"}
    with pytest.raises(DomainError, match=r"domain.where leaves no row: level is 0, 1, 2"):
        table(tmp_path, ROWS, where={"level": 9}, **keys)
    with pytest.raises(DomainError, match=r"line 1: no column 'lvl' for domain.where, there are: body, ask"):
        table(tmp_path, ROWS, where={"lvl": 9}, **keys)
    with pytest.raises(DomainError, match=r"domain.families names none of its kinds: 0, 1, 2"):
        table(tmp_path, ROWS, families=("7",), kind="level", **keys)
    assert {i.kind for i in table(tmp_path, ROWS, families=("1",), kind="level", **keys).items("train")} == {
        "1"
    }


def test_an_id_of_the_row_s_own_and_two_of_one(tmp_path: Path) -> None:
    keys = {"question": "ask", "answer": "reply.text[0]"}
    domain = table(tmp_path, ROWS, columns={"id": "task/{body}"}, **keys)
    assert all(item.id == f"task/Add {item.question.split()[0]}." for item in domain.items("test"))
    with pytest.raises(DomainError, match=r"domain.columns.id: two rows have the id '0'"):
        table(tmp_path, ROWS, columns={"id": "level"}, where={"level": 0}, **keys)


def test_working_is_shown_with_examples_alone(tmp_path: Path) -> None:
    path = slice_of("gsm8k", tmp_path)
    domain = TableDomain(compose(path).domain)
    assert "Worked: 'She has " in domain.brief
    assert "<<" not in domain.brief
    assert all(item.data[WORKED] for item in domain.items("examples"))
    assert not any(WORKED in item.data for split in SPLITS[1:] for item in domain.items(split))
    assert all(item.target.replace(",", "").isdecimal() for split in SPLITS for item in domain.items(split))


def test_options_are_shuffled_the_same_in_every_run(tmp_path: Path) -> None:
    domain = TableDomain(compose(slice_of("gpqa", tmp_path)).domain)
    items = [item for split in SPLITS for item in domain.items(split)]
    assert len({item.target for item in items}) == 4
    for item in items:
        number = item.question.split("mass ")[1].split("?")[0]
        right = next(line for line in item.question.splitlines() if line.startswith(f"{item.target}) "))
        assert right == f"{item.target}) the {number}-on"
        assert domain.score(item, f"the {number}-on").value == 1
    other = TableDomain(compose([*slice_of("gpqa", tmp_path), "domain.seed=5"]).domain)
    asked = {item.id: item.question for item in items}
    assert all(asked.get(i.id, i.question) == i.question for split in SPLITS for i in other.items(split))
    assert "the 5-on" not in domain.brief  # its publisher asks not to show items
    assert any("not to show items in plain text" in note for note in domain.notes)


def test_options_that_name_others_by_their_place_stay(tmp_path: Path) -> None:
    rows = [
        {"question": f"{n}?", "answer": "D", "choices": [f"x{n}", f"y{n}", f"z{n}", "all of the above"]}
        for n in range(20)
    ]
    domain = table(tmp_path, rows, shuffle=True)
    assert {item.target for item in domain.items("test")} == {"D"}


def test_files_as_publishers_offer_them_are_read_too(tmp_path: Path) -> None:
    path = whole(hotpotqa_official)(tmp_path)
    item = TableDomain(compose(["domain=hotpotqa", f"domain.path={path}"]).domain).items("test")[0]
    assert item.question.startswith("Lake ")
    assert "It is deep. It is cold.\nCanal " in item.question
    path = whole(math_whole)(tmp_path)
    domain = TableDomain(compose(["domain=math", f"domain.path={path}", "domain.families=[algebra]"]).domain)
    assert {item.kind for item in domain.items("test")} == {"Algebra"}
    assert all(item.target.startswith("\\frac{") for item in domain.items("test"))


def test_a_copy_with_plain_columns_is_read_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("question,answer\n" + "".join(f"{n} and {n}?,{2 * n}\n" for n in range(20)))
    domain = TableDomain(compose(["domain=svamp", f"domain.path={path}"]).domain)
    assert domain.name == "svamp"
    assert domain.items("test")[0].target.isdecimal()
    with pytest.raises(DomainError, match=r"no column 'context' for domain.columns.question|'paragraphs'"):
        TableDomain(compose(["domain=hotpotqa", f"domain.path={path}"]).domain)


def test_answers_of_several_spans_and_several_that_are_accepted(tmp_path: Path) -> None:
    domain = TableDomain(compose(slice_of("drop", tmp_path)).domain)
    items = [item for split in SPLITS for item in domain.items(split)]
    spans = next(item for item in items if item.target.startswith("["))
    assert json.loads(spans.target)[0] == "the mill"
    assert domain.score(spans, "the mill and " + json.loads(spans.target)[1]).value == 1
    assert any(item.target == "the harbour" for item in items)
    assert any(item.target == "3 May" for item in items)
    about = next(item for item in items if item.data.get("any_of"))
    assert domain.score(about, about.data["any_of"][0]).value == 1


def test_a_benchmark_s_questions_with_two_answers_are_left_out(tmp_path: Path) -> None:
    rows = [{"question": f"{n}?", "answer": f"#### {n}"} for n in range(20)]
    rows += [{"question": "3?", "answer": "#### 4"}, {"question": "21?", "answer": ""}]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    domain = TableDomain(compose(["domain=gsm8k", f"domain.path={path}"]).domain)
    asked = {item.question for split in SPLITS for item in domain.items(split)}
    assert not {"3?", "21?"} & asked
    assert any(
        note.endswith("1 questions that have different answers in two rows are left out")
        for note in domain.notes
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[:-1]))
    with pytest.raises(DomainError, match="same question with different answers"):
        TableDomain(compose(["domain=table", f"domain.path={path}"]).domain)


def test_an_error_does_not_repeat_a_long_name(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text(
        "".join(json.dumps({f"\x1b[31m{'k' * 10_000}{n}": n for n in range(500)}) + "\n" for _ in range(9))
    )
    for keys in ({}, {"where": {"level": 5}}, {"columns": {"question": "{a}"}}, {"group": "g"}):
        with pytest.raises(DomainError) as caught:
            TableDomain(DomainConfig(name="table", path=str(path), **keys))
        assert len(str(caught.value)) < 1_000
        assert "\x1b" not in str(caught.value)
