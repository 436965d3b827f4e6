"""Whether two answers of a team are the same, where the sandbox's standard library can't tell.

Answers are hostile: expressions are parsed, which may cost any time and memory, by libraries that were not
written for hostile text. So each question is settled in a confined child of a process that holds nothing but
these libraries (`equality_rules`), with limits of its own; an answer that passes them equals nothing. An
agent's clock stands still meanwhile, as its item may ask only so often.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from meta_search.config import SandboxConfig
from meta_search.errors import MetaSearchError
from meta_search.sandbox.trusted.names import LAYERS
from meta_search.sandbox.trusted.scorer import ROOM, ConfinedScorer

__all__ = ["Equality", "Questions"]

RULES = "meta_search.sandbox.confined.equality_rules:load"
QUESTION_CPU_S = 2.0
QUESTION_WALL_S = 10.0
MOST_QUESTIONS = 256  # of an item
MOST_FAILED = 8  # of an item's questions that passed a limit
MOST_WAIT_S = 120.0  # for all questions of an item


class Equality:
    """Settles questions of any number of items. The process starts with the first one.

    Args:
        config: Level and limits; CPU and wall time of a question are at most 2 and 10 s.
        layers: Layers of the sandbox to use, for tests.

    Attributes:
        why: Why it can give no verdicts, in one line; `""` where it can, or nobody asked yet.
    """

    def __init__(self, config: SandboxConfig, layers: Iterable[str] = LAYERS) -> None:
        self.why = ""
        self._config = dataclasses.replace(
            config,
            cpu_s=min(config.cpu_s, QUESTION_CPU_S),
            wall_s=min(config.wall_s, QUESTION_WALL_S),
        )
        self._layers = tuple(layers)
        self._starting = asyncio.Lock()
        self._scorer: ConfinedScorer | None = None
        self._threads: ThreadPoolExecutor | None = None

    async def same(self, kind: str, a: str, b: str, threshold: float) -> bool | None:
        """Whether two answers are the same.

        Args:
            kind: `math` (symbolic equality) or `text` (BLEU of at least `threshold`, 0..1, both ways).

        Returns:
            `None` where there is no verdict: a limit was passed, or the libraries are not installed (`why`).
        """
        await self._start()
        if self._scorer is None or self._threads is None:
            return None
        loop, item = asyncio.get_running_loop(), (kind, b, threshold)
        try:
            verdict = await loop.run_in_executor(self._threads, self._scorer.score, item, a)
        except MetaSearchError:
            return None
        return None if verdict.failed else verdict.value >= 1.0

    async def close(self) -> None:
        """End the process. May be called twice."""
        scorer, self._scorer = self._scorer, None
        if scorer is not None and self._threads is not None:
            await asyncio.to_thread(scorer.close)
            self._threads.shutdown(wait=False)
            self._threads = None

    async def _start(self) -> None:
        async with self._starting:
            if self._scorer is None and not self.why:
                try:
                    self._scorer = await asyncio.to_thread(
                        ConfinedScorer, RULES, {}, self._config, self._layers
                    )
                except MetaSearchError as error:
                    self.why = str(error)
                else:
                    self._threads = ThreadPoolExecutor(ROOM, "equality")


class Questions:
    """One item's questions: one at a time, and not without end. Beyond the bounds there is no verdict."""

    def __init__(self, equality: Equality | None) -> None:
        self._equality = equality
        self._one = asyncio.Lock()
        self._asked = self._failed = 0
        self._waited_s = 0.0

    async def ask(self, kind: str, a: str, b: str, threshold: float) -> tuple[bool, bool]:
        """Returns whether there is a verdict, and whether the answers are the same."""
        async with self._one:
            self._asked += 1
            spent = self._failed >= MOST_FAILED or self._waited_s >= MOST_WAIT_S
            if self._equality is None or self._asked > MOST_QUESTIONS or spent:
                return False, False
            loop = asyncio.get_running_loop()
            started = loop.time()
            verdict = await self._equality.same(kind, a, b, threshold)
            self._waited_s += loop.time() - started
            self._failed += verdict is None
            return verdict is not None, verdict is True
