"""Agents that want files: to read what is not theirs, and to write where others would find it."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

AGAIN = {"again": True}


def reading(
    name: str, tries: str, path: str, **options: object
) -> tuple[str, str, str, str, dict[str, object]]:
    return (
        name,
        tries,
        "refused crash",
        f"with open({path!r}, errors='replace') as f: return 'ESCAPED' + f.read()",
        options,
    )


ATTACKS = attacks("files", [
    reading("the archive", "read the evidence of all agents", "@HOUSE@/archive.db", again=True),
    reading("the targets", "read the right answers", "@HOUSE@/targets.json", again=True),
    reading("a file of keys", "read the keys", "@HOUSE@/.env", again=True),
    reading("passwords", "read the accounts", "/etc/passwd"),
    reading("the engine's source", "read how answers are scored", "@CHECKOUT@/meta_search/run/runner.py"),
    reading("site-packages", "read a benchmark with its answers", "@PACKAGES@/numpy/../pytest/__init__.py"),
    reading("command line of the driver", "learn what is searched", "/proc/@DRIVER@/cmdline"),
    reading("environment of the driver", "read its keys", "/proc/@DRIVER@/environ", again=True),
    reading("mounts", "learn the machine's folders", "/proc/self/mounts"),
    ("the archive by SQLite", "read the archive as a database", "crash refused", """
import sqlite3
rows = sqlite3.connect('file:@HOUSE@/archive.db?mode=ro', uri=True).execute('select * from secrets')
return 'ESCAPED' + str(rows.fetchall())"""),
    ("environment of all processes", "read any key there is", "ok refused", """
import glob
return 'found' + ''.join(open(p, errors='replace').read() for p in glob.glob('/proc/*/environ'))""", AGAIN),
    ("folders", "look around", "ok", """
import os
seen = []
for folder in ('/', '/home', '/root', '/tmp', '/proc', '@HOUSE@', '@OPEN@', '@PACKAGES@', '..', '/dev/shm'):
    try: seen += os.listdir(folder)
    except OSError: pass
return f'ESCAPED {seen}' if seen not in ([], ['item']) else 'none'""", AGAIN),  # the folder of its folder
    ("folders by /proc/self", "go round by magic links", "ok", """
import os
for path in ('/proc/self/root/etc/passwd', '/proc/self/cwd/../../../etc/passwd', '/proc/self/fd/0/../passwd',
             '/dev/fd/../../etc/passwd', '/proc/thread-self/root@HOUSE@/.env'):
    try: return 'ESCAPED' + open(path).read()
    except OSError: pass
return 'none'"""),
    ("folder by descriptor", "go to a folder it may not read", "refused crash", """
import os
os.fchdir(os.open('@HOUSE@', os.O_PATH))
return 'ESCAPED' + open('.env').read()"""),
    ("slots of other items", "read what an earlier item wrote", "ok", """
import os
found = os.listdir('.')
for n in range(20):
    for name in ('note', 'f', '0'):
        try: found.append(open(f'../slot-{n}/{name}').read())
        except OSError: pass
return f'ESCAPED {found}' if found else 'none'"""),
    ("devices", "read the machine's memory", "ok", """
for path in ('/dev/mem', '/dev/kmsg', '/dev/sda', '/dev/vda', '/dev/tty', '/dev/ptmx', '/dev/fuse',
             '/proc/kcore'):
    try: return 'ESCAPED' + str(open(path, 'rb').read(9))
    except OSError: pass
return 'none'"""),
    ("a package by path", "import what has benchmarks in it", "crash refused", """
import sys
sys.path[:0] = ['@PACKAGES@', '@CHECKOUT@']
import pytest
return 'ESCAPED'""", AGAIN),
    ("a module by its file", "load code from elsewhere", "crash refused", """
import importlib.util
spec = importlib.util.spec_from_file_location('scoring', '@CHECKOUT@/meta_search/run/runner.py')
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
return 'ESCAPED'"""),
    ("a library by its file", "load native code that it wrote", "crash refused", """
import ctypes
with open('lib.so', 'wb') as f: f.write(b'\\x7fELF')
ctypes.CDLL('./lib.so')
return 'ESCAPED'"""),
    ("write outside", "leave a file", "refused crash", "open('@OPEN@/written', 'w').write('x')", AGAIN),
    ("write to /tmp", "leave a file where all may", "refused crash",
     "open('/tmp/@TOKEN@', 'w').write('x')", AGAIN),
    ("write to shared memory", "leave a file in memory", "refused crash",
     "open('/dev/shm/@TOKEN@', 'w').write('x')", AGAIN),
    ("append to the archive", "change the evidence", "refused crash",
     "open('@HOUSE@/archive.db', 'ab').write(b'x')"),
    ("write to the library", "change what others import", "refused crash", """
import os
open(os.path.join(os.path.dirname(os.__file__), '@TOKEN@.py'), 'w').write('raise SystemExit')"""),
    ("folder outside", "leave a folder", "refused crash", "import os\nos.mkdir('@OPEN@/made')"),
    ("remove", "take a file away", "refused crash", "import os\nos.unlink('@OPEN@/bait')", AGAIN),
    ("rename outside", "move a file out", "refused crash", """
import os
open('f', 'w').write('x')
os.rename('f', '@OPEN@/moved')"""),
    ("rename inside", "move a file in", "refused crash", "import os\nos.rename('@OPEN@/bait', 'mine')"),
    ("symlink", "write by a link", "refused crash", """
import os
os.symlink('@OPEN@', 'link')
open('link/linked', 'w').write('x')""", AGAIN),
    ("symlink for the cleaner", "have the house remove what a link points to", "ok refused", """
import os
os.symlink('@HOUSE@', 'link')
os.symlink('@OPEN@/bait', 'bait')
return 'linked'"""),
    ("hard link", "have a second name for a file", "refused crash", """
import os
os.link('@HOUSE@/.env', 'env')
return 'ESCAPED' + open('env').read()"""),
    ("truncate", "empty a file", "refused crash", "import os\nos.truncate('@OPEN@/bait', 0)"),
    ("mode", "close a folder to its owner", "refused crash", "import os\nos.chmod('@OPEN@', 0)", AGAIN),
    ("mode of its own folder", "keep the house from cleaning", "refused", "import os\nos.chmod('.', 0)"),
    ("owner", "own a file", "refused crash", "import os\nos.chown('@OPEN@/bait', os.getuid(), os.getgid())"),
    ("times", "change when a file was written", "refused", "import os\nos.utime('@OPEN@/bait', (0, 0))"),
    ("attributes", "leave a message on a file", "refused crash", """
import os
os.setxattr('@OPEN@/bait', 'user.x', b'x')"""),
    ("named pipe", "leave a pipe that blocks whoever opens it", "refused crash",
     "import os\nos.mkfifo('@OPEN@/pipe')"),
    ("named pipe of its own", "block the cleaner", "refused crash", "import os\nos.mkfifo('pipe')"),
    ("device of its own", "have the disk as a file", "refused", "import os\nos.mknod('sda', 0o60666, 0x800)"),
    ("deep folders", "keep the cleaner busy", "refused disk ok crash", """
import os
for _ in range(900):
    os.mkdir('d' * 200)
    os.chdir('d' * 200)
return 'dug'"""),
    ("names that are not text", "break whoever lists its folder", "ok", """
import os
for name in (b'\\xff\\xfe', b'a\\nb', b'-rf', b' ', '\\u202e.txt'.encode()): open(name, 'w').write('x')
return 'written'"""),
])  # fmt: skip
