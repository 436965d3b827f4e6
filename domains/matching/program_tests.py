"""Tests of `assert` for a program, run where the program is not: their verdict cannot be forged by it.

The tests run in the confined scorer's process. A function of the program that they call stands for a run of
the program in a sandbox of its own: arguments go there as literals, what is returned comes back as one. All
that a program can do is to return something else. So arguments and results have to be plain values, and what
a function does to its arguments is not seen; HumanEval's and MBPP's published tests rarely ask for more.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Any

from domains.domain import Score
from domains.json_match import parsed
from meta_search.types import parse

__all__ = ["Tests", "tests_of"]

MOST_CALLS = 200  # of the program, by the tests of one answer
MOST_RESULT = 100_000  # characters
MARK = "\x1e"  # stands before what was returned, or raised

# Behind the program. The program may tamper with any of it: it then returns something else, no more.
_CALL = """

import ast as _ast, sys as _sys
_name, _args, _more = _ast.literal_eval(_sys.stdin.read())
try:
    _told = "returned", repr(globals()[_name](*_args, **_more))
except Exception as _error:
    _told = "raised", type(_error).__name__
print("\\x1e" + _told[0] + " " + _told[1])
"""

Run = Callable[..., tuple[bool, str]]


class _Broken(BaseException):
    """The program did not end well, or returned no plain value. Tests that catch `Exception` miss it."""


class Tests:
    """Tests with the names that they expect the program to define.

    Args:
        source: Statements, with `check(candidate)` called where there is an entry point.
        names: Functions of the program.
        before: What stands before the program, as a prompt's imports; helpers of the tests may be in it.
    """

    def __init__(self, source: str, names: frozenset[str], before: str = "") -> None:
        self._source, self._names, self._before = source, names, before

    def score(self, program: str, run: Run, timeout: float) -> Score:
        """1 where all tests pass, else 0; the feedback says which does not."""
        calls = 0

        def function(name: str) -> Callable[..., Any]:
            def call(*args: Any, **more: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls > MOST_CALLS:
                    raise _Broken(f"the tests call it more than {MOST_CALLS} times")
                given = repr((name, args, more))
                ok, printed = run(f"{self._before}\n{program}{_CALL}", stdin=given, timeout=timeout)
                return _outcome(ok, printed)

            return call

        space: dict[str, Any] = {"__name__": "tests"}
        try:
            exec(compile(self._before, "<prompt>", "exec"), space)  # the task's, not the answer's
            space.update({name: function(name) for name in self._names})
            exec(compile(self._source, "<tests>", "exec"), space)
        except _Broken as error:
            return Score(0.0, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a test raises, it does not pass
            return Score(0.0, self._where(error))
        return Score(1.0)

    def _where(self, error: Exception) -> str:
        place, at = "", error.__traceback__
        while at is not None:
            if at.tb_frame.f_code.co_filename == "<tests>":
                place = self._source.split("\n")[at.tb_lineno - 1].strip()[:100]
            at = at.tb_next
        kind = "a test fails" if isinstance(error, AssertionError) else type(error).__name__
        return f"{kind}: {place}" if place else kind


def tests_of(target: str) -> Tests | None:
    """The tests that a target is: JSON `["assert f(1) == 2", …]` (MBPP), or `{"test": …, "entry_point": …}`,
    with `prompt` (HumanEval); `None` for another target."""
    value = parsed(target) if target.lstrip()[:1] in ("[", "{") else None
    if isinstance(value, list) and value and all(isinstance(t, str) and "assert" in t for t in value):
        source = "\n".join(value)
        return Tests(source, _undefined(source))
    if isinstance(value, dict) and isinstance(value.get("test"), str) and value.get("entry_point"):
        name = str(value["entry_point"])
        return Tests(f"{value['test']}\ncheck({name})", frozenset((name,)), str(value.get("prompt", "")))
    return None


def _undefined(source: str) -> frozenset[str]:
    """Names that are called and not defined."""
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    stored |= {
        a.asname or a.name
        for n in ast.walk(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
        for a in n.names
    }
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    return frozenset(called - stored - set(dir(builtins)))


def _outcome(ok: bool, printed: str) -> Any:
    """What a call returned; raises what it raised."""
    if not ok:
        raise _Broken(printed.strip()[-120:] or "the program did not end well")
    kind, _, told = printed.rpartition(MARK)[2].strip().partition(" ")
    if kind == "raised":
        found = getattr(builtins, told, Exception)
        raise found() if isinstance(found, type) and issubclass(found, Exception) else Exception(told)
    if kind != "returned" or len(told) > MOST_RESULT:
        raise _Broken("the program ended before the function returned")
    if told in ("inf", "-inf", "nan"):
        return float(told)
    try:
        return ast.literal_eval(told)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise _Broken(f"it returned what is no plain value: {told[:60]}") from error
