"""What a search can afford: an evaluation that costs much, and those that pause beside new briefs."""

from __future__ import annotations

from collections.abc import Sequence

from meta_search.engine.spending import rest_of, share_of_left, used_by
from meta_search.guide.racing import Standing, too_expensive
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import Usage

__all__ = ["Means"]

HURRY = "hurry"  # what the decision is called from which on those that pause go before briefs


class Means:
    """Decides by what agents have used, which is recorded; by clock or by what was paid where that is less.

    Args:
        run: The run at work.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._members, self._runner = run, run.members, run.runner
        self._hurries = False

    def too_expensive(self, member: Member) -> str:
        """Why the race ends for its cost alone, `""` where it goes on."""
        return self._too_expensive(member, self._members.front(member), used_by(self._members))

    def affordable(self, paused: Sequence[Member]) -> list[Member]:
        """Those whose race need not end for its cost alone."""
        if not paused:
            return []
        front, used = self._members.front(), used_by(self._members)
        return [member for member in paused if not self._too_expensive(member, front, used)]

    def _too_expensive(self, member: Member, front: Sequence[Standing], used: Usage) -> str:
        if not member.rows("train"):
            return ""
        more = rest_of(member, self._runner.planned("train"))
        share = share_of_left(self._run.config.budget, used, more)
        return too_expensive(member.standing("train"), front, share)

    def need_the_rest(self, paused: list[Member]) -> bool:
        """Whether what is left of the search's budget is needed for those that pause."""
        if not paused:
            return False
        used = used_by(self._members)
        more = sum((rest_of(m, self._runner.planned("train")) for m in paused), Usage())
        if share_of_left(self._run.config.budget, used, more) >= 1.0:
            return True
        find, share = self._run.journal.find, (more.tokens + more.calls) / max(1, used.tokens + used.calls)
        self._hurries = self._hurries or bool(
            find(HURRY, lambda: self._out_of_time(share) or self._out_of_budget(more))
        )
        return self._hurries

    def _out_of_budget(self, more: Usage) -> bool:
        """Whether it is needed by all that was paid, what authors asked for and teaching counted too."""
        budget = self._run.config.budget
        if budget.calls is budget.tokens is budget.usd is None:
            return False
        paid = sum(self._run.session.status().paid.values(), Usage())
        return share_of_left(budget, paid, more) >= 1.0

    def _out_of_time(self, share: float) -> bool:
        """Whether the time left is needed for as much work as this share of all that was done so far."""
        left = self._run.progress.search_time_left()
        return left <= share * self._run.session.elapsed
