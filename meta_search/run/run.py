"""What a search, an evaluation and a final report all work with."""

from __future__ import annotations

from dataclasses import dataclass, field

from meta_search.config import Config
from meta_search.run.journal import Journal, Unrecorded
from meta_search.run.members import Members
from meta_search.run.progress import Progress
from meta_search.run.runner import Runner
from meta_search.run.session import Session

__all__ = ["Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """A run at work.

    Attributes:
        session: What was opened for it.
        progress: What people see of it.
        runner: The way to evaluator, scorer and archive.
        journal: The order of what is decided.
        members: All agents so far.
    """

    session: Session
    progress: Progress
    runner: Runner
    journal: Journal
    members: Members = field(default_factory=Members)

    @classmethod
    def of(cls, session: Session, progress: Progress, journal: Journal | None = None) -> Run:
        """Begin to work on an opened session; without a journal nothing of the order is kept."""
        kept = journal or Unrecorded()
        return cls(session, progress, Runner(session, kept), kept)

    @property
    def config(self) -> Config:
        return self.session.config
