"""Forks: runs that begin with what another one knows. Where one comes from, as its archive has it.

A fork takes agents, the newest lesson, and answers that the other run has paid for. It measures nothing by
another run's word: its agents answer their items in its own sandbox, and its own scorer scores them. Where
agent, item and model are the same, so are the calls, and the other ledger answers them at no cost; where one
of them differs, the calls are others and are paid. Answers to test items are never taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archive.guard import making_sense
from archive.readers import Readers, database_path
from archive.records import Archive
from domains.domain import Item
from meta_search.config import Config
from meta_search.errors import ArchiveError, ConfigError
from meta_search.llm.ledger import Entry, find_searched
from meta_search.report.source import Archive as Reading
from meta_search.report.source import meta_value
from meta_search.run.folder import resolve, split_agent
from meta_search.text import one_line

__all__ = ["Origin", "answers_of", "folder_of", "fresh_items", "freshness", "origin", "pinned", "tested_in"]

MOST_TESTED = 100_000  # items that are kept by name


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a fork comes from: the archive's `fork`.

    Attributes:
        run: Folder of the other run.
        agent: Id of the agent that the fork was made from, `""` for all.
        name: Its name, or `""`.
        at: When, in seconds since the epoch.
        agents: Agents that came along.
        changed: What is measured otherwise than it was there, a line each; empty where nothing is.
        tested: Ids of the test items that the other run, or one that it comes from, has looked at.
    """

    run: str
    agent: str = ""
    name: str = ""
    at: float = 0.0
    agents: int = 0
    changed: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """As the archive has it."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Any) -> Origin | None:
        """From the archive, which may be anybody's; `None` where it holds nothing of the kind."""
        if not isinstance(stored, Mapping):
            return None
        run, agent, name = (str(stored.get(key) or "") for key in ("run", "agent", "name"))
        changed, tested = (_texts(stored.get(key)) for key in ("changed", "tested"))
        at, agents = stored.get("at"), stored.get("agents")
        at = float(at) if isinstance(at, int | float) else 0.0
        return cls(run, agent, name, at, agents if isinstance(agents, int) else 0, changed, tested)

    @property
    def line(self) -> str:
        """One sentence for people."""
        many = f"{self.agents} agent{'' if self.agents == 1 else 's'}"
        return f"a fork of {self._of(self.run)}: it began with {many} of that run"

    @property
    def card_line(self) -> str:
        """What it was made from, for people elsewhere: they need not know where folders lie here."""
        return self._of(Path(self.run).name)

    def _of(self, run: str) -> str:
        whose = f"«{one_line(self.name, 60)}» of " if self.name else ""
        return f"{whose}{one_line(run, 200)}"


def origin(archive: Reading) -> Origin | None:
    """Where a run comes from; `None` for one that is no fork."""
    return Origin.of(meta_value(archive, "fork"))


def pinned(named: str, root: str) -> str:
    """`RUN` or `RUN:AGENT` with the run's folder and the agent's id in full: it is resumed from anywhere.

    Raises:
        ConfigError: There is no such run or agent; one line.
    """
    run, agent = split_agent(named)
    try:
        folder = resolve(Path(run).expanduser(), root).resolve()
        with Archive(folder) as archive, making_sense(archive.path):
            return str(folder) if agent is None else f"{folder}:{archive.record(agent).agent.id}"
    except ArchiveError as error:
        raise ConfigError(f"cannot fork: {error}") from error


def folder_of(config: Config) -> Path | None:
    """Folder of the run that a configuration forks; `None` where it forks none."""
    return None if config.search.fork is None else Path(split_agent(config.search.fork)[0])


def answers_of(config: Config) -> Callable[[str], Entry | None] | None:
    """The answers that the forked run has paid for while it searched; `None` where there are none to take.

    The run may be gone by the time that the fork is resumed.
    """
    folder = folder_of(config)
    if folder is None or config.llm.mode == "replay" or not database_path(folder).exists():
        return None
    readers = Readers(database_path(folder))
    return lambda key: find_searched(readers.get(), key)


def tested_in(archive: Archive) -> tuple[str, ...]:
    """Ids of the test items that a run, or one that it comes from, has looked at."""
    before = origin(archive)
    found = dict.fromkeys(before.tested if before else ())
    for record in archive.scan():
        if "test" in record.evaluations:
            found |= dict.fromkeys(r.item for r in archive.results(record.agent.id, "test", trace=False))
    return tuple(found)[:MOST_TESTED]


def fresh_items(origin: Origin, every: Sequence[Item], planned: Sequence[Item]) -> list[Item]:
    """The test items of a fork: those that the other run has not looked at, where these are enough.

    Args:
        origin: Where the run comes from.
        every: All test items of the domain, in order.
        planned: The first of them, as many as are to be run.
    """
    seen = set(origin.tested)
    unseen = [item for item in every if item.id not in seen]
    return unseen[: len(planned)] if len(unseen) >= len(planned) else list(planned)


def freshness(origin: Origin | None, items: Sequence[str]) -> str:
    """What to say of test items that another run has looked at before; `""` where none was.

    Args:
        origin: Where the run comes from.
        items: Ids of the test items of its report.
    """
    seen = set(origin.tested).intersection(items) if origin else set()
    if not origin or not seen:
        return ""
    some = f"{len(seen)} of the {len(items)} test items were"
    many = some if len(seen) < len(items) else "The test items were"
    return (
        f"{many} looked at before, by the report of {one_line(origin.run, 200)}, from which this run was "
        "forked: agents that came of that report have an advantage on them."
    )


def _texts(stored: Any) -> tuple[str, ...]:
    found = stored if isinstance(stored, list | tuple) else ()
    return tuple(str(text) for text in found)[:MOST_TESTED]
