"""Rows of Arrow's files: parquet, and what the library `datasets` keeps (`save_to_disk`, its cache).

Nothing in these files is run: no pickles, no extension types.
"""

from __future__ import annotations

import json
import math
import struct
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domains.sources.arrow import longest, pyarrow_for
from domains.sources.headers import Names
from domains.sources.limits import LARGEST_RECORD, LARGEST_UNPACKED, megabytes
from domains.sources.opening import opened, packing, peek
from domains.sources.values import Written
from meta_search.errors import DomainError
from meta_search.text import one_line

__all__ = ["ArrowRows", "ParquetRows"]

Record = Mapping[str, Any]
ROWS = 32  # that are made at a time, at most: a long text that comes again is made as often
MOST_ROWS = 1_000  # likewise of an Arrow file: a row may take no room there, and there be billions
BUFFER = 2**20
DENSE, LONG = 10, 2**22  # a column so packed, and so large, may be one long text again and again
TEXT = 2**24  # bytes of them, about
MOST_NUMBERS = 1_000_000  # of thrift's lists in a parquet file's footer
HEADER_TYPE, HEADER, DICTIONARY, DATA, COMPRESSION = 1, 2, 2, 1, 3  # fields, and a type, of Message.fbs


class ParquetRows:
    """The rows of a parquet file, which may be read again and again.

    Args:
        path: The file; packed or not.
        place: It, for errors.
        names: Which columns are asked for.

    Attributes:
        parts: None.
        notes: Lines for the user on how it was read.
        by_line: False: rows are counted.

    Raises:
        DomainError: It is no parquet file, or pyarrow is not there.
    """

    parts: tuple[str, ...] = ()
    by_line = False

    def __init__(self, path: Path, place: str, names: Names) -> None:
        self._place, self._names = place, names
        self.notes: dict[str, None] = {}
        self._arrow = pyarrow_for(place, "save it as .jsonl")
        self._unpacked = _unpacked(path) if packing(path) else None
        if self._unpacked:
            weakref.finalize(self, self._unpacked.close)
        self._path = Path(self._unpacked.name) if self._unpacked else path
        with _guarded(place):
            meta = self._opened([]).metadata
        groups = [meta.row_group(n) for n in range(meta.num_row_groups)]
        whole = sum(group.total_byte_size for group in groups)
        if whole > LARGEST_UNPACKED:
            raise DomainError(f"{place}: unpacks to more than {megabytes(LARGEST_UNPACKED)}")
        self._batch = max(1, min(ROWS, TEXT // max(1, whole // max(1, meta.num_rows))))
        chunks = [group.column(n) for group in groups for n in range(group.num_columns)]
        self._dense = {chunk.path_in_schema for chunk in chunks if _is_dense(chunk)}

    def records(self, part: str = "") -> Iterator[tuple[int, Record]]:
        """Row number, from 1, and row.

        Raises:
            DomainError: The file is damaged.
        """
        with _guarded(self._place):
            first = self._opened([])
            schema = first.schema_arrow
            kinds = ("string", "large_string", "binary", "large_binary")
            texts = [field.name for field in schema if str(field.type) in kinds and field.name in self._dense]
            file = self._opened(texts)
            # Texts within lists and objects cannot be read as a dictionary: each is as long as all of them.
            most = self._batch if self._dense <= set(texts) else 1
            batches = file.iter_batches(batch_size=most, use_threads=False)
        yield from _rows(self._place, batches, schema, self._names, self.notes)

    def _opened(self, dictionaries: Sequence[str]) -> Any:
        return self._arrow.parquet.ParquetFile(
            self._path,
            memory_map=False,
            pre_buffer=False,
            buffer_size=BUFFER,
            read_dictionary=list(dictionaries) or None,
            thrift_string_size_limit=LARGEST_RECORD,
            thrift_container_size_limit=MOST_NUMBERS,
        )


def _is_dense(chunk: Any) -> bool:
    """Whether a column is packed so well that it is read as a dictionary: what comes again is held once."""
    size = chunk.total_uncompressed_size
    if not chunk.physical_type.endswith("BYTE_ARRAY"):  # a number is short
        return False
    return bool(size > LONG and size > DENSE * chunk.total_compressed_size)


class ArrowRows:
    """The rows of Arrow files, one after the other, which may be read again and again.

    Args:
        paths: The files, as the library `datasets` writes them.
        place: They, for errors.
        names: Which columns are asked for.

    Attributes:
        parts: None.
        notes: Lines for the user on how they were read.
        by_line: False: rows are counted.

    Raises:
        DomainError: pyarrow is not there.
    """

    parts: tuple[str, ...] = ()
    by_line = False

    def __init__(self, paths: Sequence[Path], place: str, names: Names) -> None:
        self._paths, self._place, self._names = paths, place, names
        self.notes: dict[str, None] = {}
        self._arrow = pyarrow_for(place, "save it as .jsonl")

    def records(self, part: str = "") -> Iterator[tuple[int, Record]]:
        """Row number, from 1, and row.

        Raises:
            DomainError: A file is damaged.
        """
        count = 0
        for path in self._paths:
            peek(path, 1)  # no pipe, no device
            with _guarded(f"{self._place}, {path.name}"):
                self._check(path)
                reader = self._arrow.ipc.open_stream(self._arrow.memory_map(str(path), "r"))
            rows = _rows(self._place, _whole(self._place, reader), reader.schema, self._names, self.notes)
            number = 0
            for number, record in rows:
                yield count + number, record
            count += number

    def _check(self, path: Path) -> None:
        """See that no batch is packed: it is unpacked whole, to whatever size. `datasets` packs none.

        Raises:
            DomainError: One is.
        """
        for message in self._arrow.ipc.MessageReader.open_stream(self._arrow.memory_map(str(path), "r")):
            if message.type in ("record batch", "dictionary") and _is_packed(message.metadata.to_pybytes()):
                raise DomainError(
                    "its batches are packed, which the library datasets never does: save it as .parquet"
                )


def _is_packed(message: bytes) -> bool:
    """Whether the buffers of a batch are packed, by the head of its message, a flatbuffer (Arrow's
    Message.fbs): pyarrow tells it to nobody."""

    def field(table: int, number: int) -> int:
        """The place of a table's field, 0 where it has none."""
        heads = table - struct.unpack_from("<i", message, table)[0]
        at = 4 + 2 * number
        inside = at < struct.unpack_from("<H", message, heads)[0]
        offset = struct.unpack_from("<H", message, heads + at)[0] if inside else 0
        return table + offset if offset else 0

    def follow(place: int) -> int:
        return place + int(struct.unpack_from("<I", message, place)[0])

    root = follow(0)
    batch = follow(field(root, HEADER))
    if message[field(root, HEADER_TYPE)] == DICTIONARY:
        batch = follow(field(batch, DATA))
    return bool(field(batch, COMPRESSION))


def _whole(place: str, reader: Any) -> Iterator[Any]:
    """Batches whose offsets were looked at: they come from a file, and nothing else checks them."""
    for batch in reader:
        batch.validate(full=True)
        yield batch


def _rows(
    place: str, batches: Iterator[Any], schema: Any, names: Names, notes: dict[str, None]
) -> Iterator[tuple[int, Record]]:
    """Rows of batches as plain values, with the names of labels for their numbers."""
    labels = _labels(schema)
    for column in labels:
        notes[
            f"the numbers of the column {one_line(column, 40)!r} stand for labels and were read as those"
        ] = None
    readers = {field.name: _reader(field.type, labels.get(field.name)) for field in schema}
    number = 0
    while True:
        with _guarded(place):
            batch = next(batches, None)
            if batch is None:
                return
            step = _step(batch)
        for start in range(0, batch.num_rows, step):
            with _guarded(place):
                rows = batch.slice(start, step).to_pylist()
            for row in rows:
                number += 1
                yield number, names.aligned({name: readers[name](value) for name, value in row.items()})


def _step(batch: Any) -> int:
    """Rows of a batch that are made at a time."""
    each = batch.nbytes // max(1, batch.num_rows)
    for column in batch.columns:
        if hasattr(column, "dictionary") and len(column.dictionary):
            each += longest(column.dictionary)
    if each > LARGEST_RECORD:
        raise DomainError(f"a row is longer than {megabytes(LARGEST_RECORD)}")
    return int(max(1, min(batch.num_rows or 1, MOST_ROWS, TEXT // max(1, each))))


def _labels(schema: Any) -> dict[str, Sequence[str]]:
    """Names of labels by column, as the library `datasets` notes them in a schema."""
    try:
        told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = told["info"]["features"]
        found = {
            name: f["names"]
            for name, f in features.items()
            if f.get("_type") == "ClassLabel" and f.get("names")
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {name: names for name, names in found.items() if all(isinstance(label, str) for label in names)}


def _reader(kind: Any, labels: Sequence[str] | None) -> Callable[[Any], Any]:
    """What makes a value of a column plain."""
    if labels is not None:
        return lambda value: _label(value, labels)
    single = "float" in str(kind).split("[")[-1] and "double" not in str(kind)
    return lambda value: _plain(value, single)


def _label(value: Any, labels: Sequence[str]) -> Any:
    if isinstance(value, int) and 0 <= value < len(labels):
        return labels[value]
    return None if value in (None, -1) else _plain(value, False)


def _plain(value: Any, single: bool) -> Any:
    """A value as a JSON file would have it: numbers as they are written, what is missing as `None`."""
    if value is None or isinstance(value, str | bool | bytes):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else Written(_shortest(value) if single else repr(value))
    if isinstance(value, dict):
        return {str(key): _plain(inner, single) for key, inner in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(part, tuple) and len(part) == 2 for part in value):  # a map
            return {str(key): _plain(inner, single) for key, inner in value}
        return [_plain(part, single) for part in value]
    if hasattr(value, "isoformat"):
        return (
            value.isoformat(" ") if hasattr(value, "hour") and hasattr(value, "year") else value.isoformat()
        )
    return Written(value) if isinstance(value, int) or hasattr(value, "as_tuple") else str(value)


def _shortest(value: float) -> str:
    """The shortest text that is the same number in single precision."""
    if math.isinf(value):
        return repr(value)
    packed = struct.pack("f", value)
    for digits in range(1, 9):
        text = f"{value:.{digits}g}"
        if struct.pack("f", float(text)) == packed:
            return repr(float(text))
    return repr(value)


def _unpacked(path: Path) -> Any:
    """A packed file's bytes in a file without a lasting name: parquet is not read from front to back."""
    file = tempfile.NamedTemporaryFile(prefix="meta-search-", suffix=".parquet")  # noqa: SIM115 (closed with its rows)
    with opened(path) as packed:
        while chunk := packed.read(2**20):
            file.write(chunk)
    file.flush()
    return file


class _guarded:
    """Makes errors of pyarrow one line."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, DomainError) and not str(error).startswith(self._place):
            raise DomainError(f"{self._place}: {error}") from error
        if isinstance(error, Exception) and not isinstance(error, DomainError):
            why = one_line(str(error) or type(error).__name__, 120)
            raise DomainError(f"{self._place}: cannot be read: {why}") from error
