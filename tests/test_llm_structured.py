"""Lenient parsing of answers that should be JSON."""

from __future__ import annotations

import json

import pytest

from meta_search.llm.structured import repaired, with_instructions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('```json\n{"a": "x"}\n```', {"a": "x"}),
        ('Sure! Here it is:\n{"a": "x", "b": "y"}\nHope it helps.', {"a": "x", "b": "y"}),
        ("{'a': 'x', 'b': True}", {"a": "x", "b": True}),
        ('{"a": "x", "b": "cut of', {"a": "x", "b": "cut of"}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('{"a": "x"}\n{"a": "y"}', {"a": "y"}),  # who thinks aloud says it last
        ('{"a": 1,}', {"a": 1}),
    ],
)
def test_an_object_is_recovered(text: str, value: dict[str, object]) -> None:
    assert json.loads(repaired(text)) == value


@pytest.mark.parametrize("text", ["", "just prose", "42", "[1, 2]", "{", "{" * 300_000])
def test_what_is_no_object_stays_as_it_is(text: str) -> None:
    assert repaired(text) == text


def test_a_valid_object_is_not_touched() -> None:
    text = '{"a":   1e3 , "b":"é"}'
    assert repaired(text) == text


def test_instructions_go_to_the_end_of_the_last_message() -> None:
    messages = with_instructions((("system", "s"), ("user", "question")), {"type": "object", "x": "é"})
    assert messages[0] == ("system", "s")
    assert messages[1][1].startswith("question\n\n")
    assert '"x": "é"' in messages[1][1]
