"""Agents that take more than there is: memory, disk, threads, processes, stack, output, budget."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

AGAIN = {"again": True}
MEMORY = {"detail": r"MemoryError|used more than .* MB|limit: .* MB"}
DISK = {"detail": r"wrote more than|No space|too large|limit: .* MB"}

DISK_OR_CPU = {"detail": DISK["detail"] + "|CPU"}

ATTACKS = attacks("bombs", [
    ("memory", "use all memory", "memory", "x = []\nwhile True: x.append(bytearray(10**6))", AGAIN | MEMORY),
    ("memory, again and again", "use all memory and hide it", "cpu memory timeout", """
x = []
while True:
    try: x.append(bytearray(10**6))
    except MemoryError: pass"""),
    ("memory of the kernel's", "map more than there is", "ok", """
import ctypes
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_long
mapped = [libc.mmap(None, ctypes.c_size_t(10**8), 3, 0x22, -1, 0) for _ in range(10)]
return 'none' if -1 in mapped else 'ESCAPED'"""),
    ("decompression", "use all memory by way of zlib", "memory cpu", """
import zlib
bomb = zlib.compress(bytes(10**7), 9)
return str(len(b''.join(zlib.decompress(bomb) for _ in range(10**4))))"""),
    ("pickle", "use all memory by way of pickle", "memory crash", """
import pickle
return str(len(pickle.loads(b'\\x80\\x04\\x8e' + (10**12).to_bytes(8, 'little') + b'x.')))"""),
    ("fork", "be two", "refused", """
import os
if os.fork() == 0: os._exit(0)
return 'ESCAPED'""", AGAIN),
    ("fork bomb", "be very many", "cpu", """
import os
while True:
    try:
        if os.fork() >= 0: open('@OPEN@/forked', 'w')
    except OSError: pass""", AGAIN),
    ("thread bomb", "start threads until nothing is left", "crash memory refused cpu", """
import threading, time
while True: threading.Thread(target=time.sleep, args=(10**6,), daemon=True).start()""", AGAIN),
    ("file", "fill the disk with one file", "disk", "open('f', 'wb').write(bytes(10**8))", AGAIN | DISK),
    ("files", "fill the disk with many files", "disk", """
for i in range(10**6):
    with open(str(i), 'wb') as f: f.write(bytes(10**5))""", AGAIN | DISK),
    ("empty files", "use up all inodes", "disk cpu", """
for i in range(10**6): open(str(i), 'w').close()
import time
time.sleep(10)""", DISK_OR_CPU),  # whichever limit it comes to first
    ("files without names", "fill the disk where no count sees it", "disk refused", """
import os
kept = []
for i in range(10**6):
    kept.append(open(str(i), 'wb', 0))
    kept[-1].write(bytes(10**6))
    os.unlink(str(i))"""),
    ("temporary files", "fill the disk by O_TMPFILE", "disk refused crash", """
import os
kept = []
while True:
    kept.append(os.open('.', os.O_TMPFILE | os.O_RDWR))
    os.write(kept[-1], bytes(10**6))"""),
    ("sparse file", "have a file of a terabyte", "disk", """
with open('f', 'wb') as f: f.truncate(10**12)""", DISK),
    ("open files", "use up all descriptors", "crash", """
kept = []
while True: kept.append(open('/dev/null'))""", {"detail": "Too many open files"}),
    ("printing", "print a gigabyte", "output", "for _ in range(10**6): print('x' * 1000)",
     AGAIN | {"detail": r"printed more than .* KB"}),
    ("answer of a gigabyte", "have it all sent", "output memory", "return 'x' * 10**9"),
    ("answer of ten megabytes", "have it all sent", "output", "return 'x' * 10**7"),
    ("recursion", "go deeper and deeper", "crash", "return forward(self, taskInfo)",
     {"detail": "RecursionError"}),
    ("recursion without a limit", "go through the stack", "crash memory cpu", """
import sys
sys.setrecursionlimit(10**9)
def deeper(n): return deeper(n + 1) + 1
return str(deeper(0))""", AGAIN),
    ("recursion in C", "go through the stack where no limit counts", "crash memory cpu", """
import sys
sys.setrecursionlimit(10**9)
x = ()
for i in range(10**6): x = (x,)
return repr(x)"""),
    ("recursion in the parser", "break whoever compiles it", "crash memory cpu",
     "return str(eval('(' * 10**5 + ')' * 10**5))"),
    ("the whole budget", "call models for ever", "calls", """
while True: LLMAgentBase(['answer'], 'asker')([taskInfo], 'More.')[0].content""",
     {"detail": r"more than .* LLM calls"}),
    ("the whole budget at once", "have a thousand calls in flight", "calls", """
for i in range(1000): LLMAgentBase(['answer'], f'asker {i}')([taskInfo], 'More.')
return 'done'"""),
    ("the whole budget in a map", "call models from many threads", "calls", """
ask = lambda i: LLMAgentBase(['answer'], f'asker {i}')([taskInfo], 'More.')[0].content
return str(self.map(ask, range(1000)))"""),
    ("calls from threads of its own", "call where nobody counts", "crash", """
from concurrent.futures import ThreadPoolExecutor
ask = lambda i: LLMAgentBase(['answer'], 'asker')([taskInfo], 'More.')[0].content
with ThreadPoolExecutor(4) as pool: return str(list(pool.map(ask, range(100))))"""),
    ("a dearer model", "choose what the run pays for", "ok", """
asker = LLMAgentBase(['answer'], 'asker', model='openai/o1-pro', temperature=99.0, max_tokens=10**6)
return asker([taskInfo], 'More.')[0]"""),
    ("prompt of 50 MB", "have the endpoint read all that", "context memory", """
return LLMAgentBase(['answer'], 'asker')([taskInfo], 'x' * 50 * 10**6)[0]"""),
    ("fifty prompts of 1 MB", "have the endpoint read all that, piece by piece", "output memory calls", """
for i in range(50): LLMAgentBase(['answer'], f'asker {i}')([taskInfo], 'x' * 10**6)
return 'done'"""),
    ("demonstrations of 50 MB", "have them sent with every call", "context memory cpu", """
shown = [('q' * 10**5, 'r' * 10**5)] * 250
return LLMAgentBase(['answer'], 'asker', demonstrations=shown)([taskInfo], '')[0]"""),
    ("ten thousand fields", "have a schema of megabytes sent", "refused context", """
return LLMAgentBase([f'field {i}' for i in range(10**4)], 'asker')([taskInfo], '')[0]"""),
    ("programs for ever", "spend in programs what the item may not", "cpu", """
while True: self.run_python('while True: pass', 60)"""),
    ("a program that sleeps", "wait in a program where its own clock would not see it", "timeout",
     "return self.run_python('import time; time.sleep(10**6)', 10**6)", {"waits": True}),
    ("a thousand programs at once", "have more processes than there are", "refused", """
for i in range(1000):
    self._scheduler.channel.send({'op': 'python', 'id': 1000 + i, 'code': 'while True: pass', 'timeout': 60})
import time
time.sleep(10**6)""", {"detail": "programs at a time"}),
])  # fmt: skip
