"""Views by the name of their endpoint, loaded when they are first asked for."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from meta_search.errors import ConfigError, MetaSearchError

__all__ = ["ABOUT_ONE", "OF_A_RUN", "NotBuilt", "arguments", "preload", "view"]

OF_A_RUN = frozenset(
    "overview progress now lanes agents lineage niches items guide events search".split()
)  # GET /api/run/ID/NAME
ABOUT_ONE = frozenset("agent source attempts versus item".split())  # GET /api/run/ID/NAME/WHICH
MOST_VALUE = 8_000  # characters of one value of a query

View = Callable[..., Any]


class NotBuilt(MetaSearchError):
    """A view that this version does not have."""


@cache
def view(name: str) -> View:
    """The view of an endpoint.

    Raises:
        NotBuilt: There is none yet.
    """
    module = f"meta_search.dashboard.views.{name}"
    try:
        found: View = getattr(importlib.import_module(module), name)
    except (ModuleNotFoundError, AttributeError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != module:
            raise
        raise NotBuilt(f"this version has no view {name!r}") from error
    return found


def preload() -> None:
    """Load all views, so that nobody's first question waits for that: a second where numpy is cold."""
    import numpy  # noqa: F401

    for name in ("overview", "progress", "now", *sorted(OF_A_RUN | ABOUT_ONE)):
        with contextlib.suppress(NotBuilt):
            view(name)


def arguments(name: str, query: Mapping[str, list[str]], which: str | None = None) -> dict[str, Any]:
    """What a view is called with, behind folder and archive.

    Args:
        name: Of the view.
        query: Values by name, as they came.
        which: Id of the one that it is about, where it is about one: its third argument.

    Raises:
        ConfigError: A name that it does not know, or a value of another kind; one line.
        NotBuilt: As `view`.
    """
    known = list(inspect.signature(view(name)).parameters.values())[2:]
    made: dict[str, Any] = {}
    if which is not None:
        made[known[0].name] = which
        known = known[1:]
    kinds = {parameter.name: parameter for parameter in known}
    for key, values in query.items():
        if key not in kinds:
            names = ", ".join(kinds) or "none"
            raise ConfigError(f"{name} knows no query {key[:40]!r}: there are {names}")
        made[key] = _value(kinds[key], values[-1])
    return made


def _value(parameter: inspect.Parameter, text: str) -> Any:
    """A value of the kind of its default."""
    if len(text) > MOST_VALUE:
        raise ConfigError(f"{parameter.name} is longer than {MOST_VALUE} characters")
    default = parameter.default
    whole = isinstance(default, int) or (default is None and "int" in str(parameter.annotation))
    if not whole:
        return text
    if isinstance(default, bool):
        return text.lower() in ("1", "true", "yes")
    if text == "" and default is None:
        return None
    try:
        number = int(text)
    except ValueError:
        raise ConfigError(f"{parameter.name} must be a whole number") from None
    if abs(number) > 2**53:
        raise ConfigError(f"{parameter.name} is out of range")
    return number
