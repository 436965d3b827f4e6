"""What briefs may ask for, and the first of them, before there is anything to go by.

Worked examples are shown first, since everything that is made of that agent later inherits them; then every
author has a brief. The rest is the bandit's. (`OPENING` is the longer one of searches without it: what the
first recorded landscape says pays.)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from meta_search.types import Scalar

__all__ = ["OPENING", "OPENING_DESIGN", "Choices", "opening"]

OPENING: tuple[Mapping[str, Scalar], ...] = tuple(
    {"operator": operator, "author": author, "parents": rule, "inspirations": shown, "temperature": 0.6}
    for operator, author, rule, shown in (
        ("bootstrap", "composer", "best", 0),
        ("crossover", "composer", "complementary", 0),
        ("reflect", "llm", "best", 0),
        ("novel", "llm", "front", 2),
        ("crossover", "composer", "complementary", 0),
        ("mutate", "composer", "best", 0),
        ("diagnose", "llm", "best", 0),
        ("mutate", "llm", "best", 1),
        ("crossover", "composer", "complementary", 0),
        ("tune", "composer", "best", 0),
    )
)
# Not opened with where nothing but plans is written, as by the embedded models: the sampler comes to them.
SIGHTED = ("reflect", "diagnose")
OPENING_DESIGN: Mapping[str, Scalar] = {"bootstrap_shown": 2, "votes": 1, "shown": 1, "team_keep": 3}


@dataclass(frozen=True, slots=True)
class Choices:
    """What briefs may ask for.

    Attributes:
        operators: Of `operators.OPERATORS`; those that none of the authors can carry out are left out.
        authors: Authors.
        formats: Formats; empty takes plans.
        teach: Whether the meta model teaches first: the search then opens with worked examples, whoever
            writes.
        models: Author -> the meta models that it may write with, where there are several.
    """

    operators: Sequence[str]
    authors: Sequence[str]
    formats: Sequence[str] = ()
    teach: bool = False
    models: Mapping[str, Sequence[str]] = field(default_factory=dict)


def opening(choices: Choices, barren: Collection[str], whole: bool = False) -> list[dict[str, Scalar]]:
    """Parameters of the first briefs, as far as they may be asked for.

    Args:
        choices: What may be asked for, without what nobody can carry out.
        barren: Operators that came to nothing in earlier runs.
        whole: All of `OPENING`, and not one brief for each author, or meta model that it writes with.
    """
    found = [
        params
        for params in (_first(choices), *OPENING[1:])
        if params["operator"] in choices.operators
        and params["operator"] not in barren
        and params["author"] in choices.authors
        and (params["operator"] not in SIGHTED or set(choices.formats) > {"plan"})
    ]
    turns: dict[str, int] = {}
    made = []
    for params in found:
        author = str(params["author"])
        models = choices.models.get(author, ())  # of several each has its turn
        if not whole and turns.get(author, 0) >= max(1, len(models)):
            continue
        own = {"model": models[turns.get(author, 0) % len(models)]} if models else {}
        turns[author] = turns.get(author, 0) + 1
        made.append({**params, "format": choices.formats[0], **own})
    return made


def _first(choices: Choices) -> Mapping[str, Scalar]:
    """The brief that the search opens with; by the meta agent where there is no composer to teach for."""
    first = OPENING[0]
    known = [name for name in (first["author"], "llm") if name in choices.authors]
    return {**first, "author": known[0]} if choices.teach and known else first
