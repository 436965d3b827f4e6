"""A proxy in front of an OpenAI-compatible endpoint that counts tokens by account and refuses past a budget.

Addresses: `/a/TASK/SEED/ARM/v1/…` is the endpoint as an arm sees it, `/a/TASK/SEED/ARM/status` what it has
spent, `/a/TASK/SEED/ARM/test` begins its test, whose calls are counted apart and have no limit. `/score/…`
scores an answer, see `Scores`: so an arm in a process of its own is scored as all others are.

A call is admitted by an upper bound of its tokens. What does not fit waits while other calls of the account
are in flight, and is then refused with status 402, which no client takes for a reason to try again. An equal
call that an earlier, broken session of the arm has paid for is answered from the ledger, and counted again.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from meta_search.testing.scripted import count_tokens
from tests.bench.peers.ledger import Call, Ledger, key_of

__all__ = ["Account", "Proxy", "Upstream"]

# task, seed, item, form, text -> score, feedback and answer; raises KeyError for what may not be scored.
Scores = Callable[[str, int, str, str, str], Mapping[str, Any]]
CHARACTERS = 2.5  # a token, at the fewest: for the upper bound of a prompt
UNLIMITED = 4096  # tokens of an answer for which a client names no limit
REFUSED = 402
TIMEOUT_S = 1800.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """An endpoint: root of its API, and its key."""

    base_url: str
    key: str = ""


@dataclass
class Account:
    """What an arm has spent in this session.

    Attributes:
        budget: Tokens of its search; `None` is no limit.
        phase: `search` or `test`. tokens: Phase -> tokens; calls: phase -> calls; refused: of the search.
        reserved: Upper bound of what is in flight, and in_flight: how many calls that is.
    """

    budget: int | None
    phase: str = "search"
    tokens: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    reserved: int = 0
    in_flight: int = 0
    kept: dict[tuple[str, str], list[Call]] = field(default_factory=lambda: defaultdict(list))
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def fits(self, most: int) -> bool:
        """Whether there is room for a call that takes `most` tokens at the most."""
        spent = self.tokens["search"] + self.reserved
        return self.phase == "test" or self.budget is None or spent + most <= self.budget

    async def admitted(self, most: int) -> bool:
        """Wait until a call fits, and reserve what it may take; `False` where it never will."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.fits(most) or not self.in_flight)
            if not self.fits(most):
                self.refused += 1
                return False
            self.reserved += most
            self.in_flight += 1
            return True

    async def settle(self, phase: str, most: int, tokens: int) -> None:
        """Charge what a call took in the place of what was reserved for it."""
        async with self.changed:
            self.reserved -= most
            self.in_flight -= 1
            self.tokens[phase] += tokens
            self.calls[phase] += 1
            self.changed.notify_all()


class Proxy:
    """The proxy, in a thread of its own, within `with`.

    Args:
        upstreams: Model -> endpoint; `""` is that of models which are not named.
        ledger: Where calls are written down.
        scores: What `/score` asks; called on worker threads.
    """

    def __init__(self, upstreams: Mapping[str, Upstream], ledger: Ledger, scores: Scores) -> None:
        self._upstreams, self._ledger, self._scores = upstreams, ledger, scores
        self._accounts: dict[str, Account] = {}
        self._ready, self._failure = threading.Event(), ""
        self._thread = threading.Thread(target=self._serve, name="peers-proxy", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._client: Any = None
        self.root = ""

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._ready.wait()
        if self._failure:
            raise OSError(self._failure)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def open(self, account: str, budget: int | None) -> Account:
        """An account that has spent nothing yet; what an earlier session paid for is kept to be answered."""
        opened = Account(budget)
        for call in self._ledger.calls[account]:
            if call.status == 200:
                opened.kept[call.phase, call.key].append(call)
        self._accounts[account] = opened
        return opened

    def url(self, account: str) -> str:
        """Where an arm finds the endpoint (`…/v1`), its status and its test."""
        return f"{self.root}/a/{account}"

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except OSError as failure:
            self._failure = str(failure)
            self._ready.set()

    async def _main(self) -> None:
        import aiohttp
        from aiohttp import web

        app = web.Application(client_max_size=64 * 1024 * 1024)
        of = "/a/{task}/{seed}/{arm}"
        app.router.add_post(of + "/v1/chat/completions", self._chat)
        app.router.add_get(of + "/v1/models", self._models)
        app.router.add_get(of + "/status", self._status)
        app.router.add_post(of + "/test", self._status)
        app.router.add_post("/score/{task}/{seed}", self._score)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=256)
        await site.start()
        self.root = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(TIMEOUT_S)) as self._client:
            self._ready.set()
            await self._stop.wait()
            await runner.cleanup()

    async def _models(self, request: Any) -> Any:
        from aiohttp import web

        names = [name for name in self._upstreams if name]
        return web.json_response({"object": "list", "data": [{"id": n, "object": "model"} for n in names]})

    async def _status(self, request: Any) -> Any:
        from aiohttp import web

        account = self._accounts[_account(request)]
        if request.method == "POST":
            account.phase = "test"
        return web.json_response(
            {"phase": account.phase, "budget": account.budget, "tokens": dict(account.tokens)}
        )

    async def _score(self, request: Any) -> Any:
        from aiohttp import web

        asked, at = await request.json(), request.match_info
        words = at["task"], int(at["seed"]), asked["item"], asked["form"], asked["text"]
        try:
            found = await asyncio.to_thread(self._scores, *words)
        except KeyError as error:
            return web.json_response({"error": f"not to be scored: {error}"}, status=404)
        return web.json_response(found)

    async def _chat(self, request: Any) -> Any:
        from aiohttp import web

        name = _account(request)
        account, body = self._accounts[name], {**await request.json(), "stream": False}
        phase, most = account.phase, _most(body)
        if not await account.admitted(most):
            told = {"error": {"message": "the budget of tokens is spent", "type": "budget", "code": REFUSED}}
            self._ledger.append(Call(name, phase, key_of(body), REFUSED, body, None))
            return web.json_response(told, status=REFUSED)
        tokens = 0
        try:
            call = await self._answered(name, phase, account, body)
            tokens = call.prompt + call.completion
        finally:
            await account.settle(phase, most, tokens)
        return web.json_response(call.reply, status=call.status)

    async def _answered(self, name: str, phase: str, account: Account, body: dict[str, Any]) -> Call:
        key = key_of(body)
        if account.kept[phase, key]:
            return account.kept[phase, key].pop(0)
        at = time.monotonic()
        status, reply = await self._asked(body)
        prompt, completion = _usage(body, reply) if status == 200 else (0, 0)
        seconds = round(time.monotonic() - at, 3)
        call = Call(name, phase, key, status, body, reply, prompt, completion, seconds)
        self._ledger.append(call)
        return call

    async def _asked(self, body: dict[str, Any]) -> tuple[int, Any]:
        import aiohttp

        upstream = self._upstreams.get(str(body.get("model"))) or self._upstreams[""]
        sent = dict(body)
        if "max_completion_tokens" in sent:  # the name that every endpoint knows
            sent.setdefault("max_tokens", sent.pop("max_completion_tokens"))
        headers = {"Authorization": f"Bearer {upstream.key}"} if upstream.key else {}
        try:
            url = f"{upstream.base_url}/chat/completions"
            async with self._client.post(url, json=sent, headers=headers) as response:
                return response.status, json.loads(await response.text())
        except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
            return 502, {"error": {"message": f"the endpoint failed: {error}", "type": "upstream"}}


def _account(request: Any) -> str:
    at = request.match_info
    return f"{at['task']}/{at['seed']}/{at['arm']}"


def _most(body: Mapping[str, Any]) -> int:
    """Upper bound of the tokens of a call."""
    text = json.dumps([body.get("messages"), body.get("response_format"), body.get("tools")])
    answer = body.get("max_tokens") or body.get("max_completion_tokens") or UNLIMITED
    return int(len(text) / CHARACTERS) + int(answer) * int(body.get("n") or 1)


def _usage(body: Mapping[str, Any], reply: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens of prompt and answer as the endpoint reports them, else about as many."""
    used = reply.get("usage") or {}
    if "prompt_tokens" in used:
        return int(used["prompt_tokens"]), int(used.get("completion_tokens") or 0)
    said = [str((c.get("message") or {}).get("content") or "") for c in reply.get("choices") or ()]
    prompt = sum(count_tokens(str(m.get("content") or "")) for m in body.get("messages") or ())
    return prompt, sum(map(count_tokens, said))
