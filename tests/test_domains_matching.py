"""Exact and numeric matching of free text."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.matching import exact, final_answer, number, numeric


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42", "42"),
        ("1,234", "1234"),
        ("$5.00", "5"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("costs $ 1,234,567.50.", "1234567.5"),
        ("2 + 2 = 4", "4"),
        ("x = -3", "-3"),
        ("x = \u22123", "-3"),
        ("Natalia sold 48/2 = 24 clips.\n#### 72", "72"),
        ("#### 72 clips, of 100", "72"),
        ("The answer is $18 per day for 7 days", "18"),
        ("Answer: 7", "7"),
        ("so \\boxed{\\frac{1}{2}} of 3", "0.5"),
        ("\\boxed{12{,}000}", "12000"),
        ("\\boxed{\\text{12}}", "12"),
        ("1/4", "0.25"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("6.02e23", "6.02e23"),
        ("45%", "45"),
        ("12.", "12"),
        ("\u0663\u0664", "34"),
    ],
)
def test_number(text: str, expected: str) -> None:
    assert number(text) == Decimal(expected)


@pytest.mark.parametrize(
    "text", ["", "none", "1/0", "nan", "inf", "-", "$", "\\boxed{}", "5-3", "1e99999999"]
)
def test_no_number(text: str) -> None:
    assert number(text) is None
    assert not numeric(text, "0")


@pytest.mark.parametrize(
    ("answer", "target", "right"),
    [
        ("12345678", "12345678", True),
        ("12345679", "12345678", False),  # integers have no tolerance
        ("12345678.0", "12345678", True),
        ("0.3333333", "1/3", True),
        ("0.333", "1/3", False),
        ("72", "He sold 24, so 72 in all\n#### 72", True),
        ("-0", "0", True),
        ("1e-9", "0", False),
    ],
)
def test_numeric(answer: str, target: str, right: bool) -> None:
    assert numeric(answer, target) is right


@pytest.mark.parametrize(
    "answer",
    [
        "Paris",
        " paris\n",
        '"Paris."',
        "**Paris**",
        "The answer is Paris.",
        "Answer: Paris",
        "\\boxed{Paris}",
        "$Paris$",
    ],
)
def test_exact_forgives_form(answer: str) -> None:
    assert exact(answer, "Paris")


@pytest.mark.parametrize("answer", ["", "Pari", "Paris, France", "Paris or Rome", "not Paris", "ParisParis"])
def test_exact_forgives_nothing_else(answer: str) -> None:
    assert not exact(answer, "Paris")


def test_exact_knows_an_answer_of_signs_and_a_long_one() -> None:
    assert exact("!", "!")
    assert exact("x" * 20_000, "x" * 20_000)


def test_final_answer_takes_the_last_box() -> None:
    assert final_answer("\\boxed{1} then \\boxed{a{b}c} end") == "a{b}c"


@given(
    st.integers(-(10**12), 10**12), st.sampled_from(["{}", "{:,}", "${}", " {}.", "\\boxed{{{}}}", "#### {}"])
)
def test_every_integer_is_read_back(n: int, form: str) -> None:
    text = form.format(n)
    assert numeric(text, str(n))
    assert not numeric(text, str(n + 1))


@given(st.text(), st.text(min_size=1))
def test_nothing_raises(answer: str, target: str) -> None:
    exact(answer, target)
    numeric(answer, target)
    assert exact(target, target)


def test_hostile_answers_take_no_time() -> None:
    started = time.perf_counter()
    for unit in (
        "\u0327\u0301",
        "1,",
        "\\boxed{",
        "answer is ",
        "9",
        "1/",
        "- ",
        "\ufdfa",
        '"',
        "1,234",
        "{",
    ):
        text = unit * (65536 // len(unit))
        exact(text, "5")
        numeric(text, "5")
    assert time.perf_counter() - started < 10
