"""Rows of the archive to and from the values of `meta_search.types`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from types import NoneType
from typing import Any, TypeVar

from archive import traces
from archive.guard import Room
from archive.traces import MAX_PARTS
from meta_search.errors import DamagedError
from meta_search.text import one_line, passage
from meta_search.types import (
    Agent,
    Brief,
    Candidate,
    Demonstration,
    Evaluation,
    Importance,
    ItemResult,
    Lesson,
    Parameter,
    Usage,
    bounded_json,
)

__all__ = [
    "AGENT_COLUMNS",
    "ATTEMPT_COLUMNS",
    "EVALUATION_COLUMNS",
    "EVENT_COLUMNS",
    "IMPORTANCE_COLUMNS",
    "RESULT_COLUMNS",
    "MOST_PARTS",
    "TRIAL_COLUMNS",
    "agent_row",
    "dump",
    "evaluation_of",
    "evaluation_row",
    "importance_of",
    "importance_row",
    "kinds",
    "lessons_of",
    "like",
    "load",
    "marks",
    "names",
    "reasoning_of",
    "record_of",
    "result_of",
    "result_row",
    "text",
]

AGENT_COLUMNS = (
    *("id", "name", "status", "author", "operator", "generation", "created", "thought", "values", "space"),
    *("brief", "plan", "source", "demonstrations"),
)
EVALUATION_COLUMNS = (
    *("agent", "split", "score", "low", "high", "items", "calls", "tokens", "prompt_tokens", "cost_usd"),
    *("seconds", "paid_calls", "paid_tokens", "paid_prompt_tokens", "paid_usd", "outcomes", "complete"),
    *("stopped", "created", "model_free"),
)
RESULT_COLUMNS = (
    *("agent", "split", "item", "repeat", "kind", "score", "calls", "prompt_tokens", "completion_tokens"),
    *("cost_usd", "paid_calls", "paid_tokens", "paid_prompt_tokens", "paid_usd", "seconds", "created"),
    *("answer", "detail", "space", "trace", "asked", "feedback"),
)

IMPORTANCE_COLUMNS = (
    *("agent", "method", "component", "value", "items", "calls", "tokens", "replayed", "asked", "created"),
)
ATTEMPT_COLUMNS = ("brief", "author", "operator", "stage", "message", "source")
TRIAL_COLUMNS = ("study", "number", "params", "values", "state", "agent", "created")
EVENT_COLUMNS = ("seq", "kind", "data", "created")

WHOLE = frozenset(
    "generation items calls tokens prompt_tokens completion_tokens paid_calls paid_tokens paid_prompt_tokens "
    "complete model_free repeat brief number seq replayed asked attempts".split()
)
REAL = frozenset("created score low high cost_usd seconds paid_usd value latency_s".split())
OTHERWISE: Mapping[tuple[str, str], tuple[type, ...]] = {  # than columns of their names are
    ("agents", "brief"): (str,),
    ("agents", "plan"): (str, NoneType),
    ("results", "score"): (float, NoneType),
    ("results", "space"): (str, NoneType),
    ("results", "trace"): (bytes, NoneType),
    ("results", "asked"): (str, NoneType),
    ("results", "feedback"): (str, NoneType),
    ("importance", "calls"): (float,),
    ("importance", "tokens"): (float,),
    ("trials", "values"): (str, NoneType),
    ("trials", "agent"): (str, NoneType),
}

MOST_PARTS = 4_000_000  # of what is kept of a whole run: a few for each item of its domain
MAX_SPACE = 2**20  # characters
MOST_FAULT = 300  # characters of why a lesson came to nothing
MAX_SOURCE = 4 * 2**20  # characters; looking through a source takes time for each

Row = tuple[Any, ...]
T = TypeVar("T")


def names(columns: Iterable[str], table: str = "") -> str:
    """Columns as SQL: quoted, as `values` is a word of SQL."""
    prefix = f"{table}." if table else ""
    return ", ".join(f'{prefix}"{c}"' for c in columns)


def marks(values: Iterable[object]) -> str:
    """As many question marks as there are values."""
    return ", ".join("?" for _ in values)


def like(text: str) -> str:
    """A text within a pattern of `LIKE … ESCAPE '\\'`: it stands for itself."""
    return "".join("\\" + c if c in "%_\\" else c for c in text)


@cache
def kinds(table: str, columns: tuple[str, ...]) -> tuple[tuple[type, ...], ...]:
    """The types that each column of a table may have."""
    usual = {**dict.fromkeys(WHOLE, (int,)), **dict.fromkeys(REAL, (float,))}
    return tuple(OTHERWISE.get((table, column)) or usual.get(column, (str,)) for column in columns)


def text(value: str) -> str:
    """Text as SQLite takes it: a model can write half a surrogate pair, UTF-8 cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode(errors="replace").decode()
    return value


def dump(value: Any) -> str:
    """Compact JSON, ASCII only; what JSON does not know (a path, a set) as its text."""
    return json.dumps(value, separators=(",", ":"), default=str)


def load(stored: str | bytes, most: int = MAX_PARTS) -> Any:
    """A value from its JSON, unless it has so many parts that they would fill the memory."""
    if len(stored) <= most:
        return json.loads(stored)
    return bounded_json(stored.encode() if isinstance(stored, str) else stored, most, float)


def agent_row(candidate: Candidate, status: str, created: float) -> Row:
    """A row of `agents`, in the order of `AGENT_COLUMNS`."""
    agent, brief = candidate.agent, candidate.brief
    return (
        agent.id,
        text(agent.name),
        text(status),
        text(brief.author),
        text(brief.operator),
        candidate.generation,
        created,
        text(candidate.thought),
        dump(dict(agent.values)),
        dump([asdict(p) for p in candidate.space]),
        dump(brief.to_json()),
        None if candidate.plan is None else dump(dict(candidate.plan)),
        text(agent.source),
        dump([[d.question, d.reply] for d in agent.demonstrations]),
    )


def record_of(row: Row) -> tuple[Agent, Brief, Mapping[str, Any] | None, tuple[Parameter, ...]]:
    """Agent, brief, plan and space from a row in the order of `AGENT_COLUMNS`.

    The agent keeps its stored identity, which is never recomputed.

    Raises:
        DamagedError: Its source is longer than any agent's.
    """
    id_, name, *_, values, space, brief, plan, source, demonstrations = row
    if len(source) > MAX_SOURCE:
        raise DamagedError(f"the archive holds a source of {len(source) >> 20} MB: no agent's is that long")
    # Read in one go: a lineage of a thousand agents is read while somebody waits.
    stored = load(f"[{values},{brief},{plan or 'null'},{demonstrations}]")
    agent = Agent(id_, name, source, stored[0], tuple(Demonstration(q, r) for q, r in stored[3]))
    return agent, Brief.from_json(stored[1]), stored[2], _space(space)


def evaluation_row(evaluation: Evaluation, created: float) -> Row:
    """A row of `evaluations`, in the order of `EVALUATION_COLUMNS`."""
    e = evaluation
    return (
        *(e.agent, e.split, e.score, e.low, e.high, e.items),
        *(e.used.calls, e.used.tokens, e.used.prompt_tokens, e.used.cost_usd, e.seconds),
        *(e.paid.calls, e.paid.tokens, e.paid.prompt_tokens, e.paid.cost_usd),
        *(dump(dict(e.outcomes)), int(e.complete), text(e.stopped), created, e.model_free),
    )


def evaluation_of(row: Row) -> Evaluation:
    """An evaluation from a row in the order of `EVALUATION_COLUMNS`."""
    agent, split, score, low, high, items, calls, tokens, prompt, usd, seconds, *rest = row
    paid_calls, paid_tokens, paid_prompt, paid_usd, outcomes, complete, stopped, _, model_free = rest
    return Evaluation(
        agent=agent,
        split=split,
        score=score,
        low=low,
        high=high,
        items=items,
        used=Usage(calls, prompt, tokens - prompt, usd),
        paid=Usage(paid_calls, paid_prompt, paid_tokens - paid_prompt, paid_usd),
        seconds=seconds,
        outcomes=load(outcomes),
        complete=bool(complete),
        stopped=stopped,
        model_free=model_free,
    )


def result_row(result: ItemResult, created: float) -> Row:
    """A row of `results`, in the order of `RESULT_COLUMNS`."""
    r = result
    return (
        *(r.agent, r.split, text(r.item), r.repeat, r.kind, r.score),
        *(r.used.calls, r.used.prompt_tokens, r.used.completion_tokens, r.used.cost_usd),
        *(r.paid.calls, r.paid.tokens, r.paid.prompt_tokens, r.paid.cost_usd),
        *(r.seconds, created, text(r.answer), text(r.detail)),
        dump([asdict(p) for p in r.space]) if r.space else None,
        traces.packed(r),
        r.asked,
        text(r.feedback),
    )


def result_of(row: Row, room: Room | None = None) -> ItemResult:
    """A result from a row in the order of `RESULT_COLUMNS`, its trace within a room; `fresh` is false."""
    agent, split, item, repeat, kind, score, calls, prompt, completion, usd, *rest = row
    paid_calls, paid_tokens, paid_prompt, paid_usd, seconds, _, answer, detail, space, trace, *more = rest
    asked, feedback = more
    if feedback is None and kind == "ok":  # as archives had it before there was a column
        detail, feedback = "", detail
    calls_, networks, programs = traces.unpacked(trace, room or Room()) if trace else ((), (), ())
    return ItemResult(
        agent=agent,
        split=split,
        item=item,
        repeat=repeat,
        kind=kind,
        answer=answer,
        detail=detail,
        score=score,
        feedback=passage(feedback),
        used=Usage(calls, prompt, completion, usd),
        paid=Usage(paid_calls, paid_prompt, paid_tokens - paid_prompt, paid_usd),
        seconds=seconds,
        trace=calls_,
        space=_space(space),
        fresh=False,
        networks=networks,
        asked=asked or "",
        programs=programs,
    )


def importance_row(row: Importance, created: float) -> Row:
    """A row of `importance`, in the order of `IMPORTANCE_COLUMNS`."""
    i = row
    cost = i.calls, i.tokens, i.replayed, i.asked
    return (i.agent, i.method, text(i.component), i.value, i.items, *cost, created)


def importance_of(row: Row) -> Importance:
    """A component's importance from a row in the order of `IMPORTANCE_COLUMNS`."""
    agent, method, component, value, items, calls, tokens, replayed, asked, _ = row
    return Importance(agent, component, method, value, items, calls, tokens, replayed, asked)


def lessons_of(data: str) -> list[Lesson]:
    """The lessons in the event of a brief that was delivered (`run.events.BriefDelivered`)."""
    event = load(data)
    rows = event.get("lessons", ())
    return [
        Lesson(int(event["brief"]), passage(text), int(agents), int(tokens), one_line(fault, MOST_FAULT))
        for text, agents, tokens, fault in rows
    ]


def reasoning_of(reply: bytes, room: Room) -> int:
    """Tokens of thinking that went into an answer, from the ledger's column `reply`."""
    used = load(room.unpacked(reply))["used"]
    return int(used[4]) if len(used) > 4 else 0


# What agents said of themselves is checked where it comes in. An older version's archive, or a stranger's,
# may hold what is no parameter, network or call all the same: that is left out, and the rest can be read.


def _space(stored: str | None) -> tuple[Parameter, ...]:
    """Parameters, but for those that are none."""
    if not stored:
        return ()
    try:
        rows = bounded_json(stored[: MAX_SPACE + 1].encode(), MAX_PARTS, str)
    except (ValueError, AttributeError, TypeError):
        rows = None
    found = traces.valid(Parameter.of, rows, "tuned parameters")
    return tuple({parameter.name: parameter for parameter in found}.values())
