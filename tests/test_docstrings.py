"""Docstrings that a tool can read: one entry a line under Args, Attributes and Raises, each with one name."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SECTION = re.compile(r"^(Args|Attributes|Raises):$")
ENTRY = re.compile(r"^\*{0,2}\w+: \S")
SECOND = re.compile(r"[.;] \*{0,2}[a-z_]+: ")  # `config: The run's. folder: Its folder.`


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found = ast.get_docstring(node, clean=False)
            if found:
                yield getattr(node, "lineno", 1), inspect.cleandoc(found)


def faults(text: str) -> Iterator[str]:
    """Lines of a docstring's sections that are no entry, or more than one."""
    inside = False
    for line in text.splitlines():
        if not line.startswith(" ") and line:
            inside = bool(SECTION.match(line))
        elif inside and line.startswith("    ") and not line.startswith("     "):
            entry = line.strip()
            if not ENTRY.match(entry) or SECOND.search(entry):
                yield entry
        elif inside and SECOND.search(line):
            yield line.strip()


def test_entries_stand_on_lines_of_their_own() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {fault}"
        for package in ("meta_search", "archive", "domains")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "seeds" not in path.parts
        for line, text in docstrings(path)
        for fault in faults(text)
    ]
    assert found == []


def test_the_check_sees_what_it_looks_for() -> None:
    text = "Do.\n\nArgs:\n    a: One. b: Two.\n    c, d: Both.\n    e: Fine:\n        so far."
    assert list(faults(text)) == ["a: One. b: Two.", "c, d: Both."]
