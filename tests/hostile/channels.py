"""Agents that want to talk to another item, or to an accomplice outside, past the broker.

A pair is the item's own process, which speaks, and a program of it, which listens: two children of a zygote,
apart in the same way as two items are. Both keep time by the clock. `Traps` listens from outside as well.
"""

from __future__ import annotations

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

BIT_S = 0.012
# Programs are told apart from the agent's own lines, which are indented.
LISTENER = f"""
import time
heard = []
for n in range(BITS):
    time.sleep(max(0, START + (n + 0.5) * {BIT_S} - time.monotonic()))
    heard.append(int(look()))
print(heard)
"""
PAIR = """
import time
setup, scope = {setup!r}, {{}}
exec(setup, scope)
word = [int(bit) for bit in f'{{time.time_ns() >> 10 & 0x3ff | 0x400:b}}']
start = time.monotonic() + 0.15
listener = setup + {listener!r}.replace('BITS', str(len(word))).replace('START', str(start))
def speak():
    for n, bit in enumerate(word):
        time.sleep(max(0, start + n * {bit_s} - time.monotonic()))
        if bit: scope['put']()
        time.sleep(max(0, start + (n + 0.9) * {bit_s} - time.monotonic()))
        if bit: scope['take']()
    return 'spoke'
heard, _ = self.map(lambda n: speak() if n else self.run_python(listener, 2), range(2))
return f'ESCAPED {{heard}}' if heard.strip() == str(word) else f'{{heard.strip()[-80:]}} for {{word}}'"""

LOCKS = """
import fcntl, os, struct
held = os.open({path!r}, os.{mode})
def put(): {lock}
def take(): {unlock}
def look():
    mine = os.open({path!r}, os.{mode})
    try:
        {look}
    except BlockingIOError:
        return True
    finally:
        os.close(mine)
"""
FLOCK = ("fcntl.flock(held, fcntl.LOCK_EX)", "fcntl.flock(held, fcntl.LOCK_UN)",
         "return fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB) is not None")  # fmt: skip
LOCKF = ("fcntl.lockf(held, fcntl.LOCK_EX)", "fcntl.lockf(held, fcntl.LOCK_UN)",
         "return fcntl.lockf(mine, fcntl.LOCK_EX | fcntl.LOCK_NB) is not None")  # fmt: skip


def _record(command: int, kind: str) -> str:
    return f"fcntl.fcntl(FD, {command}, struct.pack('hhqqi4x', fcntl.{kind}, 0, 0, 1, 0))"


# By a lock for reading on a file that can only be read; whoever asks for one for writing is told of it.
OFD = (
    _record(37, "F_RDLCK").replace("FD", "held"),
    _record(37, "F_UNLCK").replace("FD", "held"),
    f"return struct.unpack_from('h', {_record(36, 'F_WRLCK').replace('FD', 'mine')})[0] != fcntl.F_UNLCK",
)
UTC = "/usr/share/zoneinfo/UTC"

FUTEX = """
import ctypes, struct, time
libc = ctypes.CDLL(None)
page = ctypes.cast(libc.qsort, ctypes.c_void_p).value & ~3
value = ctypes.c_int.from_address(page).value
soon = ctypes.create_string_buffer(struct.pack('qq', 0, 4_000_000))
def put():
    end = time.monotonic() + 0.009
    while time.monotonic() < end:
        libc.syscall(202, ctypes.c_void_p(page), {wake}, 99, 0, 0, -1)
        time.sleep(0.0002)
def take(): pass
def look(): return libc.syscall(202, ctypes.c_void_p(page), {wait}, value, soon, 0, 0) == 0
"""
# What a process sees of another's folder, and of those above its own.
FOLDER = """
import os
known = {}
def put(): open(str(len(os.listdir('.'))), 'w').close()
def take(): pass
def look():
    seen = {}
    above = ['..', '../..', '/']
    for path in [f'../slot-{n}' for n in range(40)] + above:
        try: found = os.stat(path)
        except OSError: continue
        seen[path] = (found.st_nlink, found.st_size, found.st_mtime_ns, found.st_ino)
    changed = bool(known) and seen != known
    known.update(seen)
    return changed
"""
# Runs a program before and after another one that has left much behind.
LEAVE = "for n in range(700): open(f'{n:0100}', 'w').close()"
LATER = """
look = {look!r}
before = self.run_python(look)
left = self.run_python({leave!r})
after = [self.run_python(look) for _ in range(3)]
return f'none {{left}}' if {{before}} == set(after) else f'ESCAPED {{before}} {{after}}'"""

OTHERS = """
import ctypes, os, resource, time
pids = [n for n in range(1, 2000)] + [n for n in range(@DRIVER@ - 40, @DRIVER@ + 400)]
own, seen = {{os.getpid(), 0}}, []
for pid in pids:
    if pid in own or pid < 1: continue
    try: {ask}
    except (OSError, ValueError): continue
    seen.append(pid)
return f'ESCAPED {{seen[:9]}}' if seen else 'none'"""


Made = tuple[str, str, str, str, dict[str, object]]


def _pair(name: str, tries: str, setup: str, **options: object) -> Made:
    body = PAIR.format(setup=setup, listener=LISTENER, bit_s=BIT_S)
    return (name, tries, "ok refused crash", body, {"waits": True, **options})


def _lock(path: str, mode: str, calls: tuple[str, str, str]) -> str:
    lock, unlock, look = calls
    return LOCKS.format(path=path, mode=mode, lock=lock, unlock=unlock, look=look)


def _others(name: str, ask: str, **options: object) -> Made:
    return (name, "learn which processes there are", "ok refused", OTHERS.format(ask=ask), options)


def _later(name: str, look: str, **options: object) -> Made:
    body = LATER.format(look=f"import os\n{look}", leave=LEAVE)
    return (name, "tell the next item by what it leaves", "ok", body, options)


FILES = {"needs": "files"}
MACHINE = {"machine": "x86_64"}

ATTACKS = attacks("channels", [
    _pair("locks on /dev/null", "tell by a POSIX lock", _lock("/dev/null", "O_RDWR", LOCKF)),
    _pair("flock on /dev/null", "tell by a lock of BSD's", _lock("/dev/null", "O_RDWR", FLOCK)),
    _pair("flock on /dev/urandom", "tell by a lock on another device",
          _lock("/dev/urandom", "O_RDONLY", FLOCK)),
    _pair("flock on a time zone", "tell by a lock on a file", _lock(UTC, "O_RDONLY", FLOCK)),
    _pair("locks for reading on a time zone", "tell by a lock of an open file", _lock(UTC, "O_RDONLY", OFD)),
    _pair("futex in a library", "wake whoever waits on the same page", FUTEX.format(wake=1, wait=0),
          **MACHINE),
    _pair("futex in a library, by bits", "the same by other operations", FUTEX.format(wake=10, wait=0),
          **MACHINE),
    _pair("futex in a library, of its own", "the same by a private futex", FUTEX.format(wake=129, wait=128),
          **MACHINE),
    _pair("folders of others", "tell by times and links of a folder", FOLDER),
    ("futex for an accomplice", "wake who waits on a page of a file outside", "ok refused crash", """
import ctypes, os
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
file = os.open(os.__file__, os.O_RDONLY)
page = libc.mmap(None, ctypes.c_size_t(4096), 1, 1, file, ctypes.c_long(0))
wake = lambda operation: libc.syscall(202, ctypes.c_void_p(page), operation, 9, 0, 0, 0)
woken = [wake(operation) for operation in (1, 3, 4, 5, 10) * 9]
return f'ESCAPED {woken}' if max(woken) > 0 else 'none'""", MACHINE),
    ("locks for an accomplice", "hold locks that a process outside sees", "ok refused", """
import fcntl, os, time
held = []
for path in ('/dev/null', '/dev/urandom', '/usr/share/zoneinfo/UTC', os.__file__):
    for lock in (fcntl.flock, fcntl.lockf):
        held.append(os.open(path, os.O_RDONLY))
        try: lock(held[-1], fcntl.LOCK_SH)
        except OSError: pass
time.sleep(0.05)
return 'held'""", {"waits": True}),
    ("files elsewhere", "learn what there is, how large and how old", "ok", """
import os
found = []
for path in ('@HOUSE@/archive.db', '@OPEN@/bait', '@CHECKOUT@/pyproject.toml', '/etc/passwd', '/proc/self',
             '/proc/1',
             '/proc/loadavg', '/proc/locks', '/sys', '/dev/shm', '/var/tmp', '@PACKAGES@/pytest', '/home'):
    for look in (os.stat, os.lstat, os.readlink, lambda path: os.open(path, os.O_PATH)):
        try: look(path)
        except OSError: continue
        found.append(path)
    if os.access(path, os.F_OK): found.append(path)
return f'ESCAPED {found}' if found else 'none'""", {**FILES, "again": True}),
    ("times of files that it may read", "tell by when a file was read", "ok refused", """
import os, time
path = os.path.join(os.path.dirname(os.__file__), 'this.py')
before = os.stat(path).st_atime_ns
open(path).read()
return 'none' if os.stat(path).st_atime_ns == before else 'ESCAPED'""", FILES),
    ("room on disks", "tell by what is free", "ok", """
import os
for path in ('/', '.', '/dev', os.__file__):
    try: return f'ESCAPED {os.statvfs(path)}'
    except OSError: pass
return 'none'"""),
    ("streams", "write to a device that others watch", "ok", """
import os
own = os.stat('/dev/null')
others = [n for n in range(3) if not os.path.samestat(os.fstat(n), own)]
return f'ESCAPED {others}' if others else 'none'""", FILES),
    _later("size of the next folder", "s = os.stat('.'); print(s.st_size, s.st_nlink, os.listdir('.'))"),
    _later("number of the next folder",
           "open('f', 'w'); print(os.stat('.').st_ino, os.stat('f').st_ino)", **FILES),
    _later("path of the next folder", "print(os.getcwd())", **FILES),
    _others("clocks of processes", "time.clock_gettime(~pid << 3 | 2)", again=True),
    _others("sessions of processes", "os.getsid(pid)"),
    _others("groups of processes", "os.getpgid(pid)"),
    _others("cores of processes", "os.sched_getaffinity(pid)"),
    _others("limits of processes", "resource.prlimit(pid, resource.RLIMIT_CPU)"),
    _others("priorities of processes", "os.getpriority(os.PRIO_PROCESS, pid)"),
    _others("folders of processes", "os.stat(f'/proc/{pid}')", needs="files"),
    ("numbers of threads", "tell by how many numbers are used up", "ok", """
look = 'import threading as t; m = t.Thread(target=print); m.start(); m.join(); print(m.native_id)'
before = self.run_python(look)
import threading
many = [threading.Thread(target=int) for _ in range(60)]
for thread in many: thread.start(); thread.join()
after = self.run_python(look)
return 'none' if before == after else f'ESCAPED {before} {after}'""", {"needs": "processes"}),
    ("threads still end", "have a machine without ends of threads", "ok", """
import threading, concurrent.futures
with concurrent.futures.ThreadPoolExecutor(4) as pool: total = sum(pool.map(int, '12345'))
last = threading.Thread(target=print)
last.start(); last.join(2)
return 'ESCAPED' if last.is_alive() or total != 15 else 'none'"""),
])  # fmt: skip
