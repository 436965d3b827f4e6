"""How all agents stand on train, as the guide's races see it, and who of those that pause is taken up."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

from meta_search.guide.racing import LOST, Contest, Entrant
from meta_search.outcomes import UNSCORED
from meta_search.run.members import Member
from meta_search.run.run import Run

__all__ = ["Standings"]

KNOWN = 3  # agents that must be complete before items can be told apart


class Standings:
    """Asks the guide about races. Everything here follows from the results that were delivered.

    Args:
        run: The run at work.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._members, self._runner = run, run.members, run.runner
        self._items = {item.id: item.kind for item in run.runner.items("train")}
        self._kept: dict[str, tuple[tuple[int, bool], Entrant]] = {}
        self._now: tuple[object, Contest] | None = None
        self._wanted: tuple[Contest, list[Member]] | None = None

    def contest(self, racing: Member | None = None) -> Contest:
        """Everybody with a result, and one that is to have some."""
        known = (m for m in self._members if not m.same_as and not (m.gone and m.done))
        chosen = [m for m in known if m.ran("train") or m is racing]
        key = tuple((m.agent.id, m.ran("train"), m.whole) for m in chosen)
        if self._now is None or self._now[0] != key:
            evaluate, finalists = self._run.config.evaluate, self._run.config.search.finalists
            entrants = [self._entrant(m) for m in chosen]
            self._now = key, Contest(entrants, self._items, evaluate.repeats, finalists, evaluate.block)
        return self._now[1]

    def choose(self, member: Member, most: int) -> tuple[tuple[str, int], ...]:
        """The (item, repeat) that a candidate runs next, most telling first; `()`: the next in fixed order.

        That is as good where all that are left will be run, and where too few agents are known. With folds,
        which share every block, it stays.
        """
        left = self._runner.planned("train") - member.ran("train")
        if member.seed or self._runner.folds.count or left <= most:
            return ()
        if sum(m.whole for m in self._members) < KNOWN:
            return ()
        order = self.contest(member).most_telling(member.agent.id)
        have = member.results.get("train", {})
        return tuple([pair for pair in self._runner.pairs("train", order) if pair not in have][:most])

    def why_pause(self, member: Member) -> str:
        """Why a member pauses now, `""` where it goes on."""
        return self.contest().why_pause(member.agent.id)

    def expected(self, member: Member) -> float:
        """The mean score that a member is expected to end with."""
        return round(self.contest(member).expected([member.agent.id])[member.agent.id], 4)

    def wanted(self) -> list[Member]:
        """Those that pause and are to be taken up before finalists are chosen, the best odds first."""
        if not any(m.paused for m in self._members):
            return []
        contest = self.contest()
        if self._wanted is None or self._wanted[0] is not contest:
            found: list[Member] = []
            for seed in (False, True):
                paused = [m.agent.id for m in self._members if m.paused and m.seed == seed]
                found += [self._members[a] for a in contest.to_take_up(paused, seed)] if paused else []
            self._wanted = contest, found
        return [m for m in self._wanted[1] if not m.racing]

    def risk(self) -> str:
        """How sure it is that no finalist is among those that pause, in a few words; `""` where it is."""
        paused = [m.agent.id for m in self._members if m.paused and not m.seed and not m.whole]
        finalists = self._run.config.search.finalists
        if not paused or (lost := self.contest().at_risk(paused)) <= LOST * finalists + 1e-9:
            return ""
        who = f"{len(paused)} candidates are" if len(paused) > 1 else "one candidate is"
        return f"{who} still paused: by the odds, {lost:.1f} of {finalists} finalists may be among them"

    def _entrant(self, member: Member) -> Entrant:
        key = member.ran("train"), member.whole
        kept = self._kept.get(member.agent.id)
        if kept is None or kept[0] != key:
            scores: dict[str, list[float]] = defaultdict(list)
            missing: Counter[str] = Counter()
            for row in member.results.get("train", {}).values():
                if row.kind in UNSCORED:
                    missing[row.item] += 1
                else:
                    scores[row.item].append(row.score or 0.0)
            sums = {item: (math.fsum(found), len(found)) for item, found in scores.items()}
            costs, (_, whole) = dict(member.costs("train")), key
            kept = key, Entrant(member.agent.id, sums, missing, costs, member.seed, whole)
            self._kept[member.agent.id] = kept
        return kept[1]
