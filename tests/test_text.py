"""Untrusted text, made fit to be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.text import MOST_PASSAGE, error_line, one_line, passage, printable

ESCAPES = "a\r\n\x1b[2Jb\u202e\u200bc  d\ud800"


def test_one_line_has_no_controls_and_no_turns() -> None:
    assert one_line(ESCAPES) == "a [2Jb c d"
    assert one_line(ESCAPES, instead="?") == "a ?[2Jb??c d?"
    assert one_line(None) == "None"


@pytest.mark.parametrize(("end", "expected"), [("…", "aaa bbb…"), ("", "aaa bbb c")])
def test_a_long_line_is_cut(end: str, expected: str) -> None:
    assert one_line("aaa bbb ccc ddd", 9, end=end) == expected
    assert one_line("aaa bbb", 7, end=end) == "aaa bbb"


@given(st.text(), st.integers(1, 20))
def test_whatever_comes_in_a_printable_line_of_that_length_comes_out(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert line.isprintable()
    assert len(line) <= limit
    assert line == one_line(line, limit)
    assert one_line(text, instead="?").isprintable()


@given(st.text())
def test_several_lines_keep_their_breaks(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert shown.count("\n") == text.count("\n")
    assert shown.replace("\n", "").replace("\t", "").isprintable()


def test_an_error_is_named_by_its_type() -> None:
    assert error_line(KeyError("a\nb")) == r"KeyError: 'a\nb'"
    assert error_line(ValueError("a\nb" * 100), 20) == "ValueError: a ba ba…"


@given(st.text() | st.text("a\x1b[m]\r\n\t \x07\u2028\ud800", max_size=80), st.integers(1, 90))
def test_a_passage_is_printable_bounded_and_stays_as_it_is(text: str, limit: int) -> None:
    said = passage(text, limit)
    assert len(said) <= limit
    assert said.replace("\n", "").replace("\t", "").isprintable()
    assert passage(said, limit) == said
    said.encode()


def test_a_passage_keeps_its_lines_its_beginning_and_its_end() -> None:
    assert passage("  one\r\n\n\ttwo \r three\n\n") == "  one\n\n\ttwo\n three"
    assert passage("\x1b[31mred\x1b[0m\x1b]0;title\x07 \x1b[2J") == "red"
    assert passage(None) == ""
    assert passage({"missing": ["n"]}) == "{'missing': ['n']}"
    cut = passage("begin" + "x" * 10_000_000 + "end")
    assert cut.startswith("beginx")
    assert cut.endswith("xend")
    assert "\n[… 9,996,008 characters left out …]\n" in cut
    assert len(cut) <= MOST_PASSAGE
