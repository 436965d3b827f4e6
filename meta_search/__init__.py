"""meta-search: a search engine for LLM agents.

Public names are loaded when they are first used: importing this package costs a few milliseconds.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archive.records import Archive
    from domains.domain import Domain, Item, Score
    from meta_search.api import evaluate, export_agent, open_run, resume, search, steer, write_report
    from meta_search.config import Config
    from meta_search.engine.summary import RunSummary
    from meta_search.errors import MetaSearchError
    from meta_search.run.watch import SearchEvent
    from meta_search.types import Agent, Evaluation, EvaluationRow, ItemResult

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "Archive",
    "Config",
    "Domain",
    "Evaluation",
    "EvaluationRow",
    "Item",
    "ItemResult",
    "MetaSearchError",
    "RunSummary",
    "Score",
    "SearchEvent",
    "__version__",
    "evaluate",
    "export_agent",
    "open_run",
    "resume",
    "search",
    "steer",
    "write_report",
]

_HOMES = {
    "Agent": "meta_search.types",
    "Archive": "archive.records",
    "Config": "meta_search.config",
    "Domain": "domains.domain",
    "Evaluation": "meta_search.types",
    "EvaluationRow": "meta_search.types",
    "Item": "domains.domain",
    "ItemResult": "meta_search.types",
    "MetaSearchError": "meta_search.errors",
    "RunSummary": "meta_search.engine.summary",
    "Score": "domains.domain",
    "SearchEvent": "meta_search.run.watch",
    "evaluate": "meta_search.api",
    "export_agent": "meta_search.api",
    "open_run": "meta_search.api",
    "resume": "meta_search.api",
    "search": "meta_search.api",
    "steer": "meta_search.api",
    "write_report": "meta_search.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'meta_search' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
