"""Which kind of file it is: by its name, and by its first bytes where those say otherwise."""

from __future__ import annotations

from pathlib import Path

from domains.sources.opening import opened, packing, peek
from meta_search.errors import DomainError

__all__ = ["KINDS", "PACKED", "check", "kind_of", "stem_of"]

KINDS = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "json"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "delimited"),
    ".parquet": "parquet",
    ".arrow": "arrow",
}
PACKED = (".gz", ".zst")
KNOWN = "use .jsonl, .json, .csv, .tsv or .parquet, as it is or with .gz or .zst"
OTHERS = (  # bytes that a file begins with, what it is, and what to do
    (
        b"PK\x03\x04",
        "is an Excel workbook or a zip archive",
        "save the sheet as CSV (UTF-8), or unpack the archive",
    ),
    (b"\xd0\xcf\x11\xe0", "is an Excel workbook of the old kind", "save the sheet as CSV (UTF-8)"),
    (b"SQLite format 3\x00", "is an SQLite database", "save the table as CSV"),
    (b"version https://git-lfs", "is a pointer of Git LFS, not the data", "run `git lfs pull`"),
    (b"<!DOCTYPE html", "is a web page, not the data", "download the file itself"),
    (b"<html", "is a web page, not the data", "download the file itself"),
    (b"%PDF", "is a PDF", "save the table as CSV"),
    (b"BZh", "is packed with bzip2", "unpack it"),
    (b"\xfd7zXZ", "is packed with xz", "unpack it"),
    (b"\x80\x04\x95", "is a pickle, which is not read as it could run code", "save it as .jsonl or .parquet"),
    (b"\x80\x05\x95", "is a pickle, which is not read as it could run code", "save it as .jsonl or .parquet"),
)


def kind_of(path: Path) -> str:
    """`json`, `delimited`, `parquet` or `arrow`, by a file's name; `""` for no kind that is known."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return KINDS.get(suffixes[-1], "") if suffixes else ""


def stem_of(path: Path) -> str:
    """A file's name without what its kind adds: `train` of `train.jsonl.gz`."""
    name = path.name
    for known in (PACKED, tuple(KINDS)):
        name = next((name[: -len(suffix)] for suffix in known if name.lower().endswith(suffix)), name)
    return name


def check(path: Path) -> str:
    """The kind of a file.

    Raises:
        DomainError: It is of no kind that is known, or not of that which it is called; one line.
    """
    kind = kind_of(path)
    if not kind:
        excel = (
            ": save the sheet as CSV (UTF-8)"
            if path.suffix.lower() in (".xlsx", ".xls", ".ods")
            else f"; {KNOWN}"
        )
        raise DomainError(f"domain.path={path}: unknown kind of file{excel}")
    start = peek(path, 64)
    if packing(path):
        if kind == "arrow":
            raise DomainError(f"{path}: is packed: unpack it")
        with opened(path) as file:
            start = file.read(64)
    for mark, what, remedy in OTHERS:
        if start.lstrip(b"\xef\xbb\xbf \r\n")[: len(mark)].lower() == mark.lower() or start.startswith(mark):
            raise DomainError(f"{path}: {what}: {remedy}")
    if start.startswith(b"PAR1"):
        return "parquet"
    if kind == "parquet":
        raise DomainError(f"{path}: is empty" if not start else f"{path}: is no parquet file")
    return kind
