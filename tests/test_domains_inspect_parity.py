"""The same recorded answers through Inspect's own evaluation and through ours: prompts and scores."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from domains.domain import Domain, Item
from domains.registry import make
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.errors import DomainError
from meta_search.sandbox.trusted.scorer import ConfinedScorer
from meta_search.types import SPLITS, CallReply, CallRequest
from tests.data.inspect_eval import FILE, grade

pytest.importorskip("inspect_ai", reason="needs the extra inspect")
pytestmark = pytest.mark.extras

RECORDED = json.loads((FILE.parent / "inspect_answers.json").read_text(encoding="utf-8"))
JUDGED = ("facts", "graded")


@pytest.fixture(scope="module")
def reference() -> Mapping[str, list[dict[str, Any]]]:
    """What Inspect asked and how it scored, by task and sample."""
    command = [sys.executable, str(Path(FILE.parent / "inspect_eval.py")), *RECORDED]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def domain_of(name: str, **more: Any) -> Domain:
    return make(DomainConfig(name="inspect", task=f"{FILE}@{name}", **more))


def items_of(domain: Domain) -> dict[int, Item]:
    """Every item by the number of its sample."""
    return {i.data["sample"]["metadata"]["n"]: i for split in SPLITS for i in domain.items(split)}


def judge(messages: list[tuple[str, str]], *_: Any) -> str:
    return grade(messages[-1][1])


def judge_reply(request: CallRequest) -> Future[CallReply]:
    reply: Future[CallReply] = Future()
    reply.set_result(CallReply(text=grade(request.messages[-1][1])))
    return reply


def scored(scorer: Any, item: Item, answer: str) -> float:
    """Our score; not a number where there is none."""
    try:
        return float(scorer(item, answer, None, judge).value)
    except DomainError as error:
        if "unscored" not in str(error):
            raise
        return math.nan


@contextmanager
def confined(domain: Domain) -> Iterator[ConfinedScorer]:
    wanted = domain.confined  # type: ignore[attr-defined]
    scorer = ConfinedScorer(wanted.factory, wanted.arguments, SandboxConfig(level="process"))
    try:
        yield scorer
    finally:
        scorer.close()


@pytest.mark.parametrize("name", RECORDED)
def test_prompts_and_scores_are_those_of_inspect(name: str, reference: Any) -> None:
    from domains.inspect.scorer import TaskScorer
    from domains.inspect.tasks import load
    from domains.inspect.worker import describe

    options = {
        "task": f"{FILE}@{name}",
        "arguments": {},
        "seed": 0,
        "sizes": {},
        "dealing": "file",
        "kind": "",
    }
    task, told = describe({**options, "scorer": "", "bounds": [0.0, 1.0]})
    found = [Item(**item) for items in told["items"].values() for item in items]
    items = {item.data["sample"]["metadata"]["n"]: item for item in found}
    assert len(items) >= len(RECORDED[name]) - len(SPLITS)  # what does not come out even is in no split
    assert told["asks"] == (name in JUDGED)
    scorer = TaskScorer(load(options["task"], {}, 0), "", told["asking"])
    for n in items:
        theirs = reference[name][n]
        assert told["system"] == theirs["system"]
        assert items[n].question == theirs["question"].strip()
        first = next(iter(theirs["value"].values()))
        answer = RECORDED[name][n]["answer"]
        ours = scored(scorer, items[n], answer)
        assert ours == pytest.approx(first, nan_ok=True), (name, n, answer, RECORDED[name][n]["target"])
    print(f"{name}: {len(items)} of {len(items)} answers scored alike")
    assert task.dataset is not None


@pytest.mark.parametrize("name", ["numbers", "formulas", "graded"])
def test_scores_are_the_same_in_the_sandbox(name: str, reference: Any) -> None:
    domain = domain_of(name)
    items = items_of(domain)
    with confined(domain) as scorer:
        for n in items:
            first = next(iter(reference[name][n]["value"].values()))
            scored = scorer.score(
                items[n], RECORDED[name][n]["answer"], judge_reply if name in JUDGED else None
            )
            if math.isnan(first):
                assert scored.failed
                assert "unscored" in scored.feedback
            else:
                assert not scored.failed, scored.feedback
                assert scored.value == pytest.approx(first)
