"""What `meta-search evaluate --across` prints and writes, and what `report` prints of its folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from meta_search.commands.terminal import print_json, print_rich, say
from meta_search.report.matrix import Matrix
from meta_search.report.screen import lasting
from meta_search.text import override, shell_path

__all__ = ["print_matrix", "report_matrix"]


def print_matrix(matrix: Matrix, folder: Path, cut: str, file: Path | None) -> None:
    """Write the matrix as JSON, and print it as tables where there still is a terminal.

    Args:
        matrix: The cells.
        folder: Where they lie.
        cut: Why it is not complete, or `""`.
        file: Where to write the JSON; `None` writes none besides that of the folder.
    """
    if file:
        file.write_text(json.dumps(matrix.as_json(), indent=1) + "\n", encoding="utf-8")
    with lasting(sys.stdout):
        _print(matrix, folder)
        if cut:
            again = override("run.dir", str(folder))
            say(f"{cut}: the same command with {again} goes on, and pays nothing again")
        sys.stdout.flush()


def report_matrix(matrix: Matrix, folder: Path, as_json: bool) -> int:
    """`meta-search report` of a folder of `--across`."""
    if as_json:
        return print_json(matrix.as_json())
    _print(matrix, folder)
    for cell in matrix.cells:
        if cell.rows:
            say(f"meta-search archive list {shell_path(folder / cell.folder)}")
    return 0


def _print(matrix: Matrix, folder: Path) -> None:
    for table in matrix.tables():
        print_rich(table)
    for note in matrix.notes:
        say(note)
    say(f"tables: {folder / 'matrix.md'}, {folder / 'matrix.html'}, {folder / 'matrix.json'}")
