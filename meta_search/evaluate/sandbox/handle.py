"""The trusted end of a zygote's control socket: start it, have it fork children, hear how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meta_search.config import SandboxConfig
from meta_search.errors import SandboxError
from meta_search.evaluate.sandbox.messages import MAX_LINE

__all__ = ["Child", "Exit", "ZygoteHandle", "ZygoteLost", "outlast"]

START_S = 60.0
END_S = 5.0

# Loads the sandbox's modules without running any package's __init__, which may import anything.
BOOT = """
import sys, types
name, path = "", {root!r}
for part in ("meta_search", "evaluate", "sandbox"):
    name, path = name + part, path + "/" + part
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
    name += "."
from meta_search.evaluate.sandbox import zygote
zygote.main()
"""
# Nothing of our environment. One thread in numerical libraries, or forking would not be safe; one arena,
# or every thread of an agent would reserve 64 MB of its address space.
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
}


class ZygoteLost(Exception):
    """The zygote died: killed by the system, or by an operator."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended: wait status, CPU seconds, and the limit for which the zygote killed it, if any."""

    status: int
    cpu_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Child:
    """A confined process: the trusted end of its pipe, and its end."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    exited: asyncio.Future[Exit]
    zygote: ZygoteHandle

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a child that is gone misses it."""
        if not self.writer.is_closing():
            self.writer.write(json.dumps(message).encode() + b"\n")

    async def end(self) -> Exit:
        """Kill it if it still runs, and wait until nothing is left of it."""
        if not self.exited.done():
            self.zygote.kill(self.number)
        try:
            await outlast(self.exited)
        finally:
            self.writer.transport.abort()
        return self.exited.result()


class ZygoteHandle:
    """One zygote. All methods belong to one event loop."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, work: str) -> None:
        self.missing: dict[str, str] = {}
        self._process = process
        self._control = control
        self._work = work
        self._numbers = 0
        self._exits: dict[int, asyncio.Future[Exit]] = {}
        self._loop = asyncio.get_running_loop()
        self._lost = self._loop.create_future()

    @classmethod
    async def start(cls, config: SandboxConfig, layers: Iterable[str], runtime: Path | None) -> ZygoteHandle:
        """Start a zygote and wait until it is ready; `missing` then holds the layers it cannot use.

        Raises:
            SandboxError: It does not start.
        """
        work = tempfile.mkdtemp(prefix="meta-search-")
        os.chmod(work, 0o711)  # children of another uid pass through to their own folder
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = _command(config, layers, runtime, work, theirs.fileno())
        with theirs, open(os.path.join(work, "log"), "wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                cwd="/",
            )
        handle = cls(process, ours, work)
        ours.setblocking(False)
        try:
            async with asyncio.timeout(START_S):
                ready = json.loads(await handle._loop.sock_recv(ours, 65536) or b"null")
        except (OSError, TimeoutError):
            ready = None
        if ready is None:
            process.kill()
            reason = handle._last_words()
            await handle.close()
            raise SandboxError(f"the sandbox's process does not start: {reason}")
        handle.missing = dict(ready["missing"])
        handle._loop.add_reader(ours, handle._hear)
        return handle

    @property
    def lost(self) -> bool:
        """Whether it has died."""
        return self._lost.done()

    async def spawn(self, of: int | None = None) -> Child:
        """Fork a confined child: for an item, or for a program of the item's child `of`.

        Raises:
            ZygoteLost: There is no zygote any more.
            SandboxError: The system has no room for another process.
        """
        if self.lost:
            raise ZygoteLost
        self._numbers += 1
        number = self._numbers
        exited: asyncio.Future[Exit] = self._loop.create_future()
        exited.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._exits[number] = exited
        ours, theirs = socket.socketpair()
        forked = False
        try:
            with theirs:
                await self._tell({"op": "fork", "id": number, "of": of}, [theirs.fileno()])
            forked = True
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=MAX_LINE)
        except BaseException:  # cancelled in between: nobody else knows of this child
            ours.close()
            if forked:
                self.kill(number)
                await outlast(exited)
            raise
        return Child(number, reader, writer, exited, self)

    def kill(self, number: int) -> None:
        """Kill a child; how it ended is still heard by its `exited`."""
        message = json.dumps({"op": "kill", "id": number}).encode()
        try:
            self._control.send(message)
        except BlockingIOError:
            self._loop.call_later(0.002, self.kill, number)
        except OSError:
            self._lose()

    async def close(self) -> None:
        """End the zygote and all its children, and remove its folder."""
        self._loop.remove_reader(self._control)
        self._lose()
        self._control.close()
        give_up = self._loop.time() + END_S
        while self._process.poll() is None:
            if self._loop.time() > give_up:
                self._process.kill()  # its children die with it
            await asyncio.sleep(0.002)
        shutil.rmtree(self._work, ignore_errors=True)

    async def _tell(self, message: Mapping[str, Any], descriptors: Iterable[int] = ()) -> None:
        data = json.dumps(message).encode()
        while not self.lost:
            try:
                socket.send_fds(self._control, [data], list(descriptors))
            except BlockingIOError:  # hundreds of messages wait: let it catch up
                await asyncio.sleep(0.002)
            except OSError:
                self._lose()
            else:
                return
        raise ZygoteLost

    def _hear(self) -> None:
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._control)
            self._lose()
            return
        message = json.loads(data)
        exited = self._exits.pop(message["id"], None)
        if exited is None or exited.done():
            return
        if message["status"] == -1:
            exited.set_exception(SandboxError(f"the sandbox cannot start a process: {message['why']}"))
        else:
            exited.set_result(Exit(message["status"], message["cpu"], message["why"]))

    def _lose(self) -> None:
        if not self._lost.done():
            self._lost.set_result(None)
        for exited in self._exits.values():
            if not exited.done():
                exited.set_exception(ZygoteLost())
        self._exits.clear()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = Path(self._work, "log").read_text(errors="replace").strip().splitlines()
            if lines:
                return lines[-1][:300]
        return "it said nothing; see meta-search doctor"


async def outlast(ending: asyncio.Future[Any]) -> None:
    """Wait for the end of what was killed; a cancellation waits too, or a process would be left behind."""
    cancelled = None
    while not ending.done():
        try:
            await asyncio.wait((ending,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _command(
    config: SandboxConfig, layers: Iterable[str], runtime: Path | None, work: str, control: int
) -> list[str]:
    packages = _packages_of("numpy")
    readable = [str(runtime)] if runtime else []
    if packages:
        readable += [str(path) for path in (packages / "numpy", packages / "numpy.libs")]
    options = {
        "control": control,
        "layers": sorted(layers),
        "work": work,
        "readable": readable,
        "runtime": None if runtime is None else str(runtime),
        "packages": None if packages is None else str(packages),
        "cpu_s": config.cpu_s,
        "memory_mb": config.memory_mb,
        "disk_mb": config.disk_mb,
        "output_kb": config.output_kb,
    }
    root = str(Path(__file__).resolve().parents[3])
    boot = BOOT.format(root=root)
    return [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", boot, json.dumps(options)]


def _packages_of(name: str) -> Path | None:
    """The folder that holds an installed package, found without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin).parents[1]
