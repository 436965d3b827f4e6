"""What holds for every team, whatever its agents say: early stop, ranking, weights, importance, calls."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from meta_search.agent.team import Team, make_team, most_calls, quorum
from tests.kits.agent_pipe import Stage, Wire, any_order, prompt_of

FAR = 6  # answers of so many agents and rounds are drawn


@st.composite
def works(draw: st.DrawFn) -> tuple[Team, dict[str, Any]]:
    """A team that has worked, and its network. The ranker chooses the agents with the highest numbers."""
    n, rounds, keep = draw(st.integers(1, 7)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    said = draw(st.lists(st.sampled_from(["x", "x", "y", ""]), min_size=FAR, max_size=FAR))
    ratings = draw(st.lists(st.integers(-1, 6), max_size=7))
    times: Counter[str] = Counter()

    def answer(call: dict[str, Any]) -> str:
        name = call["author"]
        if name == "Ranker":
            numbers = {
                who: k for k, who in re.findall(r"### thinking by Agent (\d+):\n(\d+)", prompt_of(call))
            }
            return str([int(numbers[who]) for who in sorted(numbers, reverse=True)[:keep]])
        times[name] += 1
        text = said[(int(name) + times[name]) % FAR]
        return json.dumps({"thinking": name, "answer": text, "ratings": str(ratings)})

    stage = Stage(Wire(answer, any_order(draw(st.integers(0, 99)))), seed=draw(st.integers(0, 99)))
    team = make_team(stage.scheduler, stage.agent)([str(i) for i in range(n)], rounds, keep=keep)
    team("What is it?")
    return team, team.network


@given(works())
def test_a_round_asks_a_quorum_that_agrees_or_everybody(work: tuple[Team, dict[str, Any]]) -> None:
    _, network = work
    for active, row in zip(network["active"], network["answers"], strict=True):
        asked = [row[i] for i in active if row[i] is not None]
        assert [i for i, a in enumerate(row) if a is not None and i not in active] == []
        few = len(asked) == quorum(len(active)) and len(set(asked)) == 1
        assert few or len(asked) == len(active)


@given(works())
def test_a_team_goes_on_until_a_quorum_agrees(work: tuple[Team, dict[str, Any]]) -> None:
    team, network = work
    agreed = [
        max(Counter(a for a in row if a).values(), default=0) >= quorum(len(active))
        for active, row in zip(network["active"], network["answers"], strict=True)
    ]
    assert not any(agreed[:-1])
    assert agreed[-1] or len(agreed) == team.rounds
    if agreed[-1]:
        assert network["final"] == Counter(a for a in network["answers"][-1] if a).most_common(1)[0][0]


@given(works())
def test_the_ranker_chooses_from_round_three_where_more_than_three_are_active(
    work: tuple[Team, dict[str, Any]],
) -> None:
    team, network = work
    active = network["active"]
    assert active[0] == list(range(len(team.roles)))
    rankings = 0
    for r in range(1, len(active)):
        ranked = r >= 2 and len(active[r - 1]) > 3
        rankings += ranked
        assert active[r] == (active[r - 1][-team.keep :] if ranked else active[r - 1])
    asked = sum(a is not None for row in network["answers"] for a in row)
    assert network["calls"] == asked + rankings <= team.most_calls
    assert team.most_calls == most_calls(len(team.roles), team.rounds, team.keep)


@given(works())
def test_weights_and_importance_sum_to_one(work: tuple[Team, dict[str, Any]]) -> None:
    _, network = work
    assert network["weights"][0] == []
    for r, rows in enumerate(network["weights"][1:], 1):
        for i, row in enumerate(rows):
            assert bool(row) == (network["answers"][r][i] is not None)
            assert not row or math.isclose(math.fsum(row), 1.0, abs_tol=1e-4)
    decided = max((r for r, row in enumerate(network["answers"]) if any(row)), default=-1)
    for r, row in enumerate(network["importance"]):
        assert math.isclose(math.fsum(row), float(r <= decided), abs_tol=1e-4)
