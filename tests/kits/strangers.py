"""A run folder as somebody else hands it on: honest in form, hostile in what its files hold."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archive.store import Store
from meta_search.compose import compose
from meta_search.config import to_mapping
from meta_search.run.events import BriefAsked, BriefDelivered
from meta_search.types import Agent, Brief, Candidate, Demonstration, Evaluation, ItemResult, TraceCall, Usage

SOURCE = "def forward(self, taskInfo):\n    return LLMAgentBase(['answer'], 'A')([taskInfo], 'Answer.')[0]\n"
SEED = Agent.of("Direct", SOURCE)
CHILD = Agent.of("Voter", SOURCE.replace("'A'", "'B'"), {"votes": 3}, [Demonstration("q", "r")])
DOMAIN = {"name": "python", "wording": {}, "examples": [["2 + 2", "4"]], "kinds": {}}

# Writes down that it ran, and what it could have read.
EVIL = """
brief = "sums"
import os
from pathlib import Path
Path({mark!r}).write_text(os.environ.get("OPENAI_API_KEY", "no key"))

def items(split):
    return [{{"question": f"{{split}}: {{n}} + 1?", "answer": str(n + 1)}} for n in range(12)]

def score(item, answer):
    return answer == item.target
"""


def evil_domain(folder: Path) -> tuple[Path, Path]:
    """A domain's file, and the file that is there once it has run."""
    mark, path = folder / "it-ran", folder / "evil_domain.py"
    path.write_text(EVIL.format(mark=str(mark)))
    return path, mark


def config(*more: str, path: Path | None = None) -> dict[str, Any]:
    """A configuration that names a file, an endpoint, a variable and a header."""
    words = (
        *("llm=endpoint", "llm.base_url=http://127.0.0.1:9/v1", "llm.api_key_env=OPENAI_API_KEY"),
        *("llm.meta.model=m", "llm.task.model=t", "llm.extra_headers={X-Team:$AWS_SECRET_ACCESS_KEY}"),
        *("evaluate.executor=inline", "run.confirm=false", "author=composer", "evaluate.items=6", *more),
    )
    named = (f"domain.path={path}",) if path else ()
    return to_mapping(compose([f"domain={'python' if path else 'reasoning'}", *named, *words]))


def stranger(folder: Path, settings: Mapping[str, Any], seed: Agent = SEED, **meta: Any) -> Path:
    """A run that was made elsewhere.

    Args:
        folder: Where to put it.
        settings: Its `config.json`.
        seed: One of its two agents.
        meta: Values of its table `meta`, beside what every run has.
    """
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(settings))
    with Store.open(folder / "archive.db") as store:
        store.add_candidate(Candidate(seed, Brief(0, "seed", "hand", kind="seed"), "plain"), "seed")
        brief = Brief(1, "mutate", "llm", parents=(seed.id,))
        store.add_candidate(Candidate(CHILD, brief, "vote", 1), "population")
        call = TraceCall(0, "A", "helper", ("answer",), "question", "reply", (), 40, 0.1)
        for agent, right in ((seed, 2), (CHILD, 7)):
            for split in ("train", "validation"):
                rows = [
                    ItemResult(
                        agent.id, split, f"i{n}", 0, "ok", "a", score=float(n < right), used=Usage(2, 30, 10),
                        seconds=1.0, trace=(call,),
                    )
                    for n in range(8)
                ]  # fmt: skip
                store.add_results(rows)
                store.put_evaluation(Evaluation.of(agent.id, split, rows))
        for key, value in {"config": settings, "domain": DOMAIN, "version": "0.1.0", **meta}.items():
            if value is not None:
                store.set_meta(key, value)  # type: ignore[arg-type]
        for event in (BriefAsked(brief, 0), BriefDelivered(brief.code, CHILD.id, 40)):
            store.event(event.kind, event.data()).result()
    with sqlite3.connect(folder / "archive.db") as database:
        database.execute("PRAGMA journal_mode = DELETE")
    database.close()
    return folder


def alter(run: Path, *statements: str) -> None:
    """Change a run's archive by hand, whatever its schema says."""
    database = sqlite3.connect(run / "archive.db", isolation_level=None)
    database.execute("PRAGMA writable_schema = ON")
    for statement in statements:
        database.execute(statement)
    database.close()
