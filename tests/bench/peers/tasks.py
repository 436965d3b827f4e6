"""What is compared on: overrides of a domain, what the peers are told, and our scorer for all."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domains.domain import Domain, Item
from domains.registry import make
from meta_search.compose import compose
from meta_search.evaluators.inline import InlineEvaluator
from meta_search.run.domain_scorer import Scorer, ScorerFault
from meta_search.types import SPLITS, Agent, CallReply, CallRequest, ItemJob, Split
from tests.bench.peers.bfcl import domain_file

__all__ = ["TASKS", "Judge", "Sizes", "Task", "task_of"]

PROGRAM = "Write a short Python program that computes and prints only the final answer."
RUN = '''"""Runs the program that it is given."""


def forward(self, taskInfo):
    return self.run_python(taskInfo)
'''
LATE_S = 120.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """Items of the splits."""

    examples: int = 24
    train: int = 18
    validation: int = 12
    test: int = 42

    def words(self) -> str:
        return (
            f"domain.sizes={{examples:{self.examples},train:{self.train},"
            f"validation:{self.validation},test:{self.test}}}"
        )


@dataclass(frozen=True, slots=True)
class Task:
    """A task.

    Attributes:
        words: Overrides of the domain, its sizes and seed aside.
        programs: Whether a program that prints the answer is a way to it.
        told: What a tool that is told nothing else is told of an answer.
        max_tokens: Of an answer of the task model.
    """

    words: tuple[str, ...]
    programs: bool = True
    told: str = "Reply with only the final answer."
    max_tokens: int = 192


# Families that are neither in the domain's mixture nor, but for the last, on the second recorded landscape.
UNSEEN = "lcm,products,count_primes,base_conversion,caesar_cipher,gcd"
TASKS: dict[str, Task] = {
    "reasoning": Task(("domain=reasoning",)),
    "unseen": Task(("domain=reasoning", f"domain.families=[{UNSEEN}]")),
    "bfcl": Task(
        ("domain=python",), programs=False, told='Reply with one JSON object: {"name": …, "arguments": {…}}.'
    ),
    "humaneval": Task(
        ("domain=humaneval",),
        programs=False,
        told="Reply with the whole function in one Python code block.",
        max_tokens=512,
    ),
}


def task_of(name: str, cache: Path) -> Task:
    """A task by its name, its data fetched where that is needed."""
    task = TASKS[name]
    if name != "bfcl":
        return task
    words = (*task.words, f"domain.path={domain_file(cache)}")
    return Task(words, task.programs, task.told, task.max_tokens)


class Judge:
    """Items of a task with a seed, and our scorer; for answers of all arms.

    Args:
        task: Which.
        seed: Of the items.
        sizes: Of the splits.
    """

    def __init__(self, task: Task, seed: int, sizes: Sizes) -> None:
        words = [*task.words, f"domain.seed={seed}", sizes.words(), "llm=local"]
        config = compose(words)
        self.task = task
        self.domain: Domain = make(config.domain)
        self.items: dict[str, Item] = {}
        self.split_of: dict[str, Split] = {}
        self.splits: dict[Split, Sequence[Item]] = {}
        for split in SPLITS:
            self.splits[split] = self.domain.items(split)[: getattr(sizes, split)]
            for item in self.splits[split]:
                self.items[item.id], self.split_of[item.id] = item, split
        self._scorer = Scorer(self.domain, config.sandbox)
        self._runner = InlineEvaluator(config.sandbox, config.evaluate, _nobody)
        self._agent = Agent.of("runs a program", RUN)
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the processes."""
        self._runner.close()
        self._scorer.close()

    def told(self, item: str, form: str, text: str) -> Mapping[str, Any]:
        """What an arm that searches is told of its answer.

        Raises:
            KeyError: A test item, or none of this task.
        """
        if self.split_of[item] == "test":
            raise KeyError(item)
        score, answer, feedback = self.score(item, form, text)
        return {"score": score, "answer": answer, "feedback": feedback}

    def score(self, item: str, form: str, text: str) -> tuple[float, str, str]:
        """Score, answer and feedback. A program is run in the sandbox, and what it prints is the answer."""
        answer = self._printed(text) if form == "program" else text
        with self._lock:  # one scorer in this process; confined ones are quick enough
            try:
                scored = self._scorer.score(self.items[item], answer)
            except ScorerFault as fault:
                return 0.0, answer, f"{fault.kind}: {fault.detail}"
        return float(scored.value >= 1), answer, scored.feedback

    @functools.lru_cache(maxsize=4096)  # noqa: B019 (a judge lives as long as the process)
    def _printed(self, program: str) -> str:
        if not program.strip():
            return ""
        job = ItemJob(self._agent, "train", "program", 0, program)
        try:
            return self._runner.submit(job).result(LATE_S).answer
        except Late:
            return "Error: it did not end"


async def _nobody(request: CallRequest) -> CallReply:
    raise AssertionError("running a program asks no model")
