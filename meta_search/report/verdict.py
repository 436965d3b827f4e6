"""The verdict of a run: did, did not, or was not shown to, beat the best of the baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from meta_search.report.comparing import (
    ALPHA,
    SHARE,
    Comparison,
    best_baseline,
    compare,
    compare_all,
    missing,
    rank,
)
from meta_search.report.payback import Paid, Payback, payback, payback_text
from meta_search.report.power import power_line
from meta_search.report.source import Archive, Record, is_seed, meta_value, tells_free
from meta_search.report.standing import Contender, Kind, Measure, Standing
from meta_search.report.wording import (
    Outcome,
    cost_text,
    no_verdict_text,
    notes_of,
    own_text,
    seed_text,
    sentence_of,
    untested_text,
)
from meta_search.types import OWN, ItemResult, free_text

__all__ = [
    "Comparison",
    "Verdict",
    "archive_verdict",
    "measure_of",
    "score_line",
    "untested",
    "verdict",
]

PARTIAL = 0.05  # scorers give 0.01 for nothing; only more than this is partial credit


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the final report says.

    Attributes:
        outcome: `beats`, `no_claim` (it beats what it was tested against, but the baseline at matched cost
            was not tested), `not_shown`, `does_not_beat`, `no_verdict` (too much came to no score), or
            `untested`.
        sentence: One plain sentence with all numbers.
        cost: One sentence on used tokens and cost per item, or `""`.
        notes: What a careful reader must know, a sentence each.
        best: The comparison that the sentence speaks of, or `None`.
        comparisons: All finalists, best first.
        baselines: All baselines, best first.
        seeds: Where a baseline at matched cost decided, one sentence on the best seed alone; else `""`.
        break_even: One sentence on when the search has paid for itself, or `""`.
        paybacks: The best agent against each baseline, as far as costs are known.
        own: Where another baseline decided, one sentence on each of the person's own agents.
        take: The agent that a user should take: the best agent where it beats the baselines, else the best of
            these; see `best_baseline`.
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
    own: tuple[str, ...] = ()
    take: Standing | None = None

    @property
    def power(self) -> str:
        """What as few test items can show, one line; `""` where they are enough."""
        items = max((c.finalist.items for c in self.comparisons), default=0)
        return power_line(items)

    @property
    def lines(self) -> tuple[str, ...]:
        """All there is to say, a sentence each, the verdict first."""
        parts = (self.sentence, *self.own, self.seeds, self.cost, self.break_even, *self.notes)
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
    the comparison, which favours the baseline, never the finalists. Right/wrong is tested by the mid-p
    version of McNemar's test, graded scores (repeats of an item included) by one of bounded means; finalists
    are tested in their order, see `compare_all`. Where baselines at matched cost are named and none of them
    was tested on the same items, nothing is claimed. An agent must not choose which items count: what came to
    no score counts against the finalists, and more than 5 % of it, of a finalist or a baseline, leaves no
    verdict.

    Args:
        baselines: Hand-made agents, and those at matched cost, with no scores where they were not run.
        finalists: Agents that the search chose, by train and validation items, the most promising first.
        paid: What the run paid; without it there is no break-even.
        notes: What else a reader must know of the baselines, a sentence each.
        seed: Seed of what is drawn for graded scores.
    """
    bases = sorted((c for c in baselines if c.met), key=rank)
    tried = [replace(c, kind="found") for c in finalists if c.met and (not bases or c.met & bases[0].met)]
    if tried and bases:
        return _compared(tried, bases, missing(baselines, bases), paid or Paid(), notes, seed)
    standings = tuple(Standing.of(c) for c in bases)
    take = best_baseline(bases, seed) if bases else min(tried, key=rank, default=None)
    return Verdict(
        "untested",
        untested_text(bases, tried),
        notes=tuple(notes),
        baselines=standings,
        take=Standing.of(take) if take else None,
    )


def _compared(
    tried: Sequence[Contender],
    bases: Sequence[Contender],
    not_tested: str,
    paid: Paid,
    notes: Sequence[str],
    seed: int,
) -> Verdict:
    compared = compare_all(tried, bases, seed)
    best = compared[0]
    outcome = _outcome(best, not_tested)
    if outcome == "no_verdict":
        return Verdict(
            outcome=outcome,
            sentence=no_verdict_text([*tried, *bases]),
            notes=tuple(notes),
            best=best,
            comparisons=tuple(compared),
            baselines=tuple(Standing.of(c) for c in bases),
            take=Standing.of(best_baseline(bases, seed)),
        )
    alone = _seeds(best, tried, bases, seed)
    told = {best.baseline.agent, *([alone.baseline.agent] if alone else [])}
    others = [c for c in bases if c.kind == "own" and c.agent not in told]
    paybacks = _paybacks(best, tried, bases, paid, seed)
    decided = next((p for p in paybacks if p.baseline == best.baseline.agent), None)
    return Verdict(
        outcome=outcome,
        sentence=sentence_of(best, outcome, not_tested if outcome == "no_claim" else ""),
        cost=cost_text(best),
        notes=(*notes_of(best, bases, tried), *notes),
        best=best,
        comparisons=tuple(compared),
        baselines=tuple(Standing.of(c) for c in bases),
        seeds=seed_text(alone, _outcome(alone), outcome == "beats") if alone else "",
        own=_own(best, not_tested, tried, others, seed),
        take=best.finalist if outcome == "beats" else Standing.of(best_baseline(bases, seed)),
        break_even=payback_text(decided, paid.seconds, outcome == "beats", paid.thought) if decided else "",
        paybacks=paybacks,
    )


def _outcome(c: Comparison, not_tested: str = "") -> Outcome:
    if c.unsettled:
        return "no_verdict"
    if c.difference <= 0:
        return "does_not_beat"
    if not c.significant:
        return "not_shown"
    return "no_claim" if not_tested else "beats"


def _own(
    best: Comparison,
    not_tested: str,
    tried: Sequence[Contender],
    own: Sequence[Contender],
    seed: int,
) -> tuple[str, ...]:
    """The best agent against each of the person's own agents alone.

    Who beats all baselines beats each of them (`compare_all`). Otherwise each is a claim of its own, so that
    their p-values and intervals are corrected together, over all of them (Bonferroni).
    """
    mine = next(c for c in tried if c.agent == best.finalist.agent)
    met = [c for c in own if mine.met & c.met]
    found = []
    for c in (compare(mine, other, 1 - ALPHA / len(met), seed) for other in met):
        implied = _outcome(best) == "beats" and c.finalist.items >= SHARE * best.finalist.items
        p = min(1.0, len(met) * c.p)
        told = replace(c, p_adjusted=min(p, best.p_adjusted) if implied else p)
        found.append(own_text(told, _outcome(told, not_tested)))
    return tuple(found)


def _seeds(
    best: Comparison, tried: Sequence[Contender], bases: Sequence[Contender], seed: int
) -> Comparison | None:
    """The best agent against the seeds alone, where it was held against something harder."""
    seeds = [c for c in bases if c.kind != "matched"]
    if best.baseline.kind != "matched" or not seeds:
        return None
    shared = [c for c in tried if c.met & seeds[0].met]
    alone = [c for c in compare_all(shared, seeds, seed) if c.finalist.agent == best.finalist.agent]
    return alone[0] if alone else None


def _paybacks(
    best: Comparison, tried: Sequence[Contender], bases: Sequence[Contender], paid: Paid, seed: int
) -> tuple[Payback, ...]:
    mine = next(c for c in tried if c.agent == best.finalist.agent)
    return tuple(found for c in bases if (found := payback(mine, c, paid, seed)) is not None)


def measure_of(rows: Iterable[ItemResult]) -> Measure:
    """Whether a domain is right or wrong, or graded: most scores worth the name lie below 1."""
    credited = [r.score or 0.0 for r in rows if (r.score or 0.0) > PARTIAL]
    return "score" if sum(score < 1 for score in credited) > len(credited) / 2 else "right"


def score_line(rows: Sequence[ItemResult], tells: bool = True) -> str:
    """What came of scored results, in a line of a running search: `83% right`, or of graded ones a mean.

    Args:
        rows: Scored results.
        tells: Whether it says which share of them was answered without a call, where it is not 0.
    """
    n = max(1, len(rows))
    free = free_text(sum(r.model_free for r in rows) / n) if tells else ""
    free = f" ({free})" if free else ""
    if measure_of(rows) == "score":
        return f"mean score {sum(r.score or 0.0 for r in rows) / n:.2f}{free}"
    return f"{sum(r.right for r in rows) / n:.0%} right{free}"


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
    results = {r.agent.id: _counted(archive, r.agent.id, final) for r in tested}
    measure = measure_of(row for rows in results.values() for row in rows)
    tells = tells_free(archive)
    contenders = [
        Contender.of(r.agent.id, r.agent.name, results[r.agent.id], measure, _kind(r), tells) for r in tested
    ]
    lost = final.get("left_out", {})
    counts = {agent: n for agent, n in lost.items() if isinstance(n, int)}  # of an older version
    contenders = [replace(c, left_out=c.left_out + counts.get(c.agent, 0)) for c in contenders]
    contenders += [untested(str(name)) for name in final.get("untested", ())]
    chosen = {str(agent): n for n, agent in enumerate(final.get("finalists", ()))}
    contenders.sort(key=lambda c: chosen.get(c.agent, len(chosen)))
    return verdict(
        [c for c in contenders if c.kind != "found"],
        [c for c in contenders if c.kind == "found"],
        paid=Paid.of(final.get("paid")),
        notes=[str(note) for note in final.get("notes", ())],
        seed=seed,
    )


def _counted(archive: Archive, agent: str, final: Mapping[str, Any]) -> list[ItemResult]:
    """What counts of an agent's results on the test items, those without a score among them.

    The latter are not archived, but named in `final`; see `final.report`.
    """
    cut = {(str(item), int(repeat)) for item, repeat in final.get("cut", {}).get(agent, ())}
    rows = [r for r in archive.results(agent, "test", trace=False) if (r.item, r.repeat) not in cut]
    lost = final.get("left_out", {}).get(agent, ())
    named = () if isinstance(lost, int) else lost
    return rows + [ItemResult(agent, "test", str(item), int(n), kind) for item, n, kind in named]


def untested(name: str) -> Contender:
    """A baseline at matched cost that had to be tested and was not."""
    return Contender("", name, {}, kind="matched")


def _kind(record: Record) -> Kind:
    if "baseline" in (record.operator, record.status):
        return "matched"
    if is_seed(record) and record.author == OWN:
        return "own"
    return "seed" if is_seed(record) else "found"
