"""Packages of other people that bear the names of ours."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from meta_search.errors import ConfigError

__all__ = ["OURS", "refuse_foreign_packages"]

OURS = ("archive", "conf", "domains")
MARK = "__meta_search__ = True"


def refuse_foreign_packages() -> None:
    """Refuse packages of other people that bear the names of ours and come first on the import path.

    They are found but never imported, as importing would run their code.

    Raises:
        ConfigError: Naming the path.
    """
    for name in OURS:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin) if spec and spec.origin else None
        if origin and origin.is_file() and MARK in origin.read_text(encoding="utf-8", errors="replace"):
            continue
        if spec is None:
            raise ConfigError(f"package {name} of meta-search is missing: install meta-search again")
        place = origin or next(iter(spec.submodule_search_locations or []), name)
        raise ConfigError(
            f"{place} hides meta-search's own package {name}: start meta-search from another folder with "
            "the command `meta-search`, and without that folder on PYTHONPATH"
        )
