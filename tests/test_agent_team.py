"""Teams in the real sandbox with a scripted model, and over a pipe in memory that tells latencies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from meta_search.agent.team import Team, make_team, networks_of
from meta_search.types import CallRequest, ItemResult, TeamNetwork
from tests.kits.agent_pipe import Stage, Wire, any_order
from tests.kits.sandboxed_agents import House, fields_of, with_text

ROLES = ("mathematician", "programmer", "physicist", "teacher", "critic", "lawyer", "historian")
Say = Callable[[int, bool, dict[int, str]], Any]


def team_of(n: int, rounds: int, more: str = "") -> str:
    return f"def forward(self, taskInfo):\n    return Team({ROLES[:n]!r}, {rounds}{more})(taskInfo)\n"


def shown_in(prompt: str) -> dict[int, str]:
    """Number of an agent in a prompt -> its answer."""
    return {int(k): text for k, text in re.findall(r"### answer by Agent (\d+):\n(.*)", prompt)}


def model(
    say: Say, rank: Callable[[dict[int, str]], str] = lambda shown: "?"
) -> Callable[[CallRequest], str]:
    """A model that answers by who is asked.

    Args:
        say: (agent, whether it reviews, replies it is shown) -> its answer, or a mapping of fields.
        rank: Replies -> what the ranker writes.
    """

    def script(request: CallRequest) -> str:
        system, prompt = request.messages[0][1], request.messages[-1][1]
        shown = shown_in(prompt)
        agent = next((i for i, role in enumerate(ROLES) if role in system), None)
        if agent is None:
            return rank(shown)
        fields = fields_of(request)
        said = say(agent, "ratings" in fields, shown)
        values = said if isinstance(said, dict) else {"answer": said}
        return (
            json.dumps({name: str(values.get(name, "")) for name in fields}) if fields else values["answer"]
        )

    return script


def own_number(agent: int, review: bool, shown: dict[int, str]) -> str:
    return str(agent)


def network_of(result: ItemResult) -> TeamNetwork:
    assert result.kind == "ok", result.detail
    [network] = result.networks
    assert network.calls == len(result.trace)
    return network


def test_a_team_of_seven_that_agrees_makes_five_calls(house: House) -> None:
    result = house.run(team_of(7, 3), with_text("10"))
    network = network_of(result)
    assert result.answer == "10"
    assert network.calls == 2 * 7 // 3 + 1 == 5
    assert network.roles == ROLES
    assert network.active == (tuple(range(7)),)
    [answers], [scores] = network.answers, network.importance
    assert sorted(answers, key=str) == ["10"] * 5 + [None] * 2
    assert scores == tuple(0.2 if a else 0.0 for a in answers)


def test_a_team_that_never_agrees_makes_the_most_calls(house: House) -> None:
    network = network_of(house.run(team_of(7, 4), model(own_number, lambda shown: "[1, 2]")))
    assert network.calls == 7 + 7 + (1 + 2) + 2
    assert [len(active) for active in network.active] == [7, 7, 2, 2]
    assert [sum(a is not None for a in row) for row in network.answers] == [7, 7, 2, 2]


def test_agreement_in_a_later_round_ends_it(house: House) -> None:
    def say(agent: int, review: bool, shown: dict[int, str]) -> str:
        return "same" if review else str(agent)

    result = house.run(team_of(7, 4), model(say))
    assert network_of(result).calls == 7 + 5
    assert result.answer == "same"


@pytest.mark.parametrize("item", ["a", "b", "c", "d"])
def test_dissent_among_the_first_asks_the_others_and_a_quorum_still_ends_the_round(
    house: House, item: str
) -> None:
    def say(agent: int, review: bool, shown: dict[int, str]) -> str:
        return "no" if agent < 2 else "yes"

    network = network_of(house.run(team_of(7, 3), model(say), item=item))
    [answers] = network.answers
    assert network.final == "yes"
    assert network.calls == (7 if "no" in answers else 5)


def test_four_of_seven_are_no_quorum(house: House) -> None:
    def say(agent: int, review: bool, shown: dict[int, str]) -> str:
        return "no" if agent < 3 else "yes"

    result = house.run(team_of(7, 2), model(say))
    assert network_of(result).calls == 14
    assert result.answer == "yes"


@pytest.mark.parametrize(("n", "calls"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5)])
def test_small_teams_that_agree(house: House, n: int, calls: int) -> None:
    assert network_of(house.run(team_of(n, 3), with_text("7"))).calls == calls


def test_three_agents_are_never_ranked(house: House) -> None:
    assert network_of(house.run(team_of(3, 4), model(own_number))).calls == 12


def test_the_ranking_is_honoured(house: House) -> None:
    def best(shown: dict[int, str]) -> str:
        place = {answer: number for number, answer in shown.items()}
        return f"I choose [{place['6']}, {place['3']}]"

    network = network_of(house.run(team_of(7, 3), model(own_number, best)))
    assert network.active[2] == (3, 6)
    assert network.answers[2] == (None, None, None, "3", None, None, "6")


def test_a_ranking_that_cannot_be_read_is_a_seeded_sample(house: House) -> None:
    script = model(own_number, lambda shown: "the second, I suppose")
    items = [f"item {n}" for n in range(8)]
    first, again = (
        [network_of(house.run(team_of(7, 3), script, item=i)).active[2] for i in items] for _ in range(2)
    )
    assert first == again
    assert all(len(active) == 2 for active in first)
    assert len(set(first)) > 1


def test_ratings_become_weights_of_those_who_gave_the_replies(house: House) -> None:
    def say(agent: int, review: bool, shown: dict[int, str]) -> dict[str, Any]:
        return {"answer": agent, "ratings": [5 if text == "3" else 1 for text in shown.values()]}

    network = network_of(house.run(team_of(7, 2), model(say)))
    # One rating of 5, six of 1: 5 / 11 and 1 / 11.
    expected = [5 / 11 if j == 3 else 1 / 11 for j in range(7)]
    assert [list(row) for row in network.weights[1]] == [pytest.approx(expected, abs=1e-6)] * 7
    assert network.weights[0] == ()
    # All disagree: of seven answers that stand alone, that of the agent who was rated best.
    assert network.final == "3"
    assert network.importance[1] == (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    assert network.importance[0] == pytest.approx(expected, abs=1e-6)


def test_without_ratings_weights_are_uniform(house: House) -> None:
    network = network_of(house.run(team_of(4, 2), model(own_number)))
    assert network.weights[1] == ((0.25,) * 4,) * 4
    assert network.final == "0"  # a tie in everything: the role that stands first


def test_replies_are_shuffled_and_nameless(house: House) -> None:
    result = house.run(team_of(7, 2), model(own_number))
    orders = [tuple(shown_in(call.prompt).values()) for call in result.trace[7:]]
    assert all(sorted(order) == list("0123456") for order in orders)
    assert len(set(orders)) > 1
    assert not any(role in call.prompt for call in result.trace for role in ROLES)


def test_the_trace_says_who_heard_whom(house: House) -> None:
    trace = house.run(team_of(7, 2), model(own_number)).trace
    first = {call.index for call in trace[:7]}
    assert all(set(call.inputs) == first for call in trace[7:])


def test_the_answer_is_tied_to_its_call(house: House) -> None:
    result = house.body(
        f"answer = Team({ROLES[:2]!r}, 1)(taskInfo)\n"
        "return LLMAgentBase(['answer'], 'Editor')([taskInfo, answer], 'Polish it.')[0]",
        with_text("7"),
    )
    assert result.trace[-1].author == "Editor"
    assert len(result.trace[-1].inputs) == 1


def test_empty_answers_count_for_nothing(house: House) -> None:
    def say(agent: int, review: bool, shown: dict[int, str]) -> str:
        return "" if review or agent else "5"

    network = network_of(house.run(team_of(4, 3), model(say)))
    assert network.final == "5"  # of round 1: later ones have none
    assert list(map(list, network.importance)) == [[1.0, 0.0, 0.0, 0.0], [0.0] * 4, [0.0] * 4]
    result = house.run(team_of(4, 2), with_text(""))
    assert (result.answer, network_of(result).calls) == ("", 8)


def test_a_team_without_reasoning_asks_for_plain_text_first(house: House) -> None:
    result = house.run(team_of(4, 2, ", think=False, temperature=0.1"), model(own_number))
    assert [call.fields for call in result.trace] == [("answer",)] * 4 + [("answer", "ratings")] * 4
    assert [request.temperature for request in house.llm.requests] == [0.1] * 8


def test_size_and_rounds_can_be_tuned(house: House) -> None:
    source = (
        "def forward(self, taskInfo):\n"
        f"    roles = {ROLES!r}[:self.tune.int('roles', 1, 7, 4)]\n"
        "    return Team(roles, self.tune.int('rounds', 1, 4, 2), agree=self.tune.float('agree', .5, 1, .66))"
        "(taskInfo)\n"
    )
    script = model(own_number)
    assert network_of(house.run(source, script)).calls == 8
    assert network_of(house.run(source, script, values={"roles": 3, "rounds": 1})).calls == 3


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("Team([], 2)", "1 to 32 roles"),
        ("Team(['a'] * 33, 2)", "1 to 32 roles"),
        ("Team(['a'], 0)", "1 to 16 rounds"),
        ("Team(['a'], 99)", "1 to 16 rounds"),
        ("Team(['a'], 1, kind='x')", "no kind of answer"),
    ],
)
def test_what_is_no_team_is_told(house: House, call: str, what: str) -> None:
    result = house.body(f"return {call}(taskInfo)")
    assert result.kind == "crash"
    assert what in result.detail


def test_roles_may_have_names(house: House) -> None:
    result = house.body("return Team({'Ann': 'careful mathematician', 'Bob': 'lawyer'}, 1)(taskInfo)")
    assert network_of(result).roles == ("Ann", "Bob")
    assert {call.author: call.role for call in result.trace} == {
        "Ann": "careful mathematician",
        "Bob": "lawyer",
    }


def test_teams_in_branches_are_reported_in_program_order(house: House) -> None:
    body = (
        "names = [[f'{n}.{m}' for m in range(2)] for n in range(12)]\n"
        "Team(['before'], 1)(taskInfo)\n"
        "self.map(lambda row: [Team([name], 1)(taskInfo).content for name in row], names)\n"
        "return Team(['after'], 1)(taskInfo)"
    )
    first, again = (house.body(body) for _ in range(2))
    assert first.networks == again.networks
    told = [network.roles[0] for network in first.networks]
    assert told == ["before", "after", "0.0", "0.1", "1.0", "1.1", "2.0", "2.1"]


@pytest.mark.parametrize(
    ("kind", "first", "others"),
    [
        ("math", "(x+1)^2", "x^2 + 2x + 1"),
        ("math", "\\frac{1}{3}", "2/6"),
        ("text", "The quick brown fox jumps over the dog.", "the quick brown fox jumps over the dog."),
        ("choice", "B) the cat", "(b)"),
        ("number", "$1,200 in all", "1200"),
    ],
)
def test_agreement_by_kind_of_answer(house: House, kind: str, first: str, others: str) -> None:
    def say(agent: int, review: bool, shown: dict[int, str]) -> str:
        return first if agent % 2 else others

    assert network_of(house.run(team_of(4, 2, f", kind={kind!r}"), model(say))).calls == 3


def test_different_texts_are_not_the_same(house: House) -> None:
    def say(agent: int, review: bool, shown: dict[int, str]) -> str:
        return ("a blue whale swims in the sea", "x + 1", "the capital of France is Paris", "x + 2")[agent]

    for kind in ("math", "text"):
        network = network_of(house.run(team_of(4, 1, f", kind={kind!r}"), model(say)))
        assert network.calls == 4


def test_the_same_item_gives_the_same_team_twice(house: House) -> None:
    script = model(own_number, lambda shown: "?")
    first, again = (house.run(team_of(7, 4), script) for _ in range(2))
    other = house.run(team_of(7, 4), script, seed=1)
    assert first.networks == again.networks
    assert [call.prompt for call in first.trace] == [call.prompt for call in again.trace]
    assert [call.prompt for call in first.trace] != [call.prompt for call in other.trace]


class Waves(Wire):
    """Answers come in waves: what is under way when the agent has to wait is answered together."""

    waves = 0
    batch: list[int] = []  # noqa: RUF012 - replaced, never changed, by each instance

    def recv(self) -> dict[str, Any]:
        self.batch = [n for n in self.batch if n in self._waiting]
        if not self.batch:
            self.waves += 1
            self.batch = list(self._waiting)
        self._choose = lambda _: self.batch[0]
        return super().recv()


def answer_of(message: dict[str, Any]) -> str:
    agent = ROLES.index(message["author"]) if message["author"] in ROLES else None
    return "?" if agent is None else json.dumps({"answer": str(agent), "ratings": "[]"})


def team_on(wire: Wire, rounds: int) -> tuple[Team, Stage]:
    stage = Stage(wire)
    return make_team(stage.scheduler, stage.agent)(ROLES, rounds), stage


@pytest.mark.parametrize(
    ("answer", "waves", "calls"), [(lambda _: '{"answer": "7"}', 1, 5), (answer_of, 4, 14)]
)
def test_a_round_costs_one_or_two_latencies(
    answer: Callable[[dict[str, Any]], str], waves: int, calls: int
) -> None:
    wire = Waves(answer)
    team, _ = team_on(wire, 2)
    team("What is it?")
    assert (wire.waves, len(wire.calls)) == (waves, calls)


def test_the_rest_is_asked_as_soon_as_two_differ() -> None:
    wire = Wire(answer_of)
    team_on(wire, 1)[0]("What is it?")
    assert [what for what, _ in wire.log[:9]] == ["send"] * 5 + ["answer"] * 2 + ["send"] * 2


def test_the_order_of_answers_changes_nothing() -> None:
    def work(wire: Wire) -> tuple[Any, Any]:
        team, stage = team_on(wire, 4)
        team("What is it?")
        return networks_of(stage.scheduler), sorted(str(call["messages"]) for call in wire.calls)

    expected = work(Wire(answer_of))
    assert all(work(Wire(answer_of, any_order(seed))) == expected for seed in range(5))


def test_a_team_tells_its_network_and_its_most_calls() -> None:
    team, _ = team_on(Wire(answer_of), 4)
    assert team.network == {}
    assert team("What is it?").content == team.network["final"]
    assert team.network["calls"] == team.most_calls == 19
