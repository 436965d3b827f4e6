"""What people have told the meta agent while the search ran (`meta-search steer RUN note "…"`)."""

from __future__ import annotations

from meta_search.run.steered import Steered

__all__ = ["MOST", "Hints"]

MOST = 8  # hints that stand in prompts, the newest


class Hints:
    """Hints for every brief that is asked for after them, whoever writes it.

    They join `author.notes`: where these stand in a prompt or in a brief's folder, marked as a person's, the
    hints do, each with who gave it. Without any, prompts are to the letter what they were.
    """

    def __init__(self) -> None:
        self._given: dict[str, Steered] = {}

    def give(self, note: Steered) -> bool:
        """Take a hint in. Returns whether it is new: one that was given before counts as given last."""
        key = " ".join(note.text.split()).casefold()
        new = self._given.pop(key, None) is None
        self._given[key] = note
        return new

    def joined(self, notes: str) -> str:
        """The notes of the configuration with the newest hints.

        Args:
            notes: `author.notes`.
        """
        newest = list(self._given.values())[-MOST:]
        return "\n".join(
            part
            for part in (notes, *(f"{n.text} (a hint of {n.who}, given meanwhile)" for n in newest))
            if part
        )
