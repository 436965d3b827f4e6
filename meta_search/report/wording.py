"""The verdict in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from meta_search.report.comparing import Comparison, rank
from meta_search.report.standing import Contender, Standing

__all__ = ["Outcome", "cost_text", "notes_of", "seed_text", "sentence_of", "untested_text"]

Outcome = Literal["beats", "not_shown", "does_not_beat", "untested"]

PHRASES = {"beats": "beats", "not_shown": "was not shown to beat", "does_not_beat": "did not beat"}
MATCHED = (0.75, 1.33)  # cost of a matched baseline per cost of the agent: beyond, it is told


def sentence_of(best: Comparison, outcome: Outcome) -> str:
    """The verdict in one sentence with all its numbers."""
    word = _word(best)
    return (
        f"The best agent {best.finalist.name} {PHRASES[outcome]} the {word} {best.baseline.name} "
        f"on {best.finalist.items} fresh test items: {best.finalist} against {best.baseline}, {_gap(best)}."
    )


def _word(best: Comparison) -> str:
    word = "seed" if best.baseline.kind == "seed" else "baseline"
    return f"best {word}" if best.best else word


def _gap(c: Comparison) -> str:
    return f"{100 * c.difference:+.1f} points [{100 * c.low:.1f}, {100 * c.high:.1f}], {_p_value(c.p_holm)}"


def _p_value(p: float) -> str:
    if p < 0.0001:
        return "p < 0.0001"
    return f"p = {p:.4f}" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def seed_text(alone: Comparison, outcome: Outcome, beaten: bool) -> str:
    """How the agent stands against the seeds alone, where a matched baseline decided.

    Args:
        alone: The comparison. outcome: Of it. beaten: Whether the agent beats the matched baselines too.
    """
    less = ", but not, as far as shown, the baselines at the same cost"
    return (
        f"It {PHRASES[outcome]} the {_word(alone)} alone, {alone.baseline.name} "
        f"({alone.baseline}, {_gap(alone)}){'' if beaten or outcome != 'beats' else less}."
    )


def cost_text(best: Comparison) -> str:
    """One sentence on used tokens and cost per item."""
    mine, other = best.finalist, best.baseline
    text = f"It uses {mine.tokens_per_item:,.0f} tokens per item, {other.name} {other.tokens_per_item:,.0f}"
    if mine.tokens_per_item and other.tokens_per_item:
        text += f" ({mine.tokens_per_item / other.tokens_per_item:.2g} times as many)"
    if mine.usd_per_item or other.usd_per_item:
        text += f"; ${mine.usd_per_item:.2g} per item against ${other.usd_per_item:.2g}"
    return text + "."


def notes_of(best: Comparison, bases: Sequence[Contender], tried: Sequence[Contender]) -> list[str]:
    """What a careful reader must know, a sentence each."""
    notes = [
        f"Tested by {best.method} on paired items ({best.wins} won, {best.losses} lost, the others tied)"
        + (f", corrected for {len(tried)} finalists after Holm." if len(tried) > 1 else ".")
    ]
    if len(bases) > 1:
        word = "baseline" if any(c.kind == "matched" for c in bases) else "seed"
        notes.append(
            f"It had to beat each of {len(bases)} {word}s; the best was picked on these same items, which "
            f"favours the {word}, not the agent."
        )
    notes += [text for c in bases if (text := _mismatch(best.finalist, c))]
    if best.finalist.items < len(bases[0].scores) or best.baseline.items < max(len(c.scores) for c in tried):
        notes.append(f"The comparison was cut short: only {best.finalist.items} items were scored for both.")
    left_out = sum(c.left_out for c in (*bases, *tried))
    if left_out:
        notes.append(f"{left_out} results that the endpoint or the budget ended are left out.")
    return notes


def _mismatch(mine: Standing, contender: Contender) -> str:
    if contender.kind != "matched" or not mine.tokens_per_item:
        return ""
    base = Standing.of(contender)
    ratio = base.tokens_per_item / mine.tokens_per_item
    if MATCHED[0] <= ratio <= MATCHED[1]:
        return ""
    return f"{base.name}, meant to cost the same, used {ratio:.2g} times the agent's tokens per item."


def untested_text(bases: Sequence[Contender], tried: Sequence[Contender]) -> str:
    """What can be said where there is nothing to compare."""
    if tried:
        best = Standing.of(min(tried, key=rank))
        return (
            f"The best agent {best.name} reached {best} on {best.items} fresh test items; no seed was "
            "tested beside it."
        )
    if bases:
        base = Standing.of(bases[0])
        return (
            f"No agent that the search found was tested; the best seed {base.name} reached {base} on "
            f"{base.items} fresh test items."
        )
    return "Nothing was evaluated on the test items, so that nothing can be said of the agents found."
