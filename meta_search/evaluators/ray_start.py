"""Starts Ray on this machine, or joins a cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from meta_search.config import RayConfig
from meta_search.errors import MetaSearchError
from meta_search.evaluators import ray_folder, ray_ports, reaper
from meta_search.evaluators.link_tls import switched_on, tls_of_ray
from meta_search.evaluators.ray_certificate import certificate
from meta_search.evaluators.ray_processes import first_line, without_keys
from meta_search.evaluators.ray_token import TOKEN, check_version, has_token, run_token, settings

__all__ = ["LOGS", "folder_of_ray", "is_alone", "start_ray", "stop_ray"]

OBJECT_STORE_BYTES = 200 * 2**20  # none of our objects is large
LOGS = "ray.keep_logs=true keeps Ray's logs"
OPEN = (
    "warning: {} asks for no token: whoever reaches it can run code there and read this run; start it with "
    "RAY_AUTH_MODE=token (docs/clusters.md)"
)
KEYLESS = (
    "warning: Ray runs without TLS, as the command openssl is missing or fails: other accounts of this "
    "machine can end it (not read it); install openssl, or set evaluate.executor=inline"
)


class _Ray:
    """A thread that starts Ray and lives as long as it.

    Ray's processes are killed when the thread that started them ends (PDEATHSIG), so it must stay alive; and
    outside the main thread Ray does not touch the driver's SIGTERM handler.

    Args:
        config: Of a cluster to join, or Ray on this machine.

    Attributes:
        address: Of the cluster; `None` for Ray on this machine.
        folder: Ray's temporary folder on this machine, once it is up.
        has_key: Whether its servers there ask for a key of the run.
    """

    def __init__(self, config: RayConfig) -> None:
        self.address = config.address
        self.folder: Path | None = None
        self.has_key = False
        self._keep_logs = config.keep_logs
        self._started: Future[None] = Future()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ray", daemon=True)

    def start(self) -> None:
        """Start Ray and wait until it is up.

        Raises:
            MetaSearchError: It cannot be started or reached; one line.
        """
        self._thread.start()
        try:
            self._started.result()
        except Exception as error:
            what = f"join the cluster at {self.address}" if self.address else "start on this machine"
            raise MetaSearchError(
                f"Ray cannot {what}: {first_line(error)}; check ray.address, or set "
                f"evaluate.executor=inline; {LOGS}"
            ) from error

    def stop(self) -> None:
        """Shut Ray down and wait until it is."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        import ray

        with contextlib.ExitStack() as stack:
            try:
                if self.address is None:
                    self._start_here(stack)
                else:
                    with without_keys():
                        self._init(self.address)
            except BaseException as error:  # noqa: BLE001  # raised again by start
                self._started.set_exception(error)
                return
            self._started.set_result(None)
            self._stop.wait()
            ray.shutdown()

    def _start_here(self, stack: contextlib.ExitStack) -> None:
        mark = secrets.token_hex(16)
        folder = stack.enter_context(ray_folder.made(self._keep_logs))
        token = stack.enter_context(run_token())
        reaping = _start_reaper(mark, None if self._keep_logs else folder.parent)
        stack.callback(reaping.communicate)  # closes its input
        inherited = without_keys(META_SEARCH_RAY=mark, **{TOKEN: token})
        encrypted = certificate(folder.parent)
        with settings(encrypted), inherited, _on_loopback():
            self._init(
                "local",  # None would join whatever cluster runs here
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=str(folder),
                _system_config={"worker_niceness": 0},  # 15 otherwise, the gateway's process included
            )
        self.folder, self.has_key = folder, bool(encrypted)

    def _init(self, address: str, **options: Any) -> None:
        import ray

        logging.getLogger("ray").setLevel(logging.ERROR)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # else each stranger is a line on the terminal
        os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"  # under `uv run` it would upload the folder
        ray.init(
            address,
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.ERROR,
            namespace="meta-search",
            **options,
        )


@contextlib.contextmanager
def _on_loopback() -> Iterator[None]:
    """Have Ray take this machine's loopback address for its own, as it does on systems without clusters.

    A server of Ray listens on all interfaces unless its node's address is loopback, and Ray replaces that
    address, where it is asked for, by an outward one.
    """
    from ray._private import ray_constants

    theirs = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = theirs


_ray: _Ray | None = None
_users = 0  # how often it was started and not stopped: several runs of one process share it
_lock = threading.Lock()


def start_ray(config: RayConfig) -> list[str]:
    """Start Ray on this machine, or join the cluster at `config.address`. Where Ray is up, it is shared.

    On this machine it listens on loopback alone, asks for a token that only its own processes have, and keeps
    its files in a folder of this account. Takes 4 to 9 s.

    Returns:
        Lines for the user: where the logs are kept, that there is no key, that a cluster lets everybody in.

    Raises:
        MetaSearchError: Ray cannot be started or reached; one line.
    """
    global _ray, _users
    check_version()
    import ray

    with _lock:
        if not ray.is_initialized():
            if config.address is not None:
                _see_that_it_lets_us_in(config.address)
            starting = _Ray(config)
            starting.start()
            _ray, _users = starting, 0
        _users += 1
    if not is_alone():
        return _open_doors(config.address or "the Ray that runs here")
    assert _ray is not None
    notes = [] if _ray.has_key else [KEYLESS]
    return notes + ([f"Ray's logs are kept in {_ray.folder}"] if config.keep_logs else [])


def _see_that_it_lets_us_in(address: str) -> None:
    """Tell at once why a cluster cannot be joined; Ray tries for a minute, and says less.

    Raises:
        MetaSearchError: It cannot; one line.
    """
    host, _, port = address.rpartition(":")
    if "/" in host or not port.isdigit():  # another way to name it, as `auto`
        return
    tls = tls_of_ray(server=False) if switched_on() else None
    answered = ray_ports.reply(host.strip("[]"), int(port), tls=tls)
    wrong = ""
    if answered == "unreachable":
        wrong = "nothing listens there; check ray.address"
    elif answered == "refused" and not has_token():
        wrong = "it asks for a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH (docs/clusters.md)"
    elif answered == "hangs up" and tls is None:
        wrong = "it hangs up; if it uses TLS, set RAY_USE_TLS=1 and the files (docs/clusters.md)"
    elif answered == "hangs up":
        wrong = "it uses no TLS, or a certificate of another authority than ours (docs/clusters.md)"
    if wrong:
        raise MetaSearchError(f"Ray cannot join the cluster at {address}: {wrong}")


def _open_doors(name: str) -> list[str]:
    """Whether a cluster does what it is told by somebody without a token."""
    import ray

    address, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    answered = ray_ports.reply(address.strip("[]"), int(port))
    return [OPEN.format(name)] if answered.startswith("open") else []


def stop_ray() -> None:
    """Stop the Ray that `start_ray` started, or leave its cluster, once all who started it are through with
    it. A Ray that was up before stays up."""
    global _ray, _users
    with _lock:
        _users = max(0, _users - 1)
        stopping, _ray = (None, _ray) if _users else (_ray, None)
        if stopping is not None:
            stopping.stop()


def _start_reaper(mark: str, folder: Path | None) -> subprocess.Popen[bytes]:
    """Start a process that, when this one ends, kills those with a mark in their environment, and then
    removes a folder."""
    command = [sys.executable, "-I", str(Path(reaper.__file__)), mark]
    if folder is not None:
        command.append(str(folder))
    return subprocess.Popen(command, stdin=subprocess.PIPE, env={}, start_new_session=True)


def is_alone() -> bool:
    """Whether Ray runs on this machine only, started by `start_ray`."""
    return _ray is not None and _ray.address is None


def folder_of_ray() -> Path | None:
    """The folder, open to this account alone, of the Ray that `start_ray` started on this machine."""
    return _ray.folder.parent if _ray is not None and _ray.folder is not None else None
