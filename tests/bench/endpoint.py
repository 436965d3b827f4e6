"""`CountingEndpoint` in a process of its own, so that its CPU is not counted as the engine's.

`python -m tests.bench.endpoint LOW HIGH` serves with latencies drawn evenly from LOW..HIGH seconds (by the
request's ordinal, so every run has the same). It prints its URL, and its books for every line it reads.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

__all__ = ["Books", "Endpoint"]


@dataclass(frozen=True, slots=True)
class Books:
    """What the endpoint saw.

    Attributes:
        calls: Requests that arrived. most: at most so many in flight.
        span_s: From the first request's arrival to the last answer. served_s: Sum of the latencies.
        repeated: Requests that were sent more than once, body for body.
        first: When the first one arrived, by the system's monotonic clock; `None` before.
        sent: Messages -> requests with them.
    """

    calls: int
    most: int
    span_s: float
    served_s: float
    repeated: int
    first: float | None
    sent: dict[str, int]


class Endpoint:
    """The process, from the measuring side."""

    def __init__(self, low_s: float, high_s: float) -> None:
        self._command = [sys.executable, "-m", "tests.bench.endpoint", str(low_s), str(high_s)]

    def __enter__(self) -> Endpoint:
        self._process = subprocess.Popen(
            self._command,
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.base_url = self._line()
        self.pid = self._process.pid
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def books(self) -> Books:
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        return Books(**json.loads(self._line()))

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def main(low_s: float, high_s: float) -> None:
    from meta_search.testing import CountingEndpoint

    def latency(index: int) -> float:
        return random.Random(index).uniform(low_s, high_s)

    with CountingEndpoint(latency_s=latency) as served:
        print(served.base_url, flush=True)
        for _ in sys.stdin:
            requests = list(served.requests)
            bodies = {json.dumps(request.body, sort_keys=True) for request in requests}
            books = {
                "calls": served.calls,
                "most": served.max_in_flight,
                "span_s": max(r.end for r in requests) - min(r.start for r in requests) if requests else 0.0,
                "served_s": sum(latency(index) for index in range(served.calls)),
                "repeated": len(requests) - len(bodies),
                "first": min((r.start for r in requests), default=None),
                "sent": Counter(json.dumps(request.messages) for request in requests),
            }
            print(json.dumps(books), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
