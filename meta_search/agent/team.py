"""`Team`: agents that answer in rounds, read and rate one another, and stop once enough of them agree.

DyLAN (Liu et al. 2023, arXiv 2310.02170: "A Dynamic LLM-Powered Agent Network for Task-Oriented Agent
Collaboration"), sections 3.1 to 3.3. `edge_weights` and `importance` are pure functions.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .desk import Desk
from .info import Info
from .team_equality import Equality
from .team_network import classes, edge_weights, importance, most_calls, quorum
from .team_replies import parse_ranking, parse_ratings

__all__ = ["Team", "edge_weights", "importance", "make_team", "most_calls", "networks_of", "quorum"]

MOST_AGENTS = 32
MOST_ROUNDS = 16
MOST_NETWORKS = 8  # that an item reports
MOST_TOLD = 200  # characters of a role or an answer in the report
SELECT_ROUND = 3  # from which on, counted from 1, a ranker chooses who stays
SELECT_FROM = 3  # where more than so many are active

REVIEW = (
    "Above are the replies of {n} agents, Agent 1 to Agent {n}. Weigh them, then answer the task yourself. "
    "In ratings, rate each of their replies from 1 (useless) to 5 (excellent), as a list of {n} "
    "{numbers} from Agent 1 on, such as {example}."
)
RANK = (
    "Above are {n} replies to the task, of Agent 1 to Agent {n}. Choose the {k} that solve it best, and give "
    "the numbers of their agents, best first, as a list such as {example}."
)


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
        model, max_tokens: As of `LLMAgentBase`.

    Raises:
        ValueError: No roles or too many, rounds out of range, an unknown kind.
    """

    desk: Desk
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
        if not 1 <= len(self.roles) <= MOST_AGENTS:
            raise ValueError(f"a team has 1 to {MOST_AGENTS} roles, not {len(self.roles)}")
        if not 1 <= self.rounds <= MOST_ROUNDS:
            raise ValueError(f"a team has 1 to {MOST_ROUNDS} rounds, not {rounds}")
        self.fields = ["thinking", "answer"] if think else ["answer"]
        self.instruction = str(instruction)
        self.agree = min(1.0, max(0.0, float(agree)))
        self.keep = max(1, int(keep))
        self.demonstrations = list(demonstrations)
        self.settings = {"temperature": temperature, "model": model, "max_tokens": max_tokens}
        self.equal = Equality(kind, self._ask, threshold)
        self.components = [self.desk.component(name, "") for name, _ in self.roles]
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
        return self._networks.get(self.desk.branch.path, {})

    def __call__(self, task: Any) -> Info:
        """Work on a task, an `Info` or several, and return the team's answer as an `Info`."""
        inputs = list(task) if isinstance(task, list | tuple) else [task]
        path = self.desk.branch.path
        number = sum(branch == path for branch, _ in self.desk.networks)
        network = self.desk.networks[path, number] = self._networks[path] = {}
        run = _Run(self, inputs, random.Random(f"{self.desk.seed}/{path}/team {number}"))
        final = run.work()
        network.update(run.report(str(final.content)))
        return final

    def _ask(self, kind: str, a: str, b: str, threshold: float) -> bool | None:
        reply = self.desk.ask({"op": "equal", "kind": kind, "a": a, "b": b, "threshold": threshold})
        return reply.get("equal") is True if reply.get("ok") else None


class _Run:
    """A team's work on one task."""

    def __init__(self, team: Team, task: Sequence[Any], rng: random.Random) -> None:
        self.team, self.task, self.rng = team, task, rng
        self.n = len(team.roles)
        self.calls = 0
        self.active: list[list[int]] = []
        self.answers: list[list[str | None]] = []
        self.weights: list[list[list[float]]] = []
        self.replies: list[dict[int, list[Info]]] = []
        self.same: list[list[list[int]]] = []  # per round: agents with equal answers
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
        """All rounds. Returns the answer, tied to the call that it came from."""
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
        """Ask the active agents, the last third only if the others don't agree."""
        order = self.rng.sample(active, len(active))
        seen = {i: self.rng.sample(sorted(before), len(before)) for i in order}
        first = quorum(len(order), self.team.agree)
        replies: dict[int, list[Info]] = {}

        def ask(agents: Iterable[int]) -> None:
            for i in agents:
                replies[i] = self._asked(i, [before[j] for j in seen[i]])

        def answer(i: int) -> str:
            return str(replies[i][len(self.team.fields) - 1].content)

        ask(order[:first])
        # The first that differs settles it: the rest is under way before the others have answered.
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

    def _asked(self, i: int, seen: list[list[Info]]) -> list[Info]:
        self.calls += 1
        if not seen:
            return list(self.first[i](self.task, self.team.instruction, 0))
        n = len(seen)
        example = [(4, 2, 5, 3)[k % 4] for k in range(n)]
        review = REVIEW.format(n=n, numbers="number" if n == 1 else "numbers", example=example)
        instruction = " ".join(part for part in (self.team.instruction, review) if part)
        return list(self.later[i]([*self.task, *_shown(seen)], instruction, len(self.answers)))

    def _row(self, reply: list[Info], seen: list[int]) -> list[float]:
        """Weights that an agent gave, by agent: 0 to those whose replies it did not see."""
        ratings = parse_ratings(str(reply[-1].content), len(seen))
        row = [0.0] * self.n
        for j, weight in zip(seen, edge_weights(ratings, len(seen)), strict=True):
            row[j] = weight
        return row

    def _select(self, replies: Mapping[int, list[Info]]) -> list[int]:
        """The agents that stay: the ranker's choice, or a seeded sample where it can't be read."""
        order = self.rng.sample(sorted(replies), len(replies))
        k = min(self.team.keep, len(order))
        sample = self.rng.sample(range(len(order)), k)  # drawn anyway: what follows depends on no reply
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
        last = self._last()
        if last < 0:
            return Info("answer", "Team", "", len(self.answers) - 1)
        weights = self.weights[last]

        def rank(members: list[int]) -> tuple[int, float, int]:
            heard = sum(row[j] for row in weights if row for j in members)
            return -len(members), -round(heard, 9), min(members)

        chosen = self.replies[last][min(self.same[last], key=rank)[0]]
        return chosen[len(self.team.fields) - 1]._replace(author="Team", iteration_idx=len(self.answers) - 1)

    def report(self, final: str) -> dict[str, Any]:
        """The network, bounded, for the final message."""
        last = self._last()
        # As they were compared in the round: asking again could only cost.
        winners = next((m for m in self.same[last] if self.answers[last][m[0]] == final), []) if final else []
        texts = {self.answers[last][i] for i in winners}
        # Up to the round that decided: one after it with empty answers would leave nobody anything.
        upto = slice(0, last + 1)
        scores = importance(self.answers[upto], self.weights[upto], final or None, lambda a, _: a in texts)
        scores += [[0.0] * len(row) for row in self.answers[last + 1 :]]
        return {
            "roles": [name[:MOST_TOLD] for name, _ in self.team.roles],
            "active": self.active,
            "answers": [[None if a is None else a[:MOST_TOLD] for a in row] for row in self.answers],
            "weights": [[[round(w, 6) for w in row] for row in rows] for rows in self.weights],
            "importance": [[round(s, 6) for s in row] for row in scores],
            "final": final[:MOST_TOLD],
            "calls": self.calls,
        }


def make_team(desk: Desk, agent_base: Any) -> type[Team]:
    """`Team` for one item, of agents of that item's `LLMAgentBase`."""
    return type("Team", (Team,), {"desk": desk, "agent_base": agent_base})


def networks_of(desk: Desk) -> list[dict[str, Any]]:
    """Networks of the teams that worked on an item, in program order; the first 8 of them."""
    rows = sorted(desk.networks.items(), key=lambda row: (_steps(row[0][0]), row[0][1]))
    return [network for _, network in rows if network][:MOST_NETWORKS]


def _steps(path: str) -> list[list[int]]:
    return [[int(n) for n in part.split(".")] for part in path.split("/") if part]


def _named(roles: Mapping[str, str] | Iterable[Any]) -> list[tuple[str, str]]:
    rows = list(roles.items()) if isinstance(roles, Mapping) else list(roles)
    pairs = [row if isinstance(row, list | tuple) else (row, row) for row in rows]
    return [(" ".join(str(name).split())[:MOST_TOLD], str(role)) for name, role in pairs]


def _shown(replies: Sequence[Sequence[Info]]) -> list[Info]:
    """Replies without the names of those who gave them; still tied to their calls, for the trace."""
    return [
        info._replace(author=f"Agent {k}", iteration_idx=-1)
        for k, reply in enumerate(replies, 1)
        for info in reply
        if info.name != "ratings"
    ]
