"""The report of a run as one self-contained page that opens offline."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.report import alarms, behaviour, briefs, components, figures, robustness, sections
from meta_search.report.chosen import chosen
from meta_search.report.files import write_whole
from meta_search.report.judge import judge_lines
from meta_search.report.live import duration
from meta_search.report.payback import Paid, uses_text
from meta_search.report.source import Archive, meta_value
from meta_search.report.tables import Row, items_text, per_item, usd_text
from meta_search.report.tuning import Tuned, range_text, value_text, values_text, weights_text
from meta_search.report.verdict import Verdict, archive_verdict
from meta_search.types import Split, Usage

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["write_report"]

AGENTS = 500  # rows of the table of agents; more make a page that no browser likes
CODES = 6  # agents whose code is shown
TEMPLATE = "report.html.j2"


def write_report(
    archive: Archive,
    verdict: Verdict | None,
    path: Path | str,
    title: str = "",
    tuned: Callable[[str], Tuned | None] = lambda agent: None,
) -> Path:
    """Write `report.html` of a run.

    Everything in it that a model or a user wrote is escaped, and a content security policy with a nonce
    keeps the page from running any script but its own, or loading anything.

    Args:
        archive: The run's archive; may still grow.
        verdict: What the final evaluation found; `None` works it out from the archive.
        path: File to write; replaced at once, never half-written.
        title: Heading, such as the run folder's name.
        tuned: What tuning has found out about the source of an agent, by its id.

    Returns:
        The path.
    """
    from plotly.offline import get_plotlyjs

    path = Path(path)
    context = _context(archive, verdict or archive_verdict(archive), tuned)
    page = _template().render(
        context,
        title=title or "meta-search run",
        written=time.strftime("%Y-%m-%d %H:%M"),
        nonce=secrets.token_urlsafe(16),
        plotly_js=get_plotlyjs(),
    )
    write_whole(path, page)
    return path


def _context(archive: Archive, verdict: Verdict, tuned: Callable[[str], Tuned | None]) -> dict[str, Any]:
    records = list(archive.agents())
    failed = list(archive.attempts())
    split = sections.common_split(records)
    take = chosen(archive, verdict)
    rows = sections.agents(records, split, AGENTS, take)
    code = sections.code(archive, rows, verdict, split, CODES)
    asked = briefs.asked(archive, records)
    finalists = frozenset(c.finalist.agent for c in verdict.comparisons)
    every = sections.agents(records, split, len(records)) if len(records) > AGENTS else rows
    return {
        "verdict": verdict,
        "end": alarms.end_text(archive),
        "alarms": alarms.of_archive(archive),
        "test_rows": sections.test_rows(verdict),
        "robust": robustness.of_archive(archive),
        "judge": judge_lines(archive),
        "graded": any(s.measure == "score" for s in verdict.baselines),
        "split": split,
        "rows": rows,
        "total": len(records),
        "alike": sum(bool(r.same_as) for r in records),
        "finalists": finalists,
        **_plots(archive, every, finalists, split),
        "code": [c | {"tuned": tuned(c["agent"])} for c in code],
        "components": components.section(archive, records, [c["agent"] for c in code], split),
        "operators": briefs.by_operator(asked),
        "rules": briefs.by_rule(asked),
        "attempts": sections.attempts(failed, {r.agent.id: r.agent.name for r in records}),
        "failed": len(failed),
        "usage": dict(archive.usage()),
        **_totals(archive),
        "config": sections.config_text(meta_value(archive, "config") or {}),
        "styles": _highlight_styles(),
    }


def _plots(archive: Archive, every: Sequence[Row], finalists: frozenset[str], split: Split) -> dict[str, Any]:
    """The figures of all agents, and the sentence above the one of their behaviours."""
    scored = [r for r in every if r["score"] is not None and not r["same_as"]]
    whole = [r for r in scored if r["complete"]]
    in_order = sorted(scored, key=lambda r: r["created"])
    created = [r["created"] for r in in_order]
    behaves = behaviour.behaviour(archive, whole[:AGENTS], split)  # each takes a look at its items
    return {
        "figures": {
            "scatter": figures.score_and_cost(whole, finalists, split) if whole else None,
            "progress": figures.progress(in_order, created, split) if scored else None,
            "behaviour": behaviour.figure(behaves) if behaves else None,
        },
        "behaviour_line": behaviour.line(behaves, len(whole)) if behaves else "",
    }


def _totals(archive: Archive) -> dict[str, Any]:
    """What the run came to; of a run that has ended with a report, the figures that its verdict gives."""
    paid = sum(archive.usage().values(), Usage())
    status = str(meta_value(archive, "status") or "")
    seconds = meta_value(archive, "elapsed_s")
    final = meta_value(archive, "final")
    told = Paid.of(final.get("paid") if isinstance(final, Mapping) else None)
    if told.tokens and status in ("reporting", "done", "cut short"):
        paid = Usage(paid.calls, told.tokens, 0, told.usd)
        seconds = told.seconds
    elapsed = duration(seconds) if isinstance(seconds, int | float) else ""
    return {"paid": paid, "elapsed": elapsed, "status": status}


@cache  # compiling it takes most of the time of a small report
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    filters: dict[str, Callable[..., Any]] = {
        "percent": lambda share: "–" if share is None else f"{100 * share:.1f}",
        "points": lambda share: "–" if share is None else f"{100 * share:+.1f}",
        "usd": usd_text,
        "highlight": _highlight,
    }
    environment.filters.update(filters)
    texts = (range_text, value_text, values_text, weights_text)
    environment.globals.update(
        {text.__name__: text for text in texts}, items_text=items_text, per_item=per_item, uses_text=uses_text
    )
    text = resources.files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(text)


def _highlight(source: str) -> Any:
    """Source as coloured, escaped HTML."""
    from markupsafe import Markup
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped]

    # pygments escapes what it colours
    return Markup(highlight(source, PythonLexer(), HtmlFormatter(cssclass="code")))


def _highlight_styles() -> str:
    from pygments.formatters import HtmlFormatter

    light: str = HtmlFormatter(style="default").get_style_defs(".code")
    dark: str = HtmlFormatter(style="github-dark").get_style_defs(".code")
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}"
