"""How sure it is that a candidate falls behind a rival on paired items: several tests behind one interface.

A `Test` gives a number from 0 (it is behind, or cannot matter) to 1 (nothing speaks against it); a race is
ended where that falls to a threshold. `sign` and `betting` ask whether it is worse, for any number of items
to come; `chance` asks whether it will end in front on the items that a full evaluation has, which is what a
race is about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["TESTS", "Paired", "Test", "betting", "chance", "reachable", "sign", "sign_test"]

EQUAL = 1e-9  # scores are sums of floats
BETS = tuple((2 * k + 1) / 128 for k in range(64))  # evenly in 0..1


@dataclass(frozen=True, slots=True)
class Paired:
    """What two agents did on the same items, in the order in which the items come.

    Attributes:
        seen: (candidate's score, rival's score) on the items that both have, 0..1.
        rest: The rival's scores on the items that the candidate has still to do.
        looks: How often a full race is looked at, this look included.
        strict: Whether the candidate must end above the rival to matter, not level with it.
    """

    seen: tuple[tuple[float, float], ...]
    rest: tuple[float, ...] = ()
    looks: int = 1
    strict: bool = False

    @property
    def behind(self) -> float:
        """By how much the candidate is behind now, in items."""
        return sum(theirs - ours for ours, theirs in self.seen)


Test = Callable[[Paired], float]


def sign_test(worse: int, better: int) -> float:
    """One-sided exact sign test: chance of at least `worse` losses among the decided pairs of equals.

    Source: Conover, Practical Nonparametric Statistics, section 3.4. Ties are left out.
    """
    n = worse + better
    return sum(math.comb(n, k) for k in range(worse, n + 1)) / 2**n if n else 1.0


def sign(paired: Paired) -> float:
    """The sign test, corrected (Bonferroni) for all looks of a race."""
    worse = sum(ours < theirs for ours, theirs in paired.seen)
    better = sum(ours > theirs for ours, theirs in paired.seen)
    return min(1.0, sign_test(worse, better) * paired.looks)


def betting(paired: Paired) -> float:
    """An anytime-valid test: 1 over the most that a bet on the candidate being worse has ever been worth.

    Against "the candidate's mean score is at least the rival's" one bets the share λ of one's money on each
    item in turn: it is multiplied by 1 + λ (rival's score - candidate's score). Under that hypothesis no λ in
    0..1 can be expected to gain. So the mean over many λ, `E_n = mean_λ Π (1 - λ d_i)`, is a supermartingale
    that starts at 1, and ever exceeds 1/α with probability α at most (Ville's inequality): one may look after
    every item, and the most that it ever was counts. For right and wrong this is a mixture over the chance
    p = (1 + λ)/2 of losing a decided pair; with a uniform one, w losses and b wins give
    `E = P(Bin(w + b + 1, ½) ≤ w) 2^(w+b+1) / ((w + b + 1) C(w + b, w))`, with which the tests compare.

    Source: Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables by betting, JRSS B 86,
    sections 3 and 4; Ramdas et al. 2023, Game-theoretic statistics, Statistical Science 38, sections 2 and 3.
    """
    worth, most = [1.0] * len(BETS), 1.0
    for ours, theirs in paired.seen:
        if ours != theirs:
            worth = [w * (1.0 + bet * (theirs - ours)) for w, bet in zip(worth, BETS, strict=True)]
            most = max(most, math.fsum(worth) / len(BETS))
    return 1.0 / most


def reachable(paired: Paired) -> bool:
    """Whether the candidate still matters if it gets full marks on everything that is left."""
    left = sum(1.0 - theirs for theirs in paired.rest) - paired.behind
    return left > EQUAL if paired.strict else left > -EQUAL


def chance(paired: Paired) -> float:
    """The chance that the candidate ends level with the rival or above it (`strict`: above it).

    The rival's scores on the items to come are known. Where it is right, the candidate can only lose; where
    it is wrong, only win; how often it does either is as often as it did on the items of that sort so far,
    each with a uniform prior, so that the numbers of losses and wins to come are beta-binomial and
    independent. Graded scores: an item on which the rival has neither 0 nor 1 counts as both sorts, and a win
    or a loss is worth what it was worth on average.
    """
    if not reachable(paired):
        return 0.0
    lost = [theirs - ours for ours, theirs in paired.seen if ours < theirs]
    won = [ours - theirs for ours, theirs in paired.seen if ours > theirs]
    could_lose = sum(theirs > 0.0 for _, theirs in paired.seen)
    could_win = sum(theirs < 1.0 for _, theirs in paired.seen)
    to_lose = [theirs for theirs in paired.rest if theirs > 0.0]
    to_win = [1.0 - theirs for theirs in paired.rest if theirs < 1.0]
    losses = _to_come(len(lost), could_lose, len(to_lose))
    wins = _to_come(len(won), could_win, len(to_win))
    a_loss, a_win = _size(lost, to_lose), _size(won, to_win)
    need = paired.behind + (2 * EQUAL if paired.strict else 0.0) - EQUAL
    return math.fsum(
        p * q for i, p in enumerate(wins) for j, q in enumerate(losses) if i * a_win - j * a_loss >= need
    )


def _size(seen: Sequence[float], coming: Sequence[float]) -> float:
    """What one win or loss is worth."""
    known = seen or coming
    return sum(known) / len(known) if known else 0.0


@lru_cache(4096)
def _to_come(happened: int, seen: int, left: int) -> tuple[float, ...]:
    """Beta-binomial: the chance of 0, 1, … `left` further ones after `happened` of `seen`, uniform prior."""
    return tuple(
        math.comb(happened + k, k)
        * math.comb(seen - happened + left - k, left - k)
        / math.comb(seen + left + 1, left)
        for k in range(left + 1)
    )


TESTS: dict[str, Test] = {"sign": sign, "betting": betting, "chance": chance}
