"""The verdict in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from meta_search.report.comparing import Comparison, rank
from meta_search.report.money import plain_usd
from meta_search.report.standing import Contender, Standing
from meta_search.text import one_line

__all__ = [
    "Outcome",
    "cost_text",
    "gap_text",
    "no_verdict_text",
    "notes_of",
    "own_text",
    "seed_text",
    "sentence_of",
    "untested_text",
]

Outcome = Literal["beats", "no_claim", "not_shown", "does_not_beat", "no_verdict", "untested"]

PHRASES = {
    "beats": "beats",
    "no_claim": "scored higher than",
    "not_shown": "was not shown to beat",
    "does_not_beat": "did not beat",
    "no_verdict": "could not be compared with",
}
FAULTS = {"llm": "the endpoint failed", "scorer": "the scorer failed", "budget": "the budget ran out"}
MATCHED = (0.75, 1.33)  # cost of a matched baseline per cost of the agent: beyond, a note says so


def sentence_of(best: Comparison, outcome: Outcome, missing: str = "") -> str:
    """The verdict in one sentence with all its numbers.

    Args:
        best: The comparison that it speaks of.
        outcome: Of that comparison.
        missing: Name of the baseline at matched cost where it had to be tested and was not.
    """
    no_claim = f"; not tested against {missing}, so no claim" if missing else ""
    return (
        f"The best agent {best.finalist.name} {PHRASES[outcome]} {_whom(best, outcome)} "
        f"on {_fresh(best.finalist.items)}: {best.finalist} against {best.baseline}, "
        f"{_gap(best)}{no_claim}."
    )


def no_verdict_text(contenders: Sequence[Contender]) -> str:
    """That too much came to no score for a verdict: of whom most did, how much, and why."""
    worst = max(contenders, key=lambda c: c.left_out / max(1, c.left_out + c.results))
    lost, of = worst.left_out, worst.left_out + worst.results
    return (
        f"No verdict: {lost} of {of} results of {one_line(worst.name, 48)} on the test items "
        f"({100 * lost / of:.1f} %) came to no score, since {_why([worst])}."
    )


def _why(contenders: Sequence[Contender]) -> str:
    """Why results came to no score."""
    kinds = {kind for c in contenders for kind in c.faults}
    told = [text for kind, text in FAULTS.items() if kind in kinds]
    return " and ".join(told) or "the endpoint or the scorer failed"


def _whom(c: Comparison, outcome: Outcome) -> str:
    """The baseline with what it is to the reader."""
    if c.baseline.kind == "own":
        return f"{'your' if outcome in ('beats', 'no_claim') else 'your own agent'} {c.baseline.name}"
    return f"the {_word(c)} {c.baseline.name}"


def _word(best: Comparison) -> str:
    word = "seed" if best.baseline.kind == "seed" else "baseline"
    return f"best {word}" if best.best else word


def gap_text(c: Comparison) -> str:
    """The difference with its interval: in points, or, of graded scores, as a mean score."""
    if c.finalist.measure == "score":
        return f"{c.difference:+.2f} [{c.low:.2f}, {c.high:.2f}]"
    return f"{100 * c.difference:+.1f} points [{100 * c.low:.1f}, {100 * c.high:.1f}]"


def _gap(c: Comparison) -> str:
    return f"{gap_text(c)}, {_p_value(c.p_adjusted)}"


def _p_value(p: float) -> str:
    if p < 0.0001:
        return "p < 0.0001"
    return f"p = {p:.4f}" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def seed_text(alone: Comparison, outcome: Outcome, beaten: bool) -> str:
    """How the agent stands against the seeds alone, where a matched baseline decided.

    Args:
        alone: The comparison with the best seed.
        outcome: Of that comparison.
        beaten: Whether the agent beats the matched baselines too.
    """
    less = ", but was not shown to beat the baselines at matched cost"
    name = alone.baseline.name
    whom = f"your {name}" if alone.baseline.kind == "own" else f"the {_word(alone)}, {name}"
    return (
        f"Against the seeds alone, it {PHRASES[outcome]} {whom} "
        f"({alone.baseline}, {_gap(alone)}){'' if beaten or outcome != 'beats' else less}."
    )


def own_text(alone: Comparison, outcome: Outcome) -> str:
    """How the agent stands against a person's own agent, where another baseline decided."""
    return f"It {PHRASES[outcome]} {_whom(alone, outcome)} ({alone.baseline}, {_gap(alone)})."


def cost_text(best: Comparison) -> str:
    """One sentence on used tokens and cost per item."""
    mine, other = best.finalist, best.baseline
    text = f"It uses {mine.tokens_per_item:,.0f} tokens per item, "
    if mine.tokens_per_item and other.tokens_per_item:
        ratio = f"{mine.tokens_per_item / other.tokens_per_item:.2g}"
        many = "about as many as" if ratio == "1" else f"{ratio}× as many as"
        text += f"{many} {other.name} ({other.tokens_per_item:,.0f})"
    else:
        text += f"{other.name} {other.tokens_per_item:,.0f}"
    if mine.usd_per_item or other.usd_per_item:
        text += f"; {_usd(mine.usd_per_item)} per item against {_usd(other.usd_per_item)}"
    return text + "."


def _usd(usd: float) -> str:
    return f"${plain_usd(usd)}"


def notes_of(best: Comparison, bases: Sequence[Contender], tried: Sequence[Contender]) -> list[str]:
    """What a careful reader must know, a sentence each."""
    order = f"; {len(tried)} finalists in the order in which the search chose them" if len(tried) > 1 else ""
    order += ", each only if the one before beat the baselines" if order else ""
    counts = f"{best.wins} won, {best.losses} lost, the rest tied"
    notes = [f"Tested by {best.method} on paired items ({counts}){order}."]
    if len(bases) > 1:
        word = "seed" if all(c.kind == "seed" for c in bases) else "baseline"
        all_of_them = f"both {word}s" if len(bases) == 2 else f"all {len(bases)} {word}s"
        notes.append(
            f"It had to beat {all_of_them}. The best {word} was chosen on these same test items, so the "
            f"comparison favours the {word}."
        )
    notes += [text for c in bases if (text := _mismatch(best.finalist, c))]
    if best.finalist.items < len(bases[0].met) or best.baseline.items < max(len(c.met) for c in tried):
        n = best.finalist.items
        scored = f"{n} item was" if n == 1 else f"{n} items were"
        notes.append(f"The comparison was cut short: only {scored} scored for both.")
    spoiled = [c for c in (*bases, *tried) if c.left_out]
    if spoiled:
        count = sum(c.left_out for c in spoiled)
        results, them = ("result", "it") if count == 1 else ("results", "them")
        notes.append(
            f"{count} {results} came to no score ({_why(spoiled)}); the test counts {them} against the "
            "finalist."
        )
    if declined := sum(bool(share) for c in bases for share in c.declined.values()):
        notes.append(
            f"The endpoint declined calls of baselines on {declined} item{'' if declined == 1 else 's'}; the "
            "test counts them for the baselines."
        )
    return notes


def _mismatch(mine: Standing, contender: Contender) -> str:
    if contender.kind != "matched" or not mine.tokens_per_item:
        return ""
    base = Standing.of(contender)
    ratio = base.tokens_per_item / mine.tokens_per_item
    if MATCHED[0] <= ratio <= MATCHED[1]:
        return ""
    return f"{base.name} was meant to match the agent's cost, but used {ratio:.2g}× its tokens per item."


def untested_text(bases: Sequence[Contender], tried: Sequence[Contender]) -> str:
    """What can be said where there is nothing to compare."""
    if tried:
        best = Standing.of(min(tried, key=rank))
        return (
            f"The best agent {best.name} reached {best} on {_fresh(best.items)}; no seed was "
            "tested for comparison, so no claim."
        )
    if bases:
        base = Standing.of(bases[0])
        own = [Standing.of(c) for c in bases[1:] if c.kind == "own"]
        first = f"your {base.name}" if base.kind == "own" else f"the best seed {base.name}"
        others = "".join(f", your {s.name} {s}" for s in own)
        return (
            f"No agent found by the search was tested; {first} reached {base}{others} on "
            f"{_fresh(base.items)}."
        )
    return "Nothing was evaluated on the test items, so nothing can be said about the agents found."


def _fresh(items: int) -> str:
    return f"{items} fresh test item{'' if items == 1 else 's'}"
