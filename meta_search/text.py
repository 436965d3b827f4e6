"""Untrusted text made fit to be shown, and values made fit to be pasted as overrides.

What models, items and other people's programs wrote may hold what a terminal obeys (escape sequences), what
turns the direction of writing round, and line breaks where one line is expected. A leaf: it imports the
standard library only.
"""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "ESCAPES",
    "MOST_PASSAGE",
    "SECRETS",
    "error_line",
    "escaped",
    "html_table",
    "literal",
    "mapping_text",
    "one_line",
    "override",
    "passage",
    "printable",
    "shell_path",
    "without_passwords",
]

USER_INFO = re.compile(r"(\w://)[^/?#\s]*@(?=[\w\[])")
SECRETS = "key|apikey|token|secret|password|code|sig|signature|auth"  # what a query calls a key
IN_QUERY = re.compile(rf"([?&][\w.-]*(?:{SECRETS})=)[^&\s'\"]+", re.IGNORECASE)
MOST_PASSAGE = 4_000  # characters
ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])"
)  # colours, titles
RESERVED = ("null", "true", "false", "inf", "nan")  # words of Hydra's grammar


def printable(text: str, kept: str = "\n\t", instead: str = "?") -> str:
    """Text of several lines without controls, escapes or changes of direction.

    Args:
        text: Anything.
        kept: Characters that stay although they cannot be printed.
        instead: What stands for every other one.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else instead for c in text)


def one_line(text: object, limit: int | None = None, instead: str = " ", end: str = "…") -> str:
    """Text as one printable line: white space of any kind becomes single spaces.

    Args:
        text: Anything; other objects than texts are shown as `str` has them.
        limit: Most characters of the result; `None` keeps all.
        instead: What stands for a character that cannot be printed.
        end: What a text ends in that is longer than `limit`.
    """
    words = printable(" ".join(str(text).split()), "", instead)
    line = " ".join(words.split())
    if limit is None or len(line) <= limit:
        return line
    return line[: limit - len(end)].rstrip() + end


def passage(text: object, limit: int = MOST_PASSAGE) -> str:
    """Text of several lines as it may be stored, shown and sent: printable, and of bounded length.

    Colours and other escape sequences are left out, line ends of any kind become `\\n`, and what is too long
    is cut in the middle, which it says: what went wrong stands at the beginning or at the end.

    Args:
        text: Anything; `None` is nothing, other objects than texts are shown as `str` has them.
        limit: Most characters of the result.
    """
    whole = text if isinstance(text, str) else "" if text is None else str(text)
    if len(whole) <= limit:
        return _cleaned(whole)
    told = f"\n[… {len(whole) - limit:,} characters left out …]\n"
    kept = limit - len(told)
    if kept < len(told):  # no room for telling
        return _cleaned(whole[:limit])
    return _cleaned(whole[: kept - kept // 2]) + told + _cleaned(whole[len(whole) - kept // 2 :])


def _cleaned(text: str) -> str:
    plain = ESCAPES.sub("", text) if "\x1b" in text else text
    return printable("\n".join(line.rstrip() for line in plain.splitlines()).strip("\n"))


def error_line(error: BaseException, limit: int | None = None) -> str:
    """An error that is none of ours as one line, for a message: its type and what it says."""
    return one_line(f"{type(error).__name__}: {error}", limit)


def override(key: str, value: Any) -> str:
    """An override that can be pasted into a shell, whatever the value holds.

    Args:
        key: The dotted key.
        value: Its value; texts stand for themselves, `${` included.
    """
    if isinstance(value, Mapping):
        word = f"{key}={mapping_text(value)}"
    elif isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z/][\w./:@+-]*", value, re.ASCII) and value.lower() not in RESERVED
        word = f"{key}={value if plain else literal(escaped(value))}"
    else:
        word = f"{key}={literal(value)}"
    return shlex.quote(word)


def shell_path(path: object) -> str:
    """A path as a word of a shell's line: it works when it is pasted, and never is an option or a line of
    its own."""
    text = str(path)
    text = f"./{text}" if text.startswith("-") else text
    if text.isprintable():
        return shlex.quote(text)
    coded = "".join(c if 32 <= ord(c) < 127 and c not in "'\\" else _coded(c) for c in text)
    return f"$'{coded}'"


def _coded(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode(errors="surrogateescape"))


def without_passwords(text: str) -> str:
    """A message without what stands before the host of an address, or as a key in its query."""
    return IN_QUERY.sub(r"\1***", USER_INFO.sub(r"\1***@", text))


def escaped(text: str) -> str:
    """A text in which OmegaConf sees no interpolation; backslashes in front of its `${` are its own."""
    # Begins where backslashes begin, or else each of a long row would be tried.
    return re.sub(r"(?<!\\)(\\*+)\$\{", lambda found: found[1] * 2 + "\\${", text)


def mapping_text(value: Mapping[str, Any]) -> str:
    """A mapping whose names are the user's: Hydra's grammar has no quotes for names."""
    return json.dumps(value, ensure_ascii=False)


def literal(value: Any) -> str:
    """A Python value in Hydra's override grammar."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{literal(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ",".join(literal(inner) for inner in value) + "]"
    # As in `escaped`.
    text = re.sub(r"(?<!\\)(\\*+)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), str(value))
    return f"'{text}'"


def html_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]], note: str = "") -> str:
    """A table for a notebook: every cell escaped, one line, and short.

    Args:
        title: Above it.
        heads: Names of the columns.
        rows: A cell a column; numbers as they are to be shown.
        note: Below it.
    """

    def cell(kind: str, value: object) -> str:
        return f'<{kind} style="text-align:left">{shown(value)}</{kind}>'

    def shown(value: object, limit: int = 80) -> str:
        return html.escape(one_line(value, limit))

    lines = ["".join(cell("th", head) for head in heads), *("".join(cell("td", c) for c in r) for r in rows)]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    below = f"<p>{shown(note, 2000)}</p>" if note else ""
    return f"<div><p><b>{shown(title, 200)}</b></p><table>{body}</table>{below}</div>"
