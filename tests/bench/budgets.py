"""Hundreds in flight against a budget: what the endpoint itself counts never exceeds it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from meta_search.config import BudgetConfig, LLMConfig
from meta_search.types import CallReply, CallRequest
from tests.bench.endpoint import Endpoint
from tests.bench.row import ROWS, Row

IN_FLIGHT, USD_PER_TOKEN = 500, 1e-3
LIMITS = {"calls": 1000, "tokens": 400_000, "usd": 400.0}


def measure(quick: bool) -> Row:
    """One gateway with its ledger, a tenth of the calls failing, once for each kind of budget."""
    found = {limit: asyncio.run(_spend(limit, amount)) for limit, amount in LIMITS.items()}
    return Row(
        *ROWS["budgets"],
        figure="; ".join(f"{spent:g} of {LIMITS[limit]:g} {limit}" for limit, (spent, *_) in found.items()),
        ok=all(spent <= LIMITS[limit] and same for limit, (spent, _, _, same) in found.items()),
        note="; ".join(
            f"{limit}: {calls} requests, at most {most} in flight"
            for limit, (_, calls, most, _) in found.items()
        )
        + "; a call of unknown fate is charged in full, so tokens and money end below the limit",
    )


async def _spend(limit: str, amount: float) -> tuple[float, int, int, bool]:
    """What the endpoint counted, its requests, its most in flight, whether the gateway counted as many."""
    from archive.store import Store
    from meta_search.llm.books import Books
    from meta_search.llm.budget import Budget
    from meta_search.llm.gateway import Endpoint as Place
    from meta_search.llm.gateway import Gateway
    from meta_search.llm.ledger import Ledger

    budget = BudgetConfig(**{limit: amount}, final_share=0.0)  # type: ignore[arg-type]
    prices = {"scripted": {"input": USD_PER_TOKEN * 1e6, "output": USD_PER_TOKEN * 1e6}}
    with tempfile.TemporaryDirectory() as folder, Endpoint(0.5, 1.0, storm=0.1) as endpoint:
        config = LLMConfig(
            provider="litellm", max_concurrency=IN_FLIGHT, prices=prices, timeout_s=4.0, max_tokens=64
        )
        with Store.open(Path(folder)) as store:
            places = {"task": Place("scripted", endpoint.base_url)}
            gateway = Gateway(config, places, Books(Ledger(store), Budget(budget)), backoff_s=0.05)
            await gateway.start()
            replies: list[CallReply] = await asyncio.gather(*(gateway.call(_ask(n)) for n in range(4000)))
            await gateway.close()
        books = endpoint.books()
    tokens = books.tokens
    spent = {"calls": books.calls, "tokens": tokens, "usd": tokens * USD_PER_TOKEN}[limit]
    paid = sum(reply.paid.calls for reply in replies)
    return spent, books.calls, books.most, paid == books.calls and any(r.fault == "budget" for r in replies)


def _ask(n: int) -> CallRequest:
    return CallRequest(
        "task", (("user", f"Question {n}: " + "how far is it from here to there? " * 20),), item=str(n)
    )
