"""Several sources as one: `hf:owner/name:{one,two}@revision` names two, as a shell would write it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domains.sources.source import Source, open_source
from meta_search.errors import DomainError

__all__ = ["United", "names_several", "open_all"]

_BRACES = re.compile(r"^(.*?)\{([^{}]*,[^{}]*)\}(.*)$", re.DOTALL)


class United:
    """The rows of several sources, whose parts are the names in the braces.

    Attributes:
        name: Short, for messages.
        parts: The names.
        pinned: The path.
        notes: Those of all.
    """

    def __init__(self, path: str, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self.pinned = path
        self.name = Path(path.partition("{")[0].rstrip("/:")).name or "sources"
        self.parts = tuple(sources)

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of all sources."""
        return tuple(dict.fromkeys(note for source in self._sources.values() for note in source.notes))

    def records(self, part: str = "") -> Iterator[tuple[int, Mapping[str, Any]]]:
        """As `Source.records`."""
        for name in (part,) if part else self.parts:
            yield from self._sources[name].records()

    def place(self, part: str, line: int) -> str:
        """As `Source.place`."""
        return self._sources[part].place("", line) if part else f"row {line}"


def names_several(path: str) -> bool:
    """Whether a path names several sources in braces; a file of that very name is one."""
    return _BRACES.match(path) is not None and not Path(path).expanduser().exists()


def open_all(path: str, wanted: Sequence[str] = (), names: Sequence[str] = ()) -> Source:
    """The source that a path names, or all that the names in its braces stand for.

    Args:
        path: `domain.path`; a file of that very name is one source.
        wanted: As of `open_source`.
        names: Names in the braces to take, and no others; empty takes all.

    Raises:
        DomainError: As `open_source`; or a name that is not in the braces.
    """
    found = _BRACES.match(path)
    if found is None or not names_several(path):
        return open_source(path, wanted)
    known = list(dict.fromkeys(name.strip() for name in found[2].split(",") if name.strip()))
    for name in names:
        if name not in known:
            raise DomainError(f"domain.families: no {name:.40}; there are {', '.join(known)}")
    taken = [name for name in known if not names or name in names]
    return United(path, {name: open_source(f"{found[1]}{name}{found[3]}", wanted) for name in taken})
