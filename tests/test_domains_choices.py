"""Options that stand in columns of a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domains.table import TableDomain
from meta_search.config import DomainConfig
from meta_search.errors import DomainError

CITIES = ["Rome", "Paris", "Oslo", "Bern"]


def table(tmp_path: Path, rows: list[dict[str, Any]], **keys: Any) -> TableDomain:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return TableDomain(DomainConfig(name="table", path=str(path), **keys))


def rows(choices: Any, answers: list[Any], column: str = "choices") -> list[dict[str, Any]]:
    each = [{"question": f"Question {n}?", "answer": answers[n % len(answers)]} for n in range(24)]
    return [row | (choices if column == "" else {column: choices}) for row in each]


@pytest.mark.parametrize(
    ("column", "choices", "answers"),
    [
        ("choices", CITIES, ["B", "D"]),
        ("options", CITIES, ["Paris", "Bern"]),
        ("choices", json.dumps(CITIES), ["paris", "D"]),
        ("choices", CITIES, [1, 3, 0]),  # MMLU: from 0
        ("choices", CITIES, [2, 4]),  # from 1, as 4 would be none
        ("choices", {"text": CITIES, "label": ["A", "B", "C", "D"]}, ["B", "D"]),
        ("options", dict(zip("ABCD", CITIES, strict=True)), ["B", "D"]),
        ("", dict(zip("ABCD", CITIES, strict=True)), ["B", "D"]),
        ("choices", CITIES, ["B"]),  # one letter alone
    ],
)
def test_options_stand_below_the_question(
    tmp_path: Path, column: str, choices: Any, answers: list[Any]
) -> None:
    domain = table(tmp_path, rows(choices, answers, column))
    asked = [item for item in domain.items("test") if item.target == "B"]
    assert asked
    assert asked[0].question.endswith("?\nA) Rome\nB) Paris\nC) Oslo\nD) Bern")
    for answer in ("B", "(b)", "Paris", "The answer is Paris.", "B) Paris"):
        assert domain.score(asked[0], answer).value == 1, answer
    for answer in ("A", "Rome", "Paris or Rome"):
        assert domain.score(asked[0], answer).value == 0, answer
    assert any("choices of a row" in note for note in domain.notes)


def test_options_that_the_question_has_are_not_told_twice(tmp_path: Path) -> None:
    made = rows(CITIES, ["B", "D"])
    for row in made:
        row["question"] += "\nA. Rome\nB. Paris\nC. Oslo\nD. Bern"
    assert table(tmp_path, made).items("test")[0].question.count("Paris") == 1


@pytest.mark.parametrize("choices", [["x", "y"], "none", [], {"a": 1}, [["x"], ["y"]], ["x", None], [1]])
def test_a_column_about_something_else_is_not_read(tmp_path: Path, choices: Any) -> None:
    domain = table(tmp_path, rows(choices, [17, 18]))
    item = domain.items("test")[0]
    assert item.question.endswith("?")
    assert domain.score(item, f"It is {item.target}.").value == 1


def test_another_matcher_leaves_questions_and_answers_as_they_are(tmp_path: Path) -> None:
    domain = table(tmp_path, rows(CITIES, ["Paris", "Bern"]), matcher="exact")
    item = domain.items("test")[0]
    assert item.target in ("Paris", "Bern")
    assert item.question.endswith("?")


def test_rows_without_options_are_compared_as_ever(tmp_path: Path) -> None:
    made = [
        row if n % 2 else {**row, "choices": None, "answer": 7} for n, row in enumerate(rows(CITIES, ["B"]))
    ]
    domain = table(tmp_path, made)
    for item in domain.items("test"):
        assert domain.score(item, "Paris" if item.target == "B" else "It is 7.").value == 1


def test_an_answer_that_is_none_of_the_options_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"line 2: the answer 'Lima' is none of its choices: Rome, Paris"):
        table(tmp_path, rows(CITIES, ["B", "Lima"]))
