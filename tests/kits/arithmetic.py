"""Train items whose answers a scripted model knows when it is told how; runs on them in the real sandbox."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from meta_search.authors.author import Context, Failure, Parent
from meta_search.types import Agent, CallReply, CallRequest, ItemResult
from tests.kits.author_contexts import Desk
from tests.kits.sandboxed_agents import House

QUESTIONS = tuple(
    f"A shop sells {n} loaves and then {n + 1} more. How many loaves are sold?" for n in range(3, 11)
)
HINT = "add up both numbers"
SOLO = '''"""Solo"""

# every remark stays
def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver", temperature=0.1)
    return solver([taskInfo], "Reply with only the number.")[0]  # the answer
'''
PAIR = """def forward(self, taskInfo):
    reader = LLMAgentBase(["note"], "Reader")
    note = reader([taskInfo], "Note the numbers of the task.")[0]
    return LLMAgentBase(["answer"], "Solver")([taskInfo, note], "Reply with only the number.")[0]
"""


def answer(question: str) -> str:
    """The right one."""
    return str(sum(map(int, re.findall(r"\d+", question))))


def model(request: CallRequest) -> str:
    """Right where it is told to add up, or the numbers are small."""
    asked = request.messages[-1][1]
    first = int(re.findall(r"\d+", asked)[0])
    if "Note the numbers" in asked:
        return "two numbers"
    return answer(asked.partition("?")[0]) if HINT in asked or first < 4 else "0"


class Runs:
    """`Workbench.probe` on these items; counts what it ran."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ran: list[tuple[str, tuple[int, ...]]] = []

    def probe(self, agent: Agent, places: Sequence[int], without: Sequence[str]) -> list[ItemResult]:
        assert not without
        self.ran.append((agent.name, tuple(places)))
        values, shown = dict(agent.values), [(d.question, d.reply) for d in agent.demonstrations]
        found = []
        for place in places:
            question = QUESTIONS[place]
            result = self.house.run(
                agent.source, model, question=question, item=f"t{place}", values=values, demonstrations=shown
            )
            found.append(replace(result, score=float(result.answer.strip() == answer(question))))
        return found


def parent(source: str = SOLO, runs: Runs | None = None, **more: object) -> Parent:
    """An agent with what it got wrong; with traces where it was run."""
    agent = Agent.of("Solo", source)
    results = runs.probe(agent, range(len(QUESTIONS)), ()) if runs else []
    traces = {n: r.trace for n, r in enumerate(results)}
    if runs:
        runs.ran.clear()
    rows = [
        Failure(q, "0", answer(q), "", item=f"t{n}", trace=traces.get(n, ()), feedback=f"off by {answer(q)}")
        for n, q in enumerate(QUESTIONS[1:], 1)
    ]
    right = Failure(
        QUESTIONS[0], answer(QUESTIONS[0]), answer(QUESTIONS[0]), "", score=1.0, trace=traces.get(0, ())
    )
    known = (right,) if runs else ()
    scores = (0.0,) * 7 + (1.0,)
    made = Parent(agent, 1 / 8, 30.0, {"": (1, 8)}, tuple(rows[:6]), scores=scores, right=known)
    return replace(made, **more)  # type: ignore[arg-type]


class Scene:
    """A desk whose items are `kits.arithmetic`."""

    def __init__(self, house: House) -> None:
        self.desk, self.runs = Desk(house), Runs(house)

    def context(
        self, texts: list[str | CallReply], source: str = SOLO, traced: bool = True, **more: Any
    ) -> Context:
        agent = more.pop("parent", None) or parent(source, self.runs if traced else None)
        more = {"probe": self.runs.probe, "questions": QUESTIONS, **more}
        return self.desk.context(more.pop("operator", "reflect"), [agent], texts=texts, **more)
