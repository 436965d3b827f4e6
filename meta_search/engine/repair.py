"""Candidates whose evaluation fails, and the brief that has one repaired (operator `debug`).

Such a brief is no trial of the guide's study of briefs: nobody chose it, so that there is nothing to learn
from it, and it may come in the middle of the design of experiments that a search opens with, whose trials are
numbered in advance. It is the next link of the chain that its first brief began, takes its number from there,
and the first brief is told to the guide when the chain ends: by what all of it came to, and cost. So the
studies are asked and told as without any debugging, and a run that is resumed or replayed needs no count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meta_search.authors.registry import AUTHORS
from meta_search.engine.open_brief import OpenBrief
from meta_search.run.members import Member, Members
from meta_search.run.run import Run
from meta_search.types import Brief, ItemResult

__all__ = ["failing", "faulty", "repair_brief", "repair_for"]

SHARE, FEWEST = 0.2, 2  # of an evaluation's items, that must end in faults where `search.failing=some`
LEAST = 0.01  # a mean score below it fails an attempt where one item's fault does (as in ADAS)


def failing(rows: Sequence[ItemResult], how: str) -> str:
    """Why an evaluation failed, in a few words; `""` where it did not.

    Args:
        rows: Scored results; those that say nothing of the agent are left out.
        how: `search.failing`; only `any` is another thing here.
    """
    faults = [r for r in rows if r.kind != "ok"]
    n = len(rows)
    if n and len(faults) == n:
        return f"faults on all of its {n} items"
    if how == "any" and any(r.kind != "bad_answer" for r in faults):  # in ADAS no answer is a wrong one
        return f"faults on {len(faults)} of its {n} items"
    if how == "any" and n and sum(r.score or 0.0 for r in rows) / n < LEAST:
        return f"nothing right in {n} items"
    return ""


def faulty(member: Member, members: Members) -> bool:
    """Whether an agent faults on so many of its items that mending it is worth an attempt.

    It is not where another one does the same, or where it could not beat the best agent on these items even
    with all that end in faults right.

    Args:
        member: Is through with train, or was stopped.
        members: Of the run.
    """
    rows = member.rows("train")
    faults = {(r.item, r.repeat) for r in rows if r.kind != "ok"}
    if len(faults) < max(FEWEST, SHARE * len(rows)) or member.same_as:
        return False
    best = members.best()
    if best is None or best is member:
        return True
    theirs = {(r.item, r.repeat): r.score or 0.0 for r in best.rows("train")}
    shared = [r for r in rows if (r.item, r.repeat) in theirs]
    hoped = sum(1.0 if r.kind != "ok" else r.score or 0.0 for r in shared)
    return not shared or hoped > sum(theirs[r.item, r.repeat] for r in shared)


def repair_for(open_brief: OpenBrief, member: Member, run: Run) -> OpenBrief | None:
    """The brief of operator `debug` that has a candidate mended, where it failed and an attempt is left.

    Args:
        open_brief: What it was written for.
        member: The best candidate that came of that.
        run: The run at work.
    """
    search, author = run.config.search, AUTHORS[run.config.author.name].repaired_by
    if not author or member.gone or open_brief.used >= search.attempts:
        return None
    some = search.failing == "some"
    if not failing(member.rows("train"), search.failing) and not (some and faulty(member, run.members)):
        return None
    return replace(open_brief, brief=repair_brief(open_brief.brief, member.agent.id, author))


def repair_brief(brief: Brief, agent: str, author: str) -> Brief:
    """The brief that has an agent repaired.

    Args:
        brief: What the agent was written for.
        agent: Its id.
        author: Who repairs it.
    """
    return replace(
        brief,
        kind="repair",
        repair=brief.repair + 1,
        operator="debug",
        author=author,
        parents=(agent,),
        inspirations=(),
    )
