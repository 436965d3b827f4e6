"""What an attack is, and how one becomes an attack through `self.run_python` or `self.map`."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

__all__ = ["ESCAPED", "Attack", "attacks", "filled", "in_map", "in_program"]

ESCAPED = "ESCAPED"  # what an attack answers when it found out itself that it got through
PROGRAM_S = 1.0
THREADS = 3


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile agent.

    Attributes:
        name: Unique, in a few words.
        subject: What kind of attack it is; the file of the catalogue.
        tries: What the agent wants, in one line.
        body: Body of `forward(self, taskInfo)`. Words like `@OPEN@` stand for what `Traps.places` names.
        kinds: Outcomes that are right. An `ok` must have come away empty-handed.
        detail: Regular expression that the outcome's one line must match.
        again: Whether it is tried as a program of `run_python` and in the threads of `map` as well.
        waits: Whether it does nothing until its time is up; such may run side by side.
        lingers: Whether what it asked others to do may take them a moment to drop.
        needs: Layer of the sandbox without which it gets something, as docs/security.md says; empty for none.
        machine: Name of the machine whose system call numbers it holds, empty for all.
    """

    name: str
    subject: str
    tries: str
    body: str
    kinds: frozenset[str]
    detail: str = ""
    again: bool = False
    waits: bool = False
    lingers: bool = False
    needs: str = ""
    machine: str = ""

    @property
    def source(self) -> str:
        """The agent's source."""
        return f"def forward(self, taskInfo):\n{textwrap.indent(self.body, '    ')}\n"

    @property
    def runs_here(self) -> bool:
        """Whether it means anything on this machine."""
        return self.machine in ("", os.uname().machine)


Row = tuple[str, str, str, str] | tuple[str, str, str, str, Mapping[str, object]]


def attacks(subject: str, rows: Iterable[Row]) -> list[Attack]:
    """Attacks of one subject, from rows: name, what it tries, kinds that are right, body, and options."""
    made = []
    for name, tries, kinds, body, *options in rows:
        attack = Attack(name, subject, tries, body.strip("\n"), frozenset(kinds.split()))
        made.append(replace(attack, **(options[0] if options else {})))
    return made


def filled(attack: Attack, places: Mapping[str, str]) -> Attack:
    """The attack with `@NAME@` replaced by where that lies on this machine."""
    body = attack.body
    for name, value in places.items():
        body = body.replace(f"@{name}@", value)
    return replace(attack, body=body)


def in_program(attack: Attack) -> Attack:
    """The same attack as a program of `self.run_python`: its faults are told to the agent as text."""
    program = f"{attack.source}\nprint(forward(None, None))"
    kinds = {"ok"} | (attack.kinds & {"cpu", "disk", "memory"})  # memory: who watches came before its limit
    body = f"return self.run_python({program!r}, {PROGRAM_S})"
    return replace(
        attack,
        name=f"{attack.name} (in a program)",
        body=body,
        kinds=frozenset(kinds),
        detail="",
        waits=False,
        again=False,
    )


def in_map(attack: Attack) -> Attack:
    """The same attack in the threads of `self.map`."""
    body = (
        f"def branch(number):\n{textwrap.indent(attack.body, '    ')}\n"
        f"return ' '.join(str(found) for found in self.map(branch, range({THREADS})))"
    )
    return replace(attack, name=f"{attack.name} (in a map)", body=body, again=False)
