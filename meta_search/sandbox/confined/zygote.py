"""The process that candidate code is forked from: started by exec with an empty environment.

It holds no secret (no key, no item, no job ever passes through its memory), has one thread and no event
loop, and forks one confined child per item or program on a word from its control socket. It ends, and its
children with it, when that socket closes or when its parent is gone.

A child goes behind its walls at once and waits there for its job, so that it can be forked before there is
one. It serves for one job.

Control messages are JSON datagrams. In: `fork` (with a socket for the child, and which child to `take`: that
has a job from now on, as a program `of` an item) and `kill`. Out: `ready`, once, and `exit` for every child.
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

from meta_search.sandbox.confined import libc
from meta_search.sandbox.confined.child import PIPE, Channel, enter_files, run_one
from meta_search.sandbox.confined.confine import NOBODY, THREADS, Confinement, Slot
from meta_search.sandbox.confined.preload import load_runtime, preload
from meta_search.sandbox.confined.trial import find_missing

__all__ = ["STACK_BYTES", "Zygote", "main", "take_control"]

TICK_MS = 50
IDLE_MS = 1000
STACK_BYTES = 2**20


@dataclass
class _Child:
    number: int
    slot: Slot
    cpu_s: float
    taken: bool = False
    of: int | None = None
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

    def live(self) -> None:
        """Announce which layers are missing, serve, and end: what is left to do for a main."""
        gc.collect()
        gc.freeze()
        self._control.send(json.dumps({"op": "ready", "missing": self._confinement.missing}).encode())
        os.dup2(os.open(os.devnull, os.O_RDWR), 2)
        try:
            self.serve()
        finally:
            self.end()

    def serve(self) -> None:
        """Work until the control socket closes or the parent is gone."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        looked = time.monotonic()
        # Not PDEATHSIG: it follows the thread that started the zygote, which may end long before.
        while os.getppid() == self._parent:
            busy = any(child.taken for child in self._children.values())
            ready = {descriptor for descriptor, _ in poll.poll(TICK_MS if busy else IDLE_MS)}
            if self._control.fileno() in ready:
                if not self._obey():
                    return
            elif self._wake in ready:  # after all that was asked for: a child is told of before any later end
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
                self._reap()
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
            self._fork(message["id"], descriptors[0])
            os.close(descriptors[0])
            if message["take"] in self._pids:
                self._take(self._pids[message["take"]], message["of"])
        elif message["id"] in self._pids:
            os.kill(self._pids[message["id"]], signal.SIGKILL)
        return True

    def _fork(self, number: int, pipe: int) -> None:
        slot = self._free.pop() if self._free else self._confinement.slot()
        try:
            pid = os.fork()
        except OSError as error:
            self._free.append(slot)
            self._say_end(number, -1, 0.0, f"fork: {error.strerror}")
            return
        if pid == 0:
            self._be_child(slot, pipe)
        self._children[pid] = _Child(number, slot, self._cpu_s)
        self._pids[number] = pid

    def _take(self, pid: int, of: int | None) -> None:
        """Let a child's limits hold from now on. For a program, they are what its item has left."""
        child = self._children[pid]
        child.taken, child.of = True, of
        if of is None:
            return
        item = self._pids.get(of)
        if item is None:
            child.why = "gone"  # the item has ended meanwhile
            os.kill(pid, signal.SIGKILL)
            return
        child.cpu_s = max(0.01, self._children[item].cpu_s - _cpu_of(item))

    def _be_child(self, slot: Slot, pipe: int) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            os.setsid()
            os.dup2(pipe, PIPE, inheritable=False)
            enter_files(slot)
            self._confinement.enter(slot, self._pid, self._cpu_s)
            random.seed(0)  # programs are reproducible; the runtime seeds agents
            run_one(Channel(PIPE), self._run, self._output_kb)
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
            self._say_end(child.number, status, cpu_s, child.why)

    def _watch(self) -> None:
        """End children that went over a limit which the kernel does not hold, or not exactly."""
        for pid, child in self._children.items():
            if child.taken:
                self._check(pid, child)

    def _check(self, pid: int, child: _Child) -> None:
        if child.why:
            return
        if _cpu_of(pid) > child.cpu_s:
            child.why = "cpu"
        elif self._confinement.written(child.slot) > self._confinement.disk_mb:
            child.why = "disk"
        elif child.slot.uid in (None, NOBODY) and _threads_of(pid) > THREADS:
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

    def _say_end(self, number: int, status: int, cpu_s: float, why: str) -> None:
        message = {"op": "exit", "id": number, "status": status, "cpu": cpu_s, "why": why}
        with contextlib.suppress(OSError):  # a closed socket is noticed by `serve`
            self._control.send(json.dumps(message).encode())


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


def take_control(descriptor: int) -> socket.socket:
    """The control socket, moved out of the way of a child's own descriptors, which nothing else may take."""
    control = socket.socket(fileno=fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 16))
    os.close(descriptor)
    for low in (PIPE, PIPE + 1):
        with contextlib.suppress(OSError):  # EINVAL: it lies there already
            os.dup2(os.open(os.devnull, os.O_RDWR), low, inheritable=False)
    return control


def main() -> None:
    """Start with the options in `sys.argv[1]` (JSON), announce what works, and serve."""
    options = json.loads(sys.argv[1])
    del sys.argv[1:]
    os.environ.clear()
    threading.stack_size(STACK_BYTES)
    control = take_control(options["control"])
    confinement = Confinement(
        frozenset(options["layers"]),
        options["work"],
        tuple(options["readable"]),
        options["memory_mb"],
        options["disk_mb"],
    )
    run = load_runtime(options["runtime"])
    preload(options["packages"])
    find_missing(confinement)
    for name in [name for name in sys.modules if name.partition(".")[0] == "meta_search"]:
        del sys.modules[name]  # agents see the standard library and their runtime
    Zygote(control, confinement, options["cpu_s"], run, options["output_kb"]).live()
