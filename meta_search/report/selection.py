"""Scores by which agents were chosen: they flatter whom they chose, which every screen says in one way.

The best of many agents was lucky as well as good, so that its score on the items that chose it is too high.
What is shown of it is either corrected, drawn towards the average of all agents as far as its items are few
(`types.drawn_in`), or is named a selection score. Test items choose nobody.
"""

from __future__ import annotations

__all__ = ["CORRECTED", "SELECTION", "SELECTION_NOTE"]

SELECTION = "selection score"
SELECTION_NOTE = (
    "selection scores are too high for the best agents, which were chosen by them; test scores are not"
)
CORRECTED = "corrected for selection"
