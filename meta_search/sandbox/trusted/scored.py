"""What a confined scorer says of an answer, and what it took."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["OverWork", "Scored", "Work"]


@dataclass(frozen=True, slots=True)
class Scored:
    """What a scorer says of an answer.

    Attributes:
        value: The score, 0..1.
        feedback: What it says beyond the score; of one that failed, a line on how.
        failed: Whether the scorer ended without a score; `value` is then 0.
        kind: Why it did: `raised` for an exception of the scorer, or the fault of a call that it made (as in
            `CallReply`); `""` for anything else.
        cpu_s: CPU seconds that it took, its programs' included.
        seconds: Wall seconds that its processes worked.
    """

    value: float
    feedback: str = ""
    failed: bool = False
    kind: str = ""
    cpu_s: float = field(default=0.0, compare=False)
    seconds: float = field(default=0.0, compare=False)


@dataclass(slots=True)
class Work:
    """CPU seconds of one answer's programs, and the most that they may use together."""

    most_s: float
    cpu_s: float = 0.0


class OverWork(Exception):
    """One answer's programs have used more CPU than they may together."""
