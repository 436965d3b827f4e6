"""The arithmetic of a team: weights, importance, quorum, classes, most calls."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_search.agent.team import edge_weights, importance, most_calls, quorum
from meta_search.agent.team_network import classes

ANY_RATING = st.one_of(st.none(), st.integers(-9, 9), st.floats())
SAME = str.__eq__


@given(st.lists(ANY_RATING, max_size=9) | st.none(), st.integers(-1, 9))
def test_weights_sum_to_one_or_there_are_none(ratings: list[float | None] | None, n: int) -> None:
    weights = edge_weights(ratings, n)
    assert len(weights) == max(0, n)
    assert all(0.0 <= w <= 1.0 for w in weights)
    assert not weights or math.isclose(math.fsum(weights), 1.0)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=9))
def test_weights_are_proportional_to_ratings(ratings: list[int]) -> None:
    weights = edge_weights(ratings, len(ratings))
    assert weights == pytest.approx([r / sum(ratings) for r in ratings])


def test_weights_by_hand() -> None:
    # 5/5, 3/5, 2/5 = 1, .6, .4; their sum is 2.
    assert edge_weights([5, 3, 2], 3) == pytest.approx([0.5, 0.3, 0.2])
    # Clipped: 10/5 -> 1, -1/5 -> 0, 5/5 = 1.
    assert edge_weights([10, -1, 5], 3) == pytest.approx([0.5, 0.0, 0.5])
    assert edge_weights([math.inf, 5], 2) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    "ratings", [None, [], [5], [5, 1, 1], [0, 0], [-1, -2], [None, 5], [math.nan, 5], [5e-324, 0]]
)
def test_weights_are_uniform_without_usable_ratings(ratings: list[float | None] | None) -> None:
    assert edge_weights(ratings, 2) == [0.5, 0.5]


def test_importance_by_hand() -> None:
    """Three agents, three rounds; in the last, agents 0 and 2 give the final answer "a".

    Round 2: 1/2, 0, 1/2.
    Round 1: agent 0 has .5 × .2 + 0 × .1 + .5 × .6 = .4, agent 1 .5 × .5 + .5 × .3 = .4,
             agent 2 .5 × .3 + .5 × .1 = .2.
    Round 0: agent 0 has .4 × .5 + .4 × 0 + .2 × 1 = .4, agent 1 .4 × .25 + .4 × 1 = .5,
             agent 2 .4 × .25 = .1.
    """
    answers = [["a", "b", "c"], ["a", "b", "a"], ["a", "b", "a"]]
    weights = [
        [],
        [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]],
        [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1]],
    ]
    found = importance(answers, weights, "a", SAME)
    assert found == [pytest.approx(row) for row in ([0.4, 0.5, 0.1], [0.4, 0.4, 0.2], [0.5, 0.0, 0.5])]


def test_importance_by_hand_where_agents_drop_out() -> None:
    """Four agents; a ranker keeps 1 and 3 for round 2; the team allows for a round that never comes.

    Round 2: only agent 3 gives "x": 0, 0, 0, 1.
    Round 1: what agent 3 gave: .1, .2, .3, .4.
    Round 0: agents 0 to 2 gave all to agent 0, agent 3 shared evenly:
             agent 0 has .1 + .2 + .3 + .4 × .25 = .7, the others .4 × .25 = .1.
    """
    to_first = [1.0, 0.0, 0.0, 0.0]
    answers = [["x", "y", "z", "x"], ["x", "y", "y", "x"], [None, "y", None, "x"], [None] * 4]
    weights = [
        [],
        [to_first, to_first, to_first, [0.25] * 4],
        [[], [0.25] * 4, [], [0.1, 0.2, 0.3, 0.4]],
        [[], [], [], []],
    ]
    found = importance(answers, weights, "x", SAME)
    assert found == [
        pytest.approx(row)
        for row in ([0.7, 0.1, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.0, 1.0], [0.0] * 4)
    ]


def test_importance_compares_by_what_it_is_given() -> None:
    assert importance([["1/2", "0.5", "3"]], [[]], "0.50", lambda a, b: a != "3") == [[0.5, 0.5, 0.0]]


@pytest.mark.parametrize("final", ["z", None])
def test_importance_is_zero_where_nobody_gave_the_answer(final: str | None) -> None:
    answers = [["a", "b"], ["a", "b"]]
    assert importance(answers, [[], [[0.5, 0.5]] * 2], final, SAME) == [[0.0, 0.0]] * 2
    assert importance([], [], "a", SAME) == []
    assert importance([[None, None]], [[]], "a", SAME) == [[0.0, 0.0]]


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[list[str | None]], list[list[list[float]]]]:
    """Networks in which every agent that is active rates all that were active before."""
    n, rounds = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    answers: list[list[str | None]] = []
    weights: list[list[list[float]]] = []
    for r in range(rounds):
        active = draw(st.sets(st.integers(0, n - 1), min_size=1))
        answers.append([draw(st.sampled_from("ab")) if i in active else None for i in range(n)])
        weights.append([])
        for i in range(n if r else 0):
            before = [j for j in range(n) if answers[r - 1][j] is not None]
            row = [0.0] * n
            given_ = edge_weights([draw(st.integers(0, 5)) for _ in before], len(before))
            for j, w in zip(before, given_, strict=True):
                row[j] = w
            weights[r].append(row if i in active else [])
    return answers, weights


@given(networks())
def test_importance_sums_to_one_in_every_round(
    network: tuple[list[list[str | None]], list[list[list[float]]]],
) -> None:
    answers, weights = network
    final = next(a for a in answers[-1] if a is not None)
    for r, row in enumerate(importance(answers, weights, final, SAME)):
        assert math.isclose(math.fsum(row), 1.0)
        assert all(score == 0 for score, answer in zip(row, answers[r], strict=True) if answer is None)


@given(st.integers(1, 40))
def test_a_quorum_is_more_than_two_thirds_rounded_down(n: int) -> None:
    assert quorum(n) == 2 * n // 3 + 1
    assert quorum(n, 1.0) == n
    assert quorum(n, 0.0) == 1


def test_equal_answers_come_together() -> None:
    assert classes(["a", "b", None, "a", "", "b", "c"], SAME) == [[0, 3], [1, 5], [6]]
    assert classes(["", None], SAME) == []


@given(st.integers(1, 10), st.integers(1, 8), st.integers(1, 3))
def test_the_most_calls_follow_the_formula(n: int, rounds: int, keep: int) -> None:
    expected = n * rounds if n <= 3 or rounds <= 2 else 2 * n + 1 + keep * (rounds - 2)
    assert most_calls(n, rounds, keep) == expected


def test_the_most_calls_by_hand() -> None:
    assert most_calls(7, 4) == 7 + 7 + (1 + 2) + 2
    assert most_calls(7, 4, keep=5) == 7 + 7 + (1 + 5) + (1 + 5)
    assert most_calls(1, 1) == 1
