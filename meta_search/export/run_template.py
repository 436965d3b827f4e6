"""Answer a question with the agent in this folder: `python run.py "question"`.

Needs Python 3.11 or newer and an OpenAI-compatible endpoint, nothing else. (In meta-search this file is a
template: `meta_search.export` copies it as `run.py` beside an agent and its runtime.)

Exit status: 0 answered, 1 the agent failed, 2 wrong usage or an endpoint that cannot be used.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import random
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
OPENAI = "https://api.openai.com/v1"
IN_FLIGHT = 32  # requests at a time
RETRIES = 4
LONGEST_WAIT_S = 60.0
LARGEST_REPLY = 32 * 2**20  # bytes
CONTEXT = re.compile(r"context.?(length|size|window)|maximum context|prompt is too long", re.I)


class Unusable(Exception):
    """The endpoint, the folder or the command line cannot be used; one line."""


class Refused(Exception):
    """The endpoint's answer to one request was an error. `status` is 0 where there was no answer."""

    def __init__(
        self, status: int, message: str, retry_after: str | None = None, reached: bool = True
    ) -> None:
        super().__init__(message)
        self.status, self.retry_after, self.reached = status, retry_after, reached


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Endpoint:
    """An OpenAI-compatible endpoint. Learns which settings it does not take. Used by many threads."""

    def __init__(self, base_url: str, model: str, key: str, max_tokens: int, timeout: float) -> None:
        self.url = base_url.rstrip("/") + "/chat/completions"
        self.model, self.max_tokens, self.timeout = model, max_tokens, timeout
        self._key = key
        self._opener = urllib.request.build_opener(NoRedirects)
        self._refused: set[str] = set()  # of: schema, max_tokens, temperature, seed
        self._answered = False
        self._lock = threading.Lock()

    def complete(self, request: Any, seed: int | None) -> tuple[str, int, int, int]:
        """Ask; retries what may pass. Returns text, prompt tokens, completion tokens, attempts."""
        attempts = failures = 0
        while True:
            attempts += 1
            left_out = frozenset(self._refused)
            try:
                reply = self._post(self._body(request, seed, left_out))
                self._answered = True
                usage = reply.get("usage") or {}
                text = reply["choices"][0]["message"].get("content") or ""
                prompt, completion = (int(usage.get(f"{k}_tokens") or 0) for k in ("prompt", "completion"))
                return str(text), prompt, completion, attempts
            except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
                refused = Refused(0, f"no answer in the reply ({type(error).__name__})")
            except Refused as error:
                refused = error
            if self._adapt(refused, request, left_out):
                continue
            failures += 1
            if failures > RETRIES or not self._may_pass(refused):
                raise refused
            time.sleep(_pause_s(refused, failures))

    def _body(self, request: Any, seed: int | None, left_out: frozenset[str]) -> dict[str, Any]:
        messages = [{"role": role, "content": content} for role, content in request.messages]
        limit = min(request.max_tokens or self.max_tokens, self.max_tokens)
        name = "max_completion_tokens" if "max_tokens" in left_out else "max_tokens"
        body: dict[str, Any] = {"model": self.model, "messages": messages, name: limit}
        if "temperature" not in left_out:
            body["temperature"] = request.temperature
        if seed is not None and "seed" not in left_out:
            body["seed"] = seed
        if request.schema:
            form = {"name": "answer", "strict": True, "schema": request.schema}
            if "schema" not in left_out:
                body["response_format"] = {"type": "json_schema", "json_schema": form}
            else:
                messages[-1]["content"] += (
                    "\n\nReply with only one JSON object, without any text around it, that satisfies this "
                    "JSON schema:\n" + json.dumps(request.schema, ensure_ascii=False)
                )
        return body

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "User-Agent": "meta-search-agent"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        wire = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        try:
            with self._opener.open(wire, timeout=self.timeout) as reply:
                value = json.loads(reply.read(LARGEST_REPLY))
        except urllib.error.HTTPError as error:
            with error:
                detail = _detail(error.read(65536))
            wait = error.headers.get("Retry-After")
            raise Refused(error.code, self._clean(f"HTTP {error.code} {detail}"), wait) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            refused = isinstance(error, urllib.error.URLError) and not isinstance(reason, TimeoutError)
            raise Refused(0, self._clean(str(reason) or type(reason).__name__), reached=not refused) from None
        return value if isinstance(value, dict) else {}

    def _adapt(self, refused: Refused, request: Any, left_out: frozenset[str]) -> bool:
        """Leave out what the endpoint does not take; true if there is something new to try.

        Another thread may have found it out while this request was on its way.
        """
        if refused.status not in (400, 422) or CONTEXT.search(str(refused)):
            return False
        text = str(refused)
        guesses = [name for name in ("max_tokens", "temperature", "seed") if name in text]
        guesses += ["schema"] if request.schema else []
        new = [name for name in guesses if name not in left_out]
        with self._lock:
            if new and not self._refused.intersection(new):
                self._refused.add(new[0])
        return bool(new)

    def _may_pass(self, refused: Refused) -> bool:
        if refused.status == 0:
            return refused.reached or self._answered
        return refused.status in (408, 409, 425, 429) or refused.status >= 500

    def _clean(self, text: str) -> str:
        if self._key:
            text = text.replace(self._key, "***")
        return " ".join(text.split())[:300]


def _detail(body: bytes) -> str:
    """What an error's body says: the message of OpenAI's form, or the text as it is."""
    text = body.decode(errors="replace")
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text


def _pause_s(refused: Refused, failures: int) -> float:
    try:
        asked = float(refused.retry_after or 0)
    except ValueError:
        asked = 0.0
    return min(LONGEST_WAIT_S, max(asked, 0.5 * 2.0 ** (failures - 1) * random.uniform(0.5, 1)))


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
            text, prompt, completion, attempts = await call
        except Refused as refused:
            fault = "context" if CONTEXT.search(str(refused)) else "llm"
            return types.CallReply("", fault=fault, message=f"{endpoint.url}: {refused}")
        used = types.Usage(1, prompt, completion)
        return types.CallReply(
            text, used, types.Usage(attempts, prompt, completion), time.monotonic() - start
        )

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
    add("--timeout", type=float, default=120.0, help="seconds to wait for one request (default: 120)")
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
    if not re.match(r"https?://[^/\s]", base_url):
        raise Unusable(f"--base-url {base_url}: must begin with http:// or https://")
    model = options.model or folder["model"]
    if not model:
        raise Unusable("no model: give --model NAME")
    if (options.max_tokens is not None and options.max_tokens < 1) or options.timeout <= 0:
        raise Unusable("--max-tokens and --timeout must be positive")
    return Endpoint(base_url, model, key, options.max_tokens or folder["max_tokens"], options.timeout)


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
        print(result.answer)
    if result.kind == "ok":
        return 0
    print(f"run.py: {result.kind}: {' '.join(result.detail.split())}", file=sys.stderr)
    return 2 if result.kind == "llm" else 1


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        if sys.version_info < (3, 11):  # noqa: UP036 (run by whatever Python its user has)
            raise Unusable("needs Python 3.11 or newer")
        options = parse(arguments)
        folder = read_folder()
        endpoint = connect(options, folder)
        question = read_question(options.question)
        sys.path.insert(0, str(HERE / "runtime"))
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
    print(f"run.py: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
