"""A task of Inspect AI through the engine: its grader's calls are ours, in the ledger and in the budget."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from archive.records import Archive
from meta_search.testing import CountingEndpoint

pytest.importorskip("inspect_ai", reason="needs the extra inspect")
pytestmark = pytest.mark.extras

TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import exact, model_graded_fact
from inspect_ai.solver import generate, system_message

@task
def sums(first=0):
    samples = [Sample(input=f"What is {i} + 1?", target=str(i + 1)) for i in range(first, first + 40)]
    chain = [system_message("Add up."), generate()]
    return Task(dataset=MemoryDataset(samples), solver=chain, scorer=[model_graded_fact(), exact()])
"""
AGENT = "def forward(self, taskInfo):\n    return LLMAgentBase(['answer'], 'A')([taskInfo], 'Be brief.')[0]\n"


def answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """The grader takes answers below 20 for right; agents are told that all sums are 11."""
    text = str(messages[-1]["content"])
    said = "Fine.\nGRADE: C" if "GRADE" in text else "11"
    wanted = (body.get("response_format") or {}).get("json_schema")
    return json.dumps(dict.fromkeys(wanted["schema"]["properties"], said)) if wanted else said


def test_a_graders_calls_are_in_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_task.py").write_text(TASK, encoding="utf-8")
    with CountingEndpoint(answer) as endpoint:
        (row,) = meta_search.evaluate(
            AGENT,
            "domain=inspect",
            "domain.task=my_task.py@sums",
            "domain.task_args.first=5",
            "llm=endpoint",
            f"llm.base_url={endpoint.base_url}",
            "llm.task.model=small",
            "llm.meta.model=large",
            "llm.judge.model=fair",
            "evaluate.executor=inline",
            "evaluate.items=5",
            "run.confirm=false",
            "run.dir=seen",
            "sandbox.level=process",
        )
    assert (row["score"], row["items"]) == (1.0, 5)
    graded = [request for request in endpoint.requests if request.body["model"] == "fair"]
    assert len(graded) >= 5
    assert all("[Expert]: " in request.body["messages"][-1]["content"] for request in graded)
    asked = [request for request in endpoint.requests if request.body["model"] == "small"]
    assert all("Add up." in str(request.body["messages"][0]["content"]) for request in asked)
    with Archive(tmp_path / "seen" / "archive.db") as archive:
        calls = list(archive.rows("calls"))
    assert sum(call["purpose"] == "judge" for call in calls) == len(graded)
