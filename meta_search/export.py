"""An archived agent with everything it needs to answer as it did in the search, as a folder of its own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.errors import ArchiveError

if TYPE_CHECKING:
    from archive.records import Archive, Record

__all__ = ["best", "export_agent"]


def best(archive: Archive) -> Record:
    """The best agent of the final report; before that by validation, or by train.

    Raises:
        ArchiveError: Nothing was evaluated yet.
    """
    reported = archive.meta("best")
    record = archive.record(reported) if reported else archive.best()
    if record is None:
        raise ArchiveError(f"{archive.path} holds no evaluated agent yet: name one")
    return record


def export_agent(folder: Path, agent: str | None, to: Path) -> Record:
    """Write an agent of a run as a folder that runs without meta-search.

    Args:
        folder: The run. agent: Id, beginning of an id, or name; `None` takes the best.
        to: Folder to write; must not exist, or be empty.

    Returns:
        The agent that was written.

    Raises:
        ArchiveError: No such agent, or `to` cannot be written. DomainError: The run's domain, whose wording
            and examples the agent needs, cannot be read any more.
    """
    from archive.export import export
    from archive.records import Archive

    with Archive(folder) as archive:
        record = archive.record(agent) if agent else best(archive)
        export(record, Path(__file__).parent, to, _card(folder, archive, record))
    return record


def _card(folder: Path, archive: Archive, record: Record) -> dict[str, Any]:
    """What the archive does not know of an agent; see `archive.card.make_card`."""
    from domains.registry import make
    from meta_search.report.verdict import archive_verdict
    from meta_search.session import read_config

    config, verdict = read_config(folder), archive_verdict(archive)
    told = verdict.best is not None and verdict.best.finalist.agent == record.agent.id  # of no other agent
    domain = make(config.domain)
    return {
        "model": config.llm.task.model,
        "max_tokens": config.llm.max_tokens,
        "domain": domain.name,
        "run": folder.absolute().name,
        "verdict": verdict.sentence if told else "",
        "lineage": [
            f"{step.agent.name} ({step.agent.id}): {step.operator} by {step.author}"
            for step in archive.lineage(record.agent.id)
            if step.agent.id != record.agent.id
        ],
        "wording": dict(domain.wording),
        "examples": [(item.question, item.target) for item in domain.items("examples")],
        "sandbox": dataclasses.asdict(config.sandbox),
    }
