"""Why a search ended, in words: for the screen, the archive's `end` and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from meta_search.config import BudgetConfig, Config
from meta_search.errors import LLMError
from meta_search.outcomes import most_frequent
from meta_search.run.folder import resume_command
from meta_search.run.run import Run

__all__ = ["end_of", "nothing_known"]


def end_of(
    why: str, config: Config, barren: Sequence[str] = (), told: str = "", drafted: bool = True
) -> dict[str, str]:
    """The value of the archive's `end`.

    Args:
        why: As `SearchStopped.why`, or `error`; `finish, empty` for a finish without a report.
        config: The configuration.
        barren: What each of the last briefs came to that brought no candidate: the stage of its last draft.
        told: What budget, scorer or error said of it.
        drafted: Whether the budget said it to an author, and not to an agent at work.

    Returns:
        `why`, and `text`, a line for people.
    """
    budget = config.budget
    texts = {
        "candidates": _candidates(config.most_candidates),
        "budget": _budget(told, config, drafted),
        "time": f"the search's {1 - budget.final_share:.0%} of budget.wall_s={budget.wall_s or 0:g} are over",
        "report": f"what is left of {_limits(budget)} is kept for the final report",
        "finish": "stopped early (Ctrl-C, `steer stop`, or SIGTERM with run.report_on_stop)",
        "finish, empty": "stopped early, before an agent was found: there is nothing to report on yet",
        "asked": "on_event asked for it",
        "signal": "stopped by a signal",
        "nothing new": _nothing_new(barren),
        "patience": f"no gain is expected: none of the last {config.search.patience} agents was better than "
        "the best before it (search.patience)",
        "scorer": f"{told}; resume once it works again. If its file has to change, `resume` prints the "
        "command of a new run, which uses the answers that are paid",
    }
    return {"why": why.partition(",")[0], "text": texts.get(why, told or why)}


def nothing_known(run: Run) -> LLMError:
    """The seeds ran, and the endpoint failed them on every item: there is nothing to search from."""
    rows = [row for member in run.members for row in member.results.get("train", {}).values()]
    fault = most_frequent(rows)
    why = f": {fault.kind}: {fault.detail}" if fault else ""
    return LLMError(
        f"every seed failed on every item{why}; everything is saved: `{resume_command(run.session.folder)}`"
    )


def _limits(budget: BudgetConfig) -> str:
    """The limits that are set and can be used up, as they are typed."""
    found = {"calls": budget.calls, "tokens": budget.tokens, "usd": budget.usd}
    return " and ".join(f"budget.{name}={most:g}" for name, most in found.items() if most is not None)


def _budget(told: str, config: Config, drafted: bool) -> str:
    if "has no room" in told:
        group, most = ("author", config.author.max_tokens) if drafted else ("llm", config.llm.max_tokens)
        told += f"; {group}.max_tokens={most} says how much an answer may take: try less"
    return told or "the search's share of the budget is used up"


def _candidates(most: float) -> str:
    if not most:
        return "only the seeds were to be evaluated (search.candidates=0)"
    return (
        f"all {most:g} candidates are written (search.candidates)"
        if most > 1
        else ("the one candidate is written (search.candidates)")
    )


def _nothing_new(barren: Sequence[str]) -> str:
    stages = ", ".join(f"{n} {stage.replace('_', ' ')}" for stage, n in Counter(barren).most_common(3))
    last = f"the last {len(barren)} briefs" if len(barren) > 1 else "the last brief"
    return (
        f"{last} came to no new candidate ({stages}; search.give_up_after): "
        "try a higher author.temperature, another author or llm.meta.model, or more items (evaluate.items)"
    )
