"""US dollars as people write them."""

from __future__ import annotations

import math

__all__ = ["plain_usd", "usd_text"]

LEAST_PLAIN = 1e-9  # below it, zeros are harder to count than an exponent is to read


def usd_text(usd: float) -> str:
    """US dollars to two significant digits below one dollar; a dash for nothing."""
    return f"${plain_usd(usd)}" if usd else "-"


def plain_usd(usd: float) -> str:
    """As `usd_text`, without the sign of the currency: `12.35`, `0.012`, `-0.0000017`."""
    size = abs(usd)
    if size >= 1 or not size:
        return f"{usd:,.2f}"
    if size < LEAST_PLAIN:
        return f"{usd:.1e}"
    return f"{usd:.{1 - math.floor(math.log10(size))}f}".rstrip("0").rstrip(".")
