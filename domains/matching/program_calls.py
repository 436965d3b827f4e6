"""What tests ask of a program, done in one process that knows nothing else: calls, and what becomes of them.

Tests run where the program is not. What they do with its functions is an *operation* (a call, an attribute
that is read or set, an index), numbered in their order. All operations go to the program at once, in a
process of its own; what each came to comes back as a literal. The program can tamper with all that happens in
its process: it then returns something else, and no more.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from domains.matching import plain_values
from domains.matching.plain_values import decode, encode
from meta_search.errors import DomainError

__all__ = ["MOST_OPERATIONS", "Broken", "Operations", "Run", "Stand", "Unknown", "perform"]

MOST_OPERATIONS = 2_000  # that the tests of one answer may ask for
UNKNOWN = "unknown"  # name of what stands for a result that is not known yet
PATIENCE = 5.0  # seconds
MARK = "\x1e"  # stands before what the operations came to

Run = Callable[..., tuple[bool, str]]
"""`run(code, stdin, timeout) -> (ok, printed)`, in a sandbox that knows no target."""

# Runs the program as a module that is not `__main__`, with nothing to read and nothing that it prints kept.
_SERVE = """

MOST_TOLD = 60_000

import io as _io, resource as _resource, sys, types as _types


class _Quiet(_io.StringIO):
    def write(self, text):
        return len(text)


def _serve(program, operations, seconds):
    _resource.setrlimit(_resource.RLIMIT_CPU, (seconds, seconds))
    module = _types.ModuleType("answer")
    sys.modules["answer"] = module
    out, sys.stdout, sys.stderr, sys.stdin = sys.stdout, _Quiet(), _Quiet(), _io.StringIO()
    told, values, kept = [], [], []

    def hidden(value):
        kept.append(value)
        return ("o", [len(kept) - 1, bool(value), type(value).__name__])

    def known(tag, content):
        return {"w": values, "o": kept}[tag][content]

    def text_of(error):
        try:
            return str(error)[:300]
        except Exception:
            return ""

    def do(kind, first, rest, named):
        literals, rest = rest, [decode(part, known) for part in rest]
        if kind == "call":
            function = getattr(module, first)
        else:
            function = decode(first, known)
        if kind in ("call", "apply"):
            value = function(*rest, **{name: decode(part, known) for name, part in named})
        elif kind == "get":
            value = getattr(function, rest[0])
        elif kind == "set":
            value = setattr(function, *rest)
        else:
            value = function[rest[0]]
        changed = []
        for place, part in enumerate(rest):
            if isinstance(part, (list, dict, set)):
                now = encode(part, lambda value: ("o", [-1, True, ""]))
                if now != literals[place]:
                    changed.append((place, now))
        return value, changed

    try:
        exec(compile(program, "<answer>", "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        told.append(("failed", type(error).__name__, text_of(error)))
        operations = []
    for operation in operations:
        try:
            value, changed = do(*operation)
            values.append(value)
            told.append(("returned", encode(value, hidden), changed))
        except Exception as error:
            values.append(None)
            told.append(("raised", type(error).__name__, text_of(error)))
        except BaseException as error:
            told.append(("ended", type(error).__name__, text_of(error)))
            break
    text = repr(told)
    if len(text) > MOST_TOLD:
        text = repr([("failed", "OverflowError", f"what it returns takes {len(text)} characters to tell")])
    out.write("\\x1e" + text + "\\n")
    out.flush()

"""
_SOURCE = Path(plain_values.__file__).read_text(encoding="utf-8") + _SERVE


class Broken(BaseException):
    """The program did not do what was asked of it. Tests that catch `Exception` miss it."""


class Unknown(BaseException):
    """What an operation comes to is not known yet."""


def perform(program: str, operations: Sequence[Any], run: Run, timeout: float) -> list[Any]:
    """Do operations in the program's process.

    Args:
        program: Python source.
        operations: Each (kind, name or receiver, arguments, named arguments), of literals.
        run: Runs code in a sandbox.
        timeout: Seconds of CPU for all together, rounded up: a busy machine makes no program slow. By the
            clock it may take `PATIENCE` more.

    Returns:
        What each came to: ("returned", literal, changed arguments), ("raised", type, text); the last one may
        be ("ended", type, text), or ("failed", type, text) where the program does not get as far as its
        functions.

    Raises:
        Broken: The process did not end well.
    """
    seconds = max(1, math.ceil(timeout))
    code = f"{_SOURCE}\n_serve({program!r}, {list(operations)!r}, {seconds})\n"
    ok, printed = run(code, timeout=timeout + PATIENCE)
    if not ok:
        if printed.endswith("died of SIGKILL"):
            raise Broken(f"the program takes longer than {seconds} s")
        raise Broken(printed.strip()[-160:] or "the program did not end well")
    _, mark, told = printed.rpartition(MARK)
    if not mark:
        raise Broken("the program ended before its functions returned")
    try:
        found = ast.literal_eval(told.strip())
        assert isinstance(found, list)
        assert all(isinstance(part, tuple) and len(part) == 3 for part in found)
    except Exception as error:
        raise Broken("what its functions returned cannot be read") from error
    return found


class Stand:
    """Stands for an object of the program's, or for what is not known yet.

    It equals nothing but itself. What is done with it is an operation; what is not known does as it is asked.
    """

    def __init__(self, operations: Operations, reference: Any, truth: bool, name: str) -> None:
        vars(self).update(_all=operations, _ref=reference, _truth=truth, _name=name)

    def __bool__(self) -> bool:
        if vars(self)["_name"] == UNKNOWN:
            raise _Undecided
        return bool(vars(self)["_truth"])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._all.do("get", self, (name,))

    def __setattr__(self, name: str, value: Any) -> None:
        self._all.do("set", self, (name, value))

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._all.do("apply", self, given, named)

    def __getitem__(self, key: Any) -> Any:
        return self._all.do("item", self, (key,))

    def __iter__(self) -> Iterator[Any]:
        if vars(self)["_name"] != UNKNOWN:
            raise TypeError(f"{vars(self)['_name']} is no plain value")
        return iter(())

    def __repr__(self) -> str:
        return f"<{str(vars(self)['_name'])[:40]}>"

    def __deepcopy__(self, memo: Any) -> Stand:
        return self


@dataclass
class Operations:
    """Operations as tests ask for them, one after the other.

    Attributes:
        asked: Those that were asked for before, in order.
        told: What they came to, as far as that is known.
        recording: Whether what is not known is stood for, and noted in `asked`; else it raises `Unknown`.
        at: How many were asked for this time.
    """

    asked: list[Any] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    recording: bool = False
    at: int = 0

    def do(self, kind: str, first: Any, given: Sequence[Any] = (), named: Any = None) -> Any:
        """What an operation comes to: a value, or its exception.

        Raises:
            Broken: The program failed or ended there, or returned what is no plain value.
            Unknown: It is not known, and nothing is recorded.
        """
        operation = (
            kind,
            first if kind == "call" else encode(first, _sent),
            [encode(part, _sent) for part in given],
            [(name, encode(value, _sent)) for name, value in (named or {}).items()],
        )
        number, self.at = self.at, self.at + 1
        if number >= MOST_OPERATIONS:
            if self.recording:
                raise Unknown
            raise Broken(f"the tests call it more than {MOST_OPERATIONS} times")
        if self.told and self.told[0][0] == "failed":
            raise Broken(f"the program fails: {_error(self.told[0])}")
        if number < len(self.told) and self._resolved(self.asked[number]) == operation:
            return self._outcome(number, given)
        if not self.recording:
            raise Unknown
        del self.told[number:], self.asked[number:]
        self.asked.append(operation)
        return Stand(self, ("w", number), True, UNKNOWN)

    def _outcome(self, number: int, given: Sequence[Any]) -> Any:
        kind, first, second = self.told[number]
        if kind == "raised":
            raise _made(str(first), str(second))
        if kind != "returned":
            raise Broken(f"the program ended in it: {_error(self.told[number])}")
        try:
            for place, literal in second:
                with contextlib.suppress(_Mixed):
                    _change(given[place], decode(literal, _no_change))
            return decode(first, lambda tag, content: self._object(number, first, tag, content))
        except Exception as error:
            raise Broken("what its functions returned cannot be read") from error

    def _object(self, number: int, whole: Any, tag: str, content: Any) -> Stand:
        if tag != "o":
            raise ValueError(tag)
        place, truth, name = content
        return Stand(
            self, ("w", number) if whole[1] is content else ("o", int(place)), bool(truth), str(name)
        )

    def _resolved(self, operation: Any) -> Any:
        """An operation with what stands for earlier results as these are, where they are plain."""
        kind, first, given, named = operation
        return (
            kind,
            self._plain(first),
            [self._plain(p) for p in given],
            [(n, self._plain(p)) for n, p in named],
        )

    def _plain(self, literal: Any) -> Any:
        if isinstance(literal, list):
            return [self._plain(part) for part in literal]
        if not isinstance(literal, tuple):
            return literal
        if literal[0] == "w":
            kind, told = self.told[literal[1]][:2]
            opaque = isinstance(told, tuple) and told[0] in ("o", "i")
            return told if kind == "returned" and not opaque else literal
        return tuple(self._plain(part) for part in literal)


class _Undecided(Exception):
    """Tests go one way or the other by what is not known."""


class _Mixed(Exception):
    """An argument holds an object of the program's now."""


def _no_change(tag: str, content: Any) -> NoReturn:
    raise _Mixed


def _sent(value: Any) -> Any:
    """The literal of what is no plain value, as an argument."""
    if isinstance(value, Stand):
        return vars(value)["_ref"]
    raise DomainError(f"the tests pass a {type(value).__name__}, which cannot be sent to a program")


def _change(given: Any, value: Any) -> None:
    """An argument as the program left it."""
    if given == value:
        return
    if isinstance(given, list) and isinstance(value, list):
        given[:] = value
    elif isinstance(given, dict | set) and isinstance(value, type(given)):
        given.clear()
        given.update(value)


def _made(name: str, text: str) -> Exception:
    """An exception of a type by name: a builtin, or one of its own."""
    found = getattr(builtins, name, None)
    kind: type[Exception] = type(name[:60], (Exception,), {})
    if isinstance(found, type) and issubclass(found, Exception):
        kind = found
    try:
        return kind(text)
    except TypeError:  # UnicodeDecodeError takes five
        return Exception(text)


def _error(told: Any) -> str:
    return f"{str(told[1])[:60]}: {str(told[2])[:160]}".rstrip(": ")


def _lenient(name: str) -> Callable[..., Any]:
    """A method of what is not known: it goes along with whatever tests do; of an object it is none."""

    def method(self: Stand, *given: Any) -> Any:
        if vars(self)["_name"] != UNKNOWN:
            return NotImplemented
        return self

    method.__name__ = name
    return method


def _number(kind: type) -> Callable[[Stand], Any]:
    """Likewise a method that has to return a number."""

    def method(self: Stand) -> Any:
        if vars(self)["_name"] != UNKNOWN:
            raise TypeError(f"{vars(self)['_name']} is no number")
        return kind()

    return method


for _name in "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow".split():
    setattr(Stand, f"__{_name}__", _lenient(f"__{_name}__"))
for _name in "lt le gt ge and rand or ror xor rxor abs neg round".split():
    setattr(Stand, f"__{_name}__", _lenient(f"__{_name}__"))
for _name, _kind in (("int", int), ("index", int), ("len", int), ("float", float)):
    setattr(Stand, f"__{_name}__", _number(_kind))
