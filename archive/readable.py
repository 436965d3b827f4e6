"""What makes `archive.db` good to read for Datasette and other viewers of SQLite: references and views.

Nothing of ours reads by them. `archive.guard` takes a view for ours only where its text is one of these, byte
for byte, so a text that stands here once is never edited: a later migration drops it and makes another.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

__all__ = ["REFERENCES", "VIEWS", "refer"]

# Table -> what of it names rows of another. They are for readers alone: `foreign_keys` stays off, as results
# come in before evaluations, and calls of the meta agent name a brief where others name an agent.
REFERENCES: Mapping[str, tuple[str, ...]] = {
    "edges": (
        "FOREIGN KEY ([parent]) REFERENCES [agents]([id])",
        "FOREIGN KEY ([child]) REFERENCES [agents]([id])",
    ),
    "evaluations": ("FOREIGN KEY ([agent]) REFERENCES [agents]([id])",),
    "results": (
        "FOREIGN KEY ([agent]) REFERENCES [agents]([id])",
        "FOREIGN KEY ([split], [item]) REFERENCES [items]([split], [item])",
    ),
    "calls": ("FOREIGN KEY ([agent]) REFERENCES [agents]([id])",),
    "trials": ("FOREIGN KEY ([agent]) REFERENCES [agents]([id])",),
    "importance": ("FOREIGN KEY ([agent]) REFERENCES [agents]([id])",),
}

# `best_agents` walks an index in its order, so that the first page needs no sorting.
VIEWS: Mapping[str, str] = {
    "best_agents": """CREATE VIEW best_agents AS
SELECT e.split, a.id AS agent, a.name, round(100 * e.score, 1) AS score_percent,
  round(100 * e.low, 1) AS low_percent, round(100 * e.high, 1) AS high_percent, e.items,
  round(1.0 * e.tokens / max(1, e.items), 1) AS tokens_per_item,
  round(1.0 * e.calls / max(1, e.items), 2) AS calls_per_item,
  round(e.cost_usd / max(1, e.items), 6) AS usd_per_item,
  a.status, a.operator, a.author, a.generation, datetime(a.created, 'unixepoch') AS created, a.thought
FROM evaluations e CROSS JOIN agents a ON a.id = e.agent
WHERE +e.complete = 1 ORDER BY e.split, e.complete, e.score DESC, e.tokens""",
    "wrong_items": """CREATE VIEW wrong_items AS
SELECT r.split, r.item, i.kind AS kind, a.name AS agent_name, r.agent, r.repeat, r.kind AS outcome, r.score,
  i.question, i.target, r.answer, r.feedback, r.detail, r.calls,
  r.prompt_tokens + r.completion_tokens AS tokens, datetime(r.created, 'unixepoch') AS created
FROM results r LEFT JOIN agents a ON a.id = r.agent
LEFT JOIN items i ON i.split = r.split AND i.item = r.item
WHERE r.score < 1""",
    "spending": """CREATE VIEW spending AS
SELECT purpose, COUNT(*) AS requests, SUM(attempts) AS attempts, SUM(prompt_tokens) AS prompt_tokens,
  SUM(completion_tokens) AS completion_tokens, round(SUM(cost_usd), 6) AS usd
FROM calls GROUP BY purpose ORDER BY SUM(cost_usd) DESC, purpose""",
    "calls_readable": """CREATE VIEW calls_readable AS
SELECT c.rowid AS number, datetime(c.created, 'unixepoch') AS created, c.purpose, c.model,
  a.name AS agent_name, c.agent, c.author AS component, c.split, c.item, c.repeat, c.prompt_tokens,
  c.completion_tokens, round(c.cost_usd, 6) AS usd, round(c.latency_s, 3) AS seconds, c.attempts, c.state,
  c.fault, c.key
FROM calls c LEFT JOIN agents a ON a.id = c.agent""",
}


def refer(connection: sqlite3.Connection) -> None:
    """Declare the references of tables that are there already, without copying them.

    SQLite has no statement for it; its manual (lang_altertable, section 7) has changes that touch no row be
    made in the schema's own text. Twenty million rows take as long as none.

    Raises:
        Error: It cannot be done; of `sqlite3`.
    """
    (cookie,) = connection.execute("PRAGMA schema_version").fetchone()
    connection.execute("PRAGMA writable_schema = ON")
    try:
        for table, references in REFERENCES.items():
            (sql,) = connection.execute(
                "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
            ).fetchone()
            columns, _, end = sql.rpartition(")")
            told = "".join(f",\n   {reference}" for reference in references)
            connection.execute(
                "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?",
                (f"{columns.rstrip()}{told}\n){end}", table),
            )
        connection.execute(f"PRAGMA schema_version = {cookie + 1}")
    finally:
        connection.execute("PRAGMA writable_schema = RESET")
