"""Helpers: further methods of an agent's `self` that a domain may grant by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import arc

__all__ = ["HELPERS"]


# Name -> function that makes the method from a runner of programs and the item's public data.
HELPERS: Mapping[str, Callable[[arc.Programs, Mapping[str, Any]], Callable[..., Any]]] = {
    "run_examples_and_get_feedback": arc.make_run_examples,
    "get_test_output_from_code": arc.make_test_output,
}
