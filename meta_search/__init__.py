"""meta-search: a search engine for LLM agents.

Public names are loaded when they are first used: importing this package costs a few milliseconds.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meta_search.api import evaluate, open_run, search
    from meta_search.config import Config
    from meta_search.errors import MetaSearchError
    from meta_search.types import Agent, Evaluation, ItemResult

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "Config",
    "Evaluation",
    "ItemResult",
    "MetaSearchError",
    "__version__",
    "evaluate",
    "open_run",
    "search",
]

_HOMES = {
    "Agent": "types",
    "Config": "config",
    "Evaluation": "types",
    "ItemResult": "types",
    "MetaSearchError": "errors",
    "evaluate": "api",
    "open_run": "api",
    "search": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'meta_search' has no attribute {name!r}")
    return getattr(importlib.import_module(f"meta_search.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
