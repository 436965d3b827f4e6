"""What a small team did, as its network."""

from __future__ import annotations

from meta_search.types import TeamNetwork


def network(first: str, second: str) -> TeamNetwork:
    """What a team of two did: both answered, then the first alone, who rated itself three times as high."""
    return TeamNetwork(
        roles=(first, second),
        active=((0, 1), (0,)),
        answers=(("1", "2"), ("1", None)),
        weights=((), ((0.75, 0.25), ())),
        importance=((0.75, 0.25), (1.0, 0.0)),
        final="1",
        calls=3,
    )
