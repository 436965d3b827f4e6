"""Decides whether two answers of a team are the same, where that takes more than the standard library.

Answers are hostile, and the libraries that parse expressions were not written for hostile text: parsing may
take any time and memory. So each pair is compared in a confined child of a process that has nothing but these
libraries in it (`confined.equality_rules`), with limits of its own; an answer that exceeds them equals no
other. The agent's clock is paused meanwhile, as the number of an item's questions is limited.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from meta_search.config import SandboxConfig
from meta_search.errors import MetaSearchError
from meta_search.sandbox.trusted.layers import LAYERS
from meta_search.sandbox.trusted.messages import ComparisonKind
from meta_search.sandbox.trusted.scorer import CONCURRENCY, ConfinedScorer

__all__ = ["Equality", "Questions"]

RULES = "meta_search.sandbox.confined.equality_rules:load"
QUESTION_CPU_S = 2.0
QUESTION_WALL_S = 10.0
MAX_QUESTIONS = 256  # per item
MAX_FAILED = 8  # questions per item that exceed a limit
MAX_WAIT_S = 120.0  # for all questions of an item


class Equality:
    """Compares answers for any number of items. Its process starts with the first question.

    Args:
        config: Level and limits; CPU and wall time of a question are at most 2 and 10 s.
        layers: Layers of the sandbox to use, for tests.

    Attributes:
        why: Why nothing can be compared, in one line; `""` if it can, or if nobody has asked yet.
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

    async def same(self, kind: ComparisonKind, a: str, b: str, threshold: float) -> bool | None:
        """Whether two answers are the same.

        Args:
            kind: `math` (symbolic equality) or `text` (BLEU).
            a: One answer.
            b: The other.
            threshold: For `text`, the least BLEU, 0..1, in both directions.

        Returns:
            `None` if it is not known: a limit was exceeded, or the libraries are not installed (`why`).
        """
        await self._start()
        if self._scorer is None or self._threads is None:
            return None
        loop, item = asyncio.get_running_loop(), (kind, b, threshold)
        try:
            scored = await loop.run_in_executor(self._threads, self._scorer.score, item, a)
        except MetaSearchError:
            return None
        return None if scored.failed else scored.value >= 1.0

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
                    self._threads = ThreadPoolExecutor(CONCURRENCY, "equality")


class Questions:
    """One item's questions to an `Equality`: one at a time, and a limited number of them.

    Args:
        equality: Compares the answers; with `None`, nothing is known to be the same.
    """

    def __init__(self, equality: Equality | None) -> None:
        self._equality = equality
        self._one = asyncio.Lock()
        self._asked = self._failed = 0
        self._waited_s = 0.0

    async def ask(self, kind: ComparisonKind, a: str, b: str, threshold: float) -> tuple[bool, bool]:
        """Compare two answers; arguments as of `Equality.same`.

        Returns:
            Whether it is known, which it is not once a limit is exceeded; and whether they are the same.
        """
        async with self._one:
            self._asked += 1
            exhausted = self._failed >= MAX_FAILED or self._waited_s >= MAX_WAIT_S
            if self._equality is None or self._asked > MAX_QUESTIONS or exhausted:
                return False, False
            loop = asyncio.get_running_loop()
            started = loop.time()
            same = await self._equality.same(kind, a, b, threshold)
            self._waited_s += loop.time() - started
            self._failed += same is None
            return same is not None, same is True
