"""The trusted end of a zygote's control socket: starts it, has it fork children, and learns how they end.

The messages on the socket are listed in `confined.zygote`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from meta_search.config import SandboxConfig
from meta_search.errors import SandboxError
from meta_search.sandbox.trusted.child_handle import Child, Exit, Reader, Spare, wait_despite_cancel
from meta_search.sandbox.trusted.launch import ENVIRONMENT, command
from meta_search.sandbox.trusted.message_fields import MAX_LINE

__all__ = ["ZygoteHandle", "ZygoteLost"]

START_S = 60.0
END_S = 5.0


class ZygoteLost(Exception):
    """The zygote died: it was killed by the system or by an operator."""


class ZygoteHandle:
    """One zygote. All methods belong to one event loop.

    Args:
        process: The zygote.
        control: Our end of its control socket.
        work: Its folder, which `close` removes.
        spares: How many confined children are kept waiting for a job.

    Attributes:
        missing: Layer -> why it cannot be used, once the zygote is ready.
        notes: Layer -> how it works here, where it is weaker than elsewhere.
        spares: As given.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], control: socket.socket, work: str, spares: int = 0
    ) -> None:
        self.missing: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self.spares = spares
        self._process = process
        self._control = control
        self._work = work
        self._numbers = 0
        self._spares: deque[Spare] = deque()
        self._exits: dict[int, asyncio.Future[Exit]] = {}
        self._unsent: deque[tuple[bytes, socket.socket | None]] = deque()
        self._loop = asyncio.get_running_loop()
        self._lost = self._loop.create_future()

    @classmethod
    def _launch(
        cls, command_of: Callable[[str, int], list[str]], cwd: str | None = None, spares: int = 0
    ) -> Self:
        """Start a process with a folder, a log and a control socket, without waiting for it.

        Args:
            command_of: (folder, descriptor of its end of the control socket) -> its command line.
            cwd: Its working directory; `None` leaves ours.
            spares: As of the class.
        """
        work = tempfile.mkdtemp(prefix="meta-search-")
        os.chmod(work, 0o711)  # children of another uid pass through to their own folder
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, open(os.path.join(work, "log"), "wb") as log:
            process = subprocess.Popen(
                command_of(work, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                cwd=cwd,
            )
        ours.setblocking(False)
        return cls(process, ours, work, spares)

    @classmethod
    async def start(
        cls,
        config: SandboxConfig,
        layers: Iterable[str],
        runtime: Path | None,
        spares: int = 0,
        numpy: bool = True,
    ) -> ZygoteHandle:
        """Start a zygote and wait until it is ready.

        Args:
            config: Limits of its children.
            layers: Layers to use.
            runtime: Folder of the package that candidate code runs in; `None` only tests the layers.
            spares: As of the class.
            numpy: Whether its children have NumPy, where it is installed.

        Raises:
            SandboxError: It does not start.
        """
        handle = cls._launch(
            lambda work, end: command(config, layers, runtime, work, end, numpy), "/", spares
        )
        try:
            async with asyncio.timeout(START_S):
                ready = json.loads(await handle._loop.sock_recv(handle._control, 65536) or b"null")
        except (OSError, TimeoutError):
            ready = None
        except BaseException:  # cancelled meanwhile: nobody else knows of this process
            handle._process.kill()
            await handle.close()
            raise
        if ready is None:
            handle._process.kill()
            reason = handle._last_words()
            await handle.close()
            raise SandboxError(f"the sandbox's process does not start: {reason}")
        handle.missing, handle.notes = dict(ready["missing"]), dict(ready["notes"])
        handle._loop.add_reader(handle._control, handle._on_message)
        for _ in range(spares):
            handle._fork()
        return handle

    @property
    def lost(self) -> bool:
        """Whether it has died."""
        return self._lost.done()

    async def spawn(self, item: int | None = None) -> Child:
        """A confined child with a job from now on.

        If the system cannot start another process, its `end` raises a `SandboxError`.

        Args:
            item: Number of the child whose program the job is; `None` if it is no program.

        Raises:
            ZygoteLost: The zygote has died.
        """
        self._spares = deque(spare for spare in self._spares if spare.alive())
        for _ in range(self.spares - len(self._spares)):
            self._fork()
        # The next spare is forked while this one works; if none are kept, the new child gets the job.
        self._fork(self._spares[0].number if self._spares else self._numbers + 1, item)
        if self.lost:
            raise ZygoteLost
        spare = self._spares.popleft()
        reader = Reader(MAX_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await self._loop.create_unix_connection(lambda: protocol, sock=spare.pipe)
        except BaseException:  # cancelled meanwhile: nobody else knows of this child
            spare.pipe.close()
            self.kill(spare.number)
            await wait_despite_cancel(spare.exited)
            raise
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        return Child(spare.number, reader, writer, spare.exited, self.kill)

    def kill(self, number: int) -> None:
        """Kill a child; its `exited` is resolved when it has ended."""
        self._post({"op": "kill", "id": number})

    def charge(self, number: int, cpu_s: float) -> None:
        """Count CPU seconds that were spent for a child elsewhere as its own."""
        if not self.lost:
            self._post({"op": "charge", "id": number, "cpu": cpu_s})

    async def close(self) -> None:
        """End the zygote and all its children, and remove its folder."""
        self._lose()
        self._control.close()
        give_up = self._loop.time() + END_S
        while self._process.poll() is None:
            if self._loop.time() > give_up:
                self._process.kill()  # its children die with it
            await asyncio.sleep(0.002)
        shutil.rmtree(self._work, ignore_errors=True)

    def _fork(self, starts: int | None = None, item: int | None = None) -> None:
        """Have a spare forked, and a child's job begin.

        Args:
            starts: Number of the child that gets a job.
            item: Number of the child whose program that job is.
        """
        if self.lost:
            return
        self._numbers += 1
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        exited: asyncio.Future[Exit] = self._loop.create_future()
        exited.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._exits[self._numbers] = exited
        self._spares.append(Spare(self._numbers, ours, exited))
        self._post({"op": "fork", "id": self._numbers, "starts": starts, "item": item}, theirs)

    def _post(self, message: Mapping[str, Any], descriptor: socket.socket | None = None) -> None:
        """Send a control message, and a socket that is closed here afterwards."""
        self._unsent.append((json.dumps(message).encode(), descriptor))
        self._send_unsent()

    def _send_unsent(self) -> None:
        try:
            while self._unsent and not self.lost:
                data, descriptor = self._unsent[0]
                if descriptor is None:
                    self._control.send(data)
                else:
                    socket.send_fds(self._control, [data], [descriptor.fileno()])
                    descriptor.close()
                self._unsent.popleft()
        except BlockingIOError:  # hundreds of messages wait: let it catch up
            self._loop.add_writer(self._control, self._send_unsent)
        except OSError:
            self._lose()
        else:
            self._loop.remove_writer(self._control)

    def _on_message(self) -> None:
        """Receive how a child ended, or that the zygote has."""
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        message = json.loads(data)
        exited = self._exits.pop(message["id"])
        if message["status"] == -1:
            exited.set_exception(SandboxError(f"the sandbox cannot start a process: {message['why']}"))
        else:
            exited.set_result(Exit(message["status"], message["cpu"], message["why"]))

    def _lose(self) -> None:
        """Give up the zygote and everything that waits for it."""
        if self.lost:
            return
        self._lost.set_result(None)
        self._loop.remove_reader(self._control)
        self._loop.remove_writer(self._control)
        for exited in self._exits.values():
            exited.set_exception(ZygoteLost())
        for spare in self._spares:
            spare.pipe.close()
        for _, descriptor in self._unsent:
            if descriptor is not None:
                descriptor.close()
        for kept in (self._exits, self._spares, self._unsent):
            kept.clear()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = Path(self._work, "log").read_text(errors="replace").strip().splitlines()
            if lines:
                return lines[-1][:300]
        return "it said nothing; see meta-search doctor"
