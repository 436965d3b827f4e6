"""What cannot be had twice in carrying a brief out, and how a replay has it again: what chance brings an
author (faults of endpoint, budget or machine), and what a program of the user's hands in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from meta_search.errors import ReplayError
from meta_search.run.events import Chance
from meta_search.types import HandedIn, OutcomeKind

__all__ = ["Chances", "DueChances", "MetChances"]


class Chances(Protocol):
    """What an author meets while it carries out a brief and a replay cannot have again by itself."""

    def due(self, what: str, name: str) -> tuple[OutcomeKind, str] | None:
        """What happens in place of a request: outcome kind and message; only in a replay. It counts as met.

        Args:
            what: `ask`, `try`, `teach`, `late` or `probe`.
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

    def handed_in(self) -> HandedIn | None:
        """What the program hands in, at its next call, in place of one; `None` where it is to be called.

        Raises:
            ReplayError: The recording holds nothing of that.
        """
        ...

    @property
    def replayed(self) -> bool:
        """Whether chances are those of a recording, so that a clock has no say."""
        ...

    @property
    def all(self) -> tuple[Chance, ...]:
        """All chances that were met, in their order."""
        ...


class MetChances:
    """Chances of a live run: nothing is due, everything is kept."""

    replayed = False

    def __init__(self) -> None:
        self._met: list[Chance] = []

    def due(self, what: str, name: str) -> tuple[OutcomeKind, str] | None:
        return None

    def met(self, chance: Chance, endpoint: bool = True) -> None:
        self._met.append(chance)

    def handed_in(self) -> HandedIn | None:
        return None

    @property
    def all(self) -> tuple[Chance, ...]:
        return tuple(self._met)


class DueChances:
    """Chances of a replay: those of the recording come again, and no others may.

    Args:
        recorded: The chances.
        handed: What the program handed in, call by call.
    """

    replayed = True

    def __init__(self, recorded: Sequence[Chance], handed: Sequence[HandedIn] = ()) -> None:
        self._recorded, self._handed = list(recorded), list(handed)
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

    def handed_in(self) -> HandedIn:
        if not self._handed:
            raise ReplayError(
                "the recording lacks what the program of author.command handed in for this brief, and a "
                "replay never runs it: replay a run that was made with author=command"
            )
        return self._handed.pop(0)

    @property
    def all(self) -> tuple[Chance, ...]:
        return tuple(self._met)
