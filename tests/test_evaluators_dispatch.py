"""The queue over workers that may die, with workers that are driven by hand: no processes, no waiting."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, wait

import pytest

from meta_search.errors import MetaSearchError, SandboxError
from meta_search.evaluators.dispatch import DEATHS, Dispatcher, WorkerLost
from meta_search.types import Agent, ItemJob, ItemResult

AGENT = Agent.of("tester", "def forward(self, taskInfo):\n    return taskInfo.content")
PATIENCE_S = 10.0


def job(item: str) -> ItemJob:
    return ItemJob(agent=AGENT, split="train", item=item, repeat=0, question="q")


def result(item: str) -> ItemResult:
    return ItemResult(agent=AGENT.id, split="train", item=item, repeat=0, kind="ok", answer=item)


class Hand:
    """A worker that does nothing by itself; the test answers for it."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.running: dict[str, Future[ItemResult]] = {}
        self.killed = self.stopped = False

    def start(self) -> Future[None]:
        future: Future[None] = Future()
        if self.fault is not None:
            future.set_exception(self.fault)
        else:
            future.set_result(None)
        return future

    def run(self, job: ItemJob) -> Future[ItemResult]:
        self.running[job.item] = future = Future()
        return future

    def stop(self) -> Future[None]:
        self.stopped = True
        future: Future[None] = Future()
        future.set_result(None)
        return future

    def kill(self) -> None:
        self.killed = True

    def finish(self, item: str) -> None:
        self.running.pop(item).set_result(result(item))

    def die(self) -> None:
        for item in list(self.running):
            self.running.pop(item).set_exception(WorkerLost("killed"))


class Hands:
    """Makes workers and remembers them; `faults` are met by the first of them."""

    def __init__(self, faults: list[Exception] | None = None) -> None:
        self.all: list[Hand] = []
        self.faults = faults or []

    def __call__(self) -> Hand:
        self.all.append(Hand(self.faults.pop(0) if self.faults else None))
        return self.all[-1]


def settled(dispatcher: Dispatcher) -> None:
    """Return when the dispatcher has worked off all events posted so far (twice: events post events)."""
    for _ in range(3):
        seen: Future[None] = Future()
        dispatcher._post(lambda seen=seen: seen.set_result(None))
        seen.result(PATIENCE_S)


def pool(hands: Hands, workers: int = 1, per_worker: int = 2) -> Dispatcher:
    dispatcher = Dispatcher([hands] * workers, per_worker, "see the log")
    dispatcher.wait_ready(PATIENCE_S)
    settled(dispatcher)
    return dispatcher


def test_items_go_to_the_worker_with_the_fewest_and_the_rest_wait_in_order() -> None:
    hands = Hands()
    dispatcher = pool(hands, workers=2)
    futures = [dispatcher.submit(job(str(n))) for n in range(6)]
    settled(dispatcher)
    first, second = hands.all
    assert list(first.running) == ["0", "2"]
    assert list(second.running) == ["1", "3"]
    second.finish("3")
    settled(dispatcher)
    assert list(second.running) == ["1", "4"]
    assert futures[3].result().answer == "3"
    dispatcher.close()


def test_a_dead_worker_is_replaced_and_its_items_run_again() -> None:
    hands = Hands()
    dispatcher = pool(hands)
    futures = [dispatcher.submit(job(str(n))) for n in range(3)]
    settled(dispatcher)
    hands.all[0].die()
    settled(dispatcher)
    assert hands.all[0].killed
    assert len(hands.all) == 2
    again = hands.all[1]
    assert set(again.running) == {"0", "1"}
    again.finish("0")
    again.finish("1")
    settled(dispatcher)
    again.finish("2")
    assert [f.result(PATIENCE_S).answer for f in futures] == ["0", "1", "2"]
    dispatcher.close()


def test_an_item_that_kills_workers_gets_one_alone_then_fails_as_a_fault_of_the_system() -> None:
    hands = Hands()
    dispatcher = pool(hands, per_worker=8)
    poison = dispatcher.submit(job("poison"))
    for _ in range(DEATHS - 1):
        settled(dispatcher)
        hands.all[-1].die()
    innocent = dispatcher.submit(job("innocent"))
    settled(dispatcher)
    assert list(hands.all[-1].running) == ["poison"], "alone, so that it takes no neighbour with it"
    hands.all[-1].die()
    with pytest.raises(
        MetaSearchError, match=rf"{DEATHS} workers died .*{AGENT.id}.*item poison.*see the log"
    ):
        poison.result(PATIENCE_S)
    settled(dispatcher)
    hands.all[-1].finish("innocent")
    assert innocent.result(PATIENCE_S).answer == "innocent"
    dispatcher.close()


def test_a_fault_of_the_system_reaches_the_future_and_kills_nothing() -> None:
    hands = Hands()
    dispatcher = pool(hands)
    future = dispatcher.submit(job("0"))
    settled(dispatcher)
    hands.all[0].running.pop("0").set_exception(MetaSearchError("broker"))
    with pytest.raises(MetaSearchError, match="broker"):
        future.result(PATIENCE_S)
    assert len(hands.all) == 1
    dispatcher.close()


def test_a_worker_that_refuses_to_start_says_why() -> None:
    refusing = Dispatcher([Hands([SandboxError("no Landlock here")])], 1, "see the log")
    with pytest.raises(SandboxError, match="no Landlock"):
        refusing.wait_ready(PATIENCE_S)
    with pytest.raises(SandboxError, match="no Landlock"):
        refusing.submit(job("0")).result(PATIENCE_S)
    refusing.close()


def test_a_worker_that_dies_while_starting_is_tried_again_a_few_times() -> None:
    lucky = Hands([WorkerLost("early")])
    dispatcher = pool(lucky)
    assert len(lucky.all) == 2
    dispatcher.close()
    unlucky = Hands([WorkerLost("early")] * 99)
    broken = Dispatcher([unlucky], 1, "see the log")
    with pytest.raises(MetaSearchError, match="no worker can be started: early; see the log"):
        broken.wait_ready(PATIENCE_S)
    assert len(unlucky.all) == 3
    broken.close()


def test_cancel_ends_waiting_and_running_items() -> None:
    hands = Hands()
    dispatcher = pool(hands, per_worker=1)
    running, waiting, last = (dispatcher.submit(job(str(n))) for n in range(3))
    settled(dispatcher)
    inner = hands.all[0].running["0"]
    assert waiting.cancel()
    assert running.cancel()
    settled(dispatcher)
    assert inner.cancelled(), "the worker is told"
    assert wait([running, waiting], timeout=PATIENCE_S).not_done == set(), "waiters are told"
    settled(dispatcher)
    hands.all[0].finish("2")
    assert last.result(PATIENCE_S).answer == "2"
    dispatcher.close()


def test_close_with_items_in_flight_is_clean_and_final() -> None:
    hands = Hands()
    dispatcher = pool(hands, per_worker=1)
    futures = [dispatcher.submit(job(str(n))) for n in range(2)]
    settled(dispatcher)
    dispatcher.close()
    dispatcher.close()
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(PATIENCE_S)
    assert hands.all[0].stopped
    assert hands.all[0].killed
    with pytest.raises(MetaSearchError, match="closed"):
        dispatcher.submit(job("late"))
