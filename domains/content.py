"""What a text says, whatever it is written with: the words by which two questions are found to be one."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

__all__ = ["content_key", "digest", "words_of"]

SPLIT = b"\x00"  # stands between two texts, and in none
# Begins where digits begin, or else each digit of a long number would be tried.
PARTED = re.compile(rb"(?<![0-9])[0-9]++(?:[.,'][0-9]++)+")
_THOUSANDS = re.compile(rb"[0-9]{1,3}(?:([,'])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]+)?")
_FACTORIAL = re.compile(rb"!(?<=[0-9)]!)|!(?<=\b[a-z]!)")  # of a sentence, ! says nothing
_SIGNS = "-+*/\\=<>^%|&~$#@{}£¥±×÷€≠≤≥"
_SILENT = b".,;:?!\"'`()[]\x00\t\r\x0b\x0c"
# Control characters stand for decimal points and factorials, while all other points and marks are dropped.
_TABLE = bytes.maketrans(_SILENT + b"\x01\x02", b" " * len(_SILENT) + b".!")
_CONTROL = str.maketrans("\n\x01\x02", "   ")
_WITHOUT_SPACE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]"
)
_NARROW = re.compile("(?<=[0-9])[\u2019\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")  # 1 234
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_QUIET = re.compile(
    "[\u00a1\u00bf\u2018-\u201f\u2026\u00ab\u00bb\u2039\u203a\u3001\u3002\u060c\u061f\u0964\u00b7\u2022]"
)
_RAISED = {ord(sign): f" ^ {digit}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}


def words_of(texts: Iterable[str]) -> list[bytes]:
    """The words of some texts, UTF-8, with `SPLIT` after each text.

    Compatibility forms (NFKC), case, space, punctuation and signs without width make no difference, and
    neither do separators of thousands and zeros after the point of a number. Signs of arithmetic stay: "3 -
    5" is not "3 + 5". Scripts without space between words give one word a character.
    """
    plain = (text if text.isascii() else _plain(text) for text in texts)
    joined = "\n".join(text.translate(_CONTROL) for text in plain).casefold()
    data = PARTED.sub(_number, joined.encode("utf-8", "surrogatepass"))
    data = _FACTORIAL.sub(b" \x02 ", data)
    for sign in _SIGNS:
        own = sign.encode()
        data = data.replace(own, b" %b " % own)
    return [*data.translate(_TABLE).replace(b"\n", b" \x00 ").split(), SPLIT]


def _number(found: re.Match[bytes]) -> bytes:
    """Digits with signs between them: 1,234.50 is 1234.5, and 1,2 are two numbers."""
    text = found[0]
    if _THOUSANDS.fullmatch(text):
        text = text.replace(b",", b"").replace(b"'", b"")
    if text.count(b".") == 1 and b"," not in text:
        text = text.rstrip(b"0").rstrip(b".")
    return text.replace(b".", b"\x01")


def _plain(text: str) -> str:
    """A text with the signs of ASCII where it has others for them."""
    text = _INVISIBLE.sub("", _NARROW.sub("", text).translate(_RAISED))
    text = unicodedata.normalize("NFKC", text)
    return _WITHOUT_SPACE.sub(r" \g<0> ", _QUIET.sub(" ", _DASHES.sub("-", text)))


def content_key(text: str) -> str:
    """The words of a text, as `words_of` has them; of one without any, the text itself."""
    words = words_of([text])[:-1]
    return b" ".join(words).decode("utf-8", "surrogatepass") or text.strip()


def digest(words: Iterable[bytes]) -> int:
    """64 bits that tell whether two texts are of the same words."""
    return int.from_bytes(hashlib.blake2b(b" ".join(words), digest_size=8).digest(), "little")
