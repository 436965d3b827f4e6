"""What came of attacks as a table: agent, attempt, outcome, escaped or not; one column for each mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.hostile.house import Verdict

__all__ = ["Line", "line_of", "markdown", "summary"]

SHOWN = 110  # characters of an outcome


class Line(NamedTuple):
    """One attack in one mode; see `house.Verdict`. `said`: its detail, or the answer of an `ok`."""

    subject: str
    name: str
    tries: str
    kind: str
    said: str
    seconds: float
    escaped: list[str]
    odd: list[str]


def line_of(verdict: Verdict) -> Line:
    """A verdict as a line."""
    attack, said = verdict.attack, verdict.detail or repr(verdict.answer)
    lists = list(verdict.escaped), list(verdict.odd)
    return Line(attack.subject, attack.name, attack.tries, verdict.kind, said, verdict.seconds, *lists)


def summary(lines: Sequence[Line]) -> str:
    """One line for a mode."""
    escapes, odd = sum(bool(line.escaped) for line in lines), sum(bool(line.odd) for line in lines)
    kinds = ", ".join(f"{kind} {n}" for kind, n in Counter(line.kind for line in lines).most_common())
    return f"{escapes} of {len(lines)} attacks escape, {odd} odd outcomes ({kinds})"


def markdown(columns: Mapping[str, Sequence[Line]]) -> str:
    """The whole table. What the outcome's line says is shown once, and again where a mode says another."""
    heads = ["agent", "attempt", *columns, "escaped"]
    rows = [heads, ["---"] * len(heads)]
    for lines in zip(*columns.values(), strict=True):
        first, escaped = lines[0], sorted({what for line in lines for what in line.escaped})
        cells = [f"{first.subject}: {first.name}", first.tries]
        for line in lines:
            same = line is not first and line.kind == first.kind
            cells.append(line.kind if same else f"{line.kind}: {line.said[:SHOWN]}")
        rows.append([*cells, "; ".join(escaped) or "no"])
    table = "\n".join("| " + " | ".join(_cell(text) for text in row) + " |" for row in rows)
    counts = "".join(f"- {mode}: {summary(lines)}\n" for mode, lines in columns.items())
    return f"# Hostile agents\n\n{counts}\n{table}\n"


def _cell(text: str) -> str:
    plain = "".join(c if c.isprintable() else "?" for c in text)
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
