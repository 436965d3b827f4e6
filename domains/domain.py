"""What a domain is: a source of items, a scorer, and a brief for the meta agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from meta_search.errors import DomainError
from meta_search.text import passage
from meta_search.types import SPLITS, Split

__all__ = ["Confined", "Domain", "Item", "JudgeUnread", "Score", "items_of"]


@dataclass(frozen=True, slots=True)
class Item:
    """One task. The agent sees `question` and `public`; `target` and `data` never leave the trusted side.

    Attributes:
        id: Unique within the domain, stable for the same settings and seed.
        question: The public part.
        target: The expected answer.
        kind: Family of the item, for tables and routes; public.
        data: What the scorer needs beyond the target.
        public: What the domain's helpers for agents need, JSON; see `ItemJob.data`.
    """

    id: str
    question: str
    target: str
    kind: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    public: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, init=False)
class Score:
    """A scored answer.

    Args:
        value: As the attribute.
        feedback: As the attribute; `None` is nothing, other objects than texts are taken as `str` has them.
        note: What feedback was once called: files that say `note=` still work.

    Attributes:
        value: 0..1; the answer is right where it is 1.
        feedback: What there is to say of the answer beyond its score, for the author of the agent and for
            people: the failing test, the missing field, the judge's reason. Free text of several lines; made
            printable, and cut in the middle where it is longer than `meta_search.text.MOST_PASSAGE`.
    """

    value: float
    feedback: str = ""

    def __init__(self, value: float, feedback: object = "", *, note: object = "") -> None:
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "feedback", passage(feedback or note))

    @property
    def note(self) -> str:
        """What `feedback` was once called."""
        return self.feedback


@dataclass(frozen=True, slots=True)
class Confined:
    """How to build a scorer in a process of its own, for scorers that parse or run an answer.

    Attributes:
        factory: `module:function`; returns `score(item, answer, run) -> Score`, which may raise. `run(code,
            stdin="", timeout=5) -> (ok, printed)` runs code where it knows neither the item nor the scorer.
        arguments: What the function is called with; JSON values.
    """

    factory: str
    arguments: Mapping[str, Any]


class JudgeUnread(Exception):
    """A judge replied, and what it said cannot be read: a fault of the judge, not of the answer."""


class Domain(Protocol):
    """A source of items with a scorer. Implementations are stateless after construction and thread-safe.

    A domain that grants helpers to agents has a further attribute, `helpers`: their names, as in
    `ItemJob.helpers`.

    A domain that has read its file otherwise than one might think has `notes`: lines for the user.

    A domain with items that belong together, as translations do, has `groups`: item id -> name of its group.

    A domain of a user's file has `source`: a digest of the code that makes its items and scores.

    A domain whose scorer parses or runs answers has a further attribute, `confined`: the `Confined` that
    the engine scores with, in place of `score`. Its items must be picklable.

    Further attributes that a domain may have: `try_score`, as `score`, but for exceptions of a scorer that
    may fail; `concurrency`, answers that are scored at a time; `asks`, whether `try_score`, or the confined
    scorer, takes `ask`, which asks a judge model; `targets_answer`, false where a target is no answer, but
    what a program should print; `measures(answered)`, name -> value of what is measured over all items with
    their answers, beside the mean score; `told_measures(feedbacks)`, the same from what the scorer
    said; `own_brief`, its brief without what a scorer in Python adds to it;
    `scoring`, the `domains.matching.scoring.Scoring` by which it scores: items that it has a model judge are
    scored by `try_score` in the engine's process, and the judge is tried before a run (`run.judge_check`) on
    `given_answers`, which people judged (`domains.matching.labelled.Given`);
    `compared`, the name of the matcher that compares answers;
    `working(item)`, how the answer of an item comes about, for `domain.perturb=numbers`.

    Attributes:
        name: Short name, for tables.
        brief: A paragraph for the meta agent: what the tasks are and how answers are scored. Holds no
            scored item.
        wording: Output field name -> what is expected in it; the key `""` holds a line for the system
            message of every call.
    """

    @property
    def name(self) -> str: ...
    @property
    def brief(self) -> str: ...
    @property
    def wording(self) -> Mapping[str, str]: ...

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in fixed order; the first n are what `evaluate.items=n` takes.

        Splits are disjoint by content. `examples` may be empty; `test` is never shown to the search.
        """
        ...

    def score(self, item: Item, answer: str) -> Score:
        """Score a plain-text answer. Never raises on any text; never evaluates it in this process."""
        ...


def items_of(splits: Mapping[Split, Sequence[Item]], split: Split) -> Sequence[Item]:
    """The items of one split.

    Raises:
        DomainError: There is no such split.
    """
    if split not in splits:
        raise DomainError(f"split={split}: no such split; splits are {', '.join(SPLITS)}")
    return splits[split]
