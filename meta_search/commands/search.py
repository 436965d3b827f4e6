"""`meta-search run` and `resume`: open a run, search, print how it ended."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archive.records import Archive
from domains.given import NAME as GIVEN
from meta_search import __version__
from meta_search.commands import estimate
from meta_search.commands.last_screen import print_end
from meta_search.commands.resolve import check_names, resolved
from meta_search.commands.resumable import RESUMABLE
from meta_search.commands.unchanged import check_unchanged, run_again
from meta_search.config import Config
from meta_search.engine import forking, own_seeds, seeds
from meta_search.engine.sitting import Sitting
from meta_search.engine.summary import RunSummary
from meta_search.errors import ConfigError, MetaSearchError
from meta_search.report.notebook import in_notebook
from meta_search.report.power import few_items_line, power_line, shown_line
from meta_search.report.screen import RunLog, lasting, logged
from meta_search.report.source import meta_value
from meta_search.run import ownership, recording, secrets
from meta_search.run.caller import COMMAND_LINE, Caller
from meta_search.run.fingerprint import fingerprint
from meta_search.run.folder import LOG, new_folder, read_config, resume_command, undone, write_config
from meta_search.run.fork import folder_of, fresh_items, origin
from meta_search.run.journal import Journal, Recorder
from meta_search.run.judge_check import check_judge
from meta_search.run.kept_items import keep_items
from meta_search.run.news import with_news
from meta_search.run.own_prompts import keep_prompts, kept_prompts
from meta_search.run.preflight import Ready, checked
from meta_search.run.progress import Progress
from meta_search.run.replay import Replay
from meta_search.run.run import Run
from meta_search.run.session import Session, open_session
from meta_search.run.signals import hangups
from meta_search.run.steering import limited_by, steered_limits
from meta_search.run.target_check import check_targets
from meta_search.text import one_line
from meta_search.types import Candidate, Split

__all__ = ["failures_logged", "resume", "search"]

MOST_CHANGED = 3  # differences to the run that is forked that are named
KEPT_FIRST: tuple[Split, ...] = ("examples", "train", "validation")  # what people may look at from the start
STOPPED = 3  # exit status of a run that ended before its end


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
    with hangups(config.run.on_hangup):
        if config.llm.mode == "replay":
            config = resolved(recording.configuration(config, overrides))
            ownership.ask(Path(str(config.llm.recording)), config, "replaying it", caller.trust)
            with contextlib.closing(Replay(Path(str(config.llm.recording)))) as journal:
                return _started(config, _New(journal, overrides), caller)
        if config.llm.recording is not None:
            ownership.ask(Path(config.llm.recording), None, "taking its answers", caller.trust)
        own = own_seeds.read(seeds.brought(config.search.seeds), config.run.root)
        if (folder := folder_of(config)) is not None:
            ownership.ask(folder, None, "forking it", caller.trust)
        fork = forking.read(config)
        own = forking.own_too(own, fork)
        return _started(config, _New(Recorder(), overrides, own, fork), caller)


def resume(folder: Path, overrides: Sequence[str] = (), caller: Caller = COMMAND_LINE) -> RunSummary:
    """Go on with a run where it stopped; `resumable.RESUMABLE` may change, such as budget and endpoint."""
    from meta_search.compose import amend

    with Archive(folder) as archive:
        if archive.meta("kind") == "evaluate":
            raise ConfigError(
                f"{folder} is an evaluation, not a search: the same `meta-search evaluate …` with "
                f"run.dir={folder} goes on, and pays nothing again"
            )
        steered = steered_limits(archive)
    before = config = limited_by(read_config(folder), steered)
    if config.llm.mode == "replay":
        raise ConfigError(f"{folder} is a replay: replay {config.llm.recording} again in place of a resume")
    if config.domain.name == GIVEN and caller.domain is None:
        raise ConfigError(f"{folder} is scored by a Python function: go on with {resume_command(folder)}")
    kept = kept_prompts(recording.kept_domain(config, folder), folder)
    changeable = (*RESUMABLE, *secrets.hidden_keys(config))
    config = amend(kept, overrides, changeable)
    check_names(config)
    ownership.ask(folder, config, "resuming it", caller.trust)
    secrets.check_given(before, config)
    with hangups(config.run.on_hangup), checked(config, caller.domain) as ready:
        return _run(config, folder, ready, caller)


@dataclass(frozen=True, slots=True)
class _New:
    """A run that has no earlier sessions: its journal, overrides as they were typed, a person's own seeds,
    and what the run knows that it is forked from."""

    journal: Journal
    overrides: Sequence[str]
    own: Sequence[Candidate] = ()
    fork: forking.Fork | None = None


def _started(config: Config, new: _New, caller: Caller) -> RunSummary:
    """Make a run's folder once what it needs was seen to be there, and search."""
    with checked(config, caller.domain) as ready:
        config = ready.pinned(config)
        folder = new_folder(config)
        with undone(folder):
            if config.llm.mode != "replay":
                config = caller.keep(config, folder)
            config = keep_prompts(config, folder)
            if config.llm.mode == "record":
                recording.keep_domain(config, folder)
            ownership.sign(folder)
            return _run(config, folder, ready, caller, new)


def _run(config: Config, folder: Path, ready: Ready, caller: Caller, new: _New | None = None) -> RunSummary:
    """Open the run, search, and print how it ended. Without `new`, an earlier session is gone on with."""
    with failures_logged(folder, caller.live), contextlib.ExitStack() as stack:
        before = stack.enter_context(Archive(folder)) if new is None else None
        elapsed = float((before.meta("elapsed_s") if before else 0.0) or 0.0)
        progress = stack.enter_context(Progress(config, folder, elapsed, caller.live))
        caller = stack.enter_context(with_news(caller, config, folder, progress, before))
        journal = caller.journal(new.journal if new else Recorder())
        caller.listen(journal, progress)
        session = stack.enter_context(open_session(config, folder, elapsed, progress.say, ready))
        progress.attach(session)
        if before is not None:
            check_unchanged(before, session.domain, run_again(before))
            # now that no other process writes the run
            write_config(folder, config)
            ownership.sign(folder)
        if new is not None and new.fork is not None:
            new = replace(new, fork=new.fork.measured_by(config, session.domain))
        _describe(session, new)
        if new is not None and isinstance(new.journal, Replay):
            run = _opened(session, progress, journal, caller)
            summary = _replayed(run, caller, new.journal)
        else:
            check_targets(session, progress.print_line)
            if config.domain.model_free == "refuse" and (
                line := own_seeds.asking_nobody(new.own if new else ())
            ):
                progress.print_line(line)
            run = _opened(session, progress, journal, caller)
            summary = _searched(run, before, new)
        caller.done(run, summary.sentence, summary.best)
        if in_notebook():
            progress.say(summary.sentence)
    if caller.live and not in_notebook():  # there the summary shows itself
        resumable = new is None or new.journal.resumable
        go_on = resume_command(folder) if summary.status == STOPPED and resumable else ""
        with lasting(sys.stdout), logged(folder / LOG):
            print_end(summary.folder, summary.verdict, summary.sentence, summary.best, go_on)
    return summary


@contextlib.contextmanager
def failures_logged(folder: Path, live: bool) -> Iterator[None]:
    """Have the log of the run say what ends it, as the screen does."""
    try:
        yield
    except (MetaSearchError, KeyboardInterrupt) as error:
        if live:
            why = "stopped at once" if isinstance(error, KeyboardInterrupt) else one_line(error)
            RunLog(folder / LOG).write(f"meta-search: {why}")
        raise


def _describe(session: Session, new: _New | None) -> None:
    """Archive what the run is: configuration, items, and overrides as they were typed."""
    digest = recording.items_digest(session.domain)
    if new is not None and isinstance(new.journal, Replay):
        journal = new.journal
        journal.check_items(digest)
        session.pen.copy_ledger(str(session.config.llm.recording)).result()
        session.pen.set_meta("prices", journal.archive.meta("prices")).result()
        if (judge := meta_value(journal.archive, "judge")) is not None:
            session.pen.set_meta("judge", judge).result()
        if (begun := origin(journal.archive)) is not None:
            session.pen.set_meta("fork", begun.data()).result()
    if new is not None and new.fork is not None:
        session.pen.set_meta("fork", new.fork.origin.data()).result()
    if new is None:  # a resume
        with Archive(session.folder) as before:
            changes = recording.amendments(before.meta("config"), session.config)
            session.pen.set_meta("amended", [*(before.meta("amended") or ()), changes]).result()
    session.pen.set_meta("config", secrets.stored(session.config)).result()
    session.pen.set_meta("items", digest).result()
    session.pen.set_meta("fingerprint", fingerprint(session.domain)).result()
    session.pen.set_meta("domain", recording.domain_facts(session.domain)).result()
    if new is not None:
        session.pen.set_meta("version", __version__).result()
        session.pen.set_meta("overrides", secrets.stored_words(session.config, new.overrides)).result()


def _opened(session: Session, progress: Progress, journal: Journal, caller: Caller) -> Run:
    """The run at work, and the items that people may look at from now on; a fork tests on items that the
    other run has not looked at, where there are enough."""
    run = caller.attach(Run.of(session, progress, journal))
    with Archive(session.folder) as archive:
        if (begun := origin(archive)) is not None:
            every, planned = session.domain.items("test"), run.runner.items("test")
            run.runner.replace("test", fresh_items(begun, every, planned))
    keep_items(run, KEPT_FIRST, afresh=True)
    return run


def _searched(run: Run, before: Archive | None, new: _New | None) -> RunSummary:
    sitting = Sitting(run, before, new.own if new else (), new.fork if new else None)
    if new is not None and new.fork is not None:
        run.progress.print_line(new.fork.origin.line)
        for line in new.fork.origin.changed[:MOST_CHANGED]:
            run.progress.print_line(f"its agents are evaluated anew, as this is otherwise: {line}")
    if before is None:
        tests = len(run.runner.items("test"))
        if line := power_line(tests) or shown_line(tests):
            run.progress.print_line(line)
        there = len(run.session.domain.items("validation"))
        if line := few_items_line(run.config.evaluate.folds, len(run.runner.items("validation")), there):
            run.progress.print_line(line)
        estimate.before_search(run)
    check_judge(run.session, run.progress.print_line, again=before is not None)
    return sitting.execute()


def _replayed(run: Run, caller: Caller, journal: Replay) -> RunSummary:
    """Session after session, as the recording was resumed."""
    summary = Sitting(run).execute()
    session, progress = run.session, run.progress
    amended = iter(journal.archive.meta("amended") or ())
    while journal.resume():
        progress.phase = "search"
        session = replace(session, config=recording.amended(session.config, next(amended, {})))
        progress.limit(session.config)
        with Archive(session.folder) as before:
            again = _opened(session, progress, run.journal, caller)
            summary = Sitting(again, before).execute()
    return summary
