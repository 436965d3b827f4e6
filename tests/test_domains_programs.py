"""HumanEval and MBPP: their files, what counts as a program, and tests that no program can read or forge."""

from __future__ import annotations

import gzip
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from domains import registry
from domains.domain import Item
from domains.matching.plain_values import decode, encode
from domains.matching.program_tests import tests_of as of_target
from domains.matching.program_text import program_of
from domains.programs import HumanEvalDomain, MbppDomain
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.errors import DomainError
from meta_search.sandbox.trusted.scorer import ConfinedScorer, Scored
from meta_search.types import SPLITS
from tests.kits.program_benchmarks import humaneval_rows, mbpp_rows, write_rows

Tried = Callable[[Any, str], Scored]
HUMAN = {
    "prompt": "import math\n\n\ndef helper(x):\n    return x + 1\n\n\n"
    'def squares(n: int) -> list:\n    """The first n."""\n',
    "entry_point": "squares",
    "test": "def check(candidate):\n    assert candidate(3) == [1, 4, 9]\n    assert candidate(0) == []\n"
    "    assert squares(helper(1)) == [1, 4], 'two'\n",
}
RIGHT = "def squares(n):\n    return [i * i for i in range(1, n + 1)]"
BODY = "    return [i * i for i in range(1, n + 1)]"


@pytest.fixture(scope="module")
def tried() -> Iterator[Tried]:
    """Scores an answer against tests, as a run does."""
    arguments: Mapping[str, Any] = {"matcher": "code", "options": {"timeout": 1.0}, "kinds": ["code"]}
    scorer = ConfinedScorer("domains.matching.confined:make_scorer", arguments, SandboxConfig())
    try:
        yield lambda target, answer: scorer.score(Item("x", "?", json.dumps(target)), answer)
    finally:
        scorer.close()


def settings(name: str, path: Path, **keys: Any) -> DomainConfig:
    return DomainConfig(name=name, path=str(path), **keys)


# -- files


def test_humaneval_is_read_as_published_packed_or_not(tmp_path: Path) -> None:
    path = write_rows(humaneval_rows(), tmp_path / "HumanEval.jsonl")
    with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    domain = HumanEvalDomain(settings("humaneval", path))
    again = HumanEvalDomain(settings("humaneval", Path(f"{path}.gz")))
    for split in SPLITS:
        assert [item.question for item in domain.items(split)] == [
            item.question for item in again.items(split)
        ]
    item = domain.items("test")[0]
    number = item.id.removeprefix("humaneval-")
    assert f"def shift{number}(" in item.question
    assert "check(" not in item.question
    assert "assert" not in domain.brief
    assert domain.confined is not None
    assert "code" in domain.wording["answer"]


def test_mbpp_goes_to_splits_as_published_and_shows_its_tests(tmp_path: Path) -> None:
    path = write_rows(mbpp_rows(), tmp_path / "mbpp.jsonl")
    domain = MbppDomain(settings("mbpp", path))
    numbers = {split: {int(item.id[5:]) for item in domain.items(split)} for split in SPLITS}
    assert numbers["examples"] <= set(range(1, 11))
    assert numbers["test"] <= set(range(11, 511))
    assert numbers["validation"] <= set(range(511, 601))
    assert numbers["train"] <= set(range(601, 975))
    assert all(numbers.values())
    item = domain.items("test")[0]
    assert all(test in item.question for test in json.loads(item.target)["test_list"])
    with pytest.raises(DomainError, match=r"domain\.sizes\.validation=99: .* has 10 rows there"):
        MbppDomain(settings("mbpp", path, sizes={"validation": 99}))


def test_the_sanitized_part_has_other_columns(tmp_path: Path, tried: Tried) -> None:
    rows = [
        {
            "source_file": "x.ipynb",
            "task_id": n,
            "prompt": f"Write a function to add {n} to the root of a number.",
            "code": f"import math\ndef root(x):\n    return math.sqrt(x) + {n}",
            "test_imports": ["import math"],
            "test_list": [f"assert math.isclose(root({k}), math.sqrt({k}) + {n})" for k in range(3)],
        }
        for n in range(2, 800, 20)
    ]
    path = tmp_path / "sanitized-mbpp.json"
    path.write_text(json.dumps(rows))
    domain = MbppDomain(settings("mbpp", path))
    item = domain.items("test")[0]
    number = item.id[5:]
    assert tried(json.loads(item.target), f"def root(x):\n    return math.sqrt(x) + {number}").value == 1
    assert tried(json.loads(item.target), "def root(x):\n    return x").value == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": None}, "h.jsonl, line 3: no text in the column test; there are: task_id, prompt"),
        ({"test": "def check(:"}, "h.jsonl, line 3: holds tests that are no Python"),
        ({"task_id": "none"}, "task_id='none' ends with no number"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    rows = humaneval_rows(12)
    rows[2].update(change)
    path = write_rows(rows, tmp_path / "h.jsonl")
    with pytest.raises(DomainError) as error:
        HumanEvalDomain(settings("humaneval", path))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_without_a_file_the_line_says_which() -> None:
    with pytest.raises(
        DomainError, match=r"^domain=humaneval needs the file of HumanEval, HumanEval\.jsonl\.gz"
    ):
        registry.make(DomainConfig(name="humaneval"))


# -- what counts as a program


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT,
        f"```python\n{RIGHT}\n```",
        f"Here it is:\n\n```py\n{RIGHT}\n```\nIt squares each number.",
        f"~~~\n{RIGHT}\n~~~",
        f"```python\n{RIGHT}",
        RIGHT.replace(":", ':\n    """The squares.\n\n    >>> squares(2)\n    [1, 4]\n    """', 1),
        f"  ```python\n  {RIGHT.splitlines()[0]}\n  {RIGHT.splitlines()[1]}\n  ```",
        BODY,
        BODY.strip(),
        f"```python\n{BODY}\n```",
        f"{BODY}\n\n\nprint(squares(3))",
        "out = []\n    for i in range(n):\n        out.append((i + 1) ** 2)\n    return out",
        "out = []\nfor i in range(n):\n    out.append((i + 1) ** 2)\nreturn out",
        f"{HUMAN['prompt']}{BODY}",
        f"The function:\n{RIGHT}\n\nThis works for all n.",
        "\n".join(f"{'...' if line.startswith(' ') else '>>>'} {line}" for line in RIGHT.splitlines())
        + "\n>>> squares(3)\n[1, 4, 9]",
        RIGHT.replace(":", ":\n    “””The squares.”””", 1),
        RIGHT.replace("    ", "\u00a0\u00a0\u00a0\u00a0"),
        json.dumps({"code": RIGHT}),
        f"<think>def squares(n): pass</think>\n{RIGHT}",
        f"[PYTHON]\n{RIGHT}\n[/PYTHON]",
        f"```python\ndef squares(n):\n    return None\n```\nThat is wrong. Better:\n```python\n{RIGHT}\n```",
        f"```python\n{RIGHT}\n```\nUse it so:\n```python\nprint(squares(5))\n```\nprints\n```\n[1, 4]\n```",
        "```python\ndef one(i):\n    return i * i\n```\nand\n```python\ndef squares(n):\n"
        "    return [one(i + 1) for i in range(n)]\n```",
        f"```bash\npip install nothing\n```\n```python\n{RIGHT}\n```",
        f"{RIGHT}\n\nif __name__ == '__main__':\n    print(squares(int(input())))",
        "squares = lambda n: [i * i for i in range(1, n + 1)]",
        "import numpy as np\n\ndef squares(n):\n    return [np.int64(i) ** 2 for i in range(1, n + 1)]",
        "def squares(n):\n    return [(helper(i)) ** 2 for i in range(n)]",
    ],
)
def test_a_program_is_found_in_what_models_write(tried: Tried, answer: str) -> None:
    scored = tried(HUMAN, answer)
    assert (scored.value, scored.feedback) == (1, "")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (RIGHT.replace("squares", "square"), "it defines square, not squares"),
        (
            f"class Solution:\n    {RIGHT.splitlines()[0]}\n        return []",
            "it defines Solution, not squares",
        ),
        ("I cannot do that.", "it does not define squares (SyntaxError"),
        (
            "def squares(n):\n    return [",
            "it does not define squares (SyntaxError: '[' was never closed, line 2)",
        ),
        (
            RIGHT.replace("n + 1", "n"),
            "a test fails: assert candidate(3) == [1, 4, 9]: expected [1, 4, 9], got [1, 4]",
        ),
        ("def squares(n):\n    return [1, 4, 9]", "assert candidate(0) == []: expected [], got [1, 4, 9]"),
        ("def squares(n):\n    yield 1", "expected [1, 4, 9], got an iterator"),
        ("def squares(n):\n    return 1 / 0", "ZeroDivisionError: division by zero: assert candidate(3)"),
        (f"import nothing_like_it\n{RIGHT}", "the program fails: ModuleNotFoundError: No module named"),
        ("x" * 300_000, "a program of 300000 characters, more than 200000"),
    ],
)
def test_feedback_says_what_failed_and_no_other_test(tried: Tried, answer: str, told: str) -> None:
    scored = tried(HUMAN, answer)
    assert scored.value == 0
    assert told in scored.feedback
    assert "helper(1)" not in scored.feedback


def test_the_last_block_that_defines_the_function_counts() -> None:
    first, second = "def f():\n    return 1", "def f():\n    return 2"
    blocks = f"```python\n{first}\n```\n```python\n{second}\n```\n```python\nprint(f())\n```"
    assert program_of(blocks, frozenset({"f"})) == (second + "\n", "")


# -- what tests may do


@pytest.mark.parametrize(
    ("target", "program"),
    [
        (["assert set(f([1, 2])) == {1, 2}"], "def f(x):\n    return iter(x)"),
        (
            ["assert f('aab') == {'a': 2, 'b': 1}"],
            "from collections import Counter\ndef f(x):\n    return Counter(x)",
        ),
        (
            ["assert f(3) == (1, [2.5, {'a'}], None, True, 10 ** 5000, 1j)"],
            "def f(x):\n    return (1, [2.5, {'a'}], None, True, 10 ** 5000, 1j)",
        ),
        (
            ["from decimal import Decimal\nassert f(1) == Decimal('1.10')"],
            "from decimal import Decimal\ndef f(x):\n    return Decimal('1.10')",
        ),
        (["x = [3, 1, 2]\nf(x)\nassert x == [1, 2, 3]"], "def f(x):\n    x.sort()"),
        (
            ["try:\n    f(0)\n    assert False\nexcept ValueError as e:\n    assert 'zero' in str(e)"],
            "def f(x):\n    raise ValueError('zero')",
        ),
        (
            ["assert g(f(2)) == 8", "assert g(g(1)) == 4"],
            "def f(x):\n    return x * 2\ndef g(x):\n    return x * 2",
        ),
        (
            ["n = 1\nwhile f(n) < 20:\n    n += f(n)\nassert n == 27"],
            "def f(x):\n    return x * 2 if x < 20 else x",
        ),
        (
            [
                "import random\nfor _ in range(50):\n    n = random.randint(0, 9)\n    assert abs(f(n) - n / "
                "2) < 1e-9"
            ],
            "def f(x):\n    return x / 2",
        ),
        (
            ["c = [f(1) for _ in range(3)]\nassert c == [1, 2, 3]"],
            "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)",
        ),
        (
            {
                "test_list": ["assert height(root) == 2"],
                "test_setup_code": "root = Node(1)\nroot.left = Node(2)\nassert root.left.value == 2",
            },
            "class Node:\n    def __init__(self, value):\n        self.value, self.left = value, None\n"
            "def height(node):\n    return 1 + height(node.left) if node else 0",
        ),
    ],
)
def test_tests_see_what_a_program_returns(tried: Tried, target: Any, program: str) -> None:
    scored = tried(target, program)
    assert (scored.value, scored.feedback) == (1, "")
    broken = tried(
        target, program.replace("return", "return not").replace("x.sort()", "pass").replace("zero", "")
    )
    assert broken.value == 0


HOSTILE: Mapping[str, str] = {
    "leaves": "import sys\nsys.exit(0)",
    "leaves in the call": "def squares(n):\n    import sys\n    sys.exit(0)",
    "leaves at once": "import os\ndef squares(n):\n    os._exit(0)",
    "a list that equals everything": "class A(list):\n    __eq__ = lambda a, b: True\n"
    "    __ne__ = lambda a, b: False\n"
    "def squares(n):\n    return A()",
    "an object that equals everything": "class A:\n    __eq__ = lambda a, b: True\n    __hash__ = None\n"
    "def squares(n):\n    return A()",
    "a mock's ANY": "from unittest.mock import ANY\ndef squares(n):\n    return ANY",
    "an exception of its own": "def squares(n):\n    raise AssertionError('passed')",
    "other builtins": "import builtins\nbuiltins.repr = lambda value: '[1, 4, 9]'\n"
    "builtins.AssertionError = OSError\n"
    "def squares(n):\n    return []",
    "frames": "import sys\ndef squares(n):\n    frame, seen = sys._getframe(), []\n    while frame:\n"
    "        seen += [v for v in (*frame.f_locals.values(), *frame.f_globals.values()) if v == [1, 4, 9]]\n"
    "        frame = frame.f_back\n    return seen[0]",
    "the collector": "import gc\n"
    "def squares(n):\n    return next(o for o in gc.get_objects() if o == [1, 4, 9])",
    "source": "import inspect, sys\ndef squares(n):\n    text = inspect.getsource(sys.modules['__main__'])\n"
    "    return eval(text.split('==')[1])",
    "what is read": "import sys\ndef squares(n):\n    return eval(sys.stdin.read())",
    "files": "import os\n"
    "def squares(n):\n    return [open(f'/proc/{p}/cmdline').read() for p in os.listdir('/proc')]",
    "a verdict of its own": "import os\nfor number in range(3, 30):\n    try:\n"
    '        os.write(number, b\'{"op": "score", "value": 1.0, "note": ""}\\n\')\n'
    "    except OSError:\n        pass\ndef squares(n):\n    return []",
    "results of its own": "import os, sys\nsys.__stdout__.write('\\x1e[(\"returned\", True, [])]')\n"
    "sys.__stdout__.flush()\nos._exit(0)",
    "results that end the parser": "import sys\nsys.__stdout__.write('\\x1e' + '[' * 50_000)\n"
    "sys.__stdout__.flush()\nimport os\nos._exit(0)",
    "tests of its own": "def check(candidate):\n    pass\ndef squares(n):\n    return None",
    "a loop": "def squares(n):\n    while True:\n        pass",
    "a loop that holds on": "import resource, signal\nfor s in range(1, 30):\n    try:\n"
    "        signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError):\n        pass\n"
    "try:\n    resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))\nexcept ValueError:\n    pass\n"
    "def squares(n):\n    while True:\n        pass",
    "threads": "import threading\ndef spin():\n    while True:\n        pass\n"
    "for _ in range(20):\n    threading.Thread(target=spin, daemon=True).start()\n"
    "def squares(n):\n    return []",
    "endless output": "def squares(n):\n    while True:\n        print('x' * 100_000)",
    "an endless result": "def squares(n):\n    while True:\n        yield 1",
    "a large result": "def squares(n):\n    return 'x' * 10 ** 7",
    "much memory": "def squares(n):\n    return [0] * 10 ** 10",
    "depth": "def squares(n):\n    x = []\n    for _ in range(100_000):\n        x = [x]\n    return x",
    "itself": "def squares(n):\n    x = []\n    x.append(x)\n    return x",
    "processes": "import os\ndef squares(n):\n    while True:\n        os.fork()",
    "depth of source": "def squares(n):\n    return " + "(" * 5_000 + ")" * 5_000,
    "depth of minus": "squares = " + "-" * 50_000 + "1",
    "a NUL": "def squares(n):\x00\n    return [1, 4, 9]",
    "a coroutine": "async def squares(n):\n    return [i * i for i in range(1, n + 1)]",
}


def test_no_hostile_program_scores_and_each_is_its_own_fault(tried: Tried) -> None:
    with ThreadPoolExecutor(4) as pool:
        scored = dict(
            zip(HOSTILE, pool.map(lambda answer: tried(HUMAN, answer), HOSTILE.values()), strict=True)
        )
    for name, score in scored.items():
        assert score.value == 0, name
        assert score.feedback, name
        assert "[1, 4], 'two'" not in score.feedback, name  # the third test is nobody's to see
    assert "longer than" in scored["a loop"].feedback
    assert tried(HUMAN, RIGHT).value == 1


@pytest.mark.parametrize(
    "value",
    [
        1,
        -(10**40),
        0.1,
        float("inf"),
        "a\ud800",
        b"\x00",
        [1, (2, {3: {4}})],
        frozenset({1}),
        range(3),
        None,
        2j,
        {},
        (),
    ],
)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    told = encode(value, repr)
    assert decode(told, lambda tag, content: content) == value
    assert type(decode(told, lambda tag, content: content)) is type(value)


def test_a_target_that_is_no_test_is_left_to_others() -> None:
    assert of_target("7") is None
    assert of_target('["a", "b"]') is None
    assert of_target('{"a": 1}') is None


@pytest.mark.parametrize("atom", ["`", "<think>", "~~~ a\n", ">>> ", "<think></think>"])
def test_a_program_is_found_in_little_work(atom: str) -> None:
    before = time.process_time()
    program_of(atom * (60_000 // len(atom)), frozenset({"f"}), "", "f")
    assert time.process_time() - before < 5  # it took 21 s
