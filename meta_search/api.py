"""`search`, `evaluate` and what comes after them from Python, meaning what they mean on the command line.

    import meta_search
    summary = meta_search.search(domain=[{"question": "1 + 1 = ?", "answer": 2}, …], budget={"wall_s": 300})
    archive = meta_search.open_run(summary.folder)

docs/python.md shows each call once. All of them work in a notebook, within a running event loop, and on any
thread; progress is shown in a notebook, elsewhere with `live=True`.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from meta_search.config import Config

if TYPE_CHECKING:
    from archive.records import Archive
    from domains.given import ScoreFunction
    from meta_search.commands.agents import Agents
    from meta_search.commands.from_python import GivenDomain
    from meta_search.engine.summary import RunSummary
    from meta_search.run.caller import Caller
    from meta_search.run.watch import OnEvent
    from meta_search.types import EvaluationRow

__all__ = ["evaluate", "export_agent", "open_run", "resume", "search", "steer", "write_report"]


def search(
    *overrides: str | Config,
    domain: GivenDomain = None,
    score: ScoreFunction | None = None,
    on_event: OnEvent | None = None,
    live: bool | None = None,
    trust: bool = False,
    from_run: str | Path | None = None,
    **groups: Any,
) -> RunSummary:
    """Search for an agent: `meta-search run`.

    Args:
        overrides: Hydra overrides such as `"llm.task.model=gpt-5-mini"`, or one finished `Config`.
        domain: The tasks. A list of dicts with `question` and `answer` (further `kind`, `split`, `id`, and
            whatever the scorer needs), pairs, a pandas or polars data frame, a generator, a `Domain`; or the
            name of a domain, as in `domain=table`, or a mapping of its keys.
        score: `score(item, answer)`, which gives a bool, a number in 0..1 or a `Score`; without it, answers
            are matched as those of a table. It is called in this process, on a thread of its own, and is not
            confined: never `eval` or run an answer in it. It may need no `answer` in the rows.
        on_event: Called with every `SearchEvent`, on this thread. Where it returns `False`, the search ends
            in good order, with its report.
        live: Show progress and the end; by default in a notebook only.
        trust: Use a run that was not made here, which `llm.recording` names: its code runs with your rights.
        from_run: RUN or RUN:AGENT of another search that this one begins with, as `run --from`: its agents,
            its answers, and its task where none is given.
        groups: Overrides as keywords: `llm="openai"`, `budget={"wall_s": 300}`, `seed=3`.

    Returns:
        The run's folder, exit status (0 done, 3 stopped before the end) and its closing sentence.

    Raises:
        ConfigError: Bad configuration, items or scorer, before any work starts.
        MetaSearchError: The run failed; what was done is saved.
    """
    from meta_search.commands.search import search

    if from_run is not None:
        from meta_search.commands.fork import taken_from
        from meta_search.compose import override_strings

        texts = [word for word in overrides if isinstance(word, str)]
        given = [*texts, *override_strings(groups), *([] if domain is None else ["domain="])]
        overrides = (*taken_from(str(from_run), given), *overrides)
    with _called(overrides, groups, domain, score, trust) as (config, words, caller):
        return search(config, overrides=words, caller=_watched(caller, on_event, live))


def resume(
    run: str | Path = "latest",
    *overrides: str,
    domain: GivenDomain = None,
    score: ScoreFunction | None = None,
    on_event: OnEvent | None = None,
    live: bool | None = None,
    trust: bool = False,
) -> RunSummary:
    """Go on with a search where it stopped: `meta-search resume`.

    Args:
        run: A run folder, or `latest`.
        overrides: Keys that may change, as `"budget.wall_s=600"`.
        domain: The `Domain` object, where the search was started with one.
        score: The function that scores, where the search was started with one: a run cannot keep it.
        on_event: As for `search`.
        live: As for `search`.
        trust: Go on with a run that was not made here: its code runs, and its endpoints are asked, with your
            rights and keys.

    Returns:
        As `search`.

    Raises:
        ConfigError: No such run, a key that cannot change, or a function that is missing.
        MetaSearchError: The run failed; what was done is saved.
    """
    from meta_search.commands.search import resume
    from meta_search.run.folder import read_config, resolve
    from meta_search.run.ownership import ask
    from meta_search.run.recording import kept_domain

    folder = resolve(run)
    config = kept_domain(read_config(folder), folder)
    ask(folder, config, "resuming it", trust)
    with _brought(config, domain, score, trust=True) as (_, caller):
        return resume(folder, overrides, _watched(caller, on_event, live))


def evaluate(
    agents: Agents,
    *overrides: str | Config,
    domain: GivenDomain = None,
    score: ScoreFunction | None = None,
    on_event: OnEvent | None = None,
    live: bool | None = None,
    trust: bool = False,
    **groups: Any,
) -> list[EvaluationRow]:
    """Evaluate agents on the items of one split, without a search: `meta-search evaluate`.

    Args:
        agents: A .py file, a prompt in a text file, the source of an agent as text (with `def forward`), an
            `Agent`, an ADAS archive (.json), a run folder, `latest`, or RUN:AGENT; or a list of these.
        overrides: As for `search`. `evaluate.split` and `evaluate.items` say on what.
        domain: As for `search`.
        score: As for `search`.
        on_event: As for `search`, with the kinds `item`, `evaluated`, `spent` and `done`.
        live: As for `search`.
        trust: As for `search`; and of a run that `run.dir` names, to go on in it.
        groups: As for `search`.

    Returns:
        One row an agent in input order, with the keys of `meta-search evaluate --json`: score and interval,
        items, what was used, outcomes. Where budget or a signal ended it early, the rows of agents that lack
        items have `complete` false.

    Raises:
        ConfigError: No such agents, or bad configuration, items or scorer, before any work starts.
        MetaSearchError: The endpoint cannot be used; what was evaluated is saved.
    """
    from meta_search.commands.evaluate import evaluate

    with _called(overrides, groups, domain, score, trust) as (config, _, caller):
        return cast("list[EvaluationRow]", evaluate(agents, config, _watched(caller, on_event, live)).rows)


def open_run(run: str | Path = "latest") -> Archive:
    """Open the archive of a run read-only, while the run writes or afterwards.

    Args:
        run: A run folder, or `latest`: the newest under `runs/`.

    Returns:
        Its agents, results, calls and briefs; `rows` and `to_frame` give them as tables.

    Raises:
        ArchiveError: There is no such run.
    """
    from archive.records import Archive
    from meta_search.run.folder import resolve

    return Archive(resolve(run))


def export_agent(
    run: str | Path = "latest", agent: str | None = None, *, to: str | Path, trust: bool = False
) -> Path:
    """Write an agent as a folder that answers without meta-search: `meta-search export`.

    Args:
        run: A run folder, or `latest`.
        agent: Id, beginning of an id, or name; by default the best.
        to: Folder to write; must not exist, or be empty.
        trust: Take the headers and further fields of requests from a run that was not made here as well.

    Returns:
        The folder.

    Raises:
        ArchiveError: No such run or agent, or the folder cannot be written.
    """
    from archive.guard import making_sense
    from meta_search.export.export import export_agent
    from meta_search.run.folder import resolve

    with making_sense(folder := resolve(run)):
        export_agent(folder, agent, Path(to), trust)
    return Path(to)


def steer(run: str | Path, command: str, *words: str) -> str:
    """Ask a search that runs, in this process or another one, for something: `meta-search steer`.

    Args:
        run: A run folder, or `latest`.
        command: `"pause"`, `"resume"`, `"stop"`, a limit as `"budget.usd=5"`, `"note"`, `"add"`, `"focus"` or
            `"drop"`.
        words: The hint; a .py file, or the source of an agent; an agent by id, beginning of an id, or name.

    Returns:
        Id of the request: the search takes it in at its next step, and the event (kind `steer`) has the id.

    Raises:
        ConfigError: It cannot be asked for, or not of this run: it is over, a replay, or somebody else's.
        ArchiveError: There is no such run or agent.
    """
    from archive.guard import making_sense
    from meta_search.commands.steer import asked_of

    with making_sense(run):
        return asked_of(run, (command, *words))[1].steered.id


def write_report(run: str | Path = "latest") -> Path:
    """Write `report.html` of a run anew, while the run writes or afterwards: `meta-search report`.

    Args:
        run: A run folder, or `latest`.

    Returns:
        The page.

    Raises:
        ArchiveError: There is no such run.
    """
    from archive.guard import making_sense
    from meta_search.commands.report import write_page

    with open_run(run) as archive, making_sense(archive.path):
        return write_page(archive.path.parent, archive)[1]


@contextlib.contextmanager
def _called(
    overrides: tuple[str | Config, ...],
    groups: dict[str, Any],
    domain: GivenDomain,
    score: ScoreFunction | None,
    trust: bool,
) -> Iterator[tuple[Config, tuple[str, ...], Caller]]:
    """The configuration of a call, its overrides as they were typed, and what it brings along."""
    from meta_search.commands.from_python import is_group
    from meta_search.errors import ConfigError

    if is_group(domain):
        config, words = _configured(overrides, groups if domain is None else {"domain": domain, **groups})
    elif any(isinstance(word, str) and word.lstrip("+").startswith("domain=") for word in overrides):
        raise ConfigError("the domain is given twice, as domain=… and as an override: leave one out")
    elif len(overrides) == 1 and isinstance(overrides[0], Config):
        config, words = _configured(overrides, groups)
    else:
        config, words = _configured(("domain=table", *overrides), groups)
        words = words[1:]
    with _brought(config, domain, score, trust) as (whole, caller):
        yield whole, words, caller


@contextlib.contextmanager
def _brought(
    config: Config, domain: GivenDomain, score: ScoreFunction | None, trust: bool
) -> Iterator[tuple[Config, Caller]]:
    """A configuration with the items that are brought along; they lie in a folder while the call lasts."""
    from meta_search.commands.from_python import bring
    from meta_search.run.caller import Caller

    with tempfile.TemporaryDirectory(prefix="meta-search-") as scratch:
        whole, made = bring(_recorded(config, trust), domain, score, Path(scratch))
        brought = str(whole.domain.path or "").startswith(scratch)
        yield whole, Caller(domain=made, brought=brought, trust=trust or _replays(config))


def _replays(config: Config) -> bool:
    """Whether a recording is replayed, which `_recorded` has seen to be trusted."""
    return config.llm.mode == "replay" and config.llm.recording is not None


def _recorded(config: Config, trust: bool) -> Config:
    """With the domain of the recording, where one is replayed: at most its scorer is brought."""
    from meta_search.run.folder import read_config, resolve
    from meta_search.run.ownership import ask
    from meta_search.run.recording import kept_domain

    if not _replays(config):
        return config
    recording = resolve(Path(str(config.llm.recording)).expanduser(), config.run.root)
    replayed = replace(config, domain=kept_domain(read_config(recording), recording).domain)
    ask(recording, replayed, "replaying it", trust)
    return replayed


def _watched(caller: Caller, on_event: OnEvent | None, live: bool | None) -> Caller:
    from meta_search.report.notebook import in_notebook

    return replace(caller, on_event=on_event, live=in_notebook() if live is None else live)


def _configured(
    overrides: tuple[str | Config, ...], groups: dict[str, Any]
) -> tuple[Config, tuple[str, ...]]:
    if len(overrides) == 1 and isinstance(overrides[0], Config) and not groups:
        return overrides[0], ()
    from meta_search.compose import compose, override_strings

    words = (*(str(word) for word in overrides), *override_strings(groups))
    return compose(words), words
