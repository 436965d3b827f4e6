"""Fields of examples as questions, and answers as predictions; needs no DSPy."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal, Optional

import pytest

from domains.imports.dspy_fields import Output, ask_for, question_of, read_answer, target_of
from meta_search.errors import DomainError

PAIR = (Output("date"), Output("amount", parsed=True))


@pytest.mark.parametrize(
    ("inputs", "question"),
    [
        ({"text": " Hi.\n"}, "Hi."),
        ({"q": "Who?", "lang": "fr"}, "q: Who?\nlang: fr"),
        ({"context": ["a b", "c"], "q": "Who?"}, "context:\n[1] a b\n[2] c\nq: Who?"),
        ({"table": {"n": [1, None]}, "q": "line 1\nline 2"}, 'table: {"n": [1, null]}\nq:\nline 1\nline 2'),
        ({"n": 7}, "7"),
    ],
)
def test_inputs_as_a_question(inputs: dict[str, Any], question: str) -> None:
    assert question_of("here", inputs) == question


@pytest.mark.parametrize(
    "value", ["data:image/png;base64,iVBO", type("Image", (), {})(), type("Audio", (), {})()]
)
def test_images_are_told_in_one_line(value: Any) -> None:
    with pytest.raises(
        DomainError, match=r"trainset\[0\]: 'picture' is no text: questions with images"
    ) as told:
        question_of("trainset[0]", {"picture": value, "question": "What?"})
    assert "\n" not in str(told.value)
    with pytest.raises(DomainError, match="hold no text"):
        question_of("trainset[0]", {"question": "  "})


@pytest.mark.parametrize(
    "answer",
    [
        '{"date": "2024-01-02", "amount": 3.5}',
        'Here it is:\n```json\n{"amount": 3.50, "date": "2024-01-02", "more": 1}\n```',
        "{'date': '2024-01-02', 'amount': '3.5',}",
        "date: 2024-01-02\namount: 3.5",
        "**Date**: 2024-01-02\n- Amount: 3.5",
        "[[ ## date ## ]]\n2024-01-02\n\n[[ ## amount ## ]]\n3.5\n\n[[ ## completed ## ]]",
    ],
)
def test_several_fields_are_read_leniently(answer: str) -> None:
    assert read_answer(PAIR, answer) == {"date": "2024-01-02", "amount": 3.5}


@pytest.mark.parametrize("answer", ["2024-01-02", "{}", "", '{"date": "x"}', "[1, 2]", "date: x", "{" * 5000])
def test_a_missing_field_is_named(answer: str) -> None:
    with pytest.raises(ValueError, match=r"lacks .*amount.*JSON object with the keys date, amount"):
        read_answer(PAIR, answer)


@pytest.mark.parametrize(
    ("output", "answer", "value"),
    [
        (Output("label"), " refund ", "refund"),
        (Output("label"), '{"label": "refund"}', "refund"),
        (Output("label"), '{"n": "refund"}', '{"n": "refund"}'),
        (Output("label"), "42", "42"),  # labels are texts: so is the answer
        (Output("n", parsed=True), "42", 42),
        (Output("n", parsed=True), "4.50", 4.5),
        (Output("n", parsed=True), "`42`", 42),
        (Output("ok", parsed=True), "True", True),
        (Output("tags", parsed=True), 'Tags: ["a", "b"]', ["a", "b"]),
        (Output("tags", parsed=True), "none of them", "none of them"),
        (Output("tags", parsed=True), '{"tags": ["a"]}', ["a"]),
        (Output("row", parsed=True), '{"a": 1, "b": [2.0]}', {"a": 1, "b": [2.0]}),
    ],
)
def test_one_field(output: Output, answer: str, value: Any) -> None:
    read = read_answer([output], answer)[output.name]
    assert read == value
    assert type(read) is type(value)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ([Output("answer")], "only the final answer, nothing else"),
        ([Output("reply_tone")], "only the reply tone, nothing else"),
        ([Output("label", Literal["a", "b"], "the topic")], "the topic; one of a, b"),
        ([Output("n", int)], "a whole number"),
        ([Output("n", Optional[float])], "a number or null"),  # noqa: UP045 (as people write it)
        ([Output("colour", Colour)], "one of red, blue"),
        ([Output("tags", list[str])], "a JSON list"),
        (
            [Output("ok", bool), Output("why")],
            "a JSON object with the keys ok (true or false), why; nothing else",
        ),
    ],
)
def test_what_agents_are_told_of_the_form(outputs: list[Output], told: str) -> None:
    assert ask_for(outputs) == told


def test_labels_as_an_answer_and_back() -> None:
    values = {"date": "2024-01-02", "amount": 3.5, "n": None}
    assert read_answer(PAIR, target_of(PAIR, values)) == {"date": "2024-01-02", "amount": 3.5}
    assert target_of([Output("x")], {"y": 1}) == ""
    assert target_of([Output("x")], {"x": ["a", {"b": 1}]}) == '["a", {"b": 1}]'
