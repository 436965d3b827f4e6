"""`llm.callbacks`: copies of all calls for litellm's own loggers (MLflow, Langfuse, …), without keys.

litellm makes its loggers at the first call and only logs what goes wrong with that; here they are made
before anything is paid, so that a wrong name or a missing package is one clear line. What litellm hands to
a logger may hold the key of the endpoint: it is taken out first.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import importlib
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any

from meta_search.errors import ConfigError
from meta_search.text import error_line, one_line

__all__ = ["install", "keyless"]

FLUSH_S = 20.0
SHORTEST_SECRET = 6
LISTS = (
    "callbacks", "input_callback", "success_callback", "failure_callback",
    "_async_input_callback", "_async_success_callback", "_async_failure_callback",
)  # fmt: skip
HIDDEN = "…"
SECRET_NAME = re.compile(r"(api_?key|authorization|password|secret|credential|_token$)", re.IGNORECASE)
SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
# In litellm's list of callbacks, but they change requests, limit them, or send mail; they log nothing.
NO_LOGGERS = frozenset(
    "anthropic_cache_control_hook bitbucket compression_interception dotprompt dynamic_rate_limiter "
    "dynamic_rate_limiter_v3 gitlab litellm_agent pagerduty resend_email sendgrid_email smtp_email "
    "vector_store_pre_call_hook".split()
)


def install(litellm: Any, names: Sequence[str], keys: Iterable[str | None]) -> Callable[[], Awaitable[None]]:
    """Have litellm tell loggers of every call that is answered or fails.

    Args:
        litellm: The module. Call on the event loop that will send the calls: some loggers flush on it.
        names: litellm's names (`mlflow`, `langfuse`, …), or `module:object` for a logger of one's own, an
            instance or class of `litellm.integrations.custom_logger.CustomLogger`.
        keys: What no logger may see, besides secrets of this process's environment.

    Returns:
        A function that waits until everything was handed on, at most `FLUSH_S` seconds, and ends it.

    Raises:
        ConfigError: An unknown name, or a logger that cannot be made; one line.
    """
    loggers = [_own(litellm, name) if ":" in name else _known(litellm, name) for name in names]
    secrets = [*keys, *(value for name, value in os.environ.items() if SECRET_VARIABLE.search(name))]
    hidden = tuple(dict.fromkeys(s for s in secrets if s and len(s) >= SHORTEST_SECRET))
    relay = _relay(litellm, loggers, hidden)
    litellm.callbacks = [relay]

    async def end() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await litellm.litellm_core_utils.logging_worker.GLOBAL_LOGGING_WORKER.flush()
                for logger in loggers:
                    if hasattr(logger, "flush_queue"):  # those that send in batches
                        await _quietly(logger.flush_queue())
        for name in LISTS:  # where litellm has put it at the first call
            setattr(litellm, name, [callback for callback in getattr(litellm, name) if callback is not relay])

    return end


def _known(litellm: Any, name: str) -> Any:
    """One of litellm's loggers by its name."""
    names = [n for n in litellm._known_custom_logger_compatible_callbacks if n not in NO_LOGGERS]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3) or ["mlflow", "langfuse", "otel"]
        raise ConfigError(
            f"llm.callbacks: litellm has no logger {name!r}; did you mean {' or '.join(near)}, or "
            "module:object for one of your own?"
        )
    makers = litellm.litellm_core_utils.litellm_logging
    makers._in_memory_loggers.clear()  # those of an earlier event loop, or of another name
    with _overheard("LiteLLM") as said:
        try:
            logger = makers._init_custom_logger_compatible_class(name, None, None)
        except Exception as error:  # noqa: BLE001 (some raise, most are swallowed by litellm and return None)
            logger, said[:] = None, [f"{type(error).__name__}: {error}"]
    if logger is None:
        raise ConfigError(f"llm.callbacks: {name} cannot be set up: {_reason(said, name)}")
    if type(logger) is _base(litellm):  # what litellm puts in the place of loggers that it does not ship
        raise ConfigError(
            f"llm.callbacks: {name} is a part of litellm's enterprise package, which is not here"
        )
    return logger


def _base(litellm: Any) -> Any:
    """What all loggers inherit from."""
    return litellm.integrations.custom_logger.CustomLogger


def _reason(said: Sequence[str], name: str) -> str:
    """Why litellm could not make a logger, and what to do."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said[-1] if said else "")  # litellm writes in colours
    text = one_line(plain.rpartition("custom logger: ")[2], 300)
    missing = re.search(r"No module named '(\w+)|metadata was found for (\S+)", text)
    if missing:
        package = (missing[1] or missing[2]).replace("_", "-")
        package = {"opentelemetry": "opentelemetry-sdk"}.get(package, package)
        return f"the package {package} is missing: pip install {package}"
    return text or f"see litellm's documentation of {name} for the variables that it needs"


def _own(litellm: Any, name: str) -> Any:
    """A logger of the user's, as `module:object`."""
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        logger = found() if isinstance(found, type) else found
    except Exception as error:
        what = error_line(error, 200)
        raise ConfigError(f"llm.callbacks: {name} cannot be loaded: {what}") from error
    if not isinstance(logger, _base(litellm)):
        raise ConfigError(
            f"llm.callbacks: {name} is not a logger: it must be a "
            "litellm.integrations.custom_logger.CustomLogger"
        )
    return logger


def _relay(litellm: Any, loggers: Sequence[Any], hidden: tuple[str, ...]) -> Any:
    """One logger for litellm that hands keyless copies on. One that fails disturbs neither run nor others."""
    base = _base(litellm)

    class Relay(base):  # type: ignore[misc, valid-type]
        async def async_log_success_event(
            self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
        ) -> None:
            await hand_on("log_success_event", kwargs, response_obj, start_time, end_time)

        async def async_log_failure_event(
            self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
        ) -> None:
            await hand_on("log_failure_event", kwargs, response_obj, start_time, end_time)

    async def hand_on(event: str, kwargs: Any, response: Any, start: Any, end: Any) -> None:
        safe = keyless(kwargs, hidden)
        for logger in loggers:
            if getattr(type(logger), f"async_{event}") is not getattr(base, f"async_{event}"):
                await _quietly(getattr(logger, f"async_{event}")(safe, response, start, end))
            else:
                await _quietly(asyncio.to_thread(getattr(logger, event), safe, response, start, end))

    return Relay()


def keyless(value: Any, hidden: tuple[str, ...]) -> Any:
    """A copy without secrets: entries that are named as such, and `hidden` texts wherever they stand.

    Objects other than dicts, lists and strings are handed on as they are.
    """
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, HIDDEN) if secret in value else value
        return value
    if isinstance(value, dict):
        return {
            key: HIDDEN
            if isinstance(inner, str) and inner and isinstance(key, str) and SECRET_NAME.search(key)
            else keyless(inner, hidden)
            for key, inner in value.items()
        }
    if type(value) in (list, tuple):
        return type(value)(keyless(inner, hidden) for inner in value)
    return value


async def _quietly(work: Awaitable[Any]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 (the run is worth more than its copy elsewhere)
        logging.getLogger("meta_search").warning("a logger of llm.callbacks failed: %s", type(error).__name__)


@contextlib.contextmanager
def _overheard(name: str) -> Iterator[list[str]]:
    """What a library's logger says meanwhile, in place of its printing it."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger = logging.getLogger(name)
    handlers, propagate = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [Ear()], False
    try:
        yield said
    finally:
        logger.handlers, logger.propagate = handlers, propagate
