"""What Meta Agent Search tells the meta agent (ADAS, arXiv 2408.08435, appendix B).

The order of things is the published one, but that the list of mistakes stands before the archive: what is
the same in every brief comes first and what grows last, so that endpoints which keep prefixes of prompts need
not read it again. The words are our own. Beyond the published form an agent of the archive has its costs and
tasks that it got wrong.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from meta_search.authors.author import Context, Parent
from meta_search.authors.failing import failing, room_in
from meta_search.authors.sight.notes import notes
from meta_search.authors.sight.parents import calls_of
from meta_search.authors.sight.quoting import MARK, MATERIAL, fenced, named
from meta_search.authors.sight.runtime import runtime_text
from meta_search.authors.templating import render
from meta_search.outcomes import explain
from meta_search.text import one_line, passage

__all__ = ["design", "entry", "interval", "look", "mend", "reply", "system", "why_failed"]

RESAMPLES = 1000
ITEMS, FEEDBACK = 2, 400  # wrong items of an agent of the archive; characters of what the scorer says of them
MOST_THOUGHT, MOST_BRIEF = 1_000, 12_000  # characters

FORM = "Reply with a line `Name: …`, a line `Thought: …`, and the whole source in one ```python block."
EXAMPLE = """Name: Answer and check
Thought: A second model that did not write the answer finds its slips more easily than its author does.
```python
def forward(self, taskInfo):
    solver = LLMAgentBase(["thinking", "answer"], "Solver")
    checker = LLMAgentBase(["thinking", "answer"], "Checker", role="strict examiner", temperature=0.2)
    thinking, answer = solver([taskInfo], "Think step by step, then give the answer.")
    thinking, checked = checker([taskInfo, thinking, answer], "Check this answer, and give the right one.")
    return checked
```"""
NONE = "None are shown here."


def system(folder: str | None = None) -> str:
    """System message of the meta agent.

    Args:
        folder: The user's own templates (`author.prompts`).
    """
    return render(folder, "adas_system")


def design(context: Context, shown: Sequence[Parent]) -> str:
    """Ask for the next agent.

    Args:
        context: Of the brief.
        shown: The archive, or what is shown of it, oldest first.
    """
    small = context.context_tokens or len(shown) < len(context.findings.archive)
    return render(
        context.config.prompts,
        "adas",
        brief=passage(context.domain.brief, MOST_BRIEF),
        notes=notes(context).whole,
        # A window that does not hold everything is for the archive.
        runtime=runtime_text(context, "runtime_short" if small else "runtime"),
        example=EXAMPLE,
        quotations=MATERIAL,
        archive="\n\n".join(entry(agent) for agent in shown) or NONE,
        form=FORM,
    )


def entry(agent: Parent) -> str:
    """An agent of the archive: name, fitness with its 95 % bootstrap interval, costs, thought, source, and
    tasks that it got wrong. It never changes, however many agents come after it."""
    low, high = interval(agent.scores)
    origin = "given" if agent.generation == 0 else f"generation {agent.generation}"
    calls = f"{calls_of(agent)}, " if agent.calls else ""
    lines = [
        f"## {one_line(agent.agent.name, 60)} ({origin})",
        f"Fitness: {agent.score:.1%}, 95% bootstrap interval {low:.1%} to {high:.1%}",
        f"Cost: {calls}{agent.tokens:.0f} tokens a task",
    ]
    thought = one_line(agent.thought, MOST_THOUGHT)
    if thought and thought not in " ".join(agent.agent.source.split()):  # most sources begin with it
        lines.append(f"{MARK}Thought: {thought}")
    [wrong] = failing([agent], FEEDBACK, ITEMS)
    return "\n".join([*lines, fenced(agent.agent.source), *wrong])


def look(
    number: int, previous: Parent | None, shown: Sequence[Parent] = (), folder: str | None = None
) -> str:
    """Ask to reflect on a draft: first on the idea, beside the agent found before, then on the code.

    Args:
        number: 0 for the first look.
        previous: The agent found before; `None` where there is none.
        shown: The agents that stand in the conversation: one of them is named, not repeated.
        folder: As for `system`.
    """
    if number:
        return render(folder, "adas_code", form=FORM)
    there = previous is None or any(agent.agent.id == previous.agent.id for agent in shown)
    told = "" if previous is None else named(previous.agent.name)
    whole = "" if there or previous is None else entry(previous)
    return render(folder, "adas_idea", previous=told, entry=whole, form=FORM)


def reply(agent: Parent) -> str:
    """An agent as the meta agent's own reply, where a later brief goes on with the conversation."""
    return f"Name: {agent.agent.name}\nThought: {agent.thought}\n{fenced(agent.agent.source)}"


def why_failed(context: Context, agent: Parent) -> str:
    """What an evaluation came to that failed: the fault, or that nothing was right and why."""
    fault = next((f for f in agent.failures if f.outcome != "ok"), None)
    if fault is not None:
        return explain(fault.outcome, fault.detail, agent.agent.source)
    nothing = f"not one of {len(agent.scores)} tasks was right"
    told = replace(agent, failures=tuple(f for f in agent.failures if f.feedback))
    [lines] = failing([told], room_in(context))
    return "\n".join((f"{nothing}:", *lines, MATERIAL)) if lines else nothing


def mend(message: str, folder: str | None = None) -> str:
    """Ask to mend an agent that failed, with the reason."""
    return render(folder, "adas_mend", message=message, form=FORM)


@lru_cache(maxsize=4096)
def interval(scores: tuple[float, ...]) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a mean (Efron 1979); always the same for the same scores.

    Args:
        scores: 0..1 each, in a fixed order. Without any, the interval is (0, 1).
    """
    if not scores:
        return 0.0, 1.0
    rng, n = random.Random(0), len(scores)
    means = sorted(sum(rng.choices(scores, k=n)) / n for _ in range(RESAMPLES))
    cut = round(0.025 * RESAMPLES)
    return means[cut], means[-1 - cut]
