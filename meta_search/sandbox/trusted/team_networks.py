"""Checks the networks of teams that an agent's process reports, and turns them into frozen values."""

from __future__ import annotations

from typing import Any

from meta_search.types import TeamNetwork

__all__ = ["read_networks"]

MAX_NETWORKS = 8
MAX_AGENTS = 32
MAX_ROUNDS = 16
MAX_CALLS = 10_000
MAX_TEXT = 200


def read_networks(rows: Any) -> tuple[TeamNetwork, ...]:
    """Parse the networks of a final message.

    Args:
        rows: The field of the message; `None` if it is missing.

    Raises:
        ValueError: Something in it is not a network.
    """
    if rows is None:
        return ()
    return tuple(_network(row) for row in _list(rows, 0, MAX_NETWORKS))


def _network(row: Any) -> TeamNetwork:
    if not isinstance(row, dict):
        raise ValueError("network")
    roles = tuple(_text(role) for role in _list(row.get("roles"), 1, MAX_AGENTS))
    n = len(roles)
    active = tuple(
        tuple(_index(i, n) for i in _list(r, 0, n)) for r in _list(row.get("active"), 1, MAX_ROUNDS)
    )
    rounds = len(active)
    return TeamNetwork(
        roles=roles,
        active=active,
        answers=tuple(
            tuple(None if a is None else _text(a) for a in _list(r, n, n))
            for r in _list(row.get("answers"), rounds, rounds)
        ),
        weights=tuple(
            tuple(_shares(given, n) for given in _all_or_none(r, n))
            for r in _list(row.get("weights"), rounds, rounds)
        ),
        importance=tuple(_shares(r, n) for r in _list(row.get("importance"), rounds, rounds)),
        final=_text(row.get("final")),
        calls=_index(row.get("calls"), MAX_CALLS),
    )


def _list(value: Any, least: int, most: int) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise ValueError("network")
    return value


def _all_or_none(value: Any, n: int) -> list[Any]:
    return [] if value == [] else _list(value, n, n)


def _shares(value: Any, n: int) -> tuple[float, ...]:
    """n numbers between 0 and 1, or an empty list."""
    row = _all_or_none(value, n)
    if not all(type(share) in (int, float) and 0.0 <= share <= 1.0 for share in row):
        raise ValueError("network")
    return tuple(float(share) for share in row)


def _index(value: Any, end: int) -> int:
    if type(value) is not int or not 0 <= value < end:
        raise ValueError("network")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError("network")
    return value.encode("utf-8", "replace").decode()
