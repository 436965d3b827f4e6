"""How many parts JSON may have, and how long it takes to say so."""

from __future__ import annotations

import json
import random
import time

import pytest

from meta_search.types.checks import bounded_json

PIECES = ('"', "\\", ",", "[", "{", "x", '\\"', '"a,[{b"', "]", "}", ":", "1")


def parts(text: str) -> int:
    """Strings, commas, and brackets that open, counted letter by letter."""
    count, place = 0, 0
    while place < len(text):
        count += text[place] in '",[{'
        if text[place] == '"':
            place += 1
            while place < len(text) and text[place] != '"':
                place += 1 + (text[place] == "\\")
        place += 1
    return count


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("most", [0, 3, 9])
def test_parts_are_counted_whatever_strings_hold(most: int) -> None:
    drawn = random.Random(most)
    for _ in range(3000):
        text = "".join(drawn.choices(PIECES, k=drawn.randint(0, 14)))
        if parts(text) > most:
            with pytest.raises(ValueError, match=f"more than {most} parts"):
                bounded_json(text.encode(), most)
        elif is_json(text):
            assert bounded_json(text.encode(), most) == json.loads(text)
        else:
            with pytest.raises(ValueError, match="not JSON"):
                bounded_json(text.encode(), most)


def test_commas_and_quotes_within_strings_are_no_parts() -> None:
    value = [",[{" * 50, '"' * 50]
    assert bounded_json(json.dumps(value).encode(), 4) == value
    with pytest.raises(ValueError, match="more than 3 parts"):
        bounded_json(json.dumps(value).encode(), 3)


@pytest.mark.parametrize("end", [b"", b"\\", b"x", b"\\\\"])
def test_a_string_of_escaped_quotes_that_does_not_end_takes_no_time(end: bytes) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match="not JSON"):
        bounded_json(b'"' + b'\\"' * 1_000_000 + end, 50_000)
    assert time.process_time() - began < 5.0
