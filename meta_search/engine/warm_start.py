"""What studies begin with: what earlier runs found out about briefs and designs, and how an agent's ancestors
scored.

What is taken is recorded with the run's events: earlier runs may be gone when the run is resumed or replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive.guard import making_sense
from archive.records import Archive
from meta_search.config import Config
from meta_search.errors import MetaSearchError
from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.prior import MOST, Prior, SlotEffect, elsewhere, slot_effects
from meta_search.run.folder import earlier_runs, read_config, same_models, same_task, task_of
from meta_search.run.members import Member, Members
from meta_search.run.ownership import is_own
from meta_search.run.run import Run
from meta_search.types import Parameter, agent_id

__all__ = ["PRIOR", "WARM", "begin", "known_settings", "prior_of"]

PRIOR = "prior"  # what the decision on it is called
WARM = "warm "  # and the source: what the decision on a tuning study's first settings is called
MOST_SETTINGS = 50  # that a tuning study begins with, the newest

MOST_DOMAINS = 8  # others
MOST_SLOTS = 400  # effects of choices of designs

Scored = tuple[Mapping[str, Any], float]  # parameters of a trial, its value
Task = tuple[object, ...]


def begin(run: Run, guide: Guide) -> None:
    """Give a guide that was asked for nothing yet its prior, where there is one, and say so."""
    config, folder = run.config, run.session.folder
    if not (config.search.prior and config.search.guided):
        return
    say = run.progress.print_line
    found = run.journal.find(PRIOR, lambda: prior_of(config, folder, guide.could_ask, say).to_json())
    prior = Prior.from_json(found)
    if prior:
        guide.restore(Snapshot(prior=prior))
        guide.recall(prior)
        if prior.briefs or prior.elsewhere:
            say(prior.line)


def prior_of(
    config: Config,
    but: Path,
    could_ask: Callable[[Mapping[str, Any]], bool],
    say: Callable[[str], object] = lambda line: None,
) -> Prior:
    """What runs with the same models, finished or not, were told: the newest briefs of those of the same
    domain, and by operator and author what briefs brought in other domains; what choices of designs brought.

    Only runs that this user has made are learned from; that others are left out is said.

    Args:
        config: The run that begins.
        but: Its own folder.
        could_ask: Whether this run could ask for a brief with these parameters; the others are left out.
        say: Told how many runs of others would have told something.
    """
    briefs: list[Scored] = []
    groups: dict[Task, list[Scored]] = {}
    slots: list[SlotEffect] = []
    runs = strangers = 0
    for folder in earlier_runs(config, but):
        earlier = _looked_at(folder, config)
        if earlier is None or not earlier.briefs:
            continue
        if not is_own(folder):
            strangers += 1
            continue
        found = [(params, value) for params, value in earlier.briefs if could_ask(params)]
        room = MOST - len(briefs if earlier.same else groups.setdefault(earlier.task, []))
        if room <= 0 or not (earlier.same or len(groups) <= MOST_DOMAINS):
            continue
        runs += bool(found)
        slots += slot_effects(earlier.designs, earlier.same)
        if earlier.same:
            briefs = [*found[-room:], *briefs]
        else:
            groups[earlier.task] = [*found[-room:], *groups[earlier.task]]
    if strangers:
        say(
            f"prior: left out {strangers} earlier run{'s' * (strangers != 1)} not signed by you on this"
            " machine (`meta-search resume RUN --trust` signs one)"
        )
    others = (elsewhere(group) for group in groups.values())
    return Prior(tuple(briefs), runs, tuple(group for group in others if group), tuple(slots[:MOST_SLOTS]))


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What an earlier run was told.

    Attributes:
        task: Which domain.
        same: Whether it is that of the run that begins.
        briefs: The last one last.
        designs: Likewise.
    """

    task: Task
    same: bool
    briefs: list[Scored]
    designs: list[Scored]


def _looked_at(folder: Path, config: Config) -> _Earlier | None:
    """One run; `None` for one with other models, or one that cannot be read."""
    try:
        earlier = read_config(folder)
        if earlier.llm.mode == "replay" or not same_models(earlier, config):
            return None  # a replay is no evidence of its own
        with Archive(folder) as archive, making_sense(archive.path):
            if not archive.is_current:
                return None
            briefs, designs = (_told(archive, study) for study in ("briefs", "designs"))
        return _Earlier(task_of(earlier), same_task(earlier, config), briefs, designs)
    except (MetaSearchError, OSError):
        return None


def _told(archive: Archive, study: str) -> list[Scored]:
    """Trials of a study with their first values."""
    return [
        ({name: value for name, value in t.params.items() if name != "_distributions"}, t.values[0])
        for t in archive.trials(study)
        if t.values is not None
    ]


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
