"""The inline evaluator: futures, width, cancellation, and an end that leaves nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait
from pathlib import Path

import pytest

from meta_search.config import EvaluateConfig, SandboxConfig
from meta_search.errors import SandboxError
from meta_search.evaluators.evaluator import Evaluator
from meta_search.evaluators.inline import InlineEvaluator
from meta_search.types import CallReply, CallRequest
from tests.kits.bare_sandbox import echo, forward, job_of
from tests.kits.processes import children_of, gone, until


@pytest.fixture
def evaluator(runtime: Path) -> Iterator[InlineEvaluator]:
    evaluator = InlineEvaluator(SandboxConfig(), EvaluateConfig(per_worker=3), echo, runtime)
    yield evaluator
    evaluator.close()


def zygote_of(evaluator: InlineEvaluator) -> int:
    handle = evaluator._sandbox._zygote
    assert handle is not None
    return handle._process.pid


def test_futures_resolve_to_unscored_results(evaluator: InlineEvaluator) -> None:
    evaluating: Evaluator = evaluator
    source = forward("return self.call(self.job['question'])")
    futures = [evaluating.submit(job_of(source, question=str(n))) for n in range(12)]
    assert [f.result(20).answer for f in futures] == [f"heard {n}" for n in range(12)]
    assert all(f.result().score is None for f in futures)


def test_no_more_than_per_worker_at_a_time(runtime: Path) -> None:
    at_once, most = 0, 0

    async def count(request: CallRequest) -> CallReply:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        until = time.monotonic() + 2.0  # a busy machine brings the next ones late
        while most < 3 and time.monotonic() < until:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.02)
        at_once -= 1
        return CallReply("x")

    evaluator = InlineEvaluator(SandboxConfig(), EvaluateConfig(per_worker=3), count, runtime)
    wait([evaluator.submit(job_of(forward("return self.call('a')"))) for _ in range(12)], 20)
    evaluator.close()
    assert most == 3


def test_a_crash_is_a_result(evaluator: InlineEvaluator) -> None:
    result = evaluator.submit(job_of("def forward(self, task)\n")).result(20)
    assert result.kind == "crash"
    assert "SyntaxError" in result.detail


def test_close_cancels_what_runs_and_leaves_nothing(runtime: Path) -> None:
    evaluator = InlineEvaluator(SandboxConfig(), EvaluateConfig(per_worker=2), echo, runtime)
    zygote = zygote_of(evaluator)
    threads = threading.active_count()
    futures = [evaluator.submit(job_of(forward("import time; time.sleep(99)"))) for _ in range(4)]
    assert until(lambda: len(children_of(zygote)) >= 2)
    evaluator.close()
    evaluator.close()
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(5)
    assert gone(zygote)
    assert threading.active_count() == threads - 1
    with pytest.raises(SandboxError, match="closed"):
        evaluator.submit(job_of(""))


def test_a_sandbox_that_cannot_start_is_told_at_once(tmp_path: Path) -> None:
    threads = threading.active_count()
    with pytest.raises(SandboxError, match="does not start"):
        InlineEvaluator(SandboxConfig(), EvaluateConfig(), echo, tmp_path)
    assert threading.active_count() == threads
