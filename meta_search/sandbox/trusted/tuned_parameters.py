"""Checks the parameters that an agent's process declares (`self.tune`), and turns them into frozen values."""

from __future__ import annotations

import math
from typing import Any

from meta_search.sandbox.trusted.message_fields import MAX_NAME, checked_text, fail, number, text
from meta_search.types import Parameter, Scalar

__all__ = ["read_parameters"]

MAX_PARAMETERS = 64


def read_parameters(rows: Any) -> tuple[Parameter, ...]:
    """Parse the parameters of a final message.

    Args:
        rows: The field of the message; `None` if it is missing.

    Raises:
        ProtocolError: They are malformed, or more than `MAX_PARAMETERS`.
    """
    if rows is None:
        return ()
    if not isinstance(rows, list) or len(rows) > MAX_PARAMETERS:
        fail(f"more than {MAX_PARAMETERS} tuned parameters")
    return tuple(_parameter(row) for row in rows)


def _parameter(row: Any) -> Parameter:
    if not isinstance(row, dict) or row.get("kind") not in ("int", "float", "choice"):
        fail("space")
    choices = row.get("choices") or []
    if not isinstance(choices, list) or len(choices) > MAX_PARAMETERS:
        fail("space")
    bounds = [None if row.get(key) is None else number(row, key, 0.0) for key in ("low", "high")]
    return Parameter(
        text(row, "name", MAX_NAME),
        row["kind"],
        _scalar(row.get("default")),
        bounds[0],
        bounds[1],
        tuple(_scalar(choice) for choice in choices),
    )


def _scalar(value: Any) -> Scalar:
    if isinstance(value, str):
        return checked_text(value, "space", 10_000)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < 2**63 and math.isfinite(value):
        return value
    return fail("space")
