"""Answers as people and models write them: a table of forms, and what is printed is read back."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.domain import Item
from domains.matching.registry import make
from tests.kits.forms import NUMBER_FORMS, swiss, western

FORMS = Path(__file__).parent / "data" / "answer_forms.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in FORMS.read_text(encoding="utf-8").splitlines()]
OPTIONS = ("Rome", "Paris", "Oslo", "Bern")
QUESTION = "Which?\n" + "\n".join(f"{letter}) {text}" for letter, text in zip("ABCD", OPTIONS, strict=True))

words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=8)
integers = st.integers(-(10**15), 10**15)


def right(matcher: str, answer: str, target: str, question: str = "?", **options: Any) -> bool:
    return make(matcher, options).score(answer, target, Item("x", question, target)).value >= 1


@pytest.mark.parametrize("matcher", sorted({row["matcher"] for row in ROWS}))
def test_every_form_is_read_as_a_person_reads_it(matcher: str) -> None:
    rows = [row for row in ROWS if row["matcher"] == matcher]
    odd = [
        row
        for row in rows
        if right(matcher, row["answer"], row["target"], row.get("question", "?"), **row.get("options", {}))
        != row["right"]
    ]
    assert odd == []


def test_the_table_has_many_forms_and_many_that_must_not_match() -> None:
    assert len(ROWS) > 3000
    assert sum(not row["right"] for row in ROWS) > 1000


@given(integers, st.sampled_from(NUMBER_FORMS))
def test_every_integer_is_read_back_in_every_form(n: int, form: str) -> None:
    text = form.format(western(n))
    assert right("numeric", text, str(n)), text
    assert not right("numeric", text, str(n + 1)), text


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=2), st.sampled_from(NUMBER_FORMS))
def test_every_price_is_read_back_in_every_country(value: Decimal, form: str) -> None:
    english = f"{value:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    french = english.translate(str.maketrans({",": "\u202f", ".": ","}))
    for text in (english, german, french, swiss(value), f"{value:.2f}"):
        assert right("numeric", form.format(text), f"{value:f}"), form.format(text)


@given(st.integers(1, 999), st.integers(1, 98), st.integers(2, 99))
def test_fractions_and_mixed_numbers_are_read_back(whole: int, top: int, bottom: int) -> None:
    for text in (f"{top}/{bottom}", f"\\frac{{{top}}}{{{bottom}}}", f"\\dfrac{{{top}}}{{{bottom}}}"):
        assert right("numeric", text, f"{top}/{bottom}"), text
    if top < bottom:
        target = f"{whole * bottom + top}/{bottom}"
        for text in (f"{whole} {top}/{bottom}", f"{whole}\\frac{{{top}}}{{{bottom}}}"):
            assert right("numeric", text, target), text


@given(st.integers(1, 9_999), st.sampled_from((("万", 4), ("億", 8), ("만", 4), ("千", 3))))
def test_scales_of_east_asia_are_read_back(n: int, scale: tuple[str, int]) -> None:
    name, zeros = scale
    for text in (f"{n}{name}", f"答案是{n}{name}元。", f"{n}{name}원"):
        assert right("numeric", text, f"{n}{'0' * zeros}"), text
        assert not right("numeric", text, str(n)), text


@given(st.integers(1, 10**9), st.integers(0, 99), st.sampled_from((-1, 1)))
def test_a_cent_more_is_another_price(euros: int, cents: int, more: int) -> None:
    target = f"{euros}.{cents:02}"
    other = (Decimal(target) + Decimal(more) / 100).quantize(Decimal("0.01"))
    assert right("numeric", f"${euros:,}.{cents:02}", target)
    assert not right("numeric", f"${other:,}", target)


@given(
    st.sampled_from("ABCD"),
    st.sampled_from("ABCD"),
    st.sampled_from(("{}, not {}", "Not {1}. {0}", "{} 不是 {}")),
)
def test_the_choice_that_is_denied_is_not_taken(taken: str, denied: str, form: str) -> None:
    if taken != denied:
        assert not right("choice", form.format(taken, denied), denied, QUESTION)


@given(st.decimals("1", "9.99", places=2), st.integers(-30, 30))
def test_powers_of_ten_are_read_back(head: Decimal, power: int) -> None:
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    target = f"{head}e{power}"
    for text in (f"{head}×10{raised}", f"{head} \\times 10^{{{power}}}", f"{head} * 10^{power}", target):
        assert right("numeric", text, target), text


@given(
    st.sampled_from("ABCD"), st.sampled_from(("{}", "({})", "{}.", "{})", "[{}]", "**{}**", "\\boxed{{{}}}"))
)
def test_every_choice_is_read_back(letter: str, form: str) -> None:
    text = OPTIONS["ABCD".index(letter)]
    other = "ABCD"["ABCD".index(letter) - 1]
    for answer in (form.format(letter), f"{form.format(letter)} {text}", text, f"The answer is {letter}."):
        assert right("choice", answer, letter, QUESTION), answer
        assert not right("choice", answer, other, QUESTION), answer


@given(st.lists(words, min_size=2, max_size=6))
def test_every_list_is_read_back(things: list[str]) -> None:
    things = [thing for thing in things if thing not in ("and", "or")] or ["one"]
    target = json.dumps(things)
    printed = (
        *(target, ", ".join(things), "\n".join(f"- {thing}" for thing in things), f"[{', '.join(things)}]"),
        "\n".join(f"{n}. {thing}" for n, thing in enumerate(things, 1)),
    )
    for answer in printed:
        assert right("list", answer, target), answer
        assert right("set", answer, json.dumps(things[::-1])), answer


plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(words, plain_json, min_size=1, max_size=4))
def test_every_object_is_read_back(value: dict[str, Any]) -> None:
    target = json.dumps(value)
    backwards = dict(reversed(value.items()))
    for answer in (
        json.dumps(backwards, indent=2),
        f"```json\n{target}\n```",
        f"Here it is: {target}",
        repr(value),
    ):
        assert right("json", answer, target), answer


@given(st.text(max_size=300), st.text(min_size=1, max_size=40))
def test_no_matcher_raises_on_any_text(answer: str, target: str) -> None:
    for row in ("exact", "numeric", "mixed", "choice", "f1", "drop", "rouge", "list", "set", "contains"):
        score = make(row).score(answer, target)
        assert 0 <= score.value <= 1
