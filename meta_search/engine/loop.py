"""The search: ask the guide for a brief, have an author write, evaluate, archive, tell the guide. What comes
before and after it in a session is in `sitting`.

Steady state: `search.in_flight` candidates are being written or evaluated; all else waits for the first one,
with its worked examples, where more than time is limited. One thread, the caller's, waits for what comes
next; only it touches the guide and the members.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from archive.records import Archive
from meta_search.agent.seeds import ASK_ONCE
from meta_search.authors.registry import AUTHORS, briefed
from meta_search.engine import own_seeds, seeds
from meta_search.engine.alarm_bell import AlarmBell
from meta_search.engine.briefs import Briefs
from meta_search.engine.ends import nothing_known
from meta_search.engine.happenings import BlockEmpty, BriefWritten, Evaluated, ItemRun
from meta_search.engine.patience import lost
from meta_search.engine.pool import teaches_first
from meta_search.engine.races import CHEAP_SEEDS, Races
from meta_search.engine.restore import as_archived
from meta_search.engine.spending import used_by
from meta_search.engine.steering import Steering
from meta_search.engine.stopping import Stopping
from meta_search.final.field import contenders
from meta_search.final.reserve import MOST_SHARE, budget_is_due, seconds_needed
from meta_search.guide.guide import Guide
from meta_search.guide.opening import Choices
from meta_search.report.verdict import score_line
from meta_search.run.journal import FINISH
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.types import Candidate, stopped_line

__all__ = ["Search"]

TICK_S = 0.5
PAUSES = "who pauses is looked at again before the finalists are chosen, as the top may change"
SEEDS_SHARE = 1 / 3  # of what agents have used
LOOK_S = 1.0  # between two estimates of what the final report needs


class Search:
    """The search of one session.

    Args:
        run: The run at work.
        resumed: The archive that earlier sessions left.
        own: Seeds that the person brings to a run that begins.

    Attributes:
        run: As above.
        guide: Decides what is asked for.
        briefs: Those on their way.
        races: Evaluations under way.
        waiting: Agents that wait for their evaluation.
        stopping: What signals ask for.
        steering: What people ask of it meanwhile.
        bell: Tells alarms while it runs.
    """

    def __init__(
        self,
        run: Run,
        resumed: Archive | None = None,
        own: Sequence[Candidate] = (),
    ) -> None:
        self.run = run
        config, search = run.config, run.config.search
        authors = briefed(config.author.name)
        formats, teach, models = config.author.formats, teaches_first(config), tuple(config.llm.meta_models)
        writing = {name: models for name in authors if AUTHORS[name].asks_model and len(models) > 1}
        choices = Choices(search.operators, authors, formats, teach, writing)
        self.guide = Guide(config.seed, choices, search.guided)
        self.briefs = Briefs(run, self.guide)
        self.races = Races(run, self.briefs.modelled)
        self.waiting: list[Member] = []
        self.stopping = Stopping(run, self.races.in_flight)
        self.steering = Steering(run, self.briefs, self.races, self.waiting, self.stopping)
        self.bell = AlarmBell(run)
        self._lost = False  # no gain is expected any more
        self._pauses_told = False
        self._looked = 0.0  # when the report's time was estimated last
        ours = seeds.candidates(search.seeds, config.domain.name)
        ours = ours if resumed is None else as_archived(ours, resumed)
        for candidate in (*own_seeds.of_run(run, resumed, own), *ours):
            if candidate.agent.id not in run.members:
                run.runner.pen.add_candidate(candidate, "seed")
                self.admit(candidate, seed=True)

    def search(self) -> str:
        """Search until candidates or budget are used up.

        Meta Agent Search (arXiv 2408.08435, section 3) in steady state, without generations:

            until the budget is used up:
                while fewer than `in_flight` candidates are written or evaluated:
                    ask the guide for a brief, and have an author write it
                    or evaluate an agent that waits
                take what comes first:
                    candidates:   archive them, and let them wait
                    a result:     archive it; after a block of them race on, pause, or end the evaluation
                    an evaluation's end: tell the guide what the brief was worth; validate the promising
                do what people have asked for meanwhile

        Returns:
            Why it ended; see `SearchStopped`.
        """
        self.steering.take()
        while not (why := self._why_end()):
            while self._free():
                member = self._next_waiting()
                if self._may_ask(member):
                    self.briefs.write(self.briefs.ask())
                elif member is not None:
                    self.waiting.remove(member)
                    self.races.evaluate(member)
                elif (paused := self.races.paused()) and self._has_opened():
                    self.races.take_up(paused[0])
                else:
                    break
            match self.run.journal.next(TICK_S):
                case BriefWritten() as written:
                    for candidate in self.briefs.archive(written, self.bell):
                        self.admit(candidate)
                case ItemRun() | BlockEmpty() as result:
                    evaluated = self.races.archive(result)
                    if evaluated is not None:
                        self._tell(evaluated)
            self._show()
            self.steering.take()
        return why

    # -- the steps, in words of this file

    def _free(self) -> bool:
        """Whether there is a place for one more candidate; none is begun once the search is to finish, or
        while it is paused."""
        return (
            not (self.races.closing or self.steering.paused)
            and len(self.races.running()) + len(self.briefs.writing) < self.run.config.search.in_flight
        )

    def _may_ask(self, waits: Member | None) -> bool:
        """Whether a brief comes next: written candidates go first, then seeds and briefs in turns.

        Args:
            waits: The agent that would be evaluated next.
        """
        seeds_turn = waits is not None and not any(m.seed for m in self.races.running())
        written = waits is not None and not waits.seed
        may = self._asks_for_more() and not written and not seeds_turn and self._has_opened()
        return may and not self.races.needs_the_rest()

    def _asks_for_more(self) -> bool:
        """Whether there are briefs to ask for still."""
        return self.briefs.begun < self.run.config.most_candidates and not self._found_all()

    def _has_opened(self) -> bool:
        """Whether the cheapest seeds are known, and the worked examples that the search opens with: what
        comes of these says what to ask for, and where more than time is limited, asking before costs more
        than it brings."""
        config = self.run.config
        waits = config.search.guided and config.budget.amounts and self.briefs.examples_due
        return self.races.seeds_known() and not waits

    def _next_waiting(self) -> Member | None:
        """The agent that is evaluated next, of those that wait: written ones first, then seeds, the dear ones
        last; `None` where these are all that wait, and their turn has not come."""
        first = min(self.waiting, key=lambda m: (m.seed, _is_dear(m)), default=None)
        return None if first is not None and _is_dear(first) and not self._dear_may_begin() else first

    def _dear_may_begin(self) -> bool:
        """Whether another dear seed may run. Where more than time is limited, most of them cost more than
        they can bring: they wait for the first agent that is written, and then seeds take no more than a
        share of what agents have used, as long as there is anything else to ask for."""
        if not self.run.config.budget.amounts or not self._asks_for_more():
            return True
        seeds = [m for m in self.run.members.all() if m.seed and not m.own]
        if not self.races.seeds_known():  # there may be dear ones only
            racing = sum(m.racing for m in seeds)
            return racing == 0 or racing + sum(m.done for m in seeds) < CHEAP_SEEDS
        if not self._has_opened():
            return False
        theirs, whole = used_by(seeds), used_by(self.run.members)
        return theirs.tokens + theirs.calls <= SEEDS_SHARE * (whole.tokens + whole.calls)

    def admit(self, candidate: Candidate, seed: bool = False) -> None:
        """A candidate waits for its evaluation."""
        member = Member(candidate, seed)
        self.run.members.add(member)
        self.waiting.append(member)

    def _tell(self, evaluated: Evaluated) -> None:
        """A train evaluation is over: say so, tell the guide, and send a promising agent on."""
        member = evaluated.member
        rows = member.rows("train")
        ending = f"; {stopped_line(member.stopped)}" if member.stopped else ""
        tells = self.run.config.domain.model_free != "allow"
        scored = f"{score_line(rows, tells)} on {len(rows)} train items{ending}"
        result = member.stopped if member.same_as else scored
        self.run.progress.say(f"«{member.agent.name}» {result}")
        if member.paused and not self._pauses_told:
            self._pauses_told = True
            self.run.progress.say(PAUSES)
        if self.races.closing:  # `resume` tells, repairs and validates
            return
        self.briefs.learn(member)
        self.hope()
        if evaluated.promising:
            self.races.validate(member)

    def hope(self) -> None:
        """See whether a gain is still expected."""
        patience = self.run.config.search.patience
        if patience and not self._lost:
            look = partial(lost, self.run.members.all(), patience)
            self._lost = bool(self.run.journal.find("patience", look))

    def _show(self) -> None:
        under_way = (*self.steering.lines(), *self.briefs.lines(), *self.races.lines())
        self.run.progress.show(self.run.members, under_way)
        self.bell.look()
        self.run.runner.tick()

    # -- ends

    def _why_end(self) -> str:
        """Why the search ends now; `""` to go on."""
        if not self.races.closing:
            self.races.closing = bool(self.run.journal.find(FINISH, lambda: self.stopping.finishing))
            if self.races.closing:
                self.steering.end_pause()
                if self.run.journal.resumable:
                    self.run.session.end_within(self.run.progress.time_left())
        if self.steering.paused and not self.stopping.now:  # what would end it comes into effect afterwards
            return self.run.journal.stop("")
        stop = self.races.stop
        if stop == "budget" and self.races.closing:  # for want of time alone
            stop = "finish"
        why = "signal" if self.stopping.now else stop or self._through()
        if not why and self.races.closing and not (self.races.running() and self.stopping.patient):
            why = "finish"
        if not why:
            why = "time" if self.run.progress.search_time_left() <= 0 else self._report_due()
        if not why and not self._busy() and not self.races.seeds_known():
            raise nothing_known(self.run)
        return self.run.journal.stop(why)

    def _report_due(self) -> str:
        """Why the report needs all that is left, where its share is too small: `time`, `report`, or `""`."""
        if time.monotonic() < self._looked + LOOK_S:
            return ""
        self._looked = time.monotonic()
        left, budget = self.run.progress.time_left(), self.run.config.budget
        late = budget.wall_s is not None and left <= MOST_SHARE * budget.wall_s
        if not (late or budget.amounts):
            return ""
        field = contenders(self.run.members, self.run.config.search.finalists, self.run.runner.folds)
        if late and left <= seconds_needed(self.run, *field):
            return "time"
        return "report" if budget.amounts and budget_is_due(self.run, *field) else ""

    def _busy(self) -> bool:
        return bool(self.waiting or self.briefs.writing or self.races.running() or self.races.paused())

    def _found_all(self) -> str:
        """Why no further brief is asked for, whatever `search.candidates` says; `""` where one is."""
        barren = len(self.briefs.barren) >= self.run.config.search.give_up_after
        return self.briefs.unpaid.stop or ("nothing new" if barren else "patience" if self._lost else "")

    def _through(self) -> str:
        """Why it ends where nothing is under way and nothing more will be asked for."""
        if self._busy():
            return ""
        enough = self.briefs.written >= self.run.config.most_candidates
        return self._found_all() or ("candidates" if enough else "")


def _is_dear(member: Member) -> bool:
    """Whether it is a seed of ours that asks several times an item."""
    return member.seed and not member.own and member.agent.name not in ASK_ONCE
