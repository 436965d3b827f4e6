"""A part of a prompt: its text, what it is worth, and how it becomes shorter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from meta_search.authors.sight.quoting import fenced, quoted
from meta_search.authors.sight.tokens import tokens

__all__ = ["NEVER", "Part", "Piece", "Said", "Source", "fitted", "nothing", "of_pieces"]

LEAST = 24  # tokens in which a quotation says anything
NEVER = 10**9


def nothing(room: int) -> str:
    """How a part becomes shorter that is whole or not there."""
    return ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a prompt, made of a context.

    Attributes:
        name: As templates call it.
        whole: All that it has to say; `""` where that is nothing.
        shrink: Tokens -> a text of so many at most, `""` where it cannot say anything useful in them.
        share: Of the room, 0..1, that it is sure of; what others leave goes to the parts in order of worth.
        missed: What the prompt says is left out where the part found no room; `""` says nothing.
        least: Tokens that it gets before any other part gets more than these: without them the prompt is of
            little use.
    """

    name: str
    whole: str
    shrink: Callable[[int], str] = nothing
    share: float = 0.1
    missed: str = ""
    least: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody else's words, to be quoted.

    Attributes:
        text: The words.
        most: Characters that they are bounded to.
    """

    text: str
    most: int = 4_000


@dataclass(frozen=True, slots=True)
class Source:
    """A source, to be fenced."""

    text: str


Piece = str | Said | Source


def fitted(pieces: Sequence[Piece], room: int) -> str:
    """Pieces one below the other in so many tokens at most: our own words whole, what is quoted shortened.

    Short quotations get all that they need, and long ones share the rest alike.

    Returns:
        `""` where our own words do not fit, or a quotation would say nothing any more.
    """
    kept = [piece for piece in pieces if _text(piece).strip()]
    texts = [piece if isinstance(piece, str) else "" for piece in kept]
    left = room - sum(tokens(text) for text in texts) - len(kept)
    needs = {i: _needed(piece) for i, piece in enumerate(kept) if not isinstance(piece, str)}
    for done, place in enumerate(sorted(needs, key=lambda i: needs[i])):
        share = max(0, left) // (len(needs) - done)
        shown = _shown(kept[place], min(share, needs[place]))
        if not shown or left < 0:
            return ""
        texts[place] = shown
        left -= tokens(shown)
    return "\n".join(texts) if left >= 0 else ""


def of_pieces(
    name: str,
    pieces: Sequence[Piece],
    share: float,
    missed: str = "",
    *,
    shorter: Sequence[Sequence[Piece]] = (),
    least: int = 0,
) -> Part:
    """A part made of pieces.

    Args:
        name: Of the part.
        pieces: What it says.
        share: As in `Part`.
        missed: As in `Part`.
        shorter: Shorter ways to say it, longest first, for rooms that do not hold the whole.
        least: As in `Part`.
    """

    def shrink(room: int) -> str:
        return next((text for way in (pieces, *shorter) if (text := fitted(way, room))), "")

    return Part(name, fitted(pieces, NEVER), shrink, share, missed, least)


def _text(piece: Piece) -> str:
    return piece if isinstance(piece, str) else piece.text


def _shown(piece: Piece, room: int) -> str:
    if isinstance(piece, Said):
        return quoted(piece.text, room, piece.most)
    return fenced(_text(piece), room)


@lru_cache(maxsize=1024)
def _needed(piece: Piece) -> int:
    """Tokens of a quotation where there is room for all of it."""
    return tokens(_shown(piece, NEVER))
