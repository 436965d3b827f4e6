"""Answer a question with the agent in this folder: `python run.py "question"`.

Needs Python 3.11 or newer and an OpenAI-compatible endpoint, nothing else. (In meta-search this file is a
template: `meta_search.export` copies it as `run.py` beside an agent and its runtime.)

Exit status: 0 answered, 1 the agent failed, 2 wrong usage or an endpoint that cannot be used.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import dataclasses
import http.client
import json
import os
import queue
import random
import re
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
OPENAI = "https://api.openai.com/v1"
IN_FLIGHT = 32  # requests at a time
RETRIES = 4
GROWS = 4  # times the room that a cut answer is given when it is asked for again
WIRE = ("addresses", "bodies", "faults", "replies", "structured", "takes", "waits")
LONGEST_WAIT_S = 60.0
CHUNK = 2**16  # bytes
CONTEXT = re.compile(r"context.?(length|size|window)|maximum context|prompt is too long", re.I)


class Unusable(Exception):
    """The endpoint, the folder or the command line cannot be used; one line."""


class Refused(Exception):
    """The endpoint's answer to one request was an error. `status` is 0 where there was no answer."""

    def __init__(
        self, status: int, message: str, retry_after: float | None = None, reached: bool = True
    ) -> None:
        super().__init__(message)
        self.status, self.retry_after, self.reached = status, retry_after, reached


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Endpoint:
    """An OpenAI-compatible endpoint. Learns what it does not take, and reads what it says, as the search did.

    Used by many threads.
    """

    def __init__(self, base_url: str, key: str, folder: dict[str, Any], options: argparse.Namespace) -> None:
        self._wire = {name: import_module(f"meta_search.llm.{name}") for name in WIRE}
        addresses = self._wire["addresses"]
        self._root, self._login = _without_login(addresses.normal_url(base_url))
        self._elsewhere = addresses.candidates(self._root)
        self.url = addresses.joined(self._root, "chat/completions")
        self.model = options.model or folder["model"]
        self.max_tokens = options.max_tokens or folder["max_tokens"]
        self.timeout, self._key, self._extra = options.timeout, key, folder.get("extra") or {}
        named = {k: _filled(v) for k, v in (folder.get("headers") or {}).items()}
        self._headers = {name: value for name, value in named.items() if value}
        local = addresses.is_loopback(urllib.parse.urlsplit(self._root).hostname or "")
        no_proxy = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(NoRedirects, *no_proxy)
        known = folder.get("takes") or {} if self.model == folder["model"] else {}
        takes = self._wire["takes"].Takes.of(self.model, known)
        # A run asks for much; here nobody has found out yet how the endpoint takes schemas.
        self._takes = takes if takes.schema != "unknown" else dataclasses.replace(takes, schema="format")
        self._answered = False
        self._lock = threading.Lock()

    def complete(self, request: Any, seed: int | None) -> tuple[Any, int, int, int]:
        """Ask; retries what may pass, and with more room what was cut.

        Returns:
            The answer, and over all attempts the tokens read and written, and how many there were.
        """
        attempts = failures = prompt = completion = 0
        limit, changed = min(request.max_tokens or self.max_tokens, self.max_tokens), set[str]()
        most = GROWS * self.max_tokens
        while True:
            attempts += 1
            takes = self._takes
            limit = min(most, max(limit, takes.room, self.max_tokens)) if takes.thinks else limit
            messages, settings = self._form(request, seed, takes, limit)
            try:
                answer = self._post({"model": self.model, **self._body(messages), **settings, **self._extra})
            except Refused as error:
                refused = error
            else:
                self._answered = True
                prompt, completion = (
                    prompt + (answer.prompt_tokens or 0),
                    completion + (answer.completion_tokens or 0),
                )
                self._learn({"thinks": True} if answer.thinks else {})
                larger = min(GROWS * limit, most if self._takes.thinks else min(most, self.max_tokens))
                if not answer.is_cut and self._takes.thinks and limit > self.max_tokens:
                    self._learn({"room": max(limit, self._takes.room)})
                if not answer.is_cut or larger <= limit:
                    return answer, prompt, completion, attempts
                limit = larger
                continue
            if self._moves(refused):
                continue
            left = self._wire["takes"].room_left(str(refused), limit)
            if left and "left" not in changed:  # prompt and answer together were too much
                changed.add("left")
                limit = most = left
                continue
            changes = self._adaptation(refused, request, messages, settings, takes)
            if changes and not changed.issuperset(changes):
                changed.update(changes)
                self._learn(changes)
                continue
            failures += 1
            if failures > RETRIES or not self._may_pass(refused):
                raise refused
            time.sleep(_pause_s(refused, failures))

    def _form(self, request: Any, seed: int | None, takes: Any, limit: int) -> tuple[Any, dict[str, Any]]:
        """Messages and settings as the endpoint takes them."""
        structured, messages = self._wire["structured"], tuple(request.messages)
        settings: dict[str, Any] = {"temperature": request.temperature, "max_tokens": limit}
        if seed is not None:
            settings["seed"] = seed
        if request.schema:
            if takes.schema == "object":
                settings["response_format"] = {"type": "json_object"}
            elif takes.schema != "instruct":
                settings["response_format"] = structured.response_format(request.schema)
            if takes.schema != "format":
                messages = structured.with_instructions(messages, request.schema)
        return self._wire["takes"].sent_form(messages, settings, takes)  # type: ignore[no-any-return]

    def declines(self, refused: Refused) -> bool:
        """Whether it will not answer this request, though it answered another one."""
        return self._answered and 400 <= refused.status < 500 and not self._may_pass(refused)

    def whole(self, answer: Any, request: Any) -> str:
        """The text of an answer; with a schema, its JSON object wherever one can be recovered."""
        return str(self._wire["structured"].repaired(answer.text) if request.schema else answer.text)

    def _body(self, messages: Any) -> dict[str, Any]:
        return {"messages": [{"role": role, "content": content} for role, content in messages]}

    def _learn(self, changes: dict[str, Any]) -> None:
        with self._lock:
            self._takes = dataclasses.replace(self._takes, **changes)

    def _adaptation(
        self, refused: Refused, request: Any, messages: Any, settings: dict[str, Any], takes: Any
    ) -> dict[str, Any]:
        """What a refusal says of what it was sent; empty where there is nothing new to try."""
        if CONTEXT.search(str(refused)):
            return {}
        known = self._wire["takes"]
        changes: dict[str, Any] = known.learned(messages, settings, refused.status, str(refused))
        if changes or not request.schema or takes.schema == "instruct":
            return changes
        mode = known.refuses_schema(refused.status, str(refused))
        if mode is None or (refused.status == 404 and self._answered):
            return {}
        return {"schema": "instruct" if takes.schema == "object" else mode}

    def _post(self, body: dict[str, Any]) -> Any:
        """One attempt: the answer, as `llm.replies` reads it."""
        headers = {"Content-Type": "application/json", "User-Agent": "meta-search-agent"}
        headers["Accept-Encoding"] = self._wire["bodies"].ACCEPTED
        if self._key and self._wire["addresses"].takes_azure_key(self._root):
            headers["api-key"] = self._key
        elif self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        elif self._login:
            headers["Authorization"] = f"Basic {self._login}"
        headers |= self._headers
        wire = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        try:
            return _within(self.timeout, lambda: self._sent(wire))
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            refused = isinstance(error, urllib.error.URLError) and not isinstance(reason, TimeoutError)
            raise Refused(0, self._clean(str(reason) or type(reason).__name__), reached=not refused) from None
        except (self._wire["faults"].BadAnswer, self._wire["faults"].Refused) as error:
            status = getattr(error, "status_code", 0)
            raise Refused(status, self._clean(str(error))) from None
        except (ValueError, ArithmeticError, LookupError, TypeError, RecursionError) as error:
            raise Refused(0, self._clean(f"the reply cannot be read: {error}")) from None

    def _sent(self, wire: urllib.request.Request) -> Any:
        """The answer to a request; raises what went wrong."""
        replies = self._wire["replies"]
        try:
            with self._opener.open(wire, timeout=self.timeout) as reply:
                return replies.read(self._whole(reply), reply.headers)
        except urllib.error.HTTPError as error:
            with error:
                detail = replies.refused(error.code, self._whole(error), error.headers)
            wait = self._wire["waits"].asked_wait(detail.headers, f"{detail}\n{detail.body}")
            raise Refused(error.code, self._clean(f"HTTP {error.code} {detail}"), wait) from None

    def _whole(self, reply: Any) -> bytes:
        """A reply's body, unpacked and bounded."""
        body = self._wire["bodies"].Body(reply.headers.get("Content-Encoding") or "")
        while chunk := reply.read1(CHUNK):
            body.feed(chunk)
        return bytes(body.whole())

    def _moves(self, refused: Refused) -> bool:
        """Whether to ask below `/v1`, which users tend to leave out, where nothing was found so far."""
        addresses = self._wire["addresses"]
        astray = refused.status in (404, 405) or "a web page" in str(refused)
        with self._lock:
            if self._answered or not astray or not self._elsewhere:
                return False
            self._root = self._elsewhere.pop(0)
            self.url = addresses.joined(self._root, "chat/completions")
        return True

    def _may_pass(self, refused: Refused) -> bool:
        if refused.status == 0:
            return refused.reached or self._answered
        return refused.status in (408, 409, 425, 429) or refused.status >= 500

    def _clean(self, text: str) -> str:
        for secret in (self._key, *self._headers.values()):
            text = text.replace(secret, "***") if secret else text
        return str(self._wire["faults"].one_line(text.replace("llm.base_url", "--base-url")))


def _without_login(url: str) -> tuple[str, str]:
    """A URL without the `user:password@` in it, and that as HTTP's basic authorization has it."""
    parts = urllib.parse.urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    coded = base64.b64encode(urllib.parse.unquote(login).encode()).decode()
    return urllib.parse.urlunsplit(parts._replace(netloc=host)), coded


def _filled(header: str) -> str:
    """A header's value with the variables of the environment that it names; empty where one is missing."""
    names = re.findall(r"\$([A-Za-z_]\w*)", header)
    if not all(os.environ.get(name) for name in names):
        return ""
    return re.sub(r"\$([A-Za-z_]\w*)", lambda found: os.environ[found[1]].strip(), header)


def _within(seconds: float, work: Callable[[], Any]) -> Any:
    """What a function returns or raises, within so many seconds in all: a socket's own timeout is for each
    read, and a byte now and then holds it open for ever."""
    ended: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            ended.put((work(), None))
        except BaseException as error:  # noqa: BLE001 (raised again by who waits)
            ended.put((None, error))

    threading.Thread(target=run, name="request", daemon=True).start()
    try:
        result, error = ended.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s (--timeout)") from None
    if error is not None:
        raise error
    return result


def _pause_s(refused: Refused, failures: int) -> float:
    own = 0.5 * 2.0 ** (failures - 1) * random.uniform(0.5, 1)
    return min(LONGEST_WAIT_S, max(refused.retry_after or 0.0, own))


async def answer(
    folder: dict[str, Any], question: str, endpoint: Endpoint, options: argparse.Namespace
) -> Any:
    """Run the agent on one question; returns an `ItemResult`."""
    types = import_module("meta_search.types")
    sandboxes = import_module("meta_search.sandbox")
    config = import_module("meta_search.config").SandboxConfig
    pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="call")

    async def llm(request: Any) -> Any:
        seed = None if options.seed is None else request.seed  # another one for each of equal requests
        start = time.monotonic()
        try:
            call = asyncio.get_running_loop().run_in_executor(pool, endpoint.complete, request, seed)
            said, prompt, completion, attempts = await call
        except Refused as refused:
            declined = "declined" if endpoint.declines(refused) else "llm"
            fault = "context" if CONTEXT.search(str(refused)) else declined
            return types.CallReply("", fault=fault, message=f"{endpoint.url}: {refused}")
        used, paid = types.Usage(1, prompt, completion), types.Usage(attempts, prompt, completion)
        if said.is_cut:
            why = "the model's answer was cut: raise --max-tokens"
            return types.CallReply(said.text, used, paid, time.monotonic() - start, "cut", why)
        return types.CallReply(endpoint.whole(said, request), used, paid, time.monotonic() - start)

    if options.no_sandbox:
        sandbox = sandboxes.Sandbox(config(level="process", **folder["sandbox"]), layers=())
    else:
        sandbox = sandboxes.Sandbox(config(**folder["sandbox"]))
    try:
        await sandbox.start()
        return await sandbox.run(job_of(types, folder, question, options.seed or 0), llm)
    finally:
        await sandbox.close()
        pool.shutdown(wait=False, cancel_futures=True)


def job_of(types: Any, folder: dict[str, Any], question: str, seed: int) -> Any:
    """The agent and its question, as the runtime takes them: an `ItemJob`."""
    demonstrations = tuple(types.Demonstration(q, r) for q, r in folder["demonstrations"])
    agent = types.Agent(folder["id"], folder["name"], folder["source"], folder["values"], demonstrations)
    return types.ItemJob(
        agent=agent,
        split="",
        item="question",
        repeat=0,
        question=question,
        examples=tuple((q, a) for q, a in folder["examples"]),
        wording=folder["wording"],
        seed=seed,
    )


class OneLine(argparse.ArgumentParser):
    """Errors as one line, with status 2."""

    def error(self, message: str) -> NoReturn:
        raise Unusable(f"{message}; see run.py --help")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = OneLine(prog="run.py", description="Answer a question with the agent in this folder.")
    add = parser.add_argument
    add("question", help="the question; - reads it from standard input")
    add(
        "--base-url",
        metavar="URL",
        help="OpenAI-compatible endpoint (default: $OPENAI_BASE_URL, OpenAI)",
    )
    add("--model", help="model to ask (default: the one the agent was found with)")
    add("--api-key-env", metavar="NAME", help="variable that holds the key (default: OPENAI_API_KEY)")
    add("--max-tokens", type=int, help="most tokens in one reply of the model")
    add("--timeout", type=float, default=120.0, help="seconds to wait for one request, in all (default: 120)")
    add("--seed", type=int, help="seed for the agent and the model")
    add("--json", action="store_true", help="print the answer and its usage as JSON")
    add("--no-sandbox", action="store_true", help="run the agent's code unconfined")
    return parser.parse_args(arguments)


def read_folder() -> dict[str, Any]:
    """What export wrote: `agent.json`, with the source from `agent.py`."""
    try:
        folder = json.loads((HERE / "agent.json").read_text(encoding="utf-8"))
        return {**folder, "source": (HERE / "agent.py").read_text(encoding="utf-8")}
    except (OSError, ValueError) as error:
        raise Unusable(f"{HERE} is not an exported agent: {error}") from None


def connect(options: argparse.Namespace, folder: dict[str, Any]) -> Endpoint:
    """The endpoint that the command line, the environment and the folder name."""
    key = os.environ.get(options.api_key_env or "OPENAI_API_KEY", "").strip()
    if options.api_key_env and not key:
        raise Unusable(f"the environment variable {options.api_key_env} (--api-key-env) holds no key")
    base_url = options.base_url or os.environ.get("OPENAI_BASE_URL") or (OPENAI if key else "")
    if not base_url:
        raise Unusable("no endpoint: give --base-url URL, or a key in OPENAI_API_KEY")
    addresses = import_module("meta_search.llm.addresses")
    wrong = addresses.complaint(base_url)
    if wrong and wrong != addresses.PASSWORD:
        raise Unusable(f"--base-url {base_url} {wrong}")
    if not (options.model or folder["model"]):
        raise Unusable("no model: give --model NAME")
    if (options.max_tokens is not None and options.max_tokens < 1) or options.timeout <= 0:
        raise Unusable("--max-tokens and --timeout must be positive")
    return Endpoint(base_url, key, folder, options)


def read_question(given: str) -> str:
    """The question of the command line or of standard input."""
    question = sys.stdin.buffer.read().decode(errors="replace") if given == "-" else given
    if not question.strip():
        raise Unusable("the question is empty")
    return question.strip()


def show(result: Any, folder: dict[str, Any], endpoint: Endpoint, as_json: bool) -> int:
    """Print what came of it; returns the exit status."""
    if as_json:
        used = result.used
        usage = {
            "calls": used.calls,
            "prompt_tokens": used.prompt_tokens,
            "completion_tokens": used.completion_tokens,
            "tokens": used.tokens,
        }
        about = {"agent": folder["id"], "model": endpoint.model, "seconds": round(result.seconds, 3)}
        print(json.dumps({"answer": result.answer, "outcome": result.kind, "usage": usage, **about}))
    elif result.kind == "ok":
        print(import_module("meta_search.text").printable(result.answer))
    if result.kind == "ok":
        return 0
    print(f"run.py: {result.kind}: {printable_line(result.detail)}", file=sys.stderr)
    return 2 if result.kind == "llm" else 1


def printable_line(text: str) -> str:
    """Text of an agent or an endpoint as one line that a terminal only shows."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        if sys.version_info < (3, 11):  # noqa: UP036 (run by whatever Python its user has)
            raise Unusable("needs Python 3.11 or newer")
        options = parse(arguments)
        folder = read_folder()
        sys.path.insert(0, str(HERE / "runtime"))
        endpoint = connect(options, folder)
        question = read_question(options.question)
        result = asyncio.run(answer(folder, question, endpoint, options))
        return show(result, folder, endpoint, options.json)
    except Unusable as error:
        message = str(error)
    except ImportError as error:
        message = f"the runtime needs Linux: {error}"
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        # The runtime's own errors (a kernel without a layer of the sandbox) are one line as well.
        if not hasattr(error, "exit_status"):
            raise
        message = str(error).replace("set sandbox.level=process", "pass --no-sandbox")
    print(f"run.py: {printable_line(message)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
