"""Which candidates of a brief are evaluated, under which names, and which are refused and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from meta_search.authors.author import Written
from meta_search.authors.check import leak_of
from meta_search.authors.names import distinct
from meta_search.run.run import Run
from meta_search.types import Agent, Attempt, Brief, Candidate

__all__ = ["Admission"]


class Admission:
    """Refuses duplicates and agents that carry scored items, and sees that names are unique.

    Args:
        run: The run at work.
    """

    def __init__(self, run: Run) -> None:
        self._members, domain = run.members, run.session.domain
        self._scored = {i.question: i.id for s in ("train", "validation", "test") for i in domain.items(s)}

    def leak(self, agent: Agent) -> str:
        """Id of a scored item that an agent carries, `""` for none; for any thread."""
        return leak_of(agent, self._scored) or ""

    def admit(self, brief: Brief, written: Written, most: float) -> tuple[list[Candidate], list[Attempt]]:
        """What may be evaluated of what an author wrote.

        Args:
            brief: What it was written for.
            written: Candidates and failed drafts.
            most: Candidates that may be admitted.

        Returns:
            The candidates, and all attempts that failed: refused candidates are among them, the last ones.
        """
        named = {m.agent.name: (m.agent, m.candidate.plan) for m in self._members}
        admitted: dict[str, Candidate] = {}
        attempts = list(written.attempts)
        for candidate in written.candidates:
            agent = candidate.agent
            stage, message = self._refusal(agent, admitted)
            if not stage and len(admitted) >= most:
                stage, message = "surplus", "no further candidate is evaluated (search.candidates)"
            if stage:
                attempts.append(
                    Attempt(brief.code, brief.author, brief.operator, stage, message, agent.source)
                )
                continue
            renamed = replace(agent, name=distinct(candidate, named))
            named[renamed.name] = (renamed, candidate.plan)
            admitted[agent.id] = replace(candidate, agent=renamed)
        return list(admitted.values()), attempts

    def _refusal(self, agent: Agent, admitted: Collection[str]) -> tuple[str, str]:
        """Stage and message; both `""` for what is welcome."""
        if agent.id in self._members or agent.id in admitted:
            return "duplicate", f"is {agent.id}"
        if leak := self.leak(agent):
            return "leak", f"carries the question of scored item {leak}"
        return "", ""
