"""Teaches the guide's surrogate what the agents of a run are and did, and asks it on behalf of the search.

What it knows is a function of the blocks that were delivered, in the order in which they were through, and
not of the order of items within them. What it proposes rests on sums of floats as well, which may differ from
machine to machine, so it is recorded.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from meta_search.authors.designs import design_of, expected_calls
from meta_search.authors.plan import SEED_PLANS, plan_from
from meta_search.engine.context import Contexts
from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.pool import teaches_first
from meta_search.engine.spending import share_of_left, used_by
from meta_search.guide.guide import Guide
from meta_search.guide.prior import Prior
from meta_search.guide.surrogate import Expected
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import Brief, Candidate, Scalar, Usage

__all__ = ["DESIGN", "Modelled"]

DESIGN = "design/"  # before the number of a brief: what the decision on its design is called
FINALIST = "finalist/"  # likewise, before an agent: that it is one, or none, whatever its score
EXPECTED = "expected"
DIGITS = 6  # of what is expected: sums of floats differ behind them


class Modelled:
    """The surrogate on the engine's side; does nothing where the guide has none (`search.guided=false`).

    Args:
        run: The run at work.
        guide: Has the surrogate.
        contexts: Knows how kinds of item are told, and the worked examples.
    """

    def __init__(self, run: Run, guide: Guide, contexts: Contexts) -> None:
        self._run, self._guide, self._contexts = run, guide, contexts
        self._learned: dict[str, int] = {}  # agent -> results of it that were looked at
        self._designs: dict[int, Mapping[str, Scalar]] = {}  # of briefs, by number
        kinds = {item.id: item.kind for item in run.runner.items("train")}
        guide.begin(contexts.space, kinds, expected_calls)

    # -- what it learns

    def learn(self, member: Member) -> None:
        """Take in what has come of a member on train since the last time, block by block: the order in which
        the items of a block arrive is chance, and a run that was killed goes on as it would have without.
        """
        surrogate, agent = self._guide.surrogate, member.agent.id
        if surrogate is None:
            return
        candidate = member.candidate
        surrogate.meet(agent, self._design_of(candidate, member.seed), candidate.brief.parents)
        rows = list(member.results.get("train", {}).values())
        new = rows[self._learned.get(agent, 0) :]
        for row in sorted(new, key=lambda row: (row.item, row.repeat)):
            if row.score is not None:
                surrogate.learn(agent, row.item, row.score, float(row.used.tokens + row.used.calls))
        self._learned[agent] = len(rows)

    def end(self, member: Member) -> None:
        """A member's evaluation on train is over."""
        if self._guide.surrogate is not None:
            self.learn(member)
            self._guide.surrogate.end(member.agent.id, member.whole)

    def recall(self, prior: Prior) -> None:
        """What the run began with from earlier ones; it is restored before any result."""
        self._guide.recall(prior)

    def restore(self, proposals: Mapping[int, Mapping[str, Scalar]]) -> None:
        """The designs that were proposed before, by number of the brief."""
        self._designs.update(proposals)

    # -- what it is asked

    def design(self, brief: Brief, writing: Sequence[OpenBrief], left: float) -> Mapping[str, Scalar] | None:
        """The design of a brief that the composer carries out; `None` where it takes none, or the study is to
        say.

        Args:
            brief: That is asked for.
            writing: Briefs that authors are at work on.
            left: Share of the candidates that is left.
        """
        surrogate = self._guide.surrogate
        if surrogate is None or not surrogate.uses.designs or not self._takes_designs(brief):
            return None
        apart = [b.brief.number for b in writing if b.brief.operator == "novel" and not b.repairs]
        in_flight = [self._designs[number] for number in apart if number in self._designs]
        shows = bool(self._contexts.pool.demonstrations) or teaches_first(self._run.config)

        def look() -> Any:
            rng = random.Random(f"{brief.seed}/design")
            allowed = {} if shows else {"shown": (0,)}
            return self._guide.propose(rng, min(left, self._left()), in_flight, allowed)

        made: Mapping[str, Scalar] | None = self._run.journal.find(f"{DESIGN}{brief.number}", look)
        if made is not None:
            self._designs[brief.number] = made
        return made

    def among(self, member: Member, ranked: Sequence[Member], most: int) -> bool:
        """Whether a member is among the best of its peers by what is expected of them.

        Recorded only where their scores say otherwise.

        Args:
            member: One of them, or not.
            ranked: Peers by their scores, best first.
            most: So many are the best.
        """
        by_score = member in ranked[:most]

        def otherwise() -> bool:
            by_mean = self._is_among(member, ranked, most)
            return by_mean is not None and by_mean != by_score

        return by_score != bool(self._run.journal.find(f"{FINALIST}{member.agent.id}", otherwise))

    def order(self, members: Sequence[Member]) -> Callable[[Member], tuple[float, float]] | None:
        """A key by which those of whom most is expected come first, of equals the cheaper; `None` where
        nothing is known of some."""
        surrogate = self._guide.surrogate
        if surrogate is None or not surrogate.uses.finalists:
            return None
        if not all(surrogate.met(m.agent.id) for m in members):
            return None
        return lambda m: (-round(surrogate.mean(m.agent.id), DIGITS), m.cost("train"))

    def _is_among(self, member: Member, members: Sequence[Member], most: int) -> bool | None:
        """As `among`, by what is expected of them; `None` where nothing is known of some. Looks no further
        than it must: there may be thousands."""
        key = self.order(members)
        if key is None or member not in members:
            return None if key is None else False
        own = *key(member), members.index(member)
        before = (n for n, m in enumerate(members) if m is not member and (*key(m), n) < own)
        return len(list(islice(before, most))) < most

    def close(self) -> None:
        """The search is over: members are told what is expected of them, by which finalists are chosen."""

        def look() -> dict[str, list[float]]:
            expected = {m.agent.id: self.expected(m) for m in self._run.members.finished()}
            return {agent: [e.mean, e.sd] for agent, e in expected.items() if e is not None}

        for agent, (mean, sd) in (self._run.journal.find(EXPECTED, look) or {}).items():
            self._run.members[agent].expected = mean, sd

    def expected(self, member: Member) -> Expected | None:
        """What is expected of a member on fresh items; `None` where nothing is known of it."""
        surrogate = self._guide.surrogate
        if surrogate is None or not surrogate.uses.finalists or not surrogate.seen(member.agent.id):
            return None
        found = surrogate.agent_score(member.agent.id)
        return Expected(round(found.mean, DIGITS), round(found.sd, DIGITS))

    # -- inside

    def _takes_designs(self, brief: Brief) -> bool:
        """Whether the composer may take one: it does for `novel`, and in place of an operator that finds
        nothing to work on; making one takes longer than all else that is done for a brief."""
        if brief.author != "composer":
            return False
        if brief.operator == "bootstrap":
            return not brief.parents
        if brief.operator != "mutate":
            return True
        parents = (self._run.members[parent] for parent in brief.parents)
        return not any(self._design_of(parent.candidate, parent.seed) for parent in parents)

    def _design_of(self, candidate: Candidate, seed: bool) -> dict[str, Scalar] | None:
        """The design that an agent is."""
        agent, plan = candidate.agent, candidate.plan
        known = SEED_PLANS.get(agent.name) if seed and plan is None else None
        if plan is not None:
            try:
                known = plan_from(plan)
            except ValueError:
                return None
        if known is None:
            return None
        return design_of(self._contexts.space, known, self._contexts.keywords, agent.values)

    def _left(self) -> float:
        """Share of the search's budget that agents have not used; 1 without a limit."""
        share = share_of_left(self._run.config.budget, Usage(), used_by(self._run.members))
        return max(0.0, 1.0 - share) if math.isfinite(share) else 0.0
