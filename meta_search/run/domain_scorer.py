"""Scores answers where their domain wants it: in this process or in a confined child."""

from __future__ import annotations

from domains.domain import Confined, Domain, Item, Score
from meta_search.config import SandboxConfig
from meta_search.errors import DomainError
from meta_search.sandbox.trusted.scorer import CONCURRENCY, ConfinedScorer
from meta_search.types import SPLITS

__all__ = ["Scorer"]

HINT = (
    "a scorer runs in a confined child, without network, programs, or files but its imports: read data at "
    "the top of the file, run an answer's code with score(item, answer, run), or set confined = False"
)


class Scorer:
    """A domain's scorer. Starts the process of one that is confined, and tries it.

    Attributes:
        concurrency: Answers that may be scored at a time; one in this process, as scorers there are quick.

    Raises:
        DomainError: A confined scorer cannot be loaded, or fails on the answers of its own items.
        SandboxError: Its sandbox cannot be set up.
    """

    def __init__(self, domain: Domain, sandbox: SandboxConfig) -> None:
        self._domain = domain
        self._confined: ConfinedScorer | None = None
        self.concurrency = 1
        confined: Confined | None = getattr(domain, "confined", None)
        if confined is not None:
            self.concurrency = CONCURRENCY
            self._confined = ConfinedScorer(confined.factory, confined.arguments, sandbox)
            try:
                self._try()
            except BaseException:
                self.close()
                raise

    def score(self, item: Item, answer: str) -> Score:
        """Score a plain-text answer, on any thread. Whatever the answer does to a confined scorer is a 0.

        Raises:
            SandboxError: No process can be started for a confined scorer.
        """
        if self._confined is None:
            return self._domain.score(item, answer)
        if not answer.strip():
            return Score(0.0, "no answer")
        scored = self._confined.score(item, answer)
        return Score(scored.value, scored.note)

    def close(self) -> None:
        """End the process of a confined scorer. May be called twice."""
        if self._confined is not None:
            self._confined.close()

    def _try(self) -> None:
        """One item of each split with its own answer: a broken scorer must not cost a night's budget."""
        assert self._confined is not None
        for split in SPLITS:
            for item in self._domain.items(split)[:1]:
                scored = self._confined.score(item, item.target or "0")
                if scored.failed:
                    raise DomainError(f"{scored.note}; {HINT}")
