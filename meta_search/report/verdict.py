"""The verdict of a run: did, did not, or was not shown to, beat the best of the baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from meta_search.report.comparing import Comparison, compare_all, rank
from meta_search.report.payback import Paid, Payback, payback, payback_text
from meta_search.report.source import Archive, Record, is_seed, meta_value
from meta_search.report.standing import Contender, Kind, Standing
from meta_search.report.wording import (
    Outcome,
    cost_text,
    notes_of,
    seed_text,
    sentence_of,
    untested_text,
)
from meta_search.types import ItemResult

__all__ = ["Comparison", "Verdict", "archive_verdict", "measure_of", "verdict"]

PARTIAL = 0.05  # scorers give 0.01 for nothing; only more than this is partial credit


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
        seeds: Where a baseline at matched cost decided, one sentence on the best seed alone; else `""`.
        break_even: One sentence on when the search has paid for itself, or `""`.
        paybacks: The best agent against each baseline, as far as costs are known.
    """

    outcome: Outcome
    sentence: str
    cost: str = ""
    notes: tuple[str, ...] = ()
    best: Comparison | None = None
    comparisons: tuple[Comparison, ...] = ()
    baselines: tuple[Standing, ...] = ()
    seeds: str = ""
    break_even: str = ""
    paybacks: tuple[Payback, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """All there is to say, a sentence each, the verdict first."""
        parts = (self.sentence, self.seeds, self.cost, self.break_even, *self.notes)
        return tuple(part for part in parts if part)

    @property
    def text(self) -> str:
        """The same as one paragraph."""
        return " ".join(self.lines)

    def payback(self, agent: str) -> Payback | None:
        """The best agent's break-even against a baseline."""
        return next((p for p in self.paybacks if p.baseline == agent), None)


def verdict(
    baselines: Sequence[Contender],
    finalists: Sequence[Contender],
    *,
    paid: Paid | None = None,
    notes: Sequence[str] = (),
    seed: int = 0,
) -> Verdict:
    """Compare the finalists with the baselines on the test items.

    A finalist beats the baselines if it beats each of them. The best baseline is chosen on the very items of
    the comparison, which favours the baseline, never the finalists. Right/wrong is tested by McNemar's exact
    test, graded scores (repeats of an item included) by a paired permutation test; p-values are
    Holm-corrected over the finalists.

    Args:
        baselines: Hand-made agents, and those at matched cost where they were run.
        finalists: Agents that the search chose, by train and validation items.
        paid: What the run paid; without it there is no break-even.
        notes: What else a reader must know of the baselines, a sentence each.
        seed: Seed of the permutation test and the bootstrap.
    """
    bases = sorted((c for c in baselines if c.scores), key=rank)
    tried = [
        replace(c, kind="found")
        for c in finalists
        if c.scores and (not bases or c.scores.keys() & bases[0].scores.keys())
    ]
    if tried and bases:
        return _compared(tried, bases, paid or Paid(), notes, seed)
    standings = tuple(Standing.of(c) for c in bases)
    return Verdict("untested", untested_text(bases, tried), notes=tuple(notes), baselines=standings)


def _compared(
    tried: Sequence[Contender], bases: Sequence[Contender], paid: Paid, notes: Sequence[str], seed: int
) -> Verdict:
    compared = compare_all(tried, bases, seed)
    best, outcome = compared[0], _outcome(compared[0])
    paybacks = _paybacks(best, tried, bases, paid, seed)
    decided = next((p for p in paybacks if p.baseline == best.baseline.agent), None)
    return Verdict(
        outcome=outcome,
        sentence=sentence_of(best, outcome),
        cost=cost_text(best),
        notes=(*notes_of(best, bases, tried), *notes),
        best=best,
        comparisons=tuple(compared),
        baselines=tuple(Standing.of(c) for c in bases),
        seeds=_seeds(best, tried, bases, seed),
        break_even=payback_text(decided, paid.seconds, outcome == "beats", paid.thought) if decided else "",
        paybacks=paybacks,
    )


def _outcome(c: Comparison) -> Outcome:
    if c.difference <= 0:
        return "does_not_beat"
    return "beats" if c.significant else "not_shown"


def _seeds(best: Comparison, tried: Sequence[Contender], bases: Sequence[Contender], seed: int) -> str:
    """The best agent against the seeds alone, where it was held against something harder."""
    seeds = [c for c in bases if c.kind == "seed"]
    if best.baseline.kind == "seed" or not seeds:
        return ""
    shared = [c for c in tried if c.scores.keys() & seeds[0].scores.keys()]
    alone = [c for c in compare_all(shared, seeds, seed) if c.finalist.agent == best.finalist.agent]
    return seed_text(alone[0], _outcome(alone[0]), _outcome(best) == "beats") if alone else ""


def _paybacks(
    best: Comparison, tried: Sequence[Contender], bases: Sequence[Contender], paid: Paid, seed: int
) -> tuple[Payback, ...]:
    mine = next(c for c in tried if c.agent == best.finalist.agent)
    return tuple(found for c in bases if (found := payback(mine, c, paid, seed)) is not None)


def measure_of(rows: Iterable[ItemResult]) -> Literal["right", "score"]:
    """Whether a domain is right or wrong, or graded: most scores worth the name lie below 1."""
    credited = [r.score or 0.0 for r in rows if (r.score or 0.0) > PARTIAL]
    return "score" if sum(score < 1 for score in credited) > len(credited) / 2 else "right"


def archive_verdict(archive: Archive, *, seed: int = 0) -> Verdict:
    """The verdict rebuilt from a run's archive: who met in the final report, on what is archived of it.

    Where there was none yet, all that were found against all that are hand-made, as far as they have test
    results. Scores count as right or wrong, unless most scores worth the name lie below 1 (a graded domain).
    """
    final = meta_value(archive, "final")
    final = final if isinstance(final, Mapping) else {}
    tested = [r for r in archive.agents() if "test" in r.evaluations]
    if final:
        met = {*final.get("finalists", ()), *final.get("baselines", ())}
        tested = [r for r in tested if r.agent.id in met]
    results = {r.agent.id: list(archive.results(r.agent.id, "test", trace=False)) for r in tested}
    measure = measure_of(row for rows in results.values() for row in rows)
    contenders = [
        Contender.of(r.agent.id, r.agent.name, results[r.agent.id], measure, _kind(r)) for r in tested
    ]
    lost = final.get("left_out", {})  # what the endpoint or the budget ended is not archived
    contenders = [replace(c, left_out=c.left_out + int(lost.get(c.agent, 0))) for c in contenders]
    return verdict(
        [c for c in contenders if c.kind != "found"],
        [c for c in contenders if c.kind == "found"],
        paid=Paid.of(final.get("paid")),
        notes=[str(note) for note in final.get("notes", ())],
        seed=seed,
    )


def _kind(record: Record) -> Kind:
    if "baseline" in (record.operator, record.status):
        return "matched"
    return "seed" if is_seed(record) else "found"
