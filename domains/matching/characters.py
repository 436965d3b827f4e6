"""Characters that mean the same made the same: signs, digits, fractions, exponents, spaces, quotes, LaTeX.

Only the last `MAX_TEXT` characters of a text are looked at; nothing here evaluates any of it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["MAX_TEXT", "from_latex", "unified"]

MAX_TEXT = 8_000  # characters that are looked at, from the end; normalising takes quadratic time at worst

_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ", "0123456789+-=()n", strict=True))
_RAISED_RUN = re.compile(f"[{''.join(_RAISED)}]+")
_SAME = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—−﹣－⁃", "-"),
        **dict.fromkeys("‘’‚‛′ʼ´＇", "'"),
        **dict.fromkeys("“”„‟″«»＂「」『』", '"'),
        **dict.fromkeys("∗＊", "*"),
        **dict.fromkeys("⁄∕／", "/"),
        "٫": ".",  # Arabic marks of decimals and thousands
        "٬": ",",
        "√": "\\sqrt ",
        "≃": "≈",
        "≅": "≈",
        "⇒": "→",
        "∙": "·",
        "⋅": "·",
        "〜": "~",
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e", None),
        **dict.fromkeys("\u2060\u2066\u2067\u2068\u2069\ufeff", None),
    }
)
_GROUP_SPACE = re.compile(r"(?<=\d)[\u00a0\u2006-\u2009\u202f\u205f](?=\d{3}(?!\d))")
_VULGAR = re.compile(r"(\d?)([\u00bc-\u00be\u2150-\u215e\u2189])")
_DIGIT = re.compile(r"[^\x00-\x7f]")
_ENTITIES = (("&nbsp;", " "), ("&minus;", "-"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))

_GROUPED = re.compile(r"(?<=\d)(?:\{,\}|\\[,; ]|~)(?=\d{3}(?!\d))")
_FRACTION = re.compile(
    r"(\d?)\s{0,4}\\[dtc]?frac\s{0,4}(?:\{\s{0,4}(-?\d{1,50})\s{0,4}\}|(\d))"
    r"\s{0,4}(?:\{\s{0,4}(\d{1,50})\s{0,4}\}|(\d))"
)
_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname|emph|underline)"
    r"\s{0,4}\{([^{}]{0,400})\}"
)
_COMMANDS = (
    (re.compile(r"\\(?:displaystyle|left|right|big|Big|,|;|:|!|quad|qquad)(?![A-Za-z])"), " "),
    (re.compile(r"\\[ ]|~(?=[A-Za-z\\])"), " "),
    (re.compile(r"\^\s?\{?\s?\\(?:circ|degree)\s?\}?|\\degree(?![A-Za-z])"), "°"),
    (re.compile(r"\^\{\s?([-+]?\w{1,9})\s?\}"), r"^\1"),
    (re.compile(r"\\times(?![A-Za-z])"), "×"),
    (re.compile(r"\\cdot(?![A-Za-z])"), "·"),
    (re.compile(r"\\div(?![A-Za-z])"), "÷"),
    (re.compile(r"\\(?:approx|simeq|doteq)(?![A-Za-z])"), "≈"),
    (re.compile(r"\\(?:Rightarrow|rightarrow|to|implies)(?![A-Za-z])"), "→"),
    (re.compile(r"\\pm(?![A-Za-z])"), "±"),
    (re.compile(r"\\pi(?![A-Za-z])"), "π"),
    (
        re.compile(r"\\[$%#&_{}()\[\]]"),
        lambda found: {"(": " ", ")": " ", "[": " ", "]": " "}.get(found[0][1], found[0][1]),
    ),
)


@lru_cache(64)  # an item may accept many answers
def unified(text: str) -> str:
    """A text with one character for each meaning: `–5` is `-5`, `10³` is `10^3`, `1½` is `1 1/2`.

    What Unicode calls compatible (full width, ligatures) becomes the plain form, digits of any script become
    those of ASCII, and thin or no-break spaces between groups of three digits become `'`.
    """
    text = text[-MAX_TEXT:]
    if text.isascii():
        return _plain_entities(text)
    text = _RAISED_RUN.sub(lambda run: "^" + "".join(_RAISED[c] for c in run[0]), text)
    text = _VULGAR.sub(_spelled_out, _GROUP_SPACE.sub("'", text.translate(_SAME)))
    text = unicodedata.normalize("NFKC", text).translate(_SAME)
    return _plain_entities(_DIGIT.sub(_ascii_digit, text))


def from_latex(text: str) -> str:
    r"""A unified text with what LaTeX it has as plain text: `1\frac{1}{2}` is `1 1/2`, `7\,\text{cm}` `7 cm`.

    Commands that it does not know stay, so that `\sqrt{2}` is no 2.
    """
    if "\\" not in text and "{" not in text and "~" not in text:
        return text
    text = _GROUPED.sub(",", text)
    text = _FRACTION.sub(lambda f: f"{f[1]}{' ' * bool(f[1])}{f[2] or f[3]}/{f[4] or f[5]}", text)
    for _ in range(3):  # \text{\mathrm{cm}}
        text = _TEXT.sub(r" \1 ", text)
    for command, plain in _COMMANDS:
        text = command.sub(plain, text)
    return text


def _plain_entities(text: str) -> str:
    if "&" in text:
        for entity, plain in _ENTITIES:
            text = text.replace(entity, plain)
    return text


def _spelled_out(found: re.Match[str]) -> str:
    fraction = unicodedata.normalize("NFKC", found[2]).replace("\u2044", "/")
    return f"{found[1]} {fraction}" if found[1] else fraction


def _ascii_digit(found: re.Match[str]) -> str:
    digit = unicodedata.decimal(found[0], None)
    return found[0] if digit is None else str(digit)
