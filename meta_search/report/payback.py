"""Break-even: after how many uses a found agent has saved what the search paid for it, if ever.

One use is one item answered. What counts is used cost per item (as if nothing were shared), in US dollars
where calls have a price, else in tokens; a model on one's own machine costs time, for which its tokens stand
(at the pace of the run, what it paid in tokens is the time it took, and both are stated). An agent pays back
only by being cheaper and shown to score no worse. One that is dearer and better buys right answers, at a
price that is stated; it never pays back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from meta_search.report.comparing import gain_interval
from meta_search.report.money import plain_usd
from meta_search.report.paired import mean_interval
from meta_search.report.standing import Contender, Kind, Measure, Standing

__all__ = ["Paid", "Payback", "payback", "payback_text", "uses_text"]

NO_WORSE = 0.05  # of score: an agent is shown to be no worse where it can hardly be so much worse

Case = Literal["pays_back", "gives_up", "buys", "never", "unclear", "unsure"]


@dataclass(frozen=True, slots=True)
class Paid:
    """What the whole run paid, meta agent, failures and final report included.

    Attributes:
        tokens: Prompt and completion tokens.
        usd: US dollars; 0 for local models.
        seconds: Wall time.
        thought: Of the tokens, those of the models' thinking.
    """

    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    thought: int = 0

    @classmethod
    def of(cls, stored: Any) -> Paid:
        """From its JSON; nothing paid where there is none."""
        found = stored if isinstance(stored, Mapping) else {}
        return cls(
            int(found.get("tokens", 0)),
            float(found.get("usd", 0.0)),
            float(found.get("seconds", 0.0)),
            int(found.get("thought", 0)),
        )


@dataclass(frozen=True, slots=True)
class Payback:
    """What a finalist saves per use against one baseline, and what follows.

    Attributes:
        baseline: Id.
        name: As shown.
        kind: `seed`, `own` or `matched`.
        case: `pays_back`: cheaper, and shown to score no worse (`NO_WORSE`). `unsure`: cheaper, scored no
            worse, but on too few items to show that. `gives_up`: cheaper, scored worse. `buys`: dearer,
            scored better. `never`: dearer, no better. `unclear`: the interval of the saving holds 0.
        unit: What costs are counted in.
        paid: What the run paid, in `unit`.
        saving: Mean saving per use, in `unit`; negative where the finalist is dearer.
        low: Lower end of its 95 % interval, over items.
        high: Upper end of it.
        gain: Score of the finalist minus that of the baseline, -1..1.
        least: Lower end of its 95 % interval.
        uses: Number of uses after which the saving has paid back what the run paid; `None` for never.
        soonest: The same at the upper end of the interval; `None` for never.
        latest: The same at its lower end; `None` for never.
        each: `buys`: the price of one more right answer, per use that it takes; `gives_up`: what is saved
            for each right answer given up; else `None`. Of graded scores: of a score of 1 in place of 0.
        measure: What scores are: `right` or wrong, or a graded `score`.
    """

    baseline: str
    name: str
    kind: Kind
    case: Case
    unit: Literal["tokens", "USD"]
    paid: float
    saving: float
    low: float
    high: float
    gain: float
    least: float
    uses: int | None = None
    soonest: int | None = None
    latest: int | None = None
    each: float | None = None
    measure: Measure = "right"


def payback(finalist: Contender, baseline: Contender, paid: Paid, seed: int = 0) -> Payback | None:
    """Break-even of a finalist against a baseline on the items that both were scored on.

    Returns:
        `None` where what was paid is not known, or fewer than two items or no costs are there to compare.
    """
    items = sorted(
        finalist.scores.keys() & baseline.scores.keys() & finalist.costs.keys() & baseline.costs.keys()
    )
    priced = paid.usd > 0 and any(c.costs[i][1] for c in (finalist, baseline) for i in items)
    total = paid.usd if priced else float(paid.tokens)
    savings = [baseline.costs[i][priced] - finalist.costs[i][priced] for i in items]
    if (
        len(items) < 2
        or total <= 0
        or not any(c.costs[i][priced] for c in (finalist, baseline) for i in items)
    ):
        return None
    saving = math.fsum(savings) / len(items)
    gains = [finalist.scores[i] - baseline.scores[i] for i in items]
    gain = math.fsum(gains) / len(items)
    low, high = mean_interval(savings, seed=seed, draws=2_000)
    least = gain_interval(gains, seed)[0]
    case = _case(low, high, gain, least)
    back = case == "pays_back"
    standing = Standing.of(baseline, items)
    return Payback(
        baseline=standing.agent,
        name=standing.name,
        kind=standing.kind,
        case=case,
        unit="USD" if priced else "tokens",
        paid=total,
        saving=saving,
        low=low,
        high=high,
        gain=gain,
        least=least,
        uses=math.ceil(total / saving) if back else None,
        soonest=math.ceil(total / high) if back else None,
        latest=math.ceil(total / low) if back else None,
        each=abs(saving / gain) if case in ("buys", "gives_up") else None,
        measure=standing.measure,
    )


def _case(low: float, high: float, gain: float, least: float) -> Case:
    if low <= 0 <= high:
        return "unclear"
    if low > 0:
        return "gives_up" if gain <= -1e-9 else "pays_back" if least > -NO_WORSE else "unsure"
    return "buys" if gain > 1e-9 else "never"


def payback_text(found: Payback, seconds: float = 0.0, sure: bool = True, thought: int = 0) -> str:
    """One plain sentence.

    Args:
        found: The break-even.
        seconds: How long the run took, 0 where it is not known.
        sure: Whether the finalist was shown to score better.
        thought: Tokens of the models' thinking among those that the run paid.
    """
    thinking = f" ({thought:,} of them thinking)" if thought and found.unit == "tokens" else ""
    took = f" in {_clock(seconds)}" if seconds else ""
    paid, name = f"The run paid {_amount(found.paid, found.unit)}{thinking}{took}", found.name
    low, high = (f"{_plain(x, found.unit)}" for x in (found.low, found.high))
    if found.saving < 0 and found.case != "unclear":  # stated as what it costs more
        low, high = (f"{_plain(-x, found.unit)}" for x in (found.high, found.low))
    amount = f"{_amount(abs(found.saving), found.unit)} [{low}, {high}]"
    each = _amount(found.each, found.unit) if found.each is not None else ""
    doubt = "" if sure else ", if it is better at all"
    uses = f"{found.uses or 0:,} uses [{found.soonest or 0:,}, {found.latest or 0:,}]"
    what = "1.0 of score" if found.measure == "score" else "right answer"
    texts: Mapping[Case, str] = {
        "pays_back": f"{paid}; the agent saves {amount} per use compared with {name} and pays for itself "
        f"after {uses}",
        "unclear": f"{paid}; a saving per use compared with {name} was not shown "
        f"({_plain(found.saving, found.unit)} {found.unit} [{low}, {high}]), so there is no break-even",
        "unsure": f"{paid}; the agent saves {amount} per use compared with {name}, but that it scores no "
        f"worse was not shown (it may be {-100 * found.least:.0f} points worse), so no break-even is claimed",
        "gives_up": f"{paid}; the agent saves {amount} per use compared with {name} but scored lower: each "
        f"{what} given up saves {each}, and no break-even is claimed",
        "buys": f"{paid}; the agent uses {amount} more per use than {name} and never pays for itself; each "
        f"additional {what} costs {each}{doubt}",
        "never": f"{paid} and will not recover that: the agent uses {amount} more per use than {name} and "
        "scored no better",
    }
    return f"{texts[found.case]}."


def uses_text(found: Payback | None) -> str:
    """For a cell of a table: a number of uses, `never`, `not shown`; `-` where it is not known."""
    if found is None:
        return "-"
    if found.case in ("unclear", "unsure"):
        return "not shown"
    return f"{found.uses:,}" if found.uses is not None else "never"


def _plain(value: float, unit: str) -> str:
    if unit == "USD":
        return plain_usd(value)
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:,.1f}"


def _amount(value: float, unit: str) -> str:
    if unit == "USD":
        return f"${plain_usd(value)}"
    return f"{_plain(value, unit)} tokens"


def _clock(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"
