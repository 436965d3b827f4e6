"""How many answers the scorer left without a score, and when that ends the run.

Told by what is delivered, so that a replay comes to the same.
"""

from __future__ import annotations

from collections import Counter

from meta_search.text import one_line
from meta_search.types import ItemResult

__all__ = ["ScorerHealth"]

FEWEST = 5  # faults that end a run
SHARE = 0.05  # of the answers that were to be scored
JUDGE = "the judge got no answer"  # how the detail of an item begins that a judge's endpoint ended


class ScorerHealth:
    """Counts scorers' faults over one session.

    Attributes:
        faults: Answers without a score.
        answers: Answers that were to be scored.
    """

    def __init__(self) -> None:
        self.faults = self.answers = 0
        self._lines: Counter[str] = Counter()

    def count(self, result: ItemResult) -> bool:
        """Take a result in. Returns whether it is a scorer's fault, and there are too many of them."""
        judge = result.kind == "llm" and result.detail.startswith(JUDGE)
        failed = result.kind == "scorer" or judge
        self.answers += failed or result.kind == "ok"
        self.faults += failed
        if failed:
            self._lines[result.detail] += 1
        return failed and self.faults >= FEWEST and self.faults > SHARE * self.answers

    @property
    def line(self) -> str:
        """What there is to say; `""` without a fault."""
        if not self.faults:
            return ""
        detail = one_line(self._lines.most_common(1)[0][0], 300)
        share = self.faults / self.answers
        return f"the scorer failed on {self.faults} of {self.answers} answers ({share:.0%}): {detail}"
