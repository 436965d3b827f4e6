"""`meta-search models`: the embedded models, listed or pulled into the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meta_search.commands.terminal import print_json
from meta_search.errors import ConfigError, ModelFileError

if TYPE_CHECKING:
    from meta_search.llm.models import ModelFile

__all__ = ["list_models", "pull_models"]

GB = 10**9


def list_models(name: str | None = None, as_json: bool = False) -> int:
    """Print the embedded models and where their files are.

    Args:
        name: One model; `None` lists all.
        as_json: Print JSON in place of text.
    """
    from meta_search.llm.models import find

    found = [(model, find(model.name)) for model in _named(name)]
    if as_json:
        return print_json(
            [
                {"name": model.name, "size": model.size, "licence": model.licence}
                | {"path": str(path) if path else None}
                for model, path in found
            ]
        )
    for model, path in found:
        print(f"{model.name:28} {model.size / GB:5.2f} GB  {model.licence}  {path or 'not downloaded'}")
    return 0


def pull_models(name: str | None = None) -> int:
    """Download and verify one model or all; those that are here already are only named.

    Args:
        name: One model; `None` pulls all.
    """
    from meta_search.llm.models import pull

    for model in _named(name):
        print(f"{model.name}: {pull(model.name, progress=True)}", flush=True)
    return 0


def _named(name: str | None) -> tuple[ModelFile, ...]:
    """One row of the table of models, or all; an unknown name is bad usage."""
    from meta_search.llm.models import MODELS, lookup

    if name is None:
        return MODELS
    try:
        return (lookup(name),)
    except ModelFileError as error:
        raise ConfigError(str(error)) from error
