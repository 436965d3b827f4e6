"""A run in lists, written to SQLite as a search writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from archive.records import Archive
from archive.store import Store
from meta_search.report.source import parsed
from meta_search.types import Brief, Candidate, MetaName
from tests.kits.list_archive import ListArchive


def stored(run: ListArchive, folder: Path) -> Archive:
    """The run as an archive in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with Store.open(folder) as store:
        for record in run.records:
            kind = "seed" if record.operator == "seed" else "asked"
            brief = record.brief or Brief(
                0, record.operator, record.author, record.parents, kind=cast(Any, kind)
            )
            store.add_candidate(
                Candidate(record.agent, brief, record.thought, record.generation), record.status
            )
            for evaluation in record.evaluations.values():
                store.put_evaluation(evaluation)
            if record.same_as:
                store.set_same(record.agent.id, record.same_as)
        for rows in run.item_results.values():
            store.add_results(rows)
        for attempt in run.failed:
            store.add_attempt(attempt)
        for rows_of in run.worth.values():
            store.put_importance(rows_of)
        for kind, data in run.numbered:
            store.event(kind, data)
        for key, value in run.values.items():
            store.set_meta(cast(MetaName, key), parsed(value))
        store.flush().result()
    return Archive(folder)
