"""The third landscape's space: stages of an agent that calls functions, and how a design works an item.

A design says for each kind of item how the request is prepared, how it is solved, which instruction is added,
how many worked examples are shown and which, and how many votes are taken. `work` is the agent: it makes its
calls through `ask`, which has them from a record or from a model. So what is recorded by call composes to
every design, and a design that is run is the same code.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "KINDS",
    "SAMPLES",
    "Asked",
    "Done",
    "Item",
    "Said",
    "Way",
    "Worked",
    "kind_of",
    "voted",
    "ways",
    "work",
]

PREPARE = {
    "none": "",
    "restate": "Restate the request in one sentence, with every value that it names. Call nothing.",
    "extract": "List every value that the request names, one a line, as name: value. Call nothing.",
    "decompose": "Which steps lead from the request to the right call? Three short lines at most.",
}
SOLVE = {
    "direct": 'Reply with one JSON object only: {"name": …, "arguments": {…}}',
    "think": 'Think in three short sentences at most, then give the object {"name": …, "arguments": {…}}',
    "schema": 'Reply with one JSON object only: {"name": …, "arguments": {…}}',  # enforced by the endpoint
}
INSTRUCTION = {
    "plain": "",
    "given": "Use only arguments that the request gives a value for.",
    "exact": "Copy names from the functions to the letter, and give every value the type that they state.",
}
EXAMPLES = {"none": 0, "one fixed": 1, "one nearest": 1, "two fixed": 2, "two nearest": 2}
VOTES = (1, 3)
SAMPLES = max(VOTES)
TEMPERATURES = (0.1, 0.7, 0.7)  # of the samples
TOKENS = {"prepare": 96, "direct": 128, "schema": 128, "think": 224}
KINDS = ("one function, few parameters", "one function, many", "several functions, few", "several, many")
MANY = 4  # parameters of the functions together, from which they are many
SYSTEM = "You turn requests into calls of the functions that you are given."


@dataclass(frozen=True, slots=True)
class Item:
    """A request with functions, as tests/bench/peers/bfcl.py has it."""

    id: str
    kind: str
    question: str
    target: str


@dataclass(frozen=True, slots=True)
class Way:
    """How items of one kind are worked, votes aside: a key of each of the tables above."""

    prepare: str
    solve: str
    instruction: str
    examples: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: its place in the agent, and what is sent. `key` tells it from all others."""

    stage: str
    item: str
    sample: int
    body: Mapping[str, Any]

    @property
    def key(self) -> str:
        inputs = json.dumps(self.body, sort_keys=True, ensure_ascii=False)
        digest = hashlib.sha256(inputs.encode()).hexdigest()[:16]
        return f"{self.stage}/{self.item}/{digest}/{self.sample}"


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a call: text, tokens of prompt and reply."""

    text: str
    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Worked:
    """One sample of a way on an item: what it answered, and its calls; samples share the first."""

    answer: str
    prepared: Said | None
    solved: Said


@dataclass(frozen=True, slots=True)
class Done:
    """What a design answers to an item, and what it used."""

    answer: str
    calls: int
    tokens: int


Ask = Callable[[Asked], Said]


def ways() -> Iterator[Way]:
    """All ways of working."""
    for words in itertools.product(PREPARE, SOLVE, INSTRUCTION, EXAMPLES):
        yield Way(*words)


def kind_of(row: Mapping[str, Any]) -> str:
    """One of `KINDS`, by the functions that a request comes with."""
    functions = [json.loads(line) for line in row["question"].partition("Functions:\n")[2].splitlines()]
    parameters = sum(len(f["parameters"].get("properties", {})) for f in functions)
    return KINDS[2 * (len(functions) > 1) + (parameters >= (MANY if len(functions) == 1 else 2 * MANY))]


def work(way: Way, item: Item, pool: Sequence[Item], sample: int, ask: Ask) -> Worked:
    """One sample of a way on an item.

    Args:
        way: How.
        item: What.
        pool: Worked items that may be shown.
        sample: 0, 1 or 2.
        ask: Makes a call.
    """
    prepared = None
    if way.prepare != "none":
        told = [_turn("system", SYSTEM), _turn("user", f"{item.question}\n\n{PREPARE[way.prepare]}")]
        prepared = ask(Asked("prepare", item.id, 0, _body(told, TOKENS["prepare"], 0)))
    turns = [_turn("system", SYSTEM)]
    for shown in _shown(way.examples, item, pool):
        turns.append(_turn("user", _request(way, shown, "")))
        thought = "The request names all values.\n" if way.solve == "think" else ""
        turns.append(_turn("assistant", thought + shown.target))
    turns.append(_turn("user", _request(way, item, prepared.text if prepared else "")))
    body = _body(turns, TOKENS[way.solve], sample)
    if way.solve == "schema":
        body["response_format"] = _schema(item)
    solved = ask(Asked(way.solve, item.id, sample, body))
    return Worked(solved.text, prepared, solved)


def voted(samples: Sequence[tuple[str, Worked]]) -> Done:
    """What several samples come to: the most frequent answer, the first of equals.

    Args:
        samples: Each with its answer as it is compared.
    """
    counts = Counter(answer for answer, _ in samples)
    [(winner, _)] = counts.most_common(1)
    chosen = next(w for answer, w in samples if answer == winner)
    first = samples[0][1].prepared
    used = [w.solved for _, w in samples] + ([first] if first else [])
    return Done(chosen.answer, len(used), sum(s.prompt + s.completion for s in used))


def _request(way: Way, item: Item, notes: str) -> str:
    parts = [item.question, f"Notes:\n{notes.strip()}" if notes.strip() else "", INSTRUCTION[way.instruction]]
    return "\n\n".join(part for part in (*parts, SOLVE[way.solve]) if part)


def _shown(examples: str, item: Item, pool: Sequence[Item]) -> list[Item]:
    number = EXAMPLES[examples]
    if "nearest" not in examples:
        return list(pool[:number])
    words = _words(item.question)

    def distance(other: Item) -> float:
        there = _words(other.question)
        return 1 - len(words & there) / max(1, len(words | there))

    return sorted(pool, key=distance)[:number][::-1]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text.partition("Functions:")[0].lower()))


def _schema(item: Item) -> dict[str, Any]:
    """One of the functions, and any arguments."""
    functions = item.question.partition("Functions:\n")[2].splitlines()
    names = [json.loads(line)["name"] for line in functions]
    properties = {"name": {"type": "string", "enum": names}, "arguments": {"type": "object"}}
    schema = {"type": "object", "properties": properties, "required": ["name", "arguments"]}
    return {"type": "json_schema", "json_schema": {"name": "call", "schema": schema}}


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _body(turns: list[dict[str, str]], tokens: int, sample: int) -> dict[str, Any]:
    return {"messages": turns, "max_tokens": tokens, "temperature": TEMPERATURES[sample], "seed": sample}
