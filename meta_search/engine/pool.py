"""The run's worked examples: who taught them, what nobody could, and what teaching has used so far.

All of it is rebuilt from what briefs have delivered, so that a resumed run asks for nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from meta_search.authors.course import Course, Limits, Miss
from meta_search.config import Config
from meta_search.report.taught import Taught, digest
from meta_search.run.events import BriefDelivered
from meta_search.types import Demonstration, Usage, unknown

__all__ = ["EMBEDDED_S", "Pool", "limits", "teachable", "teaches_first"]

EMBEDDED_S = 60.0  # most seconds of a run that an embedded model teaches
EMBEDDED_RATE = 60.0  # tokens a second that it reads and writes beside the task model, on two cores
CANNOT = Limits(0, 0, 0.0)


def teachable(config: Config) -> bool:
    """Whether the meta model is another one than the task model, so that it may be the better teacher."""
    llm = config.llm
    sides = [(side.model, side.base_url or llm.base_url) for side in (llm.meta, llm.task)]
    return bool(llm.meta.model) and sides[0] != sides[1]


def teaches_first(config: Config) -> bool:
    """Whether the meta model teaches before the task model does."""
    return teachable(config) if config.author.teach is None else config.author.teach


def limits(config: Config) -> Limits:
    """What teaching may use over the whole run; no limits where the budget has none.

    Embedded models cost time alone. How many tokens they manage in it is a constant, and not measured: a
    search must come to the same on a faster machine.
    """
    budget, share = config.budget, config.author.teach_share
    tokens = None if budget.tokens is None else int(share * budget.tokens)
    if config.llm.provider == "local":
        seconds = min(EMBEDDED_S, EMBEDDED_S if budget.wall_s is None else share * budget.wall_s)
        most = int(EMBEDDED_RATE * seconds)
        tokens = most if tokens is None else min(tokens, most)
    return Limits(
        calls=None if budget.calls is None else int(share * budget.calls),
        tokens=tokens,
        usd=None if budget.usd is None else share * budget.usd,
    )


class Pool:
    """The worked examples of a run.

    Args:
        config: Of the run.

    Attributes:
        demonstrations: As they came, a reply of each form to a question.
        taught: Question -> who worked it, of the first reply to it.
        teachers: (question, form) -> who worked it.
        used: What teaching has used, calls and tokens and US dollars.
        closed: Whether nobody teaches any more.
    """

    def __init__(self, config: Config) -> None:
        self._first, self._each = teaches_first(config), config.author.teach_each
        self._limits = limits(config)
        self._missed: dict[Miss, None] = {}  # by the item's id
        self._busy: int | None = None  # the brief that may teach
        self.demonstrations: list[Demonstration] = []
        self.taught: dict[str, str] = {}
        self.teachers: dict[tuple[str, str], str] = {}
        self.used = Usage()
        self.closed = False

    def take(self, delivered: BriefDelivered) -> None:
        """Take in what a brief has found, and what its teaching came to."""
        if self._busy == delivered.brief:
            self._busy = None
        new = unknown(delivered.found, self.demonstrations)
        for shown, teacher in zip(delivered.found, delivered.teachers, strict=False):
            if teacher and shown in new:
                self.taught.setdefault(shown.question, teacher)
                self.teachers.setdefault((shown.question, shown.form), teacher)
        self.demonstrations += new
        self._missed |= dict.fromkeys(delivered.missed)
        calls, tokens, usd = delivered.teaching
        self.used = self.used + Usage(calls, tokens, 0, usd)

    def rows(self, kinds: Mapping[str, str]) -> list[Taught]:
        """What the archive keeps for reports.

        Args:
            kinds: Question of an example -> its kind.
        """
        return [
            Taught(
                digest(d.question),
                kinds.get(d.question, ""),
                d.form,
                self.teachers.get((d.question, d.form), ""),
            )
            for d in self.demonstrations
        ]

    def course(self, brief: int, questions: Mapping[str, str], may_teach: bool) -> Course:
        """What the author of a brief may teach: one brief at a time, so that the limits hold.

        Args:
            brief: `Brief.code`.
            questions: Item of the examples split -> its question.
            may_teach: Whether its operator could want worked examples.
        """
        missed = {(questions[i], form, by) for i, form, by in self._missed if i in questions}
        if may_teach and self._busy is None:
            self._busy = brief
        mine = self._busy == brief
        left = self._limits.less(self.used) if mine and not self.closed else CANNOT
        return Course(first=self._first, each=self._each, limits=left, missed=missed)
