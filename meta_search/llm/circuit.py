"""When to try a call again, when to give it up, and when to stop the run."""

from __future__ import annotations

import asyncio
import random

from meta_search.config import LLMConfig
from meta_search.errors import LLMError
from meta_search.llm.calls import Route
from meta_search.llm.endpoint import Endpoint
from meta_search.llm.faults import Failure
from meta_search.llm.ledger import Entry
from meta_search.types import Usage

__all__ = ["DOWN", "Circuit"]

LONGEST_BACKOFF_S = 30.0
# Calls that an endpoint fails in a row, each after all its attempts, until the run stops.
CIRCUIT = 5
# Attempts that it fails in a row until all calls slow down together: hundreds of calls that each try an
# endpoint that is down would use up the budget of attempts.
DOWN = 8
# A 429 is no failure of the endpoint: more patience. Nor is it down while it answers others: then a call that
# has bad luck is tried more often, as a run in which every third attempt fails should come to the same end.
PATIENCE = {"limited": 3, "transient": 2, "withheld": 1}


class Circuit:
    """Breaks when no further call can succeed. Belongs to one event loop.

    Args:
        config: Retries, and the name of the key's variable for messages.
        backoff_s: First pause before a retry; doubled each time.

    Attributes:
        fatal: Why the run must end, or `None`.
    """

    def __init__(self, config: LLMConfig, backoff_s: float) -> None:
        self._config, self._backoff_s = config, backoff_s
        self._random = random.Random()
        self._stopped = asyncio.Event()
        self._halt: LLMError | None = None
        self.fatal: LLMError | None = None

    def stop(self, error: LLMError, fatal: bool = True) -> None:
        """Send nothing more; what is in flight is finished, what waits gets a fault at once.

        Args:
            error: Why.
            fatal: Whether that is a reason to end the run.
        """
        if fatal and self.fatal is None:
            self.fatal = error
        self._halt = self._halt or error
        self._stopped.set()

    def check(self) -> None:
        """Raise the `LLMError` that it was stopped with, if any."""
        if self._halt is not None:
            raise self._halt

    def most_retries(self, failure: Failure, lively: bool) -> int:
        """How often a call may fail in this way and be tried again.

        Args:
            failure: The way.
            lively: Whether the endpoint has answered others meanwhile.
        """
        patient = lively or failure.kind == "limited"
        return self._config.max_retries * (PATIENCE.get(failure.kind, 1) if patient else 1)

    def final(self, route: Route, failure: Failure, exhausted: bool) -> Entry | None:
        """The row of a call that failed for good; `None` to try again."""
        where = f"{route.endpoint.title}: {failure.message}"
        if failure.kind == "context":
            return Entry("done", used=Usage(calls=1), fault="context", message=where)
        if failure.kind == "request":
            route.failed += not route.answered
            if not route.answered:
                # It never took one: perhaps no fault of the request, so the rows stay open.
                if route.failed >= CIRCUIT:
                    self.stop(LLMError(f"{route.endpoint.title} refuses every request: {failure.message}"))
                return Entry("failed", fault="llm", message=where)
            return Entry("done", used=Usage(calls=1), fault="llm", message=where)
        if failure.kind == "fatal" and failure.status == 403 and route.answered:  # moderation, not the key
            return Entry("done", used=Usage(calls=1), fault="llm", message=where)
        if failure.kind == "fatal":
            self.stop(LLMError(_advice(route.endpoint, failure, self._config)))
            return Entry("failed", fault="llm", message=str(self.fatal))
        if not exhausted:
            return None
        if failure.kind == "withheld":
            return Entry("done", used=Usage(calls=1), fault="llm", message=where)
        route.failed += 1
        if route.failed >= CIRCUIT:
            self.stop(
                LLMError(
                    f"{route.endpoint.title} failed {route.failed} calls in a row, last: {failure.message}. "
                    "Everything paid for is saved: go on with `meta-search resume` once it is up again"
                )
            )
        return Entry("failed", fault="llm", message=where)

    async def pause(self, route: Route, failure: Failure, attempt: int) -> None:
        """Back off, exponentially and with jitter, at least as long as the endpoint asks; a stop wakes it."""
        delay = min(LONGEST_BACKOFF_S, self._backoff_s * 2.0 ** (attempt - 1)) * self._random.uniform(0.5, 1)
        delay = max(delay, failure.retry_after or 0.0)
        if route.missed >= DOWN:
            route.gates[0].hold(delay)
        try:
            async with asyncio.timeout(delay):
                await self._stopped.wait()
        except TimeoutError:
            return


def _advice(endpoint: Endpoint, failure: Failure, config: LLMConfig) -> str:
    """What to do about an endpoint that refuses everything."""
    if failure.status in (401, 403):
        key = f"the key in {config.api_key_env}" if config.api_key_env else "the provider's API key"
        todo = f"check {key}" + ("" if config.api_key_env else " (or name its variable in llm.api_key_env)")
    elif failure.status == 404:
        todo = "check llm.task.model, llm.meta.model and llm.base_url"
    else:
        todo = "check the account's credit"
    return f"{endpoint.title} refuses the run, {todo}: {failure.message}"
