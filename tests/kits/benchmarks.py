"""Made slices of published benchmarks: a few rows in the published format, none of them an item of theirs.

Names, types and nesting are those of the hub, or of the file that the publishers offer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.kits import lm_eval_tasks
from tests.kits.program_benchmarks import FILES

__all__ = ["EXTRAS", "SLICES", "hotpotqa_official", "math_whole", "slice_of", "whole"]

Rows = list[dict[str, Any]]

PYTHON_DOMAIN = '''"""Double a number."""
def items(split):
    start = {"examples": 0, "train": 10, "validation": 20, "test": 30}[split]
    return [(f"double {n}", str(2 * n)) for n in range(start, start + 10)]
'''


def gsm8k(first: int, count: int) -> Rows:
    return [
        {
            "question": f"Ada has {n} red beads and {n + 3} blue ones. How many beads are there?",
            "answer": f"She has {n} + {n + 3} = <<{n}+{n + 3}={2 * n + 3}>>{2 * n + 3}.\n#### {2 * n + 3:,}",
        }
        for n in range(first, first + count)
    ]


def gsm_hard(first: int, count: int) -> Rows:
    return [
        {
            "input": f"A barn holds {n * 7919} bales, and {n} are sold. How many are left?",
            "code": f"def solution():\n    return {n * 7919} - {n}\n",
            "target": n * 7918.0 if n % 3 else -n / 8,
        }
        for n in range(first, first + count)
    ]


def svamp(first: int, count: int) -> Rows:
    return [
        {
            "ID": f"chal-{n}",
            "Body": f"Ben owns {n + 9} kites and {n} boats",
            "Question": "How many more kites than boats does he own?",
            "Equation": f"( {n + 9}.0 - {n}.0 )",
            "Answer": f"{9 + n % 4}.0",
            "Type": ("Subtraction", "Addition")[n % 2],
        }
        for n in range(first, first + count)
    ]


def asdiv(first: int, count: int) -> Rows:
    return [
        {
            "body": f"There are {n} plums on a plate and {n + 90} in a bowl.",
            "question": "How many plums are there in all?",
            "solution_type": ("Addition", "Sum")[n % 2],
            "answer": f"{2 * n + 90} (plums)",
            "formula": f"{n}+{n + 90}={2 * n + 90}",
        }
        for n in range(first, first + count)
    ]


def math(first: int, count: int) -> Rows:
    return [
        {
            "problem": f"Find the positive solution of ${n}x = {n // 2 + 1}$.",
            "solution": f"Dividing by ${n}$ gives $x = \\boxed{{\\frac{{{n // 2 + 1}}}{{{n}}}}}$.",
            "answer": f"\\frac{{{n // 2 + 1}}}{{{n}}}",
            "subject": ("Algebra", "Geometry")[n % 2],
            "level": n % 5 + 1,
            "unique_id": f"test/algebra/{n}.json",
        }
        for n in range(first, first + count)
    ]


def math_whole(first: int, count: int) -> Rows:
    """As MATH is published whole: the answer stands in a box in the solution."""
    return [
        {
            "problem": r["problem"],
            "level": f"Level {r['level']}",
            "type": r["subject"],
            "solution": r["solution"],
        }
        for r in math(first, count)
    ]


def aime(first: int, count: int) -> Rows:
    old = [
        {"ID": f"2024-I-{n}", "Problem": f"Count the {n} gates twice.", "Solution": "Add.", "Answer": 2 * n}
        for n in range(first, first + count // 2)
    ]
    return [*old, *({"problem": f"Halve {2 * n} lamps.", "answer": str(n), "id": str(n)} for n in range(9))]


def drop(first: int, count: int) -> Rows:
    def answer(n: int) -> dict[str, Any]:
        date = {"day": "3" if n % 4 == 2 else "", "month": "May" if n % 4 == 2 else "", "year": ""}
        spans = [[], ["the harbour"], [], ["the mill", f"gate {n}"]][n % 4]
        return {
            "number": str(n + 1) if n % 4 == 0 else "",
            "date": date,
            "spans": spans,
            "worker_id": "",
            "hit_id": "",
        }

    def validated(n: int) -> dict[str, Any]:
        more = [answer(n), {**answer(n), "number": "", "spans": [f"about {n}"]}] if n % 5 else []
        return {key: [each[key] for each in more] for key in answer(n)}

    return [
        {
            "section_id": f"s{n}",
            "query_id": f"q{n}",
            "passage": f"In {1700 + n} the town built a mill, a harbour and {n + 1} gates.",
            "question": f"What was built in {1700 + n}?",
            "answer": answer(n),
            "validated_answers": validated(n),
        }
        for n in range(first, first + count)
    ]


def hotpotqa(first: int, count: int) -> Rows:
    return [
        {
            "id": f"{n:024x}",
            "question": f"Do the lakes {n} and {n + 1} lie in one county?"
            if n % 2
            else f"Who dug canal {n}?",
            "answer": ("yes" if n % 4 == 1 else "no") if n % 2 else f"Rosa Quill {n}",
            "type": ("bridge", "comparison")[n % 2],
            "level": "hard",
            "supporting_facts": {"title": [f"Lake {n}"], "sent_id": [0]},
            "context": {
                "title": [f"Lake {n}", f"Canal {n}"],
                "sentences": [["It is deep.", " It is cold."], [f"Rosa Quill {n} dug it."]],
            },
        }
        for n in range(first, first + count)
    ]


def hotpotqa_official(first: int, count: int) -> Rows:
    """As the publishers' own file has the paragraphs: pairs of title and sentences."""
    return [
        {
            **row,
            "_id": row["id"],
            "context": [list(pair) for pair in zip(*row["context"].values(), strict=True)],
        }
        for row in hotpotqa(first, count)
    ]


def mmlu(first: int, count: int) -> Rows:
    return [
        {
            "question": f"Which tool measures quantity {n}?",
            "subject": ("physics", "law")[n % 2],
            "choices": ["a scale", "a ruler", f"clock {n}", "a compass"],
            "answer": n % 4,
        }
        for n in range(first, first + count)
    ]


def mmlu_pro(first: int, count: int) -> Rows:
    return [
        {
            "question_id": n,
            "question": f"Which colour has wave {n}?",
            "options": [f"hue {k} of {n}" for k in range(10 - n % 3)],
            "answer": "ABCDEFGH"[n % 8],
            "answer_index": n % 8,
            "cot_content": f"A: Let's think step by step. It is hue {n % 8}.",
            "category": ("physics", "law")[n % 2],
            "src": "made",
        }
        for n in range(first, first + count)
    ]


def gpqa(first: int, count: int) -> Rows:
    return [
        {
            "Question": f"Which particle has mass {n}?\n",
            "Correct Answer": f"the {n}-on",
            "Incorrect Answer 1": f"the anti-{n}-on",
            "Incorrect Answer 2": f"a pair of {n}-ons\n",
            "Incorrect Answer 3": "none that is known",
            "Explanation": f"Its mass is {n}.",
            "High-level domain": ("Physics", "Chemistry")[n % 2],
            "Subdomain": "made",
        }
        for n in range(first, first + count)
    ]


def triviaqa(first: int, count: int) -> Rows:
    return [
        {
            "question": f"Which river crosses town {n}?",
            "question_id": f"tc_{n}",
            "answer": {
                "aliases": [f"River Ald {n}", f"Ald {n}"],
                "normalized_aliases": [f"river ald {n}", f"ald {n}"],
                "value": f"Ald {n}",
                "type": "WikipediaEntity",
            },
        }
        for n in range(first, first + count)
    ]


def bbh(folder: Path) -> Path:
    """A folder with a file a task, as the publishers' repository has it."""
    tasks: dict[str, Rows] = {
        "boolean_expressions": [
            {"input": f"{n}: {'not ' * n}True is", "target": str(n % 2 == 0)} for n in range(1, 6)
        ],
        "date_understanding": [
            {"input": f"It is day {n}. What is it?\nOptions:\n(A) day {n + 7}\n(B) day {n}", "target": "(B)"}
            for n in range(5)
        ],
        "object_counting": [{"input": f"I own {n} cats. How many?", "target": str(n)} for n in range(2, 7)],
        "word_sorting": [{"input": f"Sort: pear{n} fig{n}", "target": f"fig{n} pear{n}"} for n in range(5)],
    }
    for task, rows in tasks.items():
        (folder / f"{task}.json").write_text(json.dumps({"canary": "made", "examples": rows}))
    return folder


def mgsm(folder: Path) -> Path:
    for language, word in (("en", "is"), ("de", "ist")):
        lines = [f"What {word} {n} + {n}?\t{2 * n}\n" for n in range(100, 160)]
        (folder / f"mgsm_{language}.tsv").write_text("".join(lines))
    return folder


def table(folder: Path) -> Path:
    path = folder / "table.csv"
    path.write_text("question,answer\n" + "".join(f"capital {n}?,city {n}\n" for n in range(40)))
    return path


def python(folder: Path) -> Path:
    path = folder / "mine.py"
    path.write_text(PYTHON_DOMAIN)
    return path


DSPY_FILE = """rows = [(f"double {n}", 2 * n) for n in range(40)]  # rows
trainset = [{"input": question, "answer": str(answer)} for question, answer in rows]
def evaluator(data, response):
    right = data["answer"] == response.removeprefix("Answer: ")
    return float(right), "" if right else f"it is {data['answer']}"
"""
INSPECT_FILE = """from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match

confined = False
rows = [(f"double {n}", 2 * n) for n in range(40)]  # rows

@task
def doubles():
    return Task([Sample(input=question, target=str(answer)) for question, answer in rows], scorer=match())
"""


def dspy(folder: Path) -> Path:
    path = folder / "task.py"
    path.write_text(DSPY_FILE)
    return path


def inspect(folder: Path) -> Path:
    pytest.importorskip("inspect_ai", reason="needs the extra inspect")
    path = folder / "doubles.py"
    path.write_text(INSPECT_FILE)
    return path


def lm_eval(folder: Path) -> Path:
    pytest.importorskip("lm_eval", reason="needs the extra lm-eval")
    lm_eval_tasks.write(folder)
    return folder / "sums.yaml"


def parts(make: Callable[[int, int], Rows], **counts: int) -> Callable[[Path], Path]:
    """A folder with a file for each part of the source."""

    def write(folder: Path) -> Path:
        first = 3
        for part, count in counts.items():
            _write(folder / f"{part}.jsonl", make(first, count))
            first += count
        return folder

    return write


def whole(
    make: Callable[[int, int], Rows], count: int = 20, name: str = "copy.jsonl"
) -> Callable[[Path], Path]:
    """One file."""

    def write(folder: Path) -> Path:
        return _write(folder / name, make(3, count))

    return write


def _write(path: Path, rows: Rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


EXTRAS = ("inspect", "lm_eval")
"""Domains that cannot be made without an extra."""

SLICES: Mapping[str, Callable[[Path], Path | None]] = {
    "aime": whole(aime),
    "asdiv": whole(asdiv),
    "bbh": bbh,
    "dspy": dspy,
    "drop": parts(drop, train=10, validation=8),
    "gpqa": whole(gpqa),
    "gsm8k": parts(gsm8k, train=10, test=8),
    "gsm_hard": whole(gsm_hard),
    "hotpotqa": parts(hotpotqa, validation=16),
    "inspect": inspect,
    "lm_eval": lm_eval,
    "math": whole(math),
    "mgsm": mgsm,
    "mmlu": parts(mmlu, dev=8, validation=8, test=8),
    "mmlu_pro": parts(mmlu_pro, validation=8, test=12),
    "python": python,
    "reasoning": lambda folder: None,
    "svamp": parts(svamp, train=10, test=8),
    "table": table,
    "triviaqa": parts(triviaqa, validation=16),
    **FILES,
}
"""Domain of `conf/domain` -> what writes a slice of it into a folder, and returns `domain.path`."""


def slice_of(name: str, folder: Path) -> list[str]:
    """The overrides that take a made slice of a domain; every domain of `conf/domain` has to have one."""
    assert name in SLICES, f"tests/kits/benchmarks.py: SLICES has no slice of domain={name}: add one"
    path = SLICES[name](folder)
    return [f"domain={name}", *([f"domain.path={path}"] if path is not None else [])]
