"""What Meta Agent Search tells the meta agent (ADAS, arXiv 2408.08435, appendix B).

Pure functions from values to text; the order of things is the published one, the words are our own.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from meta_search.authors.author import Context, Parent
from meta_search.authors.failing import MATERIAL, failing, room_in
from meta_search.authors.prompts import RUNTIME
from meta_search.outcomes import explain

__all__ = ["design", "entry", "interval", "look", "mend", "reply", "system", "why_failed"]

RESAMPLES = 1000

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
MISTAKES = """Mistakes that make agents fail:
- Solving the task in Python within `forward`: the code never sees which task it will get; models solve it.
- Taking what a call returns for one Info: it is a list with one Info per output field. Take it apart, as in
  `thinking, answer = solver([taskInfo], "…")`, or with [0].
- Pasting an Info into a text: pass it in the list of inputs, or use its `.content`.
- Calling methods of `self` or `LLMAgentBase` that are not named above.
- Asking several models the same at temperature 0: they all say the same.
- Returning a list, a number or None in place of an Info or a str.
- Asking a model to run code, to search the web or to look at the right answer: it cannot."""
NONE = "None are shown here."
TASK = """Invent the next agent. It should do better on these tasks than the agents above, and teach
something new. Read them and their fitness closely: what worked, what did not, which ideas are stepping stones
to others, which kinds of agent has nobody tried? Ideas may come from papers on language models and agents,
and from any other field. A bold idea that is worked out is better than a small change of what is there."""
FIRST_LOOK = """Look at your agent as a strict reviewer would:
1. Is it new? Compare it with the agents above. If it is one of them in other words, change it, or take up an
   idea that is further away from them.
2. Is it right? Go through the code line by line: does it do what the thought says, and does it run?
3. Could it be better? Improve what you can without giving up the idea: prompts, roles, who sees what."""
SECOND_LOOK = """Once more, only the code: hold it against the list of mistakes above, one by one, and mend
what you find. Keep the idea."""


def system() -> str:
    """System message of the meta agent."""
    return (
        "You invent agents: programs that solve tasks by calling language models. You know the research on "
        "prompting and on agents well. You reply in the form that you are asked for."
    )


def design(context: Context, shown: Sequence[Parent]) -> str:
    """Ask for the next agent.

    Args:
        context: Of the brief.
        shown: The archive, or what is shown of it, oldest first.
    """
    archive = "\n\n".join(entry(agent) for agent in shown) or NONE
    return (
        f"Find agents that solve these tasks: {context.domain.brief}\n"
        f"The fitness of an agent is the share of tasks that it gets right.\n\n{RUNTIME}\n\n"
        f"The form of an agent, by a small example:\n{EXAMPLE}\n\n"
        f"The agents so far:\n\n{archive}\n\n{MISTAKES}\n\n{TASK}\n{FORM}"
    )


def entry(agent: Parent) -> str:
    """An agent of the archive: name, fitness with its 95 % bootstrap interval, thought and source."""
    low, high = interval(agent.scores)
    origin = "given" if agent.generation == 0 else f"generation {agent.generation}"
    return (
        f"## {agent.agent.name} ({origin})\n"
        f"Fitness: {agent.score:.1%}, 95% bootstrap interval {low:.1%} to {high:.1%}\n"
        f"Thought: {agent.thought}\n```python\n{agent.agent.source.strip()}\n```"
    )


def look(number: int, previous: Parent | None) -> str:
    """Ask to reflect on a draft: first on the idea, beside the agent found before, then on the code."""
    if number:
        return f"{SECOND_LOOK}\n{FORM}"
    before = "" if previous is None else f"\nThe agent found before yours:\n{entry(previous)}\n"
    return f"{FIRST_LOOK}\n{before}{FORM}"


def reply(agent: Parent) -> str:
    """An agent as the meta agent's own reply, where a later brief goes on with the conversation."""
    return f"Name: {agent.agent.name}\nThought: {agent.thought}\n```python\n{agent.agent.source.strip()}\n```"


def why_failed(context: Context, agent: Parent) -> str:
    """What an evaluation came to that failed: the fault, or that nothing was right and why."""
    fault = next((f for f in agent.failures if f.outcome != "ok"), None)
    if fault is not None:
        return explain(fault.outcome, fault.detail, agent.agent.source)
    nothing = f"not one of {len(agent.scores)} tasks was right"
    told = replace(agent, failures=tuple(f for f in agent.failures if f.feedback))
    [lines] = failing([told], room_in(context))
    return "\n".join((f"{nothing}:", *lines, MATERIAL)) if lines else nothing


def mend(message: str) -> str:
    """Ask to mend an agent that failed, with the reason."""
    return (
        f"Evaluating this agent failed: {message}\nFind out where the code went wrong; earlier tries may "
        f"tell as well. Mend the code so that it does what the thought says, and repeat the thought.\n{FORM}"
    )


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
