"""What is looked at before a run has a folder and Ray starts: what most often is wrong costs a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from domains.domain import Domain
from domains.given import KeptDomain
from domains.sources.source import is_local
from meta_search.agent.helpers import HELPERS
from meta_search.config import Config, to_mapping
from meta_search.errors import ConfigError
from meta_search.evaluators.ray_token import check_version
from meta_search.llm import wires
from meta_search.llm.endpoint import Endpoint
from meta_search.run.model_servers import check_models
from meta_search.run.program import check_program
from meta_search.run.service import endpoints_for
from meta_search.types import OUTSIDE

__all__ = ["Ready", "checked", "made_domain"]

WITHOUT_FILE_S = 0.2  # a domain of our own may take longer to import: it goes on while Ray starts


@dataclass(frozen=True, slots=True)
class Ready:
    """What was seen to be there.

    Attributes:
        domain: The domain; one that reads no file may still be on its way.
    """

    domain: Future[Domain]

    def pinned(self, config: Config) -> Config:
        """The configuration with the revision, or the hash, of fetched data: a resume takes the same.

        Raises:
            DomainError: The domain cannot be made.
        """
        if config.domain.path is None or is_local(config.domain.path):
            return config
        path = getattr(self.domain.result(), "pinned", config.domain.path)
        return replace(config, domain=replace(config.domain, path=path))


@contextlib.contextmanager
def checked(config: Config, given: Domain | None = None) -> Iterator[Ready]:
    """See that models are named, their keys and files there, the domain's file and columns, and that an
    endpoint with a URL answers; the block may go on.

    Args:
        config: The configuration.
        given: The domain, where it comes from Python and not from the configuration.

    Raises:
        MetaSearchError: Something is not there; one line.
    """
    if config.evaluate.executor == "ray":
        check_version()
    if config.author.name in OUTSIDE and config.llm.mode != "replay":
        check_program(config.author.command or "")
    local = config.llm.provider == "local"
    endpoints = {} if local else endpoints_for(to_mapping(config), {})
    with ThreadPoolExecutor(2, thread_name_prefix="preflight") as pool:
        domain = pool.submit(made_domain, config, given)
        answers = pool.submit(_see_that_it_answers, config, endpoints.values())
        if local:
            check_models(config)
        with contextlib.suppress(TimeoutError):
            domain.result(None if config.domain.path else WITHOUT_FILE_S)
        answers.result()
        yield Ready(domain)


def _see_that_it_answers(config: Config, endpoints: Collection[Endpoint]) -> None:
    """Look at endpoints with a URL. The gateway looks again, and without Ray it does so as soon."""
    llm = config.llm
    direct = bool(endpoints) and all(e.base_url for e in endpoints) and not llm.callbacks
    if config.evaluate.executor != "ray" or llm.mode == "replay" or not direct:
        return

    async def look() -> None:
        wire = wires.make(llm)
        try:
            await wire.open(endpoints)
        finally:
            await wire.close()

    asyncio.run(look())


def made_domain(config: Config, given: Domain | None) -> Domain:
    """The domain of a configuration, seen to grant only helpers that there are.

    Args:
        config: The configuration.
        given: The domain, where it comes from Python.

    Raises:
        DomainError: It cannot be read.
        ConfigError: It cannot be used.
    """
    from domains import registry

    made = given or registry.make(config.domain)
    if isinstance(made, KeptDomain):
        raise ConfigError(
            "this run is scored by a Python function: go on from Python, with score=… (see docs/python.md)"
        )
    for name in getattr(made, "helpers", ()):
        if name not in HELPERS:
            raise ConfigError(
                f"{config.domain.path}: agents with tools of your own, as {name}, are not possible yet: "
                f"helpers = […] may name only {' and '.join(HELPERS)}"
            )
    return made
