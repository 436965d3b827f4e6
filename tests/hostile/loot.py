"""Agents that look for keys, targets and other items within their own process."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

AGAIN = {"again": True}

# Random numbers as reasoning-gym draws them, with what the process knows of seed and item.
REGENERATE = """
import sys, hashlib, random
frame, job = sys._getframe(), {}
while frame is not None:
    for value in frame.f_locals.values():
        if isinstance(value, dict) and 'question' in value: job = value
    frame = frame.f_back
known = [job.get('seed'), job.get('item'), job.get('repeat'), getattr(self._scheduler, 'seed', None)]
numbers = [n for n in known if isinstance(n, int)]
drawn = []
for seed in {m for n in numbers for m in (n, n // 1009, n - n % 1009)}:
    for split in ('examples', 'train', 'validation', 'test'):
        digest = hashlib.sha256(f'{seed}/{split}/count_bits'.encode()).digest()
        drawn.append(random.Random(int.from_bytes(digest[:6])).randint(1, 2**31 - 1))
return f'{known} {drawn}'"""

ATTACKS = attacks("loot", [
    ("own environment", "read keys", "ok", """
import ctypes, os
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
names = (b'HOSTILE_API_KEY', b'OPENAI_API_KEY')
return str(dict(os.environ)) + str([libc.getenv(name) for name in names])""",
     AGAIN),
    ("environment as the kernel gave it", "read keys that were deleted since", "refused crash",
     "return 'ESCAPED' + open('/proc/self/environ').read()"),
    ("environment on the stack", "read keys beyond the end of environ", "ok crash", """
import ctypes
end = ctypes.c_void_p.in_dll(ctypes.CDLL(None), '__libc_stack_end').value
return ctypes.string_at(end, 4096).decode('latin-1')"""),
    ("map of its memory", "learn where to look", "refused crash",
     "return 'ESCAPED' + open('/proc/self/maps').read()"),
    ("memory page by page", "find keys, targets or other items in what the process has mapped", "ok", """
import ctypes, os
libc = ctypes.CDLL(None)
libc.sbrk.restype = ctypes.c_void_p
reader, writer = os.pipe()  # writing from a page that is not there fails, and harms nobody
places = {(id(o) >> 24) - n for o in ('x', object(), [], self, forward) for n in range(-1, 2)}
places.add((libc.sbrk(0) >> 24) - 1)
found, prefix = set(), b'-'.join([b'sk', b'canary'])
for page in (n for place in places for n in range(place << 24, (place + 1) << 24, 4096)):
    if libc.write(writer, ctypes.c_void_p(page), ctypes.c_size_t(4096)) == 4096:
        text = os.read(reader, 4096)
        if prefix in text: found.add(text[text.find(prefix):][:60].decode('latin-1'))
return str(found)""", {"kinds": frozenset({"ok", "cpu"})}),
    ("the garbage collector", "find what the process knows", "ok", """
import gc
kept = [o for o in gc.get_objects() if isinstance(o, (dict, list, tuple, set))]
words = [w for o in kept for w in (o.values() if isinstance(o, dict) else o) if isinstance(w, str)]
return ' '.join(w for w in words if 'canary' in w and 'def forward' not in w)""", AGAIN),
    ("strings of the garbage collector", "find the fields of the job", "ok", """
import gc
jobs = [o for o in gc.get_objects() if isinstance(o, dict) and 'question' in o and 'source' in o]
return str([{k: v for k, v in job.items() if k != 'source'} for job in jobs])"""),
    ("frames", "find targets in the callers' variables", "ok", """
import re, sys
frame, found = sys._getframe(), set()
while frame is not None:
    found |= set(re.findall(r"[\\w-]*(?:canary|hostile)[\\w-]*|\\d{9,}", repr(list(frame.f_locals.values()))))
    frame = frame.f_back
return ' '.join(found)""", AGAIN),
    ("frames of all threads", "find targets in other threads", "ok", """
import re, sys
text = repr([frame.f_locals for frame in sys._current_frames().values()])
return ' '.join(set(re.findall(r"[\\w-]*(?:canary|hostile)[\\w-]*|\\d{9,}", text)))"""),
    ("globals of the callers", "find what the house has imported", "ok", """
import sys
frame, names = sys._getframe(), set()
while frame is not None:
    names |= set(frame.f_globals)
    frame = frame.f_back
wrong = names & {'Item', 'ReasoningDomain', 'Gateway', 'SandboxConfig', 'ray', 'litellm'}
return f'ESCAPED {wrong}' if wrong else 'none'"""),
    ("modules", "find the engine among what is loaded", "ok", """
import sys
wrong = [n for n in sys.modules if n.partition('.')[0] in
         ('meta_search', 'archive', 'domains', 'conf', 'ray', 'litellm', 'reasoning_gym', 'pytest', 'optuna')]
return f'ESCAPED {wrong}' if wrong else 'none'""", AGAIN),
    ("modules by gc", "find modules that were taken out of sys.modules", "ok", """
import gc, types
seen = [m for m in gc.get_objects() if isinstance(m, types.ModuleType)]
text = ' '.join(str(vars(m).get('config', '')) + str(vars(m).get('job', '')) for m in seen)
return text if 'canary' in text else 'none'"""),
    ("the engine", "import the engine", "crash", "import meta_search.run.runner\nreturn 'ESCAPED'", AGAIN),
    ("regenerating by library", "make the items anew", "crash", """
import reasoning_gym
return 'ESCAPED' + str(reasoning_gym.create_dataset('count_bits', seed=0, size=9)[0])""", AGAIN),
    ("regenerating by hand", "make the items anew from the seed that the process knows", "ok", REGENERATE),
    ("other descriptors", "read what the house has open", "ok", """
import os
open_ones = []
for n in range(4, 256):
    try: os.fstat(n)
    except OSError: continue
    open_ones.append(n)
return f'ESCAPED {open_ones}' if open_ones else 'none'""", AGAIN),
    ("options of the command line", "read what the process was started with", "ok", """
import sys
return 'ESCAPED' if len(sys.argv) > 1 else 'none'"""),
    ("other answers", "find what an earlier item was told", "ok", """
import gc
texts = [o for o in gc.get_referrers(str) + gc.get_objects() if isinstance(o, (list, tuple))]
return str([t for t in texts if 'neighbour' in str(t)[:10**4]][:3]).replace('@SELF@', '')"""),
    ("import hook", "be asked for everything that is imported", "ok", """
import builtins, sys
seen, real = [], builtins.__import__
def spy(name, *more, **named):
    seen.append(name)
    return real(name, *more, **named)
builtins.__import__ = spy
class Finder:
    def find_spec(self, name, path=None, target=None): seen.append(name)
sys.meta_path.insert(0, Finder())
LLMAgentBase(['answer'], 'asker')([taskInfo], 'Solve.')[0].content
return ' '.join(seen)"""),
    ("trace of the house", "watch the runtime at work", "ok", """
import sys
seen = []
def spy(frame, event, argument):
    try: seen.append(str(frame.f_locals)[:999] if frame.f_code.co_filename != 'agent.py' else '')
    except Exception: pass
    return spy
sys.settrace(spy); sys.setprofile(spy)
LLMAgentBase(['answer'], 'asker')([taskInfo], 'Solve.')[0].content
sys.settrace(None); sys.setprofile(None)
return ' '.join(seen)[:10**4]""", {"kinds": frozenset({"ok", "output", "cpu"})}),
    ("audit hook", "be told of every file that is opened", "ok", """
import sys
seen = []
sys.addaudithook(lambda event, arguments: seen.append(f'{event} {arguments}') if len(seen) < 50 else None)
LLMAgentBase(['answer'], 'asker')([taskInfo], 'Solve.')[0].content
return ' '.join(seen)[:10**4]"""),
    ("logging", "have the house log what it knows", "ok", """
import logging
class Handler(logging.Handler):
    def emit(self, record): seen.append(record.getMessage())
seen = []
logging.getLogger().addHandler(Handler()); logging.getLogger().setLevel(1)
LLMAgentBase(['answer'], 'asker')([taskInfo], 'Solve.')[0].content
return ' '.join(seen)"""),
])  # fmt: skip
