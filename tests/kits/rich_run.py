"""A made state of a run, rich in everything: kinds, parents with traces, faults, feedback, lessons, notes."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from meta_search.authors.author import (
    Context,
    DomainFacts,
    Example,
    Failure,
    Findings,
    Lesson,
    Parent,
    TaskModel,
)
from meta_search.authors.compiler import compile_plan
from meta_search.authors.plan import Plan, Route
from meta_search.authors.views import Solved, Step, Tried, WayRate
from meta_search.config import AuthorConfig
from meta_search.types import Agent, Brief, Demonstration, TraceCall, TraceProgram
from tests.kits.author_contexts import SOURCES, Bench, FixedTrial

NAMES = (
    "Ada likes chess. Ben dislikes chess. Cleo is fond of rowing. Dan endures rowing. "
    "Eve is keen on chess problems.\nWho is fond of rowing? Reply only with a name."
)
EXAMPLES = (
    Example("State the final answer: 12 + 30 - 7 =", "35", "sums"),
    Example("State the final answer: 81 - 40 + 9 =", "50", "sums"),
    Example("How often does the letter e appear in: seven green trees", "6", "letters"),
    Example("How often does the letter o appear in: a good book", "4", "letters"),
    Example("Finn likes tea. Gil hates tea.\nWho hates tea? Reply only with a name.", "Gil", "names"),
)
SUM_PROGRAM = "```python\nprint(12 + 30 - 7)\n```"
LETTER_PROGRAM = '```python\nprint("seven green trees".count("e"))\n```'
VERIFIER = '''"""Solve and verify

A second model checks what the first one answered.
"""

CHECK = """Check the answer. If the task is about numbers, work it out again:
```
7 + 5 = 12
```
Then give the right answer."""


def forward(self, taskInfo):
    solver = LLMAgentBase(["thinking", "answer"], "Solver", role="careful expert", temperature=0.2)
    checker = LLMAgentBase(["thinking", "answer"], "Checker", role="strict examiner", temperature=0.0)
    thinking, answer = solver([taskInfo], "Think step by step in a few words, then give the answer.")
    verdict, checked = checker([taskInfo, thinking, answer], CHECK)
    number = re.findall(r"-?\\d+", checked.content)
    return checked if not number else number[-1]
'''
PLAN = Plan(
    "Programs for sums",
    "Sums and letters are worked by a program; names are read by the model itself.",
    way="direct",
    routes=(Route("final answer", "program"), Route("letter", "program")),
    shown=1,
)


def call(
    index: int, author: str, prompt: str, text: str, inputs: tuple[int, ...] = (), **more: Any
) -> TraceCall:
    fields = more.pop("fields", ("thinking", "answer"))
    return TraceCall(
        index, author, more.pop("role", ""), fields, prompt, text, inputs, 180 + 7 * index, 0.8, **more
    )


def verified(
    question: str, first: str, second: str, thinking: str = "I add them up."
) -> tuple[TraceCall, ...]:
    """The calls of the verifier on an item."""
    solved = f'{{"thinking": "{thinking}", "answer": "{first}"}}'
    checked = f'{{"thinking": "It holds.", "answer": "{second}"}}'
    asked = (
        f"{question}\n\n### thinking by Solver 1:\n{thinking}\n\n### answer by Solver 1:\n{first}\n\n"
        "Check the answer. If the task is about numbers, work it out again."
    )
    return (
        call(0, "Solver", f"{question}\n\nThink step by step in a few words.", solved, role="careful expert"),
        call(1, "Checker", asked, checked, (0,), role="strict examiner", final=True),
    )


def by_program(question: str, program: str) -> tuple[TraceCall, ...]:
    prompt = f"{question}\n\nWrite a short Python program that computes and prints only the final answer."
    return (call(0, "Coder", prompt, f"```python\n{program}\n```", fields=("code",), final=True),)


SUM = "State the final answer: 140 - 45 + 69 - 20 ="
LETTERS = "How often does the letter t appear in: that tattered hat on the table"
PROGRAMS = (TraceProgram(0, "print(140 - 45 + 69 - 20)", "144"),)
FEEDBACK = "off by one hundred\nthe sum of the first two terms is 95"


def verifier() -> Parent:
    thinking = "First I take the terms in order: 140 - 45 is 95, then I add 69 and take 20."
    solved = Solved("Programs for sums", "144", by_program(SUM, "print(140 - 45 + 69 - 20)"), PROGRAMS)
    summed = {"trace": verified(SUM, "44", "44", thinking), "solved": solved, "item": "train-3"}
    sums = Failure(SUM, "44", "144", "sums", feedback=FEEDBACK, **summed)  # type: ignore[arg-type]
    letters = Failure(
        LETTERS, "7", "8", "letters", score=0.5, item="train-7", trace=verified(LETTERS, "7", "7")
    )
    fault = "IndexError: list index out of range (line 18 of agent.py)"
    read = verified(NAMES, "Cleo", "Cleo")[:1]
    crash = Failure(NAMES, "", "Cleo", "names", fault, "crash", item="train-9", trace=read)
    easy = "State the final answer: 3 + 4 ="
    right = Failure(easy, "7", "7", "sums", score=1.0, item="train-1", trace=verified(easy, "7", "7"))
    return Parent(
        Agent.of("Solve and verify", VERIFIER),
        10 / 18,
        386.0,
        by_kind={"sums": (2, 6), "letters": (3, 6), "names": (5, 6)},
        failures=(crash, sums, letters),
        generation=2,
        thought="A second model checks what the first one answered.",
        scores=(0.0,) * 7 + (0.5,) * 2 + (1.0,) * 9,
        calls=2.0,
        latency_s=1.6,
        right=(right,),
        lineage=(
            Step("direct", "The model gives the answer at once.", "seed"),
            Step(
                "Think first", "A few words of reasoning.", "mutate", {"sums": (0, 1, 6), "names": (5, 5, 6)}
            ),
            Step(
                "Solve and verify",
                "A second model checks.",
                "mutate",
                {"sums": (1, 2, 6), "letters": (2, 3, 6)},
            ),
        ),
    )


def planned() -> Parent:
    wrong = Failure(
        NAMES,
        "Ben",
        "Cleo",
        "names",
        item="train-9",
        trace=(
            call(
                0,
                "Solver",
                f"{NAMES}\n\nReply with only the final answer.",
                "Ben",
                fields=("answer",),
                final=True,
            ),
        ),
    )
    return Parent(
        Agent.of(PLAN.name, compile_plan(PLAN)),
        15 / 18,
        214.0,
        by_kind={"sums": (6, 6), "letters": (6, 6), "names": (3, 6)},
        failures=(wrong,),
        plan=PLAN.to_mapping(),
        generation=1,
        thought=PLAN.thought,
        scores=(0.0,) * 3 + (1.0,) * 15,
        calls=1.1,
        latency_s=0.7,
        lineage=(
            Step("program", "The model writes a program.", "seed"),
            Step(PLAN.name, PLAN.thought, "mutate", {"names": (1, 3, 6), "sums": (5, 6, 6)}),
        ),
    )


TRIED = (  # id, name, thought, operator, author, parents; score, interval, items, tokens; change; fate
    (
        ("b1", "Vote of three", "Three answers, a vote.", "mutate", "llm", ("a2",)),
        (0.5, 0.29, 0.71, 18, 820),
    ),
    (("a1", "direct", "", "seed", "hand", ()), (0.33, 0.16, 0.56, 18, 84)),
    (("a2", "Solve and verify", "A second look.", "mutate", "llm", ("a1",)), (0.56, 0.34, 0.75, 18, 386)),
    (("a3", PLAN.name, PLAN.thought, "mutate", "composer", ("a1",)), (0.83, 0.61, 0.94, 18, 214)),
    (("a4", "Regex solver", "Solve sums by eval.", "novel", "llm", ()), ()),
)
CAME_TO = (
    ({"sums": 0.17, "letters": -0.33}, "stopped: cannot beat the best"),
    ({}, "kept"),
    ({"sums": 0.33, "letters": 0.17}, "kept"),
    ({"sums": 1.0, "letters": 0.67, "names": -0.33}, "kept, the best"),
    ({}, "refused: the agent never asks a model"),
)


def tried() -> tuple[Tried, ...]:
    """Seventeen agents, most of them tuned variants of the best one."""
    found = [
        replace(Tried(*about, *measured), change=change, fate=fate)
        for (about, measured), (change, fate) in zip(TRIED, CAME_TO, strict=True)
    ]
    variant = replace(found[3], thought="Another temperature.", operator="tune", parents=("a3",), change={})
    return (*found, *(replace(variant, id=f"c{i}", name=f"Variant {i}", fate="kept") for i in range(12)))


RATES = (
    WayRate("direct", "", 20, 54, 88),
    WayRate("direct", "sums", 1, 18, 80),
    WayRate("direct", "letters", 5, 18, 80),
    WayRate("direct", "names", 14, 18, 104),
    WayRate("program", "", 39, 54, 190),
    WayRate("program", "sums", 18, 18, 180),
    WayRate("program", "letters", 16, 18, 170),
    WayRate("program", "names", 5, 18, 220),
    WayRate("think", "", 24, 54, 260),
)
LESSON = """What helps here: programs on sums and letters, with one worked example of the same kind.
What does not: a second look by the same model; it agrees with whatever it is shown.
Not tried: reading the names into a table first, then asking the program."""
NOTES = (
    "Answers are read by a machine: nothing but the name or the number.\nWe can afford 400 tokens an item."
)
POOL = (
    Demonstration(EXAMPLES[0].question, SUM_PROGRAM),
    Demonstration(EXAMPLES[1].question, "```python\nprint(81 - 40 + 9)\n```"),
    Demonstration(EXAMPLES[2].question, LETTER_PROGRAM),
)
REQUEST = (
    ("system", "You are a helpful assistant. Reply with the answer only."),
    ("user", "State the final answer: 12 + 30 - 7 =\n\nReply with only the final answer."),
)


def rich_context(operator: str = "mutate", room: int = 24_000, **more: Any) -> Context:
    """The state, as a brief of an operator meets it."""
    parents = (verifier(), planned())
    ids = tuple(parent.agent.id for parent in parents)
    findings = Findings(
        demonstrations=POOL,
        tried=tried(),
        rates=RATES,
        taught={EXAMPLES[0].question: "meta", EXAMPLES[1].question: "task", EXAMPLES[2].question: "author"},
        lesson=Lesson(7, LESSON, 12),
    )
    context = Context(
        brief=Brief(9, operator, "llm", ids, seed=3),
        config=AuthorConfig(notes=NOTES, max_tokens=16_384),
        parents=parents if operator == "crossover" else parents[:1],
        inspirations=parents[1:] if operator != "crossover" else (),
        domain=DomainFacts(
            brief="Short tasks of three kinds, mixed. An answer is right only if it is the expected one.",
            name="reasoning",
            keywords={"sums": "final", "letters": "letter", "names": "reply"},
            examples=EXAMPLES,
            questions=(SUM, LETTERS, NAMES),
            kinds={"letters": 6, "names": 6, "sums": 6},
            instruction="Solve the task.",
            wording={"answer": "the final answer alone, without a sentence"},
        ),
        findings=findings,
        bench=Bench(_never, _never, _never, _never),
        trial=FixedTrial({}),
        values={},
        rng=random.Random(0),
        task=TaskModel("qwen2.5-coder-0.5b", 2048, 512, REQUEST, teachable=True),
        room=room,
    )
    return replace(context, **more)


def _never(*asked: Any) -> Any:
    raise AssertionError("a prompt is a function of the context, and asks nothing")


def archive() -> tuple[Parent, ...]:
    """The agents of the state as the author `adas` is shown them, oldest first."""
    given = Parent(
        Agent.of("direct", SOURCES["direct"]), 6 / 18, 84.0, scores=(0.0,) * 12 + (1.0,) * 6, calls=1.0
    )
    return (given, planned(), verifier())
