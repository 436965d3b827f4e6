"""Agents that never end, or end only what was not meant to end."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

AGAIN = {"again": True}
WAITS = {"waits": True}
CPU = {"detail": r"used more than .* s of CPU"}

ATTACKS = attacks("endless", [
    ("endless loop", "run for ever", "cpu", "while True: pass", AGAIN | CPU),
    ("loop that swallows everything", "outlive SIGXCPU and every exception", "cpu", """
import signal
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True:
    try:
        while True: pass
    except BaseException: pass""", CPU),
    ("sleep", "do nothing for ever", "timeout", "import time\ntime.sleep(10**6)",
     WAITS | AGAIN | {"detail": r"worked longer than .* s"}),
    ("pause with all signals blocked", "wait where nothing wakes it", "timeout", """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True: signal.pause()""", WAITS),
    ("deadlock", "wait for itself", "timeout", """
import threading
lock = threading.Lock()
lock.acquire(); lock.acquire()""", WAITS),
    ("waiting for an answer to nothing", "read a pipe that stays silent", "timeout", """
import os
while True: os.read(3, 1)""", WAITS),
    ("C loop", "hold the interpreter lock in one call", "cpu", "return str(sum(range(10**12)))", AGAIN | CPU),
    ("huge power", "hold the interpreter lock in arithmetic", "cpu memory",
     "return str((3**10**9).bit_length())"),
    ("digits", "hold the interpreter lock printing a number", "cpu memory", """
import sys
sys.set_int_max_str_digits(0)
return str(7**10**7)"""),
    ("regular expression", "hold the interpreter lock in a match that backtracks", "cpu",
     "import re\nreturn str(re.match('(a+)+$', 'a' * 40 + 'b'))", AGAIN | CPU),
    ("storm of timers", "be interrupted all the time", "cpu timeout crash", """
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-6)
while True: pass"""),
    ("threads that go on", "work on after the answer", "ok", """
import threading
def spin():
    while True: pass
for _ in range(4): threading.Thread(target=spin, daemon=True).start()
return 'done'"""),
    ("threads that keep the process", "be waited for at the end", "ok", """
import threading, time
threading.Thread(target=time.sleep, args=(10**6,)).start()
return 'done'"""),
    ("work at exit", "run when the interpreter ends", "ok", """
import atexit
def more():
    while True: pass
atexit.register(more)
class Late:
    def __del__(self): more()
globals()['late'] = Late()
return 'done'"""),
    ("exception whose text never ends", "hold up whoever describes the failure", "cpu", """
class Endless(Exception):
    def __str__(self):
        while True: pass
raise Endless"""),
    ("exception whose text fails", "break whoever describes the failure", "crash", """
class Broken(BaseException):
    def __str__(self): raise self
    __repr__ = __str__
raise Broken"""),
    ("iterable that never ends", "hold up the runtime with its input", "cpu memory", """
import itertools
return LLMAgentBase(['answer'], 'asker')(itertools.count(), 'Solve.')[0]"""),
    ("os._exit", "end the process before it is asked", "crash", "import os\nos._exit(0)",
     AGAIN | {"detail": r"ended its process"}),
    ("SystemExit", "end the interpreter", "crash", "raise SystemExit(0)", AGAIN),
    ("abort", "end with a signal of its own", "crash refused", "import os\nos.abort()"),
    ("segmentation fault", "end with a fault", "crash", "import ctypes\nreturn str(ctypes.string_at(1, 1))",
     {"detail": "SIGSEGV"} | AGAIN),
    ("os._exit that returns", "walk on into the code of the process that forks", "ok crash refused cpu", """
import os, sys
os._exit = lambda status: None
os.kill = lambda *_: None
raise SystemExit(1)"""),
])  # fmt: skip
