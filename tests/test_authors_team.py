"""Operator `team`: roles chosen by their importance, in the real sandbox with a scripted model."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest

from meta_search.authors.author import Context, Parent
from meta_search.authors.composer import Composer
from meta_search.authors.llm import LLMAuthor
from meta_search.authors.roles import POOLS, read_roles
from meta_search.authors.team import roles_in, team_source, with_roles
from meta_search.config import AuthorConfig
from meta_search.engine import seeds
from meta_search.types import Agent, CallReply, CallRequest, Importance, ItemResult
from tests.kits.author_contexts import Desk, failed, made, seed
from tests.kits.sandboxed_agents import House, fields_of

RIGHT = ("Checker", "Reader", "Sceptic")  # who know the answer, and whom all rate high
ROLES = tuple(pair for pool in POOLS.values() for pair in pool)


def model(request: CallRequest) -> str:
    """Three know that it is 7; the others say what nobody else says; all rate a 7 with 5, else with 1."""
    name = next(n for n, role in ROLES if role in request.messages[0][1])
    answer = "7" if name in RIGHT else f"{len(name)}{name[0]}"
    shown = re.findall(r"### answer by Agent \d+:\n(.*)", request.messages[-1][1])
    values = {"thinking": "", "answer": answer, "ratings": json.dumps([5 if s == "7" else 1 for s in shown])}
    return json.dumps({field: values[field] for field in fields_of(request)})


class Bench:
    """Runs agents as `Workbench.probe` does, and remembers which."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.agents: list[Agent] = []

    def probe(self, agent: Agent, places: Sequence[int], mute: Sequence[str]) -> list[ItemResult]:
        self.agents.append(agent)
        values = dict(agent.values)
        return [self.house.run(agent.source, model, item=f"i{p}", values=values) for p in places]


def context(house: House, bench: Bench, parents: Sequence[Parent], **more: object) -> Context:
    noted: list[Importance] = []
    config = AuthorConfig(probe_items=4, probe_calls=80, reflexions=0)
    fields = {
        "probe": bench.probe,
        "record_importance": noted.extend,
        "config": config,
        "trial": {"team_keep": 3},
        **more,
    }
    return Desk(house).context("team", parents, **fields)


def parent_of(source: str) -> Parent:
    return Parent(Agent.of("team", source), 0.5, 100.0)


def names_in(source: str) -> list[str]:
    return [name for name, _ in roles_in(source)]


@pytest.mark.parametrize("family", POOLS)
def test_pools_have_at_least_eight_roles_that_differ(family: str) -> None:
    pool = POOLS[family]
    assert len({name for name, _ in pool}) == len({role for _, role in pool}) == len(pool) >= 8


def test_the_most_important_roles_of_a_team_become_a_smaller_one(house: House) -> None:
    bench, noted = Bench(house), []
    parent = parent_of(team_source("All", "All of them.", POOLS["general"]))
    candidate = made(Composer().write(context(house, bench, [parent], record_importance=noted.extend)))
    assert sorted(names_in(candidate.agent.source)) == sorted(RIGHT)
    assert candidate.agent.name.startswith("Team of 3: ")
    assert "The 3 of 9 roles" in candidate.thought
    assert "with 18.0 calls an item" in candidate.thought
    assert [p.name for p in candidate.space] == ["rounds"]
    assert {(row.agent, row.method, row.items) for row in noted} == {(parent.agent.id, "ratings", 4)}
    assert {row.component for row in sorted(noted, key=lambda r: -r.value)[:3]} == set(RIGHT)
    [result] = bench.probe(candidate.agent, [0], ())
    assert (result.answer, result.used.calls) == ("7", 3)


def test_the_number_of_roles_that_stay_is_tuned(house: House) -> None:
    bench = Bench(house)
    parent = parent_of(team_source("All", "All.", POOLS["general"]))
    candidate = made(Composer().write(context(house, bench, [parent], trial={"team_keep": 2})))
    assert len(names_in(candidate.agent.source)) == 2


def test_a_parent_that_takes_the_first_so_many_is_judged_with_all(house: House) -> None:
    bench = Bench(house)
    parent = seed("dylan")
    candidate = made(Composer().write(context(house, bench, [parent])))
    assert len(bench.agents[0].source) > 0
    assert "The 3 of 7 roles" in candidate.thought
    assert sorted(names_in(candidate.agent.source)) == sorted(RIGHT)
    assert {p.name for p in candidate.space} == {"roles", "rounds"}
    [result] = bench.probe(candidate.agent, [0], ())
    assert {call.author for call in result.trace} == set(RIGHT)


def test_without_a_larger_team_a_pool_of_the_domain_is_tried(house: House) -> None:
    bench = Bench(house)
    candidate = made(Composer().write(context(house, bench, [seed("direct")], name="mgsm")))
    assert set(names_in(bench.agents[0].source)) == {name for name, _ in POOLS["mathematics"]}
    assert sorted(names_in(candidate.agent.source)) == sorted(RIGHT)


def test_the_meta_agent_adds_roles_to_the_pool(house: House) -> None:
    bench = Bench(house)
    told = json.dumps(
        {"roles": [{"name": "Linguist", "role": "linguist who looks at words letter by letter"}]}
    )
    asked: list[CallRequest] = []

    def ask(request: CallRequest) -> CallReply:
        asked.append(request)
        return CallReply(told)

    given = context(house, bench, [], name="mgsm", ask=ask)
    made(LLMAuthor().write(given))
    assert "Linguist" in names_in(bench.agents[0].source)
    assert [(r.purpose, r.model, r.agent) for r in asked] == [("meta", "meta", "brief-4")]


def test_roles_of_a_source_that_builds_them_are_read_from_the_traces(house: House) -> None:
    bench = Bench(house)
    roles = dict(POOLS["general"][:6])
    source = f"def forward(self, taskInfo):\n    roles = [(n, r) for n, r in {roles!r}.items()]\n"
    source += "    return Team(roles, 2)(taskInfo)\n"
    assert roles_in(source) == ()
    candidate = made(Composer().write(context(house, bench, [parent_of(source)])))
    assert len(names_in(candidate.agent.source)) == 3


def test_where_no_item_has_a_verdict_there_is_no_team(house: House) -> None:
    def probe(agent: Agent, places: Sequence[int], mute: Sequence[str]) -> list[ItemResult]:
        return [ItemResult(agent.id, "train", "i", 0, "budget", detail="over") for _ in places]

    attempt = failed(Composer().write(context(house, Bench(house), [], probe=probe)))
    assert attempt.stage == "draft"


@pytest.mark.parametrize(
    "given", ["['a', 'b']", "(('a', 'x'), ('b', 'y'))", "{'a': 'x', 'b': 'y'}", "R", "R[:n]", "roles=R"]
)
def test_roles_are_found_wherever_they_stand_as_a_literal(given: str) -> None:
    source = (
        f"R = ['a', 'b']\n\ndef forward(self, taskInfo):\n    n = 2\n    return Team({given})(taskInfo)\n"
    )
    assert [name for name, _ in roles_in(source)] == ["a", "b"]
    child = with_roles(source, (("c", 'says "hi"'),))
    assert child is not None
    assert roles_in(child) == (("c", 'says "hi"'),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[1]",
        '{"roles": 3}',
        '{"roles": [3, {"name": "", "role": "x"}, {"name": "Known", "role": "x"}]}',
    ],
)
def test_a_reply_without_new_roles_gives_none(text: str) -> None:
    assert read_roles(text, ["known"]) == ()


def test_new_roles_are_short_lines_of_other_names() -> None:
    rows = [{"name": f"N{i % 5}", "role": "long\n" * 99} for i in range(9)]
    found = read_roles(f"Sure: {json.dumps({'roles': rows})}", [])
    assert [name for name, _ in found] == ["N0", "N1", "N2", "N3"]
    assert all(len(role) <= 200 and "\n" not in role for _, role in found)


def test_the_seed_of_a_search_for_teams_has_all_roles_of_the_family() -> None:
    [whole], [seven] = (seeds.candidates([name], "mgsm") for name in ("team", "team:7"))
    assert names_in(whole.agent.source) == [name for name, _ in POOLS["mathematics"]]
    assert len(names_in(seven.agent.source)) == 7
    assert (whole.agent.name, seven.agent.name) == ("Team of all 9 roles", "Team of the first 7 of 9 roles")
    assert len(seeds.candidates(["team", "team:9", "team:50"], "mgsm")) == 1
    assert not any(c.agent.name == whole.agent.name for c in seeds.candidates())
