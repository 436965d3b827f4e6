"""Cross-validation within the search, `evaluate.folds=k`: for domains with few items.

A few validation items choose a finalist hardly better than chance, and they are missing from train. With
folds both are one pool that every agent runs on, and no item serves twice for one agent: the items of one
fold are held out from its author. Brief number n holds out fold n mod k (M. Stone 1974, Cross-validatory
choice and assessment of statistical predictions, JRSS B 36:111):

- its author is shown no failure, question or answer of an item in that fold, and no run of one;
- parents, inspirations and the archive that it is shown are seeds, or agents with the same fold held out, so
  that no author in an agent's line of descent was shown an item of its fold;
- finalists are chosen by the items of their own fold, each less what all agents scored on it on average, as
  folds are not equally hard; those of a seed are all items.

What it does not do: parents, races and the guide's trials go by scores on all items, as numbers alone, so a
score on the pool is still a little too good. What is claimed in the end rests on test items, as ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domains.domain import Domain, Item
from domains.splits import folds_of
from meta_search.errors import ConfigError
from meta_search.types import Brief, drawn_in

__all__ = ["NO_FOLDS", "Folds", "cross_validated", "pooled"]


@dataclass(frozen=True, slots=True)
class Folds:
    """Which fold each item of the pool is in.

    Attributes:
        count: How many folds; 0 without cross-validation.
        of: Item id -> fold, from 0.
    """

    count: int = 0
    of: Mapping[str, int] = field(default_factory=dict)

    def held_out(self, brief: Brief) -> int | None:
        """The fold that was held out from who carried out a brief; `None` for all, as for seeds."""
        return brief.number % self.count if self.count and brief.kind in ("asked", "repair") else None

    def shows(self, brief: Brief, item: str) -> bool:
        """Whether the author of a brief may be shown an item."""
        fold = self.held_out(brief)
        return fold is None or self.of.get(item) != fold

    def may_follow(self, brief: Brief, parent: Brief) -> bool:
        """Whether an agent may be shown to the author of a brief: nobody in its line saw that fold."""
        return self.held_out(parent) in (None, self.held_out(brief))

    def line(self) -> str:
        """One line on how finalists are chosen, `""` without folds."""
        if not self.count:
            return ""
        return (
            f"Finalists were chosen by {self.count}-fold cross-validation over {len(self.of)} items: each by "
            "the items that no author in its line of descent was shown."
        )


NO_FOLDS = Folds()


def pooled(
    domain: Domain, train: Sequence[Item], validation: Sequence[Item], folds: int
) -> tuple[list[Item], Folds]:
    """The items of train and validation as one pool, and their folds.

    Args:
        domain: Whose items; its `groups` are not torn apart.
        train: Items of train that are evaluated.
        validation: Items of validation that are evaluated.
        folds: How many.

    Returns:
        The items, folds in turns so that every block of a race has all of them; and their folds.

    Raises:
        ConfigError: There are fewer groups of items than folds, or a single fold; one line.
    """
    items = [*train, *validation]
    groups: Mapping[str, str] = getattr(domain, "groups", {})
    different = len({groups.get(item.id, f"\0{item.id}") for item in items})
    if folds < 2 or folds > different:
        raise ConfigError(
            f"evaluate.folds={folds}: must be 0, or from 2 to {different}, the number of train and "
            "validation items that do not say the same"
        )
    of = folds_of(items, folds, groups)
    by_fold: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        by_fold[of[item.id]].append(item)
    turns = ((place, fold, item) for fold, own in by_fold.items() for place, item in enumerate(own))
    return [item for _, _, item in sorted(turns, key=lambda turn: turn[:2])], Folds(folds, of)


def cross_validated(
    folds: Folds, brief: Brief, scores: Mapping[str, float], others: Iterable[Mapping[str, float]]
) -> float:
    """What an agent is expected to score, by the items that nobody in its line was shown.

    Args:
        folds: Of the run.
        brief: What the agent was written for.
        scores: Item -> its score, 0..1.
        others: The scores of all agents that are compared, its own among them.

    Returns:
        0..1, or a little beyond: the mean of all agents, and what this one scored above theirs, item by item,
        drawn towards them where items are few.
    """
    met: dict[str, list[float]] = defaultdict(list)
    for each in others:
        for item, score in each.items():
            met[item].append(score)
    means = {item: sum(found) / len(found) for item, found in met.items()}
    fold = folds.held_out(brief)
    own = [item for item in scores if item in means and (fold is None or folds.of.get(item) == fold)]
    typical = sum(means.values()) / max(1, len(means))
    return typical + drawn_in(sum(scores[item] - means[item] for item in own), len(own), 0.0)
