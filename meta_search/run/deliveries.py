"""What has come of what was begun: a brief, an item, a block of items. Events as those of `run.events`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from meta_search.outcomes import UNSCORED
from meta_search.types import Demonstration, HandedIn, ItemResult, Lesson, OutcomeKind, Split

__all__ = ["BlockDelivered", "BriefDelivered", "Chance", "Delivered", "ItemDelivered", "Json", "Key"]

Json = dict[str, Any]
Key = tuple[str | int, ...]  # names what was begun and will be delivered
Chance = tuple[str, str, OutcomeKind, str]  # what was asked for, its name, outcome kind, message
NO_TEACHING = (0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class BriefDelivered:
    """An author is through with a brief.

    Attributes:
        brief: `Brief.code`.
        agent: Id of the candidate; `None` where there is none.
        tokens: Used by the meta agent.
        found: Worked examples for the run's pool.
        teachers: Of each of them: `task`, `meta`, or `author` where the meta agent wrote it; empty where an
            older version did not tell.
        missed: (item of the examples split, form, teacher) of what nothing right came of.
        teaching: Calls, tokens and US dollars that teaching has used.
        chances: What endpoint, budget or machine brought about on the way, not the agents.
        used: Evaluation attempts that it took.
        further: Ids of further candidates, where it came to several.
        lessons: What the meta agent wrote down meanwhile, or why it came to nothing.
        handed: What a program handed in on the way (`author=command`), call by call.
        cost_usd: US dollars used by the meta agent, where there are several meta models; else 0.
    """

    kind: ClassVar[str] = "delivery"
    brief: int
    agent: str | None
    tokens: int
    found: tuple[Demonstration, ...] = ()
    chances: tuple[Chance, ...] = ()
    used: int = 1
    teachers: tuple[str, ...] = ()
    missed: tuple[tuple[str, str, str], ...] = ()
    teaching: tuple[int, int, float] = NO_TEACHING
    further: tuple[str, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    handed: tuple[HandedIn, ...] = ()
    cost_usd: float = 0.0

    @property
    def key(self) -> Key:
        return ("written", self.brief)

    @property
    def agents(self) -> tuple[str, ...]:
        """Ids of all candidates."""
        return () if self.agent is None else (self.agent, *self.further)

    @property
    def writing_tokens(self) -> int:
        """Of its tokens those that the agent took: a lesson serves all later briefs, not this one alone."""
        return self.tokens - sum(lesson.tokens for lesson in self.lessons)

    def like(self, recorded: BriefDelivered) -> BriefDelivered:
        """As an older version would have recorded it, where one has recorded this delivery."""
        told = any(recorded.teachers) or not recorded.found
        return self if told else replace(self, teachers=())

    def data(self) -> Json:
        more: Json = {"used": self.used} if self.used != 1 else {}
        if self.handed:
            more["handed"] = [asdict(handed) for handed in self.handed]
        if self.cost_usd:
            more["cost_usd"] = self.cost_usd
        more |= {"missed": [list(miss) for miss in self.missed]} if self.missed else {}
        more |= {"teaching": list(self.teaching)} if self.teaching != NO_TEACHING else {}
        if self.lessons:
            more["lessons"] = [[each.text, each.agents, each.tokens, each.fault] for each in self.lessons]
        more |= {"further": list(self.further)} if self.further else {}
        teachers = (*self.teachers, *[""] * len(self.found))
        return {
            "brief": self.brief,
            "agent": self.agent,
            "tokens": self.tokens,
            "found": [
                [d.question, d.reply, *filter(None, [by])]
                for d, by in zip(self.found, teachers, strict=False)
            ],
            "chances": [list(chance) for chance in self.chances],
            **more,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> BriefDelivered:
        rows = [(*row, "")[:3] for row in data.get("found", ())]
        calls, tokens, usd = data.get("teaching", NO_TEACHING)
        return cls(
            brief=data["brief"],
            agent=data["agent"],
            tokens=data["tokens"],
            found=tuple(Demonstration(question, reply) for question, reply, _ in rows),
            chances=tuple((str(a), str(b), c, str(d)) for a, b, c, d in data.get("chances", ())),
            used=data.get("used", 1),
            teachers=tuple(str(by) for *_, by in rows) if any(by for *_, by in rows) else (),
            missed=tuple((str(a), str(b), str(c)) for a, b, c in data.get("missed", ())),
            teaching=(int(calls), int(tokens), float(usd)),
            further=tuple(map(str, data.get("further", ()))),
            lessons=tuple(_lesson(data["brief"], stored) for stored in data.get("lessons", ())),
            handed=tuple(_handed(stored) for stored in data.get("handed", ())),
            cost_usd=float(data.get("cost_usd", 0.0)),
        )


def _lesson(brief: int, stored: Sequence[Any]) -> Lesson:
    text, agents, tokens, fault = stored
    return Lesson(brief, str(text), int(agents), int(tokens), str(fault))


def _handed(stored: Mapping[str, Any]) -> HandedIn:
    source, thought, fault = (str(stored[name]) for name in ("source", "thought", "fault"))
    return HandedIn(source, thought, fault, bool(stored["final"]))


@dataclass(frozen=True, slots=True)
class ItemDelivered:
    """An item's result, as far as decisions depend on it.

    Attributes:
        agent: Id of the agent.
        split: Split of the item.
        item: Id of the item.
        repeat: Which repeat, from 0.
        outcome: How it ended.
        detail: One line on an outcome that is left out of scores, else `""`.
        score: 0..1; `None` where it is left out.
        calls: LLM calls used.
        tokens: Tokens used.
        feedback: What the scorer said. No part of the row: the table `results` has it.
    """

    kind: ClassVar[str] = "delivery"
    agent: str
    split: Split
    item: str
    repeat: int
    outcome: OutcomeKind
    detail: str = ""
    score: float | None = None
    calls: int = 0
    tokens: int = 0
    feedback: str = ""

    @classmethod
    def from_result(cls, result: ItemResult) -> ItemDelivered:
        """The event of a result that has come."""
        where = (result.agent, result.split, result.item, result.repeat, result.kind)
        if result.kind in UNSCORED:
            return cls(*where, detail=result.detail)
        calls, tokens = result.used.calls, result.used.tokens
        return cls(*where, "", result.score, calls, tokens, result.feedback)

    @property
    def key(self) -> Key:
        return ("item", self.agent, self.split, self.item, self.repeat)

    def data(self) -> Json:
        where = {"agent": self.agent, "split": self.split, "item": self.item, "repeat": self.repeat}
        if self.outcome in UNSCORED:
            return {**where, "kind": self.outcome, "detail": self.detail}
        cost = {"calls": self.calls, "tokens": self.tokens}
        return {**where, "kind": self.outcome, "score": self.score, **cost}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> ItemDelivered:
        named = {k: data[k] for k in ("agent", "split", "item", "repeat")}
        more = {k: data[k] for k in ("detail", "score", "calls", "tokens") if k in data}
        return cls(**named, outcome=data["kind"], **more)


@dataclass(frozen=True, slots=True)
class BlockDelivered:
    """A block of items of which none was left to run."""

    kind: ClassVar[str] = "delivery"
    agent: str
    split: Split

    @property
    def key(self) -> Key:
        return ("block", self.agent, self.split)

    def data(self) -> Json:
        return {"agent": self.agent, "split": self.split}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> BlockDelivered:
        return cls(data["agent"], data["split"])


Delivered = BriefDelivered | ItemDelivered | BlockDelivered
