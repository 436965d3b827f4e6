"""The page's server: routes, and what they answer. With `connections` the only importer of Starlette and
uvicorn (extra `dashboard`), itself imported by `meta-search dashboard` alone.

Nothing is written but by one thing: `POST …/steer` leaves a request in a run's folder, for the search to take
in.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from meta_search.dashboard import registry
from meta_search.dashboard.access import Access, Asked, Refused
from meta_search.dashboard.asking import Asking, encoded, packed
from meta_search.dashboard.assets import INDEX, assets
from meta_search.dashboard.connections import Connection
from meta_search.dashboard.headers import NONCE, data_headers, file_headers, new_nonce, page_headers
from meta_search.dashboard.places import run_folder
from meta_search.dashboard.stream import Streams
from meta_search.errors import ArchiveError

__all__ = ["Server", "application"]

MOST_PATH = 4_000  # characters of a path, as of its query
MOST_BODY = 600_000  # bytes of a post: an agent's source may be half a megabyte
BODY_S = 20.0
MOST_CONNECTIONS = 300
IDLE_EVERY_S = 30.0
STEER = ("command", "limit", "value", "text", "source", "name", "agent")
LOW = "utf-8"


@dataclass(frozen=True, slots=True)
class Target:
    """What of a run is asked for: `/api/run/RUN/NAME` or `/api/run/RUN/NAME/WHICH`."""

    run: str
    name: str
    which: str | None = None


def application(
    root: Path, access: Access, asking: Asking | None = None, streams: Streams | None = None
) -> Starlette:
    """The ASGI application.

    Args:
        root: The folder that is served, resolved.
        access: What requests must bring.
        asking: Asks the views; one of its own if not given.
        streams: Tells of changes; likewise.
    """
    answers = _Answers(root, access, asking or Asking(root), streams or Streams())
    route = Route("/{path:path}", answers.answer, methods=["GET", "HEAD", "POST"])
    handlers: Any = {HTTPException: _not_taken, Exception: _failed}
    app = Starlette(routes=[route], lifespan=answers.lifespan, exception_handlers=handlers)
    app.state.answers = answers
    return app


class Server(uvicorn.Server):
    """Serves an application on a socket, ends its streams first when it is told to end, and tells when it
    answers.

    Args:
        app: As `application` makes it.
        started: Called once it answers.
    """

    def __init__(self, app: Starlette, started: Callable[[], None] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="on",
                loop="asyncio",
                http=Connection,
                ws="none",
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=3,
                h11_max_incomplete_event_size=32_768,
            )
        )
        self._answers: _Answers = app.state.answers
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._answers.streams.close()
        await super().shutdown(sockets=sockets)


class _Answers:
    """Answers requests. Belongs to one event loop."""

    def __init__(self, root: Path, access: Access, asking: Asking, streams: Streams) -> None:
        self.root, self.access, self.asking, self.streams = root, access, asking, streams
        self._assets = assets()

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """While the server runs: what nobody asks is closed from time to time, and all at the end."""
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, registry.preload)
        task = loop.create_task(self._tidy())
        try:
            yield
        finally:
            task.cancel()
            self.streams.close()
            self.streams.shut()
            self.asking.close()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(IDLE_EVERY_S)
            self.asking.close_idle()

    async def answer(self, request: Request) -> Response:
        """One request, whatever it is."""
        try:
            raw = _raw_path(request)
            asked = Asked(
                request.method,
                unquote(raw),
                request.scope["query_string"].decode("latin-1"),
                {name.lower(): value for name, value in request.headers.items()},
            )
            self.access.check(asked)
            if request.method != "POST" and not raw.startswith("/api/"):
                cookie = self.access.cookie_of(asked)
                return _kept(cookie, asked) if cookie else self._file(raw, asked)
            return await self._api(request, raw, asked)
        except Refused as refused:
            return _error(refused.status, str(refused))
        except ClientDisconnect:
            return Response(status_code=400)

    async def _api(self, request: Request, raw: str, asked: Asked) -> Response:
        parts = raw.removeprefix("/api/").split("/")
        query = parse_qs(asked.query, keep_blank_values=True, max_num_fields=60)
        query.pop("token", None)
        if request.method == "POST":
            return await self._steer(request, _target(parts, self._is_run))
        if parts == ["runs"]:
            body = await self.asking.answer(self._runs, "runs")
        elif parts == ["compare"]:
            named = query.get("run", [])
            body = await self._patiently(request, self.asking.answer(lambda: self._compare(named), "compare"))
        elif parts[0] == "run":
            target = _target(parts, self._is_run)
            if target.name == "stream":
                return self._stream(target.run)
            asking = self.asking.of_run(target.name, target.run, query, target.which)
            body = await self._patiently(request, asking)
        else:
            raise Refused(404, "no such address: /api/runs, /api/compare and /api/run/… are there")
        body, more = packed(body, asked.headers.get("accept-encoding", ""))
        return Response(body, headers={**data_headers(), **more})

    async def _patiently(self, request: Request, work: Any) -> bytes:
        """Work that is given up where whoever asked has left."""
        task = asyncio.ensure_future(work)
        leave = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait({task, leave}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                task.cancel()
                raise ClientDisconnect
            found: bytes = task.result()
            return found
        finally:
            leave.cancel()
            task.cancel()

    def _is_run(self, run: str) -> bool:
        try:
            return bool(run_folder(self.root, run))
        except ArchiveError:
            return False

    def _runs(self) -> bytes:
        from meta_search.dashboard.views.runs import runs

        return encoded(runs(self.root, self.access.steer))

    def _compare(self, named: list[str]) -> bytes:
        from meta_search.dashboard.views.compare import compare

        return encoded(compare(self.root, named, self.asking.lent))

    def _stream(self, run: str) -> Response:
        try:
            folder = run_folder(self.root, run)
        except ArchiveError as error:
            raise Refused(404, str(error)) from error
        headers = {**data_headers("text/event-stream"), "x-accel-buffering": "no"}
        return StreamingResponse(self.streams.listen(folder), headers=headers)

    async def _steer(self, request: Request, target: Target) -> Response:
        if target.name != "steer" or target.which is not None:
            raise Refused(404, "nothing else than /api/run/ID/steer takes a post")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(400, "a post holds JSON: Content-Type: application/json")
        command = _command(await _body(request))
        who = f"the page, from {request.client.host if request.client else 'here'}"

        def work() -> bytes:
            from importlib import import_module

            folder = run_folder(self.root, target.run)
            try:
                steering = import_module("meta_search.run.steering")
            except ModuleNotFoundError as error:
                raise registry.NotBuilt("this version cannot steer") from error
            return encoded({"id": steering.ask(folder, command, who)})

        body = await self.asking.answer(work, f"steer {target.run}")
        self.asking.changed()
        return Response(body, 202, headers=data_headers())

    def _file(self, raw: str, asked: Asked) -> Response:
        name = unquote(raw).removeprefix("/") or INDEX
        asset = self._assets.get(name)
        if not self._assets and name == INDEX:
            text = "the page was not built into this installation; the JSON below /api/ is there\n"
            return Response(text, headers=data_headers("text/plain; charset=utf-8"))
        if asset is None:
            raise Refused(404, "no such file")
        packs = "gzip" in asked.headers.get("accept-encoding", "") and asset.packed
        if name == INDEX:
            nonce = new_nonce()
            return Response(asset.plain.replace(NONCE.encode(), nonce.encode()), headers=page_headers(nonce))
        headers = file_headers(asset.kind, asset.tag)
        if asset.tag in asked.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        more = {"content-encoding": "gzip"} if packs else {}
        return Response(asset.packed if packs else asset.plain, headers={**headers, **more})


def _raw_path(request: Request) -> str:
    """The path as it came, not decoded.

    Raises:
        Refused: It is too long, or goes where none of ours does.
    """
    raw = request.scope.get("raw_path") or request.scope["path"].encode(LOW)
    if len(raw) > MOST_PATH or len(request.scope["query_string"]) > 3 * MOST_PATH:
        raise Refused(400, "an address that is too long")
    path: str = raw.partition(b"?")[0].decode("latin-1")
    parts = [unquote(part) for part in path.split("/")]
    if parts[1:4] == ["api", "run", "."]:  # the run that the folder itself is
        del parts[3]
    if not path.startswith("/") or not {".", ".."}.isdisjoint(parts) or "\0" in "".join(parts):
        raise Refused(400, "an address with . or .. in it")
    if "\\" in unquote(path):
        raise Refused(400, "an address with a backslash in it")
    return path


def _target(parts: list[str], is_run: Callable[[str], bool]) -> Target:
    """What of a run is meant.

    Args:
        parts: Of a path behind `/api/`, not decoded: an item's id may hold a slash, which comes as %2F; a
            run's id has slashes of its own. The run `.` may be left out, as browsers do.
        is_run: Tells whether there is a run: one may be called as a view is.
    """
    plain = (*registry.OF_A_RUN, "stream", "steer")
    last, which = (parts[-1], None) if len(parts) >= 2 else ("", None)
    run = parts[1:-1]
    about_one = len(parts) >= 3 and parts[-2] in registry.ABOUT_ONE
    if about_one and not (last in plain and is_run("/".join(map(unquote, run)))):
        run, last, which = parts[1:-2], parts[-2], unquote(parts[-1])
    elif last not in plain:
        raise Refused(404, "no such address: /api/run/ID/NAME has the views of a run")
    if any("%2f" in part.lower() for part in run):
        raise Refused(400, "a run's id has its slashes as they are, not as %2F")
    if which is not None and not which.isprintable():
        raise Refused(400, "an id that cannot be printed")
    return Target("/".join(map(unquote, run)) or ".", last, which)


def _command(body: bytes) -> dict[str, Any]:
    """What a post asks for, as far as its form goes; `run.steering` looks at what it means."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON") from None
    if not isinstance(found, dict) or not isinstance(found.get("command"), str):
        raise Refused(400, 'the body is an object with a "command"')
    if unknown := [key for key in found if key not in STEER]:
        raise Refused(400, f"no such key {unknown[0][:40]!r}: there are {', '.join(STEER)}")
    for key, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float if key == "value" else str):
            raise Refused(400, f"{key} must be a {'number' if key == 'value' else 'text'}")
    return found


async def _body(request: Request) -> bytes:
    """The body of a post, within bounds."""
    body = b""
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BODY:
                    raise Refused(400, f"a post holds at most {MOST_BODY:,} bytes")
    except TimeoutError:
        raise Refused(400, f"the body took more than {BODY_S:g} s") from None
    return body


async def _left(request: Request) -> None:
    """Returns when whoever asked has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _kept(cookie: str, asked: Asked) -> Response:
    """Keep the token in a cookie, and go on without it in the address. A page of ours does that, as a browser
    sends no strict cookie along with a redirection that began at another site."""
    to = html.escape(asked.without_token, quote=True)
    text = f'<!doctype html><meta http-equiv="refresh" content="0; url={to}"><a href="{to}">meta-search</a>'
    headers: Mapping[str, str] = {**data_headers("text/html; charset=utf-8"), "set-cookie": cookie}
    return Response(text, headers=headers)


async def _not_taken(request: Request, error: Exception) -> Response:
    return _error(400, "only GET, and POST to steer")


async def _failed(request: Request, error: Exception) -> Response:
    return _error(503, f"the server failed at this ({type(error).__name__})")


def _error(status: int, line: str) -> Response:
    headers = data_headers()
    more = {"www-authenticate": "Bearer"} if status == 401 else {}
    return Response(encoded({"error": line}), status, headers={**headers, **more})
