"""The driver's end of the process that loads a task: it has no keys, and its code is the user's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from domains.domain import Item, Score
from meta_search.errors import DomainError

__all__ = ["Worker", "environment"]

INSTALL = "pip install 'meta-search[inspect]'"

# What of our environment it is given: where programs, caches and certificates are. Keys are not among it.
_KEPT = frozenset(
    "PATH HOME USER LOGNAME LANG LC_ALL LC_CTYPE TZ TMPDIR VIRTUAL_ENV SSL_CERT_FILE SSL_CERT_DIR "
    "REQUESTS_CA_BUNDLE CURL_CA_BUNDLE HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy "
    "no_proxy all_proxy".split()
)
_CACHES = frozenset(
    "HOME HF_HOME HF_HUB_CACHE HF_DATASETS_CACHE HF_ENDPOINT HF_HUB_OFFLINE HF_DATASETS_OFFLINE "
    "XDG_CACHE_HOME XDG_DATA_HOME INSPECT_CACHE_DIR INSPECT_EVALS_CACHE_DIR NLTK_DATA "
    "TIKTOKEN_CACHE_DIR".split()
)

Ask = Callable[[Any, str, "int | None", float], str]


def environment() -> dict[str, str]:
    """Variables that say where caches lie, for whoever loads the task anew."""
    return {name: value for name, value in os.environ.items() if name in _CACHES}


class Worker:
    """A process with a task. `score` may be called by any thread; answers are scored one after the other.

    Args:
        options: What `worker.describe` takes.

    Attributes:
        told: What it says of the task.

    Raises:
        DomainError: Inspect AI is not installed, or the task cannot be loaded; one line.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        if find_spec("inspect_ai") is None:
            raise DomainError(f"domain=inspect needs Inspect AI: {INSTALL}")
        boot = f"import sys; sys.path[:] = {[os.path.abspath(entry) for entry in sys.path]!r}\n"
        boot += "from domains.inspect.worker import main; main()"
        kept = {n: v for n, v in os.environ.items() if n in _KEPT | _CACHES}
        self._scoring = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", "-c", boot],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=kept,
            text=True,
            encoding="utf-8",
        )
        try:
            self._send(options)
            self.told = self._read(options["task"])
        except BaseException:
            self.close()
            raise

    def score(self, item: Item, answer: str, ask: Ask | None) -> Score:
        """Score an answer, unconfined.

        Raises:
            DomainError: The scorer raised, gave no score, or its process has ended.
        """
        named = {key: getattr(item, key) for key in ("id", "question", "target", "kind")}
        with self._scoring:
            self._send({"item": {**named, "data": dict(item.data)}, "answer": answer})
            while True:
                message = self._read("the scorer")
                if "score" in message:
                    value, feedback = message["score"]
                    return Score(float(value), str(feedback))
                if ask is None:
                    raise DomainError("the scorer asks a model: that works only while answers are scored")
                self._send({"reply": ask([tuple(m) for m in message["ask"][0]], *message["ask"][1:])})

    def close(self) -> None:
        """End it. May be called twice."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise DomainError("the task's process has ended") from error

    def _read(self, what: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise DomainError(f"{what}: its process ended (status {self._process.wait()})")
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise DomainError(str(message["error"]))
        return message
