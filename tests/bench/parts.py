"""CPU by part of a run: who spent it, per LLM call, between the first call and the last answer."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

from tests.bench.row import family

__all__ = ["Parts"]

EVERY_S = 0.4


class Parts:
    """Looks at all processes below this one while it is entered."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, Counter[str]]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="bench-parts", daemon=True)

    def __enter__(self) -> Parts:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def per_call(self, first: float, span_s: float, calls: int) -> dict[str, float]:
        """Part -> CPU milliseconds per call, in the span that began at `first` of the monotonic clock."""
        start: Counter[str] = Counter()
        end: Counter[str] = Counter()
        for at, cpu in self._seen:
            start = cpu if at <= first else start
            end |= cpu  # the most that was seen: a process that has ended is seen no more
            if at >= first + span_s:
                break
        spent = {part: (end[part] - start[part]) / calls * 1000 for part in end}
        return {part: ms for part, ms in sorted(spent.items(), key=lambda p: -p[1]) if ms >= 0.005}

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            self._seen.append((time.monotonic(), _cpu_by_part()))
        self._seen.append((time.monotonic(), _cpu_by_part()))


def _cpu_by_part() -> Counter[str]:
    found: Counter[str] = Counter()
    names: dict[int, str] = {}
    for pid in [os.getpid(), *family(os.getpid())]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            name = names[pid] = _part(pid, names.get(int(fields[1]), ""))
        except (OSError, IndexError):  # It ended between the opening and the reading.
            continue
        own, ended = (sum(map(int, fields[i : i + 2])) / os.sysconf("SC_CLK_TCK") for i in (11, 13))
        found[name] += own
        if name == "zygote":
            found["agents"] += ended
    return found


def _part(pid: int, parent: str) -> str:
    if pid == os.getpid():
        return "driver"
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    if "tests.bench.endpoint" in command:
        return "endpoint"
    if command.startswith("ray::"):
        files = (os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink())
        return "gateway" if any("archive.db" in file for file in files) else "brokers"
    if "zygote" in command:
        return "agents" if parent in ("zygote", "agents") else "zygote"
    return "Ray"
