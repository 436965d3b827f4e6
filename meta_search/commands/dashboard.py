"""`meta-search dashboard`: a page on all runs under a folder, live while they go on."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from meta_search.dashboard.access import LOOPBACK, Access, granted, is_loopback
from meta_search.errors import ConfigError
from meta_search.text import one_line

if TYPE_CHECKING:
    from meta_search.dashboard.server import Server

__all__ = ["bound", "dashboard", "folder_to_serve", "made", "wants_browser"]

BACKLOG = 128
BEHIND = 5  # steps of priority behind a search on the same machine


def dashboard(
    folder: Path, host: str = LOOPBACK, port: int = 0, token: str | None = None, *, steer: bool, browser: bool
) -> int:
    """Serve the page until Ctrl-C. Returns the exit status.

    Args:
        folder: Holds runs, or is one.
        host: Name or address to listen on; another than loopback asks for a token.
        port: To listen on; 0 takes a free one.
        token: What requests must carry; made where one is needed and none is given.
        steer: Whether searches may be steered from it; asks for a token.
        browser: Whether to open a browser where there is one.

    Raises:
        ConfigError: No such folder, a port in use, a token that is too short, a missing extra; one line.
    """
    root = folder_to_serve(folder)
    listening = bound(host, port)
    try:
        access = granted(host, listening.getsockname()[1], token, steer)
        link = link_to(host, listening.getsockname()[1], access)

        def started() -> None:
            print(f"{one_line(root)}: {link}", flush=True)
            if access.token is not None:
                print("the link holds the token: whoever has it can read these runs", flush=True)
            if steer:
                print("and steer them", flush=True)
            if not is_loopback(host):
                print("over plain HTTP: others on the network can read along", flush=True)
            print("Ctrl-C ends it", flush=True)
            if browser and wants_browser():
                threading.Thread(target=_open, args=(link,), daemon=True).start()

        server = made(root, access, started)
        os.nice(BEHIND)
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        print()  # behind the terminal's ^C
    finally:
        listening.close()
    return 0


def folder_to_serve(folder: Path) -> Path:
    """The folder, resolved.

    Raises:
        ConfigError: There is none.
    """
    try:
        found = folder.expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise ConfigError(
            f"{folder}: no such folder; give one that holds runs, as `meta-search dashboard runs`"
        ) from None
    found = found.parent if found.is_file() and found.name == "archive.db" else found
    if not found.is_dir() or not os.access(found, os.R_OK | os.X_OK):
        raise ConfigError(f"{folder} is not a folder that can be read")
    return found


def made(root: Path, access: Access, started: Callable[[], None] = lambda: None) -> Server:
    """The server, not yet running.

    Raises:
        ConfigError: The extra is not installed.
    """
    try:
        from meta_search.dashboard.server import Server, application
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "h11", "anyio", "click"):
            raise
        raise ConfigError(
            "`meta-search dashboard` needs the extra dashboard: pip install 'meta-search[dashboard]'"
        ) from error
    return Server(application(root, access), started)


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ConfigError: The port is in use or not allowed, or the host is none of this machine; one line.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]") or LOOPBACK, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except BaseException:
            listening.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} of {host} is in use: choose another --port, or none for a free one"
            ) from error
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot listen on {one_line(host, 80)}, port {port}: {why}") from error
    return listening


def link_to(host: str, port: int, access: Access) -> str:
    """The address to open; with the token where one is asked for."""
    name = host.strip("[]")
    if name in ("0.0.0.0", "::", ""):  # every address of this machine; its name is what others know
        name = socket.gethostname()
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}/" + (f"?token={access.token}" if access.token else "")


def wants_browser() -> bool:
    """Whether a browser can be opened where somebody sees it: not over ssh without a display, nor in a
    script."""
    if not sys.stdout.isatty():
        return False
    if sys.platform == "darwin":
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(link: str) -> None:
    import contextlib
    import webbrowser

    with contextlib.suppress(Exception):  # the address is on the screen
        webbrowser.open(link)
