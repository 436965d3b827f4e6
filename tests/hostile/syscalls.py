"""Raw system calls, by number, for the machine whose numbers are written here."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

# Name -> what it would be good for, and the arguments of syscall(2).
CALLS = {
    "io_uring_setup": ("do forbidden calls in the kernel's own threads", "425, 8, b'0' * 120"),
    "memfd_create": ("have a file that nobody counts", "319, b'x', 0"),
    "memfd_secret": ("have memory that nobody sees", "447, 0"),
    "pidfd_open": ("hold a handle on the parent", "434, os.getppid(), 0"),
    "pidfd_send_signal": ("signal by a handle", "424, 3, 9, 0, 0"),
    "pidfd_getfd": ("take a file of another process", "438, 3, 3, 0"),
    "process_vm_readv": ("read the parent's memory", "310, os.getppid(), 0, 0, 0, 0, 0"),
    "process_vm_writev": ("write the parent's memory", "311, os.getppid(), 0, 0, 0, 0, 0"),
    "ptrace": ("be traced by the parent", "101, 0, 0, 0, 0"),
    "kcmp": ("learn what the parent has open", "312, os.getpid(), os.getppid(), 0, 3, 3"),
    "unshare": ("be root in a user namespace", "272, 0x10000000"),
    "setns": ("enter another namespace", "308, 3, 0"),
    "fork": ("be two", "57"),
    "vfork": ("be two by another name", "58"),
    "clone": ("be two by yet another name", "56, 17, 0, 0, 0, 0"),
    "clone with a namespace": ("hide a namespace in a thread", "56, 0x40010f00, 0, 0, 0, 0"),
    "clone3": ("be two where a filter cannot read the flags", "435, b'0' * 88, 88"),
    "execveat": ("become another program", "322, -100, b'/bin/true', 0, 0, 0"),
    "kill": ("end the parent", "62, os.getppid(), 9"),
    "tgkill": ("end a thread of the parent", "234, os.getppid(), os.getppid(), 9"),
    "tkill": ("end a thread of the parent by another name", "200, os.getppid(), 9"),
    "rt_sigqueueinfo": ("signal with a message", "129, os.getppid(), 9, b'0' * 128"),
    "prlimit": ("change the parent's limits", "302, os.getppid(), 7, b'0' * 16, 0"),
    "landlock_add_rule": ("widen its own ruleset", "445, 4, 1, b'0' * 12, 0"),
    "prctl": ("outlive the parent", "157, 1, 0, 0, 0, 0"),
    "seccomp": ("put a filter of its own over ours", "317, 1, 0, b'0' * 16"),
    "x32 getpid": ("go by numbers that the filter does not know", "0x40000027"),
    "x32 socket": ("have a socket by another number", "0x40000000 + 41, 2, 1, 0"),
    "mount": ("mount over something", "165, b'none', b'/tmp', b'tmpfs', 0, 0"),
    "umount": ("take a mount away", "166, b'/proc', 2"),
    "open_tree": ("take a copy of a mount", "428, -100, b'/', 1"),
    "shmget": ("leave shared memory behind", "29, 0, 4096, 0o1666"),
    "msgget": ("leave a queue behind", "68, 0, 0o1666"),
    "semget": ("leave a semaphore behind", "64, 0, 1, 0o1666"),
    "mq_open": ("leave a message queue behind", "240, b'@TOKEN@', 0o102, 0o666, 0"),
    "open_by_handle_at": ("open a file by its number", "304, -100, b'0' * 16, 0"),
    "bpf": ("load a program into the kernel", "321, 0, b'0' * 64, 64"),
    "perf_event_open": ("watch the machine", "298, b'0' * 112, -1, 0, -1, 0"),
    "userfaultfd": ("hold the kernel up", "323, 0"),
    "add_key": ("leave a key behind", "248, b'user', b'x', b'y', 1, -2"),
    "chmod": ("change a mode", "90, b'@OPEN@', 0"),
    "fchmodat2": ("change a mode by a newer call", "452, -100, b'@OPEN@', 0, 0"),
    "openat2": ("open where a filter cannot read the flags", "437, -100, b'@OPEN@/x', b'0' * 24, 24"),
    "socket": ("have a socket", "41, 2, 1, 0"),
    "sendto": ("send by the pipe with an address", "44, 3, b'x', 1, 0, 0, 0"),
    "sendmsg": ("hand a file on by the pipe", "46, 3, b'0' * 56, 0"),
    "fanotify_init": ("see what others open", "300, 0, 0"),
    "inotify_init1": ("see what others write", "294, 0"),
    "reboot": ("restart the machine", "169, 0xfee1dead, 672274793, 0, 0"),
    "flock": ("tell by a lock", "73, 0, 2"),
    "fcntl, a lock": ("tell by a POSIX lock", "72, 0, 6, (ctypes.c_short * 16)(1, 0)"),
    "fcntl, is it locked": ("hear by a POSIX lock", "72, 0, 5, (ctypes.c_short * 16)(1, 0)"),
    "fcntl, a lock of an open file": ("tell by a newer lock", "72, 0, 37, (ctypes.c_short * 16)(1, 0)"),
    "fcntl, a lease": ("hold up whoever opens a file", "72, 0, 1024, 0"),
    "fcntl, notices of a folder": ("see what others write", "72, os.open('.', 0), 1026, 2"),
    "fcntl, size of a pipe": ("tell by what the kernel lets one user have", "72, os.pipe()[0], 1032, 0"),
    "fcntl, a hint": ("leave a message with a file", "72, 0, 1036, b'1' * 8"),
    "futex": ("wake others on a page that they share", "202, CODE, 1, 9, 0, 0, 0"),
    "futex_waitv": ("wait on pages of others", "449, b'0' * 24, 1, 0, 0, 0"),
    "futex_wake": ("wake by a newer call", "454, CODE, -1, 9, 2"),
    "set_robust_list": ("have the kernel wake others at its end", "273, b'0' * 24, 24"),
    "set_tid_address": ("have the kernel wake others at its end", "218, CODE"),
    "membarrier": ("interrupt all cores", "324, 1, 0, 0"),
    "mincore": ("see what others have read", "27, PAGE, 4096, ctypes.create_string_buffer(9)"),
    "cachestat": ("see what others have read by a newer call", "451, 0, b'0' * 16, b'0' * 40, 0"),
    "fadvise64": ("take files from the cache", "221, 0, 0, 0, 4"),
    "readahead": ("put files into the cache", "187, 0, 0, 4096"),
    "madvise, files into the cache": ("put files into the cache by its memory", "28, PAGE, 4096, 3"),
    "madvise, pages that are merged": ("see whose memory is the same", "28, PAGE, 4096, 12"),
    "madvise, pages out": ("take files from the cache by its memory", "28, PAGE, 4096, 21"),
    "mmap, huge pages": ("take what the machine has few of", "9, 0, 1 << 21, 3, 0x40022, -1, 0"),
    "mlock": ("take memory from all", "149, PAGE, 4096"),
    "sysinfo": ("see how much memory is free", "99, ctypes.create_string_buffer(200)"),
    "statfs": ("see how much disk is free", "137, b'/', ctypes.create_string_buffer(200)"),
    "ustat": ("see how much disk is free by an older call", "136, 1, ctypes.create_string_buffer(200)"),
    "sync": ("have the disk busy for all", "162"),
    "getpriority": ("see how others run", "140, 0, 1"),
    "setpriority": ("have another priority", "141, 0, 0, 19"),
    "ioprio_set": ("have another priority on disk", "251, 1, 0, 3 << 13"),
    "ioprio_get": ("see how others use the disk", "252, 1, 1"),
    "sched_setscheduler": ("run before all others", "144, 0, 3, b'0' * 4"),
    "sched_getaffinity": ("see whether a process is there", "204, 1, 128, ctypes.create_string_buffer(128)"),
    "getsid": ("see whether a process is there", "124, 1"),
    "getpgid": ("see whether a process is there", "121, 1"),
    "clock_gettime": ("see what another process computes",
                      "228, ~1 << 3 | 2, ctypes.create_string_buffer(16)"),
    "clock_getres": ("see whether a process is there", "229, ~1 << 3 | 2, ctypes.create_string_buffer(16)"),
    "utimensat": ("leave a time on a file that is open", "280, 0, 0, 0, 0"),
    "getxattr": ("read a message on a file", "191, b'/dev/null', b'user.x', b'0' * 9, 9"),
    "timer_create": ("use up what one user may have", "222, 0, 0, ctypes.create_string_buffer(8)"),
    "timerfd_create": ("have the kernel write for it", "283, 0, 0"),
    "signalfd": ("read signals of others", "289, -1, b'0' * 8, 8, 0"),
    "splice": ("move pages without a copy", "275, 0, 0, 0, 0, 1, 0"),
    "vmsplice": ("give pages away", "278, 1, b'0' * 16, 1, 0"),
    "keyctl": ("read keys of the session", "250, 0, -3, 0"),
    "request_key": ("ask for a key", "249, b'user', b'x', 0, 0"),
    "inotify_add_watch": ("see what others write", "254, 0, b'/', 2"),
    "fanotify_mark": ("see what others open", "301, 0, 1, 2, -100, b'/'"),
    "lsm_get_self_attr": ("learn of its walls", "459, 100, 0, b'0' * 8, 0"),
    "statmount": ("learn of mounts", "457, b'0' * 24, b'0' * 64, 64, 0"),
    "listmount": ("learn of all mounts", "458, b'0' * 24, b'0' * 64, 8, 0"),
    "no such call": ("find what the filter forgot", "1023"),
}  # fmt: skip

BODY = """
import ctypes, os
CODE = ctypes.c_void_p(ctypes.cast(ctypes.CDLL(None).qsort, ctypes.c_void_p).value & ~3)
PAGE = ctypes.c_void_p(CODE.value & ~4095)
return 'denied' if ctypes.CDLL(None).syscall({arguments}) == -1 else 'ESCAPED'"""

# mov eax, 20 (getpid); int 0x80; ret
DOOR = """
import ctypes
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
page = libc.mmap(None, ctypes.c_size_t(4096), 7, 0x22, -1, 0)
code = bytes([0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3])
ctypes.memmove(page, code, len(code))
return 'ESCAPED' if ctypes.CFUNCTYPE(ctypes.c_int)(page)() > 0 else 'denied'"""

ATTACKS = attacks(
    "system calls",
    [
        (name, tries, "refused ok", BODY.format(arguments=arguments), {"machine": "x86_64"})
        for name, (tries, arguments) in CALLS.items()
    ]
    + [("int 80", "go by the door of 32-bit programs", "refused crash", DOOR, {"machine": "x86_64"})],
)
