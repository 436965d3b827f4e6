"""Connections of the page's server that nobody can hold for nothing: who says no whole request in time, or
does not take what was answered, is let go; where there are too many, who has been silent longest."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["IDLE_S", "Connection"]

IDLE_S = 30.0  # without an answer under way: for a whole head, and between requests
TAKE_S = 30.0  # in which whoever reads takes at least
LEAST = 100_000  # bytes


class Connection(H11Protocol):
    """As uvicorn's, whose clock stops with the first byte of a request."""

    since = 0.0
    _silence: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no answer is under way."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        most = self.limit_concurrency
        if most is not None and len(self.connections) >= most - 1:
            idle = [c for c in self.connections if isinstance(c, Connection) and c.is_idle]
            if idle:
                oldest = min(idle, key=lambda connection: connection.since)
                oldest.transport.abort()
                self.connections.discard(oldest)
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._silence, self._taking):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._wait()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _wait(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        self.since = self.loop.time()
        self._silence = self.loop.call_later(IDLE_S, self._silent)

    def _silent(self) -> None:
        if self.is_idle:
            self.transport.abort()

    def _watch(self, left: int) -> None:
        self._taking = self.loop.call_later(TAKE_S, self._looked, left)

    def _looked(self, left: int) -> None:
        now = self.transport.get_write_buffer_size()
        if now > left - LEAST:
            self.transport.abort()
        else:
            self._watch(now)
