"""A search that an older version began, whose ids of agents with docstrings were made otherwise, goes on."""

from __future__ import annotations

import ast
import signal
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.testing import CountingEndpoint, Fault
from meta_search.types import agent_id, agents
from tests.kits.answers import mind
from tests.kits.searches import mixed_search, questions


def without_docstrings(source: str) -> str:
    """How a source was normalised when docstrings did not count."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node) and len(node.body) > 1:
            node.body = node.body[1:]
    return ast.dump(tree, annotate_fields=False)


@pytest.mark.slow
def test_a_search_with_ids_of_another_rule_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(index: int, body: Any) -> Fault | None:
        if index == 150:
            signal.raise_signal(signal.SIGTERM)
        return None

    path = questions(folder)
    more = ("search.candidates=8", "search.in_flight=2", "search.operators=[mutate,tune]", "run.dir=run")
    with CountingEndpoint(mind, faults=stop) as endpoint, monkeypatch.context() as older:
        older.setattr(agents, "normalised_ast", without_docstrings)
        assert cli.main(["run", *mixed_search(path, endpoint.base_url, *more)]) == 3
    with meta_search.open_run("run") as archive:
        before = archive.agents()
        assert [agent_id(r.agent.source) for r in before] != [r.agent.id for r in before]
    with CountingEndpoint(mind) as endpoint:
        assert cli.main(["resume", "run", f"llm.base_url={endpoint.base_url}"]) == 0
    with meta_search.open_run("run") as archive:
        after = archive.agents()
        assert [r.agent.id for r in after][: len(before)] == [r.agent.id for r in before]
        seeds = [r.agent.name for r in after if r.brief and r.brief.kind == "seed"]
        assert len(seeds) == len(set(seeds)) == 3
        assert len(after) > len(before)
