"""Writes keep their order on their way to the process that holds the archive."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search.errors import ArchiveError, MetaSearchError
from meta_search.evaluators.ray_pool import RayHost
from meta_search.run.hosts import Host, OrderedHost, ThreadHost
from meta_search.run.service import Service
from meta_search.sandbox.trusted.loop_thread import LoopThread

EVENTS = 300
PATIENCE_S = 30.0


def service(folder: str) -> Service:
    """Writes only: no gateway is asked."""
    return Service(Store.open(Path(folder)), Closing())  # type: ignore[arg-type]


class Closing:
    async def close(self) -> None: ...


class Overtaking:
    """A host whose calls overtake each other, as Ray's do."""

    def __init__(self, host: Host) -> None:
        self._host, self._rng = host, random.Random(1)

    def call(self, method: str, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def send() -> None:
            self._host.call(method, *args).add_done_callback(partial(copy, future))

        threading.Timer(self._rng.random() / 50, send).start()
        return future

    def close(self) -> None:
        self._host.close()


def copy(to: Future[Any], done: Future[Any]) -> None:
    if (error := done.exception()) is not None:
        to.set_exception(error)
    else:
        to.set_result(done.result())


@pytest.fixture
def threaded(tmp_path: Path) -> Iterator[Host]:
    host = ThreadHost(service, str(tmp_path))
    yield host
    host.call("close").result(PATIENCE_S)
    host.close()


def numbered(host: Host, folder: Path) -> list[int]:
    """Write events one by one; their numbers in the order in which the archive has them."""
    futures = [host.call("write", "add_events", [("test", {"n": n})]) for n in range(EVENTS)]
    for future in futures:
        future.result(PATIENCE_S)
    with Archive(folder) as archive:
        return [event.data["n"] for event in archive.events()]


def test_writes_keep_their_order_where_calls_overtake_each_other(threaded: Host, tmp_path: Path) -> None:
    assert numbered(OrderedHost(Overtaking(threaded)), tmp_path) == list(range(EVENTS))


def test_writes_in_a_thread_keep_their_order_and_wake_it_seldom(
    threaded: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wakes: list[Any] = []
    whole = LoopThread.wake

    def wake(thread: LoopThread, work: Callable[[], object]) -> None:
        wakes.append(work)
        whole(thread, work)

    monkeypatch.setattr(LoopThread, "wake", wake)
    held = threading.Event()
    threaded._thread.wake(held.wait)  # type: ignore[attr-defined] # the loop is busy meanwhile
    threading.Timer(0.3, held.set).start()
    assert numbered(threaded, tmp_path) == list(range(EVENTS))
    assert len(wakes) < EVENTS / 2


def test_what_is_called_after_a_write_comes_after_it(threaded: Host, tmp_path: Path) -> None:
    for n in range(20):
        written = threaded.call("write", "set_meta", "n", n)
        after = threaded.call("in_order", [("write", ("set_meta", "n", n + 1))])
    written.result(PATIENCE_S)
    assert after.result(PATIENCE_S) == [None]
    with Archive(tmp_path) as archive:
        assert archive.meta("n") == 20


def test_after_an_interrupt_the_next_write_is_done_and_the_one_before(
    threaded: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(thread: LoopThread, work: Callable[[], object]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LoopThread, "wake", interrupted)
        with pytest.raises(KeyboardInterrupt):
            threaded.call("write", "set_meta", "before", 1)
    threaded.call("write", "set_meta", "after", 2).result(PATIENCE_S)
    with Archive(tmp_path) as archive:
        assert (archive.meta("before"), archive.meta("after")) == (1, 2)


def test_a_write_after_the_end_is_refused(tmp_path: Path) -> None:
    host = ThreadHost(service, str(tmp_path))
    host.call("close").result(PATIENCE_S)
    host.close()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="closed"):
            host.call("write", "set_meta", "n", 1)


def test_without_that_they_do_not(threaded: Host, tmp_path: Path) -> None:
    found = numbered(Overtaking(threaded), tmp_path)
    assert sorted(found) == list(range(EVENTS))
    assert found != list(range(EVENTS))


@pytest.fixture
def on_ray(ray_cluster: None, tmp_path: Path) -> Iterator[OrderedHost]:
    host = RayHost(service, str(tmp_path))
    ordered = OrderedHost(host)
    yield ordered
    ordered.call("close").result(PATIENCE_S)
    ordered.close()
    host.close()


def test_writes_keep_their_order_on_ray(on_ray: OrderedHost, tmp_path: Path) -> None:
    assert numbered(on_ray, tmp_path) == list(range(EVENTS))


def fails_alone(host: Host, folder: Path) -> None:
    before = host.call("write", "set_meta", "before", 1)  # on its way alone, so that these go together
    others = [host.call("write", "set_meta", f"{n}", n) for n in range(3)]
    unknown = host.call("write", "set_status", "0" * 16, "seed")
    wrong = host.call("write", "no_such_method")
    after = host.call("write", "set_meta", "after", 1)
    with pytest.raises(ArchiveError, match="has no agent"):
        unknown.result(PATIENCE_S)
    with pytest.raises(MetaSearchError, match=r"AttributeError.*no_such_method"):
        wrong.result(PATIENCE_S)
    assert [f.result(PATIENCE_S) for f in (before, *others, after)] == [None] * 5
    with Archive(folder) as archive:
        assert (archive.meta("2"), archive.meta("after")) == (2, 1)


def test_a_write_that_fails_fails_alone(threaded: Host, tmp_path: Path) -> None:
    fails_alone(OrderedHost(Overtaking(threaded)), tmp_path)


def test_a_write_that_fails_fails_alone_on_ray(on_ray: OrderedHost, tmp_path: Path) -> None:
    fails_alone(on_ray, tmp_path)


class Held:
    """A host that keeps its calls until `release`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Future[Any], tuple[Any, ...]]] = []
        self.arrived = threading.Semaphore(0)

    def call(self, method: str, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.sent.append((method, future, args))
        self.arrived.release()
        return future

    def release(self, error: BaseException | None = None) -> list[str]:
        """Answer the next call; the methods that it began in their order."""
        assert self.arrived.acquire(timeout=PATIENCE_S)
        _, future, (calls,) = self.sent[-1]
        if error is None:
            future.set_result([None] * len(calls))
        else:
            future.set_exception(error)
        return [method for method, _ in calls]

    def close(self) -> None: ...


def test_the_archive_is_closed_after_what_was_written_before() -> None:
    held = Held()
    ordered = OrderedHost(held)
    for n in range(5):
        ordered.call("write", "set_meta", f"{n}", n)
    closing = ordered.call("close")
    began: list[str] = []
    while "close" not in began:
        began += held.release()
    assert began == [*["write"] * 5, "close"]
    assert closing.result(PATIENCE_S) is None


def test_a_host_that_is_lost_fails_what_waits_for_it() -> None:
    held = Held()
    host = OrderedHost(held)
    future = host.call("write", "set_meta", "1", 1)
    assert held.release(MetaSearchError("the process died")) == ["write"]
    with pytest.raises(MetaSearchError, match="the process died"):
        future.result(PATIENCE_S)
    later = host.call("write", "set_meta", "2", 2)
    assert held.release() == ["write"]  # one lost message stops no other
    assert later.result(PATIENCE_S) is None


def test_after_its_end_nothing_is_sent() -> None:
    held = Held()
    host = OrderedHost(held)
    host.close()
    with pytest.raises(MetaSearchError, match="is closed"):
        host.call("write", "set_meta", "late", 1).result(PATIENCE_S)
    assert not held.sent
