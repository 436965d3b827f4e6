"""Static checks: what they find, how they say it, and what they leave alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_search.authors.check import check_source, find_leak
from tests.kits.author_contexts import SOURCES
from tests.kits.published import published_agents
from tests.kits.sandboxed_agents import House, wrapped

ASK = "return LLMAgentBase(['answer'], 'A')([taskInfo])[0]\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def forward(self, taskInfo)\n    pass", "SyntaxError: expected ':' (line 1): `def forward"),
        ("\0", "SyntaxError"),
        ("\ud800", "SyntaxError"),
        ("x = " + "(" * 300 + ")" * 300, "SyntaxError: too many nested parentheses"),
        ("x = " + "-" * 5000 + "1", "SyntaxError"),
        ("answer = 42", "define a function forward(self, taskInfo) at the top level"),
        ("class A:\n    def forward(self, taskInfo):\n        " + ASK, "define a function forward"),
        ("async def forward(self, taskInfo):\n    " + ASK, "without async"),
        ("def forward(taskInfo):\n    " + ASK, "forward takes (self, taskInfo), not (taskInfo)"),
        ("def forward(self, task, *, k):\n    " + ASK, "not (self, task)"),
        ("def forward(self, task, k):\n    " + ASK, "not (self, task, k)"),
        (wrapped("LLMAgentBase(['answer'], 'A')([taskInfo])"), "forward returns nothing"),
        (wrapped("return '42'"), "the agent never asks a model"),
        (wrapped("import requests\n" + ASK), "import requests (line 2): not there; there is no network"),
        (wrapped("import subprocess\n" + ASK), "to run a program use self.run_python(code)"),
        (wrapped("import asyncio\n" + ASK), "use self.map(fn, items)"),
        ("from sklearn.svm import SVC\n" + wrapped(ASK), "import sklearn.svm (line 1): not there"),
        (wrapped("self.search('x')\n" + ASK), "self.search (line 2) does not exist; self has"),
    ],
)  # fmt: skip
def test_faults(source: str, message: str) -> None:
    found = check_source(source)
    assert found is not None
    assert message in found
    assert "\n" not in found


@pytest.mark.parametrize(
    "source",
    [
        wrapped(ASK),
        wrapped("self.notes = []\nself.notes.append(1)\nself.count = 0\nself.count += 1\n" + ASK),
        wrapped("import collections.abc, numpy as np\nfrom math import gcd\n" + ASK),
        "class Pool:\n    def add(self):\n        self.size()\n" + wrapped(ASK),
        wrapped("def f(n):\n    return self.run_python(n)\nself.map(f, self.nearest(taskInfo, 2))\n" + ASK),
        wrapped("class Vote:\n    def count(self):\n        return self.total()\n" + ASK),
        *SOURCES.values(),
    ],
)  # fmt: skip
def test_what_is_sound(source: str) -> None:
    assert check_source(source) is None


def test_published_agents_are_sound() -> None:
    assert [entry["name"] for entry in published_agents() if check_source(entry["code"])] == []


RUNS = (
    "class Calm(LLMAgentBase):\n    pass\n\n" + wrapped(ASK.replace("LLMAgentBase", "Calm")),
    "Model = LLMAgentBase\n" + wrapped(ASK.replace("LLMAgentBase", "Model")),
    "from functools import partial\nmake = partial(LLMAgentBase, ['answer'])\n"
    + wrapped("return make('A')([taskInfo])[0]"),
    "def forward(self, taskInfo, rounds=2, *, style='plain'):\n    " + ASK,
    "def forward(self, *rest):\n    taskInfo = rest[0]\n    " + ASK,
    "def answer(self, taskInfo):\n    " + ASK + "\nforward = answer",
    wrapped("import logging, warnings, uuid\nlogging.getLogger('a').debug('x')\n" + ASK),
    "try:\n    import scipy\nexcept ImportError:\n    scipy = None\n" + wrapped(ASK),
    wrapped("try:\n    from sympy import sympify\nexcept Exception:\n    sympify = float\n" + ASK),
    wrapped("import contextlib\nwith contextlib.suppress(ImportError):\n    import scipy\n" + ASK),
    wrapped("from importlib.util import find_spec\nif find_spec('scipy'):\n    import scipy\n" + ASK),
    wrapped("setattr(self, 'best', 0)\nself.best + 1\n" + ASK),
    wrapped("if hasattr(self, 'search'):\n    self.search('x')\n" + ASK),
    wrapped("Vote = type('Vote', (), {'count': lambda self: self.total})\n" + ASK),
    "if True:\n    def forward(self, taskInfo):\n        " + ASK,
    "try:\n    import scipy\nexcept ImportError:\n    def forward(self, taskInfo):\n        " + ASK,
    "import functools\n\ndef twice(function):\n    @functools.wraps(function)\n"
    "    def run(self, taskInfo):\n        return function(self, taskInfo, 2)\n    return run\n\n@twice\n"
    "def forward(self, taskInfo, rounds, /):\n    " + ASK,
    "def forward(self, taskInfo):\n    " + ASK + "\nif False:\n    def forward(self):\n        return ''\n",
)


def test_what_runs_is_let_through() -> None:
    assert [source for source in RUNS if check_source(source)] == []
    with House() as house:
        results = [house.run(source) for source in RUNS]
    assert [result.detail for result in results if result.kind != "ok"] == []


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_has_a_verdict(text: str) -> None:
    assert check_source(text) is not None


# -- leaks

LONG = "How many legs have 3 dogs and 2 birds together?"
SCORED = {LONG: "item 1", "Even or odd: 7?": "item 2", "": "item 3"}


@pytest.mark.parametrize(
    ("source", "demonstrations", "item"),
    [
        (f"KNOWN = {{{LONG!r}: '16'}}", (), "item 1"),
        ("KNOWN = 'How many LEGS have 3 dogs '\\\n  'and 2 birds  together?'", (), "item 1"),
        (f"# {LONG.upper()}", (), "item 1"),
        ('TEXT = """How many legs have\n  3 dogs and 2 birds together?"""', (), "item 1"),
        ("x = 1", (f"Q: {LONG}",), "item 1"),
        ("KNOWN = {'even or odd: 7?': 'odd'}", (), "item 2"),
        ("x = 1", ("Even or  odd: 7?",), "item 2"),
        ("HINT = 'Say whether it is even or odd: 7? is odd.'", (), None),
        ("HINT = 'How many legs have 4 dogs and 2 birds together?'", ("Even or odd: 8?",), None),
        ("''", ("",), None),
        (f"not python {LONG}", (), "item 1"),
    ],
)
def test_leaks(source: str, demonstrations: tuple[str, ...], item: str | None) -> None:
    assert find_leak(source, demonstrations, SCORED) == item


PREAMBLE = "You are given a table of prices and must find what the customer pays in the end. " * 4
LONGEST = {f"{PREAMBLE}Row {n}. {'x' * 60}": f"row {n}" for n in range(2)}
STORY = "Janet has " + ", then ".join(f"{n} hens and {n + 1} ducks" for n in range(20)) + ". How many legs?"


def test_what_a_prompt_shows_of_a_long_question_is_a_leak() -> None:
    seen = STORY[:240]
    assert len(STORY) > 240
    assert find_leak(f"KNOWN = {{{seen!r}: '18'}}", (), {STORY: "story", **LONGEST}) == "story"
    assert find_leak(f"KNOWN = {{{seen[:60]!r}: '18'}}", (), {STORY: "story"}) is None
    assert find_leak("x = 1", (seen,), {STORY: "story"}) is None  # an example that begins so is no leak
    assert find_leak(f"RULES = {PREAMBLE!r}", (), LONGEST) is None  # all questions begin so
