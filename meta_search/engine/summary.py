"""What a session of a search comes to, for whoever started it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from meta_search.report.notebook import verdict_html
from meta_search.report.verdict import Verdict

__all__ = ["RunSummary"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run ended.

    Attributes:
        folder: The run folder.
        status: Exit status: 0 done, 1 failed, 3 stopped before the end.
        sentence: Whether the best agent found beats the baselines on fresh test items.
        best: Id of the agent to take (`report.chosen`), `""` if there is none.
        verdict: What the sentence rests on; `None` where the run did not come to it.
    """

    folder: Path
    status: int
    sentence: str
    best: str = ""
    verdict: Verdict | None = None

    def _repr_html_(self) -> str:
        """The verdict and its table, as notebooks show it."""
        return verdict_html(str(self.folder), self.sentence, self.verdict)
