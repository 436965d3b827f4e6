"""What cannot be perturbed by a rule."""

from __future__ import annotations

__all__ = ["LeftOut"]


class LeftOut(ValueError):
    """An item that a rule leaves out; the message says why, in words that many items share."""
