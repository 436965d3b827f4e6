"""Values as literals, which cross from a program's process to its tests' and back: of plain types alone.

This file's own text is put before a program as well (`program_calls`), so it stands alone. A literal is built
of constants and of pairs (tag, content), so that no program can send an object with an `__eq__` of its own:
what arrives is a number, a text, a list, or a stand-in that equals nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

__all__ = ["MOST_ITEMS", "decode", "encode"]

MOST_ITEMS = 10_000  # of an iterator, which may have no end
MOST_DEPTH = 60  # of lists in lists
LARGE = 10**18  # integers from here on travel in base 16, as Python reads no long decimals
VIEWS = {"dict_keys": "k", "dict_values": "v", "dict_items": "m"}


def encode(value: Any, opaque: Callable[[Any], Any], depth: int = 0) -> Any:
    """A value as a literal.

    Args:
        value: Any value.
        opaque: value -> literal of a value that is no plain one; may raise.
        depth: How deep it stands in others.
    """
    if value is None or type(value) in (bool, str):
        return value
    if depth > MOST_DEPTH:
        raise RecursionError("nested too deeply")

    def inside(values: Iterable[Any]) -> list[Any]:
        return [encode(part, opaque, depth + 1) for part in values]

    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        value = int.__add__(value, 0)
        return value if -LARGE < value < LARGE else ("x", hex(value))
    if isinstance(value, float):
        return ("f", float.__repr__(value))
    if isinstance(value, complex):
        return ("c", [float.__repr__(value.real), float.__repr__(value.imag)])
    if isinstance(value, bytes | bytearray):
        return ("b" if isinstance(value, bytes) else "a", bytes(value).hex())
    if isinstance(value, dict):
        return ("d", inside(tuple(pair) for pair in dict.items(value)))
    if isinstance(value, list):
        return ("l", inside(list.__iter__(value)))
    if isinstance(value, tuple):
        return ("t", inside(tuple.__iter__(value)))
    if isinstance(value, set | frozenset):
        parts = set.__iter__(value) if isinstance(value, set) else frozenset.__iter__(value)
        return ("s" if isinstance(value, set) else "z", sorted(inside(parts), key=repr))
    name = type(value).__name__
    if isinstance(value, range):
        return ("r", inside((value.start, value.stop, value.step)))
    if name in VIEWS and type(value).__module__ == "builtins":
        return (VIEWS[name], inside(value))
    return _of_library(value, name, inside, opaque)


def _of_library(
    value: Any, name: str, inside: Callable[[Iterable[Any]], list[Any]], opaque: Callable[[Any], Any]
) -> Any:
    """A value of a standard library's type, or of NumPy's, as a literal."""
    module = type(value).__module__
    if (module, name) == ("collections", "deque"):
        return ("q", inside(value))
    if (module, name) in (("decimal", "Decimal"), ("fractions", "Fraction")):
        return ("n", [module, name, str(value)])
    if module == "datetime" and name in ("date", "datetime", "time") and not getattr(value, "tzinfo", None):
        return ("n", [module, name, value.isoformat()])
    if module == "numpy" and getattr(value, "shape", None) == () and name != "ndarray":
        (plain,) = inside([value.item()])
        return plain
    if hasattr(type(value), "__next__"):
        return ("i", inside(itertools.islice(value, MOST_ITEMS)))
    return opaque(value)


def decode(told: Any, opaque: Callable[[str, Any], Any]) -> Any:
    """The value of a literal.

    Args:
        told: The literal.
        opaque: (tag, content) -> value of a tag that stands for no plain value; may raise.

    Raises:
        Exception: It is no such literal; of many kinds.
    """
    if told is None or type(told) in (bool, int, str):
        return told
    tag, content = told
    if tag == "x":
        return int(content, 16)
    if tag == "f":
        return float(content)
    if tag == "c":
        return complex(*map(float, content))
    if tag in ("b", "a"):
        return (bytes if tag == "b" else bytearray).fromhex(content)
    if tag == "n":
        return _from_library(*content)
    if tag not in "dltszrkvmqi":
        return opaque(tag, content)
    return _gathered(tag, [decode(part, opaque) for part in content])


def _gathered(tag: str, parts: Sequence[Any]) -> Any:
    """The collection of a tag."""
    if tag == "q":
        import collections

        return collections.deque(parts)
    if tag == "v":
        return dict(enumerate(parts)).values()
    makers: dict[str, Callable[[Any], Any]]
    makers = {
        "l": list,
        "t": tuple,
        "s": set,
        "z": frozenset,
        "d": dict,
        "i": iter,
    }
    if tag == "r":
        return range(*parts)
    if tag == "k":
        return dict.fromkeys(parts).keys()
    return dict(parts).items() if tag == "m" else makers[tag](parts)


def _from_library(module: str, name: str, text: str) -> Any:
    """A value of the standard library from its text."""
    import datetime
    import decimal
    import fractions

    known = {"decimal": decimal, "fractions": fractions, "datetime": datetime}
    if name not in ("Decimal", "Fraction", "date", "datetime", "time"):
        raise ValueError(name)
    kind = getattr(known[module], name)
    return kind.fromisoformat(text) if module == "datetime" else kind(text)
