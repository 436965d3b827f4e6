"""Starts Ray on this machine, or joins a cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from meta_search.config import RayConfig
from meta_search.errors import MetaSearchError
from meta_search.evaluators import reaper
from meta_search.evaluators.ray_processes import first_line, without_keys

__all__ = ["LOGS", "is_alone", "start_ray", "stop_ray"]

OBJECT_STORE_BYTES = 200 * 2**20  # none of our objects is large
LOGS = "Ray's logs are in session_latest/logs under its temporary folder (/tmp/ray)"


class _Ray:
    """A thread that starts Ray and lives as long as it.

    Ray's processes are killed when the thread that started them ends (PDEATHSIG), so it must stay alive; and
    outside the main thread Ray does not touch the driver's SIGTERM handler.

    Args:
        address: Of a cluster to join; `None` starts Ray on this machine.
    """

    def __init__(self, address: str | None) -> None:
        self.address = address
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
                token = secrets.token_hex(16)
                if self.address is None:
                    stack.callback(_start_reaper(token).communicate)  # closes its input
                with without_keys(META_SEARCH_RAY=token):
                    self._init()
            except BaseException as error:  # noqa: BLE001  # raised again by start
                self._started.set_exception(error)
                return
            self._started.set_result(None)
            self._stop.wait()
            ray.shutdown()

    def _init(self) -> None:
        import ray

        logging.getLogger("ray").setLevel(logging.ERROR)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"  # under `uv run` it would upload the folder
        options: dict[str, Any] = {
            "log_to_driver": False,
            "configure_logging": False,
            "logging_level": logging.ERROR,
            "namespace": "meta-search",
        }
        if self.address is None:
            options |= {
                "include_dashboard": False,
                "object_store_memory": OBJECT_STORE_BYTES,
                "_system_config": {"worker_niceness": 0},  # 15 otherwise, the gateway's process included
            }
        ray.init(self.address or "local", **options)  # None would join whatever cluster runs here


_ray: _Ray | None = None


def start_ray(config: RayConfig) -> None:
    """Start Ray on this machine, or join the cluster at `config.address`. Does nothing if Ray is up.

    Takes 4 to 9 s.

    Raises:
        MetaSearchError: Ray cannot be started or reached; one line.
    """
    global _ray
    import ray

    if not ray.is_initialized():
        starting = _Ray(config.address)
        starting.start()
        _ray = starting


def stop_ray() -> None:
    """Stop the Ray that `start_ray` started, or leave its cluster. A Ray that was up before stays up."""
    global _ray
    stopping, _ray = _ray, None
    if stopping is not None:
        stopping.stop()


def _start_reaper(token: str) -> subprocess.Popen[bytes]:
    """Start a process that, when this one ends, kills those with a token in their environment."""
    command = [sys.executable, "-I", str(Path(reaper.__file__)), token]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env={}, start_new_session=True)


def is_alone() -> bool:
    """Whether Ray runs on this machine only, started by `start_ray`."""
    return _ray is not None and _ray.address is None
