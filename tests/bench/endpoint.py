"""`CountingEndpoint` in a process of its own, so that its CPU is not counted as the engine's.

`python -m tests.bench.endpoint LOW HIGH STORM` serves with latencies drawn evenly from LOW..HIGH seconds (by
the request's ordinal, so every run has the same) and fails a share STORM of the requests in all
ways it knows. It prints its URL, and its books for every line it reads.

What it answers depends on the request alone: three of four sums come out right, the same ones in every run.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["Books", "Endpoint"]


@dataclass(frozen=True, slots=True)
class Books:
    """What the endpoint saw.

    Attributes:
        calls: Requests that arrived. most: at most so many in flight. busy: so many on average, in the span.
        span_s: From the first request's arrival to the last answer. served_s: Sum of the latencies.
        repeated: Requests that were sent more than once, body for body.
        first: When the first one arrived, by the system's monotonic clock; `None` before.
        tokens: Of prompts and answers together.
        outcomes: `ok`, or how it failed -> requests.
        sent: Messages and seed -> requests with them.
    """

    calls: int
    most: int
    busy: float
    span_s: float
    served_s: float
    repeated: int
    first: float | None
    tokens: int
    outcomes: dict[str, int]
    sent: dict[str, int]


class Endpoint:
    """The process, from the measuring side."""

    def __init__(self, low_s: float, high_s: float, storm: float = 0.0) -> None:
        options = (str(low_s), str(high_s), str(storm))
        self._command = [sys.executable, "-m", "tests.bench.endpoint", *options]

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
        return Books(**json.loads(self._ask("books")))

    def calls(self) -> int:
        """Requests that arrived so far; much cheaper than the books."""
        return int(self._ask("calls"))

    def _ask(self, what: str) -> str:
        assert self._process.stdin is not None
        print(what, file=self._process.stdin, flush=True)
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """A sum, right in three of four cases; in every field where a schema is asked for."""
    numbers = re.findall(r"sells (\d+) loaves and (\d+)", messages[-1]["content"])
    mark = zlib.crc32(json.dumps([messages, body.get("seed")], sort_keys=True).encode())
    text = str(sum(map(int, numbers[-1]))) if numbers and mark % 4 else "0"
    wanted = (body.get("response_format") or {}).get("json_schema")
    return json.dumps(dict.fromkeys(wanted["schema"].get("properties", {}), text)) if wanted else text


def books(served: Any, latency_s: Mapping[int, float]) -> dict[str, Any]:
    requests = list(served.requests)
    bodies = {json.dumps(request.body, sort_keys=True) for request in requests}
    span = max(r.end for r in requests) - min(r.start for r in requests) if requests else 0.0
    return {
        "calls": served.calls,
        "most": served.max_in_flight,
        "busy": sum(r.end - r.start for r in requests) / span if span else 0.0,
        "span_s": span,
        "served_s": sum(latency_s[index] for index in range(served.calls)),
        "repeated": len(requests) - len(bodies),
        "first": min((r.start for r in requests), default=None),
        "tokens": served.prompt_tokens + served.completion_tokens,
        "outcomes": Counter(request.outcome for request in requests),
        "sent": Counter(json.dumps([r.messages, r.body.get("seed")]) for r in requests if r.body),
    }


class _Latencies(dict[int, float]):
    def __init__(self, low_s: float, high_s: float) -> None:
        super().__init__()
        self._range = low_s, high_s

    def __missing__(self, index: int) -> float:
        self[index] = random.Random(index).uniform(*self._range)
        return self[index]


def main(low_s: float, high_s: float, storm: float) -> None:
    from meta_search.testing import CountingEndpoint, Fault

    kinds = (
        *(Fault(status=429), Fault(status=429, retry_after=0.2), Fault(status=500), Fault(status=503)),
        *(Fault("hang"), Fault("reset"), Fault("bad_json"), Fault("truncated"), Fault("cut")),
        *(Fault("empty"), Fault("filter")),
    )

    def fault(index: int, body: Mapping[str, Any]) -> Fault | None:
        chance = random.Random(f"storm {index}")
        return chance.choice(kinds) if chance.random() < storm else None

    latency_s = _Latencies(low_s, high_s)
    with CountingEndpoint(answer, latency_s=latency_s.__getitem__, faults=fault) as served:
        print(served.base_url, flush=True)
        for line in sys.stdin:
            wanted = served.calls if line.strip() == "calls" else books(served, latency_s)
            print(json.dumps(wanted), flush=True)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:4]))
