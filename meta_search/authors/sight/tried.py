"""Every agent so far in a line: what it was meant to do, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meta_search.authors.author import Context
from meta_search.authors.sight.kinds import changes, percent
from meta_search.authors.sight.part import Part
from meta_search.authors.sight.quoting import MARK, named
from meta_search.authors.sight.tokens import tokens
from meta_search.authors.views import Tried
from meta_search.text import one_line

__all__ = ["tried"]

HEAD = "Every agent so far, children of agent 1 first (score, 95 % interval, what changed, thought):"
MOST_THOUGHT, MOST_FATE, MOST_AGENTS = 200, 120, 400


def tried(context: Context) -> Part:
    """All agents; in little room with those in the middle left out."""
    rows = context.findings.tried[:MOST_AGENTS]
    if not rows:
        return Part("tried", "")
    names = {row.id: row.name for row in rows}
    lines = [_line(row, names) for row in rows]

    def shrink(room: int) -> str:
        kept = len(lines)
        while kept:
            text = "\n".join([HEAD, *_without_middle(lines, kept)])
            over = tokens(text) - room
            if over <= 0:
                return text
            kept = min(kept - 1, int(kept * room / tokens(text)))
        return ""

    return Part("tried", "\n".join([HEAD, *lines]), shrink, 0.12, "the agents so far")


def _line(row: Tried, names: Mapping[str, str]) -> str:
    parent = next((names[i] for i in row.parents if i in names), "")
    origin = f"{row.operator} of {named(parent)}" if parent else row.operator
    facts = [f"{MARK}{named(row.name)} ({origin}, {row.author})"]
    if row.items:
        facts.append(f"{percent(row.score)} [{100 * row.low:.0f}, {100 * row.high:.0f}] of {row.items}")
        facts.append(f"{row.tokens:.0f} tokens an item")
        facts += [f"{percent(row.model_free)} answered without a model"] if row.model_free else []
    told = changes(row.change)
    end = [f"changed by points: {told}"] if told else []
    end += [one_line(row.fate, MOST_FATE)] if row.fate else []
    end += [f"thought: {one_line(row.thought, MOST_THOUGHT)}"] if row.thought.strip() else []
    return "; ".join([", ".join(facts), *end])


def _without_middle(lines: Sequence[str], kept: int) -> list[str]:
    if kept >= len(lines):
        return list(lines)
    first = kept - kept // 2
    mark = f"{MARK}[… {len(lines) - kept:,} agents left out …]"
    return [*lines[:first], mark, *lines[len(lines) - kept // 2 :]]
