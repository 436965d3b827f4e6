"""Tasks for lm-eval on data of our own: some of the library's, in the forms of their published data, and two
of a folder as a user writes them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["LABELS", "OWN", "answers", "arguments", "write"]

COLOURS = ("red", "blue", "green", "white", "black", "grey", "pink", "brown")

OWN = {
    "sums": """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {train: train.jsonl, test: test.jsonl}}
training_split: train
test_split: test
output_type: generate_until
description: "Add up.\\n\\n"
doc_to_text: "{{question}}\\nA:"
doc_to_target: "{{answer.split('#### ')[1]}}"
metric_list:
  - metric: exact_match
    ignore_case: true
    ignore_punctuation: true
generation_kwargs: {until: ["\\n"], do_sample: false}
num_fewshot: 2
""",
    "colours": """
task: colours
tag: made
dataset_path: json
dataset_kwargs: {data_files: {test: colours.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{text}}"
doc_to_target: "{{colours|join(', ')}}"
process_results: !function scoring.process_results
metric_list:
  - {metric: overlap, aggregation: mean, higher_is_better: true}
  - {metric: exact, aggregation: mean, higher_is_better: true}
filter_list:
  - name: lines
    filter: [{function: regex, regex_pattern: "(?s)(.*)"}, {function: take_first}]
  - name: last
    filter: [{function: regex, regex_pattern: "(.+)", group_select: -1}, {function: take_first}]
""",
}
LABELS = """
def process_results(doc, results):
    given = {part.strip().lower() for part in results[0].split(",") if part.strip()}
    wanted = set(doc["colours"])
    both = len(given & wanted)
    return {"overlap": both / max(1, len(given | wanted)), "exact": float(given == wanted)}
"""


def _sums(first: int, count: int, seed: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(seed)
    for n in range(first, first + count):
        a, b = draw.randint(2, 999), draw.randint(2, 999)
        yield {
            "question": f"Shelf {n} has {a} books. Then {b} more come. How many are there?",
            "answer": f"It has {a} + {b} = {a + b} books.\n#### {a + b}",
            "answer_number": a + b,
        }


def _colours(count: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(11)
    for n in range(count):
        found = draw.sample(COLOURS, draw.randint(1, 3))
        yield {"text": f"Flag {n} shows {' and '.join(found)}. Name its colours.", "colours": sorted(found)}


def _drop(first: int, count: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(13)
    nothing = {"number": "", "date": {"day": "", "month": "", "year": ""}, "spans": []}
    for n in range(first, first + count):
        kind, number = n % 3, draw.randint(2, 90)
        answer: dict[str, Any] = {**nothing, "hit_id": "", "worker_id": ""}
        if kind == 0:
            answer["number"] = str(number)
        elif kind == 1:
            answer["spans"] = draw.sample(COLOURS, 2)
        else:
            answer["date"] = {"day": str(1 + n % 28), "month": "May", "year": "1903"}
        more = {"number": [answer["number"]], "date": [answer["date"]], "spans": [answer["spans"]],
                "hit_id": [""], "worker_id": [""]}  # fmt: skip
        yield {"section_id": "s", "query_id": f"q{n}", "passage": f"Report {n}: {number} things.",
               "question": f"What of report {n}?", "answer": answer, "validated_answers": more}  # fmt: skip


def _trivia(first: int, count: int) -> Iterator[dict[str, Any]]:
    for n in range(first, first + count):
        colour = COLOURS[n % len(COLOURS)]
        yield {
            "question": f"Which colour has team {n}",
            "answer": {"aliases": [colour, f"{colour} ({n})"], "value": colour},
        }


def _babi(first: int, count: int) -> Iterator[dict[str, Any]]:
    for n in range(first, first + count):
        yield {
            "passage": f"Ann {n} went to the hall.\n",
            "question": f"Where is Ann {n}?",
            "answer": "hall",
            "task": 1,
        }


def _aime(first: int, count: int) -> Iterator[dict[str, Any]]:
    for n in range(first, first + count):
        yield {"Question": f"What is {n} times 3?", "Answer": str(3 * n), "ID": str(n)}


def _open(first: int, count: int) -> Iterator[dict[str, Any]]:
    for n in range(first, first + count):
        yield {"question": f"who won cup {n}", "answer": [f"Team {n % 9}", f"The Team {n % 9} Club"]}


DATA: Mapping[str, Mapping[str, Any]] = {
    "gsm8k": {"train": lambda: _sums(0, 80, 3), "test": lambda: _sums(500, 60, 4)},
    "mgsm_direct_en": {"train": lambda: _sums(0, 80, 5), "test": lambda: _sums(500, 60, 6)},
    "drop": {"train": lambda: _drop(0, 60), "validation": lambda: _drop(200, 60)},
    "triviaqa": {"train": lambda: _trivia(0, 60), "validation": lambda: _trivia(200, 60)},
    "babi": {"train": lambda: _babi(0, 60), "valid": lambda: _babi(100, 60), "test": lambda: _babi(200, 60)},
    "aime": {"train": lambda: _aime(15, 90)},
    "nq_open": {"train": lambda: _open(0, 60), "validation": lambda: _open(200, 60)},
}


def write(folder: Path) -> None:
    """Write all tasks and their data."""

    def rows(path: Path, found: Iterator[dict[str, Any]]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")

    for name, text in OWN.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "scoring.py").write_text(LABELS, encoding="utf-8")
    rows(folder / "train.jsonl", _sums(0, 80, 1))
    rows(folder / "test.jsonl", _sums(500, 60, 2))
    rows(folder / "colours.jsonl", _colours(90))
    for name, parts in DATA.items():
        for part, make in parts.items():
            rows(folder / name / f"{part}.jsonl", make())


def arguments(folder: Path, name: str) -> dict[str, Any]:
    """What has one of the library's tasks read our data."""
    files = {part: str(folder / name / f"{part}.jsonl") for part in DATA[name]}
    return {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": files}}


def answers(targets: list[str], seed: int = 0) -> list[str]:
    """Answers as models write them, some right and some wrong: one for each target."""
    draw = random.Random(seed)
    forms = ("{}", "{}.", " {} ", "The answer is {}", "#### {}", "I add.\n#### {}", "**{}**", "{}, I think",
             "$\\boxed{{{}}}$", "", "no idea", "{}{}", "it is not\n{}")  # fmt: skip
    found = []
    for target in targets:
        short = target.rsplit("#### ", 1)[-1]
        value = short if draw.random() < 0.7 else draw.choice(targets).rsplit("#### ", 1)[-1]
        found.append(draw.choice([*forms, target.replace("{", "{{").replace("}", "}}")]).format(value, value))
    return found
