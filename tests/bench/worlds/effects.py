"""What choices do to the log-odds of a right answer, and to what it costs: drawn by a law, for any space."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from meta_search.types import Scalar
from meta_search.types.designs import Cell as Choices
from meta_search.types.designs import Space
from tests.bench.worlds.draws import Array, Draws
from tests.bench.worlds.laws import COSTS, LAWS

__all__ = ["TOKENS", "Effects"]

TOKENS = 90.0  # of a call, in the middle
MOST_EXTRA = 8  # further calls of one choice
SPREAD = 0.5  # of the logarithm of a slot's weight


Name = TypeVar("Name", bound=Hashable)


class Effects:
    """Effects by the names of slots, choices and kinds; each is worked out once.

    The weights of slots are drawn, and normed, so that a space of many slots is no easier than one of few.

    Args:
        law: One of `LAWS`.
        costs: One of `COSTS`.
        seed: Others for another seed.
        space: Of designs.
        items: Kind -> how many items of it there are.

    Attributes:
        law: What `LAWS` says. costs: what `COSTS` says.
        draws: By name.
    """

    def __init__(self, law: str, costs: str, seed: int, space: Space, items: Mapping[str, int]) -> None:
        self.law, self.costs, self.draws = LAWS[law], COSTS[costs], Draws(law, seed)
        self._slots, self._n = {slot.name: slot for slot in space.slots}, items
        drawn = self.draws.weights(self._slots, SPREAD, "weight")
        own = {name: self.law.per_kind if slot.per_kind else 1.0 for name, slot in self._slots.items()}
        self._weights = _normed({name: weight * own[name] for name, weight in drawn.items()})
        couples = itertools.combinations(sorted(self._weights), 2)
        self._pairs = _normed({(a, b): self._weights[a] * self._weights[b] for a, b in couples})
        self._odds: dict[tuple[str, Choices], Array] = {}
        self._known: dict[tuple[object, ...], float] = {}
        self._of_items: dict[tuple[object, ...], Array] = {}

    def odds(self, kind: str, cell: Choices) -> Array:
        """Log-odds of a right answer on all items of a kind: float, shape (items of the kind,)."""
        key = kind, cell
        if key not in self._odds:
            latent = self._mean_odds(kind, cell) + self._item_odds(kind, cell)
            self._odds[key] = latent / self.law.noise
        return self._odds[key]

    def _mean_odds(self, kind: str, cell: Choices) -> float:
        law, effect = self.law, self.of
        found = law.level + law.kind * effect("kind", kind)
        for slot, choice in cell:
            weight = self._weights[slot]
            found += weight * law.choice * effect("choice", slot, choice)
            found += weight * law.kind_choice * effect("choice", slot, choice, kind)
        if law.pair or law.kind_pair:
            for (slot, choice), (other, chosen) in itertools.combinations(cell, 2):  # a cell is sorted
                weight = self._pairs[slot, other]
                found += weight * law.pair * effect("pair", slot, choice, other, chosen)
                found += weight * law.kind_pair * effect("pair", slot, choice, other, chosen, kind)
        return found + (self._trap(kind, cell) if law.trap else 0.0)

    def _trap(self, kind: str, cell: Choices) -> float:
        """Log-odds by the hidden best choices of two slots: bad one by one, best together."""
        chosen = dict(cell)
        hits = [chosen.get(name) == choice for name, choice in self._hidden(kind)]
        return 2 * self.law.trap if hits and all(hits) else -self.law.trap * sum(hits)

    def _hidden(self, kind: str) -> list[tuple[str, Scalar]]:
        """The two slots that are always read and matter most, and the hidden choices of theirs."""
        always = [slot for slot in self._slots.values() if not slot.when and len(slot.choices) > 1]
        always.sort(key=lambda slot: (-self._weights[slot.name], slot.name))
        found = []
        for slot in always[:2]:
            of = kind if slot.per_kind else ""
            number = int(self.draws.of("hidden", slot.name, of).integers(1, len(slot.choices)))
            found.append((slot.name, slot.choices[number]))
        return found

    def _item_odds(self, kind: str, cell: Choices) -> Array:
        found = self.law.item * self._items(kind, "item")
        for slot, choice in cell:
            found = found + self._weights[slot] * self.law.item_choice * self._items(kind, slot, choice)
        own = self.draws.normals(self._n[kind], "cell", kind, cell)
        return np.asarray(found + self.law.item_cell * own)

    def of(self, *name: object) -> float:
        """A standard normal draw by name."""
        if name not in self._known:
            self._known[name] = self.draws.normal(*name)
        return self._known[name]

    def _items(self, kind: str, *name: object) -> Array:
        key = kind, *name
        if key not in self._of_items:
            self._of_items[key] = self.draws.normals(self._n[kind], "items", *key)
        return self._of_items[key]

    def losses(self, kind: str, cell: Choices) -> float:
        """Chance of a heavy loss."""
        if self.law.loss is None:
            return 0.0
        effects = sum(self._weights[s] * self.of("loss", s, c, kind) for s, c in cell)
        return float(1 / (1 + np.exp(-(self.law.loss + self.law.loss_spread * effects))))

    def calls(self, cell: Choices) -> int:
        """Calls that an item takes: whole numbers from 1 on multiply (votes, rounds); words but the plainest
        may bring further ones."""
        times, more = 1, 0
        for name, choice in cell:
            choices = self._slots[name].choices
            if choice == choices[0]:
                continue
            if _multiplies(choices):
                times *= int(choice)
            elif self.costs.extra and isinstance(choice, str | bool):
                more += min(MOST_EXTRA, int(self.draws.of("extra", name, choice).poisson(self.costs.extra)))
        return times * (1 + more)

    def tokens(self, kind: str, cell: Choices, more: float = 0.0) -> Array:
        """Tokens on all items of a kind: whole numbers as float, shape (items of the kind,).

        Args:
            kind: Of items.
            cell: What is done with them.
            more: Is added to the logarithm, in units of the spread by choices.
        """
        log = more + sum(self.of("tokens", s, c) for s, c in cell) / len(self._slots) ** 0.5
        by_item = self.costs.item * self._items(kind, "tokens")
        found = self.calls(cell) * TOKENS * np.exp(self.costs.spread * log + by_item)
        return np.asarray(np.maximum(1.0, np.round(found)))


def _multiplies(choices: Sequence[Scalar]) -> bool:
    return all(isinstance(c, int) and not isinstance(c, bool) and c >= 1 for c in choices)


def _normed(weights: Mapping[Name, float]) -> dict[Name, float]:
    """So that the squares add up to 1."""
    norm = sum(weight * weight for weight in weights.values()) ** 0.5 or 1.0
    return {name: weight / norm for name, weight in weights.items()}
