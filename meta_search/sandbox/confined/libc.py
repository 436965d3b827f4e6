"""The few kernel calls that Python does not offer, through ctypes. Runs in the zygote and its children.

Constants are those of the Linux user-space headers; they are the same on x86-64 and AArch64.
"""

from __future__ import annotations

import ctypes
import os

__all__ = ["drop_capabilities", "has_capabilities", "mount", "prctl", "syscall", "umount", "unshare"]

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MNT_DETACH = 2

CAP_CHOWN, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN = 0, 6, 7, 21
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
# Made here and not in each child, where making types costs more than the call.
_this_process = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
_no_capabilities = (ctypes.c_uint32 * 6)()


def _checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def syscall(name: str, number: int, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """A raw system call.

    Args:
        name: For the message of an error.
        number: The system call's number.
        arguments: Its arguments; integers are passed as 64 bits.

    Raises:
        OSError: The call fails.
    """
    values = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _checked(int(_libc.syscall(ctypes.c_long(number), *values)), name)


def prctl(option: int, *arguments: int) -> int:
    """`prctl(2)`; missing arguments are 0.

    Raises:
        OSError: The call fails.
    """
    return _checked(
        int(_libc.prctl(option, *[ctypes.c_ulong(a) for a in (*arguments, 0, 0, 0)][:4])), "prctl"
    )


def unshare(flags: int) -> None:
    """Enter new namespaces, `unshare(2)`.

    Raises:
        OSError: The call fails.
    """
    _checked(int(_libc.unshare(ctypes.c_int(flags))), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """`mount(2)`.

    Raises:
        OSError: The call fails.
    """
    fields = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _checked(int(_libc.mount(*fields, ctypes.c_ulong(flags), os.fsencode(data) or None)), "mount")


def umount(target: str) -> None:
    """Unmount at once, even if the mount is in use.

    Raises:
        OSError: The call fails.
    """
    _checked(int(_libc.umount2(os.fsencode(target), ctypes.c_int(MNT_DETACH))), "umount")


def drop_capabilities() -> None:
    """Give up every capability: the creator of a user namespace has all of them."""
    _checked(int(_libc.capset(_this_process, _no_capabilities)), "capset")


def has_capabilities(*wanted: int) -> bool:
    """Whether this process holds all of these capabilities now (capget)."""
    data = (ctypes.c_uint32 * 6)()
    if _libc.capget(_this_process, data) != 0:
        return False
    effective = data[0] | (data[3] << 32)
    return all(effective >> number & 1 for number in wanted)
