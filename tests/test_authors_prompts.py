"""Prompts to the letter, on a made state that is rich in everything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meta_search.authors import prompts as asked
from meta_search.authors.adas_prompts import design
from meta_search.authors.sight.tokens import tokens
from tests.kits.rich_prompts import DRAFTS, ROOMS, SNAPSHOTS, prompts
from tests.kits.rich_run import archive, rich_context

ALL = prompts()


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_prompt_is_as_recorded(name: str) -> None:
    """Where a change is meant: `python -m tests.data.record_prompts`."""
    assert ALL[name] + "\n" == (SNAPSHOTS / f"{name}.txt").read_text(encoding="utf-8")


def test_there_is_no_snapshot_without_a_prompt() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(ALL)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("name", DRAFTS)
def test_a_draft_keeps_to_its_room(name: str, room: int) -> None:
    assert tokens(ALL[f"{name}.{room}"]) + tokens(asked.system()) <= room


def test_the_plan_of_an_embedded_model_is_short() -> None:
    for name in ("plan-small", "plan-small-first"):
        assert tokens(ALL[name]) <= 800
        assert "Best " not in ALL[name]
        assert "weak with small models" not in ALL[name]


def test_no_prompt_names_a_tag() -> None:
    context = rich_context("mutate")
    tagged = replace(context, brief=replace(context.brief, tags=("plan",)))
    assert asked.draft_plan(context) == asked.draft_plan(tagged)


def test_prompts_are_functions_of_the_state() -> None:
    assert prompts() == ALL


def test_what_is_empty_in_this_run_is_not_offered() -> None:
    context = rich_context("mutate")
    bare = rich_context("mutate", findings=type(context.findings)())
    assert "self.demonstrations" not in asked.draft_program(bare)
    assert "nearest(" not in asked.draft_program(bare)
    assert "nearest(taskInfo" in asked.draft_program(context)


def test_a_plans_author_sees_the_plan_and_no_source() -> None:
    prompt = asked.draft_plan(rich_context("crossover"))
    assert '> {"way": "direct", "routes": [{"words": "final answer", "way": "program"}' in prompt
    assert "def start_program" not in prompt


def test_a_longer_archive_begins_as_the_shorter_one() -> None:
    context, agents = rich_context("novel"), archive()
    before, after = design(context, agents[:2]), design(context, agents)
    same = next(i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
    assert same > 0.75 * len(before)
    assert before[:same].count("## ") == 2


def test_each_thought_stands_once_in_the_archive() -> None:
    prompt = design(rich_context("novel"), archive())
    for agent in archive():
        if agent.thought:
            assert prompt.count(agent.thought) == 1, agent.agent.name
