"""Who gets which item right: a model of abilities and difficulties, learned from all scores of a search.

The chance that agent i gets item j right is `logistic(a_i + f_ik + b_j)`: its ability, what it can do
better or worse on items of kind k, and how easy the item is. Abilities, easinesses and effects of kinds
each have a normal prior whose spread the data tell; an ability's has heavier tails, as a new idea may be
better than all before it. Both are fitted by penalised likelihood, then an item's easiness and an agent's
ability are integrated out on a grid, so that little data means little certainty. Scores between 0 and 1
tell more than right and wrong do, by their dispersion (a quasi-likelihood, Wedderburn 1974). Items that an
agent has not run count as missing, not as wrong: which are run first may depend on all scores seen, and
does not bias what is said of the others (Rubin 1976, Inference and missing data, Biometrika 63, section 6).

Source: Rasch 1960, Probabilistic models for some intelligence and attainment tests; marginal likelihood
after Bock and Aitkin 1981, Psychometrika 46:443; Wedderburn 1974, Biometrika 61:439. Sums of unequal
chances: Volkova 1996, Theory of Probability and its Applications 40, the normal approximation refined by
skewness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from meta_search.guide.curves import bell, kernel_of, log_chances, logistic, normal

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

__all__ = ["ItemResponse"]

STEPS = 6  # of Newton's method, which is at rest by then
SURE = 4  # as many agents, items or kinds as speak for the prior spreads
ABILITIES, EASINESSES, KINDS = 0.3, 0.7, 0.1  # prior variances
LONG_SHOTS = 0.15  # of agents whose ability may be anything
GRID, REACH = 81, 6.0  # points of an ability, and most logits to either side of the mean
EXACT = 10  # items to come, up to which their sum is not approximated
FITTED = 200  # agents by whom items are judged, those with most items
LEAST = 0.02  # of the binomial variance, that graded scores have at least,
TOLD = 0.1  # or are taken to have where abilities are told from them: the grid is no finer


class ItemResponse:
    """The model, fitted to what agents have scored so far.

    Args:
        scores: Sum of an agent's scores on an item, each 0..1; agents x items.
        seen: How many scores that sum has (repeats).
        left: How many are to come.
        kinds: Of each item, from 0.

    Attributes:
        total: What each agent's scores add up to so far.
    """

    def __init__(self, scores: Array, seen: Array, left: Array, kinds: Sequence[int]) -> None:
        import numpy as np

        self._scores, self._seen, self._left = scores, seen, left
        self._kinds = np.asarray(kinds)
        self.total: Array = scores.sum(1)
        self._whole = bool((np.abs(scores - np.round(scores)) < 1e-9).all())
        self._fit()

    # -- what it says

    def expected(self, agents: Sequence[int]) -> Array:
        """What the scores of agents are expected to add up to in the end."""
        found = self._prospects(agents)
        total: Array = self.total[list(agents)] + (found.weights * found.mean).sum(1)
        return total

    def odds(self, agents: Sequence[int], needed: float, ties: Array) -> Array:
        """The chance of agents to end above a sum of scores.

        Args:
            agents: Whose.
            needed: The sum.
            ties: What a tie with it counts, 0..1, for each of them.
        """
        import numpy as np

        found, rows = self._prospects(agents), np.asarray(agents, dtype=int)
        need, count = needed - self.total[rows], self._left[rows].sum(1)
        above, level = found.tails(need, self._whole)
        odds = above + ties * level
        for n, agent in enumerate(rows):
            if need[n] < -1e-9 or need[n] > count[n] + 1e-9:
                odds[n] = float(need[n] < 0)
            elif not count[n]:
                odds[n] = ties[n]
            elif self._whole and count[n] <= EXACT:
                odds[n] = found.exact(n, self._left[agent], round(float(need[n])), float(ties[n]))
        clipped: Array = np.clip(odds, 0.0, 1.0)
        return clipped

    def telling(self, agent: int) -> Array:
        """How much each item would tell of whether an agent is a good one.

        Most do those that good agents are as likely to get right as wrong; what all get right, or all wrong,
        tells nothing. Kinds of which the agent has run more count less.
        """
        import numpy as np

        good = self._mu + self._spread
        chance = self._chances(np.array([good]))[0]
        all_ = np.bincount(self._kinds, self._seen[agent] + self._left[agent])
        ran = np.bincount(self._kinds, self._seen[agent]) / np.maximum(all_, 1)
        tells: Array = chance * (1 - chance) * (1 - 0.5 * ran[self._kinds])
        return tells

    # -- inside

    def _fit(self) -> None:
        """Abilities and easinesses by Newton's method in turns, with their spreads (EM)."""
        import numpy as np

        order = np.argsort(-self._seen.sum(1), kind="stable")[:FITTED]
        y, n = self._scores[order], self._seen[order]
        agents, items = y.shape
        mean = (y.sum() + 1) / (n.sum() + 2)
        mu = float(np.log(mean / (1 - mean)))
        a, b, var_a, var_b = np.full(agents, mu), np.zeros(items), ABILITIES, EASINESSES
        less = 1.0
        for _ in range(STEPS):
            p = logistic(a[:, None] + b)
            of_a = 1 / ((n * p * (1 - p)).sum(1) / less + 1 / var_a)
            a = a + np.clip(((y - n * p).sum(1) / less - (a - mu) / var_a) * of_a, -1.5, 1.5)
            p = logistic(a[:, None] + b)
            of_b = 1 / ((n * p * (1 - p)).sum(0) / less + 1 / var_b)
            b = b + np.clip(((y - n * p).sum(0) / less - b / var_b) * of_b, -1.5, 1.5)
            a, b = a + b.mean(), b - b.mean()
            mu = float(a.mean())
            var_a = float((((a - mu) ** 2 + of_a).sum() + SURE * ABILITIES) / (agents + SURE))
            var_b = float(((b * b + of_b).sum() + SURE * EASINESSES) / (items + SURE))
            less = max(TOLD, self._variation(y - n * p, n * p * (1 - p)))
        self._mu, self._told, self._spread = mu, less, (var_a * (1 + 1 / agents)) ** 0.5
        p = logistic(a[:, None] + b)
        self._less = self._variation(y - n * p, n * p * (1 - p))
        self._of_kinds = self._kind_spread(y - n * p, n * p * (1 - p))
        self._reach = min(REACH, max(3 * _widest(self._spread), 1 + float(np.abs(a - mu).max(initial=0.0))))
        self._easy = self._easinesses(a, y, n, var_b**0.5)

    def _variation(self, off: Array, variance: Array) -> float:
        """Graded scores vary less than right and wrong would, and so each tells more: their dispersion, by
        moments."""
        import numpy as np

        varied = (off**2).sum() / max(1e-9, variance.sum())
        return 1.0 if self._whole else float(np.clip(varied, LEAST, 1.0))

    def _easinesses(self, a: Array, y: Array, n: Array, spread: float) -> Array:
        """How likely each easiness on the grid is for each item, given abilities: what all get right may be
        very easy, which the curvature at the most likely easiness does not say."""
        import numpy as np

        grid = _grid(REACH)
        right, wrong = log_chances(a + grid[:, None])
        logs = (right @ y + wrong @ (n - y)) / self._told + np.log(bell(grid, spread) + 1e-300)[:, None]
        weights = np.exp(logs - logs.max(0))
        found: Array = weights / weights.sum(0)
        return found

    def _chances(self, abilities: Array) -> Array:
        """Of agents of these abilities to get each item right."""
        import numpy as np

        chances: Array = logistic(abilities[:, None] + _grid(REACH)) @ self._easy
        return np.clip(chances, 1e-6, 1 - 1e-6)

    def _kind_spread(self, off: Array, variance: Array) -> float:
        """How much agents differ in what they do well, by moments."""
        import numpy as np

        kinds = len(np.unique(self._kinds))
        if kinds < 2:
            return 0.0
        which = np.eye(int(self._kinds.max()) + 1)[self._kinds]
        r, v = off @ which, variance @ which
        sure = 5.0 * SURE
        differ = (r * r - v * self._less).sum() * kinds / (kinds - 1)
        square = (differ + KINDS * sure) / ((v * v).sum() + sure)
        return float(np.sqrt(np.clip(square, 1e-4, 4.0)))

    def _prospects(self, agents: Sequence[int]) -> _Prospects:
        """What these agents may be, and what is to come of them."""
        import numpy as np

        rows = np.asarray(agents, dtype=int)
        grid = _grid(self._reach)
        chances = self._chances(self._mu + grid)
        narrow, wide = bell(grid, self._spread), bell(grid, _widest(self._spread))
        prior = (1 - LONG_SHOTS) * narrow + LONG_SHOTS * wide
        told = self._scores[rows], self._seen[rows], self._left[rows]
        kernel, less = kernel_of(grid, self._of_kinds), (self._less, self._told)
        return _Prospects(prior, chances, kernel, self._kinds, told, less)


def _grid(reach: float) -> Array:
    """Points in logits, evenly to either side of 0."""
    import numpy as np

    return np.linspace(-reach, reach, GRID)


def _widest(spread: float) -> float:
    """Standard deviation of the ability of a long shot, in logits."""
    return 2 * spread + 0.3


class _Prospects:
    """Of some agents at each point of ability: its weight, and mean, variance and skew of what is to come."""

    def __init__(
        self,
        prior: Array,
        chances: Array,
        kernel: Array,
        kinds: Array,
        told: tuple[Array, Array, Array],
        less: tuple[float, float],
    ) -> None:
        import numpy as np

        varies, tells = less

        self._chances, self._kernel, self._kinds = chances, kernel, kinds
        right, wrong, (scores, seen, to_come) = np.log(chances), np.log1p(-chances), told
        logs = np.zeros((len(scores), GRID)) + np.log(prior)
        self.mean, self._variance, self._skew = (np.zeros_like(logs) for _ in range(3))
        self._by_kind: dict[int, tuple[Array, Array]] = {}
        for kind in np.unique(kinds):
            of = kinds == kind
            y, n, left, chance = scores[:, of], seen[:, of], to_come[:, of], chances[:, of].T
            here = (y @ right[:, of].T + (n - y) @ wrong[:, of].T) / tells
            top = here.max(1, keepdims=True)
            like = np.exp(here - top)
            mixed = like @ kernel.T + 1e-300
            logs += np.log(mixed) + top
            self._by_kind[int(kind)] = like, mixed
            each = chance * (1 - chance) * varies
            first, second, third = left @ chance, left @ each, left @ (each * (1 - 2 * chance))
            mean = (like * first) @ kernel.T / mixed
            self.mean += mean
            self._variance += (like * (second + first**2)) @ kernel.T / mixed - mean**2
            self._skew += (like * third) @ kernel.T / mixed
        weights = np.exp(logs - logs.max(1, keepdims=True))
        self.weights = weights / weights.sum(1, keepdims=True)

    def tails(self, need: Array, whole: bool) -> tuple[Array, Array]:
        """The chance that what is to come is more than needed, and that it is just that."""
        import numpy as np

        spread = np.sqrt(np.maximum(self._variance, 0) + 1e-9)
        skew = self._skew / spread**3

        def below(x: Array) -> Array:
            z = (x[:, None] - self.mean) / spread
            bell = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
            refined = np.clip(normal(z) + skew * (1 - z * z) * bell / 6, 0, 1)
            found: Array = (self.weights * refined).sum(1)
            return found

        half = 0.5 if whole else 1e-6
        upper, lower = below(need + half), below(need - half)
        return 1 - upper, np.maximum(0.0, upper - lower)

    def exact(self, n: int, left: Array, need: int, tie: float) -> float:
        """The same of one agent by the whole distribution: a sum of unequal chances at each ability."""
        import numpy as np

        weights = self.weights[n]
        kept = weights > 1e-7
        spread = np.zeros((int(kept.sum()), int(left.sum()) + 1))
        spread[:, 0] = 1.0
        for item in np.flatnonzero(left):
            like, mixed = self._by_kind[int(self._kinds[item])]
            chance = ((like[n] * self._chances[:, item]) @ self._kernel.T / mixed[n])[kept, None]
            for _ in range(int(left[item])):
                spread[:, 1:] = spread[:, 1:] * (1 - chance) + spread[:, :-1] * chance
                spread[:, 0] *= 1 - chance[:, 0]
        ends = weights[kept] @ spread / weights[kept].sum()
        return float(ends[need + 1 :].sum() + tie * ends[need])
