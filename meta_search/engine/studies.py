"""The guide's studies, asked and told on behalf of the search, with every trial in the archive.

A brief is a trial of the study of briefs; what the composer chooses for it is one of the study of designs;
and an agent's tuned values are one of the study of its source.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.warm_start import WARM, known_settings
from meta_search.guide.guide import Guide
from meta_search.guide.worth import NOTHING_CAME, Worth, gain_per_cost, share_gained
from meta_search.run.events import BriefTold
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import Brief, Scalar, agent_id
from meta_search.types.operators import OPERATORS

__all__ = ["Studies", "outlook_rows"]

MICRO = 1e6  # a millionth of a dollar is about a token, so that `gain_per_cost` takes either


class Studies:
    """Asks and tells the guide, and archives its trials.

    Args:
        run: The run at work.
        guide: Asked and told by this thread only.
    """

    def __init__(self, run: Run, guide: Guide) -> None:
        self._run, self._guide = run, guide
        self._money: bool | None = None

    def tune(self, brief: Brief) -> tuple[tuple[tuple[str, int], ...], dict[str, Scalar]]:
        """Values for what the first parent of a brief declares; agents of one source share a study.

        Returns:
            (source, trial number) of the study that was asked, and parameter -> value; nothing for
            operators that do not tune.
        """
        if not OPERATORS[brief.operator].tunes or not brief.parents:
            return (), {}
        member = self._run.members[brief.parents[0]]
        parent = member.candidate
        if not parent.space:
            return (), {}
        source = agent_id(parent.agent.source)
        if source not in self._guide.tunings:
            look = self._run.journal.find
            known = look(f"{WARM}{source}", lambda: known_settings(member, self._run.members))
            self._guide.tunings.begin(source, parent.space, known or ())
        number, values = self._guide.tunings.ask(source, parent.space)
        return ((source, number),), values

    def asked(self, open_brief: OpenBrief) -> None:
        """Archive the trials of a brief that was asked for."""
        guide, number = self._guide, open_brief.brief.number
        self._running("briefs", number, guide.briefs.export(number))
        for source, trial in open_brief.tuning:
            self._running(f"tuning/{source}", trial, guide.tunings[source].export(trial))

    def written(self, open_brief: OpenBrief) -> None:
        """An author has suggested all it would: other trials of the study of designs see it from now on."""
        number = open_brief.design
        self._guide.designs.learn(number)
        self._running("designs", number, self._guide.designs.export(number))

    def tell(self, open_brief: OpenBrief, chain: Sequence[Member]) -> None:
        """Tell every study what came of a brief.

        Args:
            open_brief: The brief, or the last repair of its candidate.
            chain: The agents that it came to: its best candidate and those that repaired it, the first one
                first. Design and values are those of the candidate, which nobody has repaired.
        """
        guide, number = self._guide, open_brief.brief.number
        member = chain[0] if chain and chain[0].rows("train") else None
        score = None if member is None else member.likely_score
        worth = self._worth(open_brief, chain)
        last = _best_of(chain) if chain else None
        guide.tell(number, worth)
        value = None if worth is None else worth.value
        self._told("briefs", number, guide.briefs.export(number), [(worth or NOTHING_CAME).value], last)
        design = guide.designs.export(open_brief.design)
        known = [score] if score is not None and guide.designs.has_parameters(open_brief.design) else None
        guide.tell_design(open_brief.design, known[0] if known else None)
        self._told("designs", open_brief.design, design, known, member)
        for source, trial in open_brief.tuning:
            cost = member.cost("train") if member else 0.0
            guide.tunings.tell(source, trial, score, cost)
            values = None if score is None else [score, cost]
            self._told(f"tuning/{source}", trial, guide.tunings[source].export(trial), values, member)
        self._run.journal.record(BriefTold(number, value))

    def _worth(self, open_brief: OpenBrief, chain: Sequence[Member]) -> Worth | None:
        """The chain's gain over the best parent per cost of all that the brief came to; over the best agent
        where it has no parent, and its score where there is none either.

        `None` where nothing came of it: no agent, one that the endpoint failed on every item, or one that
        behaves as another.
        """
        if not chain:
            return None
        member, members = _best_of(chain), self._run.members
        if not member.rows("train") or member.same_as:
            return None
        scores = member.scores("train")
        others = [m for m in members.finished() if m not in chain]
        best = max(others, key=lambda m: (m.score("train"), -m.cost("train")), default=None)
        leader = {} if best is None else best.scores("train")
        parents = [members[parent].scores("train") for parent in chain[0].candidate.brief.parents]
        gains = []
        for theirs in parents or [leader]:
            shared = [item for item in theirs if item in scores]
            gains.append(sum(scores[i] - theirs[i] for i in shared) / max(1, len(shared)))
        gain = min(gains) if parents or leader else member.likely_score
        spent, typical = self._spent(open_brief, chain)
        value = gain_per_cost(gain, spent, typical)
        # Half of it is for being better than its parents, half for being the best of all.
        shares = [
            min(share_gained(scores, theirs) for theirs in parents or [leader]),
            share_gained(scores, leader),
        ]
        return Worth(value, sum(shares) / 2 if leader else max(0.0, gain), spent / max(typical, 1.0))

    def _spent(self, open_brief: OpenBrief, chain: Sequence[Member]) -> tuple[float, float]:
        """What a brief has cost, and what a candidate typically does: tokens, or millionths of a dollar."""
        members = self._run.members
        done = [m for m in members.all() if m.done and m.rows("train")]
        money = self._counts_money()
        spent, writing = (_paid, open_brief.cost_usd * MICRO) if money else (_spent, open_brief.tokens)
        everyone = [m for link in chain for m in members.of_brief(link.candidate.brief)]
        return sum(map(spent, everyone)) + writing, statistics.median([spent(m) for m in done] or [0.0])

    def _counts_money(self) -> bool:
        """Whether cost is money: of several meta models each, and the task model, has a price.

        Tokens of one model are no measure of those of another. What is known of prices depends on where a run
        goes on, so it is recorded.
        """
        llm, prices = self._run.config.llm, self._run.session.prices
        if not llm.meta.models:
            return False
        if self._money is None:
            models = [llm.task, *llm.meta_models.values()]
            priced = all(any(prices.get(model.model, {}).values()) for model in models)
            self._money = bool(self._run.journal.decide("money", lambda: priced))
        return self._money

    def _running(self, study: str, number: int, params: Mapping[str, Any]) -> None:
        self._run.runner.pen.add_trial(study, number, dict(params), None, "running", None)

    def _told(
        self,
        study: str,
        number: int,
        params: Mapping[str, Any],
        values: Sequence[float] | None,
        member: Member | None,
    ) -> None:
        state, agent = "fail" if values is None else "complete", member.agent.id if member else None
        self._run.runner.pen.add_trial(study, number, dict(params), values, state, agent)


def outlook_rows(guide: Guide) -> list[dict[str, Any]]:
    """What the guide knows of operators and authors, as the archive keeps it for reports."""
    return [
        {
            "operator": s.arm.operator,
            "author": s.arm.author,
            **{name: round(getattr(s, name), 6) for name in ("gain", "low", "high", "cost")},
            "briefs": s.briefs,
        }
        for s in guide.outlooks()
    ]


def _best_of(chain: Sequence[Member]) -> Member:
    """The agent that a chain is told by: the last, unless an earlier one, only some of whose items ended in
    faults, was complete and better than those that were to repair it."""
    whole = [member for member in chain if not (member.stopped or member.same_as)]
    return max(reversed(whole), key=lambda member: member.score("train")) if whole else chain[-1]


def _paid(member: Member) -> float:
    """Used cost of all train items, in millionths of a US dollar."""
    return member.used("train").cost_usd * MICRO


def _spent(member: Member) -> float:
    """Used cost of all train items."""
    return member.cost("train") * len(member.rows("train"))
