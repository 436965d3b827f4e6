"""Files and folders as sources of rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from domains.sources.columnar import ArrowRows, ParquetRows
from domains.sources.delimited import DelimitedRows
from domains.sources.headers import Names
from domains.sources.json_rows import PARTS, JsonRows
from domains.sources.kinds import check, kind_of, stem_of
from domains.sources.limits import MOST_FILES
from domains.sources.opening import peek
from domains.sources.texts import encoding_of
from meta_search.errors import DomainError

__all__ = ["FileSource", "FolderSource", "Rows", "open_local", "rows_of"]

Record = Mapping[str, Any]
_SHARD = re.compile(r"(.+?)(?:[-_.]\d{1,5}(?:-of-\d{1,5})?)?(?:-[0-9a-f]{16})?")
NO_ROWS = (  # files beside the data that hold none
    *("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json"),
    *("package.json", "metadata.json", "croissant.json"),
)
DEEPEST = 2
LARGEST_NOTE = 2**20  # bytes of what the library `datasets` notes of a folder


class Rows(Protocol):
    """The rows of one file, or of several that belong together.

    Attributes:
        parts: Splits that the file itself names.
        notes: Lines for the user on how it was read; all are there when it was read to its end.
        by_line: Whether rows are counted by line, and not by their ordinal.
    """

    parts: tuple[str, ...]
    notes: dict[str, None]
    by_line: bool

    def records(self, part: str = "") -> Iterator[tuple[int, Record]]:
        """Line or ordinal, from 1, and row; may be called again."""
        ...


class FileSource:
    """One file. See `source.Source`.

    Args:
        path: The file.
        wanted: Columns that are asked for.

    Raises:
        DomainError: It is of no kind that is known, or cannot be read; one line.
    """

    def __init__(self, path: Path, wanted: Sequence[str] = ()) -> None:
        self.name, self.pinned = path.name, str(path)
        self._path, self._names = path, Names(wanted)
        self._rows, self._note = rows_of(path, self._names)
        self.parts = self._rows.parts

    def records(self, part: str = "") -> Iterator[tuple[int, Record]]:
        """Line or ordinal, from 1, and row."""
        return self._rows.records(_known(part, self.parts, self.name))

    def place(self, part: str, line: int) -> str:
        """Where a row stands, for errors."""
        where = f", {part}" if part else ""
        return f"{self._path}{where}, {'line' if self._rows.by_line else 'row'} {line}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user on how it was read."""
        return (*([self._note] if self._note else ()), *self._names.notes, *self._rows.notes)


class FolderSource:
    """A folder of files: a part for each name, however many files it is cut into. See `source.Source`.

    Args:
        path: The folder.
        name: For messages.
        wanted: Columns that are asked for.

    Raises:
        DomainError: It holds no file of rows, too many, or one part in two kinds.
    """

    def __init__(self, path: Path, name: str = "", wanted: Sequence[str] = ()) -> None:
        self.name, self.pinned = name or path.name, str(path)
        self._path, self._wanted = path, wanted
        self._files = _parts_of(path)
        self.parts = tuple(self._files) if len(self._files) > 1 else ()
        self._notes: dict[str, None] = {}
        self._lines: dict[str, bool] = {}

    def records(self, part: str = "") -> Iterator[tuple[int, Record]]:
        """Line of the file or, of several files, ordinal, from 1; and row."""
        for name in [_known(part, self.parts, self.name)] if part else self._files:
            ordinal, several = 0, len(self._files[name]) > 1
            for file in self._files[name]:
                names = Names(self._wanted)
                rows, note = rows_of(file, names)
                self._lines[name] = rows.by_line and not several
                for line, record in rows.records():
                    ordinal += 1
                    yield (ordinal if several else line), record
                told = (*([note] if note else ()), *names.notes, *rows.notes)
                self._notes |= {f"{file.name}: {line}": None for line in told}

    def place(self, part: str, line: int) -> str:
        """Where a row stands, for errors."""
        name = part or next(iter(self._files))
        what = "line" if self._lines.get(name) else "row"
        files = self._files[name]
        return f"{files[0] if len(files) == 1 else f'{self._path}, {name}'}, {what} {line}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user on how it was read."""
        return tuple(self._notes)


class SavedSource:
    """A folder of the library `datasets`, as `save_to_disk` writes it. See `source.Source`.

    Args:
        path: The folder.
        name: For messages.
        files: Arrow files by part; `""` where there is one part.
        wanted: Columns that are asked for.
        pinned: What else the source is called in full.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        files: Mapping[str, Sequence[Path]],
        wanted: Sequence[str] = (),
        pinned: str = "",
    ) -> None:
        self.name, self.pinned = name, pinned or str(path)
        self._names = Names(wanted)
        self._label = pinned or str(path)
        several = len(files) > 1
        self._rows = {
            part: ArrowRows(found, f"{self._label}, {part}" if several else self._label, self._names)
            for part, found in files.items()
        }
        self.parts = tuple(self._rows) if several else ()

    def records(self, part: str = "") -> Iterator[tuple[int, Record]]:
        """Row number, from 1, and row."""
        for name in [_known(part, self.parts, self.name)] if part else self._rows:
            yield from self._rows[name].records()

    def place(self, part: str, line: int) -> str:
        """Where a row stands, for errors."""
        return f"{self._label}{f', {part}' if part else ''}, row {line}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user on how it was read."""
        return (
            *self._names.notes,
            *dict.fromkeys(line for rows in self._rows.values() for line in rows.notes),
        )


def open_local(
    path: Path, wanted: Sequence[str] = (), name: str = ""
) -> FileSource | FolderSource | SavedSource:
    """A file or a folder.

    Raises:
        DomainError: There is nothing of the kind.
    """
    if not path.is_dir():
        return FileSource(path, wanted)
    saved = _saved(path)
    if saved:
        return SavedSource(path, name or path.name, saved, wanted)
    return FolderSource(path, name, wanted)


def rows_of(path: Path, names: Names) -> tuple[Rows, str]:
    """The rows of a file, and a line on its encoding or nothing.

    Raises:
        DomainError: It is of no kind that is known, or cannot be read.
    """
    kind, place = check(path), str(path)
    if kind == "parquet":
        return ParquetRows(path, place, names), ""
    if kind == "arrow":
        return ArrowRows([path], place, names), ""
    encoding = encoding_of(path, place)
    reader = JsonRows if kind == "json" else DelimitedRows
    return reader(path, place, encoding, names), encoding.note


def _known(part: str, parts: Sequence[str], name: str) -> str:
    if part and part not in parts:
        raise DomainError(f"{name} has no part {part!r}; there are: {', '.join(parts) or 'none'}")
    return part


def _parts_of(path: Path) -> dict[str, list[Path]]:
    """The files of rows below a folder, by part."""
    found: dict[str, list[Path]] = {}
    for file in _files(path, path, 0):
        if not kind_of(file) or file.name in NO_ROWS:
            continue
        above = file.relative_to(path).parent.name
        shard = _SHARD.fullmatch(stem_of(file))
        name = above if above.casefold() in PARTS else shard[1] if shard else stem_of(file)
        found.setdefault(name, []).append(file)
    if not found:
        raise DomainError(
            f"domain.path={path}: the folder holds no file of rows; use .jsonl, .json, .csv, .tsv or .parquet"
        )
    for name, files in found.items():
        if len({(kind_of(file), file.parent) for file in files}) > 1:
            shown = ", ".join(str(file.relative_to(path)) for file in files[:3])
            raise DomainError(
                f"domain.path={path}: {name} is there more than once ({shown}): name one file or folder"
            )
    order = {name: n for n, name in enumerate(PARTS)}
    return dict(sorted(found.items(), key=lambda pair: (order.get(pair[0].casefold(), len(order)), pair[0])))


def _files(top: Path, folder: Path, depth: int) -> Iterator[Path]:
    """Files below a folder, in order, hidden ones left out; not deeper than folders of data sets are."""
    count = 0
    try:
        for path in sorted(folder.iterdir()):
            if path.name.startswith((".", "_")):
                continue
            count += 1
            if count > MOST_FILES:
                raise DomainError(f"domain.path={top}: holds more than {MOST_FILES:,} files")
            if path.is_dir() and not path.is_symlink() and depth < DEEPEST:
                yield from _files(top, path, depth + 1)
            elif path.is_file():
                yield path
    except OSError as error:
        raise DomainError(f"domain.path={folder}: cannot be read: {error.strerror or error}") from error


def _saved(path: Path) -> dict[str, list[Path]]:
    """Arrow files by part of a folder that `save_to_disk` wrote; empty for other folders."""
    try:
        if (path / "dataset_dict.json").is_file():
            splits = _noted(path / "dataset_dict.json")["splits"]
            return {str(split): _arrow(path / str(split), path) for split in splits}
        if (path / "state.json").is_file():
            return {"": _arrow(path, path)}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DomainError(
            f"domain.path={path}: is a damaged folder of the library datasets: {error}"
        ) from error
    return {}


def _noted(path: Path) -> Any:
    """What a small file of the library notes."""
    return json.loads(peek(path, LARGEST_NOTE))


def _arrow(folder: Path, top: Path) -> list[Path]:
    named = _noted(folder / "state.json")["_data_files"]
    files = [folder / str(file["filename"]) for file in named]
    for file in files:
        if top.resolve() not in file.resolve().parents or file.suffix != ".arrow":
            raise DomainError(f"domain.path={top}: names {file}, which lies elsewhere")
    return files
