"""Tests the layers before any candidate runs: a confined child tries to do what they forbid."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable

from meta_search.sandbox.confined.child import PIPE, enter_files
from meta_search.sandbox.confined.confine import Confinement, LayerError

__all__ = ["find_missing", "self_test"]


def find_missing(confinement: Confinement) -> None:
    """Prepare the layers and test them, until all that are left work; the others are then `missing`."""
    confinement.prepare()
    while failure := self_test(confinement):
        confinement.missing[failure[0]] = failure[1]


def self_test(confinement: Confinement) -> tuple[str, str] | None:
    """Test the layers in a child.

    Returns:
        The first layer that failed and how; `None` if all work.
    """
    slot = confinement.new_slot()
    parent = os.getpid()
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        failure = "rlimits", "the test process failed"
        try:
            os.dup2(sink, PIPE)
            enter_files(slot)
            confinement.enter(slot, parent, 5.0)
            failure = _try_layers(confinement)
        except LayerError as error:
            failure = error.args[0], error.args[1]
        finally:
            os.write(PIPE, json.dumps(failure).encode())
            os._exit(0)
    os.close(sink)
    with open(source, "rb") as file:
        report = file.read()
    os.waitpid(pid, 0)
    confinement.clean(slot)
    layer, how = json.loads(report) if report else ("seccomp", "the test process was killed")
    return (layer, how) if layer else None


def _try_layers(confinement: Confinement) -> tuple[str, str]:
    attempts: list[tuple[str, str, Callable[[], object]]] = [
        ("landlock", "it let / be listed", lambda: os.listdir("/")),
        ("landlock", "it let a file of the system be read", lambda: os.open("/etc/passwd", os.O_RDONLY)),
        ("seccomp", "it let a socket be made", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        ("seccomp", "it let a signal be sent", lambda: os.kill(os.getppid(), 0)),
    ]
    for layer, what, attempt in attempts:
        if confinement.has(layer):
            try:
                attempt()
            except PermissionError:
                continue
            return layer, what
    return "", ""
