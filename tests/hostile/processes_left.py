"""The zygotes from outside: whether they are as they were, and whether anything is left of their children."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Family", "below"]

MARKS = (b"agent_main.main()", b"scorer_main.main()")  # of agents, and of scorers


@dataclass
class _Zygote:
    """One of them as it was when it was found.

    Attributes:
        pid: Its process id. command: Its command line, which its forks share. work: Its folder.
        started: When. open_files, children: How many; children that wait for a job are there all the time.
    """

    pid: int
    command: bytes
    work: str
    started: str
    open_files: int
    children: int

    @classmethod
    def of(cls, pid: int) -> _Zygote:
        command = _command(pid)
        options = json.loads(command.split(b"\0")[-2])
        return cls(pid, command, options["work"], _started(pid), _open_files(pid), len(_children(pid)))

    def left(self) -> list[str]:
        """What is not as it was, one line each."""
        if _started(self.pid) != self.started:
            return ["a zygote has died"]
        found = []
        children = _children(self.pid)
        if len(children) != self.children or any(_children(child) for child in children):
            found.append(f"processes below the zygote: {self.children} before, {children} now")
        if (now := _open_files(self.pid)) != self.open_files:
            found.append(f"the zygote had {self.open_files} files open, now {now}")
        # Its file systems are its own: looked at by way of its root.
        made = Path(f"/proc/{self.pid}/root{self.work}").glob("slot-*")
        slots = [item if (item := slot / "box" / "item").exists() else slot for slot in made]
        if files := [f"{slot}/{name}" for slot in slots for name in _names(slot)]:
            found.append(f"files left: {files[:3]}")
        return found


class Family:
    """All zygotes below this process, as they are when this is made."""

    def __init__(self) -> None:
        forked = [pid for pid in below(os.getpid()) if any(mark in _command(pid) for mark in MARKS)]
        self._zygotes = [_Zygote.of(pid) for pid in forked if _parent(pid) not in forked]
        assert self._zygotes, "no zygote below this process"
        self._before = set(_all())

    def left(self) -> list[str]:
        """What is not as it was, one line each."""
        found = [line for zygote in self._zygotes for line in zygote.left()]
        ours = {pid for zygote in self._zygotes for pid in (zygote.pid, *_children(zygote.pid))}
        commands = {zygote.command for zygote in self._zygotes}
        others = set(_all()) - self._before - ours
        if strays := [pid for pid in others if _command(pid) in commands and _parent(pid) not in ours]:
            found.append(f"processes left elsewhere: {strays}")
        return found


def below(root: int) -> list[int]:
    """Process ids below a process."""
    children: dict[int, list[int]] = {}
    for pid in _all():
        children.setdefault(_parent(pid), []).append(pid)
    found, rest = [], [root]
    while rest:
        rest += (more := children.get(rest.pop(), []))
        found += more
    return found


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # made anew just now
        return []


def _all() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if fields else -1


def _started(pid: int) -> str:
    fields = _fields(pid)
    return fields[19] if fields and fields[0] not in "ZX" else ""


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))
