"""Domain `inspect`: a task of Inspect AI.

    meta-search run domain=inspect domain.task=my_task.py@my_task
    meta-search run domain=inspect domain.task=inspect_evals/gsm8k domain.task_args.fewshot=0

See docs/inspect.md. Nothing of the task runs in this process: `process.Worker` loads it in one without keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from domains.domain import Confined, Item, Score
from domains.fallible import Fallible
from domains.inspect.process import Worker, environment
from domains.settings import Settings, named_sizes
from domains.wording import WORDING, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.types import SPLITS

__all__ = ["InspectDomain"]

OTHERS = re.compile(r"\[([^\[\]\s]+ [-+.\de]+(?:, [^\[\]\s]+ [-+.\de]+)*)\]")
LETTER = "only the letter of the right option; several where several are right"


class InspectDomain(Fallible):
    """Items and scorers of a task.

    Samples are dealt to splits as the rows of a table are. An agent is asked what the task's solvers would
    ask a model first: system messages that all samples share are its instruction, the rest is the question.

    Attributes:
        notes: Lines for the user on what of the task is otherwise here.
        groups: Item id -> a name of its group, of the items that have one.
        confined: How the scorer's process builds the task's scorers; `None` where they are not confined.
        asks: Whether the scorer that counts asks a model.

    Raises:
        DomainError: Inspect AI is not installed; no such task; one that needs a sandbox, tools, or more than
            text; too few samples; one line.
    """

    def __init__(self, settings: Settings) -> None:
        task = _task_of(settings)
        options = {
            "task": task,
            "arguments": dict(settings.task_args),
            "seed": settings.seed,
            "sizes": named_sizes(settings),
            "dealing": settings.dealing,
            "duplicates": settings.duplicates,
            "group": settings.group,
            "stratify": settings.stratify,
            "kind": settings.kind,
            "scorer": settings.scorer or "",
            "bounds": _bounds(settings.scorer_range),
        }
        worker = Worker(options)
        told = worker.told
        self._items = {split: tuple(Item(**item) for item in told["items"][split]) for split in SPLITS}
        self.name, self.source, self.asks = str(told["name"]), str(told["source"]), bool(told["asks"])
        self.groups: Mapping[str, str] = told["groups"]
        self.notes = tuple(f"{self.name}: {line}" for line in told["notes"])
        self.targets_answer = not self.asks  # a grader's target may be what it is to look for
        self._worker: Worker | None = None
        self.confined: Confined | None = None
        self.concurrency = 0
        if settings.confined and told["confined"]:
            worker.close()
            arguments = {"task": task, "arguments": options["arguments"], "seed": settings.seed}
            arguments |= {"chosen": options["scorer"], "asking": told["asking"], "bounds": options["bounds"]}
            arguments |= {"shown": told["shown"], "environment": environment()}
            self.confined = Confined("domains.inspect.scorer:make_scorer", arguments)
        else:
            self._worker, self.concurrency = worker, 1
            self.notes += (
                f"{self.name}: answers are scored outside of the sandbox, in a process without keys",
            )
        system = " ".join(part for part in (told["system"], settings.instruction or "") if part)
        self.brief = with_instruction(self._brief(told), system)
        wording = {**WORDING, "answer": LETTER} if told["letters"] else WORDING
        self.wording: Mapping[str, str] = instructed(wording, system)

    def _scored(self, item: Item, answer: str, ask: Any) -> Score:
        if self._worker is None:
            raise DomainError("the task's scorer is confined: the engine scores with it")
        return self._worker.score(item, answer, ask)

    def told_measures(self, feedbacks: Sequence[str]) -> Mapping[str, float]:
        """Means of the scorers that do not count, which stand in brackets at the start of items' feedback."""
        found: dict[str, list[float]] = {}
        for feedback in feedbacks:
            told = OTHERS.match(feedback)
            for part in told[1].split(", ") if told else ():
                name, _, number = part.rpartition(" ")
                found.setdefault(name, []).append(float(number))
        means = {name: sum(numbers) / len(numbers) for name, numbers in found.items()}
        return {name: mean for name, mean in means.items() if 0 <= mean <= 1}

    def _brief(self, told: Mapping[str, Any]) -> str:
        examples = self._items["examples"][:2]  # never scored, so they may be shown
        shown = "".join(f" Example: {i.question[:300]!r} -> {i.target[:100]!r}." for i in examples)
        return f"The task {self.name} of Inspect AI; answers are {told['about']}.{shown}"


def _bounds(given: Sequence[float]) -> tuple[float, float]:
    if not given:
        return (0.0, 1.0)
    if len(given) != 2 or not given[0] < given[1]:
        raise DomainError(f"domain.scorer_range={list(given)}: must be [LOWEST,HIGHEST]")
    return (float(given[0]), float(given[1]))


def _task_of(settings: Settings) -> str:
    """The task, with the whole path of its file, which stands in `domain.path` where a run was prepared."""
    if not settings.task and not settings.path:
        raise DomainError("domain=inspect needs a task: domain.task=my_task.py@my_task, or PACKAGE/NAME")
    task = settings.task or ""
    if not settings.path:
        return task
    name = task.rpartition("@")[2]
    return settings.path if not name or name.endswith(".py") else f"{settings.path}@{name}"
