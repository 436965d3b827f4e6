"""Races: agents evaluated on train block by block, stopped early or sent on to validation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from meta_search.config import Config
from meta_search.engine.repair import failing
from meta_search.guide.racing import Race, decide
from meta_search.run.journal import Journal, Key, job_key
from meta_search.run.members import Member, Members
from meta_search.run.runner import Pairs, Runner
from meta_search.types import ItemResult, Split

__all__ = ["Races"]

SEARCHED: tuple[Split, ...] = ("train", "validation")  # the splits of the search
CHEAP_SEEDS = 2  # the first of the list: what briefs and dear seeds are compared with


class Races:
    """Evaluations under way. Everything happens on the engine's thread, as events.

    Args:
        config: The configuration. members: All agents. runner: Runs and archives items.
        pairs: What agents see as `self.examples`.
        journal: Hands results to the engine's thread, and numbers what is decided on them.
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
        journal: Journal,
        finished: Callable[[Member], None],
    ) -> None:
        self._config, self._members, self._runner, self._pairs = config, members, runner, pairs
        self._journal, self._finished = journal, finished
        self.stop = ""

    def running(self) -> list[Member]:
        """Members under evaluation now."""
        return [m for m in self._members.all() if m.racing]

    def seeds_known(self) -> bool:
        """Whether the two cheapest seeds are evaluated: before that there is nothing to compare with."""
        known = [m.done for m in self._members.all() if m.seed]
        return sum(known) >= min(CHEAP_SEEDS, len(known)) and any(m.rows("train") for m in self._members)

    def start(self, member: Member) -> None:
        """Evaluate on train, block by block."""
        self._look(member, "train")

    def go_on(self, member: Member, split: Split) -> None:
        """Go on with what an earlier sitting left unfinished, to the next look that it had planned."""
        if split in member.target:
            member.racing = True
            self._block(member, split)
        else:
            self._look(member, split)

    def lines(self) -> tuple[str, ...]:
        """What is under evaluation, a line each."""
        found = []
        for member in self.running():
            split: Split = "validation" if member.done else "train"
            done, planned = len(member.rows(split)), self._runner.planned(split)
            found.append(f"{split}: «{member.agent.name}» {done}/{planned}")
        return tuple(found)

    def drop(self) -> None:
        """End all races where they are; finished items are kept."""
        self._runner.cancel()
        for member in self.running():
            member.racing = False
            for split in SEARCHED:
                self._runner.save(member, split)
            self.note_status(member)

    def note_status(self, member: Member) -> None:
        """Archive what a member is: seed, population, or partial."""
        whole = member.done and not member.stopped and member.rows("train")
        status = "seed" if member.seed else "population" if whole else "partial"
        self._runner.write("set_status", member.agent.id, status)

    def _look(self, member: Member, split: Split) -> None:
        """Plan the next look at a race, and run the items up to there."""
        member.racing = True
        to = member.ran(split) + self._block_size(member)
        member.target[split] = to
        self._journal.note("race", {"agent": member.agent.id, "split": split, "to": to})
        self._block(member, split)

    def _block(self, member: Member, split: Split) -> None:
        """Send the items that are missing; the last one to come back decides how it goes on."""
        most = max(0, member.target[split] - member.ran(split))
        jobs = self._runner.next_jobs(member, split, self._pairs, most)
        left = len(jobs)
        if not jobs:
            self._nothing_to_run(member, split)

        def arrived(future: Future[ItemResult]) -> None:
            nonlocal left
            left -= 1
            self.stop = self.stop or self._runner.take(member, future)
            if left == 0:
                self._block_done(member, split)

        for job in jobs:
            deliver = partial(self._deliver, job_key(job), arrived)
            self._runner.submit(job).add_done_callback(deliver)

    def _deliver(
        self, key: Key, arrived: Callable[[Future[ItemResult]], None], future: Future[ItemResult]
    ) -> None:
        self._journal.put(key, lambda: arrived(future))

    def _nothing_to_run(self, member: Member, split: Split) -> None:
        """A block without items is one more thing that comes, so that decisions don't nest."""
        agent = member.agent.id
        key = ("block", agent, split)

        def decided() -> None:
            self._journal.note("delivery", {"agent": agent, "split": split})
            self._block_done(member, split)

        self._journal.expect(key)
        self._journal.put(key, decided)

    def _block_size(self, member: Member) -> int:
        """Items to the next look; the first comes early, to unmask what is dear and no better."""
        block = self._config.evaluate.block
        return block if member.ran("train") or not self.seeds_known() else max(1, block // 2)

    def _block_done(self, member: Member, split: Split) -> None:
        """Decide: go on with the split, stop, or finish it."""
        self._runner.save(member, split)
        done = member.ran(split) >= self._runner.planned(split)
        if self.stop:
            member.racing = False
        elif split == "validation" and done:
            member.racing = False
            self._journal.note("race", {"agent": member.agent.id, "split": split})
        elif split == "validation":
            self._look(member, split)
        else:
            member.stopped = "" if done else self._verdict(member)
            if done or member.stopped:
                self._train_done(member)
            else:
                self._look(member, split)

    def _verdict(self, member: Member) -> str:
        if not self._config.evaluate.racing:
            return ""
        best = self._members.incumbent()
        incumbent = best.standing("train") if best is not None and best is not member else None
        planned, block = len(self._runner.items("train")), self._config.evaluate.block
        race = Race(planned, block, self._config.search.finalists)
        return decide(member.standing("train"), incumbent, self._members.front(member), race)

    def _train_done(self, member: Member) -> None:
        """Archive the evaluation and send a contender on to validation."""
        member.done, member.racing = True, False
        failed = "" if member.seed else failing(member.rows("train"), self._config.search.failing)
        member.stopped = self._journal.worded(member.agent.id, failed or member.stopped)
        self._runner.save(member, "train")
        self.note_status(member)
        peers = [m for m in self._members.ranked() if m.done and not m.stopped and m.seed == member.seed]
        most = self._config.search.finalists + (not member.seed)
        validate = not member.stopped and member in peers[:most]
        about = {"agent": member.agent.id, "split": "train"}
        self._journal.note("race", {**about, "stopped": member.stopped, "validate": validate})
        self._finished(member)
        if validate:
            self._look(member, "validation")
