"""What the table of agents is sorted and filtered by, kept in memory while somebody looks, and grown as the
archive grows: a table of a million agents is sorted in a tenth of a second, and read from SQLite in many."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from archive import codec
from archive.guard import making_sense
from archive.readers import stamps
from archive.records import Archive
from meta_search.dashboard.agents_columns import Columns
from meta_search.report.source import HAND_MADE
from meta_search.types import Split, drawn_in

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FATES", "SORTS", "AgentsIndex", "Sort", "forget_idle", "index_of"]

Sort = Literal[
    "score", "name", "fate", "author", "operator", "generation", "created_at", "items", "tokens_per_item",
    "cost_usd_per_item", "validation", "test",
]  # fmt: skip
SORTS: tuple[Sort, ...] = get_args(Sort)
FATES = (
    "better", "not better", "seed", "in flight", "paused", "stopped early", "failed", "same as another",
)  # fmt: skip
MOST = 2  # indexes kept
IDLE_S = 300.0
REFRESHED_S = 0.5  # so long an index is taken as it is
WARM_S = 30.0  # so long an agent of which an event tells is read again: its row may come after
MOST_EVENTS = 100_000  # beyond which all is read again
FOLDED = 200_000  # agents up to which names are sorted whatever their case
PAGE = 20_000
SETTLED = 20_000  # agents from which on the split does not change any more


class AgentsIndex:
    """The agents of one archive. Its methods are called under `lock`."""

    def __init__(self, split: Split) -> None:
        self.lock = threading.Lock()
        self.used = time.monotonic()
        self.columns = Columns(split)
        self.fates: NDArray[np.int8] | None = None
        self._orders: dict[tuple[str, bool], NDArray[np.int64]] = {}
        self._seen: tuple[Any, ...] = ()
        self._looked = float("-inf")
        self._seq = 0
        self._warm: dict[str, float] = {}

    def refresh(self, archive: Archive, running: bool) -> None:
        """Take in what the archive has got since.

        Args:
            archive: As ever.
            running: Whether the search goes on.
        """
        now = time.monotonic()
        if now - self._looked < REFRESHED_S and self.fates is not None:
            return
        stands = _stands(archive, running)
        if self.fates is None or stands[1:] != self._seen[1:] or stands[0] - self._seq > MOST_EVENTS:
            self.columns, self._warm = Columns(self.columns.split), {}
            self.columns.read_new(archive)
            changed = True
        else:
            changed = self._grow(archive, now, stands[0])
        self._seen, self._seq, self._looked = stands, stands[0], time.monotonic()
        if changed:
            self._orders = {}
            self.fates = _fates(self.columns, running)

    def select(
        self, archive: Archive, sort: Sort, falling: bool, chosen: Mapping[str, Sequence[str]], text: str
    ) -> NDArray[np.int64]:
        """Places of agents, sorted; what is not known comes last in either order.

        Args:
            archive: As ever.
            sort: By what; by `score` complete evaluations come first.
            falling: The largest first.
            chosen: `status` (a fate too), `author`, `operator` -> those that are shown; none shows all.
            text: Words that the name holds, whatever their case, or the beginning of an id.
        """
        import numpy as np

        order = self._order(archive, sort, falling)
        shown = np.ones(self.columns.n, "?")
        for name, values in chosen.items():
            if values:
                here = np.isin(self.columns[name], self.columns.words[name].numbers(values))
                if name == "status":
                    here |= np.isin(self._fates, [FATES.index(v) for v in values if v in FATES])
                shown &= here
        if text.strip():
            found = np.zeros(self.columns.n, "?")
            found[self.columns.places(_matching(archive, text))] = True
            shown &= found
        return order[shown[order]]

    def facets(self) -> dict[str, dict[str, int]]:
        """How many agents there are of each status, author and operator."""
        import numpy as np

        found = {}
        for name, words in self.columns.words.items():
            counts = np.bincount(self.columns[name].astype("i8"), minlength=len(words.known))
            pairs = sorted(zip(words.known, counts.tolist(), strict=True), key=lambda pair: -pair[1])
            found[name] = {word: n for word, n in pairs if n}
        return found

    @property
    def _fates(self) -> NDArray[np.int8]:
        assert self.fates is not None, "refresh first"
        return self.fates

    def _grow(self, archive: Archive, now: float, seq: int) -> bool:
        """Read new agents, and again those of which events tell. Returns whether there were any."""
        sql = "SELECT data FROM events WHERE seq > ? AND seq <= ? AND kind IN ('delivery', 'race')"
        with making_sense(archive.path):
            for (data,) in archive.select(sql, self._seq, seq):
                if agent := _agent_of(data):
                    self._warm[agent] = now
        grown = self.columns.read_new(archive)
        again = list(self._warm)
        self._warm = {agent: at for agent, at in self._warm.items() if now - at < WARM_S}
        if again:
            self.columns.read_again(archive, again)
        return grown or bool(again)

    def _order(self, archive: Archive, sort: Sort, falling: bool) -> NDArray[np.int64]:
        import numpy as np

        found = self._orders.get((sort, falling))
        if found is None:
            of, sign = self._values(archive, sort), -1.0 if falling else 1.0
            keys: list[NDArray[Any]] = [sign * of]
            if sort == "score":
                keys = [self.columns["tokens_per_item"], *keys, ~self.columns["complete"].astype("?")]
            found = self._orders[sort, falling] = np.lexsort(keys)
        return found

    def _values(self, archive: Archive, sort: Sort) -> NDArray[np.float64]:
        import numpy as np

        if sort == "name":
            return _by_name(archive, self.columns)
        if sort == "fate":
            return self._fates.astype("f8")
        column = self.columns[sort].astype("f8")
        if sort in self.columns.words:
            known = self.columns.words[sort].known
            rank = np.empty(max(1, len(known)), "f8")
            rank[np.argsort(np.array(known, "O"), kind="stable")] = np.arange(len(known))
            column = rank[self.columns[sort].astype("i8")]
        return column


# -- which are kept

_kept: OrderedDict[tuple[Path, int], AgentsIndex] = OrderedDict()
_keeping = threading.Lock()


def index_of(archive: Archive, split_of: Callable[[Archive], Split]) -> AgentsIndex:
    """The index of an archive, kept from an earlier request where there was one.

    Args:
        archive: Of a run.
        split_of: Tells the split that its scores are of. Of a large archive that is asked once: it counts all
            evaluations.
    """
    try:
        key = archive.path, archive.path.stat().st_ino
    except OSError:
        key = archive.path, 0
    with _keeping:
        found = _kept.get(key)
    if found is None or found.columns.n < SETTLED:
        split = split_of(archive)
        if found is None or found.columns.split != split:
            found = AgentsIndex(split)
    with _keeping:
        _kept[key] = found
        _kept.move_to_end(key)
        found.used = time.monotonic()
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return found


def forget_idle(idle_s: float = IDLE_S) -> None:
    """Let go of indexes that nobody has asked for some time; of all with 0."""
    now = time.monotonic()
    with _keeping:
        for key in [key for key, index in _kept.items() if now - index.used >= idle_s]:
            del _kept[key]


# -- what the archive says


def _stands(archive: Archive, running: bool) -> tuple[Any, ...]:
    """How far an archive has come: the last event, and what tells that anything may have changed."""
    (seq,) = archive.select("SELECT MAX(seq) FROM events")[0]
    if seq:
        return int(seq), running, archive.meta("status"), archive.meta("best")
    return 0, running, *stamps(archive.path)  # an evaluation has no events


def _agent_of(data: str) -> str:
    """The agent that an event is about: its data begin with it, or with the brief that it came of."""
    found = json.loads(data)
    agent = found.get("agent") if isinstance(found, dict) else None
    return agent if isinstance(agent, str) else ""


def _matching(archive: Archive, text: str) -> list[int]:
    """Row numbers of agents whose name holds all words, or whose id begins with the text."""
    words = [f"%{codec.like(word)}%" for word in text.split()[:10]]
    where = " AND ".join("name LIKE ? ESCAPE '\\'" for _ in words)
    found = {row for (row,) in archive.select(f"SELECT rowid FROM agents WHERE {where}", *words)}
    start = text.strip()
    if start.isalnum() and len(start) <= 64:
        sql = "SELECT rowid FROM agents WHERE id >= ? AND id < ?"
        found |= {row for (row,) in archive.select(sql, start, start + "\U0010ffff")}
    return sorted(found)


def _by_name(archive: Archive, columns: Columns) -> NDArray[np.float64]:
    """The rank of each agent's name."""
    import numpy as np

    rank = np.full(columns.n, np.nan)
    if columns.n <= FOLDED:
        rows = [row for (row,) in archive.select("SELECT rowid FROM agents ORDER BY name COLLATE NOCASE")]
        places = columns.places(rows)
        rank[places] = np.arange(len(places))
        return rank
    # By the index of names, page by page: sorting a million of them takes SQLite seconds.
    sql = f"SELECT name, rowid FROM agents WHERE (name, rowid) > (?, ?) ORDER BY name, rowid LIMIT {PAGE}"
    name, row, n = "", 0, 0
    while rows := archive.select(sql, name, row):
        places = columns.places([found for _, found in rows])
        rank[places] = np.arange(n, n + len(places))
        n += len(places)
        name, row = rows[-1]
    return rank


def _fates(columns: Columns, running: bool) -> NDArray[np.int8]:
    """What became of each agent, as numbers of `FATES`; by the rules of `views.shared.fate_of`."""
    import numpy as np

    has, complete = columns["has"].astype("?"), columns["complete"].astype("?")
    stopped, answered = columns["stopped"], columns["answered"].astype("?")
    made = np.zeros(columns.n, "?")
    for name, words in columns.words.items():
        made |= np.isin(columns[name], words.numbers(HAND_MADE))
    same = np.isin(columns["status"], columns.words["status"].numbers(["duplicate"]))
    begun = ~complete & (stopped == 0)
    if running:
        open_as = np.full(columns.n, FATES.index("in flight"))
    else:
        open_as = np.where(has, FATES.index("stopped early"), FATES.index("failed"))
    fates = np.where(_leads(columns, same), FATES.index("better"), FATES.index("not better"))
    fates = np.where(~complete, FATES.index("stopped early"), fates)
    fates = np.where(has & ~answered, FATES.index("failed"), fates)
    fates = np.where(stopped == 2, FATES.index("paused"), fates)
    fates = np.where(~has | begun, open_as, fates)
    fates = np.where(same, FATES.index("same as another"), fates)
    fates = np.where(made, FATES.index("seed"), fates)
    return fates.astype("i1")


def _leads(columns: Columns, same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which agents were the best so far when their evaluation was complete, few items counted for little."""
    import numpy as np

    leads = np.zeros(columns.n, "?")
    score = columns["score"].astype("f8")
    places = np.flatnonzero(columns["complete"].astype("?") & ~same & ~np.isnan(score))
    if not len(places):
        return leads
    places = places[np.argsort(columns["evaluated_at"][places], kind="stable")]
    typical, total = float(score[places].mean()), columns["total"][places].astype("f8")
    drawn: Any = drawn_in
    expected = drawn(score[places] * total, total, typical)
    before = np.concatenate(([-1.0], np.maximum.accumulate(expected)[:-1]))
    leads[places[expected > before]] = True
    return leads
