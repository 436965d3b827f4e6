"""What the engine's own work adds when its model and its evaluators do nothing but sleep."""

from __future__ import annotations

import json
import queue
import tempfile
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from meta_search.config import (
    AuthorConfig,
    Config,
    DomainConfig,
    EvaluateConfig,
    LLMConfig,
    MetaConfig,
    ModelConfig,
    SearchConfig,
    to_mapping,
)
from meta_search.types import Agent, Candidate, ItemJob, ItemResult
from tests.bench.row import ROWS, Row

MODEL_S, ITEM_S, PARALLEL, CANDIDATES = 0.2, 0.5, 8, 400
LIMIT = 0.04


class Sleepers:
    """An evaluator whose items each take `ITEM_S`, any number at a time: all take as long, so that one thread
    ends them in their order. A thread for each would take time of the engine's."""

    def __init__(self) -> None:
        self.last = 0.0
        self.items = 0
        self._asleep: queue.SimpleQueue[tuple[float, ItemJob, Future[ItemResult]]] = queue.SimpleQueue()
        threading.Thread(target=self._sleep, daemon=True).start()

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        future: Future[ItemResult] = Future()
        if job.dry:
            self._wake(job, future)
        else:
            self.items += 1
            self._asleep.put((time.perf_counter() + ITEM_S, job, future))
        return future

    def close(self) -> None: ...

    def _sleep(self) -> None:
        while True:
            until, job, future = self._asleep.get()
            time.sleep(max(0.0, until - time.perf_counter()))
            self._wake(job, future)

    def _wake(self, job: ItemJob, future: Future[ItemResult]) -> None:
        if job.split == "train":
            self.last = time.perf_counter()
        if future.set_running_or_notify_cancel():
            future.set_result(ItemResult(job.agent.id, job.split, job.item, job.repeat, "ok", "42"))


class SleepingAuthor:
    """An author whose model takes `MODEL_S` and writes a new agent each time."""

    first = 0.0

    def write(self, context: object) -> object:
        from meta_search.authors.author import Context, Written

        assert isinstance(context, Context)
        SleepingAuthor.first = SleepingAuthor.first or time.perf_counter()
        time.sleep(MODEL_S)
        number = context.brief.number
        agent = Agent.of(f"agent {number}", f"def forward(self, taskInfo):\n    return '{number}'")
        return Written(Candidate(agent, context.brief, "Sleep on it."))


def measure(quick: bool) -> Row:
    """The real engine, guide and archive; racing off, one item an agent, the archive in a thread."""
    from meta_search.authors import registry
    from meta_search.engine import sitting
    from meta_search.llm.gateway import Endpoint
    from meta_search.run.domain_scorer import Scorer
    from meta_search.run.hosts import ThreadHost
    from meta_search.run.journal import Recorder
    from meta_search.run.progress import Progress
    from meta_search.run.run import Run
    from meta_search.run.service import make_service
    from meta_search.run.session import Session

    candidates = 80 if quick else CANDIDATES
    registry.load = lambda name: SleepingAuthor
    SleepingAuthor.first = 0.0  # of this measurement: the class outlives it
    evaluator = Sleepers()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = _config(folder, candidates)
        endpoints = dict.fromkeys(("task", "meta"), Endpoint("none", "http://127.0.0.1:1/v1"))
        host = ThreadHost(make_service, str(folder / "archive.db"), to_mapping(config), endpoints, 0.0)
        domain = _domain(config)
        scorer = Scorer(domain, config.sandbox)
        session = Session(config, folder, domain, host, evaluator, time.monotonic(), 0.0, scorer)
        with Progress(config, folder, 0.0, live=False) as progress:
            progress.attach(session)
            one = sitting.Sitting(Run.of(session, progress, Recorder()))
            one._report = lambda stopped=False: one._stopped()  # type: ignore  # it is not measured
            one.execute()
        written = one.search.briefs.written
        host.call("close").result()
        host.close()
    # Promising ones go on to validation: how many does not belong to the engine's own work.
    ideal = (candidates * MODEL_S + evaluator.items * ITEM_S) / PARALLEL
    took = evaluator.last - SleepingAuthor.first
    over = took / ideal - 1
    return Row(
        *ROWS["overhead"],
        figure=f"{over:.1%}",
        ok=over <= LIMIT if written == candidates else None,
        note=f"{written} candidates and {evaluator.items} items in {took:.1f} s, ideal {ideal:.1f} s, "
        f"{PARALLEL} in flight; from the first brief to the last item",
    )


def _config(folder: Path, candidates: int) -> Config:
    rows = [{"question": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(40)]
    (folder / "sums.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return Config(
        domain=DomainConfig(name="table", path=str(folder / "sums.jsonl")),
        llm=LLMConfig(provider="litellm", task=ModelConfig("none"), meta=MetaConfig("none")),
        search=SearchConfig(candidates=candidates, in_flight=PARALLEL, seeds=("direct",), finalists=1),
        author=AuthorConfig(name="llm"),
        evaluate=replace(EvaluateConfig(), executor="inline", items=1, test_items=1, block=1, racing=False),
    )


def _domain(config: Config) -> object:
    from domains import registry

    return registry.make(config.domain)
