"""The verdict of a run: did, did not, or was not shown to, beat the best hand-made agent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from meta_search.report.paired import bootstrap_interval, holm, sign_flip_test, sign_test, tango_interval
from meta_search.report.source import Archive, is_seed
from meta_search.report.standing import Contender, Standing
from meta_search.types import ItemResult

__all__ = ["Comparison", "Verdict", "archive_verdict", "measure_of", "verdict"]

ALPHA = 0.05
PARTIAL = 0.05  # scorers give 0.01 for nothing; only more than this is partial credit

Outcome = Literal["beats", "not_shown", "does_not_beat", "untested"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One finalist beside the best baseline, on the items both were scored on.

    Attributes:
        finalist, baseline: Both on the shared items.
        difference: Score of the finalist less that of the baseline, -1..1.
        low, high: Its interval, 95 % for all finalists together (Bonferroni).
        wins, losses: Items on which the one scored more than the other.
        p: Two-sided p-value. p_holm: corrected for the number of finalists.
        method: Name of the test.
    """

    finalist: Standing
    baseline: Standing
    difference: float
    low: float
    high: float
    wins: int
    losses: int
    p: float
    p_holm: float
    method: str

    @property
    def significant(self) -> bool:
        return self.p_holm < ALPHA


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the final report says.

    Attributes:
        outcome: `beats`, `not_shown`, `does_not_beat`, or `untested`.
        sentence: One plain sentence with all numbers.
        cost: One sentence on used tokens and cost per item, or `""`.
        notes: What a careful reader must know, a sentence each.
        best: The comparison that the sentence speaks of, or `None`.
        comparisons: All finalists, best first.
        baselines: All baselines, best first.
    """

    outcome: Outcome
    sentence: str
    cost: str = ""
    notes: tuple[str, ...] = ()
    best: Comparison | None = None
    comparisons: tuple[Comparison, ...] = ()
    baselines: tuple[Standing, ...] = ()

    @property
    def text(self) -> str:
        """Sentence, cost and notes as one paragraph."""
        return " ".join(part for part in (self.sentence, self.cost, *self.notes) if part)


def verdict(
    baselines: Sequence[Contender],
    finalists: Sequence[Contender],
    *,
    baseline_word: str = "seed",
    seed: int = 0,
) -> Verdict:
    """Compare the finalists with the best baseline on the test items.

    The best baseline is picked on the very items it is compared on. That flatters the baseline, never the
    finalists. Right/wrong is tested by McNemar's exact test, graded scores (repeats of an item included)
    by a paired permutation test; p-values are corrected over the finalists after Holm.

    Args:
        baselines: Hand-made agents, and self-consistency at matched cost where it was run.
        finalists: Agents that the search chose by validation.
        baseline_word: What a baseline is called in the sentence.
        seed: Seed of the permutation test and the bootstrap.
    """
    bases = sorted((c for c in baselines if c.scores), key=_rank)
    tried = [c for c in finalists if c.scores and (not bases or c.scores.keys() & bases[0].scores.keys())]
    standings = tuple(Standing.of(c) for c in bases)
    if not tried or not bases:
        return Verdict("untested", _untested(bases, tried, baseline_word), baselines=standings)
    compared = _compare_all(tried, bases[0], seed)
    best = compared[0]
    outcome: Outcome = "does_not_beat"
    if best.difference > 0:
        outcome = "beats" if best.significant else "not_shown"
    return Verdict(
        outcome=outcome,
        sentence=_sentence(best, outcome, baseline_word),
        cost=_cost(best),
        notes=_notes(best, bases, tried, baseline_word),
        best=best,
        comparisons=tuple(compared),
        baselines=standings,
    )


def measure_of(rows: Iterable[ItemResult]) -> Literal["right", "score"]:
    """Whether a domain is right or wrong, or graded: most scores worth the name lie below 1."""
    credited = [r.score or 0.0 for r in rows if (r.score or 0.0) > PARTIAL]
    return "score" if sum(score < 1 for score in credited) > len(credited) / 2 else "right"


def archive_verdict(archive: Archive, *, seed: int = 0) -> Verdict:
    """The verdict rebuilt from a run's archive: found agents beside seeds, those with test results.

    Scores count as right or wrong, unless most scores worth the name lie below 1 (a graded domain).
    """
    tested = [r for r in archive.agents() if "test" in r.evaluations]
    results = {r.agent.id: list(archive.results(r.agent.id, "test", trace=False)) for r in tested}
    measure = measure_of(row for rows in results.values() for row in rows)
    contenders = [Contender.of(r.agent.id, r.agent.name, results[r.agent.id], measure) for r in tested]
    seeds = [c for r, c in zip(tested, contenders, strict=True) if is_seed(r)]
    found = [c for r, c in zip(tested, contenders, strict=True) if not is_seed(r)]
    return verdict(seeds, found, seed=seed)


def _rank(contender: Contender) -> tuple[float, float, float]:
    """Best first: the most items (one cut short proves little), the best score, the fewest tokens."""
    n = len(contender.scores)
    return -n, -sum(contender.scores.values()) / n, contender.used.tokens / max(1, contender.results)


def _compare_all(finalists: Sequence[Contender], base: Contender, seed: int) -> list[Comparison]:
    level = 1 - ALPHA / len(finalists)
    raw = [_compare(c, base, level, seed) for c in finalists]
    adjusted = holm([c.p for c in raw])
    compared = [replace(c, p_holm=p) for c, p in zip(raw, adjusted, strict=True)]
    return sorted(
        compared,
        key=lambda c: (not (c.significant and c.difference > 0), -c.difference, c.finalist.tokens_per_item),
    )


def _compare(finalist: Contender, base: Contender, level: float, seed: int) -> Comparison:
    items = sorted(finalist.scores.keys() & base.scores.keys())
    differences = [finalist.scores[i] - base.scores[i] for i in items]
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    if all(d in (-1.0, 0.0, 1.0) for d in differences) and _all_or_nothing(finalist, items):
        p, method = sign_test(wins, losses), "McNemar's exact test"
        low, high = tango_interval(wins, losses, len(items), level)
    else:
        p, method = sign_flip_test(differences, seed), "a paired permutation test"
        low, high = bootstrap_interval(differences, level, seed)
    return Comparison(
        finalist=Standing.of(finalist, items),
        baseline=Standing.of(base, items),
        difference=sum(differences) / len(items),
        low=low,
        high=high,
        wins=wins,
        losses=losses,
        p=p,
        p_holm=p,
        method=method,
    )


def _all_or_nothing(contender: Contender, items: Iterable[str]) -> bool:
    return all(contender.scores[i] in (0.0, 1.0) for i in items)


PHRASES = {"beats": "beats", "not_shown": "was not shown to beat", "does_not_beat": "did not beat"}


def _sentence(best: Comparison, outcome: Outcome, word: str) -> str:
    low, high = 100 * best.low, 100 * best.high
    return (
        f"The best agent {best.finalist.name} {PHRASES[outcome]} the best {word} {best.baseline.name} "
        f"on {best.finalist.items} fresh test items: {best.finalist} against {best.baseline}, "
        f"{100 * best.difference:+.1f} points [{low:.1f}, {high:.1f}], {_p_value(best.p_holm)}."
    )


def _p_value(p: float) -> str:
    if p < 0.0001:
        return "p < 0.0001"
    return f"p = {p:.4f}" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _cost(best: Comparison) -> str:
    mine, other = best.finalist, best.baseline
    text = f"It uses {mine.tokens_per_item:,.0f} tokens per item, {other.name} {other.tokens_per_item:,.0f}"
    if mine.tokens_per_item and other.tokens_per_item:
        text += f" ({mine.tokens_per_item / other.tokens_per_item:.2g} times as many)"
    if mine.usd_per_item or other.usd_per_item:
        text += f"; ${mine.usd_per_item:.2g} per item against ${other.usd_per_item:.2g}"
    return text + "."


def _notes(
    best: Comparison, bases: Sequence[Contender], tried: Sequence[Contender], word: str
) -> tuple[str, ...]:
    notes = [
        f"Tested by {best.method} on paired items ({best.wins} won, {best.losses} lost, the others tied)"
        + (f", corrected for {len(tried)} finalists after Holm." if len(tried) > 1 else ".")
    ]
    if len(bases) > 1:
        notes.append(
            f"The best of {len(bases)} {word}s was picked on these same items, which favours the {word}, "
            "not the agent."
        )
    if best.finalist.items < len(bases[0].scores) or best.baseline.items < max(len(c.scores) for c in tried):
        notes.append(f"The comparison was cut short: only {best.finalist.items} items were scored for both.")
    left_out = sum(c.left_out for c in (*bases, *tried))
    if left_out:
        notes.append(f"{left_out} results that the endpoint or the budget ended are left out.")
    return tuple(notes)


def _untested(bases: Sequence[Contender], tried: Sequence[Contender], word: str) -> str:
    if tried:
        best = Standing.of(min(tried, key=_rank))
        return (
            f"The best agent {best.name} reached {best} on {best.items} fresh test items; no {word} was "
            "tested beside it."
        )
    if bases:
        base = Standing.of(bases[0])
        return (
            f"No agent that the search found was tested; the best {word} {base.name} reached {base} on "
            f"{base.items} fresh test items."
        )
    return "Nothing was evaluated on the test items, so that nothing can be said of the agents found."
