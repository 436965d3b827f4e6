"""Facts of an archive that cost the same however many results it holds: for what is looked at often.

Every statement reads summaries (agents without their source, evaluations, edges), a bounded piece at the end
of a long table, or single rows. None reads the table `results` as a whole.
"""

from __future__ import annotations

from archive.summaries.agents import (
    AgentRow,
    agent_rows,
    drawn_ids,
    edges,
    how_many_agents,
    names,
    newest,
    oldest,
    same_as,
    some_rows,
    source_lines,
)
from archive.summaries.climbing import leading_ids
from archive.summaries.drafts import attempts_by_stage, last_attempts, last_trials
from archive.summaries.evaluations import (
    Scored,
    best_ids,
    evaluated,
    evaluated_of,
    evaluations_of,
    how_many,
    likely_best,
    results_by_agent,
    results_of,
    splits,
    whole,
)
from archive.summaries.journal import event_kinds, find_events, gaps, last_brief, last_events, lessons
from archive.summaries.ledger import CallRow, last_calls, paid, paid_over_time
from archive.summaries.reading import age, first_seen, heartbeat, last_row

__all__ = [
    "AgentRow",
    "CallRow",
    "Scored",
    "age",
    "agent_rows",
    "attempts_by_stage",
    "best_ids",
    "drawn_ids",
    "edges",
    "evaluated",
    "evaluated_of",
    "evaluations_of",
    "event_kinds",
    "find_events",
    "first_seen",
    "gaps",
    "heartbeat",
    "how_many",
    "how_many_agents",
    "last_attempts",
    "last_brief",
    "last_calls",
    "last_events",
    "last_row",
    "last_trials",
    "leading_ids",
    "lessons",
    "likely_best",
    "names",
    "newest",
    "oldest",
    "paid",
    "paid_over_time",
    "results_by_agent",
    "results_of",
    "same_as",
    "some_rows",
    "source_lines",
    "splits",
    "whole",
]
