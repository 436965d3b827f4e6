"""All attacks: those of the subjects, and the same again as programs and in maps."""

from __future__ import annotations

from tests.hostile import (
    answers,
    bombs,
    endless,
    equality,
    files,
    loot,
    network,
    processes,
    protocol,
    syscalls,
    work,
)
from tests.hostile.attack import Attack, in_map, in_program

__all__ = ["ATTACKS", "PLAIN"]

_SUBJECTS = (endless, bombs, processes, syscalls, network, files, loot, protocol, answers, equality, work)
_ALL = [attack for subject in _SUBJECTS for attack in subject.ATTACKS]
PLAIN = tuple(attack for attack in _ALL if attack.runs_here)
_AGAIN = [attack for attack in PLAIN if attack.again]

ATTACKS: tuple[Attack, ...] = (*PLAIN, *map(in_program, _AGAIN), *map(in_map, _AGAIN))
