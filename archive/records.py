"""The reading side of an archive: works while a run writes, and changes nothing."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from archive import codec, frames, html, items, queries, search_index, transcripts
from archive.guard import Refusals, Room, check_types, making_sense, sensible
from archive.readers import CACHE_KB, Readers, database_path
from archive.schema import version
from archive.select import best_so_far
from archive.values import Event, Record, Trial, record_of, trial_of
from meta_search.errors import ArchiveError, DamagedError
from meta_search.types import (
    REPAIR,
    ArchivedItem,
    Attempt,
    Evaluation,
    Importance,
    ItemResult,
    Lesson,
    MetaName,
    Split,
    TranscriptCall,
    Usage,
)

if TYPE_CHECKING:
    import pandas

__all__ = ["Archive", "Event", "Record", "Trial"]

CURRENT = 3  # schema version from which on the values of briefs are comparable
SINCE = {"asked": 4, "feedback": 5}  # schema version from which on results have a column
FREE_SINCE = 6  # schema version from which on evaluations count answers without a call
MOST_LIKELY = 200  # agents of each split among which the best so far is
SHOWN = 5  # candidates named where a name means several agents

_Rows = list[tuple[Any, ...]]


class Archive:
    """Reads an archive. Safe to use from any thread; each method sees what is committed when it is called.

    Args:
        path: The archive's file, or the run folder that holds it.
        cache_kb: Most memory for pages of it, of each thread that reads.

    Raises:
        ArchiveError: There is none, it is something else, or a newer version wrote it.
    """

    def __init__(self, path: Path | str, cache_kb: int = CACHE_KB) -> None:
        self.path = database_path(path)
        self._readers = Readers(self.path, cache_kb)
        self._refusals = Refusals()
        self._readers.get()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; the archive may be used again after."""
        self._readers.close()

    @sensible
    def select(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a statement of one's own, whose types nobody has looked at: an archive may be a stranger's.

        Raises:
            DamagedError: It cannot be read.
            TimeoutError: Nobody waits for it any more, see `archive.guard.Patience`.
        """
        return self._rows(sql, *values)

    @property
    def is_current(self) -> bool:
        """Whether what it says of briefs means what it means now: no version older than that wrote it."""
        return version(self._readers.get(), self.path) >= CURRENT

    @property
    def _missing(self) -> list[str]:
        """Columns of results that an older archive does not have."""
        have = version(self._readers.get(), self.path)
        return [column for column, since in SINCE.items() if have < since]

    def __len__(self) -> int:
        """Number of agents."""
        return int(self._rows("SELECT COUNT(*) FROM agents")[0][0])

    def rows(self, table: frames.Table, text: bool = False) -> Iterator[dict[str, Any]]:
        """A table as plain rows, read page by page; `list(archive.rows("agents"))` has them all.

        Scores are 0..1, costs in US dollars, times in seconds, `created` in UTC; what is not known is `None`.

        - `agents`: one row an agent, in the order in which they came, with score, 95 % interval, items, those
          left out, and used cost per item of each split, as `test_low`, `validation_tokens_per_item`.
        - `items`: one row an agent, item and repeat, with outcome, score, used calls and tokens, answer, and
          what the scorer said of it.
        - `calls`: one row a request to a model, with what it was charged, over all its attempts.
        - `briefs`: one row a brief that the guide asked for, with the agent that came of it.

        Args:
            table: `agents`, `items`, `calls` or `briefs`.
            text: Agents with `thought` and `source`, calls with `request` and `reply` too: most of the data.

        Raises:
            ArchiveError: No table is called so.
        """
        return self._sensibly(
            frames.rows(self, self._rows, table, self._room() if text else None, self._missing)
        )

    def to_frame(self, table: frames.Table, text: bool = False) -> pandas.DataFrame:
        """A table as a pandas data frame, where pandas is installed.

        Args:
            table: As for `rows`.
            text: As for `rows`.

        Raises:
            ArchiveError: pandas is not installed, or no table is called so.
        """
        return frames.frame(self.rows(table, text), table, text)

    def _repr_html_(self) -> str:
        """The best agents, as notebooks show an archive."""
        return html.archive_html(self)

    @sensible
    def agents(self) -> list[Record]:
        """All agents, in the order in which they came in. A very large archive is better read by `scan`."""
        return list(self.scan())

    def scan(self) -> Iterator[Record]:
        """All agents one after the other, in the order in which they came in; memory stays small."""
        last = 0
        while rows := self._rows(queries.PAGE, last):
            yield from self._records([row[1:] for row in rows])
            last = self._next(last, rows[-1][0])

    @sensible
    def top(self, n: int = 20, split: Split = "validation") -> list[Record]:
        """The best agents of a split: complete evaluations first, what was left out counted as wrong."""
        whole = self._best_ids(split, True, n)
        found = self.get([*whole, *self._best_ids(split, False, n - len(whole))])
        return sorted(found, key=lambda r: (not r.evaluations[split].complete, -r.evaluations[split].sure))

    @sensible
    def best(self, split: Split | None = None) -> Record | None:
        """The agent to take: the one that the final report says, before that the best so far.

        Args:
            split: The best of this split in its place; where nobody was evaluated on it, the best so far.

        Returns:
            `None` in an archive without scores.
        """
        reported = self.meta("best") if split is None else None
        if reported and (found := self.get([reported])):
            return found[0]
        if split is not None and (ids := self._best_ids(split, True, 1)):
            return self.get(ids)[0]
        names: tuple[Split, ...] = ("train", "validation", "test", "examples")
        likely = dict.fromkeys(r.agent.id for name in names for r in self.top(MOST_LIKELY, name))
        records = self.get(likely)
        place = best_so_far([record.evaluations for record in records])
        return None if place is None else records[place]

    @sensible
    def get(self, ids: Iterable[str]) -> list[Record]:
        """Agents by their full ids, in the order given; unknown ones are left out."""
        wanted = list(ids)
        found: dict[str, Record] = {}
        for part in _chunks(list(dict.fromkeys(wanted))):
            rows = self._rows(f"SELECT {queries.AGENT} FROM agents WHERE id IN ({codec.marks(part)})", *part)
            found.update((record.agent.id, record) for record in self._records(rows))
        return [found[i] for i in wanted if i in found]

    @sensible
    def record(self, name: str) -> Record:
        """One agent by its id, its name, or the start of its id.

        Raises:
            ArchiveError: No agent is called so, or several are.
        """
        conditions = (
            ("id = ?", (name,)),
            ("name = ?", (name,)),
            ("id >= ? AND id < ?", (name.lower(), name.lower() + "g")),  # ids are hexadecimal
        )
        for condition, values in conditions if name else ():
            ids = self._rows(f"SELECT id FROM agents WHERE {condition} LIMIT {SHOWN + 1}", *values)
            if len(ids) == 1:
                return self.get([ids[0][0]])[0]
            if ids:
                more = ", …" if len(ids) > SHOWN else ""
                shown = ", ".join(i for (i,) in ids[:SHOWN]) + more
                raise ArchiveError(f"{name!r} is ambiguous in {self.path}: {shown}; give an id")
        raise ArchiveError(f"{self.path} has no agent {name!r}: give an id, the start of one, or a name")

    @sensible
    def search(self, text: str, n: int = 100) -> list[Record]:
        """Agents whose name, thought or source holds a text, whatever its case; the newest first."""
        like = f"%{codec.like(text)}%"
        return self.get([row[0] for row in self._rows(queries.SEARCH, like, like, like, n)])

    @sensible
    def find(self, query: str, n: int = 50, seconds: float = search_index.SECONDS) -> search_index.Hits:
        """Full text of names, thoughts, code and answers: what holds all words of a query, the newest first.

        The index lies in the user's cache folder and grows with the archive; the first time takes a while.

        Args:
            query: Words, "phrases", and beginnings*; what stands within words of code is found too.
            n: Most hits.
            seconds: How long the index may grow before it is asked; `Hits` says how much it has.

        Raises:
            ArchiveError: The index cannot be written.
        """
        return search_index.find(self, query, n, seconds)

    @sensible
    def lineage(self, agent: str) -> list[Record]:
        """An agent's ancestors and itself, each once, ancestors first.

        Args:
            agent: As for `record`.
        """
        rows = self._rows(queries.LINEAGE, self.record(agent).agent.id)
        return [record for part in _chunks(rows) for record in self._records(part)]

    @sensible
    def children(self, agent: str) -> list[str]:
        """Ids of the agents that were made from this one."""
        return [child for (child,) in self._checked("edges", ("child",), queries.CHILDREN, agent)]

    @sensible
    def results(
        self, agent: str, split: Split, trace: bool = True, most: int | None = None
    ) -> list[ItemResult]:
        """An agent's results on a split, ordered by item and repeat.

        Args:
            agent: Full id.
            split: Of which items.
            trace: Whether to read the traces too; they are most of the data.
            most: Only the first so many; `None` for all.
        """
        where = "agent = ? AND split = ? ORDER BY item, repeat LIMIT ?"
        return self._results(where, agent, split, -1 if most is None else most, trace=trace)

    @sensible
    def result(self, agent: str, split: Split, item: str, repeat: int) -> ItemResult | None:
        """One result with its trace, `None` where there is none.

        Args:
            agent: Full id.
            split: Split of the item.
            item: Id of the item.
            repeat: Which repeat, from 0.
        """
        where = "agent = ? AND split = ? AND item = ? AND repeat = ?"
        return next(iter(self._results(where, agent, split, item, repeat)), None)

    @sensible
    def items(self, split: Split) -> list[ArchivedItem]:
        """Items of a split with question and target, in the domain's order.

        Those of examples, train and validation are there from the beginning of a search, those of test once
        its final report is made, those of an evaluation once it has run them. An archive of an earlier
        version has ids alone, of the items that its best agents were run on.

        Args:
            split: Which split.
        """
        return items.items(self._rows, self._room(), self.path, split, old=self._knows_no_items)

    @sensible
    def item(self, name: str, split: Split) -> ArchivedItem | None:
        """One item, `None` where the archive has none of this id.

        In an archive of an earlier version the question is the first prompt that was sent for the item, and
        the target is not known.

        Args:
            name: Id of the item.
            split: Which split.
        """
        found = items.items(self._rows, self._room(), self.path, split, name, self._knows_no_items)
        return found[0] if found else None

    @sensible
    def transcript(self, agent: str, item: str, split: Split, repeat: int = 0) -> list[TranscriptCall]:
        """What was said on an item, call by call: messages as they were sent, replies, tokens, costs.

        Args:
            agent: Full id.
            item: Id of the item.
            split: Split of the item.
            repeat: Which repeat, from 0.

        Returns:
            The calls in program order, those that are not in the trace behind them; empty where there are
            none.
        """
        result = self.result(agent, split, item, repeat)
        who = (agent, split, item, repeat)
        return transcripts.of_item(self._rows, self._room(), self.path, who, result.trace if result else ())

    @sensible
    def conversation(self, brief: int, repairs: int = 0) -> list[TranscriptCall]:
        """The meta agent's calls for a brief, and for the repairs of its candidate, in their order.

        Args:
            brief: `Brief.number` of a brief that was asked for.
            repairs: How many repairs there may have been.
        """
        codes = [brief + REPAIR * repair for repair in range(repairs + 1)]
        return transcripts.of_brief(self._rows, self._room(), self.path, codes)

    @property
    def _knows_no_items(self) -> bool:
        """Whether an earlier version wrote it, or an evaluation that was killed before it wrote them."""
        have = version(self._readers.get(), self.path)
        return have < items.SINCE or not self._rows("SELECT 1 FROM items LIMIT 1")

    @sensible
    def importance(self, agent: str) -> list[Importance]:
        """What an agent's components were found to be worth, by method, the most important first.

        Empty where nobody looked, and in an archive that an older version wrote.
        """
        if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'importance'"):
            return []
        rows = self._checked("importance", codec.IMPORTANCE_COLUMNS, queries.IMPORTANCE, agent)
        return [codec.importance_of(row) for row in rows]

    @sensible
    def attempts(self, brief: int | None = None) -> list[Attempt]:
        """Drafts that did not become candidates, in the order in which they came in.

        Args:
            brief: Only those on the way to the candidate of this brief (`Brief.number`), repairs included.
        """
        where, values = "", []
        if brief is not None:
            where, values = f"WHERE brief >= 0 AND brief % {REPAIR} = ?", [brief]
        rows = self._table("attempts", codec.ATTEMPT_COLUMNS, f"{where} ORDER BY id", *values)
        return [Attempt(*row) for row in rows]

    @sensible
    def lessons(self) -> list[Lesson]:
        """What the meta agent wrote down of its attempts, in order; without what came to nothing."""
        rows = self._checked("events", ("data",), queries.LESSONS)
        found = [lesson for (data,) in rows for lesson in codec.lessons_of(data)]
        return [lesson for lesson in found if lesson.text]

    @sensible
    def trials(self, study: str) -> list[Trial]:
        """Trials of a study by number."""
        columns = codec.TRIAL_COLUMNS
        rows = self._table("trials", columns, "WHERE study = ? ORDER BY number", study)
        return [trial_of(dict(zip(columns, row, strict=True))) for row in rows]

    @sensible
    def studies(self) -> list[str]:
        """Names of the studies that have trials."""
        rows = self._checked("trials", ("study",), "SELECT DISTINCT study FROM trials ORDER BY study")
        return [study for (study,) in rows]

    @sensible
    def events(self, kind: str | None = None, after: int = 0) -> list[Event]:
        """Events in their order.

        Args:
            kind: Only those of one kind.
            after: Only those with a greater number.
        """
        where, values = ("seq > ?", [after]) if kind is None else ("seq > ? AND kind = ?", [after, kind])
        rows = self._table("events", codec.EVENT_COLUMNS, f"WHERE {where} ORDER BY seq", *values)
        return [Event(seq, name, codec.load(data), created) for seq, name, data, created in rows]

    @sensible
    def meta(self, key: MetaName) -> Any:
        """A value stored by `Store.set_meta`, or `None` where there is none."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", key)
        return codec.load(rows[0][0], codec.MOST_PARTS) if rows else None

    @sensible
    def usage(self) -> dict[str, Usage]:
        """What was paid so far by purpose: attempts and what they were charged, in flight ones in full; and
        how much of what was answered was thinking."""
        thought: Counter[str] = Counter()
        known = self.meta("takes") or {}
        if any(takes.get("thinks") for takes in known.values()):  # for others not worth a look at each reply
            room = self._room()
            for purpose, reply in self._rows(queries.REPLIES):
                thought[purpose] += codec.reasoning_of(reply, room)
        return {
            purpose: Usage(*sums) + Usage(reasoning_tokens=thought[purpose])
            for purpose, *sums in self._rows(queries.USAGE)
        }

    @sensible
    def writing(self) -> dict[int, Usage]:
        """What the meta agent used to carry out each brief, by `Brief.code`: attempts and their tokens."""
        return {int(name.removeprefix("brief-")): Usage(*sums) for name, *sums in self._rows(queries.WRITING)}

    @sensible
    def spending(self) -> list[tuple[str, str, str, Usage]]:
        """What was paid by purpose, agent (of an author's calls: its brief) and split of the items."""
        return [(why, who, split, Usage(*sums)) for why, who, split, *sums in self._rows(queries.SPENDING)]

    @sensible
    def paid_over_time(self) -> list[tuple[float, Usage]]:
        """What was paid in each tenth of a second, by its end in seconds since the epoch; in order."""
        return [((n + 1) / 10, Usage(*sums)) for n, *sums in self._rows(queries.PAID_OVER_TIME)]

    def _results(self, where: str, *values: object, trace: bool = True) -> list[ItemResult]:
        columns = queries.RESULT
        for column in (*self._missing, *(() if trace else ("trace",))):
            columns = columns.replace(f'"{column}"', "NULL")
        sql = f"SELECT {columns} FROM results WHERE {where}"
        rows, room = self._checked("results", codec.RESULT_COLUMNS, sql, *values), self._room()
        return [codec.result_of(row, room) for row in rows]

    @sensible
    def _best_ids(self, split: Split, complete: bool, n: int) -> list[str]:
        return [agent for (agent,) in self._rows(queries.TOP, split, int(complete), max(0, n))]

    @sensible
    def _records(self, rows: Sequence[tuple[Any, ...]]) -> list[Record]:
        """Rows of `agents` with what the other tables know of them; at most `queries.CHUNK` at a time."""
        ids = [row[0] for row in rows]
        marks = codec.marks(ids)
        evaluations: dict[str, dict[Split, Evaluation]] = {i: {} for i in ids}
        check_types(list(rows), codec.kinds("agents", codec.AGENT_COLUMNS), self.path)
        columns = queries.EVALUATION
        if version(self._readers.get(), self.path) < FREE_SINCE:
            columns = columns.replace('"model_free"', queries.FREE)
        sql = f"SELECT {columns} FROM evaluations WHERE agent IN ({marks})"
        for row in self._checked("evaluations", codec.EVALUATION_COLUMNS, sql, *ids):
            evaluations[row[0]][row[1]] = codec.evaluation_of(row)
        sql = f"SELECT child, parent FROM edges WHERE kind = 'same' AND child IN ({marks})"
        same: dict[str, str] = dict(self._checked("edges", ("child", "parent"), sql, *ids))
        return [record_of(row, evaluations[row[0]], same.get(row[0], "")) for row in rows]

    def _rows(self, sql: str, *values: object) -> _Rows:
        try:
            return self._readers.get().rows(sql, values)
        except sqlite3.Error as error:
            raise DamagedError(f"cannot read {self.path}: {error}") from error

    def _room(self) -> Room:
        return Room(self.path.stat().st_size, self._refusals)

    def _sensibly(self, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        with making_sense(self.path):
            yield from rows

    def _table(self, table: str, columns: tuple[str, ...], where: str, *values: object) -> _Rows:
        """Rows of a table by its columns, each of its type."""
        return self._checked(table, columns, f"SELECT {codec.names(columns)} FROM {table} {where}", *values)

    def _checked(self, table: str, columns: tuple[str, ...], sql: str, *values: object) -> _Rows:
        """Rows of a statement that gives these columns of a table, each of its type."""
        rows = self._rows(sql, *values)
        check_types(rows, codec.kinds(table, columns), self.path)
        return rows

    def _next(self, last: int, found: int) -> int:
        """The row number after which the next page begins; in a damaged file they may go backwards."""
        if found <= last:
            raise DamagedError(f"{self.path} is damaged: its rows are out of order")
        return found


def _chunks(rows: list[Any]) -> Iterator[list[Any]]:
    return (rows[i : i + queries.CHUNK] for i in range(0, len(rows), queries.CHUNK))
