"""What an agent's process reports at the end: the parameters that it declares, its teams' networks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from meta_search.sandbox.trusted.message_fields import fail
from meta_search.types import Parameter, TeamNetwork

__all__ = ["read_networks", "read_parameters", "size_of"]

MAX_PARAMETERS = 64
MAX_NETWORKS = 8


def read_parameters(rows: Any) -> tuple[Parameter, ...]:
    """Parse the parameters of a final message.

    Args:
        rows: The field of the message; `None` if it is missing.

    Raises:
        ProtocolError: They are malformed, two have one name, or there are more than `MAX_PARAMETERS`.
    """
    rows = [] if rows is None else rows
    if not isinstance(rows, list) or len(rows) > MAX_PARAMETERS:
        fail(f"more than {MAX_PARAMETERS} tuned parameters")
    try:
        found = tuple(map(Parameter.of, rows))
    except ValueError as error:
        fail(f"a tuned parameter: {error}")
    if len({parameter.name for parameter in found}) < len(found):
        fail("two tuned parameters of one name")
    return found


def read_networks(rows: Any) -> tuple[TeamNetwork, ...]:
    """Parse the networks of a final message.

    Args:
        rows: The field of the message; `None` if it is missing.

    Raises:
        ProtocolError: Something in it is no network, or there are more than `MAX_NETWORKS`.
    """
    rows = [] if rows is None else rows
    if not isinstance(rows, list) or len(rows) > MAX_NETWORKS:
        fail(f"more than {MAX_NETWORKS} networks of teams")
    try:
        return tuple(map(TeamNetwork.of, rows))
    except ValueError as error:
        fail(f"a team's network: {error}")


def size_of(reported: Iterable[Parameter | TeamNetwork]) -> int:
    """Bytes of what was reported, as UTF-8."""
    rows = [dataclasses.asdict(row) for row in reported]
    return len(json.dumps(rows, ensure_ascii=False).encode()) if rows else 0
