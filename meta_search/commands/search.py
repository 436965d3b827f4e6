"""`meta-search run` and `resume`: open a run, search, print how it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from archive.records import Archive
from domains.given import NAME as GIVEN
from meta_search.commands import estimate
from meta_search.commands.last_screen import print_end
from meta_search.commands.resolve import check_names, resolved
from meta_search.config import Config, to_mapping
from meta_search.engine.loop import RunSummary, Search
from meta_search.errors import ConfigError
from meta_search.report.notebook import in_notebook
from meta_search.run import recording
from meta_search.run.caller import COMMAND_LINE, Caller
from meta_search.run.folder import new_folder, read_config, resume_command, write_config
from meta_search.run.journal import Journal, Recorder
from meta_search.run.progress import Progress
from meta_search.run.replay import Replay
from meta_search.run.run import Run
from meta_search.run.session import Session, open_session

__all__ = ["resume", "search"]


def search(config: Config, *, overrides: Sequence[str] = (), caller: Caller = COMMAND_LINE) -> RunSummary:
    """Run a search to its end.

    Args:
        config: The configuration.
        overrides: As they were typed, kept with the run.
        caller: Who starts it, and what it brings along.

    Raises:
        MetaSearchError: The run cannot start or go on; what was done is saved.
    """
    config = resolved(config)
    if config.llm.mode == "replay":
        config = resolved(recording.configuration(config, overrides))
        with contextlib.closing(Replay(Path(str(config.llm.recording)))) as journal:
            return _run(config, new_folder(config), overrides, caller, journal)
    folder = new_folder(config)
    config = caller.keep(config, folder)
    if config.llm.mode == "record":
        recording.keep_domain(config, folder)
    return _run(config, folder, overrides, caller, Recorder())


def resume(folder: Path, overrides: Sequence[str] = (), caller: Caller = COMMAND_LINE) -> RunSummary:
    """Go on with a run where it stopped. `budget.*`, `llm.max_concurrency` and `ray.address` may change."""
    from meta_search.compose import amend

    with Archive(folder) as archive:
        if archive.meta("kind") == "evaluate":
            raise ConfigError(f"{folder} is an evaluation, not a search: run `meta-search evaluate` again")
    config = read_config(folder)
    if config.llm.mode == "replay":
        raise ConfigError(f"{folder} is a replay: replay {config.llm.recording} again in place of a resume")
    if config.domain.name == GIVEN and caller.domain is None:
        raise ConfigError(f"{folder} is scored by a Python function: go on with {resume_command(folder)}")
    config = amend(recording.kept_domain(config, folder), overrides)
    check_names(config)
    return _run(config, folder, overrides, caller)


def _run(
    config: Config,
    folder: Path,
    overrides: Sequence[str],
    caller: Caller,
    journal: Journal | None = None,
) -> RunSummary:
    """Open the run, search, and print how it ended. Without a journal, an earlier session is gone on with."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(estimate.undone(folder))
        before = stack.enter_context(Archive(folder)) if journal is None else None
        elapsed = float((before.meta("elapsed_s") if before else 0.0) or 0.0)
        progress = stack.enter_context(Progress(config, folder, elapsed, caller.live))
        watched = caller.journal(journal or Recorder())
        caller.listen(watched, progress)
        session = stack.enter_context(open_session(config, folder, elapsed, progress.say, caller.domain))
        progress.attach(session)
        if before is not None:  # now that no other process writes the run
            write_config(folder, config)
        _describe(session, None if before is not None else overrides, journal)
        run = caller.attach(Run.of(session, progress, watched))
        summary = _replayed(run, caller, journal) if isinstance(journal, Replay) else _searched(run, before)
        caller.done(run, summary.sentence, summary.best)
        if in_notebook():
            progress.say(summary.sentence)
    if caller.live and not in_notebook():  # there the summary shows itself
        print_end(summary.folder, summary.verdict, summary.sentence, summary.best)
    return summary


def _describe(session: Session, overrides: Sequence[str] | None, journal: Journal | None) -> None:
    """Archive what the run is: configuration, items, and overrides as they were typed."""
    digest = recording.items_digest(session.domain)
    if isinstance(journal, Replay):
        journal.check_items(digest)
        session.pen.copy_ledger(str(session.config.llm.recording)).result()
        session.pen.set_meta("prices", journal.archive.meta("prices")).result()
    session.pen.set_meta("config", to_mapping(session.config)).result()
    session.pen.set_meta("items", digest).result()
    if overrides is not None:
        session.pen.set_meta("overrides", list(overrides)).result()


def _searched(run: Run, before: Archive | None) -> RunSummary:
    search = Search(run, before)
    if before is None:
        estimate.before_search(run)
    return search.execute()


def _replayed(run: Run, caller: Caller, journal: Replay) -> RunSummary:
    """Session after session, as the recording was resumed."""
    summary = Search(run).execute()
    session, progress = run.session, run.progress
    while journal.resume():
        progress.phase = "search"
        with Archive(session.folder) as before:
            again = caller.attach(Run.of(session, progress, run.journal))
            summary = Search(again, before).execute()
    return summary
