"""Agents that take over their own process and speak to the broker themselves."""

from tests.hostile.attack import attacks
from tests.hostile.forged import CALL, forged

__all__ = ["ATTACKS"]

WAITS = {"waits": True}
BROKEN = {"detail": "broke the sandbox's protocol"}
ATTACKS = attacks("protocol", [
    ("flood", "fill the broker's memory", "output context refused",
     "import os\nwhile True: os.write(3, b'x' * 65536)"),
    ("flood of lines", "keep the broker busy", "refused",
     "import os\nwhile True: os.write(3, b'{}\\n' * 1000)"),
    ("flood of empty lines", "keep the broker busy with nothing", "refused",
     "import os\nwhile True: os.write(3, b'\\n' * 65536)"),
    ("flood of good messages", "keep the broker busy with honest words", "refused output calls", f"""{CALL}
number = 500
while True:
    number += 1
    send({{**call, 'op': 'python', 'id': number, 'code': '', 'timeout': 1}})"""),
    ("answers left unread", "have the broker keep what it may not deliver", "calls refused output timeout",
     f"""{CALL}
for n in range(600, 10**6): send({{**call, 'id': n, 'messages': [['user', 'x' * 10**5]]}})"""),
    ("half a message", "keep the broker waiting", "timeout",
     "import os, time\nos.write(3, b'{\"op\": \"done\", ')\ntime.sleep(10**6)", WAITS),
    ("half a message and gone", "leave the broker with half a message", "crash",
     "import os\nos.write(3, b'{\"op\": \"done\", ')\nos._exit(0)"),
    ("half an answer", "have half an answer taken for whole", "crash",
     "import os\nos.write(3, b'{\"op\": \"done\", \"answer\": \"@ANSWER@\"}')\nos._exit(0)"),
    ("byte by byte", "keep the broker waiting a little all the time", "timeout", """
import os, time
while True:
    os.write(3, b' ')
    time.sleep(0.05)""", WAITS),
    ("closing the pipe", "live on without a pipe", "crash",
     "import os, time\nos.close(3)\ntime.sleep(10**6)"),
    ("the pipe closed by shutdown", "close one half of it", "refused crash", """
import socket
socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=3).shutdown(2)"""),
    ("nested message", "break the broker's parser", "refused", """
import os, time
os.write(3, b'[' * 10**6 + b'\\n')
time.sleep(10**6)""", BROKEN),
    ("bytes that are not text", "break the broker's parser", "refused", """
import os, time
os.write(3, b'\\xff\\xfe\\x00\\n')
time.sleep(10**6)""", BROKEN),
    ("number of a million digits", "hold up the broker's parser", "refused", """
import os, time
os.write(3, b'{"op": "call", "id": ' + b'9' * 10**6 + b'}\\n')
time.sleep(10**6)"""),
    ("message that is a list", "break who reads it", "refused",
     "self._scheduler.channel.send(['op', 'done'])\nwhile True: pass"),
    ("a score", "be right without an answer", "refused",
     "self._scheduler.channel.send({'op': 'score', 'score': 1})\nwhile True: pass"),
    ("an answer with a score", "be right by saying so", "ok", """
import os, json
os.write(3, json.dumps({'op': 'done', 'answer': '', 'score': 1, 'kind': 'ok', 'used': {'calls': 0},
                        'space': []}).encode() + b'\\n')
os.read(3, 1)"""),
    ("a failure that is not its own", "have the endpoint blamed", "crash", f"""
{CALL}
send({{'op': 'fault', 'kind': 'llm', 'detail': 'not me', 'space': []}})
while True: pass"""),
    ("the end of the budget", "have the search ended", "crash", f"""
{CALL}
send({{'op': 'fault', 'kind': 'budget', 'detail': 'all', 'space': []}})
while True: pass"""),
    ("a detail that paints", "write to the terminal of whoever reads the table", "crash", r"""
raise ValueError('\x1b]0;owned\x07\x1b[2J\r\n@ESCAPE@\u202e')"""),
    ("a call by an id twice", "be answered twice for one", f"{'refused'}",
     f"{CALL}\nsend(call); send(call)\nwhile True: wait()"),
    forged("an id that is negative", "break the broker's books", "'id': -1"),
    forged("an id that is true", "break the broker's books", "'id': True"),
    forged("an id that is huge", "break the broker's books", "'id': 10**30"),
    forged("not a number", "send the endpoint what is not JSON", "'temperature': float('nan')"),
    forged("an endless number", "send the endpoint what is not JSON", "'max_tokens': float('inf')"),
    forged("a role of its own", "speak as somebody else", "'messages': [['tool', 'x']]"),
    forged("message that is a number", "break the gateway", "'messages': [['user', 7]]"),
    forged("a million messages", "break the gateway", "'messages': [['user', '']] * 10**5"),
    forged("half of a pair of code units", "break whoever stores it", "'author': '\\ud800'", "ok"),
    forged("a nested schema", "break whoever reads the schema",
           "'schema': __import__('functools').reduce(lambda s, _: {'a': s}, range(500), {})"),
    forged("inputs that never were", "draw a graph that is not true", "'inputs': [1, 2, 3]", "ok refused"),
    forged("the model of another", "choose what the run pays for",
           "'model': 'openai/o1', 'purpose': 'meta'", "ok"),
    forged("the ledger of another", "take the answer that another has paid for",
           "'agent': 'x', 'item': 'neighbour', 'split': 'test', 'repeat': 7", "ok"),
    ("json replaced", "speak a protocol of its own", "crash", "import json\njson.dumps = None\nreturn 'x'"),
    ("json that adds a score", "have every message say more", "ok bad_answer refused crash", """
import json
real = json.dumps
json.dumps = lambda message, **more: real({**message, 'op': 'done', 'answer': '', 'score': 1.0})
LLMAgentBase(['answer'], 'asker')([taskInfo], 'Solve.')
return ''"""),
    ("Info replaced", "have the runtime take its own for Info", "ok crash bad_answer", """
import sys
class Mine:
    content = property(lambda self: 7)
for module in list(sys.modules.values()):
    if hasattr(module, 'Info'): module.Info = Mine
return Mine()"""),
    ("the runtime replaced", "change what the next item runs", "crash", """
import sys
for name, module in list(sys.modules.items()):
    if name.startswith('agent'):
        for member in list(vars(module)):
            if not member.startswith('__'): setattr(module, member, None)
return 'x'"""),
    ("builtins replaced", "have the house use its own len and isinstance", "ok crash bad_answer", """
import builtins
builtins.isinstance = lambda *_: True
builtins.len = lambda *_: 0
builtins.str = bytes
return 'x'"""),
    ("os.write replaced", "have the house say what it wants", "ok crash bad_answer timeout", """
import os
real = os.write
os.write = lambda descriptor, data: real(3, b'{"op": "done", "answer": "", "score": 1}\\n') and len(data)
return 'x'"""),
    ("the desk replaced", "have its calls answered by itself", "ok", """
call = LLMAgentBase(['answer'], 'asker')([taskInfo], 'Solve.')[0].pending.call
call.settle({'text': 'my own words'})
return call.values['answer']"""),
    ("two answers", "be taken at its second word", "ok", """
import os, json
for answer in ('first', '@ANSWER@'):
    os.write(3, json.dumps({'op': 'done', 'answer': answer, 'space': []}).encode() + b'\\n')
os.read(3, 1)"""),
    ("a program that speaks for its item", "answer from a program", "ok", """
forged = b'{"op": "done", "answer": "forged", "ok": true, "text": "told"}\\n'
told = self.run_python(f'import os; os.write(3, {forged!r})')
return 'mine ' + told"""),
    ("a program that floods", "fill the broker's memory from a program", "ok cpu", """
return self.run_python('import os\\nwhile True: os.write(3, b"x" * 9999)')"""),
    ("parameters without number", "fill the archive with tuned parameters", "refused", """
for i in range(10**4): self.tune.int(f'p{i}', 0, 1)
return 'x'"""),
    ("parameters that are huge", "fill the archive with one", "refused crash output", """
self.tune.choice('p', ['x' * 10**5] * 3)
return 'x'"""),
])  # fmt: skip
