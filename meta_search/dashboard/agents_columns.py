"""The agents of a run as columns of numbers: what their table is sorted and filtered by, about 70 bytes each.

Texts stay in the archive; words that few agents do not share (status, author, operator) are numbered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from archive import codec
from archive.guard import making_sense
from archive.records import Archive
from meta_search.types import PAUSED, UNSCORED, Split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Columns", "Words"]

PAGE = 20_000  # rows read at once
PART = 500  # ids looked up at once
MOST_WORDS = 2_000  # a stranger's archive may have a word for each agent
OTHER = "other"
AGENT = 'rowid, "status", "author", "operator", "generation", "created"'
EVALUATION = (
    "a.rowid, e.split, e.score, e.items, e.tokens, e.cost_usd, e.complete, NULLIF(e.stopped, ''), "
    # Mostly every item came to an answer: nothing is to be looked at.
    "NULLIF(e.outcomes, '{\"ok\":' || e.items || '}'), e.created"
)
QUOTED = tuple(f'"{kind}"' for kind in UNSCORED)
KINDS = {
    "rowid": "i8",
    "status": "i2",
    "author": "i2",
    "operator": "i2",
    "generation": "i4",
    "created_at": "f8",
    "has": "?",  # an evaluation on the split of the table
    "score": "f8",  # what was left out counted as wrong
    "items": "f4",
    "total": "f4",  # items, and those that came to no score
    "tokens_per_item": "f4",
    "cost_usd_per_item": "f4",
    "complete": "?",
    "stopped": "i1",  # 1 stopped, 2 paused
    "answered": "?",  # at least one item came to an answer
    "evaluated_at": "f8",
    "validation": "f4",
    "test": "f4",
}
UNKNOWN = ("score", "items", "tokens_per_item", "cost_usd_per_item", "validation", "test")


class Words:
    """Numbers for words that many rows share."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, word: Any) -> int:
        """The number of a word; the words of an archive that has too many share the last one."""
        found = self._numbers.get(word)
        if found is None:
            if len(self.known) >= MOST_WORDS:
                return self.number(OTHER) if OTHER in self._numbers else len(self.known) - 1
            found = self._numbers[word] = len(self.known)
            self.known.append(str(word))
        return found

    def numbers(self, words: Iterable[str]) -> list[int]:
        """Numbers of those words that are known."""
        return [self._numbers[word] for word in words if word in self._numbers]


class Columns:
    """Columns that grow as the archive does.

    Args:
        split: Of the scores that the table shows.
    """

    def __init__(self, split: Split) -> None:
        import numpy as np

        self.split = split
        self.n = 0
        self.words = {name: Words() for name in ("status", "author", "operator")}
        self._of = {name: np.zeros(1024, kind) for name, kind in KINDS.items()}

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        """A column, one number an agent, in the order in which they came."""
        return self._of[name][: self.n]

    @property
    def last(self) -> int:
        """Row number of the last agent."""
        return int(self._of["rowid"][self.n - 1]) if self.n else 0

    def read_new(self, archive: Archive) -> bool:
        """Add the agents that have come since, with their evaluations. Returns whether there were any."""
        first, before = self.n, self.last
        with making_sense(archive.path):
            sql = f"SELECT {AGENT} FROM agents WHERE rowid > ? ORDER BY rowid LIMIT {PAGE}"
            while rows := archive.select(sql, self.last):
                self._add(rows)
            if self.n == first:
                return False
            if self.n - first <= PAGE:
                sql = f"SELECT id FROM agents WHERE rowid > {before:d}"
                self._read_evaluations(archive, [agent for (agent,) in archive.select(sql)])
            else:
                self._read_all_evaluations(archive)
        return True

    def read_again(self, archive: Archive, agents: Sequence[str]) -> None:
        """Read agents again of which something may have changed."""
        with making_sense(archive.path):
            for part in _parts(agents):
                sql = f"SELECT {AGENT} FROM agents WHERE id IN ({codec.marks(part)}) ORDER BY rowid"
                if rows := archive.select(sql, *part):
                    self._put(self._places([row[0] for row in rows]), rows)
            self._read_evaluations(archive, agents)

    def places(self, rowids: Sequence[int]) -> NDArray[np.int64]:
        """Places of agents by their row numbers; those that are not known are left out."""
        return self._places(rowids)

    def _places(self, rowids: Sequence[int]) -> NDArray[np.int64]:
        import numpy as np

        wanted = np.array(rowids, "i8")
        known = self["rowid"]
        found = np.searchsorted(known, wanted)
        inside = found < self.n
        hit = inside.copy()
        hit[inside] = known[found[inside]] == wanted[inside]
        return found[hit].astype("i8")

    def _add(self, rows: list[tuple[Any, ...]]) -> None:
        import numpy as np

        first, self.n = self.n, self.n + len(rows)
        size = len(self._of["rowid"])
        if self.n > size:
            more = max(self.n, size + size // 2)
            for name, column in self._of.items():
                self._of[name] = np.zeros(more, column.dtype)
                self._of[name][:first] = column[:first]
        for name in UNKNOWN:
            self._of[name][first : self.n] = np.nan
        self._put(np.arange(first, self.n), rows)

    def _put(self, places: NDArray[np.int64], rows: list[tuple[Any, ...]]) -> None:
        """Rows of `agents` at their places."""
        if len(places) != len(rows):  # one has come that is not known yet
            return
        rowids, status, author, operator, generation, created = zip(*rows, strict=True)
        self._of["rowid"][places] = rowids
        for name, words in (("status", status), ("author", author), ("operator", operator)):
            number = self.words[name].number
            self._of[name][places] = [number(word) for word in words]
        self._of["generation"][places] = generation
        self._of["created_at"][places] = created

    def _read_evaluations(self, archive: Archive, agents: Sequence[str]) -> None:
        for part in _parts(agents):
            sql = (
                f"SELECT {EVALUATION} FROM evaluations e CROSS JOIN agents a ON a.id = e.agent "
                f"WHERE e.agent IN ({codec.marks(part)})"
            )
            self._put_evaluations(archive.select(sql, *part))

    def _read_all_evaluations(self, archive: Archive) -> None:
        """In the order of their key, in which agents are found by an index that is read once from end to
        end."""
        sql = (
            f"SELECT {EVALUATION}, e.agent FROM evaluations e CROSS JOIN agents a ON a.id = e.agent "
            f"WHERE (e.agent, e.split) > (?, ?) ORDER BY e.agent, e.split LIMIT {PAGE}"
        )
        agent, split = "", ""
        while rows := archive.select(sql, agent, split):
            agent, split = rows[-1][-1], rows[-1][1]
            self._put_evaluations([row[:-1] for row in rows])

    def _put_evaluations(self, rows: list[tuple[Any, ...]]) -> None:
        for split, column in (("validation", "validation"), ("test", "test"), (self.split, "")):
            of = [row for row in rows if row[1] == split and row[3]]
            if not of and column:
                continue
            if column:
                self._of[column][self._places([row[0] for row in of])] = [row[2] for row in of]
            else:
                self._put_scores([row for row in rows if row[1] == split])

    def _put_scores(self, rows: list[tuple[Any, ...]]) -> None:
        """Evaluations on the split of the table."""
        import numpy as np

        if not rows:
            return
        rowids, _, score, items, tokens, usd, complete, stopped, outcomes, at = zip(*rows, strict=True)
        places = self._places(rowids)
        if len(places) != len(rows):
            known = set(self["rowid"][places].tolist())
            self._put_scores([row for row in rows if row[0] in known])
            return
        scored = np.array(items, "f8")
        total = scored + np.array([_left_out(found) for found in outcomes], "f8")
        each = np.where(scored > 0, scored, np.nan)
        put: dict[str, Any] = {
            "has": True,
            "score": np.where(scored > 0, np.array(score, "f8") * scored / np.maximum(1, total), np.nan),
            "items": scored,
            "total": total,
            "tokens_per_item": np.array(tokens, "f8") / each,
            "cost_usd_per_item": np.array(usd, "f8") / each,
            "complete": np.array(complete, "?"),
            "stopped": [0 if why is None else 2 if why.startswith(PAUSED) else 1 for why in stopped],
            "answered": [found is None or '"ok"' in found for found in outcomes],
            "evaluated_at": np.array(at, "f8"),
        }
        for name, values in put.items():
            self._of[name][places] = values


def _left_out(outcomes: str | None) -> int:
    """Pairs that came to no score."""
    if outcomes is None or not any(kind in outcomes for kind in QUOTED):
        return 0
    counts = codec.load(outcomes)
    return sum(int(counts.get(kind, 0)) for kind in UNSCORED)


def _parts(agents: Sequence[str]) -> Iterable[Sequence[str]]:
    return (agents[i : i + PART] for i in range(0, len(agents), PART))
