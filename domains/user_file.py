"""A user's domain file: loading it, calling its code, and its scorer, here or in a process of its own."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from domains.domain import Item, Score
from meta_search.errors import DomainError
from meta_search.text import one_line

__all__ = ["Ask", "Messages", "Run", "UserScorer", "as_score", "guarded", "load", "make_scorer"]

Run = Callable[..., tuple[bool, str]]
Messages = list[tuple[str, str]]  # role, content
Ask = Callable[[Messages, str, "int | None", float], str]  # messages, model, max_tokens, temperature

ROLES = ("system", "user", "assistant")
NUMBERS = (bool, int, float)
MODELS = ("judge", "meta", "task")


class UserScorer:
    """A file's `score`, with or without the parameters `run` and `ask`, as a function that gives a `Score`.

    Attributes:
        runs_code: Whether it takes `run`.
        asks: Whether it takes `ask`.
    """

    def __init__(self, path: Path, function: Callable[..., Any]) -> None:
        self._path = path
        self._function = function
        self.runs_code = "run" in _parameters(function)
        self.asks = "ask" in _parameters(function)

    def __call__(self, item: Item, answer: str, run: Run | None = None, ask: Ask | None = None) -> Score:
        """Score an answer.

        Raises:
            DomainError: The user's code raised, or gave no score; names the line.
        """
        heard: list[str] = []
        more: dict[str, Any] = {"run": _hearing(run, heard)} if self.runs_code else {}
        if self.asks:
            more["ask"] = _asking(ask, heard)

        def score() -> Score:
            return as_score(self._function(item, answer, **more))

        scored: Score = guarded(self._path, score, "score")
        if scored.value < 1 and not scored.feedback and heard:  # a bare number says nothing; this may
            return Score(scored.value, heard[-1])
        return scored


class _Ran(tuple[bool, str]):
    """What `run` gave, which is no score: that a program ended well does not make it right."""


def _hearing(run: Run | None, heard: list[str]) -> Run | None:
    """What a user's scorer is handed as `run`; what its programs came to is heard."""
    if run is None:
        return None

    def hearing(*args: Any, **more: Any) -> tuple[bool, str]:
        ok, printed = run(*args, **more)
        told = printed.strip() or "nothing"
        heard.append(f"the program printed: {told}" if ok else f"the program failed: {told}")
        return _Ran((ok, printed))

    return hearing


def _asking(ask: Ask | None, heard: list[str]) -> Callable[..., str]:
    """What a user's scorer is handed as `ask`, see `domains.python_file`; what the judge replies is heard."""

    def asked(
        prompt: Any, model: str = "judge", max_tokens: int | None = None, temperature: float = 0.0
    ) -> str:
        if ask is None:
            raise RuntimeError("ask(…) works only while meta-search scores answers")
        if model not in MODELS:
            raise ValueError(f"ask(…, model={model!r}): must be one of {', '.join(MODELS)}; llm.judge.model")
        most = None if max_tokens is None else int(max_tokens)
        reply = ask(_messages(prompt), model, most, float(temperature))
        heard.append(f"the judge said: {reply.strip() or 'nothing'}")
        return reply

    return asked


def _messages(prompt: Any) -> Messages:
    """A text, or chat messages as dicts or pairs, as pairs of role and content.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(prompt, str):
        return [("user", prompt)]
    found = []
    for message in prompt if isinstance(prompt, Sequence) else [None]:
        pair = (message.get("role"), message.get("content")) if isinstance(message, Mapping) else message
        if not isinstance(pair, tuple | list) or len(pair) != 2 or pair[0] not in ROLES:
            raise TypeError('ask takes a text, or messages such as {"role": "user", "content": "…"}')
        found.append((str(pair[0]), str(pair[1])))
    return found


def make_scorer(path: str) -> UserScorer:
    """The scorer of a file. Called in the scorer's process: its items are not asked for there.

    Raises:
        DomainError: The file cannot be loaded.
    """
    return UserScorer(Path(path), load(Path(path)).score)


def load(path: Path) -> Any:
    """Import a user's file. Returns its class `Domain`, built, or the module if it has none.

    Raises:
        DomainError: No such file, or an exception in it (with its line).
    """
    module = _module(path)
    cls = getattr(module, "Domain", None)
    # A Protocol of that name may be there because the file imports ours.
    if not isinstance(cls, type) or cls.__module__ != module.__name__:
        return module
    return guarded(path, cls, "Domain()")


def guarded(path: Path, function: Callable[..., Any], what: str, *arguments: Any) -> Any:
    """Call the user's code; whatever it raises is a `DomainError` that names its line."""
    try:
        return function(*arguments)
    except (Exception, SystemExit) as error:
        raise DomainError(f"{what} failed: {_where(path, error)}") from error


class _SourceAlone(importlib.machinery.SourceFileLoader):
    """Runs what the file says: a cache beside it, which may come with a stranger's run, is not looked at."""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.get_data(self.path), self.path, "exec", dont_inherit=True)


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise DomainError(f"domain.path={path}: no such file")
    if path.suffix != ".py":
        raise DomainError(f"domain.path={path}: must be a .py file")
    # A name of its own, so that it hides no module; registered, as dataclasses look themselves up there.
    name = f"meta_search_domain_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_SourceAlone(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise DomainError(f"domain.path={path} cannot be loaded: {_where(path, error)}") from error
    return module


def _where(path: Path, error: BaseException) -> str:
    """`my_domain.py:12: KeyError: 'x'`: the innermost line of the user's file, and the error, on one line."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line: int | None = error.lineno
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in reversed(frames) if Path(f.filename).name == path.name), None)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    place = path.name if line is None else f"{path.name}:{line}"
    return f"{place}: {type(error).__name__}: {one_line(text, 200)}"


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def as_score(value: Any) -> Score:
    """What a user's scorer or metric returned, as a `Score`.

    Args:
        value: A bool, a number, a `Score`, a pair `(number, feedback)`, a mapping with `score` and, if it
            likes, `feedback`, or an object with these attributes, as `dspy.Prediction` is.

    Raises:
        TypeError: It is none of these.
        ValueError: It is not in 0..1.
    """
    said: Any
    if isinstance(value, Score):
        number, said = _as_number(value.value), value.feedback
    elif isinstance(value, Mapping) and "score" in value:
        number, said = _as_number(value["score"]), value.get("feedback")
    elif _is_pair(value):
        number, said = _as_number(value[0]), value[1]
    elif not isinstance(value, NUMBERS) and hasattr(value, "score"):
        number, said = _as_number(value.score), getattr(value, "feedback", None)
    else:
        number, said = _as_number(value), None
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"score must be in 0..1, not {number}")
    return Score(number, "" if said is None else said)


def _is_pair(value: Any) -> bool:
    """Whether it is a number with feedback; two numbers are none."""
    if not isinstance(value, tuple | list) or isinstance(value, _Ran) or len(value) != 2:
        return False
    return value[1] is None or isinstance(value[1], str)


def _as_number(value: Any) -> float:
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()  # a bool or number of NumPy, or of a tensor
    if not isinstance(value, NUMBERS):
        raise TypeError(
            "score must return a bool, a number, a Score, a pair (number, feedback) or "
            f'{{"score": number, "feedback": text}}, not {type(value).__name__}'
        )
    return float(value)
