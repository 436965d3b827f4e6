"""All attacks: those of the subjects, and the same again as programs and in maps."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tests.hostile import (
    answers,
    bombs,
    channels,
    endless,
    equality,
    files,
    loot,
    network,
    processes,
    protocol,
    reports,
    requests,
    syscalls,
    work,
)
from tests.hostile.attack import Attack, in_map, in_program

__all__ = ["ATTACKS", "PLAIN", "within"]


def within(attacks: Iterable[Attack], layers: Collection[str]) -> list[Attack]:
    """Those that these layers are enough for."""
    return [attack for attack in attacks if attack.needs in ("", *layers)]


_SUBJECTS = (
    endless,
    bombs,
    processes,
    syscalls,
    network,
    files,
    loot,
    channels,
    protocol,
    requests,
    reports,
    answers,
    equality,
    work,
)
_ALL = [attack for subject in _SUBJECTS for attack in subject.ATTACKS]
PLAIN = tuple(attack for attack in _ALL if attack.runs_here)
_AGAIN = [attack for attack in PLAIN if attack.again]

ATTACKS: tuple[Attack, ...] = (*PLAIN, *map(in_program, _AGAIN), *map(in_map, _AGAIN))
