"""What studies begin with: what earlier runs found out about briefs, and how an agent's ancestors scored.

What is taken is recorded with the run's events: earlier runs may be gone when the run is resumed or replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from archive.guard import making_sense
from archive.records import Archive
from meta_search.config import Config
from meta_search.errors import MetaSearchError
from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.prior import MOST, Prior
from meta_search.run.folder import earlier_runs, read_config, same_task
from meta_search.run.members import Member, Members
from meta_search.run.ownership import is_own
from meta_search.run.run import Run
from meta_search.types import Parameter, agent_id

__all__ = ["PRIOR", "WARM", "begin", "known_settings", "prior_of"]

PRIOR = "prior"  # what the decision on it is called
WARM = "warm "  # and the source: what the decision on a tuning study's first settings is called
MOST_SETTINGS = 50  # that a tuning study begins with, the newest

PastBrief = tuple[Mapping[str, Any], float]


def begin(run: Run, guide: Guide) -> None:
    """Give a guide that was asked for nothing yet its prior, where there is one, and say so."""
    config, folder = run.config, run.session.folder
    if not (config.search.prior and config.search.guided):
        return
    say = run.progress.print_line
    found = run.journal.find(PRIOR, lambda: prior_of(config, folder, guide.could_ask, say).to_json())
    prior = Prior.from_json(found)
    if prior.briefs:
        guide.restore(Snapshot(prior=prior))
        say(prior.line)


def prior_of(
    config: Config,
    but: Path,
    could_ask: Callable[[Mapping[str, Any]], bool],
    say: Callable[[str], object] = lambda line: None,
) -> Prior:
    """The newest briefs that runs of the same domain with the same models were told of, finished or not.

    Only runs that this user has made are learned from; that others are left out is said.

    Args:
        config: The run that begins.
        but: Its own folder.
        could_ask: Whether this run could ask for a brief with these parameters; the others are left out.
        say: Told how many runs of others would have told something.
    """
    briefs: list[PastBrief] = []
    runs = others = 0
    for folder in earlier_runs(config, but):
        if not is_own(folder):
            others += bool(_told(folder, config))
        elif len(briefs) < MOST:
            found = [(params, value) for params, value in _told(folder, config) if could_ask(params)]
            briefs = [*found, *briefs][-MOST:]
            runs += bool(found)
    if others:
        say(
            f"prior: left out {others} earlier run{'s' * (others != 1)} not signed by you on this machine"
            " (`meta-search resume RUN --trust` signs one)"
        )
    return Prior(tuple(briefs), runs)


def _told(folder: Path, config: Config) -> list[PastBrief]:
    """Briefs of one run, the last one last; none of a run of something else, or one that cannot be read."""
    try:
        earlier = read_config(folder)
        if earlier.llm.mode == "replay" or not same_task(earlier, config):
            return []  # a replay is no evidence of its own
        with Archive(folder) as archive, making_sense(archive.path):
            if not archive.is_current:
                return []
            return [
                ({name: value for name, value in t.params.items() if not name.startswith("_")}, t.values[0])
                for t in archive.trials("briefs")
                if t.values is not None
            ]
    except (MetaSearchError, OSError):
        return []


def known_settings(member: Member, members: Members) -> list[list[Any]]:
    """Settings of one agent's parameters that were evaluated in full, under its source or an ancestor's.

    Returns:
        `[name -> value, score 0..1, used cost per item]`, in the order in which they came.
    """
    space = {p.name: p for p in member.candidate.space}
    sources = {agent_id(m.agent.source) for m in (member, *_ancestors(member, members))}
    found = []
    for other in members.finished():
        if agent_id(other.agent.source) in sources:
            shared = [p for p in other.candidate.space if _same(p, space.get(p.name))]
            values = {p.name: other.agent.values.get(p.name, p.default) for p in shared}
            if values:
                found.append([values, other.score("train"), other.cost("train")])
    return found[-MOST_SETTINGS:]


def _ancestors(member: Member, members: Members) -> Iterator[Member]:
    """All that an agent was made from, by way of all parents."""
    left: Sequence[str] = member.candidate.brief.parents
    seen: set[str] = set()
    while left:
        new = [members[a] for a in dict.fromkeys(left) if a not in seen and a in members]
        seen.update(left)
        yield from new
        left = [a for m in new for a in m.candidate.brief.parents]


def _same(theirs: Parameter, ours: Parameter | None) -> bool:
    if ours is None:
        return False
    return (theirs.kind, theirs.low, theirs.high, theirs.choices) == (
        ours.kind,
        ours.low,
        ours.high,
        ours.choices,
    )
