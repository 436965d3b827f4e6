"""ARC's helpers: code of models is tried on the item's examples, in a sandbox of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meta_search.types import ItemResult
from tests.kits.adas_arc_agents import ANSWER, DATA, HELPERS, QUESTION, RIGHT, WRONG
from tests.kits.sandboxed_agents import House, with_text

GRANT: dict[str, Any] = {"question": QUESTION, "helpers": HELPERS, "data": DATA}
TRY = """
feedback, right, wrong = self.run_examples_and_get_feedback(CODE)
assert isinstance(feedback, Info)
output = self.get_test_output_from_code(CODE)
return json.dumps([feedback.content, len(right), len(wrong), output.content, feedback.author, output.name])
"""


def tried(house: House, code: str) -> list[Any]:
    result = house.body(TRY.replace("CODE", repr(code)), **GRANT)
    assert result.kind == "ok", result.detail
    found: list[Any] = json.loads(result.answer)
    return found


def test_right_and_wrong_code(house: House) -> None:
    feedback, right, wrong, output, author, name = tried(house, RIGHT)
    assert (right, wrong, author, name) == (2, 0, "the code", "test_output")
    assert feedback.count("CORRECT") == 2
    assert json.loads(output) == ANSWER
    feedback, right, wrong, output, *_ = tried(house, WRONG)
    assert (right, wrong) == (1, 1)
    assert "Example 0: your transform gives a WRONG output." in feedback
    assert "Expected:\n[[0, 2],\n [1, 0]]\nYours:\n[[0, 2],\n [2, 0]]" in feedback
    assert json.loads(output) == [[2, 0], [0, 2], [2, 2]]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def transform(grid): return grid[9]", "Error during function execution: IndexError"),
        ("def transform(grid)", "Error during code execution: SyntaxError"),
        ("1 / 0", "Error during code execution: ZeroDivisionError"),
        ("", "Function 'transform' not found in the code."),
        ("I can't do this.", "Error during code execution: SyntaxError"),
        ("import os; os.execv('/bin/sh', ['sh'])", "Error during code execution: PermissionError"),
        ("import os; os._exit(0)", "Error during code execution"),
        ("def transform(grid):\n    raise SystemExit", "Error during function execution: SystemExit"),
        ("def transform(grid): return {1, 2}", "Error during function execution: TypeError"),
        (
            "def transform(grid):\n    grid.append(grid); return grid",
            "Error during function execution: ValueError",
        ),
    ],
)
def test_code_that_fails(house: House, code: str, told: str) -> None:
    feedback, right, wrong, output, *_ = tried(house, code)
    assert (right, wrong) == (0, 0)
    assert feedback.startswith(told)
    assert output.startswith(told)


@pytest.mark.parametrize(
    "code",
    [
        "```python\n" + RIGHT + "```",
        "print('hello')\n" + RIGHT,
        "import numpy\ndef transform(grid):\n    g = numpy.array(grid)\n    return numpy.where(g, 3 - g, 0)",
        "def transform(grid):\n    return tuple(tuple({1: 2, 2: 1}.get(c, c) for c in r) for r in grid)",
        RIGHT + "\nGRIDS = CODE = 3  # names of our own program",
    ],
)
def test_forms_of_right_code(house: House, code: str) -> None:
    _, right, wrong, output, *_ = tried(house, code)
    assert (right, wrong, json.loads(output)) == (2, 0, ANSWER)


def test_neither_the_agent_nor_its_code_changes_what_is_compared(house: House) -> None:
    body = """
self.examples[0]["output"] = self.examples[0]["input"]
same = "def transform(grid):\\n    grid[0][0] = 5\\n    return grid"
feedback, right, wrong = self.run_examples_and_get_feedback(same)
right = self.run_examples_and_get_feedback(RIGHT)[1]
return f"{len(wrong)} {len(right)} {right[0]['output']}"
"""
    result = house.body(body.replace("RIGHT", repr(RIGHT)), **GRANT)
    assert result.answer == "2 2 [[0, 2], [1, 0]]"


def test_code_of_a_model_and_what_came_of_it_are_edges(house: House) -> None:
    body = """
code = LLMAgentBase(["code"], "Coder")([taskInfo], "Write transform(grid).")[0]
feedback, right, wrong = self.run_examples_and_get_feedback(code)
assert feedback.author == "Coder 1's code"
LLMAgentBase(["answer"], "Reader")([taskInfo, feedback], "What is wrong?")[0]
return self.get_test_output_from_code(code)
"""
    result: ItemResult = house.body(body, with_text(WRONG), **GRANT)
    assert result.kind == "ok", result.detail
    assert [(c.author, c.inputs, c.pasted, c.final) for c in result.trace] == [
        ("Coder", (), (), True),
        ("Reader", (), (1,), False),
    ]


def test_helpers_are_granted_one_by_one(house: House) -> None:
    body = "return f\"{hasattr(self, 'run_examples_and_get_feedback')} {len(self.examples)}\""
    assert house.body(body, examples=(("q", "a"),)).answer == "False 1"
    assert house.body(body, **{**GRANT, "helpers": HELPERS[:1]}).answer == "True 2"
    unknown = house.body(body, **{**GRANT, "helpers": ("fly",)})
    assert (unknown.kind, "'fly'" in unknown.detail) == ("crash", True)
