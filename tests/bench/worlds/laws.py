"""What a world may be like: which effects there are, how large, and what an answer scores and costs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COSTS", "LAWS", "Costs", "Law"]


@dataclass(frozen=True, slots=True)
class Law:
    """Standard deviations of effects on the log-odds of a right answer.

    Attributes:
        about: What such worlds are, in a line.
        level: Log-odds of the middle.
        kind: Of kinds of items. item: of items.
        choice: Of choices, the same for all kinds.
        kind_choice: Of choices for one kind.
        pair: Of two choices together, the same for all kinds.
        kind_pair: Of two choices together for one kind.
        item_choice: Of choices for one item.
        item_cell: Of all that is done with an item together.
        per_kind: Weight of choices that each kind has of its own, where that of others is 1.
        noise: What the log-odds are divided by: small where an agent that is run again does the same.
        trap: By how much each choice of the hidden best pair lowers the log-odds by itself; together they
            raise them by thrice as much.
        grain: Share of a score that is all or nothing; 1 is right or wrong.
        loss: Log-odds of a heavy loss, where there are any: the score is 0 then, whatever else.
        loss_spread: Of these log-odds, by choices.
    """

    about: str
    level: float = 0.0
    kind: float = 1.2
    item: float = 1.0
    choice: float = 0.8
    kind_choice: float = 0.0
    pair: float = 0.0
    kind_pair: float = 0.0
    item_choice: float = 0.8
    item_cell: float = 0.6
    per_kind: float = 2.0
    noise: float = 0.3
    trap: float = 0.0
    grain: float = 1.0
    loss: float | None = None
    loss_spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Costs:
    """What an answer costs.

    Attributes:
        about: In a line.
        spread: Standard deviation of the logarithm of a design's tokens, by its choices.
        item: Likewise by items.
        extra: Mean number of further calls that a choice which is not the plainest brings.
    """

    about: str
    spread: float
    item: float
    extra: float


LAWS: dict[str, Law] = {
    "fitted": Law(
        "as the recorded landscapes, by the variance of each part (`tests.bench.worlds.fit`)",
        level=-0.9,
        kind=0.4,
        item=1.3,
        choice=3.5,
        kind_choice=2.5,
        pair=0.4,
        kind_pair=0.8,
        item_choice=1.9,
        item_cell=0.2,
        per_kind=10.0,
    ),
    "additive": Law("choices do the same for all kinds, one by one", choice=1.6),
    "interacting": Law(
        "what a choice does depends on the kind of item and on other choices",
        choice=0.3,
        kind_choice=1.4,
        pair=0.8,
        kind_pair=1.4,
    ),
    "deceptive": Law(
        "each choice of the best pair is bad by itself", choice=0.4, kind_choice=0.6, kind_pair=0.4, trap=1.2
    ),
    "easy": Law("nearly all is right", level=3.0, choice=0.5, kind_choice=0.8, kind_pair=0.4),
    "noisy": Law("little signal", kind=0.5, choice=0.3, kind_choice=0.3, pair=0.1, kind_pair=0.2, noise=1.2),
    "graded": Law("scores between 0 and 1", choice=0.5, kind_choice=0.9, pair=0.3, kind_pair=0.5, grain=0.3),
    "losses": Law(
        "scores between 0 and 1, with rare heavy losses",
        level=1.5,
        kind=0.6,
        item=0.5,
        choice=0.3,
        kind_choice=0.4,
        kind_pair=0.2,
        item_choice=0.3,
        grain=0.15,
        loss=-3.5,
        loss_spread=1.0,
    ),
}

COSTS: dict[str, Costs] = {
    "small": Costs("designs cost much the same", 0.15, 0.15, 0.0),
    "wide": Costs("log-normal: some designs cost ten times as much as others", 0.9, 0.4, 1.0),
}
