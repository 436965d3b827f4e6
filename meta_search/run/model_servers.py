"""Servers of the embedded models (`llm=local`)."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

from meta_search.config import Config
from meta_search.errors import ConfigError, ModelFileError
from meta_search.llm.gateway import Endpoint
from meta_search.types import meta_role

__all__ = ["check_models", "start_servers"]


def check_models(config: Config) -> None:
    """See that embedded models can be served; files that are not there yet are fetched.

    Raises:
        ConfigError: llama.cpp is not installed, or a model is unknown; one line.
        ModelFileError: A file cannot be had.
    """
    if config.llm.mode == "replay":
        return
    if importlib.util.find_spec("xllamacpp") is None:
        raise ConfigError(
            "llm=local needs the extra `local`: pip install 'meta-search[local]'; or name an endpoint with "
            "llm=endpoint or llm=openai"
        )
    from meta_search.llm.models import find, pull

    written = (model.model for model in config.llm.meta_models.values())
    for name in dict.fromkeys((config.llm.task.model, *written)):
        try:
            if find(name) is None:
                pull(name)
        except ModelFileError as error:
            if "no embedded model" in str(error):  # the user's word, not the download
                raise ConfigError(f"{error}; or set llm=endpoint for a model elsewhere") from error
            raise


def start_servers(
    config: Config, folder: Path, stack: contextlib.ExitStack, say: Callable[[str], None]
) -> dict[str, Endpoint]:
    """Start the embedded models, which `check_models` has seen to be there; one server where both roles have
    the same model."""
    if config.llm.provider != "local" or config.llm.mode == "replay":
        return {}
    from meta_search.llm.local import LocalServer, Serving

    local = config.llm.local
    endpoints: dict[str, Endpoint] = {}
    meta_slots, models = min(2, local.slots), config.llm.meta_models
    meta = [(model.model, config.llm.context_tokens(model)) for model in models.values()]
    served: dict[str, Endpoint] = {}
    for role, name, threads, slots, context in (
        ("task", config.llm.task.model, local.threads, local.slots, local.context),
        *(("meta", name, local.meta_threads, meta_slots, context) for name, context in meta),
    ):
        if name not in served:
            say(f"starting llama.cpp with {name}")
            number = "" if role == "task" or name == meta[0][0] else f"-{len(served)}"
            log = folder / f"llama-{role}{number}.log"
            server = LocalServer.start(Serving(name, threads, slots, context), log)
            stack.callback(server.close)
            served[name] = server.endpoint
        endpoints.setdefault(role, served[name])
    if config.llm.meta.models:
        endpoints |= {meta_role(title): served[model.model] for title, model in models.items()}
    return endpoints
