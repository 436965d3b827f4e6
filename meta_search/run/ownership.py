"""Which runs this machine's user has made: going on with a run imports the code, and asks the endpoints with
the keys, that its folder names.

A run is signed with the key of the user's account. The signature is over its configuration and the code that
it keeps, not over where it lies: a run that was moved stays one's own, one that was changed does not.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from domains.sources.source import is_local
from meta_search.config import Config
from meta_search.errors import ConfigError
from meta_search.report.files import digest_of, read_small, write_whole
from meta_search.run.account_key import account_key
from meta_search.run.folder import KEPT, SIGNATURE
from meta_search.run.notify import is_address
from meta_search.run.secrets import variables
from meta_search.text import one_line, without_passwords
from meta_search.types import OUTSIDE

__all__ = ["ask", "is_own", "sign"]

LARGEST = 256 * 2**20  # bytes of what is kept of code; where there is more, nothing is signed


def is_own(folder: Path) -> bool:
    """Whether this user has made a run, and nobody has changed what it runs."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        found = json.loads(read_small(folder / SIGNATURE))
        key = account_key(make=False)
        return key is not None and hmac.compare_digest(
            str(found["mac"]), _mac(key, folder, str(found["run"]))
        )
    return False


def sign(folder: Path) -> bool:
    """Sign a run, once its configuration and the code that it keeps are written.

    Returns:
        Whether it could: a home that cannot be written to has no secret, and each resume has to be trusted.
    """
    try:
        key, run = account_key(), secrets.token_hex(16)
        if key is None:
            return False
        mac = _mac(key, folder, run)
        write_whole(folder / SIGNATURE, json.dumps({"run": run, "mac": mac}) + "\n", 0o600)
    except (OSError, ValueError):
        return False
    return True


def ask(folder: Path, config: Config | None, doing: str, trust: bool) -> None:
    """See that a run may be gone on with: it is one's own, is trusted, or somebody at the terminal says so.

    Args:
        folder: The run.
        config: What would be run, with the overrides of this session; `None` where nothing of it would.
        doing: What is about to be done, as in `to resume it`.
        trust: Whether the caller trusts it already.

    Raises:
        ConfigError: It may not; one line that says what would be run, and what to add.
    """
    if trust or is_own(folder):
        return
    would = _would(config) if config else ["count what it holds as if you had paid for it"]
    why = f"{one_line(folder, 200)} was not made by you on this machine, or was changed since"
    if sys.stdin.isatty() and sys.stdout.isatty():
        print(f"{why}. {doing} would\n  " + "\n  ".join(would))
        with contextlib.suppress(EOFError):
            if input("Do you trust it? [y/N] ").strip().lower() in ("y", "yes"):
                return
    raise ConfigError(
        f"{why}: {doing} would {'; '.join(would)}. Look at it, then add --trust (from Python: trust=True)"
    )


def _would(config: Config) -> list[str]:
    """What going on with a run does with one's rights and keys."""
    llm, found = config.llm, []
    if config.domain.path and not is_local(config.domain.path):
        found.append(f"fetch and read {one_line(config.domain.path, 200)}")
    elif config.domain.path:
        found.append(f"run or read {one_line(config.domain.path, 200)} ({_digest(Path(config.domain.path))})")
    if config.domain.task:
        found.append(f"load the task {one_line(config.domain.task, 200)}")
    if config.author.prompts:
        found.append("fill in prompt templates of its own")
    if not config.domain.confined:
        found.append("score answers outside of the sandbox (domain.confined=false)")
    found += [f"import {one_line(name, 100)}" for name in llm.callbacks]
    if llm.mode != "replay" and config.author.command and config.author.name in OUTSIDE:
        found.append(f"run the program {one_line(config.author.command, 200)} (author.command)")
    if llm.mode != "replay":
        places = [llm.base_url, *(role.base_url for role in (*llm.meta_models.values(), llm.task, llm.judge))]
        named = [one_line(place, 200) for place in dict.fromkeys(places) if place]
        models = "the embedded models" if llm.provider == "local" else "the provider of its models"
        keys = ", ".join(f"${one_line(name, 60)}" for name in variables(config))
        found.append(f"send prompts to {' and '.join(named) or models}" + (f" with {keys}" if keys else ""))
        found += _news(config)
    if config.sandbox.level != "strict":
        found.append(f"run agents with sandbox.level={one_line(config.sandbox.level, 20)}")
    return found or ["write, evaluate and run its agents in the sandbox"]


def _news(config: Config) -> list[str]:
    """Whom a run tells of itself."""
    found, notify = [], config.run.notify
    if notify and is_address(notify.strip()):
        found.append(f"send news of the run to {one_line(without_passwords(notify), 200)} (run.notify)")
    elif notify:
        found.append(f"run the command {one_line(notify, 200)} (run.notify)")
    if config.run.tracking:
        found.append(f"log the run to {one_line(without_passwords(config.run.tracking), 200)} (run.tracking)")
    return found


def _digest(path: Path) -> str:
    """What tells a file from another one that is called so."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "a folder" if path.is_dir() else "no plain file"
        return f"sha256 {digest_of(path)[:16]}"
    except OSError:
        return "not there"
    except ValueError:
        return "too large to look at"


def _mac(key: bytes, folder: Path, run: str) -> str:
    digest = hmac.new(key, f"meta-search run {run}\n".encode(), "sha256")
    for name, data in _signed(folder):
        digest.update(f"{name}\0{len(data)}\0".encode(errors="surrogateescape") + data)
    return digest.hexdigest()


def _signed(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The configuration, and all that lies in the folder of kept code: names below the run, and bytes."""
    yield "config.json", read_small(folder / "config.json").encode()
    kept, left = folder / KEPT, LARGEST
    if kept.is_symlink():
        raise ValueError(f"{kept} is a link")
    for path in sorted(kept.rglob("*")):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode):
            left -= found.st_size
            if left < 0:
                raise ValueError(f"{kept} is too large")
            yield str(path.relative_to(folder)), path.read_bytes()
        elif not stat.S_ISDIR(found.st_mode):
            raise ValueError(f"{path} is no plain file")
