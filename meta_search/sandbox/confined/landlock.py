"""Landlock rulesets (landlock(7)): which parts of the file system a process may read or write at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable

from meta_search.sandbox.confined import libc

__all__ = ["READ", "SCRATCH", "WRITE_FILES", "abi", "restrict", "ruleset", "why_not"]

# System call numbers are the same on all machines since Linux 5.13.
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_ACCESS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # number of access bits that each version handles
_FILE_RIGHTS = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15

READ = 1 << 2 | 1 << 3  # read files, list folders
WRITE_FILES = READ | 1 << 1 | 1 << 8 | 1 << 14  # write, make regular files, truncate
SCRATCH = WRITE_FILES | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 13  # and make, remove and move folders and files
_NET_RIGHTS = 3  # bind and connect TCP, from version 4
_REASONS = {
    errno.ENOSYS: "no Landlock in this kernel; Linux 5.13 or newer built with it has it",
    errno.EOPNOTSUPP: "this kernel has Landlock, but it is switched off at boot",
    errno.EPERM: "something between us and the kernel forbids Landlock: a container's seccomp profile",
}
_SCOPES = 3  # abstract sockets and signals, from version 6


def abi() -> int:
    """Version of Landlock in this kernel, 0 where there is none."""
    try:
        return libc.syscall("landlock", _CREATE, None, 0, 1)
    except OSError:
        return 0


def why_not() -> str:
    """Why there is no Landlock, in one line; empty if there is."""
    try:
        libc.syscall("landlock", _CREATE, None, 0, 1)
    except OSError as error:
        return _REASONS.get(error.errno or 0, f"the kernel refuses Landlock ({error})")
    return ""


def ruleset(rules: Iterable[tuple[str, int]]) -> int:
    """Build a ruleset that forbids everything but `rules`.

    Args:
        rules: (path, access rights beneath it); paths that do not exist are skipped.

    Returns:
        A file descriptor for `restrict`; the caller closes it.

    Raises:
        OSError: The kernel refuses.
    """
    version = abi()
    handled = (1 << _ACCESS_BY_ABI[min(version, 5)]) - 1
    attributes = struct.pack("=QQQ", handled, _NET_RIGHTS, _SCOPES)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    buffer = ctypes.create_string_buffer(attributes[:size], size)
    descriptor = libc.syscall("landlock_create_ruleset", _CREATE, buffer, size, 0)
    for path, access in rules:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            _add(descriptor, path, access & handled)
    return descriptor


def _add(descriptor: int, path: str, access: int) -> None:
    target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            access &= _FILE_RIGHTS
        attributes = struct.pack("=Qi", access, target)
        buffer = ctypes.create_string_buffer(attributes, len(attributes))
        libc.syscall("landlock_add_rule", _ADD, descriptor, 1, buffer, 0)
    finally:
        os.close(target)


def restrict(descriptor: int) -> None:
    """Confine this thread and all that it starts to a ruleset, irrevocably. Needs no_new_privs.

    Raises:
        OSError: The kernel refuses.
    """
    libc.syscall("landlock_restrict_self", _RESTRICT, descriptor, 0)
