"""Finalists against baselines, item by item: whom each has to beat, and whether it does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from meta_search.report.paired import bounded_mean, right_or_wrong
from meta_search.report.standing import Contender, Standing
from meta_search.text import one_line

__all__ = [
    "ALPHA",
    "SHARE",
    "Comparison",
    "best_baseline",
    "compare",
    "compare_all",
    "gain_interval",
    "missing",
    "rank",
]

ALPHA = 0.05
SHARE = 0.8  # of the items of the longest-tested: a baseline with fewer proves little, either way


@dataclass(frozen=True, slots=True)
class Comparison:
    """One finalist beside the baseline that it has to beat, on the items both were scored on.

    Items that one of them met without coming to a score may have been chosen by an agent. So the test counts
    them against the finalist, and the interval holds whatever they would have been; where they are too many,
    nothing is claimed.

    Attributes:
        finalist: On the shared items.
        baseline: On the shared items.
        difference: Score of the finalist minus that of the baseline, -1..1.
        low: Lower end of its 95 % interval, which holds 0 unless `p` is below 5 %.
        high: Upper end of it.
        wins: Number of items on which the finalist scored more.
        losses: Number of items on which the baseline scored more.
        p: Two-sided p-value.
        p_adjusted: For the order in which finalists are tested: see `compare_all`.
        method: Name of the test.
        best: Whether no baseline scored more than this one.
        unsettled: Whether too much came to no score, on either side, for a claim.
    """

    finalist: Standing
    baseline: Standing
    difference: float
    low: float
    high: float
    wins: int
    losses: int
    p: float
    p_adjusted: float
    method: str
    best: bool = True
    unsettled: bool = False

    @property
    def significant(self) -> bool:
        return self.p_adjusted < ALPHA and not self.unsettled

    @property
    def better(self) -> bool:
        """Whether the finalist is shown to be better."""
        return self.significant and self.difference > 0


def rank(contender: Contender) -> tuple[float, float, float]:
    """Best first: the most items (one cut short proves little), the best score, the fewest tokens.

    What came to no score counts as wrong here.
    """
    met = contender.met
    score = sum(contender.at(i, 0.0) for i in met) / len(met)
    return -len(met), -score, contender.used.tokens / max(1, contender.results)


def compare_all(finalists: Sequence[Contender], bases: Sequence[Contender], seed: int) -> list[Comparison]:
    """Each finalist with the baseline that it has to beat; those that do first, else in the order given.

    An agent beats the baselines if it beats each of them. That is an intersection-union test, which needs no
    correction for the number of baselines (R. L. Berger 1982, Technometrics 24:295): its p-value is the
    largest of all. The finalists are tested in order, the next one only where the one before beats the
    baselines, which needs no correction either (W. Maurer, L. A. Hothorn and W. Lehmacher 1995, Biometrie in
    der chemisch-pharmazeutischen Industrie 6:3). One of which too much came to no score is passed over; the
    others pay for that (Bonferroni), as it may be so by its own doing.

    Args:
        finalists: Agents that the search chose, the most promising first, by other items than these.
        bases: Baselines with scores, the best first.
        seed: Seed of what is drawn for graded scores.
    """
    raw = [_hardest(c, bases, 1 - ALPHA, seed) for c in finalists]
    tries = 1 + sum(c.unsettled for c in raw)
    if tries > 1:
        raw = [_hardest(c, bases, 1 - ALPHA / tries, seed) for c in finalists]
    compared, reached = [], 0.0
    for c in raw:
        if not c.unsettled:
            reached = max(reached, min(1.0, tries * c.p))
        found = replace(c, p_adjusted=1.0 if c.unsettled else reached)
        if not c.unsettled and not found.better:
            reached = 1.0
        compared.append(found)
    return sorted(compared, key=lambda c: (not c.better, c.unsettled, -c.difference if c.better else 0.0))


def _hardest(finalist: Contender, bases: Sequence[Contender], level: float, seed: int) -> Comparison:
    """The best baseline; but one that scored less in its place where that one alone is not beaten."""
    most = len(bases[0].met)
    tested = [b for b in bases if len(b.met & finalist.met) >= SHARE * most]
    found = [compare(finalist, b, level, seed) for b in tested or bases[:1]]
    if unsettled := [c for c in found if c.unsettled]:  # nobody knows which baseline is the hardest
        found = unsettled
    best = max(found, key=lambda c: c.baseline.score)  # the first of equals: the cheapest
    if best.p >= ALPHA or best.difference <= 0:
        return best
    hardest = max(found, key=lambda c: (c.difference <= 0, c.p if c.difference > 0 else -c.p))
    return best if hardest.p <= best.p else replace(hardest, best=False)


def compare(finalist: Contender, base: Contender, level: float = 1 - ALPHA, seed: int = 0) -> Comparison:
    """Two contenders on the items that both have met; `p_adjusted` is `p`.

    The difference is that on the items both were scored on. What came to no score speaks against it in the
    test: counted as wrong for the one in front and as right for the other. So does what the endpoint declined
    to a baseline, as an agent may bring that about.

    Args:
        finalist: Whose wins are counted.
        base: The other one.
        level: Coverage of the interval, 0..1.
        seed: Seed of what is drawn for graded scores.
    """
    met = sorted(finalist.met & base.met)
    items = [i for i in met if i in finalist.scores and i in base.scores]
    without = [i for i in met if i not in finalist.scores or i not in base.scores]
    difference = sum(finalist.scores[i] - base.scores[i] for i in items) / max(1, len(items))
    # At its worst and at its best, by what those without a score would have been.
    ends = [[finalist.at(i, end) - _of_base(base, i, 1 - end) for i in met] for end in (0.0, 1.0)]
    tested = ends[difference <= 0]
    wins, losses = sum(d > 0 for d in tested), sum(d < 0 for d in tested)
    apart = ends if ends[0] != ends[1] else ends[:1]  # one interval where nothing is missing
    if all(d in (-1.0, 0.0, 1.0) for d in tested) and _all_or_nothing(finalist, met):
        method = "the mid-p McNemar test"
        found = [
            right_or_wrong(sum(d > 0 for d in end), sum(d < 0 for d in end), len(met), level) for end in apart
        ]
    else:
        method = "a test of bounded means"
        found = [bounded_mean(end, level, seed) for end in apart]
    p, low, high = found[-1 if difference <= 0 else 0].p, found[0].low, found[-1].high
    unsettled = finalist.unsettled or base.unsettled
    if unsettled or (difference != 0 and sum(tested) * difference <= 0):  # they could turn it around
        p = 1.0
    return Comparison(
        finalist=Standing.of(finalist, items, without),
        baseline=Standing.of(base, items, without),
        difference=difference,
        low=low,
        high=high,
        wins=wins,
        losses=losses,
        p=p,
        p_adjusted=p,
        method=method,
        unsettled=unsettled,
    )


def gain_interval(gains: Sequence[float], seed: int = 0, level: float = 1 - ALPHA) -> tuple[float, float]:
    """Interval of a mean difference of scores, by the method of the verdict."""
    if all(gain in (-1.0, 0.0, 1.0) for gain in gains):
        found = right_or_wrong(sum(g > 0 for g in gains), sum(g < 0 for g in gains), len(gains), level)
    else:
        found = bounded_mean(gains, level, seed)
    return found.low, found.high


def _of_base(base: Contender, item: str, missing: float) -> float:
    """A baseline's score on an item, what it came to no score on, or was declined, taken for `missing`."""
    return base.at(item, missing) + missing * base.declined.get(item, 0.0)


def _all_or_nothing(contender: Contender, items: Iterable[str]) -> bool:
    return all(contender.at(i, 0.0) in (0.0, 1.0) for i in items)


def best_baseline(bases: Sequence[Contender], seed: int = 0) -> Contender:
    """The baseline that a user should take where nothing found beats the baselines.

    That is the best seed or own agent on the test items, the cheaper of equals. A baseline at matched cost
    takes its place only where it is significantly better: it costs as much as the finalist that it is for.

    Args:
        bases: Baselines with scores, the most items first.
        seed: Seed of what is drawn for graded scores.
    """
    whole = [c for c in bases if len(c.met) >= SHARE * len(bases[0].met)]
    ranked = sorted(whole, key=lambda c: rank(c)[1:])
    simple = next((c for c in ranked if c.kind != "matched"), ranked[0])
    for c in ranked:
        if c.kind == "matched" and c.met & simple.met:
            found = compare(c, simple, seed=seed)
            if found.difference > 0 and found.significant:
                return c
    return simple


def missing(baselines: Sequence[Contender], bases: Sequence[Contender]) -> str:
    """Name of a baseline at matched cost that had to be tested and has no results; else `""`.

    Where the report was cut short, one of those begun must have been run on the items of the others.
    """
    named = [c for c in baselines if c.kind == "matched"]
    most = len(bases[0].met)
    named = [c for c in named if not c.agent] or named
    tested = any(len(c.met & bases[0].met) >= SHARE * most for c in named)
    return one_line(named[0].name, 80) if named and not tested else ""
