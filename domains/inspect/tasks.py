"""Loads a task as `inspect eval` does, in this process: `file.py@task`, `package/task`, `hf/owner/name`.

`load_tasks` of `inspect_ai._eval.loader` is private, as is the registry that is looked at for names.
"""

from __future__ import annotations

import ast
import os
import random
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import inspect_ai.dataset as datasets
from inspect_ai import Task
from inspect_ai._eval.loader import load_tasks
from inspect_ai._eval.task.util import split_spec
from inspect_ai._util.decorator import parse_decorators
from inspect_ai._util.registry import registry_unqualified_name
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Scorer

from domains.inspect.models import begin, stand_in
from meta_search.errors import DomainError
from meta_search.text import one_line

__all__ = ["load", "scorers_of", "without_data"]

READERS = ("csv_dataset", "json_dataset", "hf_dataset", "file_dataset", "example_dataset")
COPIES = 64  # of the sample that stands for a dataset: tasks draw shots from one
_NOT_THEIRS = (
    "/site-packages/",
    "/dist-packages/",
    "/domains/inspect/",
    os.path.dirname(os.__file__),
    "<frozen",
)
_MARKUP = re.compile(r"\[/?(bold|red|blue|green|yellow)\]")  # of rich, in errors of Inspect's
NO_NETWORK = (
    "load it once where there is a network, and copy the caches here (HF_HOME, by default "
    "~/.cache/huggingface; ~/.cache/inspect_ai and ~/.cache/inspect_evals)"
)
INSTALL = "pip install inspect-evals"


def load(spec: str, arguments: Mapping[str, Any], seed: int) -> Task:
    """The task, made with its arguments.

    Args:
        spec: `domain.task`.
        arguments: `domain.task_args`.
        seed: What Python's random numbers begin with, for tasks that draw samples.

    Raises:
        DomainError: No such file or task, or an exception in it; one line.
    """
    stand_in()
    begin()  # tasks may ask which model is evaluated
    random.seed(seed)
    name = _named(spec)
    try:
        made = load_tasks([name], dict(arguments))
    except (Exception, SystemExit) as error:
        raise DomainError(f"domain.task={spec}: {_why(error)}") from error
    if not made:
        raise DomainError(f"domain.task={spec}: no such task{_known(spec)}")
    return made[0]


def scorers_of(task: Task) -> dict[str, Scorer]:
    """Name -> scorer, in the task's order; equal names are numbered as Inspect numbers them."""
    found: dict[str, Scorer] = {}
    for scorer in task.scorer or []:
        name, number = registry_unqualified_name(scorer), 0
        while (unique := f"{name}{number or ''}") in found:
            number += 1
        found[unique] = scorer
    return found


@contextmanager
def without_data(sample: Sample | None) -> Iterator[None]:
    """Have readers of datasets give copies of one sample, for who needs a task's scorers alone."""
    kept = {name: getattr(datasets, name) for name in READERS}

    def read(*_: Any, **__: Any) -> MemoryDataset:
        shown = sample or Sample(input="0", target="0")
        return MemoryDataset([shown.model_copy(deep=True) for _ in range(COPIES)])

    for name in READERS:
        setattr(datasets, name, read)
    try:
        yield
    finally:
        for name, reader in kept.items():
            setattr(datasets, name, reader)


def _named(spec: str) -> str:
    """The spec with the name of the task, where a file has only one.

    Raises:
        DomainError: No such file, or it has no task, several, or not this one.
    """
    file, name = split_spec(spec)
    path = Path(file).expanduser()
    if path.suffix != ".py":
        return spec
    if not path.is_file():
        raise DomainError(f"domain.task={spec}: no such file: {path}")
    try:
        ast.parse(path.read_bytes())  # Inspect AI finds no tasks where this fails, and does not say so
        names = [found for found, _ in parse_decorators(path, "task")]
    except SyntaxError as error:
        raise DomainError(f"domain.task={spec}: {path.name}:{error.lineno}: {error.msg}") from error
    if not names:
        raise DomainError(f"domain.task={spec}: {path.name} has no function with @task")
    if name is None and len(names) > 1:
        raise DomainError(f"domain.task={spec}: which task? {', '.join(f'{path.name}@{n}' for n in names)}")
    if name is not None and name not in names:
        raise DomainError(f"domain.task={spec}: no such task; {path.name} has {', '.join(names)}")
    return f"{path.resolve()}@{name or names[0]}"


def _known(spec: str) -> str:
    if spec.startswith("inspect_evals/"):
        if find_spec("inspect_evals") is None:
            return f": the package inspect_evals is not installed: {INSTALL}"
        try:
            import_module("inspect_evals._registry")
        except Exception as error:  # noqa: BLE001 (Inspect AI goes on without it)
            return f": inspect_evals cannot be imported: {type(error).__name__}: {one_line(error, 160)}"
    return "; name FILE.py@task, PACKAGE/task or hf/OWNER/NAME"


def _why(error: BaseException) -> str:
    """An exception of a task on one line, with the line of the user's file and what to do about a network."""
    innermost = error
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    said = " ".join(_MARKUP.sub("", str(error)).split()) or type(error).__name__
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(part in frame.filename for part in _NOT_THEIRS)
    ]
    place = f"{Path(own[-1].filename).name}:{own[-1].lineno}: " if own else ""
    if isinstance(error, AttributeError) and "__registry_info__" in said:
        return "its function returns no Task"
    if isinstance(error, ModuleNotFoundError):
        return f"{place}{said}: install the package that the task needs"
    if isinstance(error, FileNotFoundError) and said.startswith(("http:", "https:")):
        return f"{place}its data cannot be downloaded ({one_line(said, 120)}): {NO_NETWORK}"
    names = {cls.__name__ for e in (error, innermost) for cls in type(e).__mro__}
    if names & {
        "ConnectionError",
        "ConnectError",
        "OfflineModeIsEnabled",
        "LocalEntryNotFoundError",
        "URLError",
    }:
        return f"{place}its data cannot be downloaded ({one_line(said, 120)}): {NO_NETWORK}"
    return f"{place}{type(error).__name__}: {one_line(said, 200)}"
