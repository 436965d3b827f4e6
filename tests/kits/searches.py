"""A small search to record and replay: questions, a model that is a function of its prompt, and tables."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import meta_search

# What a run must share with its replay. Left out: times, and what was paid (a replay pays nothing).
COLUMNS = {
    "agents": "id, name, status, author, operator, generation, thought, [values], space, brief, plan, source,"
    " demonstrations",
    "edges": "parent, child, kind",
    "evaluations": "agent, split, score, low, high, items, calls, tokens, prompt_tokens, cost_usd, outcomes,"
    " complete, stopped",
    "trials": "study, number, params, [values], state, agent",
    "attempts": "brief, author, operator, stage, message, source",
    "events": "seq, kind, data",
}
PROGRAM = """Name: Agent {n}
Thought: number {n} of the scripted model.
```python
def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver {n}", temperature={n} / 10)
    return solver([taskInfo], "Reply with only the number. {n}")[{index}]
```"""
SUM = re.compile(r"(\d+) (plus|times) (\d+)")


def mind(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """A model that is right more often on sums than on products, and writes agents, some of them broken."""
    text = json.dumps([messages, body.get("temperature")], sort_keys=True)
    chance = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    wanted = (body.get("response_format") or {}).get("json_schema")
    fields = wanted["schema"]["properties"] if wanted else {}
    if "way" in fields:
        return json.dumps(_plan(chance, fields))
    if body.get("model") == "writer" and not fields and "Name:" in text:
        return PROGRAM.format(n=chance % 9, index=0 if chance % 3 else "'no'")
    found = SUM.findall(messages[-1]["content"])
    a, what, b = found[-1] if found else ("0", "plus", "0")
    right = int(a) + int(b) if what == "plus" else int(a) * int(b)
    missed = chance % 100 < (20 if what == "plus" else 60)
    answer = str(right + missed)
    if "```" in text or "Python program" in text:
        return f"```python\nprint({answer})\n```"
    return json.dumps(dict.fromkeys(fields, answer)) if fields else answer


def _plan(chance: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    words = fields["routes"]["items"]["properties"]["words"].get("enum", ["plus"])
    ways = ("direct", "program", "think")
    return {
        "name": f"Plan {chance % 997}",
        "thought": "of the scripted model",
        "way": ways[chance % 3],
        "routes": [{"words": words[chance % len(words)], "way": ways[chance // 3 % 3]}],
        "hint": "",
        "samples": (1, 3)[chance // 9 % 2],
        "shown": chance // 18 % 3,
    }


def questions(folder: Path) -> Path:
    """A table of 96 sums and products."""
    path = folder / "questions.jsonl"
    rows = [
        {
            "question": f"A shop counts {a} {what} {b} loaves. How many are that?",
            "answer": str(a + b if what == "plus" else a * b),
            "kind": what,
        }
        for a in range(2, 14)
        for b in range(3, 7)
        for what in ("plus", "times")
    ]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path


def overrides(path: Path, base_url: str, *more: str) -> list[str]:
    """A search with both authors and racing, on one machine without Ray."""
    return [
        *("domain=table", f"domain.path={path}", "llm=endpoint", f"llm.base_url={base_url}"),
        *("llm.meta.model=writer", "llm.task.model=solver", "evaluate.executor=inline", "author=mixed"),
        *("author.formats=[plan,program]", "author.reflexions=0", "author.debug_rounds=1"),
        *("domain.sizes={examples:8,train:18,validation:9,test:9}", "evaluate.items=18", "evaluate.block=4"),
        *("search.seeds=[direct,chain_of_thought,program_of_thought]", "run.confirm=false", *more),
    ]


def command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """`meta-search …` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "meta_search", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(meta_search.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def tables(run: Path | str) -> dict[str, list[tuple[Any, ...]]]:
    """What a run and its replay must agree on, row by row."""
    with sqlite3.connect(f"file:{run}/archive.db?mode=ro", uri=True) as database:
        return {
            name: database.execute(f"SELECT {columns} FROM {name} ORDER BY {columns}").fetchall()
            for name, columns in COLUMNS.items()
        }


def sentence(run: Path | str) -> str:
    """The verdict as it was archived."""
    with meta_search.open_run(run) as archive:
        return str(archive.meta("verdict"))
