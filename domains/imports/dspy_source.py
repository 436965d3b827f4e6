"""What a file for DSPy or GEPA defines: sets of examples, a metric, and the signature of a program."""

from __future__ import annotations

import ast
import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from domains.imports import dspy_lm
from domains.user_file import guarded, load
from meta_search.errors import DomainError

__all__ = ["SETS", "Source", "Wanted", "signatures_of"]

SETS: Mapping[str, tuple[str, ...]] = {
    "train": ("trainset", "train_set", "train", "dataset"),
    "validation": ("valset", "val_set", "devset", "dev_set", "val", "dev"),
    "test": ("testset", "test_set", "test"),
}
METRICS = ("metric", "metric_fn", "metric_with_feedback", "evaluator", "evaluate")
PROGRAMS = ("signature", "program", "student", "module", "predictor")
# What a function that asks a model names of DSPy.
ASKING = {
    *("Predict", "ChainOfThought", "ReAct", "ProgramOfThought", "CodeAct", "MultiChainComparison", "Refine"),
    *("BestOfN", "LM", "RLM", "Parallel"),
}
MOST_EXAMPLES = 1_000_000  # of a set
LOADED = 'a model is asked while the file is loaded: do that below `if __name__ == "__main__":`'


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a metric is called.

    Attributes:
        name: Of the metric in its file.
        style: `metric` with a prediction, `evaluator` with the text of an answer (GEPA's adapters), or
            `candidate` with the answer before the example (`optimize_anything`).
        fill: Further arguments that it needs, such as `trace`: as many times `None`.
    """

    name: str
    style: str
    fill: int = 0


class Source:
    """A user's file, loaded; its functions are called without any model.

    Attributes:
        path: Of the file.
        module: As it was loaded.
        dspy: The library; `None` where the file does without.
        settings: What the file told `dspy.configure`, but for the model.
        model: The model that it named there, or `""`.

    Raises:
        DomainError: No such file, DSPy is needed and not installed, or an exception in the file (with its
            line).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dspy = dspy_lm.library() if _imports(path, ("dspy", "gepa")) else None
        if self.dspy is None:
            with _beside(path):
                self.module: Any = load(path)
            self.settings: dict[str, Any] = {}
            self.model = ""
            return
        ask, _ = dspy_lm.refusing(LOADED)
        with dspy_lm.loading(self.dspy) as told, dspy_lm.asking(self.dspy, ask), _beside(path):
            self.module = load(path)
        lm = told.pop("lm", None)
        self.model = "" if lm is None else dspy_lm.spoken_to(lm)
        self.settings = told

    def sets(self) -> dict[str, tuple[str, list[Any]]]:
        """The sets of examples that there are, by split: the name in the file, and the examples.

        Raises:
            DomainError: There is none, or it holds something else.
        """
        found = {}
        for split, names in SETS.items():
            for name in (*names, *(f"{prefix}_{n}" for n in names for prefix in ("get", "load", "make"))):
                value = getattr(self.module, name, None)
                if value is None or isinstance(value, ModuleType):
                    continue
                examples = self._examples(name, value)
                if examples:
                    found[split] = (name, examples)
                    break
        if not found:
            raise DomainError(
                f"{self.path}: defines no examples: name lists of dspy.Example trainset, valset and testset"
            )
        return found

    def at_hand(self) -> list[Any]:
        """The first example of a list that is there without a call."""
        lists = (getattr(self.module, name, None) for names in SETS.values() for name in names)
        return next(([found[0]] for found in lists if isinstance(found, list | tuple) and found), [])

    def _examples(self, name: str, value: Any) -> list[Any]:
        def collect() -> list[Any]:
            found = list(islice((value() if callable(value) else value) or (), MOST_EXAMPLES + 1))
            if len(found) > MOST_EXAMPLES:
                raise ValueError(f"gives more than {MOST_EXAMPLES:,} examples, perhaps without an end")
            return found

        ask, _ = dspy_lm.refusing(LOADED)
        with self.at_work(ask):
            found: list[Any] = guarded(self.path, collect, name)
        for n, example in enumerate(found):
            if not isinstance(example, Mapping) and not callable(getattr(example, "toDict", None)):
                raise DomainError(
                    f"{self.path}: {name}[{n}] is no dspy.Example and no dict but {type(example).__name__}"
                )
        return found

    @contextlib.contextmanager
    def at_work(self, ask: Any) -> Iterator[None]:
        """The file's functions are called within: with its settings of DSPy, and models asked by `ask`."""
        if self.dspy is None:
            yield
            return
        with dspy_lm.asking(self.dspy, ask, self.settings):
            yield

    def metric(self, named: str | None) -> Wanted:
        """The metric of the file, and how it is called.

        Args:
            named: Its name, `domain.metric`; `None` looks for one.

        Raises:
            DomainError: There is none, or there are several.
        """
        if named:
            if not callable(self.function(named)):
                raise DomainError(f"domain.metric={named}: {self.path} defines no such function")
            return _wanted(named, self.function(named))
        for name in (*METRICS, "adapter.evaluator"):
            if callable(self.function(name)):
                return _wanted(name, self.function(name))
        own = [
            name
            for name, value in vars(self.module).items()
            if isinstance(value, FunctionType)
            and "metric" in name
            and value.__module__ == self.module.__name__
        ]
        if len(own) == 1:
            return _wanted(own[0], self.function(own[0]))
        several = f" ({', '.join(own)} are there)" if own else ""
        raise DomainError(
            f"{self.path}: defines no metric(example, prediction, trace=None){several}; "
            "domain.metric=NAME names another function"
        )

    def function(self, name: str) -> Any:
        """What has a name in the file, dots followed; `None` where nothing has."""
        value: Any = self.module
        for part in name.split("."):
            value = getattr(value, part, None)
        return value

    def signatures(self) -> list[tuple[str, Any]]:
        """The signatures of the file's program, then others that are there, each with its place: `NAME`, or
        `NAME:n` for the n-th predictor of a program."""
        if self.dspy is None:
            return []
        own = [
            n for n, v in vars(self.module).items() if getattr(v, "__module__", "") == self.module.__name__
        ]
        held = [n for n, v in vars(self.module).items() if isinstance(v, self.dspy.Module)]
        names = dict.fromkeys((*PROGRAMS, *own, *held))
        return [
            (f"{name}:{n}" if n else name, signature)
            for name in names
            for n, signature in enumerate(signatures_of(self.dspy, getattr(self.module, name, None)))
        ]

    def signature(self, place: str) -> Any:
        """The signature of a place, as `signatures` names it."""
        return dict(self.signatures())[place]

    def may_ask(self, function: Any) -> bool:
        """Whether a function seems to ask a model: what it names, and what these name in turn."""
        return self.dspy is not None and _asks(self.dspy, function, self.module.__name__, set())


def signatures_of(dspy: Any, value: Any) -> list[Any]:
    """The signatures of a value: a signature, a text such as `question -> answer`, or a program."""
    if isinstance(value, type) and issubclass(value, dspy.Signature) and value is not dspy.Signature:
        return [value]
    if isinstance(value, str) and "->" in value:
        with contextlib.suppress(Exception):  # some other text
            return [dspy.Signature(value)]
        return []
    if isinstance(value, dspy.Module):
        return [predictor.signature for _, predictor in value.named_predictors()]
    return []


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Modules beside a file can be imported while it is loaded; they come last, and hide none."""
    folder = str(path.resolve().parent)
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _imports(path: Path, names: Sequence[str]) -> bool:
    """Whether a file imports one of these libraries; what cannot be parsed fails when it is loaded."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return False
    found = [
        *(alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names),
        *(node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)),
    ]
    return bool({name.partition(".")[0] for name in found} & set(names))


def _wanted(name: str, function: Callable[..., Any]) -> Wanted:
    try:
        given = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Wanted(name, "metric")
    given = [p for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(parameter.default is parameter.empty for parameter in given)
    names = [parameter.name for parameter in given]
    text = len(given) > 1 and (
        names[1] in ("response", "completion", "text") or given[1].annotation in (str, "str")
    )
    style = "candidate" if names[:1] == ["candidate"] else "evaluator" if text else "metric"
    return Wanted(name, style, max(0, needed - 2))


def _asks(dspy: Any, value: Any, module: str, seen: set[int]) -> bool:
    if id(value) in seen:
        return False
    seen.add(id(value))
    if isinstance(value, dspy.Module | dspy.BaseLM):
        return True
    call = vars(type(value)).get("__call__") if not isinstance(value, FunctionType | type) else None
    function = value if isinstance(value, FunctionType) else call if isinstance(call, FunctionType) else None
    if isinstance(value, type) and value.__module__ == module:
        return issubclass(value, dspy.Module) or any(
            _asks(dspy, inner, module, seen)
            for inner in vars(value).values()
            if isinstance(inner, FunctionType)
        )
    if function is None or function.__module__ != module:
        return False
    names = set(_names(function.__code__))
    known = [function.__globals__[name] for name in names if name in function.__globals__]
    if names & ASKING and (dspy in known or names & ASKING & set(function.__globals__)):
        return True
    known += [cell.cell_contents for cell in function.__closure__ or () if _full(cell)]
    known += list(vars(value).values()) if call is not None and hasattr(value, "__dict__") else []
    return any(_asks(dspy, inner, module, seen) for inner in known)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
