"""What models can read and write in one call, and what prompts may take of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from meta_search.config import Config
from meta_search.llm.endpoint import Endpoint, price_file, window_of
from meta_search.run.run import Run

__all__ = ["WINDOWS", "find_windows", "known_windows", "prompt_room", "windows_of"]

WINDOWS = "windows"  # what the decision on them is called
EMBEDDED_ROOM = 1_500
ROOM = 24_000


def prompt_room(config: Config, window: int = 0) -> int:
    """Tokens that a prompt may tell the meta agent of the run: `author.context`, else by the model.

    Args:
        config: The configuration.
        window: Tokens that the meta model can read and write in one call; 0 where that is not known.
    """
    if config.author.context is not None:
        return config.author.context
    if config.llm.provider == "local":
        return EMBEDDED_ROOM
    if not window:
        return ROOM
    # An endpoint whose window the longest answer would fill is asked for a shorter one.
    return min(ROOM, max(window - (config.author.max_tokens or 0), window // 2))


def find_windows(run: Run) -> Mapping[str, int]:
    """Windows of the model roles as a run that begins finds them: recorded, as prompts depend on them."""
    return windows_of(run.journal.find(WINDOWS, lambda: known_windows(run.config)))


def known_windows(config: Config) -> dict[str, int]:
    """Role -> tokens, of the models that litellm's table knows; nothing is imported or asked for it."""
    llm = config.llm
    if llm.provider == "local":
        return {}
    try:
        table: Any = json.loads(price_file().read_bytes())
    except (OSError, ValueError):  # not where it is expected, as in a version that keeps it elsewhere
        return {}
    roles = {"meta": llm.meta, "task": llm.task}
    found = {
        role: window_of(Endpoint(model.model, model.base_url or llm.base_url), table)
        for role, model in roles.items()
    }
    return {role: window for role, window in found.items() if window}


def windows_of(value: Any) -> Mapping[str, int]:
    """Windows from the event that has them; what is none is left out."""
    rows = value.items() if isinstance(value, Mapping) else ()
    return {role: window for role, window in rows if type(window) is int and window > 0}
