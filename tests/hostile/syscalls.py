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
    "no such call": ("find what the filter forgot", "1023"),
}  # fmt: skip

BODY = """
import ctypes, os
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
