"""News of a run for a command or an address of the user's (`run.notify`): a new best, parts of the budget
that are spent, why the search ended, and how the run did.

A command gets each message as JSON on its standard input and the main things as variables; an address gets
the JSON as a POST. Both are called on a thread of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from meta_search.config import BudgetConfig, Config
from meta_search.errors import ConfigError, MetaSearchError
from meta_search.run.courier import Courier
from meta_search.run.secrets import variables
from meta_search.run.watch import SearchEvent
from meta_search.text import error_line, one_line, without_passwords
from meta_search.types import Usage

__all__ = ["EVENTS", "MOMENTS", "Notifier", "check_notify", "environment", "is_address", "target_of"]

EVENTS: Final = ("best", "budget", "stopped", "done", "failed")
MOMENTS: Final = (0.25, 0.5, 0.75)  # shares of the budget that are told of
COMMAND_S = 30.0  # that a command may take
POST_S = 10.0  # that an address may take to answer
PAUSES_S = (1.0, 4.0)  # before an address is tried once more
CLOSING_S = 45.0  # that the end of a run waits for its last message
MOST_TEXT = 1_000  # characters of a message's sentence
KEYS = re.compile(r".*_API_KEY", re.IGNORECASE)  # variables that hold keys of models, whoever's they are
WHOLE_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")

NOTHING = Usage()

Message = Mapping[str, Any]


def check_notify(config: Config) -> None:
    """See that there is somewhere to send news to.

    Raises:
        ConfigError: `run.notify` is an address that cannot be one, or names a variable that is not set.
    """
    if config.run.notify:
        target_of(config.run.notify)


def target_of(notify: str) -> str:
    """What `run.notify` stands for: `$NAME` is what that variable holds, all else itself.

    An address that nobody else may know (of a chat's webhook, say) is not kept with the run that way.

    Raises:
        ConfigError: As `check_notify`.
    """
    text = notify.strip()
    if named := WHOLE_VARIABLE.fullmatch(text):
        text = os.environ.get(named[1], "").strip()
        if not text:
            raise ConfigError(f"run.notify={notify}: the variable {named[1]} is not set")
    if is_address(text):
        try:
            host = urlsplit(text).hostname
        except ValueError:
            host = None
        if not host:
            raise ConfigError("run.notify is no address: it names no host")
    return text


def is_address(target: str) -> bool:
    """Whether news go to an address and not to a command."""
    return target.lower().startswith(("http://", "https://"))


def environment(config: Config, message: Message) -> dict[str, str]:
    """What a command sees: the user's own variables but for the keys of models, and the message's."""
    keys = set(variables(config))
    kept = {k: v for k, v in os.environ.items() if k not in keys and not KEYS.fullmatch(k)}
    told = {"EVENT": message["event"], "RUN": message["run"], "TEXT": message["text"]}
    return kept | {f"META_SEARCH_{name}": str(value) for name, value in told.items()}


class Notifier:
    """Tells of what happens in a run. Called with every `SearchEvent`, on the engine's thread.

    Args:
        config: Configuration of the run, with `run.notify`.
        folder: The run folder.
        say: Gets a line where a message could not be delivered, from any thread.
        paid: What earlier sessions paid: what was told of is not told again.
        elapsed_s: Seconds of earlier sessions.
        finds_best: Whether a new best is news already; in a resume the first one is not.
        pauses_s: Seconds before each further try of an address.

    Raises:
        ConfigError: As `check_notify`.
    """

    def __init__(
        self,
        config: Config,
        folder: Path,
        say: Callable[[str], object],
        paid: Usage = NOTHING,
        elapsed_s: float = 0.0,
        finds_best: bool = True,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._config, self._folder, self._pauses = config, folder.resolve(), pauses_s
        self._target = target_of(config.run.notify or "")
        self._spent = {"calls": paid.calls, "tokens": paid.tokens, "cost_usd": paid.cost_usd}
        self._told = _moments(config.budget, self._spent, elapsed_s)
        self._finds_best, self._elapsed = finds_best, elapsed_s
        where = "to its address" if is_address(self._target) else "by its command"
        self._courier: Courier[Message] = Courier(f"run.notify {where}", self._deliver, say)

    def __call__(self, event: SearchEvent) -> None:
        """See whether an event is news."""
        match event.kind:
            case "best":
                if self._finds_best:
                    self._send("best", event, _best_text(event), **_scored(event))
                self._finds_best = True
            case "stopped":
                self._send("stopped", event, f"the search ended ({event.text}); the final report follows")
            case "done":
                self._send("done", event, event.text or "the run is done", agent=event.agent)
            case "spent":
                self._spent = {
                    "calls": event.calls or 0,
                    "tokens": event.tokens or 0,
                    "cost_usd": event.cost_usd or 0.0,
                }
        self._elapsed = max(self._elapsed, event.elapsed_s)
        passed = _moments(self._config.budget, self._spent, event.elapsed_s)
        if passed > self._told and event.kind != "done":
            self._told = passed
            share = MOMENTS[passed - 1]
            self._send("budget", event, f"{share:.0%} of the budget is spent", share=share)

    @contextlib.contextmanager
    def until_closed(self) -> Iterator[Notifier]:
        """Tell of the error that ends the block, and wait for what is under way."""
        try:
            yield self
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            why = "the run was stopped at once" if stopped else error_line(error, MOST_TEXT)
            text = str(error) if isinstance(error, MetaSearchError) else why
            self._send("failed", SearchEvent("note", time.time(), self._elapsed), without_passwords(text))
            raise
        finally:
            self._courier.close(CLOSING_S)

    def _send(self, what: str, event: SearchEvent, text: str, **more: Any) -> None:
        message = {
            "event": what,
            "run": str(self._folder),
            "name": self._folder.name,
            "domain": self._config.domain.name,
            "text": one_line(text, MOST_TEXT),
            "time": event.time,
            "elapsed_s": event.elapsed_s,
            **self._spent,
            **more,
        }
        self._courier.send(message)

    def _deliver(self, message: Message) -> None:
        body = json.dumps(message).encode()
        if is_address(self._target):
            self._post(body)
        else:
            _run(
                self._target, body + b"\n", environment(self._config, message)
            )  # `cat >> FILE` is a line each

    def _post(self, body: bytes) -> None:
        import httpx

        headers = {"Content-Type": "application/json", "User-Agent": "meta-search"}
        for pause in (*self._pauses, None):
            try:
                reply = httpx.post(self._target, content=body, headers=headers, timeout=POST_S)
                if reply.status_code < 400:
                    return
                why = f"it answered {reply.status_code}"
                again = reply.status_code == 429 or reply.status_code >= 500
            except httpx.HTTPError as error:
                why, again = type(error).__name__, True  # its words may hold the address
            if not again or pause is None:
                raise OSError(why)
            time.sleep(pause)


def _run(command: str, body: bytes, variables: Mapping[str, str]) -> None:
    """Run a command of the user's: without the terminal, in a session of its own, for a bounded time."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(variables),
        start_new_session=True,
    )
    try:
        process.communicate(body, timeout=COMMAND_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise OSError(f"it took more than {COMMAND_S:g} s") from None
    if process.returncode:
        raise OSError(f"it ended with status {process.returncode}")


def _moments(budget: BudgetConfig, spent: Mapping[str, float], elapsed_s: float) -> int:
    """How many of `MOMENTS` are passed, by the limit of which the most is spent."""
    limits = (
        (budget.calls, spent["calls"]),
        (budget.tokens, spent["tokens"]),
        (budget.usd, spent["cost_usd"]),
        (budget.wall_s, elapsed_s),
    )
    share = max((used / limit for limit, used in limits if limit), default=0.0)
    return sum(share >= moment for moment in MOMENTS)


def _scored(event: SearchEvent) -> dict[str, Any]:
    return {
        "agent": event.agent,
        "agent_name": one_line(event.name or "", 200),
        "split": event.split,
        "score": event.score,
        "low": event.low,
        "high": event.high,
        "items": event.items,
    }


def _best_text(event: SearchEvent) -> str:
    """The new best in a line; scores of the search are no result."""
    low, high = 100 * (event.low or 0.0), 100 * (event.high or 0.0)
    score = f"{100 * (event.score or 0.0):.1f} % [{low:.0f}, {high:.0f}]"
    return (
        f"new best: {one_line(event.name or '', 100)}, {score} on {event.items} {event.split} items "
        "(a selection score, not the result)"
    )
