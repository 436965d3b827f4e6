"""The system calls that candidate code may make: a seccomp filter that allows a short list.

What is not listed fails with EPERM, so that the agent's author gets a traceback; attempts on other processes
or on the kernel end the process with SIGSYS. Filters are classic BPF, see seccomp(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from meta_search.sandbox.confined import libc

__all__ = ["build", "install", "supported"]

# name, number on x86-64, number on AArch64 ("-" where there is none)
ALLOWED = """
read 0 63; write 1 64; close 3 57; lseek 8 62; pread64 17 67; pwrite64 18 68; readv 19 65; writev 20 66;
preadv 295 69; pwritev 296 70; dup 32 23; dup2 33 -; dup3 292 24; pipe 22 -; pipe2 293 59; poll 7 -;
ppoll 271 73; select 23 -; pselect6 270 72; epoll_create1 291 20; epoll_ctl 233 21; epoll_wait 232 -;
epoll_pwait 281 22; eventfd2 290 19; fstat 5 80; stat 4 -; lstat 6 -; newfstatat 262 79; statx 332 291;
access 21 -; faccessat 269 48; faccessat2 439 439; readlink 89 -; readlinkat 267 78;
getcwd 79 17; chdir 80 49; fchdir 81 50; getdents64 217 61; mkdir 83 -; mkdirat 258 34;
rmdir 84 -; unlink 87 -; unlinkat 263 35; rename 82 -; renameat 264 38; renameat2 316 276;
ftruncate 77 46; fallocate 285 47; fsync 74 82; fdatasync 75 83; umask 95 166;
munmap 11 215; mremap 25 216; mprotect 10 226; msync 26 227;
brk 12 214; rt_sigaction 13 134; rt_sigprocmask 14 135; rt_sigreturn 15 139; rt_sigpending 127 136;
rt_sigsuspend 130 133; rt_sigtimedwait 128 137; sigaltstack 131 132; alarm 37 -; getitimer 36 102;
setitimer 38 103; pause 34 -; restart_syscall 219 128; nanosleep 35 101;
gettimeofday 96 169; time 201 -; times 100 153; rseq 334 293;
sched_yield 24 124; getcpu 309 168; exit 60 93; exit_group 231 94;
getpid 39 172; getppid 110 173; gettid 186 178; getuid 102 174; geteuid 107 175; getgid 104 176;
getegid 108 177; getresuid 118 148; getresgid 120 150; getgroups 115 158; getpgrp 111 -;
uname 63 160; getrusage 98 165; getrlimit 97 163;
getrandom 318 278; wait4 61 260; waitid 247 95
"""

# Never needed by honest code: other processes, namespaces, mounts, the kernel itself.
DEADLY = """
ptrace 101 117; process_vm_readv 310 270; process_vm_writev 311 271; process_madvise 440 440;
io_uring_setup 425 425; io_uring_enter 426 426; io_uring_register 427 427; pidfd_open 434 434;
pidfd_getfd 438 438; pidfd_send_signal 424 424; unshare 272 97; setns 308 268; mount 165 40;
umount2 166 39; pivot_root 155 41; chroot 161 51; move_mount 429 429; fsopen 430 430; open_tree 428 428;
bpf 321 280; perf_event_open 298 241; userfaultfd 323 282; keyctl 250 219; add_key 248 217;
request_key 249 218; init_module 175 105; finit_module 313 273; delete_module 176 106;
kexec_load 246 104; reboot 169 142; name_to_handle_at 303 264; open_by_handle_at 304 265;
process_mrelease 448 448; kcmp 312 272; seccomp 317 277; memfd_create 319 279; memfd_secret 447 447;
fanotify_init 300 262
"""

# glibc falls back to clone and openat, whose arguments a filter can read.
ABSENT = "clone3 435 435; openat2 437 437; close_range 436 436"

# Name, numbers, and which argument is compared, here and below.
OPEN = "open 2 - 1; openat 257 56 2"
CLONE = "clone 56 220 0"
FUTEX = "futex 202 98 1"

CLONE_THREAD = 0x00010000
CLONE_NEW_ANYTHING = 0x7E020000
O_TMPFILE_BIT = 0o20000000  # a file without a name would escape the count of what is on disk
# Without this bit, a futex in a page of a file wakes whoever waits on the same page of the same file, in any
# process of the machine. glibc asks for such only where it waits for the end of a thread, and asks again.
FUTEX_PRIVATE = 128

# Allowed with these values of the argument alone, others fail with EPERM.
# - fcntl: not the locks, by which processes signal to each other; not F_SETOWN, F_SETSIG and their kin, which
#   send signals; not the size of pipes, which the kernel lowers where others of the same user have many.
# - ioctl: terminal?, its size, bytes to read, flags.
# - Limits, groups, sessions and cores of this process, which is 0, not of others: that they exist is news.
# - Clocks of the system and of this process: the clock of another process is what it has computed.
# - Advice on memory of its own, not on what others share: the cache of files, pages that are merged.
VALUES = {
    "fcntl 72 25 1": (0, 1, 2, 3, 4, 1030),
    "ioctl 16 29 1": (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451),
    "prlimit64 302 261 0; getpgid 121 155 0; getsid 124 156 0; sched_getaffinity 204 123 0": (0,),
    "clock_gettime 228 113 0; clock_getres 229 114 0; clock_nanosleep 230 115 0": range(12),
    "madvise 28 233 2": (0, 1, 2, 4, 8, 10, 11, 14, 15, 16, 17),
}
# Denied with any of these bits of the argument set. mmap: huge pages, of which the machine has a few for all.
BITS = {"mmap 9 222 3": 0x40000}

_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_X32_BIT = 0x40000000
STRIDE = 12


def supported() -> bool:
    """Whether the filter knows this machine's system call numbers."""
    return os.uname().machine in _MACHINES


def _numbers(table: str, column: int) -> list[tuple[int, int]]:
    """(system call number, argument to compare) of each entry that this machine has."""
    rows = [entry.split() for entry in table.split(";")]
    return [(int(r[1 + column]), int(r[3]) if len(r) > 3 else 0) for r in rows if r[1 + column] != "-"]


def build() -> bytes:
    """The filter as BPF instructions for this machine, 8 bytes each."""
    architecture, column = _MACHINES[os.uname().machine]
    code = [
        _op(_LOAD, 4),
        _op(_JUMP_EQUAL, architecture, 1, 0),
        _op(_RETURN, _KILL),
        _op(_LOAD, 0),
    ]
    if column == 0:  # x32 system calls reach the same kernel functions by other numbers
        code += [_op(_JUMP_AT_LEAST, _X32_BIT, 0, 1), _op(_RETURN, _KILL)]
    denied = _op(_RETURN, _ERRNO | errno.EPERM)
    allowed = _op(_RETURN, _ALLOW)
    no_tmpfile = [_op(_JUMP_BITS, O_TMPFILE_BIT, 0, 1), _op(_RETURN, _ERRNO | errno.EOPNOTSUPP), allowed]
    code += _on_argument(OPEN, column, no_tmpfile)
    threads = [
        _op(_JUMP_BITS, CLONE_NEW_ANYTHING, 1, 0),
        _op(_JUMP_BITS, CLONE_THREAD, 1, 0),
        denied,
        allowed,
    ]
    code += _on_argument(CLONE, column, threads)
    again = _op(_RETURN, _ERRNO | errno.EAGAIN)
    code += _on_argument(FUTEX, column, [_op(_JUMP_BITS, FUTEX_PRIVATE, 0, 1), allowed, again])
    for table, bits in BITS.items():
        code += _on_argument(table, column, [_op(_JUMP_BITS, bits, 0, 1), denied, allowed])
    for table, values in VALUES.items():
        if isinstance(values, range):
            checks = [_op(_JUMP_AT_LEAST, values.stop, 1, 0), allowed]
        else:
            checks = [op for value in values for op in (_op(_JUMP_EQUAL, value, 0, 1), allowed)]
        code += _on_argument(table, column, [*checks, denied])
    actions = {
        number: action
        for table, action in ((ALLOWED, _ALLOW), (DEADLY, _KILL), (ABSENT, _ERRNO | errno.ENOSYS))
        for number, _ in _numbers(table, column)
    }
    return b"".join([*code, *_look_up(sorted(actions.items())), denied])


def _look_up(actions: list[tuple[int, int]]) -> list[bytes]:
    """Instructions that return the action for a number, in strides: a long chain is slow to install."""
    code: list[bytes] = []
    for start in range(0, len(actions), STRIDE):
        stride = actions[start : start + STRIDE]
        rest = actions[start + STRIDE :]
        checks = [op for n, a in stride for op in (_op(_JUMP_EQUAL, n, 0, 1), _op(_RETURN, a))]
        if rest:
            checks.append(_op(_RETURN, _ERRNO | errno.EPERM))
            code.append(_op(_JUMP_AT_LEAST, rest[0][0], len(checks), 0))
        code += checks
    return code


def install(program: bytes) -> None:
    """Filter this thread and all that it starts, irrevocably. Needs no_new_privs.

    Args:
        program: What `build` returned.

    Raises:
        OSError: The kernel refuses.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("@HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    holder = ctypes.create_string_buffer(pointer, len(pointer))
    libc.prctl(libc.PR_SET_SECCOMP, libc.SECCOMP_MODE_FILTER, ctypes.addressof(holder))


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _on_argument(table: str, column: int, then: list[bytes]) -> list[bytes]:
    """Instructions that apply `then`, which returns on all paths, to the low word of one argument."""
    code: list[bytes] = []
    for number, argument in _numbers(table, column):
        load = _op(_LOAD, 16 + 8 * argument)  # both machines are little endian
        code += [_op(_JUMP_EQUAL, number, 0, 1 + len(then)), load, *then]
    return code
