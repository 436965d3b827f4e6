"""The prompts of `reflect`, `instruct` and `diagnose`, to the letter.

`python -m tests.test_authors_operator_prompts` writes them anew, to be read before they are committed.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from meta_search.authors.compiler import compile_plan
from meta_search.authors.llm import LLMAuthor
from meta_search.authors.plan import Plan
from meta_search.config import AuthorConfig
from meta_search.testing.scripted import count_tokens
from meta_search.types import Agent
from tests.kits.arithmetic import PAIR, SOLO, Scene, parent
from tests.kits.sandboxed_agents import House

FOLDER = Path(__file__).parent / "data" / "operator_prompts"
KINDS = ("reflect", "instruct", "diagnose", "diagnose-plan")


def prompt(house: House, kind: str, **more: Any) -> str:
    """The first prompt of an operator on one scene."""
    scene, operator = Scene(house), kind.partition("-")[0]
    config = AuthorConfig(reflexions=0, debug_rounds=0, notes="Shops are never closed.")
    given: dict[str, Any] = {"config": config, "operator": operator, "rng": random.Random(1), **more}
    if kind == "diagnose-plan":
        agent, plan = (
            Agent.of("direct", compile_plan(Plan("direct", way="direct"))),
            Plan("direct", way="direct"),
        )
        made = replace(parent(SOLO, scene.runs), agent=agent, plan=plan.to_mapping())
        given |= {"parent": made, "config": replace(config, formats=("plan",)), "context_tokens": 2048}
    LLMAuthor().write(scene.context(["nothing", "nothing"], PAIR, **given))
    return scene.desk.asked[0].messages[1][1] + "\n"


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_are_as_they_were_read(house: House, kind: str) -> None:
    assert prompt(house, kind) == (FOLDER / f"{kind}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_of_embedded_models_are_at_most_1500_tokens(house: House, kind: str) -> None:
    assert count_tokens(prompt(house, kind, context_tokens=2048)) <= 1500


def test_a_user_may_bring_other_words(house: House, tmp_path: Path) -> None:
    (tmp_path / "reflect.j2").write_text("Mine: {{ instruction }} {{ cases | length }}")
    config = AuthorConfig(prompts=str(tmp_path))
    assert prompt(house, "reflect", config=config).startswith("Mine: > ")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with House() as house:
        for kind in KINDS:
            (FOLDER / f"{kind}.txt").write_text(prompt(house, kind), encoding="utf-8")
