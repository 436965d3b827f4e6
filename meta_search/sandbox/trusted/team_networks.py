"""A team's network as an agent's process reports it, checked and frozen. It is hostile until then."""

from __future__ import annotations

from typing import Any

from meta_search.types import TeamNetwork

__all__ = ["read_networks"]

MOST_NETWORKS = 8
MOST_AGENTS = 32
MOST_ROUNDS = 16
MOST_CALLS = 10_000
MOST_TOLD = 200


def read_networks(rows: Any) -> tuple[TeamNetwork, ...]:
    """Networks out of a final message; none for `None`. Raises `ValueError` for whatever is not one."""
    if rows is None:
        return ()
    return tuple(_network(row) for row in _list(rows, 0, MOST_NETWORKS))


def _network(row: Any) -> TeamNetwork:
    if not isinstance(row, dict):
        raise ValueError("network")
    roles = tuple(_text(role) for role in _list(row.get("roles"), 1, MOST_AGENTS))
    n = len(roles)
    active = tuple(
        tuple(_index(i, n) for i in _list(r, 0, n)) for r in _list(row.get("active"), 1, MOST_ROUNDS)
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
        calls=_index(row.get("calls"), MOST_CALLS),
    )


def _list(value: Any, least: int, most: int) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise ValueError("network")
    return value


def _all_or_none(value: Any, n: int) -> list[Any]:
    return [] if value == [] else _list(value, n, n)


def _shares(value: Any, n: int) -> tuple[float, ...]:
    """n numbers of 0..1, or none."""
    row = _all_or_none(value, n)
    if not all(type(share) in (int, float) and 0.0 <= share <= 1.0 for share in row):
        raise ValueError("network")
    return tuple(float(share) for share in row)


def _index(value: Any, end: int) -> int:
    if type(value) is not int or not 0 <= value < end:
        raise ValueError("network")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MOST_TOLD:
        raise ValueError("network")
    return value.encode("utf-8", "replace").decode()
