"""What of a brief the guide does not ask for, since nothing could come of it, and what it asks for instead.

Two kinds of rules. Those about the configuration hold for the whole run: an operator that none of its authors
can carry out, an edit where there is nothing to edit. Those about the run so far are functions of the briefs
that were told, so that a resumed guide follows them as the undisturbed one: an operator that came to nothing
again and again rests for a while, and an operator may call for another one after it.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

from meta_search.guide.opening import Choices
from meta_search.types import Scalar
from meta_search.types.operators import OPERATORS

__all__ = [
    "AFTER",
    "Past",
    "Writer",
    "affordable",
    "askable",
    "author_for",
    "form_for",
    "may_ask",
    "operator_for",
    "pasts",
]

Writer = tuple[str, str]
"""An author, and the meta model that it writes with: `""` where it chooses among none."""

AFTER = 3  # briefs that follow one whose operator calls for another
SPENT = 3  # briefs in a row of an operator that came to nothing
CALLED = frozenset(spec.followed_by for spec in OPERATORS.values())
REST = 8  # briefs for which it is not asked for then


class Past(NamedTuple):
    """A brief of this run that was asked for.

    Attributes:
        number: Of the brief.
        operator: As asked for.
        told: Whether its value is known.
        barren: Whether nothing came of it.
    """

    number: int
    operator: str
    told: bool
    barren: bool


def askable(operators: Sequence[str], authors: Sequence[str]) -> tuple[str, ...]:
    """The operators that one of these authors can carry out, in their order."""
    return tuple(o for o in operators if not OPERATORS[o].authors or {*OPERATORS[o].authors} & {*authors})


def affordable(choices: Choices, unpaid: Collection[Writer]) -> Choices:
    """What is left to ask for where the budget has no room for the calls of some writers.

    Args:
        choices: All.
        unpaid: Those writers.

    Returns:
        The others, and what they can carry out: no operators where nobody is left.
    """
    several = ((a, known) for a, known in choices.models.items() if known)
    models = {a: tuple(m for m in known if (a, m) not in unpaid) for a, known in several}
    authors = tuple(a for a in choices.authors if (a, "") not in unpaid and models.get(a, True))
    operators = askable(choices.operators, authors) if authors else ()
    return replace(choices, operators=operators, authors=authors, models=models)


def author_for(operator: str, author: str, authors: Sequence[str]) -> str:
    """Who carries an operator out: the author that was chosen, if it can and may."""
    able = [a for a in OPERATORS[operator].authors or authors if a in authors]
    return author if author in able else able[0]


def form_for(operator: str, form: str, forms: Sequence[str]) -> str:
    """The format of a brief: edits are of a parent, so a new agent is asked for in another form."""
    if OPERATORS[operator].from_parents or form != "edit":
        return form
    return next((f for f in ("program", "plan") if f in forms), form)


def operator_for(chosen: str, open_: Sequence[str], seed: str) -> str:
    """The operator of the next brief.

    Args:
        chosen: The study's choice.
        open_: What may be asked for, see `may_ask`.
        seed: Of the draw among these, where the chosen one is none of them.
    """
    return chosen if chosen in open_ else random.Random(seed).choice(open_)


def may_ask(operators: Sequence[str], past: Sequence[Past]) -> Sequence[str]:
    """The operators that the next brief may ask for: the one that is called for, or those that do not rest,
    all where every one does.

    Args:
        operators: All that there are.
        past: Briefs so far, by number.
    """
    due = [o for o in operators if _called_for(o, past) > 0][:1]
    return due or [o for o in operators if not _rests(o, past)] or operators


def _called_for(operator: str, past: Sequence[Past]) -> int:
    """Briefs of an operator that others still call for."""
    if operator not in CALLED:
        return 0
    callers = [b for b in past if b.told and not b.barren and OPERATORS[b.operator].followed_by == operator]
    if not callers:
        return 0
    return AFTER * len(callers) - sum(b.operator == operator and b.number > callers[0].number for b in past)


def _rests(operator: str, past: Sequence[Past]) -> bool:
    told = list(islice((b for b in reversed(past) if b.told and b.operator == operator), SPENT))
    if len(told) < SPENT or not all(b.barren for b in told):
        return False
    return past[-1].number - told[0].number < REST


def pasts(rows: Sequence[tuple[int, Mapping[str, Any], Scalar]], nothing: float) -> list[Past]:
    """Briefs from trials: (number, parameters, value or `None` while it is not known)."""
    return [
        Past(number, str(params["operator"]), value is not None, value == nothing)
        for number, params, value in rows
        if params.get("operator") in OPERATORS
    ]
