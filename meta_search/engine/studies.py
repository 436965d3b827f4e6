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
from meta_search.guide.guide import VALUE_OF_NOTHING, Guide, gain_per_cost
from meta_search.run.events import BriefTold
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import Brief, Scalar, agent_id
from meta_search.types.operators import OPERATORS

__all__ = ["Studies"]


class Studies:
    """Asks and tells the guide, and archives its trials.

    Args:
        run: The run at work.
        guide: Asked and told by this thread only.
    """

    def __init__(self, run: Run, guide: Guide) -> None:
        self._run, self._guide = run, guide

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
        if not self._guide.tunes(source):
            look = self._run.journal.find
            known = look(f"{WARM}{source}", lambda: known_settings(member, self._run.members))
            self._guide.begin_tuning(source, parent.space, known or ())
        number, values = self._guide.tune(source, parent.space)
        return ((source, number),), values

    def asked(self, open_brief: OpenBrief) -> None:
        """Archive the trials of a brief that was asked for."""
        guide, number = self._guide, open_brief.brief.number
        self._running("briefs", number, guide.briefs.export(number))
        for source, trial in open_brief.tuning:
            self._running(f"tuning/{source}", trial, guide.tuning(source).export(trial))

    def written(self, open_brief: OpenBrief) -> None:
        """An author has suggested all it would: other trials of the study of designs see it from now on."""
        number = open_brief.design
        self._guide.designs.learn(number)
        self._running("designs", number, self._guide.designs.export(number))

    def tell(self, open_brief: OpenBrief, chain: Sequence[Member]) -> None:
        """Tell every study what came of a brief.

        Args:
            open_brief: The brief, or the last repair of its candidate.
            chain: The agents that it came to: its candidate and those that repaired it, the first one first.
                Design and values are those of the candidate, which nobody has repaired.
        """
        guide, number = self._guide, open_brief.brief.number
        member = chain[0] if chain and chain[0].rows("train") else None
        score = None if member is None else member.score("train")
        value = self._value(open_brief, chain)
        guide.tell(number, value)
        briefs = [VALUE_OF_NOTHING if value is None else value]
        self._told("briefs", number, guide.briefs.export(number), briefs, chain[-1] if chain else None)
        design = guide.designs.export(open_brief.design)
        worth = [score] if score is not None and guide.designs.has_parameters(open_brief.design) else None
        guide.tell_design(open_brief.design, worth[0] if worth else None)
        self._told("designs", open_brief.design, design, worth, member)
        for source, trial in open_brief.tuning:
            cost = member.cost("train") if member else 0.0
            guide.tell_tuning(source, trial, score, cost)
            values = None if score is None else [score, cost]
            self._told(f"tuning/{source}", trial, guide.tuning(source).export(trial), values, member)
        self._run.journal.record(BriefTold(number, value))

    def _value(self, open_brief: OpenBrief, chain: Sequence[Member]) -> float | None:
        """The last agent's gain over the best parent per cost of the chain; its score where it has no parent.

        `None` where nothing came of it: no agent, one that the endpoint failed on every item, or one that
        behaves as another.
        """
        if not chain or not chain[-1].rows("train") or chain[-1].same_as:
            return None
        member, members = chain[-1], self._run.members
        scores = member.scores("train")
        gains = []
        for parent in chain[0].candidate.brief.parents:
            theirs = members[parent].scores("train")
            shared = [item for item in theirs if item in scores]
            gains.append(sum(scores[i] - theirs[i] for i in shared) / max(1, len(shared)))
        done = [m for m in members.all() if m.done and m.rows("train")]
        typical = statistics.median([_spent(m) for m in done] or [0.0])
        gain = min(gains, default=member.score("train"))
        return gain_per_cost(gain, sum(map(_spent, chain)) + open_brief.tokens, typical)

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


def _spent(member: Member) -> float:
    """Used cost of all train items."""
    return member.cost("train") * len(member.rows("train"))
