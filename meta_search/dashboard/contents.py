"""What of a run goes into report.html: answers of views by their paths, packed, until the room is used."""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from archive import summaries
from archive.records import Archive
from meta_search.dashboard.plain_json import plain_json
from meta_search.dashboard.views.niches import AXES
from meta_search.dashboard.views.shared import Json, evaluated_split
from meta_search.errors import ArchiveError
from meta_search.types import SCORED, Split

__all__ = ["Packed", "Page", "packed", "pages_of"]

ROOM = 8_000_000  # bytes packed
PLAIN = 160_000_000  # and before: a page has to hold them
FILL = 0.7  # of the room, after which no page of an item is begun
MOST_ROWS = 2_000  # agents in the table
MOST_EVENTS = 1_000
BEST = 20  # agents that are shown one by one, beside seeds and finalists
FIRST = 40  # agents among which the seeds are
FEW_AGENTS = 300  # up to which all pairs of axes go in
MOST_ITEMS = 400  # items, and
MOST_LOOKS = 1_500  # transcripts that are looked at
VIEWS = "meta_search.dashboard.views"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of a view.

    Attributes:
        view: Name of the view.
        rest: What follows in the path, as an agent's id.
        query: As the page writes it.
        given: What else the view is given, by its names.
        part: Of the file, for telling what was left out.
    """

    view: str
    rest: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    part: str = "views"

    def path(self, run: str) -> str:
        """As the server's."""
        found = f"/api/run/{escaped(run)}/{self.view}" + (f"/{escaped(self.rest)}" if self.rest else "")
        return f"{found}?{urlencode(sorted(self.query.items()))}" if self.query else found

    def answer(self, folder: Path, archive: Archive) -> Json | None:
        """What the view says; `None` where the run has nothing for it."""
        name = f"{VIEWS}.{self.view}"
        if find_spec(name) is None:
            return None
        try:
            found: Json = getattr(import_module(name), self.view)(folder, archive, **self.query, **self.given)
        except ArchiveError:
            return None  # a part of the archive is damaged: the others can be looked at
        return found


def escaped(part: str) -> str:
    """A part of a path as the page's `encodeURIComponent` writes it."""
    return quote(part, safe="!~*'()")


@dataclass(frozen=True, slots=True)
class Packed:
    """The data of report.html.

    Attributes:
        text: Base64 of zlib-deflated JSON, {path: answer}.
        paths: Of the answers, in their order.
        left_out: What had no room, a line each.
    """

    text: str
    paths: tuple[str, ...]
    left_out: tuple[str, ...]


def packed(
    folder: Path, archive: Archive, run: str, more: Callable[[Sequence[str]], Mapping[str, Json]], room: int
) -> Packed:
    """Pack as many of `pages_of` as there is room for; the run is never held as a whole.

    Args:
        folder: Of the run.
        archive: Its archive.
        run: Its id in the paths.
        more: What goes in whatever room there is, by its path, given the lines on what was left out.
        room: Bytes of the packed data.
    """
    stream, parts, size, plain = zlib.compressobj(6), [], 0, 0
    paths: list[str] = []
    left_out: dict[str, int] = {}

    def put(path: str, answer: Json) -> None:
        nonlocal size, plain
        text = ("," if paths else "{") + json.dumps(path) + ":" + _json(answer)
        part = stream.compress(text.encode("utf-8", "replace")) + stream.flush(zlib.Z_SYNC_FLUSH)
        paths.append(path)
        parts.append(part)
        size, plain = size + len(part), plain + len(text)

    for page in pages_of(folder, archive):
        full = size > room or plain > PLAIN or (page.view == "item" and size > FILL * room)
        if full:
            left_out[page.part] = left_out.get(page.part, 0) + 1
        elif (answer := page.answer(folder, archive)) is not None:
            put(page.path(run), answer)
    told = tuple(f"{n:,} {part} had no room in this file" for part, n in left_out.items())
    for path, known in more(told).items():
        put(path, known)
    parts += [stream.compress(b"}" if paths else b"{}"), stream.flush()]
    return Packed(base64.b64encode(b"".join(parts)).decode(), tuple(paths), told)


def _json(answer: Any) -> str:
    return plain_json(answer, ascii_only=False)


def pages_of(folder: Path, archive: Archive) -> Iterator[Page]:
    """All that may go in, what is looked at most first."""
    for view in ("progress", "now", "lanes", "lineage", "guide"):
        yield Page(view)
    yield Page("events", given={"newest": 1, "limit": MOST_EVENTS})
    yield Page("agents", given={"limit": MOST_ROWS})
    yield from _niches(archive)
    agents = shown_agents(archive)
    yield from _agents(archive, agents)
    yield from _items(folder, archive, agents)


def _niches(archive: Archive) -> Iterator[Page]:
    """The grids that cost little: two axes that need no look at items, and behaviour against itself."""
    yield Page("niches")
    plain = [axis for axis in AXES if not axis.startswith("behaviour")] if len(archive) <= FEW_AGENTS else []
    for x, y in [("behaviour_1", "behaviour_2"), *itertools.permutations(plain, 2)]:
        yield Page("niches", query={"x": x, "y": y})


def shown_agents(archive: Archive) -> list[str]:
    """Ids of the agents that the file shows one by one: finalists and baselines, seeds, the best."""
    final = archive.meta("final") or {}
    named = [str(agent) for key in ("finalists", "baselines") for agent in final.get(key, ())]
    best = archive.best()
    top = [record.agent.id for record in archive.top(BEST, evaluated_split(archive))]
    first = summaries.some_rows(archive, summaries.oldest(archive, FIRST)).values()
    seeds = [agent.id for agent in first if agent.status == "seed" or agent.operator == "seed"]
    wanted = dict.fromkeys([*([best.agent.id] if best else []), *named, *top, *seeds])
    known = summaries.some_rows(archive, wanted)
    return [agent for agent in wanted if agent in known]


def _agents(archive: Archive, agents: list[str]) -> Iterator[Page]:
    """Each of them, its code, the way to it, and item by item against the best and the best seed."""
    part = "pages of agents"
    for agent in agents:
        yield Page("agent", agent, given={"agent": agent}, part=part)
        yield Page("source", agent, given={"agent": agent}, part=part)
        yield Page("attempts", agent, given={"agent": agent}, part=part)
        yield Page("lineage", query={"agent": agent}, part=part)
    others = agents[:2]
    for record in archive.get(agents):
        for split in record.evaluations:
            for other in others:
                if other != record.agent.id and split in SCORED:
                    query = {"vs": other, "split": split}
                    yield Page("versus", record.agent.id, query, {"agent": record.agent.id}, "comparisons")


def _items(folder: Path, archive: Archive, agents: list[str]) -> Iterator[Page]:
    """The matrix of each split, then what agents made of its items, the worst items first."""
    yield Page("items")
    known = summaries.splits(archive)
    order: list[Split] = [s for s in ("test", "train", "validation", "examples", "perturbed") if s in known]
    matrices = {split: Page("items", query={"split": split}, part="matrices of items") for split in order}
    yield from matrices.values()
    looks = 0
    for split, page in matrices.items():
        matrix = page.answer(folder, archive)
        if matrix is None:
            continue
        places = {row["agent"]: n for n, row in enumerate(matrix["agents"])}
        for item, cells in list(zip(matrix["items"], matrix["cells"], strict=True))[:MOST_ITEMS]:
            ran = [a for a in agents if a in places and cells[places[a]] is not None]
            for agent in ran:
                looks += 1
                if looks > MOST_LOOKS:
                    return
                query, given = {"split": split, "agent": agent}, {"item": item["item"]}
                yield Page("item", item["item"], query, given, "transcripts")
