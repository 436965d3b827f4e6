"""What a person asks of a search while it runs: a request in the mailbox, an event in the archive."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from meta_search.errors import ConfigError
from meta_search.text import one_line, passage
from meta_search.types import LONGEST_NAME

__all__ = ["COMMANDS", "KEPT", "LIMITS", "MOST_NOTE", "MOST_SOURCE", "Steered", "clock_time"]

Json = dict[str, Any]

LIMITS = (
    *("budget.usd", "budget.calls", "budget.tokens", "budget.wall_s"),
    *("search.candidates", "search.in_flight"),
)
MOST_NOTE = 1_000  # characters
MOST_SOURCE = 200_000
MOST_WHO = 60
MOST_ID = 64
# Command -> what it takes: name of the argument, most characters of it, 0 for a number.
COMMANDS: Mapping[str, Mapping[str, int]] = {
    "pause": {},
    "resume": {},
    "stop": {},
    "limit": {"limit": 40, "value": 0},
    "note": {"text": MOST_NOTE},
    "add": {"source": MOST_SOURCE, "name": LONGEST_NAME},
    "focus": {"agent": 200},
    "drop": {"agent": 200},
}
KEPT = ("note", "add", "focus", "drop")  # what waits for a `resume` where the search does not go on


@dataclass(frozen=True, slots=True)
class Steered:
    """A person steered the search.

    Attributes:
        command: One of `COMMANDS`.
        who: The person, as the operating system or the page knows them.
        at: When it was asked for, seconds since the epoch.
        id: Of the request: what was taken in is not taken in again.
        limit: Of command `limit`: the key, one of `LIMITS`.
        value: Its new value.
        text: Of command `note`: the hint.
        source: Of command `add`: the agent's code.
        name: Its name.
        agent: Of `focus` and `drop`: full id.
    """

    kind: ClassVar[str] = "steer"
    command: str
    who: str
    at: float
    id: str
    limit: str = ""
    value: float | None = None
    text: str = ""
    source: str = ""
    name: str = ""
    agent: str = ""

    def data(self) -> Json:
        given = {name: getattr(self, name) for name in COMMANDS[self.command]}
        return {"command": self.command, **given, "who": self.who, "at": self.at, "id": self.id}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Steered:
        """From an event, or a file of the mailbox.

        Raises:
            KeyError: It lacks something.
            TypeError: It holds something of another kind.
            ValueError: Likewise, or it is no request.
        """
        given = {name: data[name] for name in ("command", *COMMANDS.get(str(data["command"]), ()))}
        try:
            return cls.asked(given, str(data["who"]), float(data["at"]), str(data["id"]))
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @classmethod
    def asked(cls, command: Mapping[str, Any], who: str, at: float, name: str) -> Steered:
        """From what a person asks for.

        Args:
            command: `command` and its arguments; those that are `None` count as not given.
            who: The person.
            at: Seconds since the epoch.
            name: Id of the request.

        Raises:
            ConfigError: There is no such command, or an argument is missing, wrong or too long; one line.
        """
        given = {str(key): value for key, value in command.items() if value is not None}
        verb = given.pop("command", None)
        if not isinstance(verb, str) or verb not in COMMANDS:
            said = one_line(verb, 40) if isinstance(verb, str) else "nothing"
            raise ConfigError(f"steer takes {', '.join(COMMANDS)}, not {said}")
        takes = COMMANDS[verb]
        if wrong := [one_line(key, 40) for key in given if key not in takes]:
            raise ConfigError(f"steer {verb} takes no {wrong[0]}")
        if verb == "add" and not given.get("name"):
            given["name"] = "Added"
        for key, most in takes.items():
            given[key] = _argument(verb, key, given.get(key), most)
        if not (math.isfinite(at) and 0 <= at < 1e11) or len(name) > MOST_ID:
            raise ConfigError(f"steer {verb}: no such time or id")
        return cls(verb, one_line(who, MOST_WHO) or "somebody", at, one_line(name, MOST_ID), **given)

    @property
    def why(self) -> str:
        """Why an agent that was dropped has ended."""
        return f"dropped by {self.who}"

    def line(self) -> str:
        """What was asked, in a line: `pause`, `budget.usd=5`, `note "…"`."""
        match self.command:
            case "limit":
                return f"{self.limit}={json.dumps(self.value)}"
            case "note":
                return f'note "{one_line(self.text, 160)}"'
            case "add":
                return f"add «{one_line(self.name, 60)}»"
            case "focus" | "drop":
                return f"{self.command} {one_line(self.agent, 40)}"
        return self.command


def clock_time(at: float) -> str:
    """A time as people read it here: `14:03:59`, with the day where that is another one."""
    when = datetime.fromtimestamp(at).astimezone()
    today = when.date() == datetime.now().astimezone().date()
    return when.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def _argument(verb: str, key: str, value: Any, most: int) -> Any:
    """An argument as it is kept."""
    if key == "value":
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError("steer: a limit takes a number, as in budget.usd=5")
        return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"steer {verb} needs {'an' if key[0] in 'aeiou' else 'a'} {key}")
    if len(value) > most:
        raise ConfigError(f"steer {verb}: {key} has {len(value):,} characters; the limit is {most:,}")
    if key == "limit":
        if value not in LIMITS:
            limits = ", ".join(LIMITS)
            raise ConfigError(f"steer: {one_line(value, 40)} cannot be changed by steering; {limits} can")
        return value
    if key == "source":
        return value.encode("utf-8", "replace").decode()
    kept = passage(value, most) if key == "text" else one_line(value, most)
    if not kept.strip():
        raise ConfigError(f"steer {verb}: the {key} has no printable characters")
    return kept
