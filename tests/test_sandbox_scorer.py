"""Scorers in confined children: what an answer tries against a scorer that trusts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from domains.domain import Item
from meta_search.config import SandboxConfig
from meta_search.errors import DomainError, SandboxError
from meta_search.sandbox.trusted.layers import LAYERS
from meta_search.sandbox.trusted.scorer import MAX_ANSWER, ConfinedScorer, Scored
from meta_search.text import MOST_PASSAGE
from tests.kits.processes import children_of, gone, until

ITEM = Item("i1", "2 + 2 = ?", "4", "sum", {"secret": "own-target"})
LIMITS = SandboxConfig(wall_s=20.0, cpu_s=0.5, memory_mb=128, disk_mb=4, output_kb=8)
NAIVE = """
from domains.domain import Score
def score(item, answer):
    value = eval(answer)
    return value if isinstance(value, Score) else value == 4
"""
KEY = "sk-key-of-the-driver"
OS = "__import__('os')"
VALUE = OS + """.write(3, b'{"op": "score", "value": @, "feedback": ""}\\n')"""

# What an answer tries against `eval(answer)` -> (the answer, what the note must hold; a score of 0 always).
ATTEMPTS: dict[str, tuple[str, str]] = {
    "a shell": (f"{OS}.system('touch @OUT@/shell')", ""),
    "a program": (f"{OS}.execv('/bin/sh', ['sh', '-c', 'touch @OUT@/exec'])", "PermissionError"),
    "a file outside": ("open('@OUT@/file', 'w')", "PermissionError|FileNotFoundError"),
    "a link outside": (f"{OS}.symlink('/etc/passwd', '@OUT@/link')", "Error"),
    "a file to read": ("open('/etc/passwd').read()", "PermissionError|FileNotFoundError"),
    "the domain's own file": ("open('@FILE@').read()", "PermissionError|FileNotFoundError"),
    "a bomb on disk": ("[open(str(i), 'wb').write(bytes(10**6)) for i in range(99)]", "wrote|Errno 28"),
    "an endless loop": ("[0 for _ in iter(int, 1) if False]", "0.5 s of CPU"),
    "one huge power": ("len(str(10**10**8))", "CPU|Memory"),
    "a regular expression that never ends": (
        "__import__('re').match('(a+)+$', 'a' * 40 + 'b')",
        "0.5 s of CPU",
    ),
    "a bomb in memory": ("'x' * 10**10", "MemoryError"),
    "a bomb in memory, bit by bit": ("[bytes(10**6) for _ in iter(int, 1)]", "Memory|CPU"),
    "nesting": ("(" * 5000 + ")" * 5000, "SyntaxError|MemoryError|RecursionError"),
    "minus signs": ("-" * 50_000 + "4", "RecursionError|MemoryError|SIGSEGV|CPU"),
    "deep recursion": ("(lambda f: f(f))(lambda f: f(f))", "RecursionError"),
    "recursion in C": (
        "__import__('sys').setrecursionlimit(10**9) or repr(__import__('functools').reduce("
        "lambda a, _: [a], range(10**6), []))",
        "SIGSEGV|Memory|Recursion|CPU",
    ),
    "a fork": (f"{OS}.fork()", "PermissionError"),
    "a thread bomb": (
        "[__import__('threading').Thread(target=__import__('time').sleep, args=(99,), daemon=True).start() "
        "for _ in iter(int, 1)]",
        "thread|Memory|CPU",
    ),
    "a socket": ("__import__('socket').socket()", "PermissionError"),
    "a signal to the scorer's process": (f"{OS}.kill({OS}.getppid(), 9)", "PermissionError"),
    "a signal to all": (f"{OS}.kill(-1, 9)", "PermissionError"),
    "a trace of the scorer's process": (
        "__import__('ctypes').CDLL(None).ptrace(16, __import__('os').getppid(), 0, 0)",
        "forbids",
    ),
    "memory of the scorer's process": (f"open(f'/proc/{{{OS}.getppid()}}/mem', 'rb')", "Error"),
    "environment of the scorer's process": (f"open(f'/proc/{{{OS}.getppid()}}/environ', 'rb')", "Error"),
    "the end": ("exit()", "SystemExit"),
    "a sudden end": (f"{OS}._exit(0)", "ended before its time"),
    "an abort": (f"{OS}.abort()", "SIGABRT|SIGSEGV"),
    "an exception that is no Exception": (
        "(_ for _ in ()).throw(BaseException('x' * 9999 + '\\n' * 99))",
        "BaseException",
    ),
    "endless printing": ("[print('x' * 1000) for _ in iter(int, 1)]", "printed more than 8 KB"),
    "a closed pipe": (f"{OS}.close(3) or {OS}.read(0, 1) or __import__('time').sleep(99)", ""),
    "a flood": (f"[{OS}.write(3, b'x' * 10**6) for _ in iter(int, 1)]", "protocol"),
    "half a message": (f"{OS}.write(3, b'{{\"op\": \"sc') and {OS}._exit(0)", "ended before its time"),
    "words that mean nothing": (f"{OS}.write(3, b'null\\n') and 4", "protocol"),
    "deep JSON": (f"{OS}.write(3, b'[' * 100_000 + b'\\n') and 4", "protocol"),
    "programs without a program": (f"{OS}.write(3, b'{{\"op\": \"python\"}}\\n') and 4", "protocol"),
    "a score of NaN": (VALUE.replace("@", "NaN"), "protocol"),
    "a score of 1e999": (VALUE.replace("@", "1e999"), "protocol"),
    "a score of two": (VALUE.replace("@", "2"), "protocol"),
    "a score of true": (VALUE.replace("@", "true"), "protocol"),
    "a score that is no number": ("Score('1')", "TypeError"),
    "text": ("the answer is 4", "SyntaxError"),
    "NUL": ("4\x00", "Error"),
    "half a character": ("\ud800", "Error"),
    "digits of another script": ("٤", "SyntaxError"),
    "ten megabytes": ("4" + " " * 10**7, "more than 1048576"),
}  # fmt: skip


def scorer_of(folder: Path, source: str, limits: SandboxConfig = LIMITS, **more: object) -> ConfinedScorer:
    path = folder / "mine.py"
    assert not path.exists()
    path.write_text(source)
    return ConfinedScorer("domains.user_file:make_scorer", {"path": str(path)}, limits, **more)  # type: ignore[arg-type]


def process(scorer: ConfinedScorer) -> int:
    assert scorer._scorer is not None
    return scorer._scorer._process.pid


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scorer")


@pytest.fixture(scope="module")
def naive(folder: Path) -> Iterator[ConfinedScorer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", KEY)
        scorer = scorer_of(folder, NAIVE)
        yield scorer
        scorer.close()


def test_what_its_factory_is_given_may_be_long() -> None:
    with pytest.raises(DomainError, match="itemgetter"):  # it takes no keywords: that far it came
        ConfinedScorer("operator:itemgetter", {"x": "y" * 300_000}, LIMITS)


def test_right_wrong_and_graded(naive: ConfinedScorer) -> None:
    assert naive.score(ITEM, "2 + 2") == Scored(1.0)
    assert naive.score(ITEM, "5") == Scored(0.0)
    assert naive.score(ITEM, "Score(0.25, 'so so')") == Scored(0.25, "so so")


def test_feedback_comes_through_the_pipe_printable_and_bounded(naive: ConfinedScorer) -> None:
    said = naive.score(ITEM, "Score(0.5, 'two\\r\\nlines\\x1b[2J \\x00\\ud800' + 'x' * 10**7 + ' end')")
    assert said.value == 0.5
    assert said.feedback.startswith("two\nlines ??xxx")
    assert re.search(r"x\n\[… 9,996,02\d characters left out …\]\nx+ end$", said.feedback)
    assert len(said.feedback) <= MOST_PASSAGE
    sent = f'{OS}.write(3, b\'{{"op": "score", "value": 0, "feedback": "\' + b\'x\' * 10**7 + b\'"}}\\n\')'
    assert naive.score(ITEM, sent).feedback == "the scorer's child broke the protocol"
    assert naive.score(ITEM, "Score(0, {'missing': ['n']})").feedback == "{'missing': ['n']}"
    assert naive.score(ITEM, "Score(0, note='as files said it before')").feedback == "as files said it before"


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_what_an_answer_does_costs_it_its_score_and_nothing_else(
    naive: ConfinedScorer, tmp_path: Path, folder: Path, attempt: str
) -> None:
    answer, note = ATTEMPTS[attempt]
    tmp_path.chmod(0o777)
    answer = answer.replace("@OUT@", str(tmp_path)).replace("@FILE@", str(folder / "mine.py"))
    before = process(naive)
    scored = naive.score(ITEM, answer)
    assert scored.value == 0.0
    assert re.search(note, scored.feedback), scored.feedback
    assert len(scored.feedback) <= 500
    assert scored.feedback.isprintable()
    assert list(tmp_path.iterdir()) == []
    assert process(naive) == before
    assert children_of(before) == []
    assert naive.score(ITEM, "4").value == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        "__import__('time').sleep(999)",
        f"[__import__('signal').signal(s, 1) for s in (15, 24)] and {OS}.read(3, 1)",
        "__import__('threading').Lock().acquire() and __import__('threading').Barrier(2).wait()",
    ],
)
def test_what_waits_for_ever_is_ended(tmp_path: Path, answer: str) -> None:
    scorer = scorer_of(tmp_path, NAIVE, SandboxConfig(wall_s=0.3))
    try:
        assert scorer.score(ITEM, answer) == Scored(0.0, "scoring took longer than 0.3 s", failed=True)
        assert children_of(process(scorer)) == []
    finally:
        scorer.close()


def test_there_is_no_key_to_be_found(naive: ConfinedScorer) -> None:
    look = "Score(0, repr(dict(__import__('os').environ)) + repr(__import__('sys').argv))"
    assert naive.score(ITEM, look).feedback == "{}['-c']"
    assert KEY.encode() not in Path(f"/proc/{process(naive)}/environ").read_bytes()
    assert b"sk-" not in Path(f"/proc/{process(naive)}/cmdline").read_bytes()


SEEK = """
import gc, re, sys
seen, found, todo = set(), set(), [*gc.get_objects(), *sys.modules.values(), globals()]
while todo:
    thing = todo.pop()
    if id(thing) in seen: continue
    seen.add(id(thing))
    if type(thing) is str and re.fullmatch('[a-z]+-target-[0-9]', thing): found.add(thing)
    if type(thing) not in (str, bytes): todo += gc.get_referents(thing)
print(sorted(found))
"""


def test_an_item_is_all_that_a_child_knows(tmp_path: Path) -> None:
    source = """
from domains.domain import Item
def items(split):
    return [Item(f"{split}{n}", f"{split} {n}", f"other-{'target'}-{n}") for n in range(9)]
def score(item, answer):
    import contextlib, io
    from domains.domain import Score
    with contextlib.redirect_stdout(io.StringIO()) as paper:
        exec(answer, {})
    return Score(0.0, paper.getvalue())
"""
    scorer = scorer_of(tmp_path, source, SandboxConfig(cpu_s=5))
    item = Item("i1", "?", "own-target-7")
    try:
        assert scorer.score(item, SEEK).feedback == "['own-target-7']"
    finally:
        scorer.close()


RUNS = """
from domains.domain import Score
def score(item, answer, run):
    ok, printed = run(answer, item.data.get("stdin", ""), item.data.get("timeout", 1))
    return Score(float(ok and printed.strip() == item.target), f"{ok} {printed}")
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfinedScorer]:
    scorer = scorer_of(tmp_path_factory.mktemp("runs"), RUNS)
    yield scorer
    scorer.close()


def program(target: str, **data: object) -> Item:
    return Item("i1", "?", target, "", data)


@pytest.mark.parametrize(
    ("code", "item", "scored"),
    [
        ("print(2 + 2)", program("4"), Scored(1.0, "True 4 ")),
        ("print(int(input()) ** 2)", program("49", stdin="7\n"), Scored(1.0, "True 49 ")),
        ("import sys\nprint(len(sys.stdin.buffer.read()))", program("3", stdin="äb"), Scored(1.0, "True 3 ")),
        ("print(1 / 0)", program("4"), Scored(0.0, "False ZeroDivisionError: division by zero")),
        ("while True: pass", program("4", timeout=20), Scored(0.0, "False used more than 0.5 s of CPU")),
        (
            "import time\nprint('4', flush=True)\ntime.sleep(9)",
            program("4", timeout=0.1),
            Scored(0.0, "False TimeoutError: the program ran longer than 0.1 s"),
        ),
        ("import os\nos._exit(0)", program(""), Scored(0.0, "False ended before its time")),
        ("import os\nos.write(3, b'x' * 10**7)", program("4"), Scored(0.0, "False the program broke the")),
        ("import socket\nsocket.socket()", program("4"), Scored(0.0, "False PermissionError: [Errno 1]")),
    ],
)
def test_programs_of_an_answer(runs: ConfinedScorer, code: str, item: Item, scored: Scored) -> None:
    found = runs.score(item, code)
    assert found.value == scored.value
    assert found.feedback.startswith(scored.feedback.strip())
    assert not found.failed


def test_a_program_knows_neither_target_nor_the_way_to_its_scorer(runs: ConfinedScorer) -> None:
    item = program("own-target-7")
    assert runs.score(item, SEEK).feedback == "True []"
    forged = """
import os
os.write(3, b'{"op": "score", "value": 1, "feedback": "forged"}\\n')
"""
    assert runs.score(item, forged).value == 0.0
    assert runs.score(item, "import json\njson.dumps = lambda *a: 1 / 0\nprint(1)").value == 0.0
    # What it says that it printed is no more than printing it.
    said = """import os\nos.write(3, b'{"ok": true, "text": "guess"}\\n')"""
    assert runs.score(item, said) == Scored(0.0, "True guess")


@pytest.mark.slow
def test_programs_without_end_are_not_run(tmp_path: Path) -> None:
    source = "def score(item, answer, run):\n    while run('print(1)')[0]: pass\n    return 1\n"
    scorer = scorer_of(tmp_path, source, SandboxConfig(wall_s=30))
    try:
        assert scorer.score(ITEM, "x").feedback == "the scorer's child broke the protocol"
    finally:
        scorer.close()


def test_from_many_threads_and_after_a_death(naive: ConfinedScorer) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = ["2 + 2", "5", "1 / 0"] * 8
        values = list(pool.map(lambda answer: naive.score(ITEM, answer).value, answers))
    assert values == [1.0, 0.0, 0.0] * 8
    before = process(naive)
    os.kill(before, signal.SIGKILL)
    assert naive.score(ITEM, "4").value == 1.0
    assert process(naive) != before


def test_a_death_under_every_try_is_a_score_and_no_error(tmp_path: Path) -> None:
    scorer = scorer_of(tmp_path, "import time\ndef score(item, answer): time.sleep(99)\n")
    try:
        ended = threading.Event()

        def kill() -> None:
            while not ended.is_set():
                pid = process(scorer)
                if not gone(pid) and children_of(pid):
                    os.kill(pid, signal.SIGKILL)
                ended.wait(0.005)

        killer = threading.Thread(target=kill)
        killer.start()
        scored = scorer.score(ITEM, "4")
        ended.set()
        killer.join()
        assert scored == Scored(0.0, "the scorer's process died 3 times under this answer", failed=True)
    finally:
        scorer.close()


def test_closing_leaves_nothing_and_may_come_twice(tmp_path: Path) -> None:
    threads = threading.active_count()
    scorer = scorer_of(tmp_path, RUNS)
    assert scorer.score(program("4"), "print(4)").value == 1.0
    assert scorer._scorer is not None
    assert scorer._programs is not None
    zygotes = (scorer._scorer, scorer._programs)
    assert all(Path(zygote._work).exists() for zygote in zygotes)
    scorer.close()
    scorer.close()
    assert all(gone(zygote._process.pid) for zygote in zygotes)
    assert not any(Path(zygote._work).exists() for zygote in zygotes)
    assert threading.active_count() == threads
    with pytest.raises(SandboxError, match="closed"):
        scorer.score(ITEM, "4")


def test_it_dies_with_its_parent_even_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import time\ndef score(item, answer): time.sleep(99)\n")
    code = """
import sys, threading
from meta_search.config import SandboxConfig
from meta_search.sandbox.trusted.scorer import ConfinedScorer
scorer = ConfinedScorer("domains.user_file:make_scorer", {"path": sys.argv[1]}, SandboxConfig())
threading.Thread(target=scorer.score, args=("item", "4"), daemon=True).start()
print(scorer._scorer._process.pid, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "mine.py")],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert until(lambda: bool(children_of(pid)))
    (child,) = children_of(pid)
    parent.kill()
    parent.communicate()
    assert until(lambda: gone(pid) and gone(child))


@pytest.mark.parametrize("layer", ["seccomp", "landlock"])
def test_strict_does_nothing_without_its_layers(tmp_path: Path, layer: str) -> None:
    layers = tuple(name for name in LAYERS if name != layer)
    with pytest.raises(SandboxError, match=rf"lacks {layer} \(switched off\)"):
        scorer_of(tmp_path, NAIVE, layers=layers)
    (tmp_path / "mine.py").unlink()
    scorer = scorer_of(tmp_path, NAIVE, SandboxConfig(level="process"), layers=layers)
    assert scorer.score(ITEM, "4").value == 1.0
    scorer.close()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os\nkey = os.environ['OPENAI_API_KEY']\n", "mine.py:2: KeyError: 'OPENAI_API_KEY'"),
        ("x = 1", "AttributeError"),
        ("import sys\nsys.exit(3)", "mine.py:2: SystemExit: 3"),
    ],
)
def test_a_scorer_that_cannot_be_loaded_is_one_line(
    tmp_path: Path, source: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(DomainError) as caught:
        scorer_of(tmp_path, source)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_scorer_process_that_dies_while_it_loads(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="does not start: last words"):
        scorer_of(tmp_path, "import os, sys\nprint('last words', file=sys.stderr)\nos._exit(9)")


def test_answers_of_the_longest_kind_arrive(naive: ConfinedScorer) -> None:
    assert naive.score(ITEM, "4" + " " * (MAX_ANSWER - 1)).value == 1.0
