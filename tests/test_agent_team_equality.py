"""Equality of answers as far as the sandbox can tell, and what it asks beyond that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.agent.team_equality import KINDS, Equality, choice_of, number_of


def never(*_: object) -> bool | None:
    raise AssertionError("asked for nothing")


class Trusted:
    """The trusted side: says the same to all questions, and keeps them."""

    def __init__(self, verdict: bool | None) -> None:
        self.verdict = verdict
        self.asked: list[tuple[str, str, str, float]] = []

    def __call__(self, kind: str, a: str, b: str, threshold: float) -> bool | None:
        self.asked.append((kind, a, b, threshold))
        return self.verdict


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        *(
            ("B", "B"),
            ("b", "B"),
            ("(B)", "B"),
            ("B.", "B"),
            ("B) because", "B"),
            ("[c]", "C"),
            ("**D**", "D"),
        ),
        *(("The answer is (B).", "B"), ("Answer: C", "C"), ("answer is A, not option D", "D")),
        *(("banana", None), ("", None), ("42", None), ("The answer is a cat", None), ("I think so", None)),
    ],
)
def test_the_letter_of_a_choice(text: str, letter: str | None) -> None:
    assert choice_of(text) == letter


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(
            ("42", 42),
            ("-7", -7),
            ("+7", 7),
            ("1,234", 1234),
            ("$1,234.50", 1234.5),
            ("3/4", 0.75),
            ("50%", 0.5),
        ),
        *((".5", 0.5), ("2e3", 2000.0), ("$42$", 42), ("\\boxed{42}", 42), ("42.", 42), ("−3", -3)),
        *(("x", None), ("", None), ("1/0", None), ("1 2", None), ("e5", None), ("1e9999", None), (".", None)),
        *(("12,34", None), ("9" * 301 + "/7", None)),
    ],
)
def test_the_number_that_an_answer_is(text: str, number: float | None) -> None:
    assert number_of(text) == number


def test_a_number_in_a_sentence() -> None:
    assert number_of("She has 3 dogs, so 16 legs.", anywhere=True) == 16
    assert number_of("She has 3 dogs, so 16 legs.") is None


@pytest.mark.parametrize(
    ("kind", "a", "b", "same"),
    [
        *(("auto", "42", "42.0", True), ("auto", "42", "43", False), ("auto", " Paris", "paris.", True)),
        *(("auto", "1/2", "0.5", True), ("auto", "Paris", "Rome", False), ("auto", "42", "x", False)),
        *(("exact", "42", "42.0", False), ("exact", "A", "a", True)),
        *(("choice", "B", "(b) both", True), ("choice", "A", "B", False), ("choice", "A", "none", False)),
        *(("number", "16 legs", "It is 16.", True), ("number", "16", "17", False)),
        ("number", "12345678901234567890", "12345678901234567891", False),
        *(("math", "0.5", "1/2", True), ("math", "2", "3", False)),
        *(("exact", "", "", False), ("auto", "", " ", False), ("text", "", "", False)),
    ],
)
def test_what_the_sandbox_can_tell_is_not_asked(kind: str, a: str, b: str, same: bool) -> None:
    equal = Equality(kind, never)
    assert equal(a, b) is same
    assert equal(b, a) is same


@pytest.mark.parametrize("verdict", [True, False, None])
@pytest.mark.parametrize("kind", ["math", "text"])
def test_the_rest_is_asked_once(kind: str, verdict: bool | None) -> None:
    trusted = Trusted(verdict)
    equal = Equality(kind, trusted, 0.8)
    assert [equal("x+1", "1+x"), equal("1+x", "x+1")] == [verdict is True] * 2
    assert trusted.asked == [(kind, "1+x", "x+1", 0.8)]


def test_very_long_answers_are_compared_as_they_stand() -> None:
    assert not Equality("text", never)("x" * 5000, "y" * 5000)
    assert Equality("text", never)("x" * 5000, "X" * 5000)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind of answer"):
        Equality("colour", never)


@given(st.sampled_from(KINDS), st.text(), st.text())
def test_equality_is_symmetric_and_breaks_on_nothing(kind: str, a: str, b: str) -> None:
    equal = Equality(kind, lambda *_: False)
    assert equal(a, b) == equal(b, a)
    assert equal(a, a) is bool(a.strip())
