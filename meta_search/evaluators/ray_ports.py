"""The ports on which processes listen, and what one of them answers to a caller who knows no token.

Standard library only and free of our own imports, so that another account can run it as a script:
`ray_ports.py ADDRESS:PORT …` prints a line of JSON for each.
"""

import contextlib
import json
import os
import socket
import ssl
import struct
import sys
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

__all__ = ["METHODS", "Port", "below", "listening", "reply"]

METHODS = (  # one of each service of Ray that reads or runs something; harmless where it is answered
    *("NodeInfoGcsService/GetAllNodeInfo", "InternalKVGcsService/InternalKVKeys"),
    *("JobInfoGcsService/GetAllJobInfo", "ActorInfoGcsService/GetAllActorInfo"),
    *("NodeManagerService/GetNodeStats", "ObjectManagerService/FreeObjects"),
    *("ObjectManagerService/Pull", "CoreWorkerService/NumPendingTasks", "ReporterService/HealthCheck"),
)
PATIENCE_S = 3.0
UNIMPLEMENTED, UNAUTHENTICATED = "12", "16"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
STREAM = 1  # the call's


class Port(NamedTuple):
    """A socket that takes connections.

    Attributes:
        pid: Process that holds it.
        process: Name of that process.
        address: Of the interface; `0.0.0.0` and `::` are all of them.
        number: Of the port.
    """

    pid: int
    process: str
    address: str
    number: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        return ip_address(self.address).is_loopback


def below(root: int) -> list[int]:
    """A process and all that it started, with theirs."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):  # it has ended meanwhile
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, rest = [root], [root]
    while rest:
        new = children.get(rest.pop(), [])
        found += new
        rest += new
    return found


def listening(pids: Iterable[int]) -> list[Port]:
    """The TCP ports on which processes of this account listen, ordered by process."""
    sockets = dict(_listening_sockets())
    found = []
    for pid in pids:
        for inode in _inodes(pid) & sockets.keys():
            found.append(Port(pid, _name(pid), *sockets[inode]))
    return sorted(found)


def _listening_sockets() -> Iterator[tuple[str, tuple[str, int]]]:
    """Inode of each listening socket of this network namespace, with its address and port."""
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in _read(f"/proc/net/{table}").splitlines()[1:]:
            fields = line.split()
            if fields[3] != "0A":  # LISTEN
                continue
            packed, port = fields[1].split(":")
            words = [int(packed[i : i + 8], 16) for i in range(0, len(packed), 8)]
            address = socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))
            yield fields[9], (address.removeprefix("::ffff:"), int(port, 16))


def _inodes(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                link = os.readlink(entry.path)
                if link.startswith("socket:["):
                    found.add(link[8:-1])
    return found


def _name(pid: int) -> str:
    """The title of a process, or its program: Ray's Python processes have titles."""
    words = _read(f"/proc/{pid}/cmdline").split("\0")
    title = words[0]
    return Path(title).name if title.startswith("/") else title.strip()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def reply(
    address: str,
    port: int,
    token: str = "",
    methods: Iterable[str] = METHODS,
    tls: ssl.SSLContext | None = None,
) -> str:
    """What a port answers to somebody who has read no file of ours.

    Args:
        address: Of the interface; one that stands for all is asked on loopback.
        port: Its number.
        token: Sent along, if there is one.
        methods: gRPC methods to ask for until one is served.
        tls: With which certificate; `None` tries without TLS and then with it, without a certificate.

    Returns:
        `refused` where a token is asked for, `hangs up` where the connection ends without an answer or none
        comes, `metrics` where these are all there is to see, `unreachable`, or `open: …` with what was
        answered.
    """
    where = ({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address), port)
    stranger = ssl.create_default_context()
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    try:
        if tls is None and (answered := _http(where, token)):
            return answered
    except (ConnectionRefusedError, socket.gaierror):
        return "unreachable"
    except OSError:
        pass  # a server of HTTP/2 or TLS hangs up on HTTP/1
    for way in (None, stranger) if tls is None else (tls,):
        with contextlib.suppress(OSError):
            return _grpc(where, token, methods, way)
    return "hangs up"


def _grpc(where: tuple[str, int], token: str, methods: Iterable[str], tls: ssl.SSLContext | None) -> str:
    for method in methods:
        status = _grpc_status(where, f"/ray.rpc.{method}", token, tls)
        if status == UNAUTHENTICATED:
            return "refused"
        if status != UNIMPLEMENTED:
            return f"open: {method} ended with gRPC status {status}"
    return "open: serves none of the methods asked for"


def _http(where: tuple[str, int], token: str) -> str:
    """What a server of HTTP/1 answers; `""` where none does."""
    said = f"Authorization: Bearer {token}\r\n" if token else ""
    with socket.create_connection(where, PATIENCE_S) as connection:
        connection.sendall(f"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{said}\r\n".encode())
        words = connection.recv(4096).split(b" ")
    if not words[0].startswith(b"HTTP/1") or len(words) < 2:
        return ""
    status = words[1].decode(errors="replace")
    return {"401": "refused", "403": "refused", "200": "metrics"}.get(status, f"open: HTTP status {status}")


def _connected(where: tuple[str, int], tls: ssl.SSLContext | None) -> socket.socket:
    connection = socket.create_connection(where, PATIENCE_S)
    if tls is None:
        return connection
    tls.set_alpn_protocols(["h2"])
    return tls.wrap_socket(connection, server_hostname=where[0])


def _grpc_status(where: tuple[str, int], path: str, token: str, tls: ssl.SSLContext | None = None) -> str:
    """The gRPC status of one empty call."""
    with _connected(where, tls) as connection, connection.makefile("rb") as stream:
        connection.sendall(PREFACE + _frame(SETTINGS) + _call(path, token))
        while True:
            head = stream.read(9)
            if len(head) < 9:
                raise ConnectionResetError("closed")
            kind, flags = head[3], head[4]
            body = stream.read(int.from_bytes(head[:3], "big"))
            if kind in (SETTINGS, PING) and not flags & ACK:
                connection.sendall(_frame(kind, ACK, 0, body if kind == PING else b""))
            if kind in (RESET, GOAWAY):
                raise ConnectionResetError("ended")
            if kind == HEADERS and flags & END_STREAM and head[5:] == STREAM.to_bytes(4, "big"):
                # gRPC writes this header in full: its name, a byte for the length, the number in digits.
                value = body.partition(b"grpc-status")[2]
                return value[1 : 1 + value[0]].decode() if value else "unknown"


def _call(path: str, token: str) -> bytes:
    """Frames of a call with an empty message; headers as literals (RFC 7541), POST and http by index."""
    fields = b"\x83\x86" + b"\x04" + _text(path) + b"\x01" + _text("ray")
    fields += b"\x00" + _text("te") + _text("trailers")
    fields += b"\x00" + _text("content-type") + _text("application/grpc")
    if token:
        fields += b"\x00" + _text("authorization") + _text(f"Bearer {token}")
    return _frame(HEADERS, END_HEADERS, STREAM, fields) + _frame(DATA, END_STREAM, STREAM, bytes(5))


def _text(value: str) -> bytes:
    assert len(value) < 127
    return bytes([len(value)]) + value.encode()


def _frame(kind: int, flags: int = 0, stream: int = 0, body: bytes = b"") -> bytes:
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


def main() -> None:
    """Ask each port that was named."""
    for where in sys.argv[1:]:
        address, _, port = where.rpartition(":")
        print(json.dumps([where, reply(address, int(port))]))


if __name__ == "__main__":
    main()
