"""One agent on one item: the job, what came of it, and how the agent came to its answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from meta_search.types import checks
from meta_search.types.agents import Agent, Parameter
from meta_search.types.calls import Usage
from meta_search.types.names import OutcomeKind, Split

__all__ = [
    "Importance",
    "ItemJob",
    "ItemResult",
    "TeamNetwork",
    "TraceCall",
    "behaves_alike",
]

# Of a team's network.
MAX_AGENTS, MAX_ROUNDS = 32, 16
MAX_CALLS = 10_000
MAX_TEXT = 200  # characters of a role or an answer
MAX_CALL_TEXT = 16 * 2**20  # characters of a stored prompt


@dataclass(frozen=True, slots=True)
class TraceCall:
    """One LLM call within an item, as the communication graph needs it.

    Attributes:
        index: Ordinal of the call within the item, in program order.
        author: `agent_name` of the caller.
        role: Role of the caller.
        fields: Names of the output fields.
        prompt: The last user message sent; its beginning, with a mark, where an item's calls are very long.
        text: What came back; likewise.
        inputs: Ordinals of earlier calls whose answers went in as `Info`.
        tokens: Prompt and completion tokens used.
        latency_s: Seconds.
        pasted: Ordinals of further earlier calls whose answers stand in the prompt as text.
        final: Whether its answer is the item's answer, or stands in it.
        component: Name of the part of the agent that called: its author, with its role where it has one, and
            `#2` for the second of that name.
    """

    index: int
    author: str
    role: str
    fields: tuple[str, ...]
    prompt: str
    text: str
    inputs: tuple[int, ...]
    tokens: int
    latency_s: float
    pasted: tuple[int, ...] = ()
    final: bool = False
    component: str = ""

    @classmethod
    def of(cls, stored: Any) -> TraceCall:
        """A call from its JSON, which may be anybody's; what this version does not know is left out.

        Raises:
            ValueError: It is none.
        """
        if not isinstance(stored, dict):
            checks.wrong("a call")

        def texts(*names: str) -> list[str]:
            return [checks.short(stored.get(name, ""), MAX_CALL_TEXT, f"a call's {name}") for name in names]

        def earlier(name: str) -> tuple[int, ...]:
            found = checks.rows(stored.get(name, []), 0, MAX_CALLS, f"a call's {name}")
            return tuple(checks.index(i, checks.MAX_WHOLE, f"a call's {name}") for i in found)

        author, role, prompt, text, component = texts("author", "role", "prompt", "text", "component")
        fields = checks.rows(stored.get("fields"), 0, MAX_CALLS, "a call's fields")
        return cls(
            index=checks.index(stored.get("index"), checks.MAX_WHOLE, "a call's index"),
            author=author,
            role=role,
            fields=tuple(checks.short(name, MAX_CALL_TEXT, "a call's fields") for name in fields),
            prompt=prompt,
            text=text,
            inputs=earlier("inputs"),
            tokens=checks.index(stored.get("tokens"), checks.MAX_WHOLE, "a call's tokens"),
            latency_s=checks.finite(stored.get("latency_s"), 0.0, 1e9, "a call's latency"),
            pasted=earlier("pasted"),
            final=stored.get("final") is True,
            component=component,
        )


@dataclass(frozen=True, slots=True)
class TeamNetwork:
    """How a team worked on an item (DyLAN, arXiv 2310.02170), as the agent's process reports it.

    Attributes:
        roles: Names of the n agents.
        active: Per round, the agents that were chosen for it; of these, early stop may leave some unasked.
        answers: `answers[r][i]`, agent i's answer in round r, its first 200 characters; `None`: not asked.
        weights: `weights[r][i][j]`, 0..1: what agent i gave in round r to agent j of round r - 1. Empty for
            the first round and for agents that were not asked.
        importance: `importance[r][i]`, 0..1.
        final: The team's answer, its first 200 characters.
        calls: LLM calls, the ranker's included.
    """

    roles: tuple[str, ...]
    active: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[str | None, ...], ...]
    weights: tuple[tuple[tuple[float, ...], ...], ...]
    importance: tuple[tuple[float, ...], ...]
    final: str
    calls: int

    @property
    def scores(self) -> tuple[float, ...]:
        """Each agent's importance, summed over rounds."""
        return tuple(math.fsum(row) for row in zip(*self.importance, strict=True))

    @classmethod
    def of(cls, stored: Any) -> TeamNetwork:
        """A network from its JSON, which may be anybody's.

        Raises:
            ValueError: It is none: nobody is in it, its rows are not all as long as its roles, it names
                agents that there are not, or a number or text is out of bounds.
        """
        if not isinstance(stored, dict):
            checks.wrong("a team's network")
        said = {name: stored.get(name) for name in cls.__dataclass_fields__}
        roles = tuple(_member(role) for role in checks.rows(said["roles"], 1, MAX_AGENTS, "a team's roles"))
        n = len(roles)
        rounds = checks.rows(said["active"], 1, MAX_ROUNDS, "a team's rounds")
        active = tuple(_chosen(row, n) for row in rounds)

        def by_round(name: str) -> list[Any]:
            return checks.rows(said[name], len(active), len(active), f"a team's {name}")

        answers = (checks.rows(row, n, n, "a team's answers") for row in by_round("answers"))
        return cls(
            roles=roles,
            active=active,
            answers=tuple(tuple(None if a is None else _member(a) for a in row) for row in answers),
            weights=tuple(_weights(row, n, number) for number, row in enumerate(by_round("weights"))),
            importance=tuple(_shares(row, n) for row in by_round("importance")),
            final=_member(said["final"]),
            calls=checks.index(said["calls"], MAX_CALLS, "a team's calls"),
        )


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


def _member(text: Any) -> str:
    return checks.short(text, MAX_TEXT, "a team's texts")


def _chosen(row: Any, n: int) -> tuple[int, ...]:
    """The agents of a round, each once."""
    chosen = [checks.index(i, n, "a team's agents") for i in checks.rows(row, 1, n, "a team's agents")]
    if len(set(chosen)) < len(chosen):
        checks.wrong("a team's agents")
    return tuple(chosen)


def _weights(row: Any, n: int, number: int) -> tuple[tuple[float, ...], ...]:
    """A round's weights: those of each agent, or of none in the first round."""
    given = checks.rows(row, 0, n, "a team's weights")
    if len(given) not in ((0, n) if number else (0,)):
        checks.wrong("a team's weights")
    return tuple(() if shares == [] else _shares(shares, n) for shares in given)


def _shares(row: Any, n: int) -> tuple[float, ...]:
    """One number of 0..1 for each agent."""
    shares = checks.rows(row, n, n, "a team's shares")
    return tuple(checks.finite(share, 0.0, 1.0, "a team's shares") for share in shares)


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
        detail: One line that helps an author mend the agent.
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

    @property
    def right(self) -> bool:
        return (self.score or 0.0) >= 1.0


def behaves_alike(one: ItemResult, other: ItemResult) -> bool:
    """Whether two agents sent the same requests for an item, and made the same of the same answers.

    Where the model answered them differently (`llm.cache=false`), the requests alone decide.
    """
    ours, theirs = one.asked.partition("."), other.asked.partition(".")
    if not one.asked or ours[0] != theirs[0]:
        return False
    return ours[2] != theirs[2] or (one.kind, one.answer) == (other.kind, other.answer)
