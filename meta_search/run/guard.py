"""Runs a command, and ends all that came of it when the command ends or standard input closes. A script;
standard library only.

`guard.py COMMAND OUT ERR` has a shell run COMMAND with its output in two files, and ends with its status.
Whoever started the guard holds the other end of its standard input, which closes however that process ends;
so nothing outlives it. As a subreaper the guard becomes the parent of what is orphaned below it, daemons too.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

SUBREAPER, DEATH_SIGNAL = 36, 1  # of prctl
HEAD, TAIL = 512 * 1024, 64 * 1024  # bytes that are kept of an output: its beginning and its end
GRACE_S = 1.0  # from SIGTERM to SIGKILL
MOST_S = 10.0  # that ending everything may take
PAUSE_S = 0.02
POLL_S = 0.05


def keep(stream: IO[bytes], path: str) -> None:
    """Copy an output into a file: its beginning and its end, between them a line on what is left out."""
    kept, left_out, tail = 0, 0, b""
    with open(path, "wb") as file:
        while part := os.read(stream.fileno(), 65536):
            room = max(0, HEAD - kept)
            file.write(part[:room])
            file.flush()
            kept += min(room, len(part))
            tail += part[room:]
            left_out += max(0, len(tail) - TAIL)
            tail = tail[-TAIL:]
        if left_out:
            file.write(f"\n[… {left_out} bytes left out …]\n".encode())
        file.write(tail)


def below(parent: int) -> list[int]:
    """All processes that descend from one, those that have ended and were not waited for included."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [parent]
    for pid in found:
        found += [child for child, its in parents.items() if its == pid]
    return found[1:]


def reap() -> None:
    """Wait for whatever has ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def end_all(gently: bool) -> None:
    """End all that descends from this process; `gently` lets it save what it has first."""
    ends = time.monotonic() + MOST_S
    number, kills = signal.SIGTERM, time.monotonic() + GRACE_S
    if not gently:
        number = signal.SIGKILL
    told: set[int] = set()
    while time.monotonic() < ends:
        reap()
        living = below(os.getpid())
        if not living:
            return
        if time.monotonic() >= kills:
            number = signal.SIGKILL
        for pid in living:
            if number == signal.SIGKILL or pid not in told:
                told.add(pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        time.sleep(PAUSE_S)


def main() -> None:
    """Run the command to its end, or to that of standard input."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C is for the search, which ends us
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(SUBREAPER, 1, 0, 0, 0)
    command, *outputs = sys.argv[1:]
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        restore_signals=True,
        preexec_fn=lambda: _as_new(libc),
    )
    pumps = [
        threading.Thread(target=keep, args=(stream, path), daemon=True)
        for stream, path in zip((process.stdout, process.stderr), outputs, strict=True)
    ]
    for pump in pumps:
        pump.start()
    status = None
    while status is None:
        closed = select.select([0], [], [], POLL_S)[0] and not os.read(0, 4096)
        found, code = os.waitpid(process.pid, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if found else (-signal.SIGTERM if closed else None)
    end_all(gently=status == -signal.SIGTERM and not found)
    for pump in pumps:
        pump.join(1.0)
    os._exit(status if status >= 0 else 128 - status)


def _as_new(libc: ctypes.CDLL) -> None:
    """The child takes signals as any process does, and is killed with its guard."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main()
