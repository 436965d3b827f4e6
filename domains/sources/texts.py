"""A file as text: which encoding it has, told where it is not UTF-8, and its lines one at a time."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from domains.sources.limits import LARGEST_RECORD, megabytes
from domains.sources.opening import opened
from meta_search.errors import DomainError
from meta_search.text import one_line

__all__ = ["Encoding", "encoding_of", "lines_of", "text_of"]

CHUNK = 2**20
BOMS = (  # UTF-32's before UTF-16's, which it begins with
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
WESTERN = "cp1252"
# What a text of a Western language has little of: letters beyond ASCII, several of them in a row, and marks
# that nobody types. In other encodings read as Windows-1252 one of them is common.
MOST_FOREIGN, MOST_RUNS, MOST_ODD = 0.6, 0.3, 0.2
_WORD = re.compile(r"\w*[^\x00-\x7f]\w*")
_LETTER = re.compile(rb"[A-Za-z]")
_HIGH = re.compile(rb"[\x80-\xff]")
_RUN = re.compile(rb"[\xc0-\xff]+")
# Two letters in a row that are common in Finnish, French, German, Icelandic, Portuguese and their neighbours.
_WESTERN_PAIR = re.compile(
    "(?:([äåéëöüõÄÖ])\\1|[äöü]ß|[çÇ][ãõáàôòíÃÕ]|ñ[áéíóú]|[þðÞ][áéíóúýæö]|[áéíóúýæö][þð]|[öõ]ä|äö)".encode(
        "cp1252"
    )
)
_ODD = re.compile(rb"[\x81-\x84\x86-\x89\x8b\x8d\x8f\x90\x98\x9b\x9d]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's bytes are read.

    Attributes:
        codec: Python's name.
        note: A line for the user where it was guessed, or empty.
    """

    codec: str
    note: str = ""


def encoding_of(path: Path, place: str) -> Encoding:
    """The encoding of a file, read to its end once.

    Args:
        path: The file.
        place: It, for errors and notes.

    Raises:
        DomainError: It is empty, binary, or of an encoding that cannot be told; one line.
    """
    with opened(path) as file:
        start = file.read(CHUNK)
        blank = not start.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe")
        if blank and not file.read(1):
            raise DomainError(f"{place}: is empty")
        codec = next((codec for bom, codec, _ in BOMS if start.startswith(bom)), "") or _without_bom(start)
        if not codec and b"\x00" in start:
            raise DomainError(f"{place}: is a binary file, no text")
        decoder = codecs.getincrementaldecoder(codec or "utf-8")()
        chunk, seen, beyond = start, 0, False
        while chunk:
            kept = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return _not_utf8(path, place, codec, seen - kept + error.start, beyond or _has_utf8(error))
            beyond = beyond or not text.isascii()
            seen += len(chunk)
            chunk = file.read(CHUNK)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _not_utf8(path, place, codec, seen, beyond)
    return Encoding(codec or "utf-8")


def _has_utf8(error: UnicodeDecodeError) -> bool:
    """Whether letters beyond ASCII stand before the byte that is none of UTF-8."""
    return not error.object[: error.start].isascii()


def _without_bom(start: bytes) -> str:
    """UTF-16 as it shows without a mark: every other byte is zero."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    half = len(start) // 2
    if half > 1 and odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if half > 1 and even > 0.7 * half and odd < 0.1 * half else ""


def _not_utf8(path: Path, place: str, codec: str, byte: int, beyond: bool) -> Encoding:
    """What a text is that is not UTF-8: Windows-1252 where that makes sense."""
    if codec or beyond:
        raise DomainError(f"{place}: is not {codec or 'UTF-8'} (byte {byte:,}); save it as UTF-8")
    high = letters = odd = runs = long = 0
    word = ""
    try:
        with opened(path) as file:
            decoder = codecs.getincrementaldecoder(WESTERN)()
            while chunk := file.read(CHUNK):
                text = decoder.decode(chunk)
                high += len(_HIGH.findall(chunk))
                letters += len(_LETTER.findall(chunk))
                odd += len(_ODD.findall(chunk))
                found_runs = _RUN.findall(chunk)
                runs += len(found_runs)
                long += sum(len(run) > 1 and not _WESTERN_PAIR.fullmatch(run) for run in found_runs)
                found = None if word else _WORD.search(text)
                word = found[0] if found else word
    except UnicodeDecodeError as error:
        raise DomainError(
            f"{place}: is neither UTF-8 (byte {byte:,}) nor Windows-1252; save it as UTF-8"
        ) from error
    if high > MOST_FOREIGN * letters or long > MOST_RUNS * runs or odd > MOST_ODD * high:
        raise DomainError(
            f"{place}: is not UTF-8 (byte {byte:,}), and reads {one_line(word, 30)!r} in Windows-1252: "
            "save it as UTF-8"
        )
    return Encoding(
        WESTERN,
        f"is not UTF-8 and was read as Windows-1252, as in {one_line(word, 30)!r}; if that is wrong, "
        "save it as UTF-8",
    )


def text_of(file: IO[bytes], encoding: Encoding, newline: str) -> io.TextIOWrapper:
    """A file's text; `newline` as in `open`."""
    return io.TextIOWrapper(file, encoding.codec, newline=newline)


def lines_of(path: Path, place: str, encoding: Encoding) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1; only line feeds end them.

    Raises:
        DomainError: One is too long.
    """
    with opened(path) as file, text_of(file, encoding, "\n") as text:
        number = 0
        while line := text.readline(LARGEST_RECORD + 1):
            number += 1
            if len(line) > LARGEST_RECORD:
                raise DomainError(f"{place}, line {number}: is longer than {megabytes(LARGEST_RECORD)}")
            yield number, line
