"""Writes keep their order on their way to the process that holds the archive."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search.errors import ArchiveError, MetaSearchError
from meta_search.evaluate.ray_pool import RayHost
from meta_search.service import Host, OrderedHost, Service, ThreadHost

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


def test_without_that_they_do_not(threaded: Host, tmp_path: Path) -> None:
    found = numbered(Overtaking(threaded), tmp_path)
    assert sorted(found) == list(range(EVENTS))
    assert found != list(range(EVENTS))


def test_writes_keep_their_order_on_ray(ray_cluster: None, tmp_path: Path) -> None:
    host = RayHost(service, str(tmp_path))
    try:
        ordered = OrderedHost(host)
        assert numbered(ordered, tmp_path) == list(range(EVENTS))
        ordered.call("close").result(PATIENCE_S)
    finally:
        host.close()


def test_a_write_that_fails_fails_alone(threaded: Host, tmp_path: Path) -> None:
    host = OrderedHost(Overtaking(threaded))
    before = host.call("write", "set_meta", "before", 1)  # on its way alone, so that these go together
    others = [host.call("write", "set_meta", f"{n}", n) for n in range(3)]
    unknown = host.call("write", "set_status", "0" * 16, "seed")
    after = host.call("write", "set_meta", "after", 1)
    with pytest.raises(ArchiveError, match="has no agent"):
        unknown.result(PATIENCE_S)
    assert [f.result(PATIENCE_S) for f in (before, *others, after)] == [None] * 5
    with Archive(tmp_path) as archive:
        assert (archive.meta("2"), archive.meta("after")) == (2, 1)


def test_the_archive_is_closed_after_what_was_written_before(tmp_path: Path) -> None:
    host = ThreadHost(service, str(tmp_path))
    ordered = OrderedHost(Overtaking(host))
    futures = [ordered.call("write", "set_meta", f"{n}", n) for n in range(20)]
    ordered.call("close").result(PATIENCE_S)
    assert all(future.result(PATIENCE_S) is None for future in futures)
    with pytest.raises(ArchiveError, match="is closed"):
        ordered.call("write", "set_meta", "late", 1).result(PATIENCE_S)
    ordered.close()


def test_a_host_that_is_lost_fails_what_waits_for_it() -> None:
    class Lost:
        def __init__(self) -> None:
            self.sent: list[Future[Any]] = []

        def call(self, method: str, *args: Any) -> Future[Any]:
            if self.sent:
                raise MetaSearchError("there is nobody")
            self.sent.append(Future())
            return self.sent[-1]

        def close(self) -> None: ...

    lost = Lost()
    host = OrderedHost(lost)
    futures = [host.call("write", "set_meta", f"{n}", n) for n in range(3)]
    lost.sent[0].set_exception(MetaSearchError("the process died"))
    with pytest.raises(MetaSearchError, match="the process died"):
        futures[0].result(PATIENCE_S)
    for future in (*futures[1:], host.call("write", "set_meta", "late", 1)):
        with pytest.raises(MetaSearchError, match="there is nobody"):
            future.result(PATIENCE_S)
