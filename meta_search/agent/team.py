"""`Team`: agents that answer in rounds, read and rate one another, and stop once enough of them agree.

DyLAN (Liu et al. 2023, arXiv 2310.02170: "A Dynamic LLM-Powered Agent Network for Task-Oriented Agent
Collaboration"), sections 3.1 to 3.3. A team's work on a task is a `TeamRun`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from .call_scheduler import CallScheduler
from .info import Info
from .team_equality import Equality
from .team_network import edge_weights, importance, most_calls, quorum
from .team_run import MAX_TEXT, SELECT_FROM, SELECT_ROUND, TeamRun

__all__ = ["Team", "edge_weights", "importance", "make_team", "most_calls", "networks_of", "quorum"]

MAX_AGENTS = 32
MAX_ROUNDS = 16
MAX_NETWORKS = 8  # that an item reports


class Team:
    """A team of agents on one network. `Team(roles, rounds)(taskInfo)` gives the team's answer.

    Round 1: every agent answers the task. Later, each active agent sees the replies of the round before, in
    an order shuffled for it and without names, answers anew, and rates each reply from 1 to 5. With N
    agents active in a round, the first floor(2N/3) + 1 of them (shuffled) are asked together; only if those
    don't all agree are the others asked. More than floor(2N/3) equal answers end the work: so a round takes
    one or two latencies, and a team that agrees at once makes floor(2N/3) + 1 calls. From round 3 on, where
    more than 3 are active, a listwise ranker chooses the `keep` best of the agents of the round before to
    stay; a ranking that can't be read falls back to a seeded sample. (The code published with the paper
    compares shuffled positions with the ranking, so does not honour it, and fails beyond three rounds; this
    is the paper's way.)

    The answer is the one that the quorum agrees on, else the most frequent of the last round; of equally
    frequent ones, that whose agents' replies in the round before were given the most weight, then that of
    the role that stands first. Empty answers count for nothing; if a last round has none but these, the one
    before decides.

    The most calls that a team of n makes in R rounds with k kept (`most_calls`): n R for n <= 3 or R <= 2,
    else 2n + 1 + k (R - 2) for k <= 3, and one more for each round after the third where more than 3 are
    kept.

    Args:
        roles: Who the agents are told to be, 1 to 32 of them: texts, pairs (name, role), or a mapping name ->
            role. The names stand in traces and in the network.
        rounds: Most rounds, 1 to 16.
        kind: Kind of answer, for comparing: `auto` (numbers, else exact), `exact`, `choice`, `number`, `math`
            (symbolic equality) or `text` (BLEU).
        think: Whether agents write their reasoning too, for the others to read.
        instruction: What to do with the task.
        temperature: Sampling temperature of the agents; the ranker's is 0.
        agree: Share of the active agents that more must agree than, 0..1.
        keep: How many a ranker keeps.
        threshold: BLEU from which two texts are the same answer, 0..1.
        demonstrations: Worked examples, (question, reply) pairs, shown in round 1 only: later replies have
            another form.
        model: Ignored, as by `LLMAgentBase`.
        max_tokens: Most tokens of a reply; `None` takes the run's limit.

    Attributes:
        scheduler: Sends the calls of the item.
        agent_base: The item's `LLMAgentBase`.

    Raises:
        ValueError: No roles or too many, rounds out of range, an unknown kind.
    """

    scheduler: CallScheduler
    agent_base: Any

    def __init__(
        self,
        roles: Mapping[str, str] | Iterable[Any],
        rounds: int = 3,
        *,
        kind: str = "auto",
        think: bool = True,
        instruction: str = "",
        temperature: float = 0.7,
        agree: float = 2 / 3,
        keep: int = 2,
        threshold: float = 0.9,
        demonstrations: Iterable[Any] = (),
        model: str | None = None,
        max_tokens: int | None = None,
    ) -> None:
        self.roles = _named(roles)
        self.rounds = int(rounds)
        if not 1 <= len(self.roles) <= MAX_AGENTS:
            raise ValueError(f"a team has 1 to {MAX_AGENTS} roles, not {len(self.roles)}")
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise ValueError(f"a team has 1 to {MAX_ROUNDS} rounds, not {rounds}")
        self.fields = ["thinking", "answer"] if think else ["answer"]
        self.instruction = str(instruction)
        self.agree = min(1.0, max(0.0, float(agree)))
        self.keep = max(1, int(keep))
        self.demonstrations = list(demonstrations)
        self.settings = {"temperature": temperature, "model": model, "max_tokens": max_tokens}
        self.equal = Equality(kind, self._ask, threshold)
        self.components = [self.scheduler.component(name, "") for name, _ in self.roles]
        self._networks: dict[str, dict[str, Any]] = {}

    @property
    def most_calls(self) -> int:
        """The most LLM calls that this team makes on one task."""
        return most_calls(len(self.roles), self.rounds, self.keep, SELECT_FROM, SELECT_ROUND)

    @property
    def network(self) -> dict[str, Any]:
        """The network of the last task in this branch: `roles`, `active`, `answers`, `weights`, `importance`,
        `final`, `calls`; empty before. Shapes: `team_network`; `active[r]` lists who was chosen for a round.
        """
        return self._networks.get(self.scheduler.branch.path, {})

    def __call__(self, task: Any) -> Info:
        """Work on a task.

        Args:
            task: What every agent is shown: an `Info`, a text, or a list of them.

        Returns:
            The team's answer.
        """
        inputs = list(task) if isinstance(task, list | tuple) else [task]
        path = self.scheduler.branch.path
        number = sum(branch == path for branch, _ in self.scheduler.networks)
        network = self.scheduler.networks[path, number] = self._networks[path] = {}
        run = TeamRun(self, inputs, random.Random(f"{self.scheduler.seed}/{path}/team {number}"))
        final = run.work()
        network.update(run.report(str(final.content)))
        return final

    def _ask(self, kind: str, a: str, b: str, threshold: float) -> bool | None:
        reply = self.scheduler.ask({"op": "equal", "kind": kind, "a": a, "b": b, "threshold": threshold})
        return reply.get("equal") is True if reply.get("ok") else None


def make_team(scheduler: CallScheduler, agent_base: Any) -> type[Team]:
    """`Team` bound to one item.

    Args:
        scheduler: Sends the calls of the item.
        agent_base: The item's `LLMAgentBase`.
    """
    return type("Team", (Team,), {"scheduler": scheduler, "agent_base": agent_base})


def networks_of(scheduler: CallScheduler) -> list[dict[str, Any]]:
    """Networks of the teams that worked on an item, in program order; at most `MAX_NETWORKS`."""
    rows = sorted(scheduler.networks.items(), key=lambda row: (_steps(row[0][0]), row[0][1]))
    return [network for _, network in rows if network][:MAX_NETWORKS]


def _steps(path: str) -> list[list[int]]:
    return [[int(n) for n in part.split(".")] for part in path.split("/") if part]


def _named(roles: Mapping[str, str] | Iterable[Any]) -> list[tuple[str, str]]:
    rows = list(roles.items()) if isinstance(roles, Mapping) else list(roles)
    pairs = [row if isinstance(row, list | tuple) else (row, row) for row in rows]
    return [(" ".join(str(name).split())[:MAX_TEXT], str(role)) for name, role in pairs]
