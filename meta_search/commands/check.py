"""A line of what `meta-search doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Check", "State"]

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor's report.

    Attributes:
        name: What was looked at.
        state: `fail` where no search can run; `warn` where something optional is missing.
        detail: What was found, and what to do about it.
    """

    name: str
    state: State
    detail: str
