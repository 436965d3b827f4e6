"""The token without which Ray's processes do nothing, made anew for each run and written nowhere.

Ray on its own keeps one token in `~/.ray/auth_token`, until 2.60.1 for everybody to read. A token in the
environment comes before that file: Ray's processes inherit it from the one that starts them, and this process
takes it up through its C environment, for the moment that takes.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from meta_search.errors import MetaSearchError

__all__ = ["SINCE", "TOKEN", "check_version", "has_token", "run_token", "settings", "too_old"]

MODE, TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"
# The user's own for clusters, set aside meanwhile: tokens, certificates, where Ray would keep what it knows.
THEIRS = re.compile(
    r"RAY_\w*(auth|token|tls|redis|address|gcs_storage|external_storage|spilling|hook|proxy|leader)",
    re.IGNORECASE,
)
# 2.52.0 was the first with tokens; until 2.54.0 the HTTP server of a node's agent, which runs jobs, asked
# for none.
SINCE = (2, 54)


def too_old(installed: str) -> str:
    """What is wrong with a version of Ray, in one line; `""` if nothing."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", installed)[:2])
    if numbers >= SINCE:
        return ""
    needed = ".".join(map(str, SINCE))
    return f"Ray {installed} lets anybody who reaches its ports run code: pip install 'ray>={needed}'"


def check_version() -> None:
    """See that the installed Ray can keep strangers out.

    Raises:
        MetaSearchError: It cannot, or there is none; one line.
    """
    try:
        wrong = too_old(version("ray"))
    except PackageNotFoundError:
        wrong = "Ray is not installed: reinstall meta-search with its constraints"
    if wrong:
        raise MetaSearchError(f"{wrong}, or set evaluate.executor=inline")


def has_token() -> bool:
    """Whether the user has a token for clusters, in the environment or where Ray keeps its own."""
    from ray._raylet import AuthenticationTokenLoader  # type: ignore[attr-defined]

    return bool(AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True))


@contextlib.contextmanager
def run_token() -> Iterator[str]:
    """Have this process use a new token with Ray.

    Yields:
        The token, for the environment of Ray's processes.
    """
    from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

    loader, token, theirs = AuthenticationTokenLoader.instance(), secrets.token_hex(32), os.environ.get(TOKEN)
    loader.reset_cache()
    os.putenv(TOKEN, token)  # for C alone: what else is started meanwhile copies `os.environ`
    try:
        known = loader.has_token(ignore_auth_mode=True)
    finally:
        os.unsetenv(TOKEN) if theirs is None else os.putenv(TOKEN, theirs)
    try:
        if not known:
            raise MetaSearchError("Ray does not take its token")
        yield token
    finally:
        loader.reset_cache()
        Config.initialize("")  # Ray's settings of this process: the user's


@contextlib.contextmanager
def settings(ours: Mapping[str, str]) -> Iterator[None]:
    """Ask for the token, with further settings of Ray, in place of what the user has set for clusters.

    They are in `os.environ` only while Ray starts. Ray keeps them in this process until `run_token` ends.

    Args:
        ours: Environment variables.
    """
    from ray._raylet import Config  # type: ignore[attr-defined]

    theirs = {name: os.environ.pop(name) for name in list(os.environ) if THEIRS.match(name)}
    os.environ.update({MODE: "token", **ours})
    Config.initialize("")  # it read them when it was imported
    try:
        yield
    finally:
        for name in (MODE, *ours):
            os.environ.pop(name, None)
        os.environ.update(theirs)
