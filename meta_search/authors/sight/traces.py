"""How an agent came to its answer on an item: call by call who asked what, with which inputs, and what came
back; what its programs printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meta_search.agent.answers import parse_fields
from meta_search.authors.sight.part import Piece, Said
from meta_search.authors.sight.quoting import named
from meta_search.text import one_line
from meta_search.types import TraceCall, TraceProgram

__all__ = ["trace_pieces"]

MOST_CALLS, MOST_PROGRAMS = 16, 4
MOST_PROMPT, MOST_REPLY, MOST_PRINTED = 3_000, 3_000, 1_000  # characters
LEAST = 24  # characters of an earlier answer that is named rather than repeated


def trace_pieces(
    trace: Sequence[TraceCall], programs: Sequence[TraceProgram], question: str
) -> Iterator[Piece]:
    """Calls and programs in the order in which they came; of very many calls, the middle is left out.

    Args:
        trace: The calls.
        programs: What was run, and between which calls.
        question: Of the item; where a prompt repeats it, only a mark stands for it.
    """
    calls = sorted(trace, key=lambda call: call.index)
    known = {call.index: call for call in calls}
    first, last = calls[: MOST_CALLS - MOST_CALLS // 2], calls[-(MOST_CALLS // 2) :]
    shown = calls if len(calls) <= MOST_CALLS else [*first, *last]
    for call in shown:
        if len(shown) < len(calls) and call is last[0]:
            yield f"[… {len(calls) - len(shown):,} calls left out …]"
        yield _head(call)
        yield Said(_asked(call, known, question), MOST_PROMPT)
        yield "and got:"
        yield Said(call.text or "(nothing)", MOST_REPLY)
        yield from _printed([p for p in programs if p.after == call.index], call)
    if not calls:
        yield from _printed(programs, None)


def _printed(programs: Sequence[TraceProgram], call: TraceCall | None) -> Iterator[Piece]:
    """What programs printed; their code too, where it is not what the call before them wrote."""
    for program in programs[:MOST_PROGRAMS]:
        came = "printed" if program.ok else "failed with"
        if call is not None and program.code.strip() in call.text:
            yield f"That program, run, {came}:"
        else:
            yield "A program was run:"
            yield Said(program.code, MOST_REPLY)
            yield f"It {came}:"
        yield Said(program.output or "(nothing)", MOST_PRINTED)


def _head(call: TraceCall) -> str:
    role = f", {named(call.role)}," if call.role.strip() else ""
    fields = one_line(", ".join(call.fields), 60)
    read = sorted({*call.inputs, *call.pasted})
    numbers = ", ".join(map(str, read))
    inputs = f", with the answers of call{'s' if len(read) > 1 else ''} {numbers}" if read else ""
    end = f"{call.tokens} tokens{', gives the answer' if call.final else ''}"
    return f"Call {call.index}: {named(call.author)}{role} asked for {named(fields)}{inputs} ({end}):"


def _asked(call: TraceCall, known: dict[int, TraceCall], question: str) -> str:
    text = call.prompt
    if question.strip() and len(question) >= LEAST:
        text = text.replace(question, "[the question]")
    for index in sorted({*call.inputs, *call.pasted}):
        earlier = known.get(index)
        if earlier is None:
            continue
        values = [earlier.text, *parse_fields(earlier.text, earlier.fields).values()]
        for value in sorted({v.strip() for v in values}, key=len, reverse=True):
            if len(value) >= LEAST:
                text = text.replace(value, f"[answer of call {index}]")
    return text
