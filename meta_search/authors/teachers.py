"""Agents that work examples for others, and what of their work is kept.

They ask in the words of the blocks that composed agents are made of, so that what they are told is what the
pupil will be told; and what they reply to the bare task, once it is right, is what the pupil is shown.
"""

from __future__ import annotations

import json

from meta_search.authors.author import Worked
from meta_search.authors.block_table import BLOCKS, blocks_of, solver
from meta_search.authors.compiler import compile_plan
from meta_search.authors.plan import USUAL, Plan
from meta_search.types import Agent, Demonstration, TraceCall

__all__ = ["CALLS", "FORM_OF_WAY", "FORMS", "PROGRAMS", "checker", "demonstration", "normal", "teacher"]

FORM_OF_WAY = {way: BLOCKS[way].form for way in blocks_of("solve")}
WAY_OF_FORM = {"program": "program", "reading": "reader", "thinking": "think", "text": "direct"}
FORMS = {
    "program": "programs",
    "reading": "programs that read the question from the variable QUESTION",
    "thinking": "answers with a line of reasoning",
    "text": "plain answers",
}
"""Form of a reply (`Demonstration.form`) -> what people and the meta agent are told it is."""
CALLS = {"program": 2, "reading": 2, "thinking": 1, "text": 1}
"""Form -> most calls that a teacher makes for an example."""
PROGRAMS = ("program", "reading")
"""Forms that are run."""
MOST_REPLY, MOST_REPLY_SMALL = 3_000, 1_200  # characters; of embedded models, whose windows are small
# The pupil writes what it is shown: a line that says why, and no more.
BRIEFLY = {
    "program": " Begin it with one comment line that says how the question is worked.",
    "reading": " Begin it with one comment line that says how such a question is worked.",
    "thinking": " Put the thinking into one line.",
    "text": "",
}

_PROGRAM = '''"""Teacher: works an example by a program, which is mended once."""


def forward(self, taskInfo):
    coder = LLMAgentBase(["code"], "Coder", role={role!r}, temperature={temperature!r})
    [code] = coder([taskInfo], {instruction!r})
    printed = self.run_python(code.content)
    if printed and not printed.startswith("Error:"):
        return printed
    complaint = Info("result", "Python", printed or "It printed nothing.", 0)
    [code] = coder([taskInfo, code, complaint], "The program failed. Write it anew, short and right.", 1)
    return self.run_python(code.content)
'''
_ANSWER = '''"""Teacher: works an example by one call."""


def forward(self, taskInfo):
    solver = LLMAgentBase({fields!r}, {name!r}, role={role!r}, temperature={temperature!r})
    return solver([taskInfo], {instruction!r})[-1].content.strip()
'''
_RUNS = '''"""Runs a worked example that was written down."""

CODE = {code!r}


def forward(self, taskInfo):
    return self.run_python(CODE)
'''
_RUNS_READING = '''"""Runs a worked example that was written down, with the question in `QUESTION`."""

CODE = {code!r}


def forward(self, taskInfo):
    return self.run_python(f"import re\\nQUESTION = {{taskInfo.content!r}}\\n{{CODE}}")
'''
_SAYS = '''"""Gives the answer of a worked example that was written down."""


def forward(self, taskInfo):
    return {answer!r}
'''


def teacher(form: str, brief: bool) -> Agent:
    """The agent that works examples in a form.

    Args:
        form: Of the reply.
        brief: Whether it is told to give one line of reasoning; embedded models are asked as their pupils
            are, as they do not follow more.
    """
    way = WAY_OF_FORM[form]
    told = {
        "role": solver(way).role,
        "temperature": USUAL,
        "instruction": solver(way).instruction + (BRIEFLY[form] if brief else ""),
    }
    if form == "program":
        return Agent.of("Teacher, program", _PROGRAM.format(**told))
    if form == "reading":
        plan = Plan(
            "Teacher",
            "Works an example by a program that reads it.",
            way,
            hint=BRIEFLY[form] if brief else "",
        )
        return Agent.of("Teacher, reader", compile_plan(plan))
    fields, name = (["thinking", "answer"], "Thinker") if form == "thinking" else (["answer"], "Solver")
    return Agent.of(f"Teacher, {way}", _ANSWER.format(fields=fields, name=name, **told))


def checker(shown: Demonstration) -> Agent | None:
    """An agent that comes to what a written reply comes to, and asks nobody; `None` for what has none."""
    if shown.form in PROGRAMS:
        code, runs = program_in(shown.reply), _RUNS if shown.form == "program" else _RUNS_READING
        return Agent.of("Worked program", runs.format(code=code)) if code else None
    answer = _fields(shown.reply).get("answer", "") if shown.form == "thinking" else shown.reply
    return Agent.of("Worked answer", _SAYS.format(answer=answer)) if answer.strip() else None


def demonstration(worked: Worked, form: str, small: bool = False) -> Demonstration | None:
    """What is kept of a right run of a `teacher`: its last reply, which its answer comes from.

    Args:
        worked: The run.
        form: That it was asked for.
        small: Whether the pupil's window is small.

    Returns:
        `None` where the reply is not of the form, or too long to be shown at every item.
    """
    calls: tuple[TraceCall, ...] = worked.result.trace
    if not (worked.right and calls):
        return None
    return normal(worked.example.question, calls[-1].text, form, small)


def normal(question: str, text: str, form: str, small: bool = False) -> Demonstration | None:
    """A reply as agents are shown it: a fenced program, JSON of a line of reasoning and the answer, or text;
    `None` where it is none of the form or too long."""
    reply = text.strip()
    if form in PROGRAMS and "```" not in reply:
        reply = f"```python\n{reply}\n```" if reply else ""
    if form == "thinking":
        found = _fields(reply)
        told = " ".join(found.get("thinking", "").split())
        whole = bool(told and found.get("answer", "").strip())
        pair = {"thinking": told, "answer": found.get("answer", "").strip()}
        reply = json.dumps(pair, ensure_ascii=False) if whole else ""
    most = MOST_REPLY_SMALL if small else MOST_REPLY
    made = Demonstration(question, reply)
    return made if reply and len(reply) <= most and made.form == form else None


def program_in(reply: str) -> str:
    """The program between the first two fences of a reply; `""` without one."""
    parts = reply.split("```")
    if len(parts) < 3:
        return ""
    head, _, rest = parts[1].partition("\n")
    body = rest if head.strip().isalnum() or not head.strip() else parts[1]
    return body.strip("\n")


def _fields(reply: str) -> dict[str, str]:
    """The texts of the JSON object that stands in a reply; empty where there is none."""
    first, last = reply.find("{"), reply.rfind("}")
    try:
        found = json.loads(reply[first : last + 1], strict=False) if first >= 0 else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    plain = {k: v for k, v in found.items() if isinstance(v, str | int | float)}
    return {str(k): v if isinstance(v, str) else json.dumps(v) for k, v in plain.items()}
