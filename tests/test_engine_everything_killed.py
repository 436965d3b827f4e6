"""A search with everything on (teaching, drafts, lessons, meta models, folds), killed and gone on with."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from meta_search import cli
from meta_search.testing import CountingEndpoint
from tests.kits.searches import assert_replays, command, overrides, questions
from tests.kits.whole_minds import WRITERS, Minds

ODD = "\x1b[31m\u202e ``` </script>{{ 7 * 7 }}"
WORDS = (
    *("domain.sizes={examples:8,train:12,validation:9,test:6}", "evaluate.items=9", "evaluate.block=3"),
    *("evaluate.test_items=3", "evaluate.repeats=2", "evaluate.folds=3", "search.in_flight=4"),
    *("search.seeds=[direct,chain_of_thought]", "search.candidates=6", "search.give_up_after=8"),
    *("author=llm", "author.formats=[program,edit,plan]", "author.drafts=3", "author.reflexions=1"),
    *("author.debug_rounds=1", "author.lessons=2", "author.teach=true", "author.teach_share=0.5"),
    *("llm.meta.models=[writer,second]", "author.notes=short", "run.confirm=false", "run.dir=run"),
)


class Killer:
    """Kills a process at a call of the meta agent; `sent` counts all calls."""

    def __init__(self) -> None:
        self._minds, self._written, self.process, self.at = Minds(ODD), 0, 0, 0

    def __call__(self, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        self._written += body["model"] in WRITERS
        if self.process and self._written >= self.at:
            os.kill(self.process, signal.SIGKILL)
            self.process = 0
        return self._minds(messages, body)


@pytest.mark.slow
def test_killed_at_five_calls_of_the_meta_agent(folder: Path) -> None:
    killer = Killer()
    with CountingEndpoint(killer, latency_s=0.005) as endpoint:
        verb = ["run", *overrides(questions(folder), endpoint, *WORDS, meta="writer", task="solver")]
        for killer.at in (3, 9, 15, 21, 27):
            process = command(folder, *verb)
            killer.process = process.pid
            process.communicate()
            assert process.returncode == -signal.SIGKILL
            verb = ["resume", "run"]
        assert cli.main(verb) == 0
        sent = endpoint.calls
    with sqlite3.connect("run/archive.db") as database:
        (attempts,) = database.execute("SELECT SUM(attempts) FROM calls").fetchone()
        rows = database.execute(
            "SELECT agent, occurrence, model, author, key FROM calls WHERE agent LIKE 'brief-%'"
        ).fetchall()
    assert attempts >= sent  # every one is accounted for
    # A brief that was killed in its midst goes on in its own words: no prompt of it was put in two ways.
    asked = defaultdict(set)
    for *where, key in rows:
        asked[tuple(where)].add(key)
    assert [where for where, keys in asked.items() if len(keys) > 1] == []
    assert_replays()
