"""What `records` asks of the tables of an archive."""

from __future__ import annotations

from archive import codec

__all__ = [
    "AGENT",
    "CHILDREN",
    "CHUNK",
    "EVALUATION",
    "FREE",
    "IMPORTANCE",
    "LESSONS",
    "LINEAGE",
    "PAGE",
    "RESULT",
    "SEARCH",
    "PAID_OVER_TIME",
    "REPLIES",
    "SPENDING",
    "TOP",
    "USAGE",
    "WRITING",
]

CHUNK = 500  # rows fetched together; below SQLite's least limit of parameters (999)

AGENT = codec.names(codec.AGENT_COLUMNS)
EVALUATION = codec.names(codec.EVALUATION_COLUMNS)
FREE = (  # in the place of the column that older archives do not have
    "(SELECT COUNT(*) FROM results r WHERE r.agent = evaluations.agent AND r.split = evaluations.split "
    "AND r.calls = 0 AND r.kind = 'ok')"
)
RESULT = codec.names(codec.RESULT_COLUMNS)
IMPORTANCE = f"""
SELECT {codec.names(codec.IMPORTANCE_COLUMNS)} FROM importance WHERE agent = ?
ORDER BY method, "value" DESC, component
"""
PAGE = f"SELECT rowid, {AGENT} FROM agents WHERE rowid > ? ORDER BY rowid LIMIT {CHUNK}"
CHILDREN = "SELECT child FROM edges WHERE parent = ? AND kind = 'parent'"
# Walks an index in its order: no sorting, however many agents there are.
TOP = """
SELECT agent FROM evaluations WHERE split = ? AND complete = ? ORDER BY score DESC, tokens LIMIT ?
"""
# UNION keeps each ancestor once, so that a lineage with many crossings stays as small as it is. Ancestors
# come in before their children.
LINEAGE = f"""
WITH RECURSIVE up(ancestor) AS (
  VALUES (?)
  UNION SELECT e.parent FROM up JOIN edges e ON e.child = up.ancestor AND e.kind = 'parent'
)
SELECT {AGENT} FROM up CROSS JOIN agents ON agents.id = up.ancestor ORDER BY agents.rowid
"""
SEARCH = """
SELECT id FROM agents WHERE name LIKE ? ESCAPE '\\' OR thought LIKE ? ESCAPE '\\' OR source LIKE ? ESCAPE '\\'
ORDER BY rowid DESC LIMIT ?
"""
# Of briefs alone, whose rows begin so: those of items are thousands of times as many.
LESSONS = """
SELECT data FROM events WHERE kind = 'delivery' AND data LIKE '{"brief":%' AND data LIKE '%"lessons":[[%'
ORDER BY seq
"""
REPLIES = "SELECT purpose, reply FROM calls WHERE state = 'done' AND reply IS NOT NULL"
USAGE = """
SELECT purpose, SUM(attempts), SUM(prompt_tokens), SUM(completion_tokens), SUM(cost_usd)
FROM calls GROUP BY purpose
"""
WRITING = """
SELECT agent, SUM(attempts), SUM(prompt_tokens), SUM(completion_tokens), SUM(cost_usd)
FROM calls WHERE purpose = 'meta' AND agent GLOB 'brief-[0-9]*' GROUP BY agent
"""
SPENDING = """
SELECT purpose, agent, split, SUM(attempts), SUM(prompt_tokens), SUM(completion_tokens), SUM(cost_usd)
FROM calls GROUP BY purpose, agent, split HAVING SUM(attempts) > 0 ORDER BY purpose, agent, split
"""
# By tenths of a second: a long run has millions of calls.
PAID_OVER_TIME = """
SELECT CAST(created * 10 AS INTEGER), SUM(attempts), SUM(prompt_tokens), SUM(completion_tokens), SUM(cost_usd)
FROM calls WHERE created IS NOT NULL AND attempts > 0 GROUP BY 1 ORDER BY 1
"""
