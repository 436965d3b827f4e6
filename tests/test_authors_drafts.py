"""From a draft to a candidate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from meta_search.authors.bootstrap import show_demonstrations
from meta_search.authors.drafts import MAX_DEMONSTRATIONS, Draft, demonstrations_for, finish
from meta_search.types import Attempt, Candidate, Demonstration
from tests.kits.author_contexts import Desk, seed
from tests.kits.sandboxed_agents import House, wrapped

SOURCE = wrapped(
    "n = self.tune.int('n', 1, 9, 2)\nreturn LLMAgentBase(['a'], 'A')([taskInfo])[0].content * n"
)
POOL = [Demonstration(f"q{i}", "r") for i in range(MAX_DEMONSTRATIONS + 2)]


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with House() as house:
        yield Desk(house)


def test_a_candidate_keeps_only_values_that_are_declared_and_differ(desk: Desk) -> None:
    context = desk.context("mutate", [seed("direct", generation=3), seed("debate", generation=5)])
    for values, kept in [({"n": 3, "m": 1}, {"n": 3}), ({"n": 2}, {}), ({}, {})]:
        candidate = finish(context, Draft("name", SOURCE, "why", values, plan={"way": "direct"}))
        assert isinstance(candidate, Candidate)
        assert candidate.agent.values == kept
    assert (candidate.generation, candidate.thought, candidate.plan) == (6, "why", {"way": "direct"})
    assert [p.name for p in candidate.space] == ["n"]


@pytest.mark.parametrize(
    ("source", "stage", "message"),
    [
        ("def forward(self", "check", "SyntaxError"),
        (
            wrapped("return LLMAgentBase(['a'], 'A')([taskInfo])"),
            "dry_run",
            "bad_answer: forward returned list; return an Info or a str; calling an agent gives a list",
        ),
        (wrapped("x = [LLMAgentBase([], 'A')([], 'Go')] * 10**10\nreturn ''"), "dry_run", "memory"),
    ],
)
def test_what_fails_is_an_attempt(desk: Desk, source: str, stage: str, message: str) -> None:
    attempt = finish(desk.context("mutate"), Draft("name", source, "why"))
    assert isinstance(attempt, Attempt)
    assert (attempt.stage, attempt.source, attempt.brief) == (stage, source, 4)
    assert attempt.message.startswith(message)


@pytest.mark.parametrize("links", [300, 1500, 9000])
def test_deep_nesting_is_no_fault_of_ours(desk: Desk, links: int) -> None:
    chain = "".join(f"elif x == {i}: pass\n" for i in range(links))
    source = wrapped(f"x = 0\nif x: pass\n{chain}return LLMAgentBase(['a'], 'A')([taskInfo])[0]")
    made = finish(desk.context("mutate"), Draft("name", source, "why"))
    if isinstance(made, Candidate):
        show_demonstrations(source, "name", "why", 1)
    else:
        assert "too deep" in made.message


def test_the_newest_of_the_pool_go_with_agents_that_use_them() -> None:
    assert demonstrations_for("x = self.nearest(t, 1)", POOL) == tuple(POOL[2:])
    assert demonstrations_for("x = self.demonstrations", POOL) == tuple(POOL[2:])
    assert demonstrations_for("x = self.examples", POOL) == ()
