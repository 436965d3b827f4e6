"""Tables of agents: as plain rows for `--json` and as rich tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meta_search.report.chosen import chosen
from meta_search.report.money import usd_text
from meta_search.report.payback import uses_text
from meta_search.report.selection import SELECTION_NOTE
from meta_search.report.source import Archive, Record, tells_free
from meta_search.text import one_line
from meta_search.types import UNSCORED, Agent, Evaluation, Split, free_text, pareto_front

if TYPE_CHECKING:
    from rich.table import Table

    from meta_search.report.comparing import Comparison
    from meta_search.report.standing import Standing
    from meta_search.report.verdict import Verdict

__all__ = [
    "COLUMNS",
    "agent_row",
    "agent_rows",
    "agents_table",
    "evaluation_row",
    "evaluations_table",
    "faults_text",
    "free_of",
    "in_order",
    "items_text",
    "left_out",
    "p_text",
    "per_item",
    "score_text",
    "sure",
    "told",
    "usd_text",
    "verdict_table",
]

SPLITS: tuple[Split, ...] = ("train", "validation", "test", "examples")  # the search's own split first

COLUMNS = (
    *("name", "agent", "score", "low", "high", "items", "calls", "tokens", "cost_usd", "seconds", "outcomes"),
    *("model_free", "author", "model", "operator", "generation", "parents", "validation", "test", "split"),
    *("complete", "status", "same_as", "created", "stopped", "tokens_per_item", "calls_per_item"),
    *("cost_usd_per_item", "seconds_per_item", "best"),
)
"""Of a row of `agent_rows`; only some have a `model`."""

Row = dict[str, Any]


def evaluation_row(agent: Agent, evaluation: Evaluation | None) -> Row:
    """One object of `evaluate --json`.

    Returns:
        `name`, `agent`, `score`, `low`, `high` (0..1), `items` that came to a score, and over all items what
        was used: `calls`, `tokens`, `cost_usd`, `seconds` and `outcomes` (kind -> count); `model_free`, the
        share of the items that was answered without any LLM call. Without any item `score` is `None`, without
        an evaluation the interval (0, 1), and all else zero.
    """
    e = evaluation
    return {
        "name": agent.name,
        "agent": agent.id,
        "score": e.score if e and e.items else None,
        "low": e.low if e else 0.0,
        "high": e.high if e else 1.0,
        "items": e.items if e else 0,
        "calls": e.used.calls if e else 0,
        "tokens": e.used.tokens if e else 0,
        "cost_usd": e.used.cost_usd if e else 0.0,
        "seconds": e.seconds if e else 0.0,
        "outcomes": dict(e.outcomes) if e else {},
        "model_free": e.free_share if e else 0.0,
    }


def agent_row(record: Record) -> Row:
    """One object of `archive list --json`: `evaluation_row` of the split the search ran on, and lineage.

    Returns:
        Further `author`, `operator`, `generation`, `parents` (ids), `validation` and `test` (scores 0..1
        or `None`), `split` (which the score is of), `complete`, `status`, `same_as` (id of the agent that
        it behaves as and is counted as, else `""`), `created` (seconds since the epoch), `stopped` (why its
        evaluation ended early, else `""`), and `tokens_per_item`, `calls_per_item`, `cost_usd_per_item` and
        `seconds_per_item`; `model` where one of several meta models wrote it.
    """
    written = {"model": record.brief.model} if record.brief and record.brief.model else {}
    evaluation = next((record.evaluations[s] for s in SPLITS if s in record.evaluations), None)
    row = evaluation_row(record.agent, evaluation)
    return row | {
        "author": record.author,
        **written,
        "operator": record.operator,
        "generation": record.generation,
        "parents": list(record.parents),
        "validation": _score(record, "validation"),
        "test": _score(record, "test"),
        "split": evaluation.split if evaluation else "",
        "complete": evaluation.complete if evaluation else False,
        "status": record.status,
        "same_as": record.same_as,
        "created": record.created,
        "stopped": evaluation.stopped if evaluation else "",
        **{f"{name}_per_item": per_item(row, name) for name in ("tokens", "calls", "cost_usd", "seconds")},
    }


def agent_rows(archive: Archive) -> list[Row]:
    """All agents of an archive: the one to take first, then complete evaluations by score, then the others.

    Returns:
        As `agent_row`; further `best`: for the agent to take why (`report.chosen`), for the others `""`.
    """
    rows = [agent_row(record) for record in archive.agents()]
    take = chosen(archive) if rows else None
    for row in rows:
        row["best"] = take.why if take and row["agent"] == take.agent else ""
    return sorted(rows, key=in_order)


def in_order(row: Row) -> tuple[bool, bool, bool, float, float]:
    """Sorts rows that have a `best` as `agent_rows` has them."""
    tested_only = row["operator"] == "baseline"  # its score is no match for those of other splits
    tokens = per_item(row, "tokens")
    return not row["best"], not row["complete"], tested_only, -sure(row), tokens


def left_out(row: Mapping[str, Any]) -> int:
    """Results of a row that came to no score."""
    return sum(int(n) for kind, n in row["outcomes"].items() if kind in UNSCORED)


def sure(row: Mapping[str, Any]) -> float:
    """The score of a row with all that was left out counted as wrong, as `Evaluation.sure`; 0 without one."""
    return float(row["score"] or 0.0) * int(row["items"]) / max(1, int(row["items"]) + left_out(row))


def items_text(row: Mapping[str, Any]) -> str:
    """How many items a score is of: `18`, or `4 of 18` where the others came to no score."""
    n = left_out(row)
    return f"{row['items']} of {row['items'] + n}" if n else f"{row['items']}"


def told(rows: Iterable[Row], archive: Archive) -> list[Row]:
    """Rows as people are shown them: nothing of answers without a call with `domain.model_free=allow`."""
    shown = tells_free(archive)
    return [row if shown else row | {"model_free": 0.0} for row in rows]


def free_of(row: Mapping[str, Any]) -> str:
    """What stands behind the score of a row of which people are told: `, 40 % without a call`, or nothing."""
    text = free_text(row["model_free"])
    return f", {text}" if text else ""


def _score(record: Record, split: Split) -> float | None:
    evaluation = record.evaluations.get(split)
    return evaluation.score if evaluation else None


def per_item(row: Mapping[str, Any], key: str) -> float:
    """What one item used of `calls`, `tokens`, `cost_usd` or `seconds`; 0 without items."""
    return float(row[key]) / row["items"] if row["items"] else 0.0


def score_text(score: float | None, low: float, high: float) -> str:
    """A score with its interval in per cent: ` 86.1 [71, 94]`; a dash without a score."""
    if score is None:
        return "-"
    return f"{100 * score:5.1f} [{100 * low:2.0f}, {100 * high:2.0f}]"


def evaluations_table(rows: Sequence[Row], title: str = "") -> Table:
    """A rich table of `evaluation_row` objects: score with interval, what else is measured, used cost."""
    table = _table(title, rows)
    names = list(dict.fromkeys(name for row in rows for name in row.get("measures", ())))
    for name in names:
        table.add_column(f"{one_line(name, 16).replace('_', chr(10))} %", justify="right", no_wrap=True)
    table.add_column("calls\n/item", justify="right", no_wrap=True)
    table.add_column("outcomes", min_width=10)
    for row in rows:
        more = [_share(row.get("measures", {}).get(name)) for name in names]
        table.add_row(*_cells(row, rows), *more, f"{per_item(row, 'calls'):.1f}", faults_text(row))
    table.caption = _left_out(rows)
    return table


def _left_out(rows: Sequence[Row]) -> str | None:
    """What is to be said of results that came to no score."""
    n = sum(map(left_out, rows))
    if not n:
        return None
    return f"{n} left out, as they came to no score: intervals hold whatever they would have been"


def agents_table(
    rows: Sequence[Row], title: str = "", limit: int = 20, wide: bool = True, narrow: bool = False
) -> Table:
    """A rich table of `agent_row` objects; a star marks the Pareto front of score and tokens per item.

    The agent to take is marked `best`, and the caption says why.
    Who wrote an agent, and its price, are shown only where it is `wide`: in 80 columns, names are worth more.
    Where it is `narrow`, tokens per item and scores on validation items are left out as well.
    """
    # A baseline of the final report has test scores only, which are no match for those of other splits.
    whole = [r for r in rows if r["complete"] and r["score"] is not None and r["operator"] != "baseline"]
    best = {whole[i]["agent"] for i in pareto_front([(sure(r), per_item(r, "tokens")) for r in whole])}
    table = _table(title, rows, priced=wide, narrow=narrow)
    for head in ("valid.", "test")[narrow:]:
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    if wide:
        table.add_column("written by", min_width=9)
    for row in rows[:limit]:
        table.add_row(
            *_cells(row, rows, priced=wide, narrow=narrow),
            *(() if narrow else (_share(row["validation"]),)),
            _share(row["test"]),
            _mark(row, row["agent"] in best),
            *((_origin(row),) if wide else ()),
        )
    alike = sum(bool(row["same_as"]) for row in rows)
    told = [f"{limit} of {len(rows)} agents"] if len(rows) > limit else []
    told += [f"{alike} behave{'s' if alike == 1 else ''} as another one: counted once"] if alike else []
    told += [f"best = {row['best']}" for row in rows[:1] if row.get("best")]
    told += [SELECTION_NOTE] if any(row["split"] != "test" for row in whole) else []
    table.caption = one_line("; ".join(told)) or None
    return table


def _mark(row: Row, on_front: bool) -> str:
    """What stands behind an agent in a list."""
    if row.get("best"):
        return "best"
    return "*" if on_front else "paused" if row["status"] == "paused" else ""


def verdict_table(verdict: Verdict) -> Table:
    """A rich table of finalists and baselines on the test items, finalists first; fits 80 columns.

    Points and p-value of a finalist are against the baseline it has to beat. Where the best finalist pays
    back what the run paid, the uses that this takes stand beside each baseline.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    finalists = [("finalist", c.finalist, c) for c in verdict.comparisons]
    rows = [*finalists, *(("yours" if s.kind == "own" else "baseline", s, None) for s in verdict.baselines)]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("name", min_width=9, overflow="fold")
    table.add_column("", no_wrap=True)
    items = _range([s.items for _, s, _ in rows])
    graded = any(s.measure == "score" for _, s, _ in rows)
    score, over = ("mean score", "over\nbase") if graded else ("right %", "points\nover base")
    free = any(s.told_free for _, s, _ in rows)
    heads = [f"{score}\nof {items} items", *(["no call\n%"] if free else []), "tokens\n/item", over, "p"]
    repaid = any(p.uses is not None for p in verdict.paybacks)  # else the sentence says all there is to say
    for head in [*heads, *(["uses to\nrepay"] if repaid else [])]:
        table.add_column(head, justify="right", no_wrap=True)
    for role, s, c in rows:
        table.add_row(
            Text(one_line(s.name)),
            role,
            Text(_mean_text(s) if graded else score_text(s.score, s.low, s.high)),
            *([_share(s.told_free)] if free else []),
            f"{s.tokens_per_item:,.0f}",
            Text(_over_text(c, graded)) if c else "",
            p_text(c) if c else "",
            *(["" if c else uses_text(verdict.payback(s.agent))] if repaid else []),
        )
    return table


def p_text(c: Comparison) -> str:
    """The p-value; a dash where the finalist's turn did not come, as the one before it beat nothing."""
    if c.p < 1.0 <= c.p_adjusted:
        return "-"
    return f"{c.p_adjusted:.4f}" if c.p_adjusted >= 0.0001 else "<0.0001"


def _mean_text(s: Standing) -> str:
    return f"{s.score:.2f} [{s.low:.2f}, {s.high:.2f}]"


def _over_text(c: Comparison, graded: bool) -> str:
    if graded:
        return f"{c.difference:+.2f} [{c.low:.2f}, {c.high:.2f}]"
    return f"{100 * c.difference:+.1f} [{100 * c.low:.0f}, {100 * c.high:.0f}]"


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers, default=0), max(numbers, default=0)
    return f"{low}" if low == high else f"{low}–{high}"


def _table(title: str, rows: Sequence[Row], priced: bool = True, narrow: bool = False) -> Table:
    """The columns that both tables share. Where width is short, rich narrows those that may wrap."""
    from rich import box
    from rich.table import Table

    table = Table(
        title=one_line(title) or None,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        title_justify="left",
    )
    table.add_column("agent", no_wrap=True)
    table.add_column("name", min_width=9)
    table.add_column("score % [95 %]", justify="right", no_wrap=True)
    if _free(rows):
        table.add_column("no call\n%", justify="right", no_wrap=True)
    costs = () if narrow else ("tokens\n/item", *(("$\n/item",) if priced and _priced(rows) else ()))
    for head in ("items", *costs):
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _priced(rows: Sequence[Row]) -> bool:
    return any(r["cost_usd"] for r in rows)


def _free(rows: Sequence[Row]) -> bool:
    """Whether any agent answered items without a call: a column of noughts is noise."""
    return any(r["model_free"] for r in rows)


def _cells(row: Row, rows: Sequence[Row], priced: bool = True, narrow: bool = False) -> list[Any]:
    from rich.text import Text

    # Names are what a model wrote: as Text they are shown as they stand, brackets are no markup.
    cells: list[Any] = [
        Text(one_line(row["agent"], 8, end=""), style="dim"),
        Text(
            one_line(row["name"], 48), no_wrap=True, overflow="ellipsis"
        ),  # one line an agent, however narrow
        Text(score_text(row["score"], row["low"], row["high"])),
        *((_share(row["model_free"] if row["items"] else None),) if _free(rows) else ()),
        items_text(row),
        *(() if narrow else (f"{per_item(row, 'tokens'):,.0f}",)),
    ]
    return [*cells, usd_text(per_item(row, "cost_usd"))] if priced and not narrow and _priced(rows) else cells


def _origin(row: Row) -> Any:
    from rich.text import Text

    author = one_line(row["author"], 16)
    whose = f"{author} ({one_line(row['model'], 24)})" if row.get("model") else author
    parts = dict.fromkeys((one_line(row["operator"], 16), whose))
    return Text(", ".join(part for part in parts if part), no_wrap=True, overflow="ellipsis")


def _share(score: float | None) -> str:
    return "-" if score is None else f"{100 * score:.1f}"


def faults_text(row: Row) -> str:
    """Outcomes other than `ok`, most frequent first; `ok` alone where all returned an answer."""
    kinds = sorted(row["outcomes"].items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{one_line(k, 12)} {n}" for k, n in kinds if k != "ok") or ("ok" if kinds else "-")
