"""The values that cross borders between stages: frozen, picklable, and free of behaviour of any stage.

This module and `meta_search.errors` are the leaves that `archive` and `domains` may import. It imports
the standard library only.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "CHAIN",
    "OUTCOME_KINDS",
    "Agent",
    "Attempt",
    "Brief",
    "CallReply",
    "CallRequest",
    "Candidate",
    "Demonstration",
    "Evaluation",
    "Importance",
    "ItemJob",
    "ItemResult",
    "Parameter",
    "Scalar",
    "TeamNetwork",
    "TraceCall",
    "Usage",
    "agent_id",
    "normalised_ast",
    "parse",
    "wilson",
    "wilson_by_item",
]

Scalar = str | int | float | bool | None
CHAIN = 1_000_000_000  # between the number of a brief and that of the brief which has its candidate mended
Split = Literal["examples", "train", "validation", "test"]
Purpose = Literal["task", "meta", "teacher", "judge"]

OUTCOME_KINDS = (
    "ok",  # returned an answer, right or wrong
    "timeout",  # wall clock of the agent's own work
    "cpu",
    "memory",
    "disk",
    "output",
    "calls",  # more LLM calls than an item may make
    "crash",  # an exception, a signal, a death
    "refused",  # did what the sandbox forbids
    "bad_answer",  # returned something that is neither Info nor str
    "llm",  # the endpoint failed: no fault of the agent
    "context",  # a prompt longer than the model's context
    "budget",  # the run's budget ended before the item did
)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A worked example: a question and the reply of the model that scored right (DESIGN.md section 3)."""

    question: str
    reply: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number or choice that an agent declares with `self.tune` (define by run)."""

    name: str
    kind: Literal["int", "float", "choice"]
    default: Scalar
    low: float | None = None
    high: float | None = None
    choices: tuple[Scalar, ...] = ()


_PARSING = threading.Lock()


def parse(source: str) -> ast.Module:
    """`ast.parse`, one thread at a time; raises what it raises.

    CPython 3.11 counts the depth of nesting for all threads together, and fails with "AST constructor
    recursion depth mismatch" now and then where authors' threads parse at once.
    """
    with _PARSING:
        return ast.parse(source)


def lines_of(source: str) -> list[str]:
    """Lines with their ends, as `ast` counts them: `str.splitlines` breaks at form feeds and the like too."""
    return [line for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)", source) if line]


def normalised_ast(source: str) -> str:
    """Source as its AST without comments, layout and docstrings.

    The source itself where it does not parse or is nested too deeply.
    """
    try:
        tree = parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef))
            and isinstance(body, list)
            and len(body) > 1
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
            and isinstance(body[0].value.value, str)
        ):
            node.body = body[1:]
    try:
        return ast.dump(tree, annotate_fields=False)
    except RecursionError:  # a chain of some hundred `elif`s is enough
        return source


def agent_id(
    source: str, values: Mapping[str, Scalar] | None = None, demonstrations: Iterable[Demonstration] = ()
) -> str:
    """Identity of an agent: hash of its normalised AST, its tuned values and its demonstrations.

    Returns:
        16 hexadecimal digits.
    """
    parts = [
        normalised_ast(source),
        json.dumps(sorted((values or {}).items()), ensure_ascii=False),
        json.dumps([[d.question, d.reply] for d in demonstrations], ensure_ascii=False),
    ]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Agent:
    """Python source with a `forward(self, taskInfo)`, its tuned values and its demonstrations."""

    id: str
    name: str
    source: str
    values: Mapping[str, Scalar] = field(default_factory=dict)
    demonstrations: tuple[Demonstration, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        source: str,
        values: Mapping[str, Scalar] | None = None,
        demonstrations: Iterable[Demonstration] = (),
    ) -> Agent:
        """Build an agent and compute its identity."""
        kept = tuple(demonstrations)
        return cls(agent_id(source, values, kept), name, source, dict(values or {}), kept)


@dataclass(frozen=True, slots=True)
class Usage:
    """What LLM calls cost: `used` as if nothing were shared, `paid` what was sent (DESIGN.md section 7).

    Attributes:
        calls: Number of calls (for `paid`: attempts sent).
        prompt_tokens: Tokens read by the model.
        completion_tokens: Tokens written by the model.
        cost_usd: US dollars; 0 for local models.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One LLM request on its way to the gateway.

    Attributes:
        model: `task` or `meta` (resolved by the gateway), or a litellm model name.
        messages: Chat messages, each a pair (role, content).
        temperature: Sampling temperature.
        max_tokens: Most tokens of the answer; `None` takes `llm.max_tokens`.
        schema: JSON schema that the answer must satisfy; `None` asks for plain text.
        seed: Sampling seed sent to the endpoint, or `None`.
        occurrence: n-th equal request in program order of this item and repeat.
        purpose: Who asks; budgets and reports are kept by purpose.
        agent, split, item, repeat: What the call was made for; empty for calls of the meta agent.
        author: Name of the `LLMAgentBase` that called, for traces.
    """

    model: str
    messages: tuple[tuple[str, str], ...]
    temperature: float = 0.5
    max_tokens: int | None = None
    schema: Mapping[str, Any] | None = None
    seed: int | None = None
    occurrence: str = "0"
    purpose: Purpose = "task"
    agent: str = ""
    split: str = ""
    item: str = ""
    repeat: int = 0
    author: str = ""


@dataclass(frozen=True, slots=True)
class CallReply:
    """The gateway's answer to a `CallRequest`; faults are values, not exceptions.

    Attributes:
        text: What the model wrote; with a schema, a JSON object wherever one could be recovered.
        used: What the call costs as if nothing were shared.
        paid: What was really sent for it now; all zero if the ledger had it.
        latency_s: Seconds the endpoint took (of the original call if the ledger had it).
        fault: `None`, or the outcome kind (`llm`, `context`, `budget`) that ends the item.
        message: One line on the fault.
    """

    text: str
    used: Usage = Usage()
    paid: Usage = Usage()
    latency_s: float = 0.0
    fault: Literal["llm", "context", "budget"] | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class TraceCall:
    """One LLM call within an item, as the communication graph needs it.

    Attributes:
        index: Ordinal of the call within the item, in program order.
        author: `agent_name` of the caller.
        role: Role of the caller.
        fields: Names of the output fields.
        prompt: The last user message sent.
        text: What came back.
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
    def of(cls, stored: Mapping[str, Any]) -> TeamNetwork:
        """A network from its JSON."""
        return cls(**{f: _frozen(stored[f]) for f in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True)
class Importance:
    """What a component of an agent is worth to it, as one method found it.

    Attributes:
        agent: Id of the agent. component: As `TraceCall.component`.
        method: `ratings` (a team's own, averaged over items), `judge` (those of a judge model, likewise), or
            `leave_out` (score with it less score without it; may be negative).
        value: The importance; for `leave_out` -1..1, else 0 and more.
        items: Items it was measured on.
        calls, tokens: What the component itself costs per item.
        replayed, asked: Calls that measuring it took: answered by the ledger, and sent to a model.
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


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class ItemJob:
    """One agent on one item, on its way to an evaluator. Holds no target.

    Attributes:
        agent: The agent to run.
        split, item, repeat: What is evaluated.
        question: The public part of the item: the text of `taskInfo`.
        examples: Worked items the agent may see as `self.examples`: (question, answer) pairs.
        wording: Domain's wording: output field name -> what is expected in it; the key `""` holds a
            line for the system message.
        seed: Seed of the agent's random state and of its calls.
        dry: A free dry run: answers come from a scripted LLM, nothing is charged.
        model: The role whose model agents call: `task`, or `meta` where it teaches.
        helpers: Names of the helpers that the domain grants (`agent.helpers`), methods of `self`.
        data: Public data of the item for them, JSON; its `examples`, if any, are the agent's
            `self.examples` in place of the domain's.
        mute: Components (`TraceCall.component`) that are left out: their calls are not made, every answer of
            theirs is `""`.
    """

    agent: Agent
    split: str
    item: str
    repeat: int
    question: str
    examples: tuple[tuple[str, str], ...] = ()
    wording: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    dry: bool = False
    model: Literal["task", "meta"] = "task"
    helpers: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    mute: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What came of one `ItemJob`: an outcome, not yet scored by the evaluator (`score` is filled in later).

    Attributes:
        kind: One of `OUTCOME_KINDS`.
        answer: The answer as plain text, `""` where there is none.
        detail: One line that helps an author mend the agent.
        score: 0..1, or `None` before scoring; right means >= 1.
        used, paid: What the item's calls cost.
        seconds: Wall seconds of the item, waiting for the gateway included.
        trace: The item's LLM calls in program order.
        space: Parameters that the agent declared.
        fresh: False where the result was read from the archive.
        networks: How the agent's teams worked, in program order; the first 8 of them.
    """

    agent: str
    split: str
    item: str
    repeat: int
    kind: str
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

    @property
    def right(self) -> bool:
        return (self.score or 0.0) >= 1.0


def wilson(successes: float, n: float, z: float = 1.959964) -> tuple[float, float]:
    """Wilson score interval of a proportion (E. B. Wilson 1927, JASA 22:209).

    Args:
        successes: Number (or sum of graded scores) of successes, 0..n.
        n: Number of trials, a fraction where they count for less; 0 gives (0, 1).
        z: Normal quantile; the default gives 95 %.

    Returns:
        Lower and upper bound, 0..1.
    """
    if n <= 0:
        return 0.0, 1.0
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(0.0, p * (1 - p) / n) + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def wilson_by_item(means: Iterable[float], trials: int) -> tuple[float, float]:
    """Wilson interval of a mean over items, each tried once or several times.

    Repeats of an item are no new items. So they count for as many trials as their scores bear out: the
    effective number of E. L. Korn and B. I. Graubard (1998, Survey Methodology 24:193), between the number
    of items (repeats that always agree) and that of trials (repeats that agree by chance only). The variance
    between items is taken together with two items of the largest possible one, as few items tell little of
    it: with 5 to 40 items of 5 repeats, 91 to 99 % of such intervals held the true mean, of those that take
    every repeat for an item 39 to 97 %.

    Args:
        means: Mean score of each item over its repeats, 0..1.
        trials: Item × repeat pairs in all; with one per item this is `wilson`.

    Returns:
        Lower and upper bound, 0..1.
    """
    found = list(means)
    if not found:
        return 0.0, 1.0
    n, mean = len(found), sum(found) / len(found)
    effective = float(n)
    if trials > n and (most := mean * (1 - mean)) > 0:
        variance = (math.fsum((m - mean) ** 2 for m in found) + 2 * most) / (n + 1)
        effective = min(float(trials), max(effective, most * n / variance))
    return wilson(mean * effective, effective)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of one agent on one split so far.

    Attributes:
        score: Mean score over `items`, 0..1; low, high: its 95 % interval (`wilson_by_item`).
        items: Number of (item, repeat) pairs evaluated.
        used, paid: Sums over the items.
        seconds: Sum of wall seconds of the items.
        outcomes: Outcome kind -> count.
        complete: Whether every planned item was run; the endpoint's faults count among them, not in `items`.
        stopped: Why it was stopped early, `""` if it was not.
    """

    agent: str
    split: str
    score: float
    low: float
    high: float
    items: int
    used: Usage
    paid: Usage
    seconds: float
    outcomes: Mapping[str, int]
    complete: bool = True
    stopped: str = ""

    @classmethod
    def of(
        cls, agent: str, split: str, results: Iterable[ItemResult], complete: bool = True, stopped: str = ""
    ) -> Evaluation:
        """Summarise scored results of one agent on one split."""
        rows = list(results)
        total = sum(r.score or 0.0 for r in rows)
        by_item: dict[str, list[float]] = {}
        for r in rows:
            by_item.setdefault(r.item, []).append(r.score or 0.0)
        low, high = wilson_by_item((sum(v) / len(v) for v in by_item.values()), len(rows))
        return cls(
            agent=agent,
            split=split,
            score=total / len(rows) if rows else 0.0,
            low=low,
            high=high,
            items=len(rows),
            used=sum((r.used for r in rows), Usage()),
            paid=sum((r.paid for r in rows), Usage()),
            seconds=sum(r.seconds for r in rows),
            outcomes=dict(Counter(r.kind for r in rows)),
            complete=complete,
            stopped=stopped,
        )


@dataclass(frozen=True, slots=True)
class Brief:
    """What the guide asks an author for.

    Attributes:
        number: Ordinal of the brief within the run, which is also its trial in the briefs study. Briefs of
            operator debug are no trials: theirs is that of the brief whose candidate they mend, plus `CHAIN`.
        operator: novel, mutate, crossover, bootstrap, simplify, team, tune, debug (or seed).
        author: llm, composer, mixed or replay.
        parents: Ids of the agents to start from, best first.
        inspirations: Ids of further agents shown.
        temperature: Temperature of the meta agent.
        tags: Building-block tags to favour.
        seed: Seed of everything random in carrying the brief out.
    """

    number: int
    operator: str
    author: str
    parents: tuple[str, ...] = ()
    inspirations: tuple[str, ...] = ()
    temperature: float = 0.7
    tags: tuple[str, ...] = ()
    seed: int = 0

    @property
    def trial(self) -> int:
        """Number of the brief that its chain began with: the one that the guide asked for."""
        return self.number % CHAIN


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent that an author proposes, before it is fully evaluated."""

    agent: Agent
    brief: Brief
    thought: str = ""
    generation: int = 0
    space: tuple[Parameter, ...] = ()
    plan: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A draft that did not become a candidate, or a candidate that was refused; kept outside the population.

    Attributes:
        brief: Number of the brief.
        author, operator: As in the brief.
        stage: draft, check, dry_run, duplicate or leak.
        message: One line: why.
        source: What was written, possibly not even Python.
    """

    brief: int
    author: str
    operator: str
    stage: str
    message: str
    source: str = ""
