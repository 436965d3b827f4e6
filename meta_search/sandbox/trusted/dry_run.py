"""Scripted answers of a model for dry runs: plausible, deterministic and free.

An agent should not be able to tell a dry run from the real thing, or it behaves well in it alone. Its process
is given the message that it gets for the same item later. Answers have the form of the domain's own, differ
from call to call, and count as tokens. What cannot be hidden is that they are made up and come at once, as
those of the ledger do. So nothing rests on a dry run that real items do not confirm.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence

from meta_search.sandbox.trusted.messages import Call
from meta_search.types import CallReply, ItemJob, Usage

__all__ = ["reply"]

ANSWER = "42"  # of a question without numbers, in a domain without examples
MOST_ANSWERS = 16
LONGEST = 400  # characters of an example's answer that is given as one
# One program for both uses of code: printing an answer, and transforming an ARC grid.
PROGRAM = "```python\ndef transform(grid):\n    return grid\n\nprint({answer!r})\n```"
THOUGHTS = (
    "The question gives all that is needed. Step by step this comes to {answer}.",
    "First I read what is asked, then I work it out: {answer}.",
    "Let me go through it once. What follows from it is {answer}, and a second look agrees.",
)
REVIEWS = (
    "The steps are sound; check the last one.",
    "It looks right, but the second step should be explained.",
    "One case is missing. Look at the question once more.",
)
# What fields are called, by a word in their name; the first that fits.
VALUES = {
    "think": THOUGHTS,
    "reason": THOUGHTS,
    "code": (PROGRAM,),
    "program": (PROGRAM,),
    "feedback": REVIEWS,
    "critic": REVIEWS,
    "correct": ("True", "False", "True"),
    "choice": ("A", "B", "C", "D"),
    "rating": ("3", "4", "2"),
    "score": ("3", "4", "2"),
    "confidence": ("0.8", "0.6", "0.9"),
    "plan": (
        "1. Read the task. 2. Compute. 3. Answer.",
        "1. Find what is given. 2. Work it out. 3. Check the result.",
    ),
    "expert": ("Mathematician", "Teacher", "Careful reader"),
}


def reply(call: Call, job: ItemJob) -> CallReply:
    """The answer to a call: what is drawn depends on the run, the item, and the request.

    Args:
        call: The call. One without fields is answered with a program where its last message speaks of one.
        job: The item; its examples show what answers look like.
    """
    drawn = random.Random(f"{job.salt}/{job.item}/{call.occurrence}/{call.prompt}")
    answer = drawn.choice(_answers(job))
    if call.schema is not None:
        text = json.dumps({name: _value(name, answer, drawn) for name in call.fields})
    elif call.fields:
        text = _value(call.fields[-1], answer, drawn)
    else:
        program = re.search(r"\b(program|python|code)\b", call.prompt, re.IGNORECASE)
        text = _value("program", answer, drawn) if program else answer
    read = sum(len(content) for _, content in call.messages)
    return CallReply(text, used=Usage(1, read // 4, len(text) // 4))


def _answers(job: ItemJob) -> Sequence[str]:
    """What an answer may look like: those of the examples, else numbers of the question."""
    shown = [answer for _, answer in job.examples if len(answer) <= LONGEST][:MOST_ANSWERS]
    return shown or re.findall(r"\d{1,9}", job.question)[:MOST_ANSWERS] or (ANSWER,)


def _value(field: str, answer: str, drawn: random.Random) -> str:
    name = field.lower()
    values = next((values for word, values in VALUES.items() if word in name), (answer,))
    return drawn.choice(values).replace("{answer!r}", repr(answer)).replace("{answer}", answer)
