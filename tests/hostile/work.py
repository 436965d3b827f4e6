"""Agents that have others work for them, in loops: what they cost may not pass the item's limits by much."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

ASK = """
def ask(n, a='', kind='math'):
    question = {'op': 'equal', 'kind': kind, 'a': a or f'(x+{n})^9', 'b': f'x^9+{n}', 'threshold': 0.9}
    return self._scheduler.ask(question)"""
TOWERS = "f'factorial({20000 + n})*x'"
SPENT = "cpu timeout"
HOLDS = """
import mmap, time
held = mmap.mmap(-1, 100 << 20)
for page in range(0, 100 << 20, 4096): held[page] = 1
"""

ATTACKS = attacks("work", [
    ("comparisons for ever", "have parsers work that its own clock does not see", SPENT, f"""{ASK}
n = 0
while True: ask(n := n + 1)"""),
    ("hard comparisons for ever", "have each take all it may", SPENT, f"""{ASK}
n = 0
while True:
    n += 1
    ask(n, {TOWERS})"""),
    ("comparisons in a map", "have many take turns", SPENT, f"""{ASK}
return str(self.map(lambda n: [ask(1000 * n + m) for m in range(500)], range(16)))"""),
    ("comparisons of texts", "have texts compared without end", SPENT, f"""{ASK}
n = 0
while True:
    n += 1
    ask(n, 'ab ' * 1300, 'text')"""),
    ("comparisons left behind", "have the work done after its own end", "ok", """
for n in range(60):
    question = {'op': 'equal', 'kind': 'math', 'a': f'factorial({20000 + n})*x', 'b': '7', 'threshold': 0.9}
    self._scheduler.channel.send({**question, 'id': 1000 + n})
return 'gone'""", {"lingers": True}),
    ("empty programs for ever", "have processes forked, which cost it little", SPENT,
     "while True: self.run_python('')"),
    ("programs that run over", "have each begin once more", SPENT,
     "while True: self.run_python('while True: pass', 0.1)"),
    ("programs in a map", "have many take turns", SPENT, """
def some(n):
    while True: self.run_python('')
return str(self.map(some, range(16)))"""),
    ("programs that print", "have the broker read without end", SPENT,
     "while True: self.run_python('print(\"x\" * 10**4)')"),
    ("a program beside its item", "compute twice as much as an item may", "cpu", """
def compute(n):
    if n == 0: return self.run_python('while True: pass', 9)
    while True: pass
return str(self.map(compute, range(2)))"""),
    ("a message byte by byte", "have the broker woken for each", SPENT, """
import os
os.write(3, b'{"op": "equal", "a": "')
while True: os.write(3, b'x')"""),
    ("programs byte by byte", "have the broker woken for each", SPENT, """
while True: self.run_python('import os\\nwhile True: os.write(3, b"x")', 9)"""),
    ("memory that is shared", "hold twice what an item and its programs may hold", "memory", f"""
held = {HOLDS!r}
exec(held)
return self.run_python(held + 'time.sleep(1)', 9)"""),
    ("messages of many parts", "have the broker build a million objects", "refused", """
import os
more = '"more": [' + ','.join(['{}'] * 500_000) + ']'
line = '{"op": "equal", "kind": "math", "a": "1", "b": "1", "threshold": 1, "id": %d, ' + more + '}\\n'
for n in range(1000):
    data = memoryview((line % (500 + n)).encode())
    while data: data = data[os.write(3, data):]
return 'done'"""),
])  # fmt: skip
