"""Scores an answer with a task's own scorers. Built in the confined scorer's process, or in the worker."""

from __future__ import annotations

import contextlib
import os
import re
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from inspect_ai import Task
from inspect_ai.scorer import Score as TheirScore
from inspect_ai.scorer import Target

from domains.domain import Item, Score
from domains.inspect.event_loop import run
from domains.inspect.models import CALLS, turns_of
from domains.inspect.play import answered, asked, sample_of
from domains.inspect.tasks import load, scorers_of, without_data
from domains.inspect.values import score_of
from meta_search.errors import DomainError
from meta_search.text import one_line

__all__ = ["TaskScorer", "make_scorer"]

SAMPLE = "sample"  # in an item's data: the sample as JSON
MARKED = re.compile(r"answer\s*:", re.IGNORECASE)

Ask = Callable[[list[tuple[str, str]], str, "int | None", float], str]


class TaskScorer:
    """`score(item, answer, run, ask)` for the items of a task.

    Args:
        task: The task.
        chosen: The scorer that counts, `scorer.key`, or empty for the first.
        asking: Scorers that ask a model; of these only the one that counts is asked.
        bounds: Values of the scorer that are worth 0 and 1.

    Attributes:
        asks: Whether the scorer that counts asks a model.
        scorers: Those that are used, the one that counts first.
    """

    def __init__(
        self,
        task: Task,
        chosen: str = "",
        asking: Sequence[str] = (),
        bounds: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        scorers = scorers_of(task)
        self._task, self._bounds = task, bounds
        self._chosen = chosen or next(iter(scorers))
        mine = next((n for n in scorers if self._chosen == n or self._chosen.startswith(f"{n}.")), "")
        if not mine:
            raise DomainError(f"domain.scorer={chosen}: no such scorer; the task has {', '.join(scorers)}")
        others = {n: s for n, s in scorers.items() if n != mine and n not in asking}
        self.scorers = {mine: scorers[mine], **others}
        self.asks = mine in asking

    def __call__(self, item: Item, answer: str, run_code: Any = None, ask: Ask | None = None) -> Score:
        """Score an answer.

        Raises:
            DomainError: The scorer raised, or gave no value.
        """
        del run_code
        sample = sample_of(item.data[SAMPLE])
        text = _as_asked(item.question, answer, sample.choices or ())

        async def score() -> dict[str, TheirScore]:
            state, _ = await answered(self._task, sample, text)
            CALLS.asked = None if ask is None else _asking(ask)
            found = {}
            for name, scorer in self.scorers.items():
                scored = await scorer(state, Target(sample.target))
                if scored is None:
                    raise DomainError(f"the scorer {name} gave no score")
                if not isinstance(scored, TheirScore):
                    kind = type(scored).__name__
                    raise DomainError(f"the scorer {name} must return a Score, not {kind}")
                found[name] = scored
            return found

        try:
            scores = run(score())
        except DomainError:
            raise
        except (Exception, SystemExit) as error:
            inner = _innermost(error)
            raise DomainError(f"{self._chosen}: {type(inner).__name__}: {one_line(inner, 200)}") from error
        finally:
            CALLS.asked = None
        return score_of(scores, self._chosen, (answer, text), self._bounds)


def make_scorer(
    task: str,
    arguments: Mapping[str, Any],
    seed: int,
    chosen: str,
    asking: list[str],
    bounds: list[float],
    shown: Mapping[str, Any] | None,
    environment: Mapping[str, str],
) -> TaskScorer:
    """The scorer of a task, in the scorer's process: its dataset is not read there where that can be avoided.

    Args:
        task: `domain.task`.
        arguments: Those of the task.
        seed: As `tasks.load` takes it.
        chosen: As `TaskScorer` takes it.
        asking: Likewise.
        bounds: Likewise.
        shown: A sample that is never scored, as JSON; stands for the dataset, and is scored once, so that
            what scorers import late is there before the process is confined.
        environment: Where caches lie.

    Raises:
        DomainError: The task cannot be loaded.
    """
    os.environ.update(environment)
    sample = sample_of(shown) if shown else None
    try:
        with without_data(sample):
            made = load(task, arguments, seed)
    except DomainError:  # it looks closer at its data
        made = load(task, arguments, seed)
    scorer = TaskScorer(made, chosen, asking, (bounds[0], bounds[1]))
    if sample is not None:
        item = Item("shown", _question(made, shown), "", "", {SAMPLE: shown})
        for answer in ("0", str(sample.target if isinstance(sample.target, str) else sample.target[0])):
            with contextlib.suppress(Exception):
                scorer(item, answer, None, lambda *_: "GRADE: I")
    made.dataset = None  # targets that no child needs
    return scorer


def _question(task: Task, shown: Any) -> str:
    with contextlib.suppress(Exception):
        prompt = run(asked(task, sample_of(shown)))
        return prompt.question if prompt else ""
    return ""


def _as_asked(question: str, answer: str, choices: Sequence[str]) -> str:
    """An answer in the form that the question asks for: agents give the answer alone, without its mark.

    An option's text stands for its letter. An answer of several lines, or with a mark, is left as it is.
    """
    bare = answer.strip()
    if not bare or "\n" in bare or MARKED.search(bare) or not MARKED.search(question):
        return answer
    for letter, text in zip(string.ascii_uppercase, choices, strict=False):
        if bare.casefold() == text.strip().casefold() and f"{letter}) {text}" in question:
            return f"ANSWER: {letter}"
    return f"ANSWER: {bare}"


def _asking(ask: Ask) -> Callable[..., str]:
    def call(messages: Any, tools: Any, config: Any) -> str:
        if any(tools):
            raise DomainError("the scorer gives its model tools: not possible yet")
        warm = 0.0 if config.temperature is None else float(config.temperature)
        return ask(turns_of(messages), "judge", config.max_tokens, warm)

    return call


def _innermost(error: BaseException) -> BaseException:
    """What a group of tasks wraps."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
