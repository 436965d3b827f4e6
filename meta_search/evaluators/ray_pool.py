"""Items evaluated by Ray workers, and the process that holds the gateway."""

from __future__ import annotations

import os
import secrets
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from meta_search.config import Config, EvaluateConfig, SandboxConfig
from meta_search.errors import MetaSearchError
from meta_search.evaluators.dispatch import Dispatcher, WorkerLost
from meta_search.evaluators.gateway_link import Line
from meta_search.evaluators.ray_processes import Hosted, Opening, SandboxWorker, first_line, shell
from meta_search.evaluators.ray_start import LOGS, is_alone, start_ray, stop_ray
from meta_search.types import ItemJob, ItemResult

__all__ = ["RayHost", "RayPool", "start_ray", "stop_ray"]

CPUS = 0.01  # a worker waits for the gateway most of its time; Ray must not hold a core back for it
LEAST_ROOM = 4  # items in flight on a worker where there are many workers
READY_S = 120.0  # a process that is not there by then will never be
HOST_CALLS = 20_000  # more than the calls that all sandboxes together can have waiting
SPARE_CALLS = 8  # of a worker, beyond its items: start and close


class RayHost:
    """One object with async methods in a process of its own, with the driver's environment and on its node.

    Holds the gateway: the keys, litellm, and the only pen of the archive. It is never restarted: what it had
    in flight is unknown, so the run ends and `meta-search resume` goes on from the ledger.

    Args:
        factory: Makes the object, in that process; a function or class that can be pickled.
        args: Its arguments.

    Attributes:
        pid: Its process id.
        line: Makes a worker's line to the object's `call`.

    Raises:
        MetaSearchError: The object cannot be made; the factory's own error if it is one of ours.
    """

    def __init__(self, factory: Callable[..., Any], *args: Any) -> None:
        import ray

        here = ray.get_runtime_context().get_node_id()
        options = {
            "name": f"meta-search-host-{uuid.uuid4().hex[:8]}",
            "num_cpus": 0,
            "max_concurrency": HOST_CALLS,
            "scheduling_strategy": _on(here, soft=False),
        }
        opening = Opening(dict(os.environ), os.getpid())
        self._handle, opened = _open(options, opening, _host_lost, Hosted, factory, *args)
        self.pid: int = opened.result(READY_S)
        # A cluster's nodes must reach it; on one machine nobody else need.
        interface = "127.0.0.1" if is_alone() else _node_address()
        secret = secrets.token_bytes()
        port: int = self._invoke("serve", interface, secret).result(READY_S)
        self.line = partial(Line, (interface, port), secret)

    def call(self, method: str, *args: Any) -> Future[Any]:
        """Call an async method of the object. The future fails with `MetaSearchError`."""
        return self._invoke("call", method, *args)

    def close(self) -> None:
        """End the process at once; have the object close itself before. May be called again."""
        _kill(self._handle)

    def _invoke(self, method: str, *args: Any) -> Future[Any]:
        return _future(self._handle.invoke.remote(method, *args), _host_lost)


class RayPool:
    """An `Evaluator` over Ray workers that hold a sandbox each; `evaluate.workers` on every node.

    A worker that dies is replaced and its items run again; calls that the ledger has are not paid again.
    Items beyond what fits wait in the driver and go to the worker with the fewest in flight.

    Args:
        config: `evaluate` and `sandbox` of it.
        host: Whose object has `async call(request: CallRequest) -> CallReply`.
        sandbox: Makes a worker's sandbox; `None` takes `evaluate.sandbox.Sandbox`.

    Raises:
        MetaSearchError: No worker can be started; `SandboxError` where the kernel lacks a layer.
    """

    def __init__(
        self, config: Config, host: RayHost, sandbox: Callable[[SandboxConfig], Any] | None = None
    ) -> None:
        places = _places(config.evaluate)
        room = _room(config, len(places))
        spawn = [partial(_RayWorker, node, config.sandbox, room, sandbox, host.line) for node in places]
        self._dispatcher = Dispatcher(spawn, room, LOGS)
        try:
            self._dispatcher.wait_ready(READY_S)
        except MetaSearchError:
            self.close()
            raise

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """Queue an item. The future can be cancelled until it has its result; then the item is ended.

        The future fails with `MetaSearchError` for faults of the system, among them an item under which
        several workers died: that is no outcome of the agent.
        """
        return self._dispatcher.submit(job)

    def close(self) -> None:
        """Cancel everything waiting and in flight, end the workers. May be called again."""
        self._dispatcher.close()


class _RayWorker:
    """A worker process as the dispatcher sees it (`dispatch.Worker`)."""

    def __init__(
        self, node: str, limits: SandboxConfig, room: int, sandbox: Any, line: Callable[[], Line]
    ) -> None:
        import ray

        options = {
            "num_cpus": CPUS,
            "max_concurrency": room + SPARE_CALLS,
            "scheduling_strategy": _on(node, soft=True),
        }
        here = node == ray.get_runtime_context().get_node_id()
        opening = Opening(driver=os.getpid() if here else None)
        self._handle, self._opened = _open(options, opening, WorkerLost, _worker, limits, sandbox, line)

    def start(self) -> Future[Any]:
        started: Future[Any] = Future()

        def opened(future: Future[int]) -> None:
            error = future.exception()
            if error is not None:
                started.set_exception(error)
            else:
                self._invoke("start").add_done_callback(partial(_copy, to=started))

        self._opened.add_done_callback(opened)
        return started

    def run(self, job: ItemJob) -> Future[ItemResult]:
        return self._invoke("run", job)

    def stop(self) -> Future[Any]:
        return self._invoke("close")

    def kill(self) -> None:
        _kill(self._handle)

    def _invoke(self, method: str, *arguments: Any) -> Future[Any]:
        return _future(self._handle.invoke.remote(method, *arguments), WorkerLost)


def _worker(config: SandboxConfig, sandbox: Any, line: Callable[[], Line]) -> SandboxWorker:
    return SandboxWorker(config, sandbox, line())


def _node_address() -> str:
    import ray

    return str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]


def _room(config: Config, workers: int) -> int:
    """Most items in flight on one worker."""
    return config.evaluate.per_worker or max(LEAST_ROOM, 2 * config.llm.max_concurrency // workers)


def _places(config: EvaluateConfig) -> list[str]:
    """Node ids, one per worker: one worker per two cores of a node if `workers` is 0, at least one per node.

    Head nodes that were given no cores, as is usual on clusters, get none unless there is no other.
    """
    import ray

    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    cores = {node["NodeID"]: node["Resources"].get("CPU", 0) for node in nodes if node["Alive"]}
    usable = {node: n for node, n in cores.items() if n > 0} or cores
    return [node for node, n in usable.items() for _ in range(config.workers or max(1, int(n) // 2))]


def _on(node: str, soft: bool) -> Any:
    """Schedule on this node; `soft`: elsewhere when it is gone."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id=node, soft=soft)


def _open(
    options: dict[str, Any],
    opening: Opening,
    lost: Callable[[str], Exception],
    factory: Callable[..., Any],
    *arguments: Any,
) -> tuple[Any, Future[int]]:
    """Start a process that holds `factory(*arguments)`: its handle, and its process id when it is there."""
    import ray

    handle: Any = ray.remote(shell()).options(max_restarts=0, **options).remote()
    path = [os.path.abspath(entry) for entry in sys.path]
    packed = ray.cloudpickle.dumps((opening, factory, arguments))  # type: ignore[no-untyped-call]
    return handle, _future(handle.open.remote(path, os.getcwd(), packed), lost)


def _kill(handle: Any) -> None:
    import ray

    if ray.is_initialized():
        ray.kill(handle)


def _future(ref: Any, lost: Callable[[str], Exception]) -> Future[Any]:
    """A Ray reference as a future with our errors; `lost` makes the one for a process that died.

    Cancelling it cancels the remote call, but not the calls that one made: what the gateway has sent is paid
    for and belongs in the ledger.
    """
    import ray

    ours: Future[Any] = Future()

    def settle(theirs: Future[Any]) -> None:
        if not ours.set_running_or_notify_cancel():
            return
        error = theirs.exception()
        if error is None:
            ours.set_result(theirs.result())
        else:
            ours.set_exception(_translate(error, lost))

    ours.add_done_callback(lambda f: ray.cancel(ref, recursive=False) if f.cancelled() else None)
    ref.future().add_done_callback(settle)
    return ours


def _translate(error: BaseException, lost: Callable[[str], Exception]) -> Exception:
    from ray.exceptions import RayActorError, RayTaskError

    if isinstance(error, RayTaskError):  # first: Ray makes it an instance of its cause's class as well
        cause = error.cause
        if isinstance(cause, MetaSearchError):
            return type(cause)(str(cause))
        return MetaSearchError(f"fault in a worker: {type(cause).__name__}: {first_line(cause)}; {LOGS}")
    if isinstance(error, RayActorError):
        return lost(first_line(error))
    return MetaSearchError(f"fault in Ray: {type(error).__name__}: {first_line(error)}; {LOGS}")


def _host_lost(reason: str) -> MetaSearchError:
    return MetaSearchError(f"the gateway's process died: {reason}; go on with `meta-search resume`; {LOGS}")


def _copy(source: Future[Any], to: Future[Any]) -> None:
    error = source.exception()
    if error is not None:
        to.set_exception(error)
    else:
        to.set_result(source.result())
