"""What chance brings an author: faults of endpoint, budget or machine; and how a replay has them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from meta_search.errors import ReplayError
from meta_search.run.events import Chance
from meta_search.types import OutcomeKind

__all__ = ["Chances", "DueChances", "MetChances"]


class Chances(Protocol):
    """What chance brings an author while it carries out a brief: faults of endpoint, budget or machine."""

    def due(self, what: str, name: str) -> tuple[OutcomeKind, str] | None:
        """What happens in place of a request: outcome kind and message; only in a replay. It counts as met.

        Args:
            what: `ask`, `try`, `teach` or `probe`.
            name: Of the request, within its brief.
        """
        ...

    def met(self, chance: Chance, endpoint: bool = True) -> None:
        """Chance brought something about.

        Args:
            chance: What.
            endpoint: Whether endpoint or budget did: a replay asks neither, so it raises.

        Raises:
            ReplayError: A replay met what the recording did not.
        """
        ...

    @property
    def all(self) -> tuple[Chance, ...]:
        """All that were met, in their order."""
        ...


class MetChances:
    """Chances of a live run: nothing is due, everything is kept."""

    def __init__(self) -> None:
        self._met: list[Chance] = []

    def due(self, what: str, name: str) -> tuple[OutcomeKind, str] | None:
        return None

    def met(self, chance: Chance, endpoint: bool = True) -> None:
        self._met.append(chance)

    @property
    def all(self) -> tuple[Chance, ...]:
        return tuple(self._met)


class DueChances:
    """Chances of a replay: those of the recording come again, and no others may."""

    def __init__(self, recorded: Sequence[Chance]) -> None:
        self._recorded = list(recorded)
        self._met: list[Chance] = []

    def due(self, what: str, name: str) -> tuple[OutcomeKind, str] | None:
        for chance in self._recorded:
            if chance[:2] == (what, name):
                self._recorded.remove(chance)
                self._met.append(chance)
                return chance[2], chance[3]
        return None

    def met(self, chance: Chance, endpoint: bool = True) -> None:
        if endpoint:
            raise ReplayError(chance[3])
        self._met.append(chance)

    @property
    def all(self) -> tuple[Chance, ...]:
        return tuple(self._met)
