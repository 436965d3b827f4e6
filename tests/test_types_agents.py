"""An agent's identity: what code can read of itself counts. And parsing from many threads, as authors do."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from meta_search.types import Agent, Demonstration, agent_id, normalised_ast, parse

SOURCE = "x = " + "(" * 40 + "1" + " + 1)" * 40 + "\n" + "y = [f(a, b) for a in c if d]\n" * 200


@pytest.fixture
def _threads_change_often() -> Iterator[None]:
    """Within the making of a tree too: what runs at a garbage collection lets other threads in."""

    def work(phase: str, info: dict[str, int]) -> None:
        for _ in range(50):
            pass

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    gc.callbacks.append(work)
    yield
    gc.callbacks.remove(work)
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_threads_change_often")
def test_threads_that_parse_at_once_do_not_disturb_each_other() -> None:
    """With `ast.parse` itself this failed in five runs of five on CPython 3.11."""
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(parse, [SOURCE] * 24))
    assert len({ast.dump(tree) for tree in trees}) == 1


PLAIN = "def forward(self, taskInfo):\n    x = 1\n    return 'a'\n"


def test_an_id_is_what_it_always_was() -> None:
    """Of an agent without docstrings: ids are stored, and compared with those of later versions."""
    assert agent_id(PLAIN) == "6624796871073098"
    assert agent_id(PLAIN, {"n": 2, "a": None}, [Demonstration("q", "r")]) == "5bee8da61decde6f"
    assert Agent.of("named", PLAIN).id == Agent.of("otherwise", PLAIN).id


DOCUMENTED = '''"""Module {0}."""
class Role:
    "Class {1}."
    x = 1
    def play(self):
        "Method {2}."
        return 1
def forward(self, taskInfo):
    """Prompt {3}."""
    def inner():
        "Inner {4}."
        return 1
    async def later():
        "Later {5}."
        return 1
    return forward.__doc__
'''


def test_each_docstring_counts() -> None:
    """They can be read by `__doc__`, `co_consts`, `inspect`, `help` …: agents with other ones are others."""
    here = ["a"] * 6
    changed = [DOCUMENTED.format(*here[:i], "b", *here[i + 1 :]) for i in range(6)]
    ids = {agent_id(source) for source in (DOCUMENTED.format(*here), *changed)}
    assert len(ids) == 7


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1  # a comment"),
        ("x = 1", "x = (1)\n\n"),
        ("x = 'a'", 'x = "a"'),
        ("x = 'a' 'b'", "x = 'ab'"),
        ("x = 16", "x = 0x10"),
        ("x = 1_000", "x = 1000"),
        ("x = f'{y}'", 'x = f"{y}"'),
        ("ﬁ = 1", "fi = 1"),  # Python itself reads names so (NFKC)
        ("x = [1, 2]", "x = [1,\n     2,]"),
        ("if a:\n  x = 1\nelif b:\n  x = 2", "if a:\n  x = 1\nelse:\n  if b:\n    x = 2"),
    ],
)
def test_what_compiles_to_the_same_code_is_the_same_agent(one: str, other: str) -> None:
    """But for line numbers: who reads those off a traceback is not told from one without a comment."""
    assert agent_id(one) == agent_id(other)
    codes = [compile(ast.unparse(parse(source)), "agent.py", "exec") for source in (one, other)]
    assert codes[0].co_code == codes[1].co_code
    assert (codes[0].co_consts, codes[0].co_names) == (codes[1].co_consts, codes[1].co_names)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a: int): pass", "def f(a: str): pass"),  # __annotations__
        ("def f(a) -> int: pass", "def f(a): pass"),
        ("x: int = 1", "x: 'say this' = 1"),
        ("(x): int", "x: int"),  # kept in __annotations__ or not
        ("def f(a): return a", "def f(b): return b"),  # co_varnames
        ("def f(): pass", "def g(): pass"),  # __name__
        ("x = 1 + 1", "x = 2"),
        ("x = f'{1}'", "x = '1'"),
        ("x = f'{y!r}'", "x = f'{y}'"),
        ("x = f'{y=}'", "x = f'{y}'"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 0.0", "x = -0.0"),
        ("x = 'a'", "x = b'a'"),
        ("x = 'é'", "x = 'e\u0301'"),  # texts are not normalised
        ("x = '\\ud800'", "x = '?'"),
        ("'text'", "'other'"),
        ("x = 1\n'text'", "x = 1"),  # a text that stands alone: no code, but told apart all the same
        ("pass", "pass\npass"),
        ("from __future__ import annotations\nx = 1", "x = 1"),
    ],
)
def test_what_code_can_tell_apart_are_two_agents(one: str, other: str) -> None:
    assert agent_id(one) != agent_id(other)


@pytest.mark.parametrize(
    "source",
    ["def forward(:", "x = \0", "(" * 500 + ")" * 500, "if a:\n  pass\n" + "elif a:\n  pass\n" * 3000],
)
def test_source_that_is_no_code_or_too_deep_counts_letter_by_letter(source: str) -> None:
    assert normalised_ast(source) == source
    assert agent_id(source) != agent_id(source + " ")
