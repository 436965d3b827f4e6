"""Who starts a run, and what it brings along: the command line nothing, Python a domain, a scorer, an ear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domains.domain import Domain
from meta_search.config import Config
from meta_search.run import recording
from meta_search.run.folder import write_config
from meta_search.run.journal import Journal, Unrecorded
from meta_search.run.progress import Progress
from meta_search.run.run import Run
from meta_search.run.watch import OnEvent, Watched

__all__ = ["COMMAND_LINE", "Caller"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who starts a run.

    Attributes:
        live: Whether progress and the end are shown.
        domain: The domain, where the configuration's name is not enough to make it.
        brought: Whether `domain.path` is a file that lives no longer than the call: the run keeps a copy.
        on_event: Called with every `SearchEvent`.
        trust: Whether it trusts runs that were not made here; see `run.ownership`.
    """

    live: bool = True
    domain: Domain | None = None
    brought: bool = False
    on_event: OnEvent | None = None
    trust: bool = False

    def keep(self, config: Config, folder: Path) -> Config:
        """Have a new run keep the items that were brought along. Returns its configuration.

        Raises:
            ConfigError: They cannot be written.
        """
        if not self.brought:
            return config
        recording.keep_domain(config, folder)
        kept = recording.kept_domain(config, folder)
        write_config(folder, kept)
        return kept

    def same(self, config: Config, folder: Path) -> Config:
        """The configuration with the copy that an earlier session kept, where the same items are brought."""
        if not self.brought:
            return config
        kept = recording.kept_domain(config, folder)
        mine, theirs = Path(str(config.domain.path)), Path(str(kept.domain.path))
        return kept if mine.read_bytes() == theirs.read_bytes() else config

    def journal(self, journal: Journal | None = None) -> Journal:
        """A journal that tells `on_event`; the same one where nobody listens."""
        kept = journal or Unrecorded()
        return kept if self.on_event is None else Watched(kept, self.on_event)

    def listen(self, journal: Journal, progress: Progress) -> None:
        """Have `on_event` get the lines that the screen keeps."""
        if isinstance(journal, Watched):
            progress.listener = journal.note

    def attach(self, run: Run) -> Run:
        """Have the run's journal know the run. Returns the run."""
        if isinstance(run.journal, Watched):
            run.journal.attach(run)
        return run

    def done(self, run: Run, sentence: str, best: str) -> None:
        """Tell that the run has ended.

        Args:
            run: The run.
            sentence: How.
            best: Id of the best agent, or `""`.
        """
        if isinstance(run.journal, Watched):
            run.journal.tell("done", text=sentence, agent=best or None)


COMMAND_LINE = Caller()
