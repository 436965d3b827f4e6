"""An archive as a notebook shows it. Everything that a model or a user wrote is escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meta_search.text import html_table
from meta_search.types import SCORED, Evaluation, free_text

if TYPE_CHECKING:
    from archive.records import Archive, Record

__all__ = ["archive_html"]

SHOWN = 10  # agents


def archive_html(archive: Archive) -> str:
    """The best agents, their scores in per cent with 95 % intervals, and the verdict where there is one."""
    records = next((found for split in SCORED if (found := archive.top(SHOWN, split))), [])
    heads = ("agent", "name", "operator", *(f"{split} % [95 %]" for split in SCORED), "tokens/item")
    best = archive.meta("best")
    rows = [(*_who(r, best), *(_score(r.evaluations.get(s)) for s in SCORED), _tokens(r)) for r in records]
    shown = f"{len(records)} of " if len(records) < len(archive) else ""
    title = f"{archive.path.parent.name}: {shown}{len(archive)} agents"
    return html_table(title, heads, rows, str(archive.meta("verdict") or ""))


def _who(record: Record, best: str | None) -> tuple[str, ...]:
    star = "★ " if record.agent.id == best else ""
    return record.agent.id[:8], star + record.agent.name, record.operator


def _score(e: Evaluation | None) -> str:
    if e is None or not e.items:
        return "–"
    told = ["" if e.complete else f"{e.items} items", free_text(e.free_share)]
    part = f" ({', '.join(filter(None, told))})" if any(told) else ""
    return f"{100 * e.score:.1f} [{100 * e.low:.0f}, {100 * e.high:.0f}]{part}"


def _tokens(record: Record) -> str:
    e = next((e for s in SCORED if (e := record.evaluations.get(s)) and e.items), None)
    return f"{e.used.tokens / e.items:,.0f}" if e else "–"
