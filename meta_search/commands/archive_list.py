"""`meta-search archive list`: the agents of a run, filtered, sorted, with the columns that are asked for."""

from __future__ import annotations

import argparse
import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meta_search.commands.terminal import console, narrow, open_run, print_json, print_rich, say, wide
from meta_search.errors import ConfigError
from meta_search.report.tables import COLUMNS, agent_rows, agents_table, told
from meta_search.text import one_line

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Condition", "chosen_rows", "list_agents", "ordered"]

Row = Mapping[str, Any]

CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|==|!=|!~|=|<|>|~)\s*(.*?)\s*", re.DOTALL)
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NOTHING = ("", "none", "null")  # values that stand for what is not known
MOST_CELL = 60  # characters
SHORT, LEAST = 18, 9  # characters of a column that is not cut, and that are left of one that is


@dataclass(frozen=True, slots=True)
class Condition:
    """A column, an operator and a value: numbers compare, texts contain (`==` is the whole text)."""

    column: str
    sign: str
    value: str

    @classmethod
    def of(cls, text: str) -> Condition:
        """A condition as it was typed.

        Raises:
            ConfigError: It is none; one line.
        """
        found = CONDITION.fullmatch(text)
        if found is None:
            raise ConfigError(f"--where {text!r}: expected COLUMN OP VALUE, as in --where 'score >= 0.5'")
        return cls(*found.groups())

    def holds(self, row: Row) -> bool:
        """Whether it holds for a row. What is not known compares with nothing but `none`.

        Raises:
            ConfigError: The column is a number, and the value none.
        """
        cell = row.get(self.column)
        if self.value.lower() in NOTHING and self.sign in ("=", "==", "!="):
            return (cell in (None, "", [], {})) == (self.sign != "!=")
        if isinstance(cell, bool):
            return (cell is (self.value.lower() in ("true", "yes", "1"))) == (self.sign != "!=")
        if isinstance(cell, int | float):
            return self._compared(float(cell))
        if cell is None:
            return False
        return self._matched(_text(cell).casefold(), self.value.casefold())

    def _compared(self, cell: float) -> bool:
        text = self.value.replace(",", "")
        try:
            value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            raise ConfigError(f"--where: {self.column} is a number, {self.value!r} is not") from None
        if self.sign not in COMPARE:
            raise ConfigError(f"--where: {self.column} is a number; {self.sign} is for texts")
        return COMPARE[self.sign](cell, value)

    def _matched(self, cell: str, value: str) -> bool:
        if self.sign in ("=", "~"):
            return value in cell
        if self.sign in ("!=", "!~"):
            return value not in cell
        return COMPARE[self.sign](cell, value)


def list_agents(arguments: argparse.Namespace) -> int:
    """`meta-search archive list`."""
    from meta_search.report.alarms import end_text
    from meta_search.run.fork import origin

    folder, archive = open_run(arguments.run)
    every = agent_rows(archive)
    rows = ordered(chosen_rows(every, arguments.where), arguments.sort, arguments.reverse)
    asked = _asked(arguments.columns)
    if arguments.json:
        return print_json([{name: row.get(name) for name in asked} for row in rows] if asked else rows)
    shown, limit = told(map(dict, rows), archive), arguments.limit or max(1, len(rows))
    if asked:
        print_rich(_table(str(folder), asked, shown[:limit]))
    else:
        table = agents_table(shown, title=str(folder), limit=limit, wide=wide(), narrow=narrow())
        print_rich(table)
    if arguments.where:
        say(f"{len(rows)} of {len(every)} agents: {' and '.join(arguments.where)}")
    elif asked and len(rows) > limit:
        say(f"{limit} of {len(rows)} agents; --limit 0 shows all")
    if begun := origin(archive):
        say(begun.line)
    if end := end_text(archive):
        say(f"search ended: {end}")
    return 0


def chosen_rows(rows: Sequence[Row], conditions: Iterable[str]) -> list[Row]:
    """The rows for which all conditions hold.

    Args:
        rows: As `agent_rows` gives them.
        conditions: Each COLUMN OP VALUE.

    Raises:
        ConfigError: A condition is none, or names no column; one line.
    """
    parsed = [Condition.of(text) for text in conditions]
    for condition in parsed:
        _check(condition.column, "--where")
    return [row for row in rows if all(condition.holds(row) for condition in parsed)]


def ordered(rows: Sequence[Row], column: str | None, reverse: bool) -> list[Row]:
    """Rows by a column, the smallest first; what is not known stands last in any case.

    Args:
        rows: They.
        column: By which; `None` leaves them as they are.
        reverse: The greatest first, or all rows the other way round.

    Raises:
        ConfigError: There is no such column; one line.
    """
    if column is None:
        return list(reversed(rows)) if reverse else list(rows)
    _check(column, "--sort")
    there = [row for row in rows if row.get(column) is not None]
    missing = [row for row in rows if row.get(column) is None]
    return [*sorted(there, key=lambda row: _key(row[column]), reverse=reverse), *missing]


def _key(cell: Any) -> tuple[float, str]:
    if isinstance(cell, int | float):
        return float(cell), ""
    return 0.0, _text(cell).casefold()


def _text(cell: Any) -> str:
    """What a cell says to those who look for words."""
    if isinstance(cell, Mapping):
        return " ".join(f"{name} {value}" for name, value in cell.items())
    return " ".join(map(str, cell)) if isinstance(cell, list | tuple) else str(cell)


def _asked(columns: str | None) -> list[str]:
    names = [name.strip() for name in (columns or "").split(",") if name.strip()]
    for name in names:
        _check(name, "--columns")
    return names


def _check(column: str, option: str) -> None:
    if column not in COLUMNS:
        near = difflib.get_close_matches(column, COLUMNS, n=1)
        meant = f"did you mean {near[0]}? There" if near else "there"
        raise ConfigError(f"{option}: no column {one_line(column, 40)}; {meant} are {', '.join(COLUMNS)}")


def _table(title: str, columns: Sequence[str], rows: Sequence[Row]) -> Table:
    """A table of just these columns, a line an agent."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=one_line(title), box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.title_justify = "left"
    cells = [[_shown(row.get(column), column) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    # Numbers and words stay whole where there is room for that, what is long gives way.
    kept = [width if width <= SHORT else LEAST for width in widths]
    fits = sum(kept) + len(kept) <= console().width
    for place, column in enumerate(columns):
        number = any(isinstance(row.get(column), int | float) for row in rows)
        table.add_column(
            column,
            no_wrap=True,
            overflow="ellipsis",
            justify="right" if number else "left",
            min_width=kept[place] if fits else None,
        )
    for line in cells:
        table.add_row(*(Text(cell, no_wrap=True) for cell in line))
    return table


def _shown(cell: Any, column: str) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if column == "created":
        from datetime import datetime

        return f"{datetime.fromtimestamp(cell).astimezone():%Y-%m-%d %H:%M}"
    if isinstance(cell, float):
        return f"{cell:.4f}" if abs(cell) < 10 else f"{cell:,.1f}"
    return f"{cell:,}" if isinstance(cell, int) else one_line(_text(cell), MOST_CELL)
