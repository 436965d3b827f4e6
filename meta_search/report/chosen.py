"""Which agent of a run a user should take: the one answer to that, wherever it is shown.

After a final report it is `Verdict.take`: the winner of the verdict, else the best baseline. Before that it
is the best so far, by train and validation items (`archive.select.best_so_far`). The list, the page, the last
screen, `export`, the card and `evaluate RUN` follow it.
"""

from __future__ import annotations

from dataclasses import dataclass

from meta_search.report.source import Archive, meta_value
from meta_search.report.verdict import Verdict, archive_verdict

__all__ = ["Chosen", "chosen"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The agent to take.

    Attributes:
        agent: Id.
        so_far: Whether that is said before any final report.
        why: In a few words.
    """

    agent: str
    so_far: bool
    why: str


def chosen(archive: Archive, verdict: Verdict | None = None) -> Chosen | None:
    """The agent of a run that a user should take; `None` where nobody was evaluated.

    Args:
        archive: Of the run.
        verdict: What the archive says of the test items, where it is at hand. It counts once the final report
            is made: before that, few may have been tested.
    """
    if meta_value(archive, "final"):
        verdict = verdict or archive_verdict(archive)
        if verdict.take is not None:
            return Chosen(verdict.take.agent, False, _why(verdict))
    record = archive.best()
    if record is None:
        return None
    evaluation = meta_value(archive, "kind") == "evaluate"
    return Chosen(record.agent.id, not evaluation, "the best score" if evaluation else "the best so far")


def _why(verdict: Verdict) -> str:
    if verdict.outcome == "beats":
        return "beats the baselines"
    if verdict.outcome == "untested":
        return "the best of those tested"
    return "the best baseline: no agent found was shown to beat it"
