"""What another account on this machine tries on somebody's Ray: a script, `ray_outsider.py SCENE`.

SCENE is JSON: `ports` as pairs of address and number, `pids`, `folder` of Ray, `homes` that may hold Ray's
own token, and, to have Ray itself try to join, `gcs` as address:port. It prints as JSON what it got, by the
way that it tried.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from meta_search.evaluators.link_tls import AUTHORITY, CERTIFICATE, KEY
from meta_search.evaluators.ray_certificate import certificate
from meta_search.evaluators.ray_ports import METHODS, reply

WRONG = "0" * 64


def read(paths: Iterator[Path] | list[Path]) -> dict[str, str]:
    """The files among these that can be read, with their beginnings."""
    found = {}
    for path in paths:
        with contextlib.suppress(OSError), path.open("rb") as file:
            found[str(path)] = file.read(100_000).decode(errors="replace")
    return found


def walk(folder: str) -> Iterator[Path]:
    for above, folders, files in os.walk(folder):
        yield from (Path(above, name) for name in [*folders, *files])


def sockets(folder: str) -> list[str]:
    """Unix sockets that let one in: those seen in the folder, and those that the kernel lists for it."""
    listed = Path("/proc/net/unix").read_text().split()
    found = []
    for path in {*map(str, walk(folder)), *(word for word in listed if word.startswith(folder))}:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as attempt:
            attempt.connect(path)
            found.append(path)
    return found


def shared_memory(pids: list[int]) -> list[str]:
    """Object stores that can be opened: by name, and through the processes that hold them."""
    found = list(read([path for path in walk("/dev/shm") if "plasma" in path.name]))
    for pid in pids:
        with contextlib.suppress(OSError):
            found += [entry.path for entry in os.scandir(f"/proc/{pid}/map_files")]
        with contextlib.suppress(OSError):
            found += [entry.path for entry in os.scandir(f"/proc/{pid}/fd")]
    return found


def joined(gcs: str) -> list[str]:
    """What Ray itself gets: as one who joins without a token, and with one that is wrong."""
    quick = {"RAY_gcs_rpc_server_reconnect_timeout_s": "2"}  # Ray would try for 40 s
    children = []
    for more in ({"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": WRONG}):
        code = "import sys; from tests.kits.ray_outsider import attempt; print(attempt(sys.argv[1]))"
        command = [sys.executable, "-c", code, gcs]
        children.append(
            subprocess.Popen(
                command,
                env={**os.environ, **quick, **more},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
    return [told.decode() for child in children if (told := child.communicate()[0])]


def attempt(gcs: str) -> str:
    """Read the cluster's keys, its nodes; write one key."""
    from ray._raylet import GcsClient

    client = GcsClient(address=gcs)
    tried: list[Callable[[], Any]] = [
        lambda: client.internal_kv_keys(b"", None, 5),
        lambda: client.internal_kv_put(b"mine", b"mine", True, None, 5),
        lambda: client.get_all_node_info(5),
    ]
    got = []
    for one in tried:
        with contextlib.suppress(Exception):
            got.append(str(one()))
    return " ".join(got)


def own_certificate() -> ssl.SSLContext:
    """What one can make for oneself."""
    made = certificate(Path.home())
    context = ssl.create_default_context(cafile=made[AUTHORITY])
    context.load_cert_chain(made[CERTIFICATE], made[KEY])
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def main() -> None:
    scene = json.loads(sys.argv[1])
    pids, folder = scene["pids"], scene["folder"]
    told = {
        "uid": os.getuid(),
        "token files": read([Path(home, ".ray/auth_token") for home in scene["homes"]]),
        "environments": read([Path(f"/proc/{pid}/environ") for pid in pids]),
        "command lines": read([Path(f"/proc/{pid}/cmdline") for pid in pids]),
        "files": read(walk(folder)),
        "sockets": sockets(folder),
        "shared memory": shared_memory(pids),
        "ports": {
            f"{address}:{number} {token and 'wrong token'} {tls}": reply(address, number, token, METHODS, tls)
            for address, number in scene["ports"]
            for token in ("", WRONG)
            for tls in (None, own_certificate())
        },
        "joined": joined(scene["gcs"]) if "gcs" in scene else [],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
