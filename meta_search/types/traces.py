"""How an agent came to its answer on an item: its calls, its programs, and how its teams worked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from meta_search.types import checks

__all__ = ["MAX_CODE", "MAX_OUTPUT", "MOST_PROGRAMS", "TeamNetwork", "TraceCall", "TraceProgram"]

# Of a team's network.
MAX_AGENTS, MAX_ROUNDS = 32, 16
MAX_CALLS = 10_000
MAX_TEXT = 200  # characters of a role or an answer
MAX_CALL_TEXT = 16 * 2**20  # characters of a stored prompt
MOST_PROGRAMS = 32  # of an item that are kept
MAX_CODE, MAX_OUTPUT = 4_000, 2_000  # characters that are kept of one


@dataclass(frozen=True, slots=True)
class TraceCall:
    """One LLM call within an item, as the communication graph needs it.

    Attributes:
        index: Ordinal of the call within the item, in program order.
        author: `agent_name` of the caller.
        role: Role of the caller.
        fields: Names of the output fields.
        prompt: The last user message sent; its beginning, with a mark, where an item's calls are very long.
        text: What came back; likewise.
        inputs: Ordinals of earlier calls whose answers went in as `Info`.
        tokens: Prompt and completion tokens used.
        latency_s: Seconds.
        pasted: Ordinals of further earlier calls whose answers stand in the prompt as text.
        final: Whether its answer is the item's answer, or stands in it.
        component: Name of the part of the agent that called: its author, with its role where it has one, and
            `#2` for the second of that name.
    """

    index: int
    author: str
    role: str
    fields: tuple[str, ...]
    prompt: str
    text: str
    inputs: tuple[int, ...]
    tokens: int
    latency_s: float
    pasted: tuple[int, ...] = ()
    final: bool = False
    component: str = ""

    @classmethod
    def of(cls, stored: Any) -> TraceCall:
        """A call from its JSON, which may be anybody's; what this version does not know is left out.

        Raises:
            ValueError: It is none.
        """
        if not isinstance(stored, dict):
            checks.wrong("a call")

        def texts(*names: str) -> list[str]:
            return [checks.short(stored.get(name, ""), MAX_CALL_TEXT, f"a call's {name}") for name in names]

        def earlier(name: str) -> tuple[int, ...]:
            found = checks.rows(stored.get(name, []), 0, MAX_CALLS, f"a call's {name}")
            return tuple(checks.index(i, checks.MAX_WHOLE, f"a call's {name}") for i in found)

        author, role, prompt, text, component = texts("author", "role", "prompt", "text", "component")
        fields = checks.rows(stored.get("fields"), 0, MAX_CALLS, "a call's fields")
        return cls(
            index=checks.index(stored.get("index"), checks.MAX_WHOLE, "a call's index"),
            author=author,
            role=role,
            fields=tuple(checks.short(name, MAX_CALL_TEXT, "a call's fields") for name in fields),
            prompt=prompt,
            text=text,
            inputs=earlier("inputs"),
            tokens=checks.index(stored.get("tokens"), checks.MAX_WHOLE, "a call's tokens"),
            latency_s=checks.finite(stored.get("latency_s"), 0.0, 1e9, "a call's latency"),
            pasted=earlier("pasted"),
            final=stored.get("final") is True,
            component=component,
        )


@dataclass(frozen=True, slots=True)
class TraceProgram:
    """One program that an agent had run within an item.

    Attributes:
        after: Ordinal of the last call before it in program order, 0 where there is none.
        code: Its source, shortened in the middle where it is longer than `MAX_CODE` characters.
        output: What it printed, or the error; shortened likewise (`MAX_OUTPUT`).
        ok: Whether it ended without an error.
    """

    after: int
    code: str
    output: str
    ok: bool = True

    @classmethod
    def of(cls, stored: Any) -> TraceProgram:
        """A program from its JSON, which may be anybody's.

        Raises:
            ValueError: It is none.
        """
        if not isinstance(stored, dict):
            checks.wrong("a program")
        return cls(
            after=checks.index(stored.get("after"), checks.MAX_WHOLE, "a program's place"),
            code=checks.short(stored.get("code"), MAX_CODE, "a program's code"),
            output=checks.short(stored.get("output"), MAX_OUTPUT, "a program's output"),
            ok=stored.get("ok") is True,
        )


@dataclass(frozen=True, slots=True)
class TeamNetwork:
    """How a team worked on an item (DyLAN, arXiv 2310.02170), as the agent's process reports it.

    Attributes:
        roles: Names of the n agents.
        active: Per round, the agents that were chosen for it; of these, early stop may leave some unasked.
        answers: `answers[r][i]`, agent i's answer in round r, its first 200 characters; `None`: not asked.
        weights: `weights[r][i][j]`, 0..1: what agent i gave in round r to agent j of round r - 1. Empty for
            the first round and for agents that were not asked.
        importance: `importance[r][i]`, 0..1.
        final: The team's answer, its first 200 characters.
        calls: LLM calls, the ranker's included.
    """

    roles: tuple[str, ...]
    active: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[str | None, ...], ...]
    weights: tuple[tuple[tuple[float, ...], ...], ...]
    importance: tuple[tuple[float, ...], ...]
    final: str
    calls: int

    @property
    def scores(self) -> tuple[float, ...]:
        """Each agent's importance, summed over rounds."""
        return tuple(math.fsum(row) for row in zip(*self.importance, strict=True))

    @classmethod
    def of(cls, stored: Any) -> TeamNetwork:
        """A network from its JSON, which may be anybody's.

        Raises:
            ValueError: It is none: nobody is in it, its rows are not all as long as its roles, it names
                agents that there are not, or a number or text is out of bounds.
        """
        if not isinstance(stored, dict):
            checks.wrong("a team's network")
        said = {name: stored.get(name) for name in cls.__dataclass_fields__}
        roles = tuple(_member(role) for role in checks.rows(said["roles"], 1, MAX_AGENTS, "a team's roles"))
        n = len(roles)
        rounds = checks.rows(said["active"], 1, MAX_ROUNDS, "a team's rounds")
        active = tuple(_chosen(row, n) for row in rounds)

        def by_round(name: str) -> list[Any]:
            return checks.rows(said[name], len(active), len(active), f"a team's {name}")

        answers = (checks.rows(row, n, n, "a team's answers") for row in by_round("answers"))
        return cls(
            roles=roles,
            active=active,
            answers=tuple(tuple(None if a is None else _member(a) for a in row) for row in answers),
            weights=tuple(_weights(row, n, number) for number, row in enumerate(by_round("weights"))),
            importance=tuple(_shares(row, n) for row in by_round("importance")),
            final=_member(said["final"]),
            calls=checks.index(said["calls"], MAX_CALLS, "a team's calls"),
        )


def _member(text: Any) -> str:
    return checks.short(text, MAX_TEXT, "a team's texts")


def _chosen(row: Any, n: int) -> tuple[int, ...]:
    """The agents of a round, each once."""
    chosen = [checks.index(i, n, "a team's agents") for i in checks.rows(row, 1, n, "a team's agents")]
    if len(set(chosen)) < len(chosen):
        checks.wrong("a team's agents")
    return tuple(chosen)


def _weights(row: Any, n: int, number: int) -> tuple[tuple[float, ...], ...]:
    """A round's weights: those of each agent, or of none in the first round."""
    given = checks.rows(row, 0, n, "a team's weights")
    if len(given) not in ((0, n) if number else (0,)):
        checks.wrong("a team's weights")
    return tuple(() if shares == [] else _shares(shares, n) for shares in given)


def _shares(row: Any, n: int) -> tuple[float, ...]:
    """One number of 0..1 for each agent."""
    shares = checks.rows(row, n, n, "a team's shares")
    return tuple(checks.finite(share, 0.0, 1.0, "a team's shares") for share in shares)
