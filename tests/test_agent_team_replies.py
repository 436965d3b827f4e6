"""Ratings and rankings out of what models write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.agent.team_replies import parse_ranking, parse_ratings


@pytest.mark.parametrize(
    "text",
    [
        "[4, 2, 5]",
        "[4.0,2,5]",
        "4, 2, 5",
        "4 2 5",
        "4/5, 2/5, 5/5",
        "4 out of 5; 2 out of 5; 5 out of 5",
        '["4", "2", "5"]',
        '{"1": 4, "2": 2, "3": 5}',
        '{"Agent 3": 5, "Agent 1": "4", "Agent 2": 2}',
        '{"first": 4, "second": 2, "third": 5}',
        "Agent 1: 4\nAgent 2: 2\nAgent 3: 5",
        "Agent 1: 4/5, Agent 3: 5/5, Agent 2: 2/5",
        "1 - 4; 2 - 2; 3 - 5",
        "**Agent 1**: 4, **Agent 2**: 2, **Agent 3**: 5",
        "I rate them [4, 2, 5].",
        "First I thought [1, 1, 1], but it is [4, 2, 5]",
        "ratings = [4, 2, 5,]",
    ],
)
def test_ratings_are_found(text: str) -> None:
    assert parse_ratings(text, 3) == [4.0, 2.0, 5.0]


@pytest.mark.parametrize(
    "text", ["", "3", "[4, 2]", "[4, 2, 5, 1]", "good", '{"a": []}', "[true, null, 1]", "9" * 9]
)
def test_ratings_of_another_number_are_none(text: str) -> None:
    assert parse_ratings(text, 3) is None


def test_one_rating() -> None:
    assert parse_ratings("4", 1) == [4.0]
    assert parse_ratings("4/5", 1) == [4.0]
    assert parse_ratings("Agent 1: 4", 1) == [4.0]
    assert parse_ratings("4", 0) is None


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("[2, 5]", [1, 4]),
        ("[5,2]", [4, 1]),
        ("2, 5", [1, 4]),
        ("Agent 2 and Agent 5", [1, 4]),
        ("Not [1, 2], rather [2, 5].", [1, 4]),
        ("[2, 5, 1, 3]", [1, 4]),
        ("[2, 2, 5]", [1, 4]),
        ("[2, 5] since [3] is wrong", [1, 4]),
    ],
)
def test_rankings_are_found(text: str, places: list[int]) -> None:
    assert parse_ranking(text, 5, 2) == places


@pytest.mark.parametrize(
    "text", ["", "2", "[2]", "[0, 2]", "[2, 6]", "[2, 2]", "1.5, 2", "42", "Agent 2, 3 of 9"]
)
def test_rankings_that_name_too_few_are_none(text: str) -> None:
    assert parse_ranking(text, 5, 2) is None


@given(st.text(), st.integers(0, 8), st.integers(1, 3))
def test_nothing_that_is_written_breaks_them(text: str, n: int, k: int) -> None:
    ratings, ranking = parse_ratings(text, n), parse_ranking(text, n, k)
    assert ratings is None or len(ratings) == n
    assert ranking is None or (len(set(ranking)) == k and set(ranking) <= set(range(n)))
