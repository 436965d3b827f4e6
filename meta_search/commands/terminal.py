"""Printing to a terminal, for the commands that look through a run.

Text that a model wrote (names, thoughts, source) may hold escape sequences: it is cleaned before it reaches
a terminal (`meta_search.text`), and `--json` escapes it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.run import folder as run_folder
from meta_search.text import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from archive.records import Archive

__all__ = ["ascii_only", "console", "narrow", "open_run", "print_json", "print_rich", "say", "wide"]

WIDE, NARROW = 100, 78  # columns


def open_run(run: str) -> tuple[Path, Archive]:
    """A run's folder and its archive, read-only; `RUN:AGENT` is not meant here."""
    from archive.records import Archive

    folder = run_folder.resolve(run)
    return folder, Archive(folder)


def say(line: object) -> None:
    """Print one line, whatever a model or a stranger wrote into it."""
    print(printable(str(line), ""))


def ascii_only() -> bool:
    """Whether lines of trees have to be drawn in ASCII."""
    return not (sys.stdout.encoding or "").lower().startswith("utf")


def print_rich(what: RenderableType) -> None:
    """Print a table or the like."""
    console().print(what)


def wide() -> bool:
    """Whether all columns fit."""
    return console().width >= WIDE


def narrow() -> bool:
    """Whether it has less than the usual 80 columns."""
    return console().width < NARROW


def console() -> Console:
    """Where it is printed."""
    from rich.console import Console

    class Quiet(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would exit with 1 where `| head` has read enough; see `cli.main`

    # Where there is no terminal nobody wraps lines: a narrow default would cut names.
    # Brackets and colons in what a model wrote are no markup and no pictures.
    plain = partial(Quiet, markup=False, emoji=False)
    return plain() if sys.stdout.isatty() else plain(width=140)


def print_json(value: Mapping[str, Any] | Iterable[Any]) -> int:
    """Print JSON for `--json`. Returns exit status 0."""
    print(json.dumps(value, indent=1, default=str))
    return 0
