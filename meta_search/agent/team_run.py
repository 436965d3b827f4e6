"""A team's work on one task: its rounds, who is asked in each, and how the answer is chosen.

DyLAN (Liu et al. 2023, arXiv 2310.02170), sections 3.1 to 3.3; `Team` says what it does.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from .info import Info
from .team_equality import Equality
from .team_network import classes, edge_weights, importance, quorum
from .team_replies import parse_ranking, parse_ratings

__all__ = ["MAX_TEXT", "SELECT_FROM", "SELECT_ROUND", "TeamRun"]

MAX_TEXT = 200  # characters of a role or an answer in the report
SELECT_ROUND = 3  # from which on, counted from 1, a ranker chooses who stays
SELECT_FROM = 3  # where more than this many are active

REVIEW = (
    "Above are the replies of {n} agents, Agent 1 to Agent {n}. Weigh them, then answer the task yourself. "
    "In ratings, rate each of their replies from 1 (useless) to 5 (excellent), as a list of {n} "
    "{numbers} from Agent 1 on, such as {example}."
)
RANK = (
    "Above are {n} replies to the task, of Agent 1 to Agent {n}. Choose the {k} that solve it best, and give "
    "the numbers of their agents, best first, as a list such as {example}."
)


class TeamSettings(Protocol):
    """What a run needs to know of its `Team`.

    Attributes:
        roles: (name, role) of each agent.
        rounds: Most rounds.
        fields: Output fields of an agent, the answer last.
        instruction: What to do with the task.
        agree: Share of the active agents that more must agree than, 0..1.
        keep: How many agents a ranker keeps.
        demonstrations: Worked examples, shown in round 1.
        settings: Settings of every agent's calls: `temperature`, `model`, `max_tokens`.
        equal: Whether two answers are the same.
        components: Component of each agent.
        agent_base: The item's `LLMAgentBase`.
    """

    roles: list[tuple[str, str]]
    rounds: int
    fields: list[str]
    instruction: str
    agree: float
    keep: int
    demonstrations: list[Any]
    settings: dict[str, Any]
    equal: Equality
    components: list[str]
    agent_base: Any


class TeamRun:
    """A team's work on one task. Use once.

    Args:
        team: Its settings.
        task: What every agent is shown: the task, as one `Info` or several.
        rng: Draws orders and samples.

    Attributes:
        calls: LLM calls so far.
        active: Per round, the agents chosen for it.
        answers: `answers[r][i]`, agent i's answer in round r; `None`: not asked.
        weights: `weights[r][i][j]`, what agent i gave in round r to agent j of round r - 1.
        replies: Per round, agent -> its output fields.
        same: Per round, groups of agents with equal answers.
    """

    def __init__(self, team: TeamSettings, task: Sequence[Any], rng: random.Random) -> None:
        self.team, self.task, self.rng = team, task, rng
        self.n = len(team.roles)
        self.calls = 0
        self.active: list[list[int]] = []
        self.answers: list[list[str | None]] = []
        self.weights: list[list[list[float]]] = []
        self.replies: list[dict[int, list[Info]]] = []
        self.same: list[list[list[int]]] = []
        base = team.agent_base
        self.first = [
            base(team.fields, name, role=role, demonstrations=team.demonstrations, **team.settings)
            for name, role in team.roles
        ]
        self.later = [
            base([*team.fields, "ratings"], name, role=role, **team.settings) for name, role in team.roles
        ]
        for agents in (self.first, self.later):  # one component, whichever form its reply has
            for agent, component in zip(agents, team.components, strict=True):
                agent.component = component

    def work(self) -> Info:
        """Work through the rounds. Returns the answer, which refers to the call that it came from."""
        replies: dict[int, list[Info]] = {}
        for number in range(1, self.team.rounds + 1):
            active = list(range(self.n)) if number == 1 else self.active[-1]
            if number >= SELECT_ROUND and len(active) > SELECT_FROM:
                active = self._select(replies)
            replies = self._round(active, replies)
            self.replies.append(replies)
            if max(map(len, self.same[-1]), default=0) >= quorum(len(active), self.team.agree):
                break
        return self._final()

    def _round(self, active: list[int], before: Mapping[int, list[Info]]) -> dict[int, list[Info]]:
        """Ask the active agents, the last third only if the others do not agree."""
        order = self.rng.sample(active, len(active))
        seen = {i: self.rng.sample(sorted(before), len(before)) for i in order}
        first = quorum(len(order), self.team.agree)
        replies: dict[int, list[Info]] = {}

        def ask(agents: Iterable[int]) -> None:
            for i in agents:
                replies[i] = self._ask(i, [before[j] for j in seen[i]])

        def answer(i: int) -> str:
            return str(replies[i][len(self.team.fields) - 1].content)

        ask(order[:first])
        # The first answer that differs decides: the rest are asked before the others have answered.
        if not all(self.team.equal(answer(order[0]), answer(i)) for i in order[1:first]):
            ask(order[first:])
        asked = list(replies)
        same = classes([answer(i) for i in asked], self.team.equal)
        self.same.append([[asked[k] for k in members] for members in same])
        self.active.append(sorted(active))
        self.answers.append([answer(i) if i in replies else None for i in range(self.n)])
        self.weights.append(
            [self._row(replies[i], seen[i]) if i in replies else [] for i in range(self.n)] if before else []
        )
        return replies

    def _ask(self, i: int, seen: list[list[Info]]) -> list[Info]:
        """Ask agent i, which sees these replies of the round before, in this order."""
        self.calls += 1
        if not seen:
            return list(self.first[i](self.task, self.team.instruction, 0))
        n = len(seen)
        example = [(4, 2, 5, 3)[k % 4] for k in range(n)]
        review = REVIEW.format(n=n, numbers="number" if n == 1 else "numbers", example=example)
        instruction = " ".join(part for part in (self.team.instruction, review) if part)
        return list(self.later[i]([*self.task, *_shown(seen)], instruction, len(self.answers)))

    def _row(self, reply: list[Info], seen: list[int]) -> list[float]:
        """Weights that an agent gave to each agent: 0 to those whose replies it did not see."""
        ratings = parse_ratings(str(reply[-1].content), len(seen))
        row = [0.0] * self.n
        for j, weight in zip(seen, edge_weights(ratings, len(seen)), strict=True):
            row[j] = weight
        return row

    def _select(self, replies: Mapping[int, list[Info]]) -> list[int]:
        """The agents that stay: the ranker's choice, or a seeded sample if that cannot be read."""
        order = self.rng.sample(sorted(replies), len(replies))
        k = min(self.team.keep, len(order))
        sample = self.rng.sample(
            range(len(order)), k
        )  # drawn in any case, so that later draws depend on no reply
        settings = {**self.team.settings, "temperature": 0.0}
        ranker = self.team.agent_base(["ranking"], "Ranker", role="a fair and careful judge", **settings)
        shown = _shown([replies[i][: len(self.team.fields)] for i in order])
        self.calls += 1
        instruction = RANK.format(n=len(order), k=k, example=list(range(k, 0, -1)))
        [ranking] = ranker([*self.task, *shown], instruction)
        places = parse_ranking(str(ranking.content), len(order), k)
        return sorted(order[place] for place in (sample if places is None else places))

    def _last(self) -> int:
        """The round that decides: the last one with an answer that is not empty, -1 for none."""
        return max((r for r, same in enumerate(self.same) if same), default=-1)

    def _final(self) -> Info:
        """The answer of the largest group of the last round; see `Team` for ties."""
        last = self._last()
        if last < 0:
            return Info("answer", "Team", "", len(self.answers) - 1)
        weights = self.weights[last]

        def rank(members: list[int]) -> tuple[int, float, int]:
            weight = sum(row[j] for row in weights if row for j in members)
            return -len(members), -round(weight, 9), min(members)

        chosen = self.replies[last][min(self.same[last], key=rank)[0]]
        return chosen[len(self.team.fields) - 1]._replace(author="Team", iteration_idx=len(self.answers) - 1)

    def report(self, final: str) -> dict[str, Any]:
        """The network for the final message, its texts cut to `MAX_TEXT` characters.

        Args:
            final: The team's answer.
        """
        last = self._last()
        # As they were compared in the round: comparing again could only cost.
        winners = next((m for m in self.same[last] if self.answers[last][m[0]] == final), []) if final else []
        texts = {self.answers[last][i] for i in winners}
        # Up to the round that decided: a later one with empty answers would give nobody any importance.
        upto = slice(0, last + 1)
        scores = importance(self.answers[upto], self.weights[upto], final or None, lambda a, _: a in texts)
        scores += [[0.0] * len(row) for row in self.answers[last + 1 :]]
        return {
            "roles": [name[:MAX_TEXT] for name, _ in self.team.roles],
            "active": self.active,
            "answers": [[None if a is None else a[:MAX_TEXT] for a in row] for row in self.answers],
            "weights": [[[round(w, 6) for w in row] for row in rows] for rows in self.weights],
            "importance": [[round(s, 6) for s in row] for row in scores],
            "final": final[:MAX_TEXT],
            "calls": self.calls,
        }


def _shown(replies: Sequence[Sequence[Info]]) -> list[Info]:
    """Replies without the names of their authors; they still refer to their calls, for the trace."""
    return [
        info._replace(author=f"Agent {k}", iteration_idx=-1)
        for k, reply in enumerate(replies, 1)
        for info in reply
        if info.name != "ratings"
    ]
