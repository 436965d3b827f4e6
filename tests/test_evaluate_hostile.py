"""Hostile agents: what each tries, and what must come of it. After each, an honest agent still runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from evaluate_kit import Bench, write_runtime

SECRET = "sk-very-secret-of-the-parent"

# What it tries -> (body of forward, kinds that are right). An `ok` must have come away empty-handed.
ATTEMPTS: dict[str, tuple[str, str]] = {
    "endless loop": ("while True: pass", "cpu"),
    "endless loop that swallows everything": ("""
import signal
signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True:
    try:
        while True: pass
    except BaseException: pass""", "cpu"),
    "sleep for ever": ("import time\ntime.sleep(999)", "timeout"),
    "C loop that holds the interpreter lock": ("return str(sum(range(10**12)))", "cpu"),
    "one huge power": ("return str((10**10**8).bit_length())", "cpu memory"),
    "regular expression that never ends": ("import re\nreturn str(re.match('(a+)+$', 'a'*40 + 'b'))", "cpu"),
    "fork": ("import os\nreturn str(os.fork())", "refused"),
    "fork bomb": ("import os\nwhile True:\n try: os.fork()\n except OSError: pass", "cpu"),
    "thread bomb": ("""
import threading, time
while True: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()""", "crash memory"),
    "memory bomb": ("x = []\nwhile True: x.append(bytearray(10**6))", "memory"),
    "memory bomb in a map": ("import mmap\nreturn str(len(mmap.mmap(-1, 10**10)))", "crash memory refused"),
    "one huge file": ("open('f', 'wb').write(bytes(10**8))", "disk"),
    "many files": (
        "for i in range(10**6):\n  with open(str(i), 'wb') as f: f.write(bytes(10**5))",
        "disk",
    ),
    "files without names": ("""
import os
kept = []
for i in range(10**6):
    kept.append(open(str(i), 'wb', 0))
    kept[-1].write(bytes(10**6))
    os.unlink(str(i))""", "disk"),
    "endless printing": ("while True: print('x' * 1000)", "output"),
    "a gigabyte for an answer": ("return 'x' * 10**7", "output"),
    "deep recursion": ("return forward(self, task)", "crash"),
    "deeper recursion": ("""
import sys
sys.setrecursionlimit(10**9)
return forward(self, task)""", "crash memory cpu"),
    "recursion in C": ("""
import sys
sys.setrecursionlimit(10**9)
x = ()
for i in range(10**6): x = (x,)
return repr(x)""", "crash memory cpu"),
    "ending the process": ("import os\nos._exit(0)", "crash"),
    "SystemExit": ("raise SystemExit(0)", "crash"),
    "an exception whose text fails": (
        "class E(BaseException):\n  def __str__(self): raise self\nraise E",
        "crash",
    ),
    "kill the parent": ("import os\nos.kill(os.getppid(), 9)", "refused"),
    "kill everything": ("import os\nos.kill(-1, 9)", "refused"),
    "signal by file ownership": (
        "import fcntl, os\nfcntl.fcntl(3, 10, 9); fcntl.fcntl(3, fcntl.F_SETOWN, os.getppid())",
        "refused",
    ),
    "ptrace": ("import ctypes, os\nreturn str(ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0))", "refused"),
    "environment of the parent": (
        "import os\nreturn open(f'/proc/{os.getppid()}/environ').read()",
        "refused",
    ),
    "environment of all processes": (
        "import glob\nreturn ''.join(open(p, errors='replace').read() for p in glob.glob('/proc/*/environ'))",
        "ok refused",
    ),
    "own environment": (
        "import ctypes, os\nreturn str(dict(os.environ)) + str(ctypes.CDLL(None).getenv(b'KEY_OF_PARENT'))",
        "ok",
    ),
    "own memory": ("return str(open('/proc/self/maps').read())", "refused"),
    "what the garbage collector knows": ("""
import gc
jobs = [o for o in gc.get_objects() if isinstance(o, dict) and 'question' in o and o is not self.job]
return str([o.get('question') for o in jobs])""", "ok"),
    "sockets of every family": ("""
import socket
for family in range(46):
    for kind in (1, 2, 3, 5):
        try: socket.socket(family, kind)
        except PermissionError: continue
        return 'SECRET'
return 'none'""", "ok"),
    "abstract socket": ("import socket\nsocket.socketpair()", "refused"),
    "shell": ("import os\nreturn str(os.system('id'))", "refused ok"),
    "subprocess": ("import subprocess\nreturn subprocess.check_output(['/bin/ls', '/']).decode()", "refused"),
    "exec": ("import os\nos.execv('/bin/sh', ['sh', '-c', 'true'])", "refused"),
    "write outside": ("open('@OUTSIDE@/escaped', 'w').write('x')", "refused"),
    "symlink outside": ("import os\nos.symlink('@OUTSIDE@', 'link'); open('link/escaped', 'w')", "refused"),
    "change of mode": ("import os\nos.chmod('@OUTSIDE@', 0)", "refused"),
    "setuid": ("import os\nos.setuid(0)", "refused"),
    "site-packages": (
        "import os\nwhere = '@PACKAGES@'\nreturn ' '.join(os.listdir(where))",
        "refused",
    ),
    "a package by path": (
        "import sys\nsys.path.append('@PACKAGES@')\nimport reasoning_gym\nreturn 'SECRET'",
        "crash refused",
    ),
    "the engine itself": ("import meta_search.config\nreturn 'SECRET'", "crash"),
    "the other files of the zygote": ("""
import os
loot = []
for n in range(4, 64):
    try: loot.append(os.read(n, 99))
    except OSError: continue
return 'SECRET' if loot else ''""", "ok"),
    "flooding the pipe": ("import os\nwhile True: os.write(3, b'x' * 65536)", "output context refused"),
    "flooding the pipe with lines": ("import os\nwhile True: os.write(3, b'{}\\n' * 1000)", "refused"),
    "half a message": ("import os, time\nos.write(3, b'{\"op\": \"done\", '); time.sleep(99)", "timeout"),
    "half a message and gone": ("import os\nos.write(3, b'{\"op\": \"done\", '); os._exit(0)", "crash"),
    "closing the pipe": ("import os, time\nos.close(3)\ntime.sleep(99)", "crash"),
    "answer that is a number": ("self.channel.send({'op': 'done', 'answer': 1e9}); return ''", "bad_answer"),
    "answer that is a list": ("return ['x']", "bad_answer"),
    "subclass of str": (
        "class S(str):\n  def __eq__(self, other): return True\n  __hash__ = str.__hash__\nreturn S('x')",
        "bad_answer",
    ),
    "forged call ids": ("self.ask('a', id=7); self.call('b', id=7)", "refused"),
    "forged kind": (
        "self.channel.send({'op': 'fault', 'kind': 'llm', 'detail': 'not me', 'space': []})",
        "crash",
    ),
    "forged operation": ("self.channel.send({'op': 'score', 'score': 1})", "refused"),
    "deeply nested message": ("""
import os
os.write(3, b'[' * 10**6 + b'\\n')
self.channel.recv()""", "refused"),
    "not a number": ("self.call('a', temperature=float('nan'))", "refused"),
    "prompt of 50 MB": ("return self.call('x' * 50 * 10**6)", "context memory"),
    "the whole budget": ("while True: self.call('more')", "calls"),
    "broken json module": ("import json\njson.dumps = None\nreturn 'x'", "crash"),
    "fork in a program": ("return self.run_python('import os; print(os.fork())')", "ok"),
    "reading in a program": ("return self.run_python('print(open(\"/etc/passwd\").read())')", "ok"),
    "endless program": ("return self.run_python('while True: pass', 60)", "cpu"),
    "memory bomb in a program": ("""
return self.run_python('x = []\\nwhile True: x.append(bytearray(10**6))')""", "ok"),
    "program that dies": ("return self.run_python('import os; os._exit(3)')", "ok"),
    "program that floods": ("""
return self.run_python('import os\\nwhile True: os.write(3, b"x" * 9999)')""", "ok cpu"),
    "a thousand programs at once": (
        "for i in range(1000): self.channel.send({'op': 'python', 'id': i, 'code': '', 'timeout': 60})\n"
        "import time; time.sleep(99)",
        "refused",
    ),
}  # fmt: skip

# Raw system calls, for machines whose numbers are written here.
SYSCALLS = {
    "io_uring_setup": "425, 8, b'0' * 120",
    "memfd_create": "319, b'x', 0",
    "pidfd_open": "434, os.getppid(), 0",
    "process_vm_readv": "310, os.getppid(), 0, 0, 0, 0, 0",
    "unshare": "272, 0x10000000",
    "vfork": "58",
    "clone": "56, 17, 0, 0, 0, 0",
    "clone with a thread's flags and a namespace": "56, 0x40010f00, 0, 0, 0, 0",
    "clone3": "435, b'0' * 88, 88",
    "execveat": "322, -100, b'/bin/true', 0, 0, 0",
    "tgkill": "234, os.getppid(), os.getppid(), 9",
    "prlimit": "302, os.getppid(), 7, b'0' * 16, 0",
    "landlock_add_rule": "445, 4, 1, b'0' * 12, 0",
    "prctl": "157, 1, 0, 0, 0, 0",
    "x32 getpid": "0x40000027",
    "mount": "165, b'none', b'/tmp', b'tmpfs', 0, 0",
    "shmget": "29, 0, 4096, 0o1666",
    "open_by_handle_at": "304, -100, b'0' * 16, 0",
    "bpf": "321, 0, b'0' * 64, 64",
    "chmod": "90, b'/tmp', 0o777",
}


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    runtime = write_runtime(tmp_path_factory.mktemp("kit"))
    os.environ["KEY_OF_PARENT"] = SECRET
    try:
        limits = {"wall_s": 1.5, "cpu_s": 0.3, "memory_mb": 128, "disk_mb": 8, "output_kb": 8, "calls": 5}
        with Bench(runtime, **limits) as bench:
            bench.body("return ''", question=SECRET)  # an earlier item, whose content must not be found
            yield bench
    finally:
        del os.environ["KEY_OF_PARENT"]


def check_the_house(bench: Bench, zygote: int, outside: Path) -> None:
    """Nothing is left, nothing got out, the next agent runs, in the same zygote."""
    assert bench.children() == []
    assert list(outside.iterdir()) == []
    assert outside.stat().st_mode & 0o777 == 0o777
    honest = bench.body("return self.call('honest')")
    assert (honest.kind, honest.answer) == ("ok", "heard honest")
    assert bench.zygote == zygote


@pytest.mark.parametrize("name", ATTEMPTS)
def test_hostile_agent(bench: Bench, outside: Path, name: str) -> None:
    body, kinds = ATTEMPTS[name]
    packages = os.path.dirname(os.path.dirname(pytest.__file__))
    zygote = bench.zygote
    result = bench.body(body.replace("@OUTSIDE@", str(outside)).replace("@PACKAGES@", packages))
    assert result.kind in kinds.split(), result
    assert result.kind == "ok" or (result.detail and "\n" not in result.detail)
    assert not any(loot in result.answer + result.detail for loot in (SECRET, "SECRET", "root:", "uid="))
    check_the_house(bench, zygote, outside)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="system call numbers of x86-64")
@pytest.mark.parametrize("name", SYSCALLS)
def test_raw_system_call(bench: Bench, outside: Path, name: str) -> None:
    body = f"import ctypes, os\nreturn str(ctypes.CDLL(None).syscall({SYSCALLS[name]}))"
    zygote = bench.zygote
    result = bench.body(body)
    assert (result.kind, result.answer) in (("refused", ""), ("ok", "-1")), result
    check_the_house(bench, zygote, outside)


def test_program_cannot_speak_for_its_item(bench: Bench) -> None:
    forged = 'import os; os.write(3, b\'{"op": "done", "answer": "forged", "ok": true, "text": "told"}\\n\')'
    result = bench.body(f"return 'mine ' + self.run_python({forged!r})")
    assert (result.kind, result.answer) == ("ok", "mine told")


# Layer by layer: what each keeps out with the others switched off, and what it does not.
READ = "return open('/etc/passwd').read(4)"
FORK = "import os\npid = os.fork()\nif pid == 0: os._exit(0)\nos.waitpid(pid, 0)\nreturn 'forked'"
WRITE = "open('f', 'wb').write(bytes(3 * 10**6))\nopen('g', 'wb').write(bytes(3 * 10**6)); return 'wrote'"
GROW = "return str(len(bytearray(2 * 10**8)))"
WHO = "import os\nreturn str(os.getuid())"


@pytest.mark.parametrize(
    ("layers", "outcomes"),
    [
        ((), {READ: "ok", FORK: "ok", GROW: "ok"}),
        (("landlock", "no_new_privs"), {READ: "refused", FORK: "ok", GROW: "ok"}),
        (("seccomp", "no_new_privs"), {READ: "ok", FORK: "refused", GROW: "ok"}),
        (("rlimits",), {READ: "ok", FORK: "ok", GROW: "memory"}),
        (("quota",), {READ: "ok", FORK: "ok", WRITE: "disk"}),
    ],
)
def test_what_each_layer_keeps_out(tmp_path: Path, layers: tuple[str, ...], outcomes: dict[str, str]) -> None:
    runtime = write_runtime(tmp_path)
    with Bench(runtime, layers, level="process", memory_mb=128, disk_mb=4) as bench:
        if set(layers) & set(bench.sandbox.missing):
            pytest.skip(str(bench.sandbox.missing))
        for body, kind in outcomes.items():
            assert bench.body(body).kind == kind, body


def test_a_process_left_behind_is_killed_without_seccomp(tmp_path: Path) -> None:
    leave = "import os, time\npid = os.fork()\nif pid == 0:\n  os.setsid(); time.sleep(99)\nreturn str(pid)"
    with Bench(write_runtime(tmp_path), ("rlimits",), level="process") as bench:
        assert bench.body(leave).kind == "ok"
        assert bench.children() == []


def test_user_of_its_own(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    runtime = write_runtime(tmp_path)
    with Bench(runtime) as bench:
        assert int(bench.body(WHO).answer) >= 65534
    with Bench(runtime, ("rlimits",), level="process") as bench:
        assert bench.body(WHO).answer == "0"


@pytest.mark.parametrize("own", [True, False])
def test_network_of_its_own(tmp_path: Path, own: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        body = f"import socket\nsocket.create_connection({address!r}, 1)\nreturn 'through'"
        with Bench(write_runtime(tmp_path), ("network",) if own else (), level="process") as bench:
            if own and "network" in bench.sandbox.missing:
                pytest.skip(bench.sandbox.missing["network"])
            assert bench.body(body).kind == ("crash" if own else "ok")


def test_disk_is_bounded_without_a_file_system_of_its_own(tmp_path: Path) -> None:
    layers = ("rlimits", "no_new_privs", "landlock", "seccomp", "uid")
    with Bench(write_runtime(tmp_path), layers, disk_mb=4) as bench:
        many = "import time\nfor i in range(9): open(str(i), 'wb').write(bytes(10**6))\ntime.sleep(9)"
        assert bench.body(many).kind == "disk"
        hidden = "import os\nwith open('f', 'wb') as f: os.unlink('f')"
        assert bench.body(hidden).kind == "refused"
        assert bench.body("import os\nos.mkdir('deep')").kind == "refused"
        assert bench.body("import os\nreturn str(os.listdir('.'))").answer == "[]"


def test_shared_ruleset_cannot_be_widened_for_the_next_agent(bench: Bench) -> None:
    """The ruleset's descriptor is one open file for all children of a slot: none may keep it."""
    body = """
import os
mine = []
for n in range(64):
    try: os.fstat(n)
    except OSError: continue
    mine.append(n)
return str(mine)"""
    assert bench.body(body).answer == "[0, 1, 2, 3]"
