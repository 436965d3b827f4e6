"""Operators: the ways in which a brief can ask for an agent, in one table.

To add one: a line in `OPERATORS`, and a file with the functions that the line names. Nothing else asks for an
operator by its name, but for two things that are about particular ones: the first briefs of a search
(`guide.opening.OPENING`) and repairs (`engine.repair`).

A leaf, so that authors, guide and report can read the table: it names functions by their paths, which are
imported when they are called for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any

__all__ = ["OPERATORS", "OperatorSpec", "function_of", "rule_of", "searchable"]


@dataclass(frozen=True, slots=True)
class OperatorSpec:
    """What engine, guide, authors and report must know of an operator.

    Attributes:
        functions: `module:function` that carries the operator out in place of an author's own way: one for
            all authors, or author -> its own. It takes a `Context` and returns `Written`, or `None` where it
            has nothing to work on.
        task: One sentence for the meta agent, where the author `llm` writes in its own way; empty takes the
            one of `novel`, or of `mutate` where it edits a parent.
        task_if_right: The same where the first parent got all its items right.
        parents: How many parents a brief names.
        parent_rules: How they may be chosen, of `guide.guide.PARENT_RULES`; empty takes any of them. See
            `rule_of`.
        author: Who carries it out, whomever the guide has chosen; empty leaves it to the guide.
        tunes: Whether a tuning study chooses values for the parameters that the first parent declares.
        wants_another: Whether it asks for another agent and not for a change of one: a draft whose source
            hardly differs from an agent of the run is asked for again.
        shrinks: Whether its agents are their parents made smaller: the report compares the two.
        shows: Whether its agents show worked examples: the run's pool of them is filled first.
        in_search: Whether `search.operators` may name it.
        authors: The only ones that can carry it out; empty takes any. Where none of them may be asked, the
            guide does not ask for it.
        followed_by: Operator that the next briefs ask for once an agent came of this one, empty for none:
            where its agents are worth something only after further choices.
        from_parents: Whether its agents are made from parents; those of others cannot be edits of one.
    """

    functions: str | Mapping[str, str] = field(default_factory=dict)
    task: str = ""
    task_if_right: str = ""
    parents: int = 1
    parent_rules: tuple[str, ...] = ()
    author: str = ""
    tunes: bool = False
    wants_another: bool = False
    shrinks: bool = False
    shows: bool = False
    in_search: bool = True
    authors: tuple[str, ...] = ()
    followed_by: str = ""
    from_parents: bool = True


_COMPOSER = "meta_search.authors.composer"

OPERATORS: dict[str, OperatorSpec] = {
    "novel": OperatorSpec(
        task="Design an agent that works in another way than those above.",
        wants_another=True,
        from_parents=False,
    ),
    "mutate": OperatorSpec(
        {"composer": f"{_COMPOSER}:mutate"},
        task="Change the first agent above in one respect, so that it gets its wrong items right.",
        task_if_right="Change the first agent above in one respect, so that it gets cheaper or surer.",
    ),
    "crossover": OperatorSpec(
        {"composer": f"{_COMPOSER}:crossover"},
        task="Combine the two agents above: each solves items that the other does not.",
        parents=2,
        parent_rules=("complementary", "expected"),
        wants_another=True,
    ),
    "bootstrap": OperatorSpec(
        {"composer": f"{_COMPOSER}:show_examples"},
        task="Improve the first agent above by showing its model worked examples.",
        shows=True,
    ),
    "reflect": OperatorSpec(
        {"llm": "meta_search.authors.reflect:reflect"},
        task="Tell a model of the first agent above something better, so that it gets its wrong items right.",
        task_if_right="Tell a model of the first agent above something better, so that it gets surer.",
        authors=("llm",),
    ),
    "instruct": OperatorSpec(
        {"llm": "meta_search.authors.instruct:instruct"},
        task="Tell the models of the first agent above something else, in other words.",
        authors=("llm",),
        followed_by="tune",
    ),
    "diagnose": OperatorSpec(
        {"llm": "meta_search.authors.diagnose:diagnose"},
        task="Find out why the first agent above gets its wrong items wrong, and change what causes it.",
        task_if_right="Find out where the first agent above would fail on fresh items, and change that.",
        authors=("llm",),
    ),
    "simplify": OperatorSpec(
        {
            "composer": f"{_COMPOSER}:simplify_agent",
            "llm": "meta_search.authors.simplify:simplify_program",
        },
        task="Make the first agent above cheaper without losing right answers.",
        shrinks=True,
    ),
    "team": OperatorSpec(
        {
            "composer": "meta_search.authors.team:team",
            "llm": "meta_search.authors.team:team_with_new_roles",
        },
        shrinks=True,
    ),
    "tune": OperatorSpec(
        f"{_COMPOSER}:tune",
        task="Choose better numbers for the first agent above.",
        author="composer",  # no model is asked: the tuning study chooses the values
        tunes=True,
    ),
    "debug": OperatorSpec(
        task="Mend the first agent above: it fails as shown. Change only what must be changed.",
        in_search=False,  # the engine asks for repairs, see `engine.repair`
    ),
}


def rule_of(operator: str, chosen: str) -> str:
    """The rule by which an operator's parents are chosen: what the guide has chosen, or the first of the
    operator's own."""
    own = OPERATORS[operator].parent_rules if operator in OPERATORS else ()
    return chosen if chosen in own or not own else own[0]


def searchable() -> tuple[str, ...]:
    """Names that `search.operators` may hold."""
    return tuple(name for name, spec in OPERATORS.items() if spec.in_search)


def function_of(operator: str, author: str) -> Callable[[Any], Any] | None:
    """The function by which an author carries an operator out; `None` where it has its own way."""
    spec = OPERATORS.get(operator)
    if spec is None:
        return None
    path = spec.functions if isinstance(spec.functions, str) else spec.functions.get(author)
    return resolve_name(path) if path else None
