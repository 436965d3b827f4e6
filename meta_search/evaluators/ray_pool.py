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
from meta_search.evaluators.gateway_link import GatewayLink
from meta_search.evaluators.link_tls import switched_on
from meta_search.evaluators.ray_processes import (
    HostedObject,
    ProcessSetup,
    SandboxWorker,
    first_line,
    make_actor_class,
)
from meta_search.evaluators.ray_start import LOGS, is_alone, start_ray, stop_ray
from meta_search.types import ItemJob, ItemResult

__all__ = ["RayHost", "RayPool", "start_ray", "stop_ray"]

CPUS = 0.01  # a worker waits for the gateway most of its time; Ray must not hold a core back for it
MIN_CONCURRENCY = 4  # items in flight on a worker, however many workers there are
READY_S = 120.0  # a process that has not started by then never will
HOST_CALLS = 20_000  # more calls than all sandboxes together can have waiting
SPARE_CALLS = 8  # calls of a worker's methods beyond its items: start and close


class RayHost:
    """An object with async methods in a process of its own, on the driver's node and with its environment.

    It is the gateway's process: it has the keys and litellm, and is the only one that writes to the archive.
    It is never restarted: what it had in flight is unknown, so the run ends and `meta-search resume` goes on
    from the ledger.

    Args:
        factory: Makes the object, in that process; a function or class that can be pickled.
        args: Its arguments.

    Attributes:
        pid: The process id.
        link: Makes a worker's link to the object's method `call`.

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
        setup = ProcessSetup(dict(os.environ), os.getpid())
        self._handle, opened = _open(options, setup, _host_lost, HostedObject, factory, *args)
        self.pid: int = opened.result(READY_S)
        # The nodes of a cluster must reach it; on one machine nobody else needs to.
        interface, tls = ("127.0.0.1", False) if is_alone() else (_node_address(), switched_on())
        secret = secrets.token_bytes()
        port: int = self._invoke("serve", interface, secret, tls).result(READY_S)
        self.link = partial(GatewayLink, (interface, port), secret, tls)

    def call(self, method: str, *args: Any) -> Future[Any]:
        """Call an async method of the object. A fault is a `MetaSearchError` in the future."""
        return self._invoke("call", method, *args)

    def close(self) -> None:
        """End the process at once; have the object close itself before. May be called again."""
        _kill(self._handle)

    def _invoke(self, method: str, *args: Any) -> Future[Any]:
        return _future(self._handle.invoke.remote(method, *args), _host_lost)


class RayPool:
    """An `Evaluator` over Ray workers with one sandbox each, `evaluate.workers` of them on every node.

    A worker that dies is replaced and its items run again; calls that the ledger has are not paid again.
    Items that no worker can take yet wait in the driver and go to the worker with the fewest in flight.

    Args:
        config: The run's configuration, of which `evaluate`, `sandbox` and `llm.max_concurrency` are used.
        host: A host whose object has `async call(request: CallRequest) -> CallReply`.
        sandbox: Makes a worker's sandbox; `None` takes `meta_search.sandbox.Sandbox`.

    Raises:
        MetaSearchError: No worker can be started; a `SandboxError` if the kernel lacks a layer.
    """

    def __init__(
        self, config: Config, host: RayHost, sandbox: Callable[[SandboxConfig], Any] | None = None
    ) -> None:
        nodes = _nodes_of_workers(config.evaluate)
        concurrency = _concurrency(config, len(nodes))
        # Layer of the workers' sandboxes that does not work there -> why.
        self.missing: dict[str, str] = {}
        more = (config.sandbox, concurrency, sandbox, host.link, self.missing.update)
        spawn = [partial(_RayWorker, node, *more) for node in nodes]
        self._dispatcher = Dispatcher(spawn, concurrency, LOGS)
        try:
            self._dispatcher.wait_ready(READY_S)
        except MetaSearchError:
            self.close()
            raise

    def submit(self, job: ItemJob) -> Future[ItemResult]:
        """Queue an item; see `Evaluator`.

        A fault of the system is a `MetaSearchError` in the future. One of them is an item under which several
        workers died, which is no outcome of the agent.
        """
        return self._dispatcher.submit(job)

    def drop_waiting(self) -> None:
        """See `Evaluator`."""
        self._dispatcher.drop_waiting()

    def close(self) -> None:
        """Cancel everything waiting and in flight, end the workers. May be called again."""
        self._dispatcher.close()


class _RayWorker:
    """A worker process as the dispatcher sees it (`dispatch.Worker`)."""

    def __init__(
        self,
        node: str,
        limits: SandboxConfig,
        concurrency: int,
        sandbox: Any,
        link: Callable[[], GatewayLink],
        lost: Callable[[dict[str, str]], None],
    ) -> None:
        import ray

        self._lost = lost

        options = {
            "num_cpus": CPUS,
            "max_concurrency": concurrency + SPARE_CALLS,
            "scheduling_strategy": _on(node, soft=True),
        }
        here = node == ray.get_runtime_context().get_node_id()
        setup = ProcessSetup(driver=os.getpid() if here else None)
        self._handle, self._opened = _open(options, setup, WorkerLost, _worker, limits, sandbox, link)

    def start(self) -> Future[Any]:
        started: Future[Any] = Future()

        def opened(future: Future[int]) -> None:
            error = future.exception()
            if error is not None:
                started.set_exception(error)
            else:
                beginning = self._invoke("start")
                beginning.add_done_callback(self._note_lost_layers)
                beginning.add_done_callback(partial(_copy, to=started))

        self._opened.add_done_callback(opened)
        return started

    def _note_lost_layers(self, started: Future[Any]) -> None:
        if not started.cancelled() and started.exception() is None:
            self._lost(started.result() or {})

    def run(self, job: ItemJob) -> Future[ItemResult]:
        return self._invoke("run", job)

    def stop(self) -> Future[Any]:
        return self._invoke("close")

    def kill(self) -> None:
        _kill(self._handle)

    def _invoke(self, method: str, *arguments: Any) -> Future[Any]:
        return _future(self._handle.invoke.remote(method, *arguments), WorkerLost)


def _worker(config: SandboxConfig, sandbox: Any, link: Callable[[], GatewayLink]) -> SandboxWorker:
    return SandboxWorker(config, sandbox, link())


def _node_address() -> str:
    import ray

    return str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]


def _concurrency(config: Config, workers: int) -> int:
    """Most items in flight on one worker."""
    return config.evaluate.per_worker or max(MIN_CONCURRENCY, 2 * config.llm.max_concurrency // workers)


def _nodes_of_workers(config: EvaluateConfig) -> list[str]:
    """The node id of each worker: `workers` on every node; 0 means one per two cores, at least one.

    Nodes without cores, as head nodes of clusters often are, get no workers unless there are no others.
    """
    import ray

    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    cores = {node["NodeID"]: node["Resources"].get("CPU", 0) for node in nodes if node["Alive"]}
    usable = {node: n for node, n in cores.items() if n > 0} or cores
    return [node for node, n in usable.items() for _ in range(config.workers or max(1, int(n) // 2))]


def _on(node: str, soft: bool) -> Any:
    """Scheduling strategy for a node; with `soft`, another node may be used when it is gone."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id=node, soft=soft)


def _open(
    options: dict[str, Any],
    setup: ProcessSetup,
    lost: Callable[[str], Exception],
    factory: Callable[..., Any],
    *arguments: Any,
) -> tuple[Any, Future[int]]:
    """Start a process with the object `factory(*arguments)`.

    Args:
        options: Ray's options of the actor.
        setup: How the process sets itself up before it makes the object.
        lost: Makes the error of a process that died.
        factory: Makes the object.
        arguments: Of the factory.

    Returns:
        Ray's handle, and a future of the process id.
    """
    import ray

    handle: Any = ray.remote(make_actor_class()).options(max_restarts=0, **options).remote()
    path = [os.path.abspath(entry) for entry in sys.path]
    packed = ray.cloudpickle.dumps((setup, factory, arguments))  # type: ignore[no-untyped-call]
    return handle, _future(handle.open.remote(path, os.getcwd(), packed), lost)


def _kill(handle: Any) -> None:
    import ray

    if ray.is_initialized():
        ray.kill(handle)


def _future(ref: Any, lost: Callable[[str], Exception]) -> Future[Any]:
    """A Ray reference as a future with our errors.

    Cancelling the future cancels the remote call, but not the calls that it made: what the gateway has sent
    is paid for and belongs in the ledger.

    Args:
        ref: The reference.
        lost: Makes the error of a process that died.
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
