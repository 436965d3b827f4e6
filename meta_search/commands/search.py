"""`meta-search run` and `resume`: open a run, search, print how it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archive.records import Archive
from meta_search.commands import estimate
from meta_search.commands.last_screen import print_end
from meta_search.commands.resolve import check_names, resolved
from meta_search.commands.resumable import RESUMABLE
from meta_search.config import Config, to_mapping
from meta_search.engine.loop import RunSummary, Search
from meta_search.errors import ConfigError
from meta_search.run import recording
from meta_search.run.folder import new_folder, read_config, write_config
from meta_search.run.journal import Journal, Recorder
from meta_search.run.progress import Progress
from meta_search.run.replay import Replay
from meta_search.run.run import Run
from meta_search.run.session import Session, open_session

__all__ = ["resume", "search"]


def search(config: Config, *, overrides: Sequence[str] = (), live: bool = True) -> RunSummary:
    """Run a search to its end.

    Args:
        config: The configuration.
        overrides: As they were typed, kept with the run.
        live: Show progress while it runs.

    Raises:
        MetaSearchError: The run cannot start or go on; what was done is saved.
    """
    config = resolved(config)
    if config.llm.mode == "replay":
        config = resolved(recording.configuration(config, overrides))
        with contextlib.closing(Replay(Path(str(config.llm.recording)))) as journal:
            return _run(config, new_folder(config), overrides, live, journal)
    folder = new_folder(config)
    if config.llm.mode == "record":
        recording.keep_domain(config, folder)
    return _run(config, folder, overrides, live, Recorder())


def resume(folder: Path, overrides: Sequence[str] = (), live: bool = True) -> RunSummary:
    """Go on with a run where it stopped; `resumable.RESUMABLE` may change, such as budget and endpoint."""
    from meta_search.compose import amend

    with Archive(folder) as archive:
        if archive.meta("kind") == "evaluate":
            raise ConfigError(f"{folder} is an evaluation, not a search: run `meta-search evaluate` again")
    config = read_config(folder)
    if config.llm.mode == "replay":
        raise ConfigError(f"{folder} is a replay: replay {config.llm.recording} again in place of a resume")
    config = amend(config, overrides, RESUMABLE)
    check_names(config)
    return _run(config, folder, overrides, live)


def _run(
    config: Config,
    folder: Path,
    overrides: Sequence[str],
    live: bool,
    journal: Journal | None = None,
) -> RunSummary:
    """Open the run, search, and print how it ended. Without a journal, an earlier session is gone on with."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(estimate.undone(folder))
        before = stack.enter_context(Archive(folder)) if journal is None else None
        elapsed = float((before.meta("elapsed_s") if before else 0.0) or 0.0)
        progress = stack.enter_context(Progress(config, folder, elapsed, live))
        session = stack.enter_context(open_session(config, folder, elapsed, progress.say))
        progress.attach(session)
        if before is not None:  # now that no other process writes the run
            write_config(folder, config)
        _describe(session, None if before is not None else overrides, journal)
        if isinstance(journal, Replay):
            summary = _replayed(session, progress, journal)
        else:
            summary = _searched(Run.of(session, progress, journal or Recorder()), before)
    if live:
        print_end(summary.folder, summary.verdict, summary.sentence, summary.best)
    return summary


def _describe(session: Session, overrides: Sequence[str] | None, journal: Journal | None) -> None:
    """Archive what the run is: configuration, items, and overrides as they were typed."""
    digest = recording.items_digest(session.domain)
    if isinstance(journal, Replay):
        journal.check_items(digest)
        session.pen.copy_ledger(str(session.config.llm.recording)).result()
        session.pen.set_meta("prices", journal.archive.meta("prices")).result()
    if overrides is None:  # a resume
        with Archive(session.folder) as before:
            changes = recording.amendments(before.meta("config"), session.config)
            session.pen.set_meta("amended", [*(before.meta("amended") or ()), changes]).result()
    session.pen.set_meta("config", to_mapping(session.config)).result()
    session.pen.set_meta("items", digest).result()
    if overrides is not None:
        session.pen.set_meta("overrides", list(overrides)).result()


def _searched(run: Run, before: Archive | None) -> RunSummary:
    search = Search(run, before)
    if before is None:
        estimate.before_search(run)
    return search.execute()


def _replayed(session: Session, progress: Progress, journal: Replay) -> RunSummary:
    """Session after session, as the recording was resumed."""
    summary = Search(Run.of(session, progress, journal)).execute()
    amended = iter(journal.archive.meta("amended") or ())
    while journal.resume():
        progress.phase = "search"
        session = replace(session, config=recording.amended(session.config, next(amended, {})))
        with Archive(session.folder) as before:
            summary = Search(Run.of(session, progress, journal), before).execute()
    return summary
