"""The process that candidate code is forked from: started by exec with an empty environment.

It holds no secret (no key, no item, no job ever passes through its memory), has one thread and no event
loop, and forks one confined child per item or program on a word from its control socket. It ends, and its
children with it, when that socket closes or when its parent is gone.

Control messages are JSON datagrams. In: `fork` (with a socket for the child) and `kill`. Out: `ready`,
once, and `exit` for every child.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import random
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from meta_search.evaluate.sandbox import child as child_module
from meta_search.evaluate.sandbox import libc
from meta_search.evaluate.sandbox.confine import THREADS, Confinement, LayerError, Slot
from meta_search.evaluate.sandbox.preload import load_runtime, preload

__all__ = ["main"]

TICK_MS = 50
IDLE_MS = 1000
PIPE = 3  # the child's end of its socket
STACK_BYTES = 2**20


@dataclass
class _Child:
    number: int
    slot: Slot
    cpu_s: float
    of: int | None
    why: str = ""


class Zygote:
    """Forks, watches, kills and reaps."""

    def __init__(
        self,
        control: socket.socket,
        confinement: Confinement,
        cpu_s: float,
        run: Callable[..., Any],
        output_kb: int,
    ) -> None:
        self._control = control
        self._confinement = confinement
        self._cpu_s = cpu_s
        self._run = run
        self._output_kb = output_kb
        self._parent = os.getppid()
        self._pid = os.getpid()
        self._children: dict[int, _Child] = {}  # by pid
        self._pids: dict[int, int] = {}  # number -> pid
        self._free: list[Slot] = []
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)

    def serve(self) -> None:
        """Work until the control socket closes or the parent is gone."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        looked = time.monotonic()
        # Not PDEATHSIG: it follows the thread that started the zygote, which may end long before.
        while os.getppid() == self._parent:
            ready = {descriptor for descriptor, _ in poll.poll(TICK_MS if self._children else IDLE_MS)}
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
                self._reap()
            if self._control.fileno() in ready and not self._obey():
                return
            if time.monotonic() - looked >= TICK_MS / 1000:
                looked = time.monotonic()
                self._watch()

    def end(self) -> None:
        """Kill all children and wait for them."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in list(self._children):
            os.waitpid(pid, 0)
        self._kill_strays()
        self._confinement.remove()

    def _obey(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, 65536, 4)
        if not data:
            return False
        message = json.loads(data)
        if message["op"] == "fork":
            self._fork(message["id"], message.get("of"), descriptors[0])
            os.close(descriptors[0])
        elif message["id"] in self._pids:
            os.kill(self._pids[message["id"]], signal.SIGKILL)
        return True

    def _fork(self, number: int, of: int | None, pipe: int) -> None:
        cpu_s = self._cpu_s
        if of is not None:
            if of not in self._pids:  # the item has ended meanwhile
                self._say({"op": "exit", "id": number, "status": 0, "cpu": 0.0, "why": "gone"})
                return
            item = self._children[self._pids[of]]
            cpu_s = max(0.01, item.cpu_s - _cpu_of(self._pids[of]))
        slot = self._free.pop() if self._free else self._confinement.slot()
        try:
            pid = os.fork()
        except OSError as error:
            self._free.append(slot)
            self._say(
                {"op": "exit", "id": number, "status": -1, "cpu": 0.0, "why": f"fork: {error.strerror}"}
            )
            return
        if pid == 0:
            self._be_child(slot, pipe, cpu_s, program=of is not None)
        self._children[pid] = _Child(number, slot, cpu_s, of)
        self._pids[number] = pid

    def _be_child(self, slot: Slot, pipe: int, cpu_s: float, program: bool) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            os.dup2(pipe, PIPE, inheritable=False)
            enter_files(slot)
            self._confinement.enter(slot, self._pid, cpu_s)
            random.seed(0)  # programs are reproducible; the runtime seeds agents
            channel = child_module.Channel(PIPE)
            if program:
                child_module.run_program(channel, self._output_kb)
            else:
                child_module.run_item(channel, self._run, self._output_kb)
        except MemoryError:
            status = 71
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while self._children:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is None:
                continue  # a stray
            del self._pids[child.number]
            cpu_s = usage.ru_utime + usage.ru_stime
            item = self._children.get(self._pids.get(child.of or -1, -1))
            if item is not None and child.of is not None:
                item.cpu_s -= cpu_s  # a program is charged to its item
                self._check(self._pids[child.of], item)
            if not self._confinement.has("seccomp"):
                self._kill_strays()
            self._confinement.clean(child.slot)
            self._free.append(child.slot)
            self._say({"op": "exit", "id": child.number, "status": status, "cpu": cpu_s, "why": child.why})

    def _watch(self) -> None:
        """End children that went over a limit which the kernel does not hold, or not exactly."""
        for pid, child in self._children.items():
            self._check(pid, child)

    def _check(self, pid: int, child: _Child) -> None:
        if child.why:
            return
        if _cpu_of(pid) > child.cpu_s:
            child.why = "cpu"
        elif self._confinement.written(child.slot) > self._confinement.disk_mb:
            child.why = "disk"
        elif child.slot.uid is None and _threads_of(pid) > THREADS:
            child.why = "threads"
        if child.why:
            os.kill(pid, signal.SIGKILL)

    def _kill_strays(self) -> None:
        """Kill what children left behind; only where seccomp did not keep them from forking."""
        with contextlib.suppress(OSError):
            path = f"/proc/self/task/{self._pid}/children"
            while strays := {int(p) for p in _read(path).split()} - set(self._children):
                for pid in strays:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)

    def _say(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # a closed socket is noticed by `serve`
            self._control.send(json.dumps(message).encode())


def enter_files(slot: Slot) -> None:
    """Leave a child its pipe, /dev/null as standard streams, and its ruleset until that is entered."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    keep = PIPE
    if slot.ruleset >= 0:
        keep = PIPE + 1
        slot.ruleset = os.dup2(slot.ruleset, keep, inheritable=False)
    os.closerange(keep + 1, 2**16)


def _cpu_of(pid: int) -> float:
    """CPU seconds of another process: the clock id that clock_getcpuclockid(3) makes."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def _threads_of(pid: int) -> int:
    try:
        return int(_read(f"/proc/{pid}/stat").rpartition(")")[2].split()[17])
    except (OSError, ValueError, IndexError):
        return 0


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()


def self_test(confinement: Confinement) -> tuple[str, str] | None:
    """Enter the walls in a child and try them. Returns the layer that failed and how, `None` if all hold."""
    slot = confinement.slot()
    parent = os.getpid()
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        failure = "rlimits", "the test process failed"
        try:
            os.dup2(sink, PIPE)
            enter_files(slot)
            confinement.enter(slot, parent, 5.0)
            failure = _try_walls(confinement)
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


def _try_walls(confinement: Confinement) -> tuple[str, str]:
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


def main() -> None:
    """Start with the options in `sys.argv[1]` (JSON), announce what works, and serve."""
    options = json.loads(sys.argv[1])
    del sys.argv[1:]
    os.environ.clear()
    threading.stack_size(STACK_BYTES)
    control = socket.socket(fileno=fcntl.fcntl(options["control"], fcntl.F_DUPFD_CLOEXEC, 16))
    os.close(options["control"])
    for low in (PIPE, PIPE + 1):  # a child's own: nothing else may come to lie there
        with contextlib.suppress(OSError):  # EINVAL: it lies there already
            os.dup2(os.open(os.devnull, os.O_RDWR), low, inheritable=False)
    confinement = Confinement(
        frozenset(options["layers"]),
        options["work"],
        tuple(options["readable"]),
        options["memory_mb"],
        options["disk_mb"],
    )
    run = load_runtime(options["runtime"])
    preload(options["packages"])
    confinement.prepare()
    while failure := self_test(confinement):
        confinement.missing[failure[0]] = failure[1]
    for name in [name for name in sys.modules if name.partition(".")[0] == "meta_search"]:
        del sys.modules[name]  # agents see the standard library and their runtime
    gc.collect()
    gc.freeze()
    zygote = Zygote(control, confinement, options["cpu_s"], run, options["output_kb"])
    control.send(json.dumps({"op": "ready", "missing": confinement.missing}).encode())
    os.dup2(os.open(os.devnull, os.O_RDWR), 2)
    try:
        zygote.serve()
    finally:
        zygote.end()
