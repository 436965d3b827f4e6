"""A meta model that answers every prompt of a search with everything on, and a task model for its agents.

What they say is a function of the messages and the seed alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.kits.answers import SUM

WRITERS = ("writer", "second")
SOURCE = '''def forward(self, taskInfo):
    """Agent {n}."""
    solver = LLMAgentBase(["answer"], "Solver {n}", temperature={warm})
    first = solver([taskInfo], "Work it out, way {n}. Reply with only the number.")[0]
    return first if first.content else "{n}"
'''
SHOWING = '''def forward(self, taskInfo):
    """Agent {n}, which shows examples."""
    solver = LLMAgentBase(["answer"], "Shower {n}", demonstrations=self.nearest(taskInfo.content, 2))
    return solver([taskInfo], "Reply with only the number, as shown {n}.")[0]
'''
TAIL = "\nEnd of the odd text"


def chance_of(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> int:
    text = json.dumps([messages, body.get("temperature"), body.get("seed")], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


class Minds:
    """Both models of a search.

    Args:
        odd: What the writer puts into names, thoughts, notes, ideas, instructions and sources.
    """

    def __init__(self, odd: str = "") -> None:
        self.odd = odd

    def __call__(self, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        chance = chance_of(messages, body)
        last = str(messages[-1]["content"])
        fields = _fields(body)
        if body["model"] not in WRITERS:
            return _solves(last, fields, chance, any(m["role"] == "assistant" for m in messages))
        if "way" in fields or "plans" in fields or "JSON plan" in last:
            return self._plans(chance, fields)
        if "Write a worked example" in last:
            return _works(last)
        wordings = "\n".join(f"{n}. Be sure ({chance % 97 + n}) {self._line}." for n in (1, 2, 3))
        for mark, answer in (
            (
                "Take notes of it for the briefs to come",
                f"Helps here:\n- {self.odd} way {chance % 99}\n{TAIL}",
            ),
            ("This reply is for ideas only", self._ideas(chance)),
            ("numbered lines, one instruction", wordings),
            ("only the new instruction", f"```\nBe quick ({chance % 97}) {self._line}.\n```"),
        ):
            if mark in last:
                return answer
        if "`keep`" in last and chance % 2:
            return "keep"
        if "answer" in fields or ("Python program" in last) or (SUM.search(last) and "Tasks:" not in last):
            return _solves(last, fields, 99, True)
        whole = "\n".join(str(m["content"]) for m in messages)
        if "<<<<<<< SEARCH" in last or ("<<<<<<< SEARCH" in whole and chance % 2):
            return self._edits(whole, chance)
        return "\n\n".join(self._program(chance // 7 + n) for n in range(1 + chance % 3))

    @property
    def _line(self) -> str:
        return " ".join(self.odd.replace('"', "'").replace("`", "'").split())

    def _program(self, n: int) -> str:
        broken = n % 5 == 0
        source = (SHOWING if n % 3 == 0 else SOURCE).format(n=n % 1000, warm=n % 9 / 10)
        if broken:
            source = source.replace("[0]", "['no']")
        note = f"    # {self._line}\n" if self.odd else ""
        source = source.replace("    solver", f"{note}    solver", 1)
        told = f"Name: Agent {n % 1000} {self._line}\nThought: idea {n % 1000} {self._line}"
        return f"{told}\n```python\n{source}```"

    def _edits(self, whole: str, chance: int) -> str:
        found = re.findall(r"""^\s.*(?:Reply with|reply with)[^"\n]*"[^\n]*$""", whole, re.M)
        old = found[chance % len(found)] if found else "nothing like it"
        new = re.sub(r"[Rr]eply with", f"Think ({chance % 991}), then reply with", old)
        return (
            f"Cause 1: {self._line} it guesses\nName: Edited {chance % 997} {self._line}\n"
            f"Thought: thinks {self._line}\n"
            f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"
        )

    def _ideas(self, chance: int) -> str:
        lines = [f"{n}. Idea {n} of {chance % 89} {self._line}" for n in range(1, 6)]
        return "\n".join([*lines, f"Pick: {chance % 5 + 1}"])

    def _plans(self, chance: int, fields: Mapping[str, Any]) -> str:
        ways = ("direct", "program", "think")
        plan = {
            "name": f"Plan {chance % 997} {self._line}",
            "thought": f"of {self._line}",
            "way": ways[chance % 3],
            "routes": [],
            "steps": [],
            "hint": self._line,
            "samples": (1, 3)[chance // 9 % 2],
            "shown": chance // 18 % 3,
            "temperature": 0.5,
            "causes": ["it guesses"],
        }
        return json.dumps({"plans": [plan]} if "plans" in fields else plan)


def _fields(body: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = (body.get("response_format") or {}).get("json_schema")
    return wanted["schema"].get("properties", {}) if wanted else {}


def _works(text: str) -> str:
    a, what, b = SUM.findall(text)[-1]
    return f"```python\n# Work it out.\nprint({a} {'+' if what == 'plus' else '*'} {b})\n```"


def _solves(text: str, fields: Mapping[str, Any], chance: int, shown: bool) -> str:
    found = SUM.findall(text)
    a, what, b = found[-1] if found else ("0", "plus", "0")
    right = int(a) + int(b) if what == "plus" else int(a) * int(b)
    missed = chance % 100 < (20 if what == "plus" else 60 - 40 * shown)
    answer = str(right + missed)
    if fields:
        return json.dumps(dict.fromkeys(fields, answer))
    return f"```python\nprint({answer})\n```" if "```" in text or "Python program" in text else answer
