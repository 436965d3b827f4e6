"""Whoever writes agents, and the guide, cannot reach test items before the final report: tests that try.

Every test item carries a canary in its id, question, answer, kind, and the data that scorer and helpers have.
Whole searches run with every author, format and operator. What goes to any model, what an author is handed,
what the guide knows, and what the archive holds of the search is looked through for canaries.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from meta_search import cli
from meta_search.engine.context import Contexts
from meta_search.guide.guide import Guide
from meta_search.testing import CountingEndpoint
from tests.kits.answers import mind
from tests.kits.broken_agents import BROKEN, MENDED
from tests.kits.searches import mixed_search

CANARY = "canarybird"
DOMAIN = '''"""Shops that count their loaves."""
import json
SPLITS = {"examples": (2, 4), "train": (4, 7), "validation": (7, 9), "test": (9, 12)}
helpers = ["run_examples_and_get_feedback", "get_test_output_from_code"]

def items(split):
    mark = "canarybird" if split == "test" else ""
    return [
        {
            "id": f"{split}-{mark}-{a}-{b}-{what}",
            "question": f"{mark} A shop counts {a} {what} {b} loaves. How many are that?",
            "answer": f"{a + b if what == 'plus' else a * b}" + f" {mark}" * bool(mark),
            "kind": f"{what}{mark}",
            "secret": f"{mark}-secret-{a}",
            "public": {"examples": [], "mark": mark},
        }
        for a in range(*SPLITS[split])
        for b in (3, 4, 5)
        for what in ("plus", "times")
    ]

def score(item, answer, ask):
    if item.data["secret"].startswith("canarybird"):
        ask(f"Is this right, {item.data['secret']}? {item.target}", max_tokens=5)
    else:
        ask(f"Is this right? {item.question} {answer}", max_tokens=5)
    return answer.strip() == item.target.split()[0]
'''


def writer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Writes plans and programs, some broken and mended afterwards; judges and solves."""
    text = json.dumps(messages)
    if body.get("model") == "judge":
        return "yes"
    wanted = (body.get("response_format") or {}).get("json_schema")
    if body.get("model") == "writer" and not wanted and "forward" in text:
        number = body.get("seed", 0) or len(text)
        return (MENDED if "went wrong" in text or "failed" in text else BROKEN).format(n=number % 97)
    return mind(messages, body)


def texts(value: Any, seen: set[int], private: bool, depth: int = 0) -> Iterator[str]:
    """All texts that can be reached from a value through fields, attributes and containers."""
    if isinstance(value, str | bytes):
        yield str(value)
        return
    if value is None or isinstance(value, int | float | ModuleType) or id(value) in seen or depth > 12:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inner = list(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, field.name) for field in dataclasses.fields(value)]
    else:
        kept = getattr(value, "__dict__", {})
        inner = [held for name, held in kept.items() if private or not name.startswith("_")]
    for each in inner:
        yield from texts(each, seen, private, depth + 1)


def marked(value: Any, private: bool = False) -> list[str]:
    return [text[:80] for text in texts(value, set(), private) if CANARY in text]


SEARCHES = {
    "llm": (
        *("author=llm", "author.formats=[plan,edit,program]", "author.judge=true", "search.candidates=6"),
        "search.operators=[novel,mutate,crossover,bootstrap,simplify,team,tune]",
    ),
    "adas": ("search=adas", "search.candidates=3", "search.attempts=3"),
    "composer": (
        *("author=composer", "search.candidates=6"),
        "search.operators=[novel,mutate,crossover,bootstrap,simplify,team,tune]",
    ),
    "folds": (
        "author=mixed",
        "author.formats=[plan,edit,program]",
        "search.candidates=5",
        "evaluate.folds=3",
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in ("llm",))) for n in SEARCHES]
)
def test_nothing_of_a_test_item_is_reached_before_the_final_report(folder: Path, name: str) -> None:
    Path("mine.py").write_text(DOMAIN)
    handed: list[str] = []
    guides: list[Guide] = []
    authors: set[str] = set()
    make, begin = Contexts.context, Guide.__init__

    def context(self: Contexts, open_brief: Any, trial: Any, bench: Any) -> Any:
        made = make(self, open_brief, trial, bench)
        authors.add(f"{open_brief.brief.author}/{open_brief.brief.operator}")
        agents = [parent.agent for parent in made.parents] or [next(iter(self._members)).agent]
        tried = bench.try_out(agents[0])
        probed = bench.probe(agents[0], [0, 10**6], ())
        taught = bench.teach(agents[0], made.domain.examples[:1], "task")
        handed.extend(marked([made, tried, probed, taught, self.keywords, self.pool]))
        return made

    def guide(self: Guide, *args: Any, **more: Any) -> None:
        begin(self, *args, **more)
        guides.append(self)

    with CountingEndpoint(writer) as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Contexts, "context", context)
        patch.setattr(Guide, "__init__", guide)
        words = [
            w
            for w in mixed_search(Path("mine.py"), endpoint)
            if not w.startswith(("domain", "search.", "author"))
        ]
        words += ["domain=python", "domain.path=mine.py", "llm.judge.model=judge", "evaluate.items=8"]
        words += ["evaluate.test_items=4", "search.give_up_after=8", "run.root=runs"]
        if name != "adas":
            words += ["search.seeds=[direct,chain_of_thought,program_of_thought]"]
        for number in range(
            2 if name == "composer" else 1
        ):  # the second one begins with what the first found
            assert cli.main(["run", *words, *SEARCHES[name], f"run.dir=runs/{number}"]) == 0
        requests = [(r.body["model"], json.dumps(r.body)) for r in endpoint.requests]

    assert authors
    assert not handed
    assert not [marked(guide, private=True) for guide in guides if marked(guide, private=True)]
    asked = [body for model, body in requests if model == "writer"]
    assert asked or name == "composer"
    assert not [body[:200] for body in asked if CANARY in body]
    first = [n for n, (_, body) in enumerate(requests) if CANARY in body]
    assert first  # test items were run in the end
    if name != "composer":  # and nobody asked it, or the judge of anything else, after that
        after = [(model, body) for model, body in requests[first[0] :]]
        assert all(model != "writer" and CANARY in body for model, body in after)
    for run in Path("runs").iterdir():
        look_through(run / "archive.db")


def look_through(path: Path) -> None:
    """Of test items the archive has digests, kinds, and what the final report ran; nothing else names one."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        events = database.execute("SELECT seq, kind, data FROM events ORDER BY seq").fetchall()
        marked_events = [(seq, kind) for seq, kind, data in events if CANARY in data]
        assert marked_events
        searched = [seq for seq, kind, data in events if '"train"' in data or '"validation"' in data]
        assert min(marked_events)[0] > max(searched)
        for table in sorted({"agents", "attempts", "trials", "importance", "edges"} & set(tables)):
            for row in database.execute(f"SELECT * FROM {table}"):
                assert CANARY not in repr(row), table


@pytest.mark.slow
def test_an_agent_that_carries_a_test_item_is_refused(folder: Path) -> None:
    """One that was told a test question all the same, as by its trainer, does not come into the archive."""
    Path("mine.py").write_text(DOMAIN)
    known = f"{CANARY} A shop counts 9 plus 3 loaves. How many are that?"

    def leaks(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body.get("model") == "writer":
            return (
                "Name: Parrot\nThought: knows it.\n```python\n"
                f"def forward(self, taskInfo):\n    known = {{{known!r}: '12'}}\n"
                "    solver = LLMAgentBase(['answer'], 'Solver')\n"
                "    return known.get(taskInfo.content) or solver([taskInfo], 'Reply.')[0]\n```"
            )
        return writer(messages, body)

    with CountingEndpoint(leaks) as endpoint:
        words = [w for w in mixed_search(Path("mine.py"), endpoint) if not w.startswith(("domain", "author"))]
        words += ["domain=python", "domain.path=mine.py", "evaluate.items=6", "evaluate.test_items=4"]
        words += ["author=llm", "author.formats=[program]", "search.operators=[novel]", "search.candidates=2"]
        words += ["search.give_up_after=1", "run.dir=run"]
        assert cli.main(["run", *words]) in (0, 3)
    with sqlite3.connect("file:run/archive.db?mode=ro", uri=True) as database:
        assert not [row for row in database.execute("SELECT * FROM agents") if CANARY in repr(row)]
        stages = {row[0] for row in database.execute("SELECT stage FROM attempts")}
    assert "leak" in stages
