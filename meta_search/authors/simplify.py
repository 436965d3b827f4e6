"""Operator `simplify` for any agent: the smallest one that scores the same, found by leaving components out.

The least important components (`importance`) are left out one after the other, as long as no item of train is
lost on balance and the agent gets cheaper. What is left out stays silent in the source, or goes from it where
the shorter source proves as good; either is run on the same items before it becomes a candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meta_search.authors.author import Context, Written
from meta_search.authors.drafts import Draft, plan_of, refused, written
from meta_search.authors.leave_out import LeftOut, Probe, leave_out, whole
from meta_search.authors.names import with_parts
from meta_search.authors.rewrite import clean, silenced, titled
from meta_search.importance import by_judge, components, mean_score
from meta_search.outcomes import UNSCORED
from meta_search.types import Agent, Importance, ItemResult

__all__ = ["Smaller", "simplify", "simplify_program", "smallest"]


@dataclass(frozen=True, slots=True)
class Smaller:
    """An agent made smaller.

    Attributes:
        agent: The smaller agent.
        left_out: Components that it does without.
        before: Results of the agent that it was made from.
        after: Its own results on the same items.
        replayed: Calls that finding it took and that the ledger answered.
        asked: Calls that finding it took and that were sent to a model.
    """

    agent: Agent
    left_out: tuple[str, ...]
    before: list[ItemResult]
    after: list[ItemResult]
    replayed: int
    asked: int


def simplify(context: Context) -> Written:
    """Write the smallest agent that scores as the first parent does on a few train items."""
    agent, most = context.parents[0].agent, context.config.probe_calls
    before = whole(agent, context.bench.probe, range(context.config.probe_items))
    judged = _judged(context, before) if context.config.judge else []
    unimportant = [row.component for row in sorted(judged, key=lambda r: r.value)]
    # A judge spares the runs without what matters most.
    found = leave_out(agent, context.bench.probe, before, most, unimportant[: (len(unimportant) + 1) // 2])
    context.bench.record_importance([*judged, *found.rows])
    made = smallest(agent, context.bench.probe, found, most)
    if made is None:
        seen = ", ".join(f"{r.component} {r.value:+.2f}" for r in found.rows) or "none could be left out"
        return refused(context, f"no component can go: {seen}"[:400])
    source = titled(made.agent.source, made.agent.name, explain(made))
    draft = Draft(made.agent.name, source, explain(made), agent.values, agent.demonstrations)
    return written(context, draft)


def simplify_program(context: Context) -> Written | None:
    """The same for the author `llm`: `None` for a plan, and where nothing can go, which the model may see."""
    if not context.parents or plan_of(context.parents[0]) is not None:
        return None
    found = simplify(context)
    return None if found.candidate is None else found


def _judged(context: Context, before: Sequence[tuple[int, ItemResult]]) -> list[Importance]:
    questions = [context.domain.questions[place] for place, _ in before]
    results, most = [result for _, result in before], context.config.probe_calls
    return by_judge(context.parents[0].agent.id, results, questions, context.bench.ask, most)


def smallest(agent: Agent, probe: Probe, found: LeftOut, most_calls: int) -> Smaller | None:
    """The smallest agent that scores at least as `agent` on the items of `found`; `None` for no smaller one.

    Args:
        agent: The agent to make smaller.
        probe: Runs agents.
        found: What leaving out each component showed; what is tried here is counted in it.
        most_calls: Calls sent beyond which nothing further is tried, those of `found` included.
    """
    now = found.before
    gone: list[str] = []
    for row in sorted(found.rows, key=lambda r: (r.value, -r.tokens)):
        if row.value > 0 or (gone and found.asked >= most_calls):
            break
        names = (*gone, row.component)
        without = found.results(agent, probe, names) if gone else found.without[row.component]
        if without and mean_score(without) >= mean_score(found.before) and _cost(without) < _cost(now):
            now, gone = without, [*names]
    return _written(agent, probe, found, gone, now) if gone else None


def _written(
    agent: Agent, probe: Probe, found: LeftOut, gone: Sequence[str], silent: Sequence[ItemResult]
) -> Smaller | None:
    """The agent as source, the shortest that proves as good: run on the same items."""
    present = [c.name for c in components(found.before)]
    shorter, left = clean(agent.source, gone, present)
    drafts = [silenced(shorter, left) if left else shorter] if len(left) < len(gone) else []
    name = with_parts(agent.name, {"without": f"without {_listed(gone, ' + ')}"})
    for source in [*drafts, silenced(agent.source, gone)]:
        child = Agent.of(name, source, agent.values, agent.demonstrations)
        after = probe(child, found.places, ())
        found.count(after)
        done = len(after) == len(found.before) and not any(r.kind in UNSCORED for r in after)
        if done and mean_score(after) >= mean_score(found.before) and _cost(after) <= 1.02 * _cost(silent):
            return Smaller(child, tuple(gone), found.before, after, found.replayed, found.asked)
    return None


def explain(made: Smaller) -> str:
    """What was saved, in a sentence or two."""
    n = len(made.before)
    sides = made.before, made.after
    calls = [sum(r.used.calls for r in rows) / n for rows in sides]
    tokens = [sum(r.used.tokens for r in rows) / n for rows in sides]
    scores = [mean_score(rows) for rows in sides]
    return (
        f"Without {_listed(made.left_out)}: on {n} train items a mean score of {scores[0]:.2f} before and "
        f"{scores[1]:.2f} after, calls an item {calls[0]:.1f} to {calls[1]:.1f}, tokens {tokens[0]:.0f} to "
        f"{tokens[1]:.0f}. Found with {made.replayed} calls replayed and {made.asked} asked."
    )


def _cost(results: Sequence[ItemResult]) -> int:
    return sum(r.used.tokens + r.used.calls for r in results)


def _listed(names: Sequence[str], sign: str = ", ") -> str:
    return sign.join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
