"""lm-evaluation-harness, loaded when a task needs it; and the files of tasks, its own and a user's."""

from __future__ import annotations

import contextlib
import difflib
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from meta_search.errors import DomainError

__all__ = ["Library", "find", "library", "without_data"]

INSTALL = "pip install 'meta-search[lm-eval]'"
HEAD = re.compile(r"""^["']?(task|group|tag)["']?\s*:\s*["']?([\w.+/-]+)["']?\s*(?:#.*)?$""", re.MULTILINE)


def find(name: str | None, path: Path | None) -> Path:
    """The yaml file of a task.

    Args:
        name: Of the task; may be missing where `path` is the file of one.
        path: A yaml file, or a folder of them; `None` looks among those that lm-eval brings along.

    Raises:
        DomainError: There is none, or it is a group or a tag; names what is near.
    """
    found = library()
    if path is not None and path.is_file():
        return path
    if path is not None and not path.is_dir():
        raise DomainError(f"domain.path={path}: no such file or folder of tasks")
    if not name:
        raise DomainError("domain=lm_eval needs a task: domain.task=NAME, or domain.path=TASK.yaml")
    names: set[str] = set()
    members: list[str] = []
    for folder in ([path] if path is not None else []) + [found.tasks]:
        for file in sorted(folder.rglob("*.yaml")):
            heads = HEAD.findall(file.read_text(encoding="utf-8", errors="replace"))
            task = next((value for key, value in heads if key == "task"), "")
            if task == name and "group" not in dict(heads):
                return file
            names.add(task)
            if (("group", name) in heads or ("tag", name) in heads) and task:
                members.append(task)
            elif ("group", name) in heads:
                members.append("")
    if members:
        some = ", ".join([member for member in members if member][:6])
        raise DomainError(
            f"domain.task={name}: is a group of tasks; name one of them" + (f", as {some}" if some else "")
        )
    near = difflib.get_close_matches(name, names - {""}, 3)
    raise DomainError(f"domain.task={name}: no such task" + (f"; near it: {', '.join(near)}" if near else ""))


class Library(NamedTuple):
    """What is used of lm-eval."""

    manager: Any
    load: Callable[..., dict[str, Any]]
    instance: Any
    base: tuple[Any, ...]
    tasks: Path
    data: Any


_loaded: list[Library] = []


def library() -> Library:
    """The library, imported once.

    Raises:
        DomainError: It is not installed; says how to.
    """
    if _loaded:
        return _loaded[0]
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import lm_eval.tasks
        from lm_eval.api.instance import Instance
        from lm_eval.api.task import ConfigurableTask
        from lm_eval.api.task import Task as Base
        from lm_eval.api.task import datasets as library_of_data
        from lm_eval.tasks import TaskManager
        from lm_eval.tasks._yaml_loader import load_yaml
    except ImportError as error:
        raise DomainError(f"domain=lm_eval needs lm-eval ({error}): {INSTALL}") from error
    library_of_data.disable_progress_bars()
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    folder = Path(lm_eval.tasks.__file__).parent
    # None of its own tasks: to look through all of them takes ten seconds.
    _loaded.append(
        Library(
            TaskManager(include_defaults=False),
            load_yaml,
            Instance,
            (ConfigurableTask, Base),
            folder,
            library_of_data,
        )
    )
    return _loaded[0]


@contextlib.contextmanager
def without_data(used: Library, sample: Any) -> Iterator[None]:
    """Tasks are built on a few documents in the block."""
    made = {
        name: used.data.Dataset.from_list(rows, features=features) if rows else rows
        for name, (rows, features) in sample.items()
    }

    def download(self: Any, *args: Any, **more: Any) -> None:
        self.dataset = made

    kept = [(kind, kind.download) for kind in used.base]
    for kind, _ in kept:
        kind.download = download
    try:
        yield
    finally:
        for kind, method in kept:
            kind.download = method
