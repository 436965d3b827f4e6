"""One agent on one item: the job, what came of it, and what its components were found to be worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from meta_search.types.agents import Agent, Parameter
from meta_search.types.calls import Usage
from meta_search.types.names import OutcomeKind, Split
from meta_search.types.traces import TeamNetwork, TraceCall, TraceProgram

__all__ = ["Importance", "ItemJob", "ItemResult", "behaves_alike"]


@dataclass(frozen=True, slots=True)
class Importance:
    """What a component of an agent is worth to it, as one method found it.

    Attributes:
        agent: Id of the agent.
        component: As `TraceCall.component`.
        method: `ratings` (a team's own, averaged over items), `judge` (those of a judge model, likewise), or
            `leave_out` (score with it less score without it; may be negative).
        value: The importance; for `leave_out` -1..1, else 0 and more.
        items: Items it was measured on.
        calls: LLM calls of the component itself per item.
        tokens: Tokens of the component itself per item.
        replayed: Calls that measuring it took and the ledger answered.
        asked: Calls that measuring it took and were sent to a model.
    """

    agent: str
    component: str
    method: Literal["ratings", "judge", "leave_out"]
    value: float
    items: int
    calls: float = 0.0
    tokens: float = 0.0
    replayed: int = 0
    asked: int = 0


@dataclass(frozen=True, slots=True)
class ItemJob:
    """One agent on one item, on its way to an evaluator. Holds no target.

    Attributes:
        agent: The agent to run.
        split: Split of the item.
        item: Id of the item.
        repeat: Which repeat, from 0.
        question: The public part of the item: the text of `taskInfo`.
        examples: Worked items the agent may see as `self.examples`: (question, answer) pairs.
        wording: Domain's wording: output field name -> what is expected in it; the key `""` holds a
            line for the system message.
        seed: Seed of the agent's random state and of its calls.
        salt: Secret of the run, with which the seed of the random state is hashed; `""` salts nothing.
        max_tokens: Most tokens of an answer for which the agent names no limit (`llm.max_tokens`).
        dry: A free dry run: answers come from a scripted LLM, nothing is charged.
        model: The role whose model agents call: `task`, or `meta` where it teaches.
        helpers: Names of the helpers that the domain grants (`agent.helpers`), methods of `self`.
        data: Public data of the item for them, JSON; its `examples`, if any, are the agent's
            `self.examples` in place of the domain's.
        mute: Components (`TraceCall.component`) that are left out: their calls are not made, every answer of
            theirs is `""`.
    """

    agent: Agent
    split: Split
    item: str
    repeat: int
    question: str
    examples: tuple[tuple[str, str], ...] = ()
    wording: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    salt: str = ""
    max_tokens: int = 1024
    dry: bool = False
    model: Literal["task", "meta"] = "task"
    helpers: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    mute: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What came of one `ItemJob`: an outcome, not yet scored by the evaluator (`score` is filled in later).

    Attributes:
        kind: What ended it.
        answer: The answer as plain text, `""` where there is none.
        detail: One line on what ended the item otherwise than with an answer; helps an author mend the agent.
        score: 0..1, or `None` before scoring; right means >= 1.
        used: What the item's calls cost as if nothing were shared.
        paid: What was really sent for them.
        seconds: Wall seconds of the item, waiting for the gateway included.
        trace: The item's LLM calls in program order.
        space: Parameters that the agent declared.
        fresh: False where the result was read from the archive.
        networks: How the agent's teams worked, in program order; the first 8 of them.
        asked: Digest of the calls' requests without the agent's id, and behind a point one of their answers;
            `""` where it is not known. See `behaves_alike`.
        feedback: What the scorer says of the answer beyond its score, lines of text for authors and people;
            `""` where it says nothing. Never shown to an agent.
        programs: What the agent had run, in program order; the first `traces.MOST_PROGRAMS` of them.
    """

    agent: str
    split: Split
    item: str
    repeat: int
    kind: OutcomeKind
    answer: str = ""
    detail: str = ""
    score: float | None = None
    used: Usage = Usage()
    paid: Usage = Usage()
    seconds: float = 0.0
    trace: tuple[TraceCall, ...] = ()
    space: tuple[Parameter, ...] = ()
    fresh: bool = True
    networks: tuple[TeamNetwork, ...] = ()
    asked: str = ""
    feedback: str = ""
    programs: tuple[TraceProgram, ...] = ()

    @property
    def right(self) -> bool:
        return (self.score or 0.0) >= 1.0

    @property
    def model_free(self) -> bool:
        """Whether it was answered without any LLM call; one that the ledger answered is a call."""
        return self.kind in ("ok", "unasked") and not self.used.calls


def behaves_alike(one: ItemResult, other: ItemResult) -> bool:
    """Whether two agents sent the same requests for an item, and made the same of the same answers.

    Where the model answered them differently (`llm.cache=false`), the requests alone decide.
    """
    ours, theirs = one.asked.partition("."), other.asked.partition(".")
    if not one.asked or ours[0] != theirs[0]:
        return False
    return ours[2] != theirs[2] or (one.kind, one.answer) == (other.kind, other.answer)
