"""A search whose composer draws plans of stages: they are evaluated as others are, and it replays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.authors.block_table import BLOCKS, OTHER_BLOCKS
from meta_search.authors.plan import STAGED
from meta_search.testing import CountingEndpoint
from tests.kits.searches import assert_replays, composed_search


def says(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """A model that knows one sum, and finds every answer right."""
    system, asked = str(messages[0]["content"]), str(messages[-1]["content"])
    if "JSON object" in system:
        return json.dumps({"thinking": "so it is", "answer": "12"})
    if "code block" in system:
        return "```python\nprint(12)\n```"
    return "OK" if "Reply with OK" in asked else "12"


@pytest.mark.slow
def test_a_search_of_plans_with_stages_is_evaluated_and_replays(folder: Path) -> None:
    words = (
        f"author.blocks=[{','.join(OTHER_BLOCKS)}]",
        *("search.seeds=[direct]", "search.operators=[novel,mutate,crossover,simplify]"),
        *("search.candidates=3", "search.in_flight=1", "search.prior=false"),
    )
    with CountingEndpoint(says) as endpoint:
        assert cli.main(["run", *composed_search(folder, endpoint, *words)]) == 0
    with meta_search.open_run("run") as archive:
        plans = [record.plan for record in archive.agents() if record.plan]
    assert plans
    used = {plan.get(stage) for plan in plans for stage in STAGED} - {None}
    assert used
    assert used <= {*BLOCKS, "none"}
    assert_replays()
