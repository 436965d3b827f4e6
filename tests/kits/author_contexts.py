"""Shared by the tests of `meta_search.authors`: contexts with the real sandbox, a trial with fixed values."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from meta_search.agent.seeds import NAMES
from meta_search.authors.author import Context, DomainFacts, Example, Findings, Lesson, Parent, Worked
from meta_search.authors.knowledge import Known
from meta_search.config import AuthorConfig
from meta_search.types import (
    Agent,
    Attempt,
    Brief,
    CallReply,
    CallRequest,
    Candidate,
    Demonstration,
    Importance,
    ItemResult,
)
from tests.kits.sandboxed_agents import SEEDS, House, Script

SOURCES = {name: (SEEDS / f"{name}.py").read_text(encoding="utf-8") for name in NAMES}
EXAMPLES = (
    Example("Count the letter e in tree.", "2", "letters"),
    Example("Count the letter o in moon.", "2", "letters"),
    Example("Sum 40 and 2.", "42", "sums"),
)
KEYWORDS = {"letters": "letter", "sums": "sum"}
PLAN: dict[str, Any] = {  # as a model writes one
    "name": "Split by kind",
    "thought": "Letters by program.",
    "way": "direct",
    "routes": [{"words": "letter", "way": "program"}],
    "hint": "",
    "samples": 1,
    "shown": 0,
}


class FixedTrial:
    """A trial that answers by name, and with the first choice where it was told nothing."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.asked: list[str] = []

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        self.asked.append(name)
        value = self.values.get(name, choices[0])
        assert value in choices
        return value

    def suggest_int(self, name: str, low: int, high: int) -> int:
        self.asked.append(name)
        value = self.values.get(name, low)
        assert low <= value <= high
        return int(value)


@dataclass
class Bench:
    """A workbench put together from functions."""

    ask: Callable[[CallRequest], CallReply]
    try_out: Callable[[Agent], list[ItemResult]]
    teach: Callable[[Agent, Sequence[Example], str], list[Worked]]
    keep: Callable[..., None]
    probe: Callable[[Agent, Sequence[int], Sequence[str]], list[ItemResult]] = lambda *asked: []
    record_importance: Callable[[Sequence[Importance]], None] = lambda rows: None
    late: Callable[[], bool] = lambda: False
    learn: Callable[[Lesson], None] = lambda lesson: None
    leak: Callable[[Agent], str] = lambda agent: ""
    look: Callable[[Known], Sequence[ItemResult]] = lambda known: known.results
    run: Callable[[Agent, Sequence[int]], list[ItemResult]] = lambda *asked: []
    say: Callable[[str], None] = lambda line: None


class Desk:
    """What authors are handed, and what they did with it.

    Args:
        house: The sandbox.
        script: Model of agents that teach; `None` where nobody may teach.

    Attributes:
        asked: Requests of the meta agent. taught: (agent, questions, teacher). kept: Demonstrations.
        teachers: Of each of them. said: Lines for people.
    """

    def __init__(self, house: House, script: Script | None = None) -> None:
        self.house, self.script = house, script
        self.asked: list[CallRequest] = []
        self.taught: list[tuple[str, tuple[str, ...], str]] = []
        self.kept: list[Demonstration] = []
        self.teachers: list[str] = []
        self.said: list[str] = []

    def context(
        self,
        operator: str,
        parents: Sequence[Parent] = (),
        *,
        texts: Sequence[str | CallReply] = (),
        trial: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] = MappingProxyType({}),
        tags: tuple[str, ...] = (),
        **more: Any,
    ) -> Context:
        """A context.

        Args:
            operator: Of the brief.
            parents: Of the brief.
            texts: What the meta agent says, in order.
            trial: Name -> what the design's trial chooses.
            values: What the tuning study chose.
            tags: Of the brief.
            more: Fields of the context, or of its domain, findings or bench, by their names.
        """
        said = iter(texts)

        def ask(request: CallRequest) -> CallReply:
            self.asked.append(request)
            text = next(said)
            return text if isinstance(text, CallReply) else CallReply(text)

        ids = tuple(parent.agent.id for parent in parents)
        author = "llm" if texts else "composer"
        defaults: dict[str, Any] = {
            "brief": Brief(4, operator, author, ids, tags=tags, seed=3),
            "config": AuthorConfig(reflexions=0, debug_rounds=1),
            "parents": tuple(parents),
            "inspirations": (),
            "domain": DomainFacts("letters and sums", keywords=KEYWORDS, examples=EXAMPLES),
            "findings": Findings(),
            "bench": Bench(ask, self.try_out, self.teach, self.keep, say=self.said.append),
            "trial": FixedTrial(trial or {}),
            "values": values,
            "rng": random.Random(0),
        }
        for part in ("domain", "findings", "bench"):
            given = {
                name: more.pop(name)
                for name in [*more]
                if name not in defaults and hasattr(defaults[part], name)
            }
            defaults[part] = replace(defaults[part], **given)
        return Context(**{**defaults, **more})

    def try_out(self, agent: Agent) -> list[ItemResult]:
        values, shown = dict(agent.values), [(d.question, d.reply) for d in agent.demonstrations]
        questions = [example.question for example in EXAMPLES[1:]]
        pairs = tuple((e.question, e.answer) for e in EXAMPLES)
        return [
            self.house.run(
                agent.source, dry=True, question=q, values=values, demonstrations=shown, examples=pairs
            )
            for q in questions
        ]

    def keep(self, demonstrations: Sequence[Demonstration], teacher: str = "") -> None:
        self.kept += demonstrations
        self.teachers += [teacher] * len(demonstrations)

    def teach(self, agent: Agent, examples: Sequence[Example], model: str) -> list[Worked]:
        assert self.script is not None, "nobody may teach here"
        self.taught.append((agent.name, tuple(e.question for e in examples), model))
        runs = []
        for example in examples:
            result = self.house.run(agent.source, self.script, question=example.question, model=model)
            runs.append(Worked(example, result.answer.strip() == example.answer, result))
        return runs


def seed(name: str, score: float = 0.5, tokens: float = 100.0, **more: Any) -> Parent:
    """A seed as a parent."""
    return Parent(Agent.of(name, SOURCES[name]), score, tokens, **more)


def child(candidate: Candidate, **more: Any) -> Parent:
    """A candidate as the parent of the next one."""
    made = Parent(candidate.agent, 0.5, 100.0, plan=candidate.plan, space=candidate.space, generation=1)
    return replace(made, **more)


def made(written: Any) -> Candidate:
    """The candidate; fails with the attempts where there is none."""
    assert written.candidate is not None, [attempt.message for attempt in written.attempts]
    candidate: Candidate = written.candidate
    return candidate


def failed(written: Any) -> Attempt:
    """The last attempt of a brief that nothing came of."""
    assert written.candidate is None
    last: Attempt = written.attempts[-1]
    return last
