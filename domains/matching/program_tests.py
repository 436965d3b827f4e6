"""Tests of `assert` for a program, run where the program is not: their verdict cannot be forged by it.

The tests run in the confined scorer's process. The program's functions that they call stand for calls in a
sandbox of its own (`program_calls`): arguments go there as literals, what is returned comes back as one, of
plain types only. All that a program can do is to return something else; it sees no expected value.

So that a program needs one process and not one a call, tests are played twice: first leniently, noting the
calls, with a stand-in for what is not known; then strictly, with what the calls came to. Where tests call
otherwise once they know more, they are played again. As in the official harness of HumanEval (Chen et al.
2021, arXiv 2107.03374, section 2), all calls share one process, whose time is limited as a whole.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import random
from collections.abc import Mapping
from types import CodeType
from typing import Any

from domains.domain import Score
from domains.json_match import parsed
from domains.matching.program_calls import Broken, Operations, Run, Unknown, perform
from domains.matching.program_text import program_of
from meta_search.types import parse

__all__ = ["Tests", "tests_of"]

MOST_PLAYS = 40  # of the tests of one answer
MOST_SHOWN = 100  # characters of a value in the feedback
MOST_LINE = 160  # characters of a test in the feedback
COMPARE = "__compare__"  # stands for `==` in an `assert`, to say what was got


class Tests:
    """Tests with the names that they expect the program to define.

    Args:
        source: Statements, with `check(candidate)` called where there is an entry point.
        names: Functions and classes of the program.
        before: What stands before the program, as a prompt's imports; helpers of the tests may be in it.
        entry: The function that the answer may complete the prompt of, or empty.

    Raises:
        SyntaxError: The source, or what stands before, is no Python.
    """

    def __init__(self, source: str, names: frozenset[str], before: str = "", entry: str = "") -> None:
        self._source, self._names, self._before, self._entry = source, names, before, entry
        tree = parse(source)
        self._lenient = _compiled(_Lenient().visit(tree))
        self._strict = _compiled(_Strict(names, source).visit(parse(source)))
        self._given = _compiled(parse(before))

    def score(self, answer: str, run: Run, timeout: float) -> Score:
        """1 where all tests pass, else 0; the feedback says which does not, what was expected and got.

        Args:
            answer: A program, with whatever a model writes around it.
            run: Runs code in a sandbox that knows no tests.
            timeout: Seconds for all calls together.
        """
        program, fault = program_of(answer, self._names, self._before, self._entry)
        if fault:
            return Score(0.0, fault)
        calls = Operations()
        try:
            for _ in range(MOST_PLAYS):
                calls.recording, calls.at = True, 0
                with contextlib.suppress(Exception, Unknown):
                    self._play(self._lenient, calls)
                calls.told = perform(program, calls.asked, run, timeout)
                calls.recording, calls.at = False, 0
                try:
                    self._play(self._strict, calls)
                except Unknown:
                    continue
                except _Failed as failed:
                    return Score(0.0, failed.feedback)
                except Exception as error:  # noqa: BLE001 - whatever a test raises, it does not pass
                    return Score(0.0, self._where(error))
                return Score(1.0)
        except Broken as error:
            return Score(0.0, str(error))
        return Score(0.0, "the tests' calls change whenever they are run")

    def _play(self, code: CodeType, calls: Operations) -> None:
        """Run the tests, with the same random draws each time."""
        random.seed(0)
        space: dict[str, Any] = {"__name__": "tests", COMPARE: _compare}
        exec(self._given, space)  # the task's, not the answer's
        space.update({name: _Function(name, calls) for name in self._names})
        exec(code, space)

    def _where(self, error: Exception) -> str:
        place, at = "", error.__traceback__
        while at is not None:
            if at.tb_frame.f_code.co_filename == "<tests>":
                place = self._source.split("\n")[at.tb_lineno - 1].strip()[:MOST_LINE]
            at = at.tb_next
        what = (
            "a test fails" if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"[:200]
        )
        return f"{what.strip(': ')}: {place}" if place else what


class _Function:
    """A name of the program, as tests have it: a function, or a class."""

    def __init__(self, name: str, calls: Operations) -> None:
        self.__name__, self._calls = name, calls

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._calls.do("call", self.__name__, given, named)


class _Failed(AssertionError):
    """An `assert` of an equality does not hold."""

    def __init__(self, feedback: str) -> None:
        super().__init__(feedback)
        self.feedback = feedback


def _compare(left: Any, right: Any, line: str, turned: bool) -> None:
    """What `assert left == right` does.

    Args:
        left: As it says.
        right: As it says.
        line: The test, for the feedback.
        turned: Whether the program's value is on the right.
    """
    if left == right:
        return
    expected, got = (left, right) if turned else (right, left)
    raise _Failed(f"a test fails: {line}: expected {_shown(expected)}, got {_shown(got)}")


def _shown(value: Any) -> str:
    try:
        text = "an iterator" if hasattr(value, "__next__") else repr(value)
    except (ValueError, RecursionError):  # an integer of more digits than Python prints
        text = f"a {type(value).__name__} too large to print"
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


class _Lenient(ast.NodeTransformer):
    """Tests that go on whatever fails, so that all their calls are seen."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
        return ast.copy_location(ast.Try([ast.Expr(node.test)], [handler], [], []), node)


class _Strict(ast.NodeTransformer):
    """Tests whose equalities say what they got."""

    def __init__(self, names: frozenset[str], source: str) -> None:
        self._names, self._lines = names | {"candidate"}, source.split("\n")

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        test = node.test
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
            return node
        left, right = test.left, test.comparators[0]
        turned = self._calls(right) and not self._calls(left)
        line = self._lines[node.lineno - 1].strip()[:MOST_LINE]
        arguments = [left, right, ast.Constant(line), ast.Constant(turned)]
        call = ast.Call(ast.Name(COMPARE, ast.Load()), arguments, [])
        return ast.copy_location(ast.Expr(call), node)

    def _calls(self, tree: ast.AST) -> bool:
        return any(isinstance(node, ast.Name) and node.id in self._names for node in ast.walk(tree))


def _compiled(tree: Any) -> CodeType:
    code: CodeType = compile(ast.fix_missing_locations(tree), "<tests>", "exec", dont_inherit=True)
    return code


def tests_of(target: str) -> Tests | None:
    """The tests that a target is, or `None` for another target.

    Args:
        target: JSON `["assert f(1) == 2", …]` (MBPP), or an object: `{"test": …, "entry_point": …}`, with
            `prompt` (HumanEval), or `{"test_list": […]}`, with `test_setup_code` or `test_imports` (MBPP).

    Raises:
        SyntaxError: The tests are no Python.
    """
    value = parsed(target) if target.lstrip()[:1] in ("[", "{") else None
    if isinstance(value, list) and _are_tests(value):
        return _listed(value)
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("test"), str) and value.get("entry_point"):
        name, before = str(value["entry_point"]), str(value.get("prompt") or "")
        return Tests(f"{value['test']}\ncheck({name})", frozenset((name,)), _whole(before), name)
    if _are_tests(value.get("test_list")):
        setup = value.get("test_setup_code") or "\n".join(map(str, value.get("test_imports") or ()))
        return _listed(value["test_list"], str(setup))
    return None


def _are_tests(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(t, str) and "assert" in t for t in value)
    )


def _listed(tests: list[str], setup: str = "") -> Tests:
    """Tests of a list; the program has the imports of their setup too, as in the official harness."""
    lines = "\n".join([setup, *tests]).replace("\r\n", "\n")
    tree = parse(setup.replace("\r\n", "\n"))
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return Tests(lines, _undefined(lines), "\n".join(imports))


def _whole(prompt: str) -> str:
    """A prompt as a program: one that ends with a function's head gets a body."""
    with contextlib.suppress(SyntaxError):
        parse(prompt)
        return prompt
    return f"{prompt.rstrip()}\n    pass\n"


def _undefined(source: str) -> frozenset[str]:
    """Names that are called and not defined."""
    tree = parse(source)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    known = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            known |= {(a.asname or a.name).partition(".")[0] for a in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            known.add(node.name)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    return frozenset(called - known - set(dir(builtins)))
