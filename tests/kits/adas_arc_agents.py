"""Agents for ARC in the form of ADAS's archives, written for the tests: code under trial, feedback, grids."""

from __future__ import annotations

from typing import Any

# The item's public data: the task is to swap 1 and 2.
DATA: dict[str, Any] = {
    "examples": [
        {"input": [[0, 1], [2, 0]], "output": [[0, 2], [1, 0]]},
        {"input": [[1, 1, 0]], "output": [[2, 2, 0]]},
    ],
    "test": [[1, 0], [0, 2], [1, 2]],
}
ANSWER = [[2, 0], [0, 1], [2, 1]]
HELPERS = ("run_examples_and_get_feedback", "get_test_output_from_code")
QUESTION = f"Examples:\n{DATA['examples']}\n\nTest input:\n{DATA['test']}\n\nFind the rule."

RIGHT = """
def transform(grid):
    swap = {1: 2, 2: 1}
    return [[swap.get(cell, cell) for cell in row] for row in grid]
"""
WRONG = """
def transform(grid):
    return [[2 if cell == 1 else cell for cell in row] for row in grid]
"""

ARC = {
    "Direct code": """
def forward(self, taskInfo):
    instruction = "Think about the rule step by step, then write it as a function transform(grid)."
    coder = LLMAgentBase(['thinking', 'code'], 'Rule Coder')
    thinking, code = coder([taskInfo], instruction)
    answer = self.get_test_output_from_code(code)
    return answer
""",
    "Best of several by examples": """
def forward(self, taskInfo):
    instruction = "Think step by step and write code for the rule."
    N = 4
    coders = [LLMAgentBase(['thinking', 'code'], 'Coder', temperature=0.3 + 0.2 * i) for i in range(N)]
    solutions = []
    for coder in coders:
        thinking, code = coder([taskInfo], instruction)
        feedback, correct_examples, wrong_examples = self.run_examples_and_get_feedback(code)
        solutions.append({'code': code, 'n': len(correct_examples), 'feedback': feedback})
    solutions.sort(key=lambda s: s['n'], reverse=True)
    best = solutions[0]
    return self.get_test_output_from_code(best['code'])
""",
    "Refine with feedback": """
def forward(self, taskInfo):
    first = "Write code for the rule."
    again = "Given the code of your last attempt and what came of it, correct the code."
    coder = LLMAgentBase(['thinking', 'code'], 'Refiner')
    thinking, code = coder([taskInfo], first, 0)
    for i in range(2):
        feedback, correct, wrong = self.run_examples_and_get_feedback(code)
        if len(correct) == len(self.examples):
            break
        thinking, code = coder([taskInfo, thinking, code, feedback], again, i + 1)
    answer = self.get_test_output_from_code(code)
    return answer
""",
    "Pasted feedback": """
def forward(self, taskInfo):
    coder = LLMAgentBase(['code'], 'Coder')
    mender = LLMAgentBase(['critique', 'code'], 'Mender', role='patient reviewer')
    code = coder([taskInfo], 'Write transform(grid).')[0]
    feedback, correct, wrong = self.run_examples_and_get_feedback(code.content)
    score = f"It got {len(correct)} right and {len(wrong)} wrong"
    text = f"Code:\\n{code.content}\\n\\n{score}:\\n{feedback.content}"
    critique, code = mender([taskInfo, Info('attempt', 'Coder', text, 0)], 'Mend the code if it needs it.')
    return self.get_test_output_from_code(code).content
""",
    "Vote on test grids": """
def forward(self, taskInfo):
    from collections import defaultdict
    votes = defaultdict(int)
    coders = [LLMAgentBase(['thinking', 'code'], f'Coder {i}', role=role) for i, role in
              enumerate(['puzzle designer', 'array programmer', 'patient child'])]
    codes = [coder([taskInfo], 'Write the rule as transform(grid).')[1] for coder in coders]
    for code in codes:
        feedback, correct, wrong = self.run_examples_and_get_feedback(code)
        votes[self.get_test_output_from_code(code).content] += 1 + len(correct)
    winner = max(votes, key=votes.get)
    return Info('answer', 'Vote', winner, -1)
""",
    "Rule first, numpy checks": """
import numpy as np

def shape_of(grid):
    return np.array(grid).shape if all(len(row) == len(grid[0]) for row in grid) else None

def forward(self, taskInfo):
    same = all(shape_of(e['input']) == shape_of(e['output']) for e in self.examples)
    hint = 'Input and output have the same shape.' if same else 'The shape changes.'
    observer = LLMAgentBase(['thinking', 'rule'], 'Observer', temperature=0.8)
    coder = LLMAgentBase(['code'], 'Coder')
    thinking, rule = observer([taskInfo, Info('hint', 'Shape check', hint, -1)], 'State the rule.')
    code = coder([taskInfo, rule], 'Write the rule as code: ' + hint)[0]
    feedback, correct, wrong = self.run_examples_and_get_feedback(code)
    if wrong:
        code = coder([taskInfo, rule, code, feedback], f'{len(wrong)} examples went wrong. Mend it.', 1)[0]
    name, author, content, iteration_idx = self.get_test_output_from_code(code)
    return content
""",
}
