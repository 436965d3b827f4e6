"""Shared by the tests of `meta_search.llm`: a gateway over a real endpoint and a real ledger."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from meta_search.config import BudgetConfig, LLMConfig
from meta_search.llm.books import Books
from meta_search.llm.budget import Budget
from meta_search.llm.default_wire import DefaultWire
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.gateway import Gateway
from meta_search.llm.ledger import Entry, Ledger
from meta_search.testing import CountingEndpoint
from meta_search.types import CallReply, CallRequest, Usage
from tests.kits.sqlite_pen import SqlitePen

KEY = "sk-very-secret"
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
FREE = BudgetConfig(final_share=0.0)


@asynccontextmanager
async def gateway(
    pen: SqlitePen,
    endpoint: CountingEndpoint | Endpoint,
    budget: BudgetConfig = FREE,
    direct: bool = True,
    other: Callable[[str], Entry | None] | None = None,
    **changes: Any,
) -> AsyncIterator[Gateway]:
    """A started gateway, closed at the end; `direct` false has litellm send, `other`: another run's rows."""
    if isinstance(endpoint, CountingEndpoint):
        endpoint = Endpoint("model", endpoint.base_url, KEY)
    config = dataclasses.replace(LLMConfig(provider="litellm", max_tokens=50, timeout_s=20), **changes)
    ledger = Ledger(pen)
    spent = sum(ledger.spent().values(), Usage())
    endpoints = {"task": endpoint}
    kept = Budget(budget, spent)
    books = Books(ledger, kept, other)
    made = Gateway(config, endpoints, books, wire=DefaultWire(config, direct), backoff_s=0.001)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


def ask(text: str = "hello", **changes: Any) -> CallRequest:
    return dataclasses.replace(CallRequest("task", (("user", text),), split="test", agent="a"), **changes)


def last_message(messages: Any, body: Any) -> str:
    return f"re: {messages[-1]['content']}"


async def both(one: Gateway, *requests: CallRequest) -> list[CallReply]:
    return list(await asyncio.gather(*(one.call(r) for r in requests)))
