"""A made archive of any size, written in bulk: agents, lineage, evaluations, results, calls and events."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from archive import codec
from archive.schema import FILE_NAME
from archive.store import Store
from meta_search.types import Agent, Brief, Candidate

__all__ = ["Sizes", "make_archive"]

SOURCE = """
def forward(self, taskInfo):
    # Candidate {n}: think first, then judge.
    thinker = LLMAgentBase(['thinking', 'answer'], 'Thinker {n}', temperature={temperature:.2f})
    thinking, answer = thinker([taskInfo], 'Think step by step, then solve the task.')
    judge = LLMAgentBase(['thinking', 'answer'], 'Judge {n}')
    return judge([taskInfo, thinking, answer], 'Weigh the answer above and give the final one.')[1]
"""
OPERATORS = ("novel", "mutate", "crossover", "bootstrap", "simplify", "tune", "team", "debug")
AUTHORS = ("llm", "composer", "adas")
BATCH = 20_000
BEGAN = 1.79e9
SEEDS = 8
SHARE = 0.775  # of the items that an agent would be run on if none were stopped, and all went on


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large an archive is made.

    Attributes:
        agents: How many.
        results: Item results in all, about.
        calls: Rows of the ledger.
        events: Whether each result has its event, as in a run.
    """

    agents: int
    results: int
    calls: int = 0
    events: bool = True


def make_archive(folder: Path, sizes: Sizes, status: str | None = "done") -> Path:
    """Write an archive; the same sizes make the same one. Returns its folder.

    Args:
        folder: Where to; what is there is kept as it is.
        sizes: How large.
        status: As `meta` has it; `None` of a run at work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / FILE_NAME).exists():
        return folder
    Store.open(folder).close()
    database = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -200000"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("BEGIN")
    _fill(database, sizes)
    meta: dict[str, Any] = {"elapsed_s": 36_000.0, "version": "0.1.0", "status": status}
    meta["config"] = {"domain": {"name": "table"}, "search": {}, "llm": {}, "budget": {"calls": 20_000_000}}
    rows = [(key, codec.dump(value)) for key, value in meta.items() if value is not None]
    database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
    database.execute("COMMIT")
    database.close()
    return folder


def grow(folder: Path) -> None:
    """Let an archive that `make_archive` made be written to: one call, result and event more."""
    database = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    new = {"key": f"{time.time_ns():064x}", "item": f"grown-{time.time_ns()}", "seq": None}
    database.execute("BEGIN")
    for table in ("calls", "results", "events"):
        cursor = database.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1")
        row = dict(zip((name for name, *_ in cursor.description), cursor.fetchone(), strict=True))
        row |= {name: value for name, value in new.items() if name in row}
        _insert(database, table, tuple(row), [tuple(row.values())])
    database.execute("COMMIT")
    database.close()


def _fill(database: sqlite3.Connection, sizes: Sizes) -> None:
    rng = random.Random(0)
    drawn = ((n, *_agent(n, rng)) for n in range(sizes.agents))
    database.execute(
        "CREATE TEMP TABLE chances (id TEXT PRIMARY KEY, n INT, chance REAL, train INT, later INT)"
    )
    each = max(2, round(sizes.results / sizes.agents / SHARE))
    while batch := list(islice(drawn, BATCH)):
        rows = [codec.agent_row(candidate, state, _at(n)) for n, candidate, state, _ in batch]
        _insert(database, "agents", codec.AGENT_COLUMNS, rows)
        edges = [(p, c.agent.id, "parent") for _, c, _, _ in batch for p in c.brief.parents]
        database.executemany("INSERT OR IGNORE INTO edges VALUES (?, ?, ?)", edges)
        chances = [(c.agent.id, n, chance, *_items(n, each, rng)) for n, c, _, chance in batch]
        database.executemany("INSERT INTO chances VALUES (?, ?, ?, ?, ?)", chances)
    steps = f"WITH RECURSIVE i(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM i WHERE i < {each * 2})"
    for split, column in (("train", "train"), ("validation", "later")):
        database.execute(RESULTS.format(steps=steps, split=split, column=column, began=BEGAN))
    database.execute(EVALUATIONS.format(whole=round(each * 0.9)))
    database.execute(BRIEFS.format(began=BEGAN, seeds=SEEDS))
    if sizes.events:
        database.execute(DELIVERIES)
    database.execute(RACES)
    calls = (_call(n, sizes) for n in range(sizes.calls))
    sql = "INSERT INTO calls VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,NULL)"
    while made := list(islice(calls, BATCH)):
        database.executemany(sql, made)


# In SQL, as five million rows take Python minutes. Scores are drawn by multiplying two large primes.
RESULTS = """
INSERT INTO results (agent, split, item, repeat, kind, score, calls, prompt_tokens, completion_tokens,
  cost_usd, paid_calls, paid_tokens, paid_prompt_tokens, paid_usd, seconds, created, answer, detail, asked,
  feedback)
{steps}
SELECT c.id, '{split}', printf('{split}-%03d', i), 0, 'ok',
  CASE WHEN (c.n * 2654435761 + i * 40503 + c.n * i * 97) % 1000 < 1000 * c.chance THEN 1.0 ELSE 0.0 END,
  2, 500, 200, 0.001, 2, 700, 500, 0.001, 3.0, {began} + c.n * 0.36 + i, 'forty-two', '', 'q', ''
FROM chances c CROSS JOIN i ON i.i < c.{column} ORDER BY c.id, i
"""
EVALUATIONS = """
INSERT INTO evaluations (agent, split, score, low, high, items, calls, tokens, prompt_tokens, cost_usd,
  seconds, paid_calls, paid_tokens, paid_prompt_tokens, paid_usd, outcomes, complete, stopped, created,
  model_free)
SELECT agent, split, AVG(score), MAX(0.0, AVG(score) - 0.1), MIN(1.0, AVG(score) + 0.1), COUNT(*),
  2 * COUNT(*), 700 * COUNT(*) + unicode(agent), 500 * COUNT(*), 0.001 * COUNT(*), 3.0 * COUNT(*),
  2 * COUNT(*), 700 * COUNT(*), 500 * COUNT(*), 0.001 * COUNT(*), '{{"ok":' || COUNT(*) || '}}',
  split <> 'train' OR COUNT(*) >= {whole},
  CASE WHEN split <> 'train' OR COUNT(*) >= {whole} THEN '' ELSE 'dominated by the front' END,
  MAX(created), 0
FROM results GROUP BY agent, split
"""
BRIEFS = """
INSERT INTO events (kind, data, created)
SELECT 'ask', '{{"brief":' || c.n || ',"operator":"' || a.operator || '","author":"' || a.author
  || '","parents":[],"design":' || c.n || ',"tuning":[],"values":{{}}}}', {began} + c.n * 0.36
FROM chances c JOIN agents a ON a.id = c.id WHERE c.n >= {seeds}
UNION ALL
SELECT 'delivery', '{{"brief":' || c.n || ',"agent":"' || c.id || '","tokens":900}}', {began} + c.n * 0.36
FROM chances c WHERE c.n >= {seeds}
"""
DELIVERIES = """
INSERT INTO events (kind, data, created)
SELECT 'delivery', '{"agent":"' || agent || '","split":"' || split || '","item":"' || item
  || '","repeat":0,"kind":"ok","score":' || score || ',"calls":2,"tokens":700}', created FROM results
"""
RACES = """
INSERT INTO events (kind, data, created)
SELECT 'race', '{"agent":"' || agent || '","split":"' || split || '","stopped":"' || stopped || '"}', created
FROM evaluations
"""


def _items(n: int, each: int, rng: random.Random) -> tuple[int, int]:
    """How many items of train and of validation an agent is run on: three of ten are stopped early."""
    whole = rng.random() < 0.7 or n < SEEDS
    train = round(each * 0.9) if whole else max(1, each // 4)
    later = rng.random() < 0.25 and whole
    return train, max(1, round(each * 0.4)) if later else 0


def _agent(n: int, rng: random.Random) -> tuple[Candidate, str, float]:
    operator, author = (rng.choice(OPERATORS), rng.choice(AUTHORS)) if n >= SEEDS else ("seed", "hand")
    parents = tuple(dict.fromkeys(_id(max(0, n - rng.randint(1, 500))) for _ in range(1 + n % 2)))
    brief = Brief(n, operator, author, parents if n >= SEEDS else ())
    source = SOURCE.format(n=n, temperature=rng.random())
    name = f"{rng.choice(('Routed', 'Voting', 'Careful', 'Nested'))} programs {n}"
    candidate = Candidate(Agent(_id(n), name, source), brief, "A judge may help.", min(n // 1000, 400))
    state = "seed" if n < SEEDS else "duplicate" if rng.random() < 0.02 else "population"
    return candidate, state, min(0.95, 0.3 + 0.4 * rng.random() + 0.2 * min(1.0, n / 50_000))


def _call(n: int, sizes: Sizes) -> tuple[Any, ...]:
    agent, at = _id(n % sizes.agents), BEGAN + n * 36_000 / max(1, sizes.calls)
    key = hashlib.sha256(str(n).encode()).hexdigest()
    if n % 50 == 0:
        owner: tuple[Any, ...] = ("meta", "writer", f"brief-{n % sizes.agents}", "", "")
    else:
        owner = ("task", "solver", agent, "train", f"train-{n % 40:03}")
    return (key, "0", *owner, 0, "A", 250, 100, 0.0005, 1.5, 1, "done", None, at)


def _insert(database: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    sql = f"INSERT INTO {table} ({codec.names(columns)}) VALUES ({codec.marks(columns)})"
    database.executemany(sql, rows)


def _id(n: int) -> str:
    return hashlib.sha256(b"agent %d" % n).hexdigest()[:16]


def _at(n: int) -> float:
    return BEGAN + n * 0.36
