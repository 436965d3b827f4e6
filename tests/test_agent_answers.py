"""What models write, and what becomes of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.agent.answers import code_in, parse_fields, schema_for, text_of

TWO = ["thinking", "answer"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"thinking": "40 + 2", "answer": "42"}', ("40 + 2", "42")),
        ('{"answer": "42", "thinking": "40 + 2"}', ("40 + 2", "42")),
        ('{"thinking": 1, "answer": 42.0}', ("1", "42")),
        ('{"thinking": true, "answer": [1, {"a": null}]}', ("True", '[1, {"a": null}]')),
        ('{"answer": "42"}', ("", "42")),
        ('{"thinking": "hm", "answer": null}', ("hm", "")),
        ("{}", ("", "")),
        ('{"Thinking ": "hm", "ANSWER": "42", "more": 1}', ("hm", "42")),
        ('Sure!\n```json\n{"thinking": "hm", "answer": "42"}\n```\nDone.', ("hm", "42")),
        ('Take {x} for x. {"thinking": "hm", "answer": "{42}"} Or {y}?', ("hm", "{42}")),
        ('{"thinking": "line\nbreak", "answer": "42"}', ("line\nbreak", "42")),
        ('{"thinking": "cut \\"short\\"", "answer": "42', ('cut "short"', "42")),
        ('{"thinking": "no comma" "answer": 42}', ("no comma", "42")),
        ('{"thinking": "he said "hi"", "answer": "42"}', ("he said ", "42")),
        ("The answer is 42.", ("", "The answer is 42.")),
        ("", ("", "")),
    ],
)
def test_fields_of_a_reply(text: str, values: tuple[str, str]) -> None:
    assert parse_fields(text, TWO) == dict(zip(TWO, values, strict=True))


@pytest.mark.parametrize(
    ("text", "fields", "values"),
    [
        (" 42\n", ["answer"], ["42"]),
        ('{"answer": 42}', ["answer"], ["42"]),
        ("{1, 2}", ["answer"], ["{1, 2}"]),
        ("42", ["thinking", "sum"], ["", "42"]),
        ("```python\nprint({'a': 1})\n```", ["code"], ["print({'a': 1})"]),
        ("print(1)", ["code"], ["print(1)"]),
        ('{"code": "```python\\nprint(1)\\n```", "why": "short"}', ["code", "why"], ["print(1)", "short"]),
        ("anything", [], []),
    ],
)
def test_fields_of_other_shapes(text: str, fields: list[str], values: list[str]) -> None:
    assert parse_fields(text, fields) == dict(zip(fields, values, strict=True))


@settings(deadline=None)
@given(
    st.text(), st.lists(st.sampled_from(["thinking", "answer", "code", "Final Answer", "a+b"]), unique=True)
)
def test_every_reply_has_every_field_as_a_string(text: str, fields: list[str]) -> None:
    values = parse_fields(text, fields)
    assert list(values) == fields
    assert all(type(value) is str for value in values.values())


@settings(deadline=None)
@given(st.text(alphabet='{}[]":, \\an1', max_size=200))
def test_nothing_that_looks_like_json_breaks_it(text: str) -> None:
    assert list(parse_fields(text, TWO)) == TWO


@pytest.mark.parametrize("text", ['{"a":' * 5000, "[" * 10_000, '{"answer": ' + "1" * 5000 + "}"])
def test_nothing_is_too_deep_or_too_long(text: str) -> None:
    assert list(parse_fields(text, TWO)) == TWO


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.fixed_dictionaries({"thinking": json_values, "answer": json_values}), st.booleans())
def test_json_comes_back_as_its_text(values: dict[str, object], ascii_only: bool) -> None:
    found = parse_fields(json.dumps(values, ensure_ascii=ascii_only), TWO)
    assert found == {name: text_of(value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (3, "3"), (3.0, "3"), (0.5, "0.5"), (1e300, "1e+300"), (False, "False")]
)
def test_json_values_as_text(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    "text",
    [
        "print(1)",
        "`print(1)`",
        "```print(1)```",
        "Here:\n```python\nprint(1)\n```\nand\n```\nprint(2)\n```",
        "```py\r\nprint(1)\n```",
        "```python\nprint(1)",
        "~\n``` python \nprint(1)\n\n```",
    ],
)
def test_the_program_in_a_reply(text: str) -> None:
    assert code_in(text) == "print(1)"


def test_one_field_is_asked_for_as_plain_text() -> None:
    assert schema_for(["code"]) is None
    schema = schema_for(TWO)
    assert schema is not None
    assert schema["required"] == TWO
