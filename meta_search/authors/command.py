"""The author `command`: a program of the user's, or a person, writes the agent in a folder with the brief.

Meta-Harness (arXiv 2603.28052, section 3) has a coding agent read sources, scores and traces of all
candidates from files; so does this one, with whatever program is named. What it writes is text here: it is
checked as any draft is, and runs in the sandbox alone.
"""

from __future__ import annotations

from meta_search.authors.author import Context, Written
from meta_search.authors.command_files import brief_files, problem
from meta_search.authors.drafts import Draft, attempt, demonstrations_for, finish
from meta_search.authors.registry import by_operator
from meta_search.text import one_line
from meta_search.types import LONGEST_NAME, Attempt, Candidate, HandedIn

__all__ = ["CommandAuthor", "name_and_thought"]

MOST_THOUGHT = 600  # characters
UNNAMED = "Unnamed"


class CommandAuthor:
    """Author `command`; one for each brief."""

    def write(self, context: Context) -> Written:
        """Hand the brief over, check what comes back, and say what is wrong with it while rounds are left."""
        written = by_operator("command", context)
        if written is not None:
            return written
        failed: list[Attempt] = []
        files = brief_files(context)
        for round_ in range(context.config.debug_rounds + 1):
            handed = context.bench.hand_over(files)
            made = candidate_from(context, handed)
            if isinstance(made, Candidate):
                return Written(made, tuple(failed))
            failed.append(made)
            if handed.final:
                break
            files = {"problem.md": problem(made, context.config.debug_rounds - round_)}
        return Written(None, tuple(failed))


def candidate_from(context: Context, handed: HandedIn) -> Candidate | Attempt:
    """Check what was handed in."""
    if handed.fault:
        # A source that comes with a fault is whole, and carries an item.
        return attempt(context, "leak" if handed.source else "draft", handed.fault, handed.source)
    name, thought = name_and_thought(handed.thought)
    carried = demonstrations_for(handed.source, context.findings.demonstrations)
    made = finish(context, Draft(name, handed.source, thought, demonstrations=carried))
    if isinstance(made, Candidate):
        twins = (agent for agent, _ in context.findings.known if agent.id == made.agent.id)
        if (twin := next(twins, None)) is not None:
            told = f"is the agent «{one_line(twin.name, LONGEST_NAME)}» ({twin.id}), which was tried already"
            return attempt(context, "duplicate", told, handed.source)
    return made


def name_and_thought(text: str) -> tuple[str, str]:
    """Name and thought of a `thought.md`: its first line, and what follows."""
    first, *rest = [line for line in text.splitlines() if line.strip()] or [""]
    name = one_line(first.strip().lstrip("#").strip().removeprefix("Name:"), LONGEST_NAME)
    thought = one_line(" ".join(rest).strip().removeprefix("Thought:"), MOST_THOUGHT)
    return name or UNNAMED, thought
