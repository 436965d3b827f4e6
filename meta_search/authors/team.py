"""Operator `team`: a team works on train items, and the most important of its roles become a smaller team.

DyLAN's team optimisation (Liu et al. 2023, arXiv 2310.02170, section 3.3): agents rate their predecessors,
ratings flow backwards as importance, importance is averaged over items, and the best k stay.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from meta_search.authors.author import Context, Written
from meta_search.authors.drafts import Draft, refused, written
from meta_search.authors.prompts import wrong_items
from meta_search.authors.rewrite import replaced, titled
from meta_search.authors.roles import POOLS, Roles, family_of, read_roles, request_for_roles
from meta_search.importance import by_ratings, mean_score
from meta_search.outcomes import UNSCORED
from meta_search.text import one_line
from meta_search.types import LONGEST_NAME, Agent, Importance, ItemResult, parse

__all__ = [
    "POOL_NAME",
    "pool_of",
    "pool_source",
    "roles_in",
    "team",
    "team_source",
    "team_with_new_roles",
    "with_roles",
]

POOL_NAME = "Pool team"
LEAST, MOST = 2, 4  # roles that stay
MOST_POOL = 12
ROUNDS = 2

SOURCE = '''"""{name}

{thought}
"""

ROLES = [
{roles}
]


def forward(self, taskInfo):
    rounds = self.tune.int("rounds", 1, 4, {rounds})
    return Team(ROLES, rounds=rounds)(taskInfo)
'''


def team_with_new_roles(context: Context) -> Written:
    """The same for the author `llm`: the meta model adds roles to the pool."""
    return team(context, generate=True)


def team(context: Context, generate: bool = False) -> Written:
    """Write the team of the most important roles of the first parent; of a pool where it is no larger team.

    Args:
        context: Of the brief.
        generate: Whether the meta model adds roles to a pool.
    """
    keep = int(context.trial.suggest_int("team_keep", LEAST, MOST))
    parent = context.parents[0] if context.parents else None
    known = roles_in(parent.agent.source) if parent else ()
    whole = parent is not None and len(known) > keep and not generate
    agent = _all_of(parent.agent) if parent and whole else _pool_agent(context, known, generate)
    results = [r for r in _runs(context, agent) if r.kind not in UNSCORED]
    rows = sorted(by_ratings(agent.id, results), key=lambda row: -row.value)
    if len(rows) < 2:
        why = "" if rows else ": " + next((r.detail for r in results if r.detail), "no item was scored")
        return refused(context, f"there is no team to choose from{why}")
    roles = roles_in(agent.source) or _roles_of(results)
    chosen = tuple(pair for row in rows[:keep] for pair in roles if pair[0] == row.component)
    if parent is not None and whole:
        context.bench.record_importance([replace(row, agent=parent.agent.id) for row in rows])
        agent = parent.agent
    return _written(context, agent, chosen, rows, results)


def _written(
    context: Context, agent: Agent, chosen: Roles, rows: Sequence[Importance], results: Sequence[ItemResult]
) -> Written:
    name = one_line(f"Team of {len(chosen)}: {', '.join(name for name, _ in chosen)}", LONGEST_NAME)
    thought = _explain(len(chosen), rows, results)
    source = with_roles(agent.source, chosen)
    source = titled(source, name, thought) if source else team_source(name, thought, chosen)
    return written(context, Draft(name, source, thought, agent.values, agent.demonstrations))


def _explain(kept: int, rows: Sequence[Importance], results: Sequence[ItemResult]) -> str:
    n = len(results)
    shown = ", ".join(f"{row.component} {row.value:.2f}" for row in rows)
    calls = sum(r.used.calls for r in results) / n
    return (
        f"The {kept} of {len(rows)} roles that mattered most over {n} train items ({shown}), where all of "
        f"them had a mean score of {mean_score(results):.2f} with {calls:.1f} calls an item."
    )


def _runs(context: Context, agent: Agent) -> list[ItemResult]:
    """As many train items as the budget of calls has room for if nobody ever agrees."""
    most = ROUNDS * max(1, len(roles_in(agent.source)))
    items = max(1, min(context.config.probe_items, context.config.probe_calls // most))
    return context.bench.probe(agent, range(items), ())


def _pool_agent(context: Context, known: Roles, generate: bool) -> Agent:
    """A team of the parent's roles and those of the domain's family, and of the meta agent if it is asked."""
    pool = pool_of(context.domain.name)
    new: Roles = ()
    if generate:
        brief = context.brief
        wrong = wrong_items(context, "What went wrong so far:")
        about = (brief.temperature, brief.seed, brief.code, wrong)
        asked = request_for_roles(context.domain.brief, known or pool, *about)
        if not context.context_tokens:  # a model that thinks before it answers needs the room
            asked = replace(asked, max_tokens=context.config.max_tokens)
        reply = context.bench.ask(asked)
        new = () if reply.fault else read_roles(reply.text, [name for name, _ in (*known, *pool)])
    taken = {name for name, _ in (*known, *new)}
    others = [pair for pair in pool if pair[0] not in taken]
    context.rng.shuffle(others)
    whole = (*known, *new, *others)[:MOST_POOL]
    return Agent.of(POOL_NAME, pool_source(whole))


def pool_of(domain: str, size: int = 0) -> Roles:
    """Roles for a domain by its name, at least eight; the first `size` of them where it is not 0."""
    pool = POOLS[family_of(domain)]
    return pool[:size] if size else pool


def pool_source(roles: Roles) -> str:
    """A team of all of these."""
    return team_source(POOL_NAME, f"All {len(roles)} roles together, to find out who matters.", roles)


def team_source(name: str, thought: str, roles: Roles) -> str:
    """Agent source of a team."""
    lines = "\n".join(f"    ({_quoted(name)}, {_quoted(role)})," for name, role in roles)
    plain = [text.replace("\\", " ").replace('"""', "'''") for text in (name, thought)]
    return SOURCE.format(name=plain[0], thought=plain[1], roles=lines, rounds=ROUNDS)


def roles_in(source: str) -> Roles:
    """Roles of the one `Team(…)` of an agent where they stand there as a literal; else none."""
    node = _literal_of(source)
    if node is None:
        return ()
    value = ast.literal_eval(node)
    rows = list(value.items()) if isinstance(value, dict) else list(value)
    pairs = [row if isinstance(row, list | tuple) else (row, row) for row in rows]
    if any(len(pair) != 2 for pair in pairs):
        return ()
    return tuple((" ".join(str(name).split())[:80], str(role)) for name, role in pairs)


def with_roles(source: str, roles: Roles) -> str | None:
    """An agent's source with other roles for its one `Team(…)`; `None` where they are no literal."""
    node = _literal_of(source)
    if node is None:
        return None
    lines = "".join(f"    ({_quoted(name)}, {_quoted(role)}),\n" for name, role in roles)
    return replaced(source, node, f"[\n{lines}]")


def _all_of(agent: Agent) -> Agent:
    """A team with all of its roles, where it takes the first so many of them."""
    given = _given(parse(agent.source))
    if not isinstance(given, ast.Subscript):
        return agent
    source = replaced(agent.source, given, ast.unparse(given.value))
    return Agent.of(agent.name, source, agent.values, agent.demonstrations)


def _literal_of(source: str) -> ast.expr | None:
    """The literal that holds the roles: the argument of `Team`, or what its name was set to, once."""
    tree = parse(source)
    node = _given(tree)
    if isinstance(node, ast.Subscript):  # the first so many of them
        node = node.value
    if isinstance(node, ast.Name):
        wanted = node.id
        values = [
            n.value
            for n in ast.walk(tree)
            if isinstance(n, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == wanted for t in n.targets)
        ]
        node = values[0] if len(values) == 1 else None
    try:
        return node if node is not None and len(ast.literal_eval(node)) else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _given(tree: ast.Module) -> ast.expr | None:
    """The roles that the one `Team(…)` of an agent is given."""
    calls = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "Team"
    ]
    given = [a for n in calls for a in (*n.args[:1], *(k.value for k in n.keywords if k.arg == "roles"))]
    return given[0] if len(calls) == 1 and given else None


def _roles_of(results: Sequence[ItemResult]) -> Roles:
    """Roles as traces show them, where the source builds them as it runs."""
    members = {role for r in results for network in r.networks for role in network.roles}
    found = {c.author: c.role for r in results for c in r.trace if c.author in members}
    return tuple(found.items())


def _quoted(text: str) -> str:
    """A text as Python source, in double quotes where that is readable."""
    return f'"{text}"' if text.isprintable() and not set(text) & {'"', "\\"} else repr(text)
