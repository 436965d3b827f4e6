"""What was paid: by purpose and over time, and the last calls."""

from __future__ import annotations

from dataclasses import dataclass

from archive.guard import check_types
from archive.records import Archive
from archive.summaries.climbing import whiles, width_of
from archive.summaries.memory import remembered
from archive.summaries.reading import FEW, heartbeat, last_row, read
from meta_search.types import Split, Usage

__all__ = ["CallRow", "last_calls", "paid", "paid_over_time"]

FEW_CALLS = 100_000  # the same of calls, whose rows are long
_Paid = tuple[float, float, float, float]
SHARE = 0.05  # of the time, that a search may cost to have its whole past read


@dataclass(frozen=True, slots=True)
class CallRow:
    """A request to a model, without what was said.

    Attributes:
        purpose: task, meta, teacher, judge, perturb or probe.
        agent: Id, or `brief-N` of an author's calls.
        split: Of the item; `""` for an author's.
        item: Likewise.
        author: The component that called.
        began: When it was sent, seconds since the epoch; `None` where nobody knows.
        latency_s: How long it took; `None` while it is under way.
        state: reserved, done or failed.
    """

    purpose: str
    agent: str
    split: str
    item: str
    author: str
    began: float | None
    latency_s: float | None
    state: str


def last_calls(archive: Archive, n: int) -> list[CallRow]:
    """The last calls that began, the newest first."""
    columns = "purpose, agent, split, item, COALESCE(author, ''), created, latency_s, state"
    rows = read(archive, f"SELECT {columns} FROM calls ORDER BY rowid DESC LIMIT ?", n)
    numbers = (float, int, type(None))
    check_types(rows, (*[(str,)] * 5, numbers, numbers, (str,)), archive.path)
    return [CallRow(*row) for row in rows]


def paid(archive: Archive) -> tuple[dict[str, Usage], bool]:
    """What was paid by purpose, and whether that is exact.

    Of a very long ledger what agents used on items is summed from their evaluations, which lack the items
    under way; an index tells the rest.
    """
    return remembered(archive, "paid", lambda: _paid(archive))


def _paid(archive: Archive) -> tuple[dict[str, Usage], bool]:
    exact = last_row(archive, "calls") <= FEW
    where = "" if exact else "WHERE purpose IN ('meta', 'teacher', 'judge', 'perturb', 'probe')"
    rows = read(
        archive,
        "SELECT purpose, SUM(attempts), SUM(prompt_tokens), SUM(completion_tokens), SUM(cost_usd)"
        f" FROM calls {where} GROUP BY purpose",
    )
    found = {str(purpose): Usage(*sums) for purpose, *sums in rows}
    if not exact:
        found["task"] = _paid_by_evaluations(archive)
    return found, exact


def _paid_by_evaluations(archive: Archive) -> Usage:
    sums = "SUM(paid_calls), SUM(paid_prompt_tokens), SUM(paid_tokens - paid_prompt_tokens), SUM(paid_usd)"
    (row,) = read(archive, f"SELECT {sums} FROM evaluations")
    return Usage(*(value or 0 for value in row))


def paid_over_time(archive: Archive, split: Split) -> tuple[list[_Paid], float, bool]:
    """(time, calls, tokens, US dollars) that were paid since the row before, in order; how many seconds a row
    stands for; and whether calls tell it. The times are ends of these whiles, in seconds since the epoch.

    Of a very long ledger it is what agents paid when their evaluations were written last, with the share of
    the other purposes in proportion.

    Args:
        archive: The run.
        split: Of which somebody asks who led, too: both are read at once.
    """
    if last_row(archive, "calls") <= FEW_CALLS:
        width = width_of(archive)
        sql = (
            "SELECT CAST(created / ? AS INTEGER), SUM(attempts), SUM(prompt_tokens + completion_tokens),"
            " SUM(cost_usd) FROM calls WHERE created > 0 AND attempts > 0 GROUP BY 1 ORDER BY 1"
        )
        return [((n + 1) * width, c, t, usd) for n, c, t, usd in read(archive, sql, width)], width, True
    found = whiles(archive, split, SHARE)
    sums = [sum(column) for column in zip(*((0, 0, 0.0), *(row[2:] for row in found.rows)), strict=True)]
    by, _ = paid(archive)
    total = sum(by.values(), Usage())
    all_of = (total.calls, total.tokens, total.cost_usd)
    agents = by.get("task", Usage())
    parts = (agents.calls, agents.tokens, agents.cost_usd)
    c, t, u = (of / part if part else 1.0 for of, part in zip(all_of, parts, strict=True))
    width = found.width
    rows = [((n + 1) * width, c * calls, t * tokens, u * usd) for n, _, calls, tokens, usd in found.rows]
    if sums != list(parts):  # paid since that was read
        rest = [max(0.0, now - then) for now, then in zip(parts, sums, strict=True)]
        end = max(rows[-1][0] if rows else 0.0, heartbeat(archive) or 0.0)
        rows.append((end, rest[0] * c, rest[1] * t, rest[2] * u))
    return rows, found.width, False
