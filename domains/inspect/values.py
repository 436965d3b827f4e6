"""Scores of Inspect's as numbers in 0..1 with feedback."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from inspect_ai.scorer import Score as TheirScore
from inspect_ai.scorer import value_to_float

from domains.domain import Score
from meta_search.errors import DomainError

__all__ = ["parts_of", "score_of"]

_LETTERS = value_to_float()
_WORDS = ("c", "i", "p", "n", "yes", "no", "true", "false")


def parts_of(name: str, value: Any) -> dict[str, float]:
    """The numbers of a score's value by name: the scorer's own, or `scorer.key` where it is a mapping.

    Raises:
        DomainError: There is no number in it.
    """
    if isinstance(value, Mapping):
        found = {f"{name}.{key}": _number(name, inner) for key, inner in value.items() if inner is not None}
        if not found:
            raise DomainError(f"the scorer {name} gave an empty dict")
        return found
    if isinstance(value, Sequence) and not isinstance(value, str):
        numbers = [_number(name, inner) for inner in value]
        if not numbers:
            raise DomainError(f"the scorer {name} gave an empty list")
        return {name: sum(numbers) / len(numbers)}
    return {name: _number(name, value)}


def score_of(
    scores: Mapping[str, TheirScore],
    chosen: str,
    answers: Sequence[str] = (),
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Score:
    """One score of what the scorers gave.

    Args:
        scores: Scorer -> its score; the one that counts first.
        chosen: The scorer that counts, or `scorer.key`; of a mapping the first counts.
        answers: The answer, in the forms that were handed on: it is no feedback on itself.
        bounds: Values of the scorer that are worth 0 and 1.

    Raises:
        DomainError: The scorer gave no value, or one out of bounds.
    """
    numbers = {key: n for name, score in scores.items() for key, n in parts_of(name, score.value).items()}
    mine = [key for key in numbers if key == chosen or key.startswith(f"{chosen}.")]
    if not mine:
        raise DomainError(f"the scorer gave no value {chosen!r}: it gave {', '.join(numbers)}")
    scorer = next(name for name in scores if mine[0] == name or mine[0].startswith(f"{name}."))
    value = numbers.pop(mine[0])
    low, high = bounds
    if math.isnan(value):
        raise DomainError(f"the scorer {scorer} left the answer unscored{_reason(scores[scorer])}")
    share = (value - low) / (high - low)
    if not -1e-9 <= share <= 1 + 1e-9:
        raise DomainError(
            f"the scorer {scorer} gave {value:g}, which is not in {low:g}..{high:g}: set "
            "domain.scorer_range=[LOWEST,HIGHEST]"
        )
    feedback = _feedback(scores[scorer], {text.strip() for text in answers})
    others = ", ".join(f"{key} {n:g}" for key, n in numbers.items() if not math.isnan(n))
    told = (f"[{others}]" if others else "", feedback)
    return Score(min(1.0, max(0.0, share)), "\n".join(part for part in told if part))


def _number(name: str, value: Any) -> float:
    if isinstance(value, str):
        said = value.strip().lower()
        try:
            return _LETTERS(value) if said in _WORDS else float(said)
        except ValueError as error:
            raise DomainError(f"the scorer {name} gave {value!r:.60}, which is no number") from error
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if not isinstance(value, bool | int | float):
        raise DomainError(f"the scorer {name} gave a {type(value).__name__}, which is no number")
    return float(value)


def _feedback(score: TheirScore, known: Collection[str]) -> str:
    """What the scorer explains, and what it read as the answer; not the answer itself once more."""
    parts = []
    reason = str(score.reason or "").replace("_", " ")
    if reason:
        parts.append(reason)
    told = (score.explanation or "").strip()
    if told and told not in known:
        parts.append(told)
    read = (score.answer or "").strip()
    if read and read not in known and len(read) <= 200:
        parts.append(f"read as {read!r}")
    return "\n".join(parts)


def _reason(score: TheirScore) -> str:
    said = str(score.reason or score.explanation or "").strip()
    return f" ({said[:200]})" if said else ""
