"""Why a search ended, in words: for the screen, the archive's `end` and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from meta_search.config import Config

__all__ = ["end_of"]


def end_of(why: str, config: Config, barren: Sequence[str] = (), told: str = "") -> dict[str, str]:
    """The value of the archive's `end`.

    Args:
        why: As `SearchStopped.why`, or `error`; `finish, empty` for a finish without a report.
        config: The configuration.
        barren: What each of the last briefs came to that brought no candidate: the stage of its last draft.
        told: What budget, scorer or error said of it.

    Returns:
        `why`, and `text`, a line for people.
    """
    budget = config.budget
    texts = {
        "candidates": _candidates(config.most_candidates),
        "budget": told or "the search's share of the budget is used up",
        "time": f"the search's {1 - budget.final_share:.0%} of budget.wall_s={budget.wall_s or 0:g} are over",
        "finish": "stopped early (Ctrl-C, or SIGTERM with run.report_on_stop)",
        "finish, empty": "stopped early, before an agent was found: there is nothing to report on yet",
        "asked": "on_event asked for it",
        "signal": "stopped by a signal",
        "nothing new": _nothing_new(barren),
        "scorer": f"{told}; resume once it works again. If its file has to change, `resume` prints the "
        "command of a new run, which uses the answers that are paid",
    }
    return {"why": why.partition(",")[0], "text": texts.get(why, told or why)}


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
    return (
        f"the last {len(barren)} briefs came to no new candidate ({stages}; search.give_up_after): "
        "try a higher author.temperature, another author or llm.meta.model, or more items (evaluate.items)"
    )
