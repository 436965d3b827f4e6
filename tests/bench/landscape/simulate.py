"""Whole searches on a recorded landscape: the real engine, guide, composer and races over a table.

Only what costs hours is replaced: the evaluator looks items up, the archive forgets. Things are taken in the
order in which they were begun, so that a search is a function of its configuration and seed.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from meta_search import types
from meta_search.authors import check, drafts
from meta_search.config import AuthorConfig, BudgetConfig, Config, EvaluateConfig, LLMConfig, SearchConfig
from meta_search.engine import briefs
from meta_search.engine.happenings import Evaluated
from meta_search.engine.loop import Search
from meta_search.run.domain_scorer import Scorer
from meta_search.run.members import Member
from meta_search.run.progress import Progress
from meta_search.run.run import Run
from meta_search.run.session import Session
from tests.bench.landscape.stand_ins import Done, InOrder, Table, TableDomain
from tests.bench.landscape.table import SEARCH, Design, Landscape

__all__ = ["OPERATORS", "SEEDS", "EndedRace", "Simulated", "Trace", "configuration"]

SEEDS = ("direct", "program_of_thought", "chain_of_thought")
OPERATORS = ("novel", "mutate", "crossover", "bootstrap", "simplify", "tune")  # what the table can tell of


@dataclass(frozen=True, slots=True)
class EndedRace:
    """A candidate whose race has ended.

    Attributes:
        design: What it is. items: How many it ran on; `stopped`: why not on all.
        operator: What it came of; `seed` for seeds.
        used: Calls of the whole search when it ended. best: design of the best complete agent then.
    """

    design: Design
    items: int
    stopped: str
    operator: str
    used: int
    best: Design | None


@dataclass(slots=True)
class Trace:
    """What happened in one search.

    Attributes:
        evaluations: In the order in which they ended. briefs: asked for and written.
        calls: All that were used. writing: of these, those that no race used: lessons, and an author's
            probes of what a parent can do without, which are looked up as runs of the parent.
    """

    evaluations: list[EndedRace] = field(default_factory=list)
    briefs: int = 0
    calls: int = 0
    writing: int = 0


def configuration(seed: int, candidates: int, **changes: Any) -> Config:
    """The default search with the composer alone. `changes`: fields of `SearchConfig`, and `racing`."""
    racing = bool(changes.pop("racing", True))
    search = {"seeds": SEEDS, "candidates": candidates, "finalists": 2, "operators": OPERATORS, **changes}
    return Config(
        llm=LLMConfig(provider="litellm"),
        search=SearchConfig(**search),
        author=AuthorConfig(name="composer", formats=("plan",)),
        evaluate=EvaluateConfig(executor="inline", items=SEARCH, racing=racing),
        budget=BudgetConfig(),
        seed=seed,
    )


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Authors write at once, as they wait for no model; sources that were read before are not read again."""
    with contextlib.ExitStack() as stack:
        for module, name, instead in (
            (briefs, "in_thread", at_once),
            (briefs, "find_leak", lambda source, texts, scored: None),  # no source holds a recorded item
            (drafts, "check_source", CHECKED),
            (types.agents, "normalised_ast", NORMALISED),
        ):
            stack.enter_context(mock.patch.object(module, name, instead))
        yield


CHECKED = functools.lru_cache(None)(check.check_source)
NORMALISED = functools.lru_cache(None)(types.normalised_ast)


def at_once(work: Callable[[], Any]) -> Done:
    """In place of an author's thread: nothing here waits for a model."""
    future: Done = Future()
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 (the engine makes an attempt of it)
        future.set_exception(error)
    return future


class Simulated(Search):
    """One search over a table.

    Args:
        landscape: The table. config: Of the search, see `configuration`.
        most_calls: Where the search ends if its candidates do not end it before.

    Seeds are never stopped, so that they use as many calls in every strategy.

    Attributes:
        table: Evaluator and archive. trace: What happens.
    """

    def __init__(
        self,
        landscape: Landscape,
        config: Config,
        most_calls: int = 10**9,
    ) -> None:
        self.table, self.trace = Table(landscape), Trace()
        self._most = most_calls
        folder, domain = Path(tempfile.gettempdir()), TableDomain(landscape)
        scorer = Scorer(domain, config.sandbox)
        session = Session(
            config,
            folder,
            domain,
            self.table,
            self.table,
            time.monotonic(),
            0.0,
            scorer,
        )
        progress = Progress(config, folder, 0.0, live=False)
        super().__init__(Run.of(session, progress, InOrder()))
        self.members = self.run.members
        self._judge = self.races._why_stop
        self.races._why_stop = self._why_stop  # type: ignore[method-assign]

    def simulate(self) -> Trace:
        """Run it to its end."""
        with quick(), contextlib.closing(self.run.session.scorer):
            self.search()
        self.trace.briefs = self.briefs.written
        self.trace.calls = self.table.calls
        self.trace.writing = self.table.calls - sum(
            r.used.calls for m in self.members for r in m.rows("train")
        )
        return self.trace

    def _why_end(self) -> str:
        return super()._why_end() or ("calls" if self.table.calls >= self._most else "")

    def _why_stop(self, member: Member) -> str:
        return "" if member.seed else self._judge(member)

    def _tell(self, evaluated: Evaluated) -> None:
        super()._tell(evaluated)
        member = evaluated.member
        best = self.members.best()
        self.trace.evaluations.append(
            EndedRace(
                self.table.designs[member.agent.id],
                len(member.rows("train")),
                member.stopped,
                "seed" if member.seed else member.candidate.brief.operator,
                self.table.calls,
                self.table.designs[best.agent.id] if best else None,
            )
        )
