"""The hosted object of the measurements: a real gateway over a real archive, as a run has it."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

from meta_search.config import LLMConfig
from meta_search.types import CallReply, CallRequest

__all__ = ["GatewayHost"]


class GatewayHost:
    """Gateway, ledger and store in one process.

    Args:
        folder: Where `archive.db` goes.
        base_url: The endpoint.
        concurrency: Most requests in flight.
    """

    def __init__(self, folder: Path, base_url: str, concurrency: int) -> None:
        from archive.store import Store
        from meta_search.config import BudgetConfig
        from meta_search.llm.books import Books
        from meta_search.llm.budget import Budget
        from meta_search.llm.gateway import Endpoint, Gateway
        from meta_search.llm.ledger import Ledger

        config = LLMConfig(provider="litellm", cache=False, max_concurrency=concurrency, base_url=base_url)
        self._store = Store.open(folder)
        books = Books(Ledger(self._store), Budget(BudgetConfig()))
        self._gateway = Gateway(config, {"task": Endpoint("scripted", base_url)}, books)

    async def start(self) -> None:
        await self._gateway.start()

    async def call(self, request: CallRequest) -> CallReply:
        return await self._gateway.call(request)

    async def status(self) -> Any:
        return self._gateway.status()

    async def cpu_s(self) -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    async def close(self) -> None:
        await self._gateway.close()
        self._store.close()
