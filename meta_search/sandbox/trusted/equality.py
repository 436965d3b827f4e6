"""Decides whether two answers of a team are the same, where that takes more than the standard library.

Answers are hostile, and the libraries that parse expressions were not written for hostile text: parsing may
take any time and memory. So each pair is compared in a confined child of a process that has nothing but these
libraries in it (`confined.equality_rules`), with limits of its own; an answer that exceeds them equals no
other. What a comparison takes is the item's own CPU and wall time: only the start of the process and the wait
for a free place are not, as an honest team has no part in them.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterable
from typing import NamedTuple

from meta_search.config import SandboxConfig
from meta_search.errors import MetaSearchError
from meta_search.sandbox.trusted.layers import LAYERS
from meta_search.sandbox.trusted.messages import ComparisonKind
from meta_search.sandbox.trusted.scorer import ConfinedScorer

__all__ = ["Compared", "Equality", "Questions"]

RULES = "meta_search.sandbox.confined.equality_rules:load"
QUESTION_CPU_S = 2.0
QUESTION_SHARE = 0.1  # of the item's CPU: what a model wrote must not end an honest item
LEAST_CPU_S = 0.25  # what an ordinary question takes on a busy machine
QUESTION_WALL_S = 10.0
MAX_QUESTIONS = 256  # per item
MAX_FAILED = 4  # questions per item that exceed a limit
MAX_WAIT_S = 120.0  # for all questions of an item

Charge = Callable[[float, float], None]


class Compared(NamedTuple):
    """What came of one question.

    Attributes:
        same: Whether the answers are the same; `None` if it is not known: a limit was exceeded, or the
            libraries are not installed (`Equality.why`).
        cpu_s: CPU seconds that it took.
        seconds: Wall seconds that its process worked.
    """

    same: bool | None
    cpu_s: float = 0.0
    seconds: float = 0.0


class Equality:
    """Compares answers for any number of items. Its process starts with the first question.

    Args:
        config: Level and limits; a question takes a tenth of the CPU time, and 2 s of it and 10 s at most.
        layers: Layers of the sandbox to use, for tests.

    Attributes:
        why: Why nothing can be compared, in one line; `""` if it can, or if nobody has asked yet.
    """

    def __init__(self, config: SandboxConfig, layers: Iterable[str] = LAYERS) -> None:
        self.why = ""
        self._config = dataclasses.replace(
            config,
            cpu_s=min(config.cpu_s, QUESTION_CPU_S, max(LEAST_CPU_S, config.cpu_s * QUESTION_SHARE)),
            wall_s=min(config.wall_s, QUESTION_WALL_S),
        )
        self._layers = tuple(layers)
        self._starting = asyncio.Lock()
        self._scorer: ConfinedScorer | None = None

    async def same(self, kind: ComparisonKind, a: str, b: str, threshold: float) -> Compared:
        """Whether two answers are the same. Where it is cancelled, the work ends.

        Args:
            kind: `math` (symbolic equality) or `text` (BLEU).
            a: One answer.
            b: The other.
            threshold: For `text`, the least BLEU, 0..1, in both directions.
        """
        await self._start()
        if self._scorer is None:
            return Compared(None)
        try:
            scored = await asyncio.wrap_future(self._scorer.submit((kind, b, threshold), a))
        except MetaSearchError:
            return Compared(None)
        return Compared(None if scored.failed else scored.value >= 1.0, scored.cpu_s, scored.seconds)

    async def close(self) -> None:
        """End the process. May be called twice."""
        scorer, self._scorer = self._scorer, None
        if scorer is not None:
            await asyncio.to_thread(scorer.close)

    async def _start(self) -> None:
        async with self._starting:
            if self._scorer is None and not self.why:
                try:
                    self._scorer = await asyncio.to_thread(
                        ConfinedScorer, RULES, {}, self._config, self._layers
                    )
                except MetaSearchError as error:
                    self.why = str(error)


class Questions:
    """One item's questions to an `Equality`: one at a time, and a limited number of them.

    Args:
        equality: Compares the answers; with `None`, nothing is known to be the same.
        charge: Called with the CPU and wall seconds of each question.
    """

    def __init__(self, equality: Equality | None, charge: Charge = lambda cpu_s, seconds: None) -> None:
        self._equality, self._charge = equality, charge
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
            found = await self._equality.same(kind, a, b, threshold)
            self._waited_s += loop.time() - started
            self._failed += found.same is None
            self._charge(found.cpu_s, found.seconds)
            return found.same is not None, found.same is True
