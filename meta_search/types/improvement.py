"""Expected improvement: by how much something uncertain is expected to be better than the best."""

from __future__ import annotations

import math

__all__ = ["expected_improvement"]


def expected_improvement(ahead: float, sd: float) -> float:
    """E max(0, x) of a normal x (Mockus 1975; Jones, Schonlau and Welch 1998, section 4.1).

    Args:
        ahead: Mean of x, by how much it is ahead of the best.
        sd: Its standard deviation, more than 0.
    """
    z = ahead / sd
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return sd * (density + z * 0.5 * math.erfc(-z / math.sqrt(2)))
