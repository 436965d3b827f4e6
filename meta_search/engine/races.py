"""Races: agents evaluated on train block by block, stopped early or sent on to validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from meta_search.engine.happenings import BlockEmpty, Evaluated, ItemRun
from meta_search.engine.repair import failing
from meta_search.engine.spending import may_take_much, share_of_left
from meta_search.guide.racing import Race, Standing, decide, too_expensive
from meta_search.run.events import BlockDelivered, LookPlanned, RaceEnded
from meta_search.run.journal import job_key
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import SEARCHED, ItemJob, ItemResult, Split, Usage

__all__ = ["Races"]

CHEAP_SEEDS = 2  # the first of the list: what briefs and expensive seeds are compared with


class Races:
    """Evaluations under way. Decides on the engine's thread; results reach it as happenings.

    Args:
        run: The run at work.

    Attributes:
        stop: Why the search must stop (`budget`), `""` to go on.
        closing: Whether the search is to finish: no further block is begun.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._members, self._runner = run, run.members, run.runner
        self._missing: Counter[tuple[str, Split]] = Counter()  # items of a block that are under way
        self._held: dict[str, list[ItemJob]] = {}  # of first blocks, until the first item has shown its cost
        self.stop, self.closing = "", False

    def in_flight(self) -> int:
        """Items that are under way; for any thread, and for a signal's handler."""
        return sum(self._missing.values())

    def running(self) -> list[Member]:
        """Members under evaluation now."""
        return [m for m in self._members.all() if m.racing]

    def seeds_known(self) -> bool:
        """Whether the two cheapest seeds are evaluated: before that there is nothing to compare with."""
        known = [m.done for m in self._members.all() if m.seed]
        return sum(known) >= min(CHEAP_SEEDS, len(known)) and any(m.rows("train") for m in self._members)

    def lines(self) -> tuple[str, ...]:
        """One line for each agent that is being evaluated."""
        found = []
        for member in self.running():
            split: Split = "validation" if member.done else "train"
            done, planned = len(member.rows(split)), self._runner.planned(split)
            found.append(f"{split}: «{member.agent.name}» {done}/{planned}")
        return tuple(found)

    # -- the steps of the loop

    def evaluate(self, member: Member) -> None:
        """Begin to evaluate an agent on train, block by block; an `ItemRun` comes of each item."""
        self._plan_look(member, "train")

    def validate(self, member: Member) -> None:
        """Begin to evaluate an agent on validation."""
        self._plan_look(member, "validation")

    def archive(self, happened: ItemRun | BlockEmpty) -> Evaluated | None:
        """Archive a result; with the last one of a block, decide how the race goes on.

        Returns:
            What ended with it, if it was the agent's evaluation on train.
        """
        member, split = happened.member, happened.split
        if isinstance(happened, BlockEmpty):
            self._run.journal.record(BlockDelivered(member.agent.id, split))
            return self._block_done(member, split)
        self._missing[member.agent.id, split] -= 1
        self.stop = self.stop or self._runner.deliver(member, happened.result)
        if held := self._held.pop(member.agent.id, []):
            if not (self.stop or self.closing or self._too_expensive(member, self._members.front(member))):
                self._send(member, split, held)
                return None
            self._missing[member.agent.id, split] -= len(held)
        return None if self._missing[member.agent.id, split] else self._block_done(member, split)

    # -- beginnings and ends

    def go_on(self, member: Member, split: Split) -> None:
        """Go on with what an earlier session left unfinished, to the next look that it had planned."""
        if split in member.next_look:
            member.racing = True
            self._run_block(member, split)
        else:
            self._plan_look(member, split)

    def drop(self) -> None:
        """End all races where they are; finished items are kept."""
        self._runner.cancel()
        self._held.clear()
        for member in self.running():
            member.racing = False
            for split in SEARCHED:
                self._runner.save(member, split)
            self._archive_status(member)

    # -- inside

    def _plan_look(self, member: Member, split: Split) -> None:
        """Plan the next look at a race, and run the items up to there."""
        if self.closing:
            member.racing = False
            self._archive_status(member)
            return
        member.racing = True
        to = member.ran(split) + self._block_size(member)
        member.next_look[split] = to
        self._run.journal.record(LookPlanned(member.agent.id, split, to))
        self._run_block(member, split)

    def _run_block(self, member: Member, split: Split) -> None:
        """Send the items that are missing up to the next look."""
        agent, journal = member.agent.id, self._run.journal
        most = max(0, member.next_look[split] - member.ran(split))
        jobs = self._runner.next_jobs(member, split, most)
        if not jobs:  # one more thing that comes, so that decisions do not nest
            key = BlockDelivered(agent, split).key
            journal.expect(key)
            journal.put(key, BlockEmpty(member, split))
        self._missing[agent, split] = len(jobs)
        if split == "train" and self._shows_its_cost_first(member, len(jobs)):
            self._held[agent] = jobs[1:]
            jobs = jobs[:1]
        self._send(member, split, jobs)

    def _send(self, member: Member, split: Split, jobs: Sequence[ItemJob]) -> None:
        for job in jobs:
            came = partial(self._came, member, split)
            self._runner.submit(job).add_done_callback(partial(came, job_key(job)))

    def _came(
        self, member: Member, split: Split, key: tuple[str | int, ...], result: Future[ItemResult]
    ) -> None:
        self._run.journal.put(key, ItemRun(member, split, result))

    def _block_size(self, member: Member) -> int:
        """Items to the next look; the first comes early, to unmask what is expensive and no better."""
        block = self._run.config.evaluate.block
        return block if member.ran("train") or not self.seeds_known() else max(1, block // 2)

    def _block_done(self, member: Member, split: Split) -> Evaluated | None:
        """Decide: go on with the split, stop, or finish it."""
        self._runner.save(member, split)
        done = member.ran(split) >= self._runner.planned(split)
        if self.stop:
            member.racing = False
        elif split == "validation" and (done or member.same_as):
            member.racing = False
            self._run.journal.record(RaceEnded(member.agent.id, split))
        elif split == "validation":
            self._plan_look(member, split)
        else:
            twin = None if member.seed else self._members.like(member)
            # While it does what another one did, the ledger has all answers: to be sure costs nothing.
            free = twin is not None and self._run.config.llm.cache
            member.stopped = "" if done or free else self._why_stop(member)
            if done or member.stopped:
                return self._train_done(member, twin if done else None)
            self._plan_look(member, split)
        return None

    def _shows_its_cost_first(self, member: Member, items: int) -> bool:
        """Whether the first item of a race runs alone, as the block could take much of what is left.

        Where nothing is known of seeds yet, there is nothing to compare a cost with.
        """
        config = self._run.config
        new = not (member.seed or member.ran("train")) and self.seeds_known()
        return (
            new
            and config.evaluate.racing
            and items > 1
            and bool(self._members.finished())
            and may_take_much(config.budget, config.sandbox, self._used(), items)
        )

    def _used(self) -> Usage:
        """What agents have used so far."""
        return sum((m.used(split) for m in self._members for split in SEARCHED), Usage())

    def _too_expensive(self, member: Member, front: Sequence[Standing]) -> str:
        """Why the race ends for its cost alone, `""` where it goes on; `front` is as for `decide`."""
        mine, n = member.used("train"), len(member.rows("train"))
        if not n:
            return ""
        times = max(0, self._runner.planned("train") - n) / n
        more = Usage(round(mine.calls * times), round(mine.tokens * times), cost_usd=mine.cost_usd * times)
        share = share_of_left(self._run.config.budget, self._used(), more)
        return too_expensive(member.standing("train"), front, share)

    def _why_stop(self, member: Member) -> str:
        """Why the race ends early, `""` where it goes on, as it does for what the person brought along."""
        config = self._run.config
        if member.own or not config.evaluate.racing:
            return ""
        front = self._members.front(member)
        if expensive := self._too_expensive(member, front):
            return expensive
        best = self._members.incumbent()
        incumbent = best.standing("train") if best is not None and best is not member else None
        planned = len(self._runner.items("train"))
        race = Race(planned, config.evaluate.block, config.search.finalists)
        return decide(member.standing("train"), incumbent, front, race)

    def _train_done(self, member: Member, twin: Member | None) -> Evaluated:
        """Archive the evaluation, and see whether the agent is one to validate.

        Args:
            member: Is through with train, or was stopped.
            twin: Whom it behaves as on all train items.
        """
        search = self._run.config.search
        member.done, member.racing = True, False
        failed = "" if member.seed else failing(member.rows("train"), search.failing)
        member.stopped = failed or member.stopped
        if twin is not None and not member.stopped:
            self._count_as(member, twin)
        self._runner.save(member, "train")
        self._archive_status(member)
        peers = [m for m in self._members.ranked() if m.done and not m.stopped and m.seed == member.seed]
        most = search.finalists + (not member.seed)
        validated = self._runner.planned("validation") > 0  # with folds there is nothing to validate on
        promising = validated and not member.stopped and member in peers[:most]
        self._run.journal.record(
            RaceEnded(member.agent.id, "train", member.stopped, promising, member.same_as)
        )
        if member.seed and not member.stopped:
            self._count_found_as(member)
        return Evaluated(member, promising)

    def _count_as(self, member: Member, twin: Member) -> None:
        """Two agents that do the same on all train items are one: the member is counted as its twin."""
        member.same_as = twin.agent.id
        items = len(member.scores("train"))
        member.stopped = f"behaves as «{twin.agent.name}» on all {items} train items: counted once"

    def _count_found_as(self, seed: Member) -> None:
        """Agents that were found before a seed was through and behave as it does: the seed is kept."""
        for member in self._members.finished():
            if not member.seed and member.ran("train") == seed.ran("train") and member.behaves_as(seed):
                self._count_as(member, seed)
                self._run.progress.say(f"«{member.agent.name}» {member.stopped}")
                self._runner.save(member, "train")
                self._archive_status(member)
                agent, stopped = member.agent.id, member.stopped
                self._run.journal.record(RaceEnded(agent, "train", stopped, same_as=member.same_as))

    def _archive_status(self, member: Member) -> None:
        """Archive what a member is: seed, duplicate, population, or partial."""
        if member.same_as:
            self._runner.pen.set_same(member.agent.id, member.same_as)
            return
        whole = member.done and not member.stopped and member.rows("train")
        status = "seed" if member.seed else "population" if whole else "partial"
        self._runner.pen.set_status(member.agent.id, status)
