"""Items that went wrong in a line each, for short prompts: question, answer, and what the scorer says of it.

What a scorer says may be long, and an answer, which a model wrote, may have a part in it. So it has a bounded
room in each prompt, is cut in the middle where it is longer, and stands behind a mark on every line: whatever
it says, it cannot end the quotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meta_search.authors.author import Context, Failure, Parent
from meta_search.authors.sight.quoting import MARK, MATERIAL, marked
from meta_search.outcomes import explain
from meta_search.text import one_line, passage

__all__ = ["MATERIAL", "failing", "quoted", "room_in"]

MOST_FAILURES, MOST_QUESTION, MOST_ANSWER = 3, 240, 60
ROOM = 6_000  # characters of feedback in a prompt
CHARACTERS = 3.0  # per token, at the least
SHARE = 0.125  # of a small context
LEAST = 24  # characters that say anything


def room_in(context: Context) -> int:
    """Characters that feedback may take in a prompt of this brief; fewer in a small context."""
    if not context.context_tokens:
        return ROOM
    return min(ROOM, int(SHARE * CHARACTERS * context.context_tokens))


def failing(parents: Sequence[Parent], room: int, most: int = MOST_FAILURES) -> list[list[str]]:
    """What parents got wrong, for each of them lines, none where it got nothing wrong.

    Faults come with how to mend them. Behind an answer stands what the scorer says of it, where it says
    anything; `MATERIAL` belongs into every prompt that holds such lines.

    Args:
        parents: In the order of the prompt.
        room: Characters that the feedback of all of them together may take.
        most: Items of each parent.
    """
    shown = [list(parent.failures[:most]) for parent in parents]
    shares = iter(_shares([len(failure.feedback) for failures in shown for failure in failures], room))
    found = []
    for parent, failures in zip(parents, shown, strict=True):
        lines: list[str] = []
        for failure in failures:
            lines += _lines(failure, parent.agent.source, next(shares))
        found.append(lines)
    return found


def quoted(lines: Iterable[str]) -> bool:
    """Whether lines hold what a scorer says."""
    return any(line.startswith(MARK.strip()) for line in lines)


def _lines(failure: Failure, source: str, room: int) -> list[str]:
    question = " ".join(failure.question.split())
    if len(question) > MOST_QUESTION:  # what is asked stands at the end, as behind a passage
        question = f"{question[: MOST_QUESTION // 2]} […] {question[-MOST_QUESTION // 2 :]}"
    if failure.outcome != "ok":
        return [f"Failed: {question} → {explain(failure.outcome, failure.detail, source)}"]
    got = " ".join(failure.answer.split())[:MOST_ANSWER] or "nothing"
    expected = one_line(failure.expected, MOST_ANSWER)
    label = f"Scored {failure.score:.2f}" if failure.score > 0 else "Wrong"
    line = f"{label}: {question} → {got}" + (f" (expected {expected})" if expected else "")
    said = passage(failure.feedback, room) if room >= LEAST or room >= len(failure.feedback) else ""
    return [line, *(marked(said).split("\n") if said else ())]


def _shares(lengths: Sequence[int], room: int) -> list[int]:
    """How much of a room each text gets: the short ones all that they need, the long ones alike."""
    shares = [0] * len(lengths)
    order = sorted(range(len(lengths)), key=lambda place: lengths[place])
    for done, place in enumerate(order):
        shares[place] = min(lengths[place], room // (len(order) - done))
        room -= shares[place]
    return shares
