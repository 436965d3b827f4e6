"""What models write, in parts: programs, edits of one, a plan, and what may stand around them."""

from __future__ import annotations

import textwrap

GOOD = """def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver", temperature=0.2)
    return solver([taskInfo], "Answer.")[0]
"""
HELPER = """def short(text):
    return text[:100]
"""
USING = """def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver")
    return short(solver([taskInfo], "Answer.")[0].content)
"""
OTHER = GOOD.replace("Answer.", "Think.")
FENCED = '''def forward(self, taskInfo):
    coder = LLMAgentBase(["code"], "Coder")
    return self.run_python(coder([taskInfo], """Like this:
```python
print(42)
```""")[0])'''
CLASS = f'''class Agent:
    """An agent."""

    def __init__(self):
        super().__init__()

    def short(self, text):
        return text[:100]

{textwrap.indent(USING.replace("short(", "self.short("), "    ")}'''
PLAN = {
    "name": "P",
    "thought": "T.",
    "way": "program",
    "routes": [{"words": "who", "way": "direct"}],
    "samples": 3,
}


def block(code: str, fence: str = "```", info: str = "python") -> str:
    return f"{fence}{info}\n{code.rstrip()}\n{fence}"


def curly(code: str) -> str:
    return (
        code.replace('["answer"]', "[“answer”]")
        .replace('"Solver"', "“Solver”")
        .replace('"Answer."', "“Answer.”")
    )


PARENT = """import re

LIMIT = 3


def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver", temperature=0.1)

    for n in range(LIMIT):
        answer = solver([taskInfo], "Answer.")[0]
        if answer.content:
            return answer
    return ""
"""


def edit(*pairs: tuple[str, str], opens: str = "<<<<<<< SEARCH", closes: str = ">>>>>>> REPLACE") -> str:
    return "\n".join(f"{opens}\n{a}\n=======\n{b}\n{closes}" for a, b in pairs)


WARM = PARENT.replace("temperature=0.1", "temperature=0.7")
LINE = '    solver = LLMAgentBase(["answer"], "Solver", temperature=0.1)'
NEW = LINE.replace("0.1", "0.7")

ATOMS = (
    "```",
    "~~~",
    "````",
    "\n",
    "def forward(self, taskInfo):\n",
    "    return 1\n",
    "{",
    "}",
    '"code": "',
    "'",
    '"',
)
MORE = (
    "<<<<<<< SEARCH\n",
    "=======\n",
    ">>>>>>> REPLACE\n",
    "@@\n",
    "-a\n",
    "+b\n",
    "a = 1\n",
    "Name: ",
    "<code>",
    "\x00",
)
