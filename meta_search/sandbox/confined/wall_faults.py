"""Why children could not be confined: a fault of ours, which must not be laid to the agent."""

from __future__ import annotations

import contextlib
import json
import os

from meta_search.sandbox.confined.confine import LayerError

__all__ = ["WallFaults"]

MAX_LINE = 1000  # bytes; less than what a pipe takes at once


class WallFaults:
    """A pipe on which children report, until they are confined.

    Attributes:
        sink: The end that a child writes to; it closes it before it gets its job.
    """

    def __init__(self) -> None:
        self._source, self.sink = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._known: dict[int, str] = {}

    def report(self, number: int, error: LayerError) -> None:
        """Tell the zygote; in the child with this number."""
        layer, why = error.args
        line = f"the layer {layer}, which worked before: {why}" if layer else str(why)
        os.write(self.sink, json.dumps([number, line[: MAX_LINE // 8]]).encode() + b"\n")

    def of(self, number: int) -> str:
        """Why a child that has ended could not be confined; empty if it could."""
        with contextlib.suppress(BlockingIOError):
            for line in os.read(self._source, 65536).splitlines():
                who, why = json.loads(line)
                self._known[who] = why
        return self._known.pop(number, "")
