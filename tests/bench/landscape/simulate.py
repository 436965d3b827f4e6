"""Whole searches on a recorded landscape or a made world: the real engine, guide, composer and races.

Only what costs hours is replaced: the evaluator looks items up, the archive forgets. Things are taken in the
order in which they were begun, so that a search is a function of its configuration and seed.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

from meta_search import types
from meta_search.authors import check, drafts
from meta_search.config import AuthorConfig, BudgetConfig, Config, EvaluateConfig, LLMConfig, SearchConfig
from meta_search.engine import admission, briefs, traces
from meta_search.engine.happenings import Evaluated
from meta_search.engine.loop import Search
from meta_search.run.domain_scorer import Scorer
from meta_search.run.members import Member
from meta_search.run.progress import Progress
from meta_search.run.run import Run
from meta_search.run.session import Session
from tests.bench.landscape.ground import Ground, Work
from tests.bench.landscape.stand_ins import Done, InOrder, Table, TableDomain, done
from tests.bench.landscape.table import SEARCH

__all__ = ["OPERATORS", "SEEDS", "EndedRace", "Simulated", "Trace", "configuration"]

SEEDS = ("direct", "program_of_thought", "chain_of_thought")
OPERATORS = ("novel", "mutate", "crossover", "bootstrap", "simplify", "tune")  # what the table can tell of

UNLIMITED = 10**9  # calls


@dataclass(frozen=True, slots=True)
class EndedRace:
    """A candidate whose race has ended.

    Attributes:
        design: What it is. items: How many it ran on; `stopped`: why not on all.
        operator: What it came of; `seed` for seeds.
        used: Calls of the whole search when it ended. best: design of the best complete agent then.
    """

    design: Work
    items: int
    stopped: str
    operator: str
    used: int
    best: Work | None


@dataclass(slots=True)
class Trace:
    """What happened in one search.

    Attributes:
        evaluations: In the order in which they ended. briefs: asked for and written.
        calls: All that were used. writing: of these, those that no race used: teaching, and an author's
            probes of what a parent can do without, which are looked up as runs of the parent.
    """

    evaluations: list[EndedRace] = field(default_factory=list)
    briefs: int = 0
    calls: int = 0
    writing: int = 0


def configuration(seed: int, candidates: int, items: int = SEARCH, **changes: Any) -> Config:
    """The default search with the composer alone. `changes`: fields of `SearchConfig`, `racing`, and in
    `author` fields of `AuthorConfig`."""
    racing, more = bool(changes.pop("racing", True)), changes.pop("author", {})
    search = {"seeds": SEEDS, "candidates": candidates, "finalists": 2, "operators": OPERATORS, **changes}
    return Config(
        llm=LLMConfig(provider="litellm"),
        search=SearchConfig(**search),
        author=AuthorConfig(name="composer", formats=("plan",), **more),
        evaluate=EvaluateConfig(executor="inline", items=items, racing=racing),
        budget=BudgetConfig(),
        seed=seed,
    )


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Authors write at once, as they wait for no model; sources that were read before are not read again."""
    with contextlib.ExitStack() as stack:
        for owner, name, instead in (
            (briefs, "in_thread", at_once),
            (admission, "leak_of", lambda agent, scored: None),  # no source holds a recorded item
            (traces.Traces, "of", lambda self, result: ((), ())),  # the archive forgets
            (drafts, "check_source", checked),
            (types.agents, "normalised_ast", NORMALISED),
            (inspect, "getsource", SOURCE),  # of the blocks that plans are compiled from
        ):
            stack.enter_context(mock.patch.object(owner, name, instead))
        yield


SHAPELESS = re.compile(r'"""[\s\S]*?"""|^ROUTES = .*$|\d+', re.MULTILINE)


_verdicts: dict[tuple[str, bool], str | None] = {}


def checked(source: str, must_ask: bool = True) -> str | None:
    """What is wrong with source. It is looked at once for all that differs in texts, routes and numbers
    alone, as agents of a composer do: none of these matters to `check_source`."""
    shape = SHAPELESS.sub("", source), must_ask
    if shape not in _verdicts:
        _verdicts[shape] = check.check_source(source, must_ask)
    return _verdicts[shape]


SOURCE = functools.lru_cache(None)(inspect.getsource)
NORMALISED = functools.lru_cache(None)(types.normalised_ast)


def at_once(work: Callable[[], Any]) -> Done:
    """In place of an author's thread: nothing here waits for a model. A fault in an author ends the search,
    which would take it for a brief that came to nothing."""
    return done(work())


class Simulated(Search):
    """One search over a ground.

    Args:
        ground: What it is searched on. config: Of the search, see `configuration`.
        most_calls: Where the search ends if its candidates do not end it before. It knows of that, as of any
            budget: what pauses is taken up while there is room.

    Seeds are never stopped, so that they use as many calls in every strategy.

    Attributes:
        table: Evaluator and archive. trace: What happens.
        ground, most_calls: As above.
    """

    def __init__(
        self,
        ground: Ground,
        config: Config,
        most_calls: int = UNLIMITED,
    ) -> None:
        self.table, self.trace = Table(ground), Trace()
        self.ground, self.most_calls = ground, most_calls
        if most_calls < UNLIMITED:
            config = replace(config, budget=BudgetConfig(calls=most_calls, final_share=0.0))
        self._ended: dict[str, EndedRace] = {}
        folder, domain = Path(tempfile.gettempdir()), TableDomain(ground)
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
        return super()._why_end() or ("calls" if self.table.calls >= self.most_calls else "")

    def _report_due(self) -> str:
        """No report follows, for which anything would have to be left."""
        return ""

    def _why_stop(self, member: Member) -> str:
        return "" if member.seed else self._judge(member)

    def _chosen(self) -> Member | None:
        """The agent that the search would choose now: by what is expected, where finalists are."""
        members = self.members.finished()
        order = self.briefs.modelled.order(members)
        return self.members.best() if order is None else min(members, key=order, default=None)

    def _tell(self, evaluated: Evaluated) -> None:
        super()._tell(evaluated)
        member = evaluated.member
        best, agent = self._chosen(), member.agent.id
        if agent in self._ended:  # it was taken up again
            before = self._ended[agent]
            self.trace.evaluations = [e for e in self.trace.evaluations if e is not before]
        self._ended[agent] = EndedRace(
            self.table.designs[member.agent.id],
            len(member.rows("train")),
            member.stopped,
            "seed" if member.seed else member.candidate.brief.operator,
            self.table.calls,
            self.table.designs[best.agent.id] if best else None,
        )
        self.trace.evaluations.append(self._ended[agent])
