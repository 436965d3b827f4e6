"""The scorer of matchers that need a library, as a confined process builds it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Any

from domains.domain import Item, Score
from domains.matching.library import Compare, TookTooLong
from domains.matching.scoring import Scoring

__all__ = ["make_scorer"]

CPU_S = 0.8  # for one comparison; the sandbox's own limit ends what cannot be interrupted

# Named and not imported: it loads SymPy and more, which happens in the confined scorer's process alone.
LIBRARIES = "meta_search.sandbox.confined.equality_rules:load"


def make_scorer(matcher: str, options: Mapping[str, Any], kinds: list[str]) -> Callable[..., Score]:
    """A scorer for items whose matcher is named here, or by themselves.

    Args:
        matcher: Name of the matcher of items that name none.
        options: Its options.
        kinds: What items need: `math`, `bleu`, `code`.

    Returns:
        `score(item, answer, run)`.

    Raises:
        DomainError: A library is not installed.
    """
    scoring = Scoring(matcher, options)
    compare = _comparing() if {"math", "bleu"} & set(kinds) else _nothing

    def score(item: Item, answer: str, run: Any = None) -> Score:
        return scoring.score(item, answer, compare, run)

    return score


def _comparing() -> Compare:
    same = resolve_name(LIBRARIES)()

    def compare(kind: str, answer: str, target: str) -> float:
        signal.signal(signal.SIGVTALRM, _give_up)
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_S)
        try:
            return float(same((kind, target, 0.0), answer, None).value)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    return compare


def _give_up(_signal: int, _frame: object) -> None:
    raise TookTooLong


def _nothing(kind: str, answer: str, target: str) -> float:
    raise RuntimeError(f"nothing was loaded that compares {kind}")
