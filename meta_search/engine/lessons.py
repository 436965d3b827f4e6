"""When the meta agent writes a lesson, what that rests on, and which one later briefs read.

On the engine's thread alone: what is due follows from what was delivered, so that a replay, and a run that
was killed and is gone on with, come to the same lessons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domains.domain import Item
from meta_search.authors.author import LessonDue
from meta_search.authors.registry import spec_of
from meta_search.authors.views import Tried
from meta_search.engine.fates import ended
from meta_search.engine.tries import in_short
from meta_search.run.members import Member
from meta_search.run.run import Run
from meta_search.text import one_line
from meta_search.types import Brief, Lesson

__all__ = ["LESSON", "Lessons"]

LESSON = "lesson of the fork"  # what the decision on it is called
INHERITED = Brief(0, "import", "hand", kind="imported")
MOST_SINCE = 40  # agents that a lesson is shown; of more the newest


class Lessons:
    """The lessons of a run.

    With folds (`run.folds`) there is a line of them for each fold: no brief reads what an author wrote who
    was shown the items that are held out from it.

    Args:
        run: The run at work.
    """

    def __init__(self, run: Run) -> None:
        self._members, self._folds = run.members, run.runner.folds
        self._every = run.config.author.lessons or 0
        self._items: Mapping[str, Item] = {item.id: item for item in run.runner.items("train")}
        self._evaluated: list[str] = []
        self._written: list[tuple[Brief, Lesson]] = []
        self._due: Brief | None = None  # the brief that writes one; never two at once

    def evaluated(self, member: Member) -> None:
        """An agent's evaluation on train has ended."""
        if member.agent.id not in self._evaluated:
            self._evaluated.append(member.agent.id)

    def inherit(self, text: str) -> None:
        """Begin with the lesson of another run, until one is written here; `""` where there is none."""
        if text:
            self._written.append((INHERITED, Lesson(INHERITED.code, text, 0, 0)))

    def newest(self, brief: Brief) -> Lesson | None:
        """The newest lesson that the author of a brief may read."""
        return next((each for each in reversed(self._readable(brief)) if each.text), None)

    def take(self, brief: Brief) -> bool:
        """Whether this brief is to begin with a lesson; if so, no other one does before it is delivered."""
        spec = spec_of(brief.author)
        if not self._every or self._due is not None or not spec.asks_model or spec.sees_archive:
            return False
        tried = self._readable(brief)[-1:]  # one that came to nothing is not asked for again at once
        if len(self._known(brief)) - (tried[0].agents if tried else 0) < self._every:
            return False
        self._due = brief
        return True

    def due(self, brief: Brief) -> LessonDue | None:
        """What the lesson of a brief that has taken it rests on; `None` for other briefs."""
        if brief != self._due:
            return None
        known, last, best = self._known(brief), self.newest(brief), self._best(brief)
        reached: dict[str, float] = {}
        for member in self._members.finished():
            for kind, (right, n) in member.by_kind(self._items).items():
                reached[kind] = max(reached.get(kind, 0.0), right / n)
        return LessonDue(
            agents=len(known),
            since=tuple(self._tried(m, brief) for m in known[last.agents if last else 0 :][-MOST_SINCE:]),
            best=self._tried(best, brief) if best else None,
            kinds=best.by_kind(self._items) if best else {},
            reached=reached,
        )

    def delivered(self, brief: Brief, lessons: Sequence[Lesson]) -> list[str]:
        """A brief is through. Returns a line on each lesson that was written for it."""
        if brief == self._due:
            self._due = None
        lines = []
        for lesson in lessons:
            self._written.append((brief, lesson))
            number = sum(bool(each.text) for _, each in self._written)
            after = f"after {lesson.agents} agents"
            came = f"lesson {number} {after}: {one_line(lesson.text.strip().partition(chr(10))[0], 120)}"
            lines.append(came if lesson.text else f"no lesson {after}: {one_line(lesson.fault, 160)}")
        return lines

    # -- inside

    def _readable(self, brief: Brief) -> list[Lesson]:
        return [each for by, each in self._written if self._folds.may_follow(brief, by)]

    def _known(self, brief: Brief) -> list[Member]:
        """The agents that briefs came to, as far as this brief's author may know of them."""
        found = (self._members[agent] for agent in self._evaluated if agent in self._members)
        return [m for m in found if not m.seed and self._folds.may_follow(brief, m.candidate.brief)]

    def _best(self, brief: Brief) -> Member | None:
        """The best agent that this brief's author may know of."""
        found = self._members.finished()
        able = [m for m in found if self._folds.may_follow(brief, m.candidate.brief)]
        return max(able, key=lambda m: (m.score("train"), -m.cost("train")), default=None)

    def _tried(self, member: Member, reader: Brief) -> Tried:
        shown = [row for row in member.rows("train") if self._folds.shows(reader, row.item)]
        before = self._members.get("".join(member.candidate.brief.parents[:1]))
        return in_short(member, before, self._items, ended(member, self._members, shown))
