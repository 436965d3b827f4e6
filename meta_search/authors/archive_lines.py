"""What the archive's tools say of agents, results and calls, in lines of bounded length."""

from __future__ import annotations

from collections.abc import Iterator

from meta_search.authors.knowledge import Known
from meta_search.authors.tool_text import between, quote
from meta_search.outcomes import explain
from meta_search.text import one_line, printable
from meta_search.types import ItemResult, TraceCall, TraceProgram

__all__ = [
    "MOST_NAME",
    "MOST_THOUGHT",
    "around",
    "call_lines",
    "id_of",
    "program_lines",
    "said",
    "summary",
    "verdict",
]

MOST_NAME, MOST_THOUGHT, MOST_ANSWER = 60, 200, 80


def id_of(item: str) -> str:
    """An item's id, which may stand in a file of anybody's."""
    return one_line(item, MOST_NAME)


def summary(known: Known) -> str:
    """An agent in one line."""
    candidate, agent = known.candidate, known.candidate.agent
    brief, n = candidate.brief, len(known.results)
    scored = f"score {known.score:.2f} on {n} items, {known.tokens:.0f} tokens" if n else "no results"
    parents = f" from {', '.join(brief.parents[:3])}" if brief.parents else ""
    thought = one_line(candidate.thought, MOST_THOUGHT)
    return (
        f"{agent.id} «{one_line(agent.name, MOST_NAME)}»: {scored}; {brief.operator}{parents}; "
        f"{one_line(known.fate, MOST_THOUGHT)}" + (f". «{thought}»" if thought else "")
    )


def verdict(result: ItemResult) -> str:
    """How a result ended, in a word or two."""
    if result.right:
        return "right"
    score = result.score or 0.0
    return result.kind if result.kind != "ok" else f"score {score:.2f}" if score > 0 else "wrong"


def said(result: ItemResult, agent: Known) -> str:
    """What was answered, or why nothing was, in a line."""
    if result.kind != "ok":
        return one_line(explain(result.kind, result.detail, agent.candidate.agent.source), MOST_THOUGHT)
    return between(one_line(result.answer), MOST_ANSWER) or "(nothing)"


def call_lines(call: TraceCall) -> Iterator[str]:
    """A call of an item's trace."""
    inputs = f", with the answers of calls {', '.join(map(str, call.inputs))}" if call.inputs else ""
    final = ", whose answer is the agent's" if call.final else ""
    name = one_line(call.component or call.author, MOST_NAME)
    role = f", role «{one_line(call.role, MOST_THOUGHT)}»" if call.role else ""
    yield f"Call {call.index} by «{name}»{role}{inputs}{final}; {call.tokens} tokens. It was asked:"
    yield from quote(call.prompt)
    yield "It said:"
    yield from quote(call.text)


def program_lines(program: TraceProgram) -> Iterator[str]:
    """What was run on the way, and what it printed."""
    yield "A program was run:"
    yield from quote(program.code)
    yield "It printed:" if program.ok else "It failed:"
    yield from quote(program.output)


def around(line: str, at: int) -> str:
    """A line of any length about a place in it."""
    start = max(0, at - 80)
    return printable(("…" if start else "") + line[start : start + 240].strip(), "\t", "?")
