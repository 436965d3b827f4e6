"""Searches that are steered at chosen moments, from within: `on_event` is called between their steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import meta_search
from meta_search.run.watch import SearchEvent
from meta_search.testing import CountingEndpoint
from tests.kits.answers import mind
from tests.kits.searches import mixed_search, questions

When = Callable[[SearchEvent], bool]
Step = tuple[When, Sequence[str]]

MINE = '''"""Added by hand."""


def forward(self, taskInfo):
    first = LLMAgentBase(["answer"], "First {n}", temperature=0.{n})
    return first([taskInfo], "Reply with only the number, and be careful. {n}")[0]
'''


def agent_file(folder: Path, name: str = "mine.py", n: int = 1) -> Path:
    """A file with an agent that no author writes."""
    path = folder / name
    path.write_text(MINE.format(n=n))
    return path


def evaluated(n: int = 1) -> When:
    """After so many evaluations on train have ended, counted from when it is asked first."""
    seen: list[SearchEvent] = []

    def when(event: SearchEvent) -> bool:
        seen.extend([event] if event.kind == "evaluated" and event.split == "train" else [])
        return len(seen) >= n

    return when


def said(*words: str) -> When:
    """Once a line with all these words was said."""
    return lambda event: event.kind == "note" and all(word in event.text for word in words)


class Script:
    """Steers a search step by step.

    Args:
        steps: (when, words of `meta-search steer RUN`); each waits until the one before was asked for.
        run: The run's folder.

    Attributes:
        lines: What the search said.
        events: What it told.
        left: Steps that did not come about.
    """

    def __init__(self, *steps: Step, run: str = "run") -> None:
        self.left, self._run = list(steps), run
        self.lines: list[str] = []
        self.events: list[SearchEvent] = []

    def __call__(self, event: SearchEvent) -> None:
        self.events.append(event)
        if event.kind == "note":
            self.lines.append(event.text)
        if self.left and self.left[0][0](event):
            _, words = self.left.pop(0)
            meta_search.steer(self._run, *[word() if callable(word) else word for word in words])

    def answers(self, *words: str) -> list[str]:
        """Lines on what was steered that have all these words."""
        return [line for line in self.lines if line.startswith("steered") and all(w in line for w in words)]


def search(folder: Path, script: Script, *more: str, latency_s: float = 0.02, answers: Any = mind) -> Any:
    """A mixed search in `run`, steered; its endpoint is gone afterwards."""
    path = questions(folder)
    with CountingEndpoint(answers, latency_s=latency_s) as endpoint:
        words = mixed_search(path, endpoint, "run.dir=run", "search.prior=false", *more)
        return meta_search.search(*words, on_event=script)
