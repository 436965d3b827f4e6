"""The few kernel calls that Python does not offer, through ctypes. Runs in the zygote and its children.

Constants are those of the Linux user-space headers; they are the same on x86-64 and AArch64.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct

__all__ = [
    "drop_capabilities",
    "fork_alone",
    "forget_robust_futexes",
    "has_capabilities",
    "mount",
    "prctl",
    "read_only",
    "syscall",
    "thread_id_address",
    "umount",
    "unshare",
]

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_GET_NO_NEW_PRIVS = 39
PR_GET_TID_ADDRESS = 40
SECCOMP_MODE_FILTER = 2

CLONE_NEWNS = 0x00020000
CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID = 0x00200000, 0x01000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
_AT_RECURSIVE, _MOUNT_SETATTR, _RDONLY, _NOSUID = 0x8000, 442, 1, 2
MNT_DETACH = 2

_CLONE = {"x86_64": 56, "aarch64": 220}
_SET_ROBUST_LIST = {"x86_64": 273, "aarch64": 99}
CAP_CHOWN, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN = 0, 6, 7, 21
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_with_lock = ctypes.PyDLL(None, use_errno=True)  # keeps Python's own lock during a call
_with_lock.syscall.restype = ctypes.c_long
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


def read_only(folder: str) -> None:
    """Make a mount and all that is mounted in it read-only: reading changes no times then.

    Raises:
        OSError: The call fails.
    """
    attributes = struct.pack("=QQQQ", _RDONLY | _NOSUID, 0, 0, 0)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    path = ctypes.create_string_buffer(os.fsencode(folder))
    syscall("mount_setattr", _MOUNT_SETATTR, -100, path, _AT_RECURSIVE, buffer, len(attributes))


def thread_id_address() -> int:
    """Where the C library keeps the number of this thread, for `fork_alone`.

    Raises:
        OSError: The kernel does not tell, or has no number for `clone` here.
    """
    if os.uname().machine not in _CLONE:
        raise OSError(errno.ENOSYS, f"clone: not known on {os.uname().machine}")
    address = ctypes.c_void_p()
    prctl(PR_GET_TID_ADDRESS, ctypes.addressof(address))
    return address.value or 0


def fork_alone(tid_address: int) -> int:
    """`os.fork()` into a new namespace of process ids, whose first process the child is.

    `unshare` and `os.fork` would do for one child: there is no way back for an account without privileges.

    Args:
        tid_address: As of `thread_id_address`.

    Raises:
        OSError: The call fails.
    """
    flags = CLONE_NEWPID | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | signal.SIGCHLD
    # Its last two arguments are in another order on AArch64; one of them is not used.
    places = (0, tid_address, 0) if os.uname().machine == "x86_64" else (0, 0, tid_address)
    arguments = [ctypes.c_long(value) for value in (_CLONE[os.uname().machine], flags, 0, *places)]
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = int(_with_lock.syscall(*arguments))
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    number = ctypes.get_errno() if pid < 0 else 0
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, os.strerror(number))
    return pid


def forget_robust_futexes() -> None:
    """Have the kernel wake nobody for this thread when it ends: the list is in memory that agents write."""
    if os.uname().machine in _SET_ROBUST_LIST:
        syscall("set_robust_list", _SET_ROBUST_LIST[os.uname().machine], None, 24)


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
