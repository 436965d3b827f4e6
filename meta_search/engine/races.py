"""Races: agents evaluated on train block by block; they pause, go on, or are sent on to validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from meta_search.engine.happenings import BlockEmpty, Evaluated, ItemRun
from meta_search.engine.means import Means
from meta_search.engine.modelled import Modelled
from meta_search.engine.repair import failing
from meta_search.engine.spending import may_take_much, used_by
from meta_search.engine.standings import Standings
from meta_search.run.events import BlockDelivered, LookPlanned, RaceEnded
from meta_search.run.journal import job_key
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import PAUSED, SEARCHED, ItemJob, ItemResult, Split

__all__ = ["CHEAP_SEEDS", "Races"]

CHEAP_SEEDS = 2  # the first of the list: what briefs and expensive seeds are compared with


class Races:
    """Evaluations under way. Decides on the engine's thread; results reach it as happenings.

    Args:
        run: The run at work.
        modelled: Learns from every result, and says what is expected of agents.

    Attributes:
        stop: Why the search must stop (`budget`), `""` to go on.
        closing: Whether the search is to finish: no further block is begun.
        holding: Whether a person has paused the search: no further block is begun for now.
        standings: How all agents stand.
    """

    def __init__(self, run: Run, modelled: Modelled) -> None:
        self._run, self._members, self._runner = run, run.members, run.runner
        self._modelled = modelled
        self._missing: Counter[tuple[str, Split]] = Counter()  # items of a block that are under way
        self._held: dict[str, list[ItemJob]] = {}  # of first blocks, until the first item has shown its cost
        self.standings = Standings(run)
        self._means = Means(run)
        self.stop, self.closing, self.holding = "", False, False
        self._on_hold: list[tuple[Member, Split]] = []  # in the order in which their blocks ended

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
            split = member.split
            done, planned = len(member.rows(split)), self._runner.planned(split)
            found.append(f"{split}: «{member.agent.name}» {done}/{planned}")
        return tuple(found)

    # -- the steps of the loop

    def evaluate(self, member: Member) -> None:
        """Begin to evaluate an agent on train, block by block; an `ItemRun` comes of each item."""
        self._plan_look(member, "train")

    def paused(self) -> list[Member]:
        """Those that pause and are to be taken up before the search ends, the best odds first."""
        if self.closing or self.stop or not self._run.config.evaluate.racing:
            return []
        return self._means.affordable(self.standings.wanted())

    def take_up(self, member: Member) -> None:
        """Go on with an agent that paused."""
        self._run.progress.say(f"«{member.agent.name}» goes on: it may yet be {self._as_what(member)}")
        self._plan_look(member, "train")

    def needs_the_rest(self) -> bool:
        """Whether what is left of the search's budget is needed for those that pause."""
        return self._means.need_the_rest(self.paused())

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
            if not (self.stop or self.closing or member.gone or self._means.too_expensive(member)):
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

    def release(self) -> None:
        """The search is paused no longer: look again at the races that it held up."""
        self.holding = False
        held, self._on_hold = self._on_hold, []
        for member, split in held:
            if member.gone and split == "validation":  # dropped meanwhile: nothing more is run for it
                member.racing = False
                self._run.journal.record(RaceEnded(member.agent.id, split))
            else:
                self.go_on(member, split)

    def dismiss(self, member: Member, why: str) -> None:
        """A person has dropped an agent: its race ends, once the items that are under way have come.

        Args:
            member: The agent. A seed runs on: the report needs the best one as a baseline.
            why: For people.
        """
        member.dropped = why
        if member.seed or (member.racing and member.split == "train"):
            return
        member.end()
        self._runner.save(member, "train")
        self._archive_status(member)
        self._modelled.end(member)

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
        if self.holding:
            self._on_hold.append((member, split))
            return
        self._modelled.learn(member)
        to = member.ran(split) + self._block_size(member)
        chooses = split == "train" and self._run.config.evaluate.racing
        chosen = self.standings.choose(member, to - member.ran(split)) if chooses else ()
        member.next_look[split], member.chosen = to, chosen
        self._run.journal.record(LookPlanned(member.agent.id, split, to, chosen))
        self._run_block(member, split)

    def _run_block(self, member: Member, split: Split) -> None:
        """Send the items that are missing up to the next look."""
        agent, journal = member.agent.id, self._run.journal
        most = max(0, member.next_look[split] - member.ran(split))
        jobs = self._runner.next_jobs(member, split, most, member.chosen)
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
        elif split == "validation" and (done or member.same_as or member.gone):
            member.racing = False
            self._run.journal.record(RaceEnded(member.agent.id, split))
        elif split == "validation":
            self._plan_look(member, split)
        elif member.gone:
            return self._train_done(member, None, "")
        else:
            twin = None if member.seed else self._members.like(member)
            # While it does what another one did, the ledger has all answers: to be sure costs nothing.
            free = twin is not None and self._run.config.llm.cache
            why = "" if done or free else self._why_stop(member)
            if done or why:
                return self._train_done(member, twin if done else None, why)
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
            and may_take_much(config.budget, config.sandbox, used_by(self._members), items)
        )

    def _why_stop(self, member: Member) -> str:
        """Why the race pauses, `""` where it goes on, as it does for what the person brought along."""
        if member.own or not self._run.config.evaluate.racing:
            return ""
        return self._means.too_expensive(member) or self.standings.why_pause(member)

    def _train_done(self, member: Member, twin: Member | None, why: str) -> Evaluated:
        """Archive the evaluation, and see whether the agent is one to validate.

        Args:
            member: Is through with train, or pauses.
            twin: Whom it behaves as on all train items.
            why: Why it pauses; `""` where it is through.
        """
        search = self._run.config.search
        failed = "" if member.seed or member.gone else failing(member.rows("train"), search.failing)
        member.at_pause = self.standings.expected(member) if why and not failed else None
        member.done, member.racing = True, False
        member.stopped = failed or (f"{PAUSED}{why}" if why else "")
        if member.gone:
            member.end()
        if twin is not None and not member.stopped:
            self._count_as(member, twin)
        self._runner.save(member, "train")
        self._archive_status(member)
        self._modelled.end(member)
        peers = [m for m in self._members.ranked() if m.whole and m.seed == member.seed]
        most = search.finalists + (not member.seed)
        validated = self._runner.planned("validation") > 0  # with folds there is nothing to validate on
        promising = validated and not member.stopped and self._modelled.among(member, peers, most)
        self._run.journal.record(
            RaceEnded(member.agent.id, "train", member.stopped, promising, member.same_as, member.at_pause)
        )
        if member.seed and not member.stopped:
            self._count_found_as(member)
        return Evaluated(member, promising)

    def _as_what(self, member: Member) -> str:
        return "the best seed" if member.seed else "a finalist"

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
        """Archive what a member is: seed, duplicate, population, paused, or partial."""
        if member.same_as:
            self._runner.pen.set_same(member.agent.id, member.same_as)
            return
        whole = member.whole
        status = (
            "seed" if member.seed else "population" if whole else "paused" if member.paused else "partial"
        )
        self._runner.pen.set_status(member.agent.id, status)
