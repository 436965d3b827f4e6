"""ARC's helpers: try a `transform(grid)` on the item's examples, apply it to its test grid.

The interface is that of the ARC agents that ADAS published (arXiv 2408.08435, section 4.1); the code they try
runs in a sandbox of its own. Public data of an item: `examples`, a list of `{"input": grid, "output": grid}`,
and `test`, the grid to transform; a grid is a list of rows of whole numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .answers import code_in
from .info import Info, content_of

__all__ = ["Programs", "grid_text", "make_run_examples", "make_test_output"]

# Prints one line of JSON: {"error": …} or {"grids": […], "error": … of the first that failed}.
PROGRAM = """
import contextlib, copy, io, json, sys

def plain(value):
    return value.tolist() if hasattr(value, "tolist") else int(value)

def line(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]

def work(code, grids):
    scope = {"__name__": "transform"}
    try:
        exec(compile(code, "transform.py", "exec"), scope)
    except BaseException as error:
        return {"error": f"Error during code execution: {line(error)}"}
    if not callable(scope.get("transform")):
        return {"error": "Function 'transform' not found in the code."}
    done = []
    for grid in grids:
        try:
            done.append(json.loads(json.dumps(scope["transform"](copy.deepcopy(grid)), default=plain)))
        except BaseException as error:
            return {"grids": done, "error": f"Error during function execution: {line(error)}"}
    return {"grids": done}

out = sys.stdout
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    result = json.dumps(work(CODE, GRIDS))
print(result, file=out)
"""


class Programs(Protocol):
    """Runs programs in confined siblings."""

    def run(self, program: str, timeout: float = 5) -> tuple[bool, str]:
        """Run a program.

        Args:
            program: Python source.
            timeout: Seconds.

        Returns:
            Whether it ended without an error, and what it printed or the error.
        """
        ...

    def record_output(self, origin: Any, text: str) -> None:
        """Remember that the agent reads a text that was computed from an answer.

        Args:
            origin: The answer, as an `Info` or as text.
            text: What the agent reads.
        """
        ...


def grid_text(grid: Any) -> str:
    """A grid as JSON with one row a line."""
    if isinstance(grid, list) and grid and all(isinstance(row, list) for row in grid):
        return "[" + ",\n ".join(json.dumps(row) for row in grid) + "]"
    return json.dumps(grid)


def make_run_examples(programs: Programs, data: Mapping[str, Any]) -> Callable[..., Any]:
    """Make `self.run_examples_and_get_feedback` for one item.

    Args:
        programs: Runs the code.
        data: The item's public data.
    """
    examples = [dict(pair) for pair in data.get("examples") or ()]

    def run_examples_and_get_feedback(code: Any) -> tuple[Info, list[Any], list[Any]]:
        """Try code on the examples.

        Args:
            code: Source of `def transform(grid)`, as text or as an `Info`.

        Returns:
            Feedback as an `Info`, the examples that were solved, and those that were not. For code that fails
            on any example, both lists are empty.
        """
        grids, error = _transformed(programs, code, [pair["input"] for pair in examples])
        if error:
            return _info(programs, "feedback", code, error), [], []
        right, wrong, lines = [], [], []
        for number, (pair, grid) in enumerate(zip(examples, grids, strict=True)):
            if grid == pair["output"]:
                right.append(pair)
                lines.append(f"Example {number}: your transform gives the CORRECT output.")
            else:
                wrong.append(pair)
                lines.append(
                    f"Example {number}: your transform gives a WRONG output.\n"
                    f"Expected:\n{grid_text(pair['output'])}\nYours:\n{grid_text(grid)}"
                )
        return _info(programs, "feedback", code, "\n\n".join(lines)), right, wrong

    return run_examples_and_get_feedback


def make_test_output(programs: Programs, data: Mapping[str, Any]) -> Callable[..., Any]:
    """Make `self.get_test_output_from_code` for one item.

    Args:
        programs: Runs the code.
        data: The item's public data.
    """

    def get_test_output_from_code(code: Any) -> Info:
        """Apply code to the test grid.

        Args:
            code: Source of `def transform(grid)`, as text or as an `Info`.

        Returns:
            The resulting grid as text; if the code fails, the error.
        """
        grids, error = _transformed(programs, code, [data.get("test")])
        return _info(programs, "test_output", code, error or grid_text(grids[0]))

    return get_test_output_from_code


def _transformed(programs: Programs, code: Any, grids: Sequence[Any]) -> tuple[list[Any], str]:
    """The grids that code makes of `grids`, and the error of the first that failed, or `""`."""
    source = code_in(content_of(code))
    program = PROGRAM.replace("GRIDS", repr(list(grids)), 1).replace("CODE", repr(source), 1)
    ok, text = programs.run(program)
    if not ok:
        return [], f"Error during code execution: {text}"
    try:
        result = json.loads(text.strip().splitlines()[-1])
        made = list(result.get("grids") or ())
        error = str(result.get("error") or "")
    except (ValueError, IndexError, AttributeError, TypeError):
        return [], "Error during code execution: no result"
    return made, error or ("" if len(made) == len(grids) else "Error during code execution: no result")


def _info(programs: Programs, name: str, code: Any, text: str) -> Info:
    programs.record_output(code, text)
    author = f"{code.author}'s code" if isinstance(code, Info) else "the code"
    return Info(name, author, text, -1)
