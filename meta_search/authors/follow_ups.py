"""What the meta agent is told in a conversation after, and beside, what a brief opens with.

Pure functions from values to text, by the templates of the same names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from meta_search.authors.author import Context
from meta_search.authors.check import find_leak
from meta_search.authors.templating import render
from meta_search.text import one_line, passage
from meta_search.types import Attempt, Candidate, ItemResult

__all__ = ["IDEAS", "Seen", "farthest", "ideas", "leak_message", "look", "seen", "several", "write_idea"]

IDEAS = 5  # that are asked for
MOST_PROMPT = 1_600  # characters that are shown of a rendered prompt
MOST_IDEA = 300
MOST_WHY = 600
MOST_QUESTION = 80


@dataclass(frozen=True, slots=True)
class Seen:
    """What the dry run of a candidate has shown.

    Attributes:
        name: Of the agent.
        calls: On the first item.
        prompt: Lines of the first message that its model would be sent, with the role above them.
    """

    name: str
    calls: int
    prompt: tuple[str, ...]


def several(context: Context, form: str, count: int) -> str:
    """That a reply may hold several agents."""
    return render(context.config.prompts, "several", count=count, form=form)


def ideas(context: Context, picks: int) -> str:
    """Ask for ideas before anything is written.

    Args:
        context: Of the brief.
        picks: How many of them may be written.
    """
    return render(context.config.prompts, "ideas", count=IDEAS, picks=picks)


def write_idea(context: Context, chosen: Sequence[str]) -> str:
    """Ask for the agents behind some ideas; for any agent where there are none."""
    told = [one_line(idea, MOST_IDEA) for idea in chosen]
    return render(context.config.prompts, "write_idea", ideas=told)


def look(context: Context, form: str, passed: Sequence[Seen], failed: Sequence[Attempt]) -> str:
    """Ask for a second look at drafts that have been checked and run dry.

    Reflexion (Shinn et al. 2023, arXiv 2303.11366) with what the environment said, as there.

    Args:
        context: Of the brief.
        form: What a draft is, in a word or two.
        passed: What the dry runs of the drafts that passed have shown.
        failed: Drafts of the same reply that did not pass.
    """
    told = [(_name_of(attempt), one_line(attempt.message, MOST_WHY)) for attempt in failed]
    return render(context.config.prompts, "look", form=form, passed=passed, failed=told)


def seen(candidate: Candidate, dry: Sequence[ItemResult]) -> Seen:
    """What a dry run has shown of a candidate."""
    trace = dry[0].trace if dry else ()
    name = one_line(candidate.agent.name, 60)
    if not trace:
        return Seen(name, 0, ())
    first = trace[0]
    head = f"({one_line(first.author, 60)}, {one_line(first.role, 120)})"
    lines = passage(first.prompt, MOST_PROMPT).split("\n")
    return Seen(name, len(trace), (head, *(line.rstrip() for line in lines)))


def leak_message(context: Context, source: str) -> str:
    """What the meta agent is told of a draft that carries a scored item's question.

    A question is quoted only where it is one of those that it may be shown.
    """
    shown = find_leak(source, (), {question: question for question in context.domain.questions})
    quoted = f", `{one_line(shown, MOST_QUESTION)}`" if shown else ""
    return (
        f"the source carries the question of a scored item{quoted}. Scored items must not stand in an agent: "
        "describe the kind of task in your own words, or show examples with self.examples or self.nearest"
    )


def farthest(found: Sequence[str], tried: Sequence[str]) -> int:
    """The idea whose words are least like those of any that was tried; the first of several.

    Args:
        found: Ideas; at least one.
        tried: Thoughts of agents.
    """
    known = [words for thought in tried if (words := _words(thought))]

    def nearness(idea: str) -> float:
        ours = _words(idea)
        return max((len(ours & theirs) / len(ours | theirs) for theirs in known), default=0.0)

    return min(range(len(found)), key=lambda place: (nearness(found[place]), place))


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]{3,}", text.lower()))


def _name_of(attempt: Attempt) -> str:
    label = re.search(r"(?im)^\W*name\W*:\s*(\S.*)$", attempt.source)
    return one_line(label.group(1), 60) if label else "A draft"
