"""Tests the layers before any candidate runs: a confined child tries to do what they forbid."""

from __future__ import annotations

import json
import os
import resource
import socket
from collections.abc import Callable

from meta_search.sandbox.confined import libc
from meta_search.sandbox.confined.child import PIPE, enter_files
from meta_search.sandbox.confined.confine import Confinement, LayerError

__all__ = ["find_missing", "self_test"]

CPU_S = 5.0


def find_missing(confinement: Confinement) -> None:
    """Prepare the layers and test them, until all that are left work; the others are then `missing`.

    Raises:
        RuntimeError: The test itself fails, whatever layers are left out.
    """
    confinement.prepare()
    while failure := self_test(confinement):
        layer, why = failure
        if not confinement.has(layer):
            raise RuntimeError(f"the sandbox cannot test its layers: {why}")
        confinement.missing[layer] = why


def self_test(confinement: Confinement) -> tuple[str, str] | None:
    """Test the layers in a child.

    Returns:
        The first layer that failed and how; `None` if all work. The layer is empty if the failure is of none.
    """
    try:
        slot = confinement.slots.new()
        confinement.slots.open(slot)
    except OSError as error:
        layer = next((name for name in ("files", "quota", "landlock") if confinement.has(name)), "")
        return layer, f"a folder for an agent cannot be made ({error})"
    uid = os.getuid()
    source, sink = os.pipe()
    pid = confinement.fork()
    if pid == 0:
        failure = "", "the test process failed"
        try:
            os.dup2(sink, PIPE)
            enter_files(confinement.files_of(slot))
            confinement.enter(slot, CPU_S)
            failure = _try_layers(confinement, uid)
        except LayerError as error:
            failure = error.args[0], error.args[1]
        except BaseException as error:  # noqa: BLE001 - told to the zygote
            failure = "", f"{type(error).__name__}: {error}"
        finally:
            os.write(PIPE, json.dumps(failure).encode())
            os._exit(0)
    os.close(sink)
    with open(source, "rb") as file:
        report = file.read()
    _, status = os.waitpid(pid, 0)
    confinement.forget_slots()
    if report:
        layer, how = json.loads(report)
        return (layer, how) if how else None
    return "seccomp", f"the test process was killed ({os.waitstatus_to_exitcode(status)})"


def _try_layers(confinement: Confinement, uid: int) -> tuple[str, str]:
    attempts: list[tuple[str, str, Callable[[], object]]] = [
        ("landlock", "it let / be listed", lambda: os.listdir("/")),
        ("landlock", "it let a file of the system be read", lambda: os.open("/etc/passwd", os.O_RDONLY)),
        ("seccomp", "it let a socket be made", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        ("seccomp", "it let a signal be sent", lambda: os.kill(os.getppid(), 0)),
        ("files", "it let files elsewhere be seen", lambda: os.stat("/proc/self")),
    ]
    for layer, what, attempt in attempts:
        if confinement.has(layer):
            try:
                attempt()
            except (PermissionError, FileNotFoundError):
                continue
            return layer, what
    try:
        with open("written", "w") as file:
            file.write("x")
    except OSError as error:
        return "landlock", f"it does not let an agent write to its own folder ({error})"
    facts = [
        ("uid", "the uid stayed the same", os.getuid() != uid),
        ("rlimits", "a limit was not set", resource.getrlimit(resource.RLIMIT_CORE)[0] == 0),
        ("processes", "process ids of others are there", os.getpid() == 1),
    ]
    for layer, what, true in facts:
        if confinement.has(layer) and not true:
            return layer, what
    # Seccomp needs it, and forbids to ask.
    ask = confinement.has("no_new_privs") and not confinement.has("seccomp")
    if ask and libc.prctl(libc.PR_GET_NO_NEW_PRIVS, 0) != 1:
        return "no_new_privs", "the kernel forgot it"
    return "", ""
