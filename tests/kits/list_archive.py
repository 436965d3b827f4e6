"""An archive held in lists, and a run in it: what the tests of `report` read instead of a database."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archive.select import best_so_far
from meta_search.types import (
    Agent,
    Attempt,
    Brief,
    Demonstration,
    Evaluation,
    Importance,
    ItemResult,
    Lesson,
    Usage,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>[bold]\x1b[31m\u202e"


@dataclass(frozen=True)
class ListRecord:
    agent: Agent
    author: str = "composer"
    operator: str = "novel"
    generation: int = 1
    thought: str = ""
    parents: tuple[str, ...] = ()
    brief: Any = None
    status: str = "population"
    created: float = 0.0
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)
    same_as: str = ""


@dataclass(frozen=True)
class ListEvent:
    data: Mapping[str, Any]
    created: float = 0.0


@dataclass
class ListArchive:
    """Satisfies `meta_search.report.source.Archive`."""

    records: list[ListRecord] = field(default_factory=list)
    item_results: dict[tuple[str, str], list[ItemResult]] = field(default_factory=dict)
    failed: list[Attempt] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    spent: dict[str, Usage] = field(default_factory=dict)
    worth: dict[str, list[Importance]] = field(default_factory=dict)
    numbered: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    learned: list[Lesson] = field(default_factory=list)
    ledger: list[tuple[str, str, str, Usage]] = field(default_factory=list)
    over_time: list[tuple[float, Usage]] = field(default_factory=list)

    def agents(self) -> Sequence[ListRecord]:
        return self.records

    def best(self) -> ListRecord | None:
        place = best_so_far([record.evaluations for record in self.records])
        return None if place is None else self.records[place]

    def results(self, agent: str, split: str, trace: bool = True) -> Sequence[ItemResult]:
        return self.item_results.get((agent, split), [])

    def importance(self, agent: str) -> Sequence[Importance]:
        return self.worth.get(agent, [])

    def lessons(self) -> Sequence[Lesson]:
        return self.learned

    def attempts(self) -> Sequence[Attempt]:
        return self.failed

    def usage(self) -> Mapping[str, Usage]:
        return self.spent

    def meta(self, key: str) -> Any:
        return self.values.get(key)

    def trials(self, study: str) -> Sequence[Any]:
        return []

    def events(self, kind: str) -> Sequence[ListEvent]:
        return [ListEvent(data, data.get("at", 0.0)) for name, data in self.numbered if name == kind]

    def writing(self) -> Mapping[int, Usage]:
        return {}

    def spending(self) -> Sequence[tuple[str, str, str, Usage]]:
        return self.ledger

    def paid_over_time(self) -> Sequence[tuple[float, Usage]]:
        return self.over_time

    def brief(self, record: ListRecord) -> None:
        """Note the events of a brief that came to this agent."""
        asked = {"brief": len(self.records), "operator": record.operator, "author": record.author}
        self.numbered += [
            ("ask", {**asked, "parents": list(record.parents)}),
            ("delivery", {"brief": len(self.records), "agent": record.agent.id}),
            ("race", {"agent": record.agent.id, "split": "train", "stopped": ""}),
        ]

    def add(
        self,
        agent: Agent,
        scores: Mapping[str, Sequence[float]],
        tokens: int = 100,
        usd: float = 0.0,
        **more: Any,
    ) -> ListRecord:
        """Add an agent with its scores by split; each item costs `tokens` and `usd`."""
        evaluations = {}
        for split, row in scores.items():
            rows = [item_result(agent.id, f"{split}-{i}", s, tokens, split, usd) for i, s in enumerate(row)]
            self.item_results[agent.id, split] = rows
            stopped = more.pop("stopped", "")
            evaluations[split] = Evaluation.of(agent.id, split, rows, complete=not stopped, stopped=stopped)
        more.setdefault("created", 1e9 + 60.0 * len(self.records))
        record = ListRecord(agent, evaluations=evaluations, **more)
        self.records.append(record)
        return record


def item_result(
    agent: str,
    item: str,
    score: float | None,
    tokens: int = 100,
    split: str = "test",
    usd: float = 0.0,
    kind: str = "ok",
    repeat: int = 0,
) -> ItemResult:
    used = Usage(2, tokens - tokens // 4, tokens // 4, usd)
    return ItemResult(agent, split, item, repeat, kind, "answer", score=score, used=used, seconds=0.5)


def named_agent(name: str, number: int = 0, body: str = "return taskInfo") -> Agent:
    return Agent.of(name, f"def forward(self, taskInfo):\n    # {name}\n    n = {number}\n    {body}\n")


def searched_archive(candidates: int = 24, seed: int = 1, hostile: bool = True) -> ListArchive:
    """A search as it might have been: three seeds, candidates that get better, two finalists."""
    rng = random.Random(seed)
    archive = ListArchive()

    def draw(chance: float, n: int) -> list[float]:
        return [float(rng.random() < chance) for _ in range(n)]

    for i, (name, chance) in enumerate((("direct", 0.2), ("program", 0.45), ("debate", 0.4))):
        splits = {"train": draw(chance, 30), "validation": draw(chance, 24), "test": draw(chance, 36)}
        about = {"author": "seed", "operator": "seed", "generation": 0, "status": "seed"}
        archive.add(named_agent(name, i), splits, 60 + 90 * i, **about)
    for i in range(candidates):
        parent = max(rng.sample(archive.records, 2), key=lambda r: r.evaluations["train"].score)
        chance = min(0.93, parent.evaluations["train"].score + rng.uniform(-0.15, 0.15))
        operator = rng.choice(("mutate", "crossover", "bootstrap", "novel", "simplify"))
        author = rng.choice(("llm", "composer"))
        last = i >= candidates - 2
        splits = {"train": draw(chance, 30)}
        if last:
            splits = {"train": draw(0.9, 30), "validation": draw(0.85, 24), "test": draw(0.86, 36)}
        stopped = rng.random() < 0.25 and not last
        if stopped:
            splits["train"] = splits["train"][:12]
        record = archive.add(
            Agent.of(
                HOSTILE if hostile and i == candidates - 3 else f"Routed programs {i + 1}",
                SOURCE.format(i),
                {"shots": i % 4},
                [Demonstration("What is 2 + 3?", "```python\nprint(2 + 3)\n```")],
            ),
            splits,
            rng.randint(80, 900),
            author=author,
            operator=operator,
            generation=1 + i // 6,
            thought="Route by kind of item, then write a program and run it.",
            parents=(parent.agent.id,),
            brief=Brief(i, operator, author, (parent.agent.id,)),
            status="finalist" if last else "population",
            stopped="dominated by the front" if stopped else "",
        )
        archive.brief(record)
    stages = ("check", "dry_run", "duplicate", "leak")
    archive.failed = [
        Attempt(
            100 + i, "llm", "mutate", rng.choice(stages), rng.choice(("no forward", "NameError: x", HOSTILE))
        )
        for i in range(14)
    ]
    archive.values = {
        "config": json.dumps(
            {"seed": 3, "llm": {"base_url": "http://me:hunter2@host/v1", "api_key": "sk-123"}}
        ),
        "elapsed_s": "4523.5",
        "status": "done",
    }
    archive.spent = {"task": Usage(4200, 800_000, 90_000), "meta": Usage(120, 200_000, 30_000)}
    return archive


SOURCE = '''class Router:
    """Candidate {0}."""


def forward(self, taskInfo):
    """Write a program, run it, and vote on what it printed."""
    shots = self.tune.int("shots", 0, 4)
    shown = self.nearest(taskInfo.content, shots)
    solver = LLMAgentBase(["code"], "Programmer", temperature=0.1, demonstrations=shown)
    votes = Counter()
    for i in range(1 + {0} % 3):
        program = solver([taskInfo], "Write a short program that prints only the final answer.", i)[0]
        votes[self.run_python(program.content, timeout=5)] += 1
    return votes.most_common(1)[0][0]  # "<b>" & 'quotes'
'''
