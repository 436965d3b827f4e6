"""A process from which confined children are forked: those of agents (`agent_main`), or a scorer's.

`trusted.zygote_handle` starts it by exec. Its environment is empty and it knows no secret: no key, item or
job ever passes through its memory. It has one thread and no event loop, and forks one confined child per item
or program when its control socket says so. It ends, and its children with it, when that socket closes or when
its parent is gone.

A child confines itself at once and then waits for its job, so that it can be forked before there is one.
It does one job.

Control messages are JSON datagrams.

- In: `fork`, with a socket for the new child; `starts` is the child that gets a job now, if any, and `item`
  the child whose program that job is, if it is one.
- In: `kill`, with the `id` of a child.
- In: `charge`, with the `id` of a child and `cpu` seconds that were spent for it elsewhere.
- Out: `ready`, once, with the layers that are `missing`, and `notes` on others.
- Out: `exit`, for every child, with its wait `status`, its `cpu` seconds, and `why` the zygote killed it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import select
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from meta_search.sandbox.confined import libc
from meta_search.sandbox.confined.child import PIPE, Channel, enter_files, run_one
from meta_search.sandbox.confined.confine import NOBODY, THREADS, Confinement, LayerError
from meta_search.sandbox.confined.slots import ChildSlot
from meta_search.sandbox.confined.usage import children_of, cpu_seconds_of, private_mb_of, threads_of
from meta_search.sandbox.confined.wall_faults import WallFaults

__all__ = ["STACK_BYTES", "Zygote"]

TICK_MS = 50
IDLE_MS = 1000
STACK_BYTES = 2**20


@dataclass
class _Child:
    """A child that runs.

    Attributes:
        number: Its id in control messages.
        slot: Its folder, user id and ruleset.
        cpu_s: CPU seconds that it may use.
        has_job: Whether its limits are watched.
        item: Number of the child whose program it runs; `None` if it runs an item.
        why: Limit for which it was killed.
    """

    number: int
    slot: ChildSlot
    cpu_s: float
    has_job: bool = False
    item: int | None = None
    why: str = ""


class Zygote:
    """Forks, watches, kills and reaps children.

    Args:
        control: The control socket.
        confinement: The layers, prepared.
        cpu_s: CPU seconds of an item, its programs included.
        run: (job, channel) -> the final message; runs in a child.
        output_kb: Most KB that a child may print.
    """

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
        self._programs: Counter[int] = Counter()  # number of an item -> programs of its that run
        self._free: list[ChildSlot] = []
        self._faults = WallFaults()
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)

    def announce_and_serve(self) -> None:
        """Announce which layers are missing, serve, and end."""
        gc.collect()
        gc.freeze()
        self._private_mb = private_mb_of(os.getpid())
        ready = {"op": "ready", "missing": self._confinement.missing, "notes": self._confinement.notes}
        self._control.send(json.dumps(ready).encode())
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
            busy = any(child.has_job for child in self._children.values())
            ready = {descriptor for descriptor, _ in poll.poll(TICK_MS if busy else IDLE_MS)}
            if self._control.fileno() in ready:
                if not self._handle_message():
                    return
            elif (
                self._wake in ready
            ):  # only when no message waits: that a child has a job comes before its end
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

    def _handle_message(self) -> bool:
        """Receive one control message and do what it says; false if the socket is closed."""
        data, descriptors, _, _ = socket.recv_fds(self._control, 65536, 4)
        if not data:
            return False
        message = json.loads(data)
        if message["op"] == "fork":
            before = time.process_time()
            self._fork(message["id"], descriptors[0])
            os.close(descriptors[0])
            if message["starts"] in self._pids:
                self._start_job(self._pids[message["starts"]], message["item"])
            self._charge(message["item"], time.process_time() - before)
        elif message["op"] == "charge":
            self._charge(message["id"], message["cpu"])
        elif message["id"] in self._pids:
            os.kill(self._pids[message["id"]], signal.SIGKILL)
        return True

    def _charge(self, number: int | None, cpu_s: float) -> None:
        """Count CPU seconds as those of an item, if it still runs: its programs' and what we do for it."""
        pid = self._pids.get(-1 if number is None else number)
        if pid is not None:
            self._children[pid].cpu_s -= cpu_s
            self._check(pid, self._children[pid])

    def _fork(self, number: int, pipe: int) -> None:
        try:
            slot = self._free.pop() if self._free else self._confinement.slots.new()
            self._confinement.slots.open(slot)
        except OSError as error:  # not without its layers: what worked at the start must work now
            self._report_exit(number, -1, 0.0, f"its folder: {error}")
            return
        try:
            pid = self._confinement.fork()
        except OSError as error:
            self._confinement.slots.close(slot)
            self._free.append(slot)
            self._report_exit(number, -1, 0.0, f"fork: {error.strerror}")
            return
        if pid == 0:
            self._be_child(number, slot, pipe)
        self._children[pid] = _Child(number, slot, self._cpu_s)
        self._pids[number] = pid

    def _start_job(self, pid: int, item: int | None) -> None:
        """Watch a child's limits from now on. A program gets the CPU time that its item has left."""
        child = self._children[pid]
        child.has_job, child.item = True, item
        if item is None:
            return
        self._programs[item] += 1
        item_pid = self._pids.get(item)
        if item_pid is None:
            child.why = "gone"  # the item has ended meanwhile
            os.kill(pid, signal.SIGKILL)
            return
        child.cpu_s = max(0.01, self._children[item_pid].cpu_s - cpu_seconds_of(item_pid))

    def _be_child(self, number: int, slot: ChildSlot, pipe: int) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            os.setsid()
            os.dup2(pipe, PIPE, inheritable=False)
            enter_files([*self._confinement.files_of(slot), self._faults.sink])
            try:
                self._confinement.enter(slot, self._cpu_s)
            except LayerError as error:
                self._faults.report(number, error)
                raise
            os.close(self._faults.sink)  # from here on, what it says is not to be believed
            random.seed(0)  # programs are reproducible; the runtime seeds agents
            run_one(Channel(PIPE), self._run, self._output_kb)
        except MemoryError:
            status = 71
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while self._children:
            before = time.process_time()
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is None:
                continue  # a stray
            del self._pids[child.number]
            if child.item is not None:
                self._programs[child.item] -= 1
                self._programs += Counter()  # without those of none
            cpu_s = usage.ru_utime + usage.ru_stime
            if not self._confinement.has("seccomp"):
                self._kill_strays()
            if status and (fault := self._faults.of(child.number)):
                self._report_exit(child.number, -1, cpu_s, fault)
            else:
                self._report_exit(child.number, status, cpu_s, child.why)
            with contextlib.suppress(OSError):  # else it is not used again
                self._confinement.slots.close(child.slot)
                self._free.append(child.slot)
            # A program is charged to its item, with what it took to clean up after it.
            self._charge(child.item, cpu_s + time.process_time() - before)

    def _watch(self) -> None:
        """Check the limits that the kernel does not enforce, or not exactly."""
        for pid, child in self._children.items():
            if child.has_job:
                self._check(pid, child)

    def _check(self, pid: int, child: _Child) -> None:
        """Kill a child that has exceeded a limit."""
        if child.why:
            return
        pids = self._with_programs(pid, child)
        # The disk first: on a busy machine a child that fills it may be over its CPU by now as well.
        if self._confinement.slots.used_mb(child.slot) > self._confinement.disk_mb:
            child.why = "disk"
        elif sum(map(cpu_seconds_of, pids)) > child.cpu_s:
            child.why = "cpu"
        elif child.slot.uid in (None, NOBODY) and threads_of(pid) > THREADS:
            child.why = "threads"
        elif self._memory_of(pids) > self._confinement.memory_mb:
            child.why = "memory"
        if child.why:
            os.kill(pid, signal.SIGKILL)

    def _with_programs(self, pid: int, child: _Child) -> list[int]:
        """Process ids of an item and of its programs that run."""
        if not self._programs[child.number]:
            return [pid]
        return [pid, *(p for p, other in self._children.items() if other.item == child.number)]

    def _memory_of(self, pids: list[int]) -> float:
        """MB of an item and its programs together, beyond what they were forked with; each by itself is
        limited by the kernel."""
        return sum(max(0.0, private_mb_of(p) - self._private_mb) for p in pids) if len(pids) > 1 else 0.0

    def _kill_strays(self) -> None:
        """Kill processes that children left behind, which is possible only without seccomp."""
        with contextlib.suppress(OSError):
            while strays := children_of(self._pid) - set(self._children):
                for pid in strays:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)

    def _report_exit(self, number: int, status: int, cpu_s: float, why: str) -> None:
        message = {"op": "exit", "id": number, "status": status, "cpu": cpu_s, "why": why}
        with contextlib.suppress(OSError):  # a closed socket is noticed by `serve`
            self._control.send(json.dumps(message).encode())
