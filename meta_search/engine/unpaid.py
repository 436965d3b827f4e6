"""Whose calls the budget has no room for: they are asked no more, and others go on, where there are any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from meta_search.authors.registry import briefed, spec_of
from meta_search.engine.pool import Pool
from meta_search.guide.guide import Guide
from meta_search.run.run import Run
from meta_search.text import one_line
from meta_search.types import Brief

__all__ = ["Unpaid"]

MOST_WHY = 160  # characters
AMOUNTS = ("budget.calls", "budget.tokens", "budget.usd")  # how the budget's words begin where it is used up


class Unpaid:
    """What the budget has refused in this session.

    Args:
        run: The run at work.
        guide: Asks for nobody who cannot be paid.
        pool: Has nobody teach who cannot be paid.

    Attributes:
        stop: `budget` once nobody is left who could be paid: no further brief is asked for.
        refusal: What the budget said then.
        drafted: Whether it said that of a draft, and not of an agent at work.
        briefs: That were asked for since no author that asks a meta model can be paid.
        why: What the budget said to the last of these.
    """

    def __init__(self, run: Run, guide: Guide, pool: Pool) -> None:
        self._run, self._guide, self._pool = run, guide, pool
        self._writers = {a for a in briefed(run.config.author.name) if spec_of(a).asks_model}
        self._before: set[int] = set()
        self._forget()

    def _forget(self) -> None:
        self.stop = self.refusal = self.why = ""
        self.drafted = False
        self.briefs = 0

    @property
    def stored(self) -> dict[str, object] | None:
        """As the archive has it."""
        return {"briefs": self.briefs, "why": self.why} if self.briefs else None

    def asked(self) -> None:
        """Another brief was asked for."""
        paid = not self._writers or bool(self._writers & {*self._guide.authors})
        self.briefs = 0 if paid else self.briefs + 1

    def refused(self, brief: Brief, what: Mapping[str, str]) -> bool:
        """A brief came to nothing, and the budget has refused something that its author asked for.

        Args:
            brief: It.
            what: See `BriefWorkbench.refused`.

        Returns:
            Whether that is why, and others go on: it does not say that there is nothing more to find.
        """
        if brief.code in self._before:  # of limits that hold no more
            return True
        if "run" in what:  # few calls take less than an agent's
            return self._end(what["run"])
        asks = spec_of(brief.author).asks_model
        if "ask" in what and asks:
            return self._bar(brief, what["ask"]) or self._end(what["ask"], drafted=True)
        return "teach" in what and self._close_pool(brief, what["teach"])

    def _bar(self, brief: Brief, why: str) -> bool:
        """Whether others go on without this author; that time is over, or a wait long, holds for them too."""
        if not why.startswith(AMOUNTS):
            return False
        new = not self._guide.is_barred(brief.author, brief.model)
        if left := self._guide.bar(brief.author, brief.model):
            self._say(brief, why, f"{brief.model or 'the meta model'} writes no more, others go on", new)
        return left

    def _close_pool(self, brief: Brief, why: str) -> bool:
        new, self._pool.closed = not self._pool.closed, True
        self._say(brief, why, "no more examples are worked", new)
        return new

    def _end(self, why: str, drafted: bool = False) -> bool:
        if not self.stop:
            self.stop, self.refusal, self.drafted = "budget", why, drafted
        return False

    def _say(self, brief: Brief, why: str, line: str, new: bool) -> None:
        self.why = one_line(why, MOST_WHY)
        if new:
            self._run.progress.say(f"brief {brief.number}: {self.why}: {line}")

    def mends(self, brief: Brief) -> bool:
        """Whether the author of a repair can be paid, as far as is known."""
        return not self._guide.is_barred(brief.author, brief.model)

    def lift(self, writing: Iterable[int]) -> None:
        """Other limits hold from now on: what the old ones had no room for may be asked for again.

        Args:
            writing: `Brief.code` of what authors are at work on: they may have been refused by the old ones.
        """
        self._before |= {*writing}
        self._guide.lift()
        self._pool.closed = False
        self._forget()
