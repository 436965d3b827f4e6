"""Python source that came through a chat, a console or a tool call, made to parse again."""

from __future__ import annotations

import ast
import html
import itertools
import re
import textwrap
import unicodedata
from collections.abc import Callable

from meta_search.types import parse

__all__ = ["CODE", "CURLY", "INVISIBLE", "mended", "parses", "typed", "without_labels"]

CODE = re.compile(
    r'^(import |from |def |class |async def |@|"""|\'\'\'|[A-Za-z_]\w* *(=|:.*=))', re.MULTILINE
)
LABEL = re.compile(r"\W*(name|thought)\W*:[^=\n]*$", re.IGNORECASE | re.MULTILINE)
CURLY = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'"})
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
BLANKS = {0xA0: " ", 0x2007: " ", 0x202F: " ", 0x3000: " ", **dict.fromkeys(map(ord, INVISIBLE))}
STRING = r'"""(?s:.*?)"""|\'\'\'(?s:.*?)\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|#[^\n]*'
SIGNS = {"−": "-", "–": "-", "×": "*", "÷": "/", "≤": "<=", "≥": ">=", "≠": "!=", "…": "...", "，": ","}
ODD_SIGN = re.compile(rf"{STRING}|(?P<sign>[−–×÷≤≥≠…\uff01-\uff5e])")
NUMBERED = re.compile(r"^[ \t]*(\d{1,4})(?:[ \t]*[|:│][ ]?|[ \t]|$)")
PROMPT = re.compile(r"^(>>>|\.\.\.)(?: |$)|^(In \[\d*\]|   \.{3,}):(?: |$)")
MAGIC = re.compile(r"(?m)^[ \t]*[!%]{1,2}[A-Za-z][^\n]*$")
HEREDOC = re.compile(r"\A[ \t$]*(?:cat|tee)\b[^\n<]*<<-?[ ]?[\"']?(\w+)[\"']?[^\n]*\n")


def parses(source: str) -> bool:
    """Whether a text is Python once what was done to it is undone."""
    return bool(source.strip()) and mended(source) is not None


def mended(source: str) -> str | None:
    """Source that can be parsed, with as few changes as need be, or `None`.

    Undone in this order, until it parses: name and thought above the code, a shell's way to write a file,
    a common indentation, what stands before every line (numbers, prompts, the plus of a diff), blanks that
    are no spaces, lines for a notebook, entities of HTML, tabs, signs of other keyboards outside strings,
    curly quotes.
    """
    source = without_labels(source.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
    source = _without_shell(source)  # whose first line is a comparison in Python
    if _is_python(source):
        return source
    for change in CHANGES:
        changed = change(source)
        if changed != source:
            source = changed
            if _is_python(source):
                return source
    return None


def without_labels(code: str) -> str:
    """Small models put name and thought into the block as well: what stands above the code is left out."""
    begins = CODE.search(code)
    return code[begins.start() :] if LABEL.match(code) and begins else code


def typed(text: str) -> str:
    """A text as a keyboard writes it: plain quotes and blanks, no entities, nothing invisible."""
    return html.unescape(text).translate(BLANKS).translate(CURLY)


def _is_python(source: str) -> bool:
    try:
        parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _without_marks(source: str) -> str:
    """Source without what stands before every line of it."""
    lines = source.split("\n")
    full = [line for line in lines if line.strip()]
    if not full:
        return source
    if all(line.startswith("+") for line in full):
        return "\n".join(line[1:] for line in lines)
    if PROMPT.match(full[0]):
        return _typed_in(lines)
    numbers = [int(found[1]) if (found := NUMBERED.match(line)) else 0 for line in full]
    if numbers[0] and all(b - a in (1, 2) for a, b in itertools.pairwise(numbers)):
        return "\n".join(NUMBERED.sub("", line, count=1) for line in lines)
    return source


def _typed_in(lines: list[str]) -> str:
    """What was typed at a prompt, without what came back, and without what was only looked at."""
    entries: list[list[str]] = []
    for line in lines:
        if not (found := PROMPT.match(line)):
            continue
        if line.startswith((">>>", "In")):
            entries.append([])
        if entries:
            entries[-1].append(line[found.end() :])
    return "\n".join(text for entry in entries if not _looks(text := "\n".join(entry)))


def _looks(entry: str) -> bool:
    try:
        return all(isinstance(node, ast.Expr) for node in parse(entry).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _without_shell(source: str) -> str:
    """The text that a shell is told to write into a file."""
    if not (found := HEREDOC.search(source)):
        return source
    inside, ends, _ = source[found.end() :].partition(f"\n{found[1]}")
    return inside if ends else source


def _plain_signs(source: str) -> str:
    """Operators and brackets as a keyboard writes them; strings and comments stay."""

    def plain(found: re.Match[str]) -> str:
        sign = found["sign"]
        return found[0] if sign is None else SIGNS.get(sign) or unicodedata.normalize("NFKC", sign)

    return ODD_SIGN.sub(plain, source)


CHANGES: tuple[Callable[[str], str], ...] = (
    lambda s: textwrap.dedent(s).strip("\n"),
    lambda s: textwrap.dedent(_without_marks(s)),
    lambda s: textwrap.dedent(s.translate(BLANKS)),
    lambda s: MAGIC.sub("", s).strip("\n"),
    html.unescape,
    lambda s: textwrap.dedent(s.expandtabs(4)),
    _plain_signs,
    lambda s: s.translate(CURLY),
)
