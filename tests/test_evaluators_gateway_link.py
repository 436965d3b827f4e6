"""The link between workers and the gateway's process, over a real socket."""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from meta_search.errors import MetaSearchError
from meta_search.evaluators import gateway_link
from meta_search.evaluators.gateway_link import PROOF, GatewayLink, GatewayLinkServer, _FramedProtocol
from tests.kits.certificates import certificates

SECRET = b"known to both ends"
PATIENCE_S = 10.0


async def echo(request: Any) -> Any:
    return request


def talk(
    answer: Callable[[Any], Awaitable[Any]],
    talk: Callable[[GatewayLinkServer, tuple[str, int]], Awaitable[None]],
    tls: bool = False,
) -> None:
    """Open a server on loopback and have `talk` talk to it."""

    async def main() -> None:
        server = GatewayLinkServer(answer, SECRET)
        port = await server.open("127.0.0.1", tls)
        async with asyncio.timeout(PATIENCE_S):
            await talk(server, ("127.0.0.1", port))
            server.close()
            while server.connections:
                await asyncio.sleep(0)

    asyncio.run(main())


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the other end hung up rather than sent something."""
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


def test_transports_of_other_event_loops_are_taken() -> None:
    """Ray takes uvloop where that is installed; its transports inherit from nothing of asyncio."""

    class Foreign:
        closing = False

        def is_closing(self) -> bool:
            return self.closing

        def abort(self) -> None:
            self.closing = True

    async def connect() -> None:
        frames = _FramedProtocol(SECRET)
        frames.connection_made(cast(asyncio.Transport, Foreign()))
        assert not frames.transport.is_closing()

    asyncio.run(connect())


def test_answers_find_their_requests_whatever_their_order_and_size() -> None:
    gates = [asyncio.Event() for _ in range(3)]

    async def answer(request: tuple[int, bytes]) -> tuple[int, int]:
        number, body = request
        if number:
            await gates[number].wait()  # the second waits for the first, the third for the second
        if number + 1 < len(gates):
            gates[number + 1].set()
        return number, len(body)

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        link = GatewayLink(address, SECRET)
        asked = [
            asyncio.create_task(link.call((n, b"x" * size))) for n, size in [(2, 0), (1, 5_000_000), (0, 1)]
        ]
        assert await asyncio.gather(*asked) == [(2, 0), (1, 5_000_000), (0, 1)]

    talk(answer, ask)


def test_a_fault_of_the_server_is_told_and_the_line_goes_on() -> None:
    async def answer(request: int) -> int:
        return 10 // request

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        link = GatewayLink(address, SECRET)
        with pytest.raises(RuntimeError, match="ZeroDivisionError: integer division"):
            await link.call(0)
        assert await link.call(5) == 2

    talk(answer, ask)


def test_who_does_not_know_the_secret_is_cut_off_before_anything_is_read() -> None:
    seen = []

    async def answer(request: Any) -> None:
        seen.append(request)

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        with pytest.raises(ConnectionError):
            await GatewayLink(address, b"guessed").call("hello")
        reader, writer = await asyncio.open_connection(*address)
        assert len(await reader.readexactly(PROOF)) == PROOF
        writer.write(b"\0" * (2 * PROOF) + b"\0\0\0\4junk")
        assert await ended(reader)
        writer.close()

    talk(answer, ask)
    assert seen == []


def test_challenges_differ() -> None:
    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        challenges = set()
        for _ in range(2):
            reader, writer = await asyncio.open_connection(*address)
            challenges.add(await reader.readexactly(PROOF))
            writer.close()
        assert len(challenges) == 2, "an overheard proof is worth nothing"

    talk(echo, ask)


def test_a_lost_connection_is_made_again_and_what_waited_is_asked_again() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def answer(request: str) -> str:
        begun.set()
        await go.wait()
        return request

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        link = GatewayLink(address, SECRET)
        asked = asyncio.create_task(link.call("again"))
        await begun.wait()
        for connection in list(server.connections):
            connection.abort()
        go.set()
        assert await asked == "again"

    talk(answer, ask)


def test_a_lost_server_fails_what_waits_and_what_comes() -> None:
    begun = asyncio.Event()

    async def hang(request: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        link = GatewayLink(address, SECRET)
        asked = asyncio.create_task(link.call(1))
        await begun.wait()
        server.close()
        with pytest.raises(OSError):
            await asked
        with pytest.raises(OSError):
            await link.call(2)

    talk(hang, ask)


def test_a_call_whose_asker_went_away_is_answered_to_the_end() -> None:
    begun, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer(request: str) -> str:
        if request == "wait":
            begun.set()
            await go.wait()
            done.set()
        return request

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        link = GatewayLink(address, SECRET)
        asked = asyncio.create_task(link.call("wait"))
        await begun.wait()
        asked.cancel()
        go.set()
        await done.wait()
        assert await link.call("next") == "next", "the late answer disturbs nobody"

    talk(answer, ask)


class Bomb:
    """Runs something where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exploded.append, ("unpickled",)


exploded: list[str] = []


def test_a_worker_reads_nothing_of_somebody_who_took_the_gateway_s_port() -> None:
    """It did: what a worker had not asked for, unpickled, from whoever listened where it had been."""
    frame = pickle.dumps((1, Bomb(), None))
    bomb = len(frame).to_bytes(4, "big") + frame
    told: list[bytes] = []

    async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = os.urandom(PROOF)
        writer.write(mine)
        challenge, proof = await reader.readexactly(PROOF), await reader.readexactly(PROOF)
        told.append(challenge + proof)
        for answer in {0: [b"\0" * PROOF], 1: [proof], 2: [challenge]}[len(told) - 1]:
            writer.write(answer + bomb)
        assert await ended(reader)
        writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(impostor, "127.0.0.1", 0)
        async with asyncio.timeout(PATIENCE_S):
            link = GatewayLink(server.sockets[0].getsockname()[:2], SECRET)
            with pytest.raises(ConnectionError):
                await link.call("hello")
        server.close()

    asyncio.run(ask())
    assert len({*told}) == 3
    assert exploded == []


def test_an_overheard_proof_opens_nothing() -> None:
    """Neither in another connection, nor sent back to where it came from."""

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        heard: list[bytes] = []

        async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Passes a worker's handshake on to the gateway, and listens."""
            theirs, to = await asyncio.open_connection(*address)
            writer.write(await theirs.readexactly(PROOF))
            heard.append(await reader.readexactly(2 * PROOF))
            to.write(heard[0])
            heard.append(await theirs.readexactly(PROOF))
            to.close()
            writer.transport.abort()

        passing = await asyncio.start_server(between, "127.0.0.1", 0)
        link = GatewayLink(passing.sockets[0].getsockname()[:2], SECRET)
        with pytest.raises(ConnectionError):
            await link.call("hello")
        passing.close()
        for again in (heard[0], heard[0][:PROOF] + heard[1], heard[1] + heard[0][PROOF:]):
            reader, writer = await asyncio.open_connection(*address)
            await reader.readexactly(PROOF)
            writer.write(again)
            assert await ended(reader)
            writer.close()

    talk(echo, ask)


# -- between the nodes of a cluster with TLS


@pytest.fixture
def in_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ray's certificates, in the environment as Ray's processes have them."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make certificates with")
    for name, value in certificates(tmp_path, "127.0.0.1").items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_in_a_cluster_with_tls_the_link_is_encrypted(in_tls: Path) -> None:
    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        assert await GatewayLink(address, SECRET, tls=True).call("over TLS") == "over TLS"
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"\0" * PROOF)
        alert = b"\x15\x03\x01\x00\x02\x02\x46"
        assert await reader.read(PROOF) in (b"", alert), "no challenge"
        writer.close()

    talk(echo, ask, tls=True)


def test_a_certificate_of_another_authority_opens_nothing(
    in_tls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    async def answer(request: Any) -> None:
        seen.append(request)

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        (other := in_tls / "other").mkdir()
        theirs = certificates(other, "127.0.0.1")
        for name in ("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY"):
            monkeypatch.setenv(name, theirs[name])
        with pytest.raises(OSError):
            await GatewayLink(address, SECRET, tls=True).call("under a certificate that is not known")
        for name, value in theirs.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(ssl.SSLError):
            await GatewayLink(address, SECRET, tls=True).call("to a server whose certificate is not known")

    talk(answer, ask, tls=True)
    assert seen == []


def test_tls_without_certificates_is_told(in_tls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TLS_CA_CERT", str(in_tls / "nowhere"))
    with pytest.raises(MetaSearchError, match="certificates cannot be used"):
        talk(echo, None, tls=True)  # type: ignore[arg-type]
    monkeypatch.delenv("RAY_TLS_CA_CERT")
    with pytest.raises(MetaSearchError, match=r"needs \$RAY_TLS_CA_CERT"):
        talk(echo, None, tls=True)  # type: ignore[arg-type]


def test_strangers_are_bounded_in_number_and_keep_no_worker_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_link, "MOST_STRANGERS", 20)

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        known = GatewayLink(address, SECRET)
        assert await known.call("before") == "before"
        strangers = [await asyncio.open_connection(*address) for _ in range(60)]
        assert await GatewayLink(address, SECRET).call("a worker") == "a worker"
        assert await known.call("after") == "after"
        assert len(server.strangers) <= 20
        while len(server.connections) > 22:
            await asyncio.sleep(0)
        for _, writer in strangers:
            writer.close()

    talk(echo, ask)


def test_who_proves_nothing_in_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_link, "PROOF_S", 0.05)

    async def ask(server: GatewayLinkServer, address: tuple[str, int]) -> None:
        known = GatewayLink(address, SECRET)
        assert await known.call("before") == "before"
        reader, writer = await asyncio.open_connection(*address)
        await reader.readexactly(PROOF)
        writer.write(b"\0" * (2 * PROOF - 1))
        assert await ended(reader)
        writer.close()
        assert await known.call("after") == "after"
        assert (len(server.connections), len(server.strangers)) == (1, 0)

    talk(echo, ask)
