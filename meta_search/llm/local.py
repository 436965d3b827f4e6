"""The embedded model: llama.cpp in a process of its own, on loopback, with a random key.

`LocalServer.start` runs this module as a child (`python -m meta_search.llm.local`), which serves the OpenAI
API of the `xllamacpp` wheel and dies with its parent, even by `kill -9`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

from meta_search.errors import LLMError, ModelFileError
from meta_search.llm import models
from meta_search.llm.endpoint import Endpoint

__all__ = ["LocalServer", "Serving", "default_threads"]

START_TIMEOUT_S = 180.0
PR_SET_PDEATHSIG = 1
# llama.cpp keeps prompts it has read in main memory; its own default is 8 GiB.
PROMPT_CACHE_MIB = 512
# llama.cpp's threads meet at OpenMP barriers. By default they spin there, and a thread that has lost its core
# to another process holds all the others up, until hardly anything is decoded. Let them sleep.
PATIENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0"}


def default_threads() -> int:
    """Threads of a server beside a run: all cores, as threads that wait asleep lose little to others."""
    return max(1, len(os.sched_getaffinity(0)))


@dataclass(frozen=True, slots=True)
class Serving:
    """What a server serves.

    Attributes:
        model: A model of `models.MODELS` that lies in the cache, or the path of a .gguf file.
        threads: Threads of llama.cpp; 0 takes one a core.
        slots: Requests that it decodes together.
        context: Tokens per slot, prompt and answer.
    """

    model: str
    threads: int = 0
    slots: int = 8
    context: int = 2048


class LocalServer:
    """A running server. `start` makes one, `close` ends it; so does the end of this process.

    Attributes:
        serving: What it serves.
        api_key: Random, for this server only.
        base_url: Root of its OpenAI-compatible API.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], serving: Serving, api_key: str, base_url: str
    ) -> None:
        self._process = process  # its stdin is the lifeline: it serves until that closes
        self.serving, self.api_key, self.base_url = serving, api_key, base_url

    @classmethod
    def start(
        cls, serving: Serving, log: Path | None = None, timeout_s: float = START_TIMEOUT_S
    ) -> LocalServer:
        """Start a server and wait until it is healthy; blocks for a second or more.

        Args:
            serving: What it serves.
            log: File for llama.cpp's output, appended to; `None` drops it.
            timeout_s: Seconds to wait.

        Raises:
            ModelFileError: The model's file is not there.
            LLMError: The server did not come up; names the log.
        """
        path = models.find(serving.model)
        if path is None:
            name = serving.model
            raise ModelFileError(f"{name} is not here yet: run `meta-search models pull {name}`")
        key = secrets.token_urlsafe(24)
        threads = serving.threads or default_threads()
        order = {**asdict(serving), "path": str(path), "key": key, "threads": threads}
        process = _spawn(log)
        lifeline, answers = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            # The key travels over the pipe: arguments can be read by every user of the machine.
            lifeline.write(json.dumps(order).encode() + b"\n")
            lifeline.flush()
            base_url = _wait_ready(process, answers, log, time.monotonic() + timeout_s)
            answers.close()
        except BaseException as error:
            _end(process)
            if isinstance(error, BrokenPipeError):
                raise LLMError(_death(process, log)) from error
            raise
        return cls(process, serving, key, base_url)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def endpoint(self) -> Endpoint:
        """How the gateway reaches it."""
        serving = self.serving
        return Endpoint(serving.model, self.base_url, self.api_key, slots=serving.slots, free=True)

    def close(self) -> None:
        """End the server; what it is decoding is lost. Closing twice does nothing."""
        _end(self._process)

    def __enter__(self) -> LocalServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _spawn(log: Path | None) -> subprocess.Popen[bytes]:
    """Run this module as a child process.

    PDEATHSIG follows the *thread* that made the child, so that thread must live as long: it is one of our
    own, which then waits for the child.
    """
    made: list[subprocess.Popen[bytes] | OSError] = []
    ready = threading.Event()

    def keep() -> None:
        try:
            with open(os.devnull if log is None else log, "ab") as output:
                process = subprocess.Popen(
                    [sys.executable, "-c", _BOOT, str(Path(__file__).parents[2])],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=output,
                    env={**os.environ, **PATIENT},
                )
        except OSError as error:
            made.append(error)
            ready.set()
            return
        made.append(process)
        ready.set()
        process.wait()

    threading.Thread(target=keep, name="llama-keeper", daemon=True).start()
    ready.wait()
    result = made[0]
    if isinstance(result, OSError):
        raise LLMError(f"cannot start the embedded model's server: {result}") from result
    return result


# Imports meta_search from where this process has it, whatever the working directory holds.
_BOOT = "import sys; sys.path[0] = sys.argv[1]; from meta_search.llm.local import main; main()"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the server: it has nothing to save, and llama.cpp's own shutdown waits for requests."""
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            cast(IO[bytes], pipe).close()
    process.kill()
    process.wait()


def _wait_ready(
    process: subprocess.Popen[bytes], answers: IO[bytes], log: Path | None, deadline: float
) -> str:
    """The server's URL, once it has sent it; the model is loaded by then."""
    while time.monotonic() < deadline:
        if select.select([answers], [], [], 0.2)[0]:
            line = answers.readline()
            if line:
                return str(json.loads(line)["base_url"])
            process.wait()
        if process.poll() is not None:
            raise LLMError(_death(process, log))
    raise LLMError(f"the embedded model's server did not start in time; see its log: {log}")


def _death(process: subprocess.Popen[bytes], log: Path | None) -> str:
    where = f"see {log}" if log else "start it with a log file to see why"
    return f"the embedded model's server died while starting (status {process.poll()}): {where}"


def main() -> None:
    """The child: read what to serve from stdin, serve until stdin closes."""
    _die_with_parent()
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are for the run, which finishes what is in flight
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # llama.cpp prints to both: all of it goes to the log
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_watch, args=(sys.stdin.buffer,), daemon=True).start()
    try:
        server = _serve(order)
    except Exception as error:  # noqa: BLE001 (whatever it is, the parent needs a log line and an exit)
        print(f"cannot serve {order['path']}: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    print(json.dumps({"base_url": f"{server.listening_address}/v1"}), file=answers, flush=True)
    threading.Event().wait()


def _serve(order: Mapping[str, Any]) -> Any:
    """llama.cpp's server. Each slot has `context` tokens of its own, out of one cache for all of them."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = order["path"]
    params.model_alias = {order["model"]}
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.api_keys = [order["key"]]
    params.n_parallel = order["slots"]
    params.n_ctx = order["slots"] * order["context"]
    params.kv_unified, params.kv_unified_per_slot = True, order["context"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = order["threads"]
    params.cache_prompt, params.cache_ram_mib = True, PROMPT_CACHE_MIB
    params.ui, params.endpoint_slots = False, False
    # Above the slots, for health checks while all of them are busy.
    params.n_threads_http = order["slots"] + 4
    return xllamacpp.Server(params)


def _die_with_parent() -> None:
    """Ask the kernel for SIGKILL at the parent's death. The lifeline comes second: while a model loads,
    llama.cpp holds the interpreter lock, and nobody can watch the pipe."""
    parent = os.getppid()
    prctl: Callable[..., int] = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call
        os._exit(1)


def _watch(lifeline: IO[bytes]) -> None:
    """End this process when the pipe to the parent closes."""
    while lifeline.read(4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
