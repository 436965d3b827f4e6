"""The process from which scorers' children are forked; `trusted.scorer_process` starts it by exec.

Its environment is empty. It loads a domain's scorer, which is the user's trusted code, and then works as the
zygote of agents does: one confined child for each answer. Items and answers go straight to the child over its
own socket. So if a scorer executes an answer, all that the answer can find in memory is its own item and what
the user's file has at module level.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from meta_search.errors import MetaSearchError
from meta_search.sandbox.confined import libc
from meta_search.sandbox.confined.child import Channel, take_control
from meta_search.sandbox.confined.confine import Confinement
from meta_search.sandbox.confined.self_test import find_missing
from meta_search.sandbox.confined.zygote import STACK_BYTES, Zygote
from meta_search.text import passage

__all__ = ["main"]


class _Programs:
    """`run(code, stdin, timeout)` of a scorer: runs code in a confined process that knows nothing of it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __call__(self, code: str, stdin: str = "", timeout: float = 5.0) -> tuple[bool, str]:
        request = {"op": "python", "code": str(code), "stdin": str(stdin), "timeout": float(timeout)}
        self._channel.send(request)
        reply = self._channel.recv()
        return bool(reply["ok"]), str(reply["text"])


class _Judge:
    """`ask` of a scorer: a call of a judge model, made by the trusted side, which ends us where it fails."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __call__(
        self, messages: list[tuple[str, str]], model: str, max_tokens: int | None, temperature: float
    ) -> str:
        request = {"model": model, "max_tokens": max_tokens, "temperature": temperature}
        self._channel.send({"op": "ask", "messages": [list(pair) for pair in messages], **request})
        return str(self._channel.recv()["text"])


def scoring(score: Callable[..., Any]) -> Callable[[Mapping[str, Any], Channel], dict[str, Any]]:
    """Make the function with which a confined child turns its job, an item and an answer, into a score."""
    asks = bool(getattr(score, "asks", False))

    def run(job: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
        item = pickle.loads(base64.b64decode(job["item"]))  # written by the engine
        more = {"ask": _Judge(channel)} if asks else {}
        try:
            scored = score(item, job["answer"], _Programs(channel), **more)
        except MetaSearchError as error:
            return {"op": "fault", "kind": "crash", "detail": str(error)}
        return {"op": "score", "value": float(scored.value), "feedback": passage(scored.feedback)}

    return run


def load(factory: str, arguments: Mapping[str, Any]) -> Callable[..., Any]:
    """Make a scorer.

    Args:
        factory: `module:function`.
        arguments: Keyword arguments of the function.

    Returns:
        `score(item, answer, run)`; with a further `ask` where it has a true attribute `asks`.
    """
    module, _, name = factory.partition(":")
    score: Callable[..., Any] = getattr(importlib.import_module(module), name)(**arguments)
    return score


def packages() -> tuple[str, ...]:
    """Files and folders of the installed packages that are loaded: they may import more of themselves later.

    Children can read no other packages, and no files of the user's: there are benchmarks and keys among them.
    """
    found = set()
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None) or ""
        for folder in ("/site-packages/", "/dist-packages/"):
            before, mark, inside = path.rpartition(folder)
            if mark:
                top = before + mark + inside.partition("/")[0]
                found |= {top, f"{top}.libs"}
    return tuple(sorted(found))


def main() -> None:
    """Load the scorer, test the layers, report both, and serve. Options are JSON in `sys.argv[1]`;
    those of the scorer, which may be long, in a file that these name."""
    options = json.loads(sys.argv[1])
    del sys.argv[1:]
    # Loading may take long; the thread that started this process lives until the scorer is closed.
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    control = take_control(options["control"])
    sys.path[:] = options["path"]
    try:
        given = Path(options["arguments"])
        arguments = json.loads(given.read_text(encoding="utf-8"))
        given.unlink()  # before there is a child
        score = load(options["factory"], arguments)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - reported to the user
        why = str(error) if isinstance(error, MetaSearchError) else f"{type(error).__name__}: {error}"
        control.send(json.dumps({"op": "failed", "why": why[:2000]}).encode())
        return
    os.environ.clear()
    threading.stack_size(STACK_BYTES)
    confinement = Confinement(
        frozenset(options["layers"]), options["work"], packages(), options["memory_mb"], options["disk_mb"]
    )
    find_missing(confinement)
    Zygote(control, confinement, options["cpu_s"], scoring(score), options["output_kb"]).announce_and_serve()
