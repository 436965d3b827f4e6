"""Races: agents evaluated on train block by block, stopped early or sent on to validation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from meta_search.config import Config
from meta_search.guide.racing import decide
from meta_search.members import Member, Members
from meta_search.scoring import Pairs, Runner
from meta_search.types import ItemResult

__all__ = ["Races"]

CHEAP_SEEDS = 2  # the first of the list: what briefs and dear seeds are compared with


class Races:
    """Evaluations under way. Everything happens on the engine's thread, as events.

    Args:
        config: The configuration. members: All agents. runner: Runs and archives items.
        pairs: What agents see as `self.examples`.
        put: Queues an event for the engine's thread; may be called from any thread.
        finished: Called when a member's train evaluation is complete or was stopped.

    Attributes:
        stop: Why the search must stop (`budget`), `""` to go on.
    """

    def __init__(
        self,
        config: Config,
        members: Members,
        runner: Runner,
        pairs: Pairs,
        put: Callable[[Callable[[], None]], None],
        finished: Callable[[Member], None],
    ) -> None:
        self._config, self._members, self._runner, self._pairs = config, members, runner, pairs
        self._put, self._finished = put, finished
        self.stop = ""

    def running(self) -> list[Member]:
        """Members under evaluation now."""
        return [m for m in self._members.all() if m.racing]

    def seeds_known(self) -> bool:
        """Whether the two cheapest seeds are evaluated: before that there is nothing to compare with."""
        known = [m.done for m in self._members.all() if m.seed]
        return sum(known) >= min(CHEAP_SEEDS, len(known)) and len(self._members.population()) > 0

    def start(self, member: Member) -> None:
        """Evaluate on train, block by block."""
        member.racing = True
        self._block(member, "train")

    def validate(self, member: Member) -> None:
        """Go on with a validation that an earlier sitting left unfinished."""
        member.racing = True
        self._block(member, "validation")

    def lines(self) -> tuple[str, ...]:
        """What is under evaluation, a line each."""
        found = []
        for member in self.running():
            split = "validation" if member.done else "train"
            done, planned = len(member.rows(split)), self._runner.planned(split)
            found.append(f"{split}: «{member.agent.name}» {done}/{planned}")
        return tuple(found)

    def drop(self) -> None:
        """End all races where they are; finished items are kept."""
        self._runner.cancel()
        for member in self.running():
            member.racing = False
            for split in ("train", "validation"):
                self._runner.save(member, split)
            self.note_status(member)

    def note_status(self, member: Member) -> None:
        """Archive what a member is: seed, population, or partial."""
        status = "seed" if member.seed else "population" if member.done and not member.stopped else "partial"
        self._runner.write("set_status", member.agent.id, status)

    def _block(self, member: Member, split: str) -> None:
        """Send the next items of a split; the last one to come back decides how it goes on."""
        jobs = self._runner.next_jobs(member, split, self._pairs, self._block_size(member))
        left = len(jobs)
        if not jobs:
            self._put(lambda: self._block_done(member, split))

        def arrived(future: Future[ItemResult]) -> None:
            nonlocal left
            left -= 1
            self.stop = self.stop or self._runner.take(member, future)
            if left == 0:
                self._block_done(member, split)

        for job in jobs:
            self._runner.submit(job).add_done_callback(lambda future: self._put(lambda: arrived(future)))

    def _block_size(self, member: Member) -> int:
        """Items to the next look; the first comes early, to unmask what is dear and no better."""
        block = self._config.evaluate.block
        return block if member.ran("train") or not self.seeds_known() else max(1, block // 2)

    def _block_done(self, member: Member, split: str) -> None:
        """Decide: go on with the split, stop, or finish it."""
        self._runner.save(member, split)
        done = member.ran(split) >= self._runner.planned(split)
        if self.stop or (split == "validation" and done):
            member.racing = False
        elif split == "validation":
            self._block(member, split)
        else:
            member.stopped = "" if done else self._verdict(member)
            if done or member.stopped:
                self._train_done(member)
            else:
                self._block(member, split)

    def _verdict(self, member: Member) -> str:
        if not self._config.evaluate.racing:
            return ""
        best = self._members.incumbent()
        incumbent = best.standing("train") if best is not None and best is not member else None
        front, planned = self._members.front(member), len(self._runner.items("train"))
        return decide(member.standing("train"), incumbent, front, planned, self._config.evaluate.block)

    def _train_done(self, member: Member) -> None:
        """Archive the evaluation and send a contender on to validation."""
        member.done = True
        self._runner.save(member, "train")
        self.note_status(member)
        self._finished(member)
        peers = [m for m in self._members.ranked() if m.done and not m.stopped and m.seed == member.seed]
        if not member.stopped and member in peers[: self._config.search.finalists + (not member.seed)]:
            self._block(member, "validation")
        else:
            member.racing = False
