"""The bandit: it learns what pays, pools, waits, recovers from a wrong prior, and knows how sure it is."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from typing import Any

import pytest

from meta_search.config import SearchConfig
from meta_search.guide.bandit import Arm, Bandit, Menu, Outlook, Tried, arm_of
from meta_search.guide.guide import PARENT_RULES
from meta_search.guide.opening import Choices
from meta_search.guide.pooled import Observation, Prior, fitted

CHOICES = Choices(SearchConfig().operators, ("llm", "composer"), ("plan", "edit", "program"))
OTHERS = {"parents": PARENT_RULES, "temperature": (0.3, 0.6, 0.9), "inspirations": range(4)}
MENU = Menu(CHOICES, OTHERS)
GOOD = Arm("simplify", "llm")


def params(operator: str, author: str, **more: Any) -> dict[str, Any]:
    return {"operator": operator, "author": author, "parents": "best", **more}


def played(
    briefs: int, gain: Any, before: tuple[Tried, ...] = (), seed: int = 0, menu: Menu = MENU
) -> list[Tried]:
    """Ask and tell one after the other; `gain` is a function of the parameters."""
    past: list[Tried] = []
    for number in range(briefs):
        chosen = Bandit(past, before, menu).choose(1000 * seed + number)
        past.append(Tried(chosen, gain(chosen)))
    return past


def arms(past: list[Tried]) -> Counter[Arm]:
    return Counter(arm_of(row.params) for row in past)


def good(chosen: Any) -> float:
    return 0.3 if arm_of(chosen) == GOOD else 0.0


def test_arms_are_what_can_be_carried_out() -> None:
    found = MENU.arms()
    assert Arm("tune", "composer") in found
    assert Arm("tune", "llm") not in found  # the composer carries it out, whoever was chosen
    assert Arm("reflect", "composer") not in found
    alone = Menu(Choices(("tune", "novel"), ("llm",)), OTHERS).arms()
    assert alone == {Arm("tune", "composer"): "llm", Arm("novel", "llm"): "llm"}


def test_it_asks_for_what_pays() -> None:
    late = arms([row for seed in range(3) for row in played(50, good, seed=seed)[25:]])
    assert late[GOOD] > 0.6 * late.total()


def test_what_pays_is_found_below_the_arm_too() -> None:
    def formed(chosen: Any) -> float:
        return 0.4 if chosen["format"] == "program" else 0.05

    menu = Menu(Choices(("mutate",), ("llm",), ("plan", "edit", "program")), OTHERS)
    late = Counter(row.params["format"] for row in played(40, formed, menu=menu)[15:])
    assert late["program"] >= 18  # of 25


def test_an_author_is_known_by_its_other_operators() -> None:
    past = [Tried(params(o, "llm"), 0.4) for o in ("novel", "mutate", "crossover", "bootstrap")] * 2
    past += [Tried(params(o, "composer"), 0.0) for o in ("novel", "mutate", "crossover", "bootstrap")] * 2
    known = {s.arm: s for s in Bandit(past, (), MENU).outlooks()}
    untried = known[Arm("simplify", "llm")], known[Arm("simplify", "composer")]
    assert untried[0].gain > untried[1].gain + 0.03
    assert untried[0].briefs == 0
    # It is less sure of what it has not seen.
    width = {arm: s.high - s.low for arm, s in known.items()}
    assert width[Arm("simplify", "llm")] > width[Arm("novel", "llm")]


def test_a_cheap_arm_is_preferred_to_a_dear_one_that_brings_as_much() -> None:
    past = [Tried(params("novel", "llm"), 0.2, 8.0), Tried(params("mutate", "llm"), 0.2, 0.5)] * 8
    known = Bandit(past, (), MENU).outlooks()
    order = [s.arm for s in known]
    assert order.index(Arm("mutate", "llm")) < order.index(Arm("novel", "llm"))
    assert next(s.cost for s in known if s.arm == Arm("novel", "llm")) > 4.0


def test_a_brief_under_way_counts_as_a_mild_loss() -> None:
    past = [Tried(params(GOOD.operator, GOOD.author), 0.1)] * 3

    def of(more: list[Tried]) -> float:
        return next(s.gain for s in Bandit([*past, *more], (), MENU).outlooks() if s.arm == GOOD)

    waiting, lost = Tried(params(*_words(GOOD)), None), Tried(params(*_words(GOOD)), 0.0)
    assert of([]) > of([waiting]) > of([lost])
    # Asked for all at once, briefs differ.
    asked: list[Tried] = list(past)
    for number in range(8):
        asked.append(Tried(Bandit(asked, (), MENU).choose(number), None))
    assert len(arms(asked[3:])) >= 3


def _words(arm: Arm) -> tuple[str, str]:
    return arm.operator, arm.author


def test_it_recovers_from_a_wrong_prior_and_gains_by_a_right_one() -> None:
    wrong = tuple(Tried(params("novel", "composer"), 0.5, weight=2.0) for _ in range(8))
    right = tuple(Tried(params(*_words(GOOD)), 0.3, weight=2.0) for _ in range(8))
    misled, informed = played(60, good, wrong), played(60, good, right)
    assert arms(misled[:5])[GOOD] < 5
    assert arms(misled[40:])[GOOD] > 10  # of 20
    assert arms(informed[:10])[GOOD] >= 8


def test_what_is_long_ago_counts_less() -> None:
    early = [Tried(params("novel", "llm"), 0.4)] * 20
    then = [Tried(params("novel", "llm"), 0.0)] * 60
    gains = [
        next(s.gain for s in Bandit(rows, (), MENU).outlooks() if s.arm == Arm("novel", "llm"))
        for rows in ([*early, *then], [*then, *early])
    ]
    assert gains[1] > gains[0] + 0.02


def test_the_same_past_and_seed_choose_the_same() -> None:
    past = played(12, good)
    assert [Bandit(past, (), MENU).choose(n) for n in range(5)] == [
        Bandit(list(past), (), MENU).choose(n) for n in range(5)
    ]
    assert len({str(Bandit(past, (), MENU).choose(n)) for n in range(20)}) > 5


def test_only_what_may_be_asked_for_is_chosen() -> None:
    menu = Menu(Choices(("novel", "crossover"), ("llm",), ("edit", "program")), OTHERS)
    past = played(30, good, menu=menu)
    assert {row.params["operator"] for row in past} == {"novel", "crossover"}
    assert {row.params["format"] for row in past if row.params["operator"] == "novel"} == {"program"}
    pairs = {row.params["parents"] for row in past if row.params["operator"] == "crossover"}
    assert pairs <= {"complementary", "expected"}


def simulated(rng: random.Random) -> tuple[dict[Arm, float], list[Tried]]:
    """Gains as the model has them, and briefs drawn uniformly."""
    own: dict[str, float] = {}
    true = {
        arm: 0.06 + sum(0.045 * own.setdefault(n, rng.gauss(0, 1)) for n in (arm.operator, arm.author))
        + 0.045 * rng.gauss(0, 1)
        for arm in MENU.arms()
    }  # fmt: skip
    asked = rng.choices(list(true), k=40)
    return true, [
        Tried({"operator": a.operator, "author": a.author}, true[a] + rng.gauss(0, 0.15)) for a in asked
    ]


def test_intervals_hold_what_is_true_as_often_as_they_say() -> None:
    rng, inside = random.Random(1), []
    for _ in range(60):
        true, past = simulated(rng)
        found: list[Outlook] = Bandit(past, (), MENU).outlooks()
        inside += [s.low <= true[s.arm] <= s.high for s in found]
    assert 0.9 < statistics.fmean(inside) < 0.99


@pytest.mark.parametrize("n", [1, 30])
def test_effects_are_those_of_the_textbook(n: int) -> None:
    """One group of one effect: the posterior mean is a weighted mean of prior and data."""
    prior = Prior(mean=0.0, noise=1.0, spreads={"a": 0.5}, mean_spread=1e-6)
    found = fitted([Observation((("a", "x"),), 2.0)] * n, [("a", "x"), ("a", "y")], prior)
    assert found.of([("a", "x")])[0] == pytest.approx(2.0 * n / (n + 4), rel=1e-3)
    assert found.of([("a", "y")])[0] == pytest.approx(0.0, abs=1e-3)
    heavy = fitted([Observation((("a", "x"),), 2.0, float(n))], [("a", "y")], prior)
    assert heavy.of([("a", "x")])[0] == pytest.approx(2.0 * n / (n + 4), rel=1e-3)
    assert heavy.noise == pytest.approx(found.noise)
