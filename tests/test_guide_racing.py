"""Races: who pauses and who is taken up again, that odds hold, and that cost decides between equals only."""

from __future__ import annotations

import random
import re

import pytest

from meta_search.guide.best_seed import chance_to_be_best
from meta_search.guide.racing import FAIR, LOST, Contest, Entrant, Standing, too_expensive
from tests.bench.races import Law, Outcome, made, race

PLANNED = 24
ITEMS = {f"item {n}": "" for n in range(PLANNED)}


def entrant(name: str, scores: str, cost: float = 1.0, seed: bool = False) -> Entrant:
    """From right (1), wrong (0) and no verdict (-) on items in order."""
    told = {f"item {n}": (float(s), 1) for n, s in enumerate(scores) if s != "-"}
    missing = {f"item {n}": 1 for n, s in enumerate(scores) if s == "-"}
    return Entrant(name, told, missing, dict.fromkeys(told, cost), seed, len(scores) == PLANNED)


def contest(*entrants: Entrant, finalists: int = 2, repeats: int = 1) -> Contest:
    return Contest(entrants, ITEMS, repeats, finalists)


BEST, SECOND = entrant("best", "1" * 20 + "0" * 4), entrant("second", "1" * 18 + "0" * 6)
OTHERS = [entrant(f"other {n}", "1" * (12 - n) + "0" * (12 + n)) for n in range(3)]


# -- who pauses


def test_nobody_pauses_before_there_is_anyone_to_pass() -> None:
    assert contest(entrant("new", "000000")).why_pause("new") == ""


def test_a_few_items_decide_nothing() -> None:
    assert contest(BEST, SECOND, *OTHERS, entrant("new", "00")).why_pause("new") == ""


def test_one_with_low_odds_pauses_and_is_told_that_it_may_go_on() -> None:
    told = contest(BEST, SECOND, *OTHERS, entrant("new", "000000000")).why_pause("new")
    assert told == "cannot reach the top 2, even with all other items right"
    unlikely = contest(BEST, SECOND, *OTHERS, entrant("new", "000000")).why_pause("new")
    assert re.fullmatch(r"(under 0\.1|\d\.\d)% chance to reach the top 2", unlikely)
    assert contest(BEST, SECOND, *OTHERS, entrant("new", "111111111")).why_pause("new") == ""


def test_before_a_whole_block_only_the_hopeless_pause() -> None:
    doubtful = contest(BEST, SECOND, *OTHERS, entrant("new", "110"))
    assert doubtful.odds(["new"], SECOND)["new"] < 0.5
    assert doubtful.why_pause("new") == ""


def test_who_cannot_reach_the_last_finalist_has_no_chance() -> None:
    now = contest(BEST, SECOND, *OTHERS, entrant("new", "0" * 7 + "1" * 16))
    assert now.odds(["new"], SECOND)["new"] == 0.0
    assert now.why_pause("new") == "cannot reach the top 2, even with all other items right"


def test_what_came_to_no_score_cannot_come_right_any_more() -> None:
    lost = contest(BEST, SECOND, *OTHERS, entrant("new", "-" * 7 + "1" * 16))
    assert lost.odds(["new"], SECOND)["new"] == 0.0
    assert lost.expected(["new"])["new"] < 17 / PLANNED


@pytest.mark.parametrize("cost", [0.001, 1.0, 1000.0])
def test_cost_never_stops_who_is_ahead(cost: float) -> None:
    now = contest(BEST, SECOND, *OTHERS, entrant("new", "1" * 12, cost))
    assert now.why_pause("new") == ""
    ahead = contest(BEST, SECOND, *OTHERS, entrant("new", "1" * 19, cost))
    assert ahead.odds(["new"], SECOND)["new"] == 1.0


def test_cost_decides_between_equals() -> None:
    level = "1" * 18 + "0" * 5
    dear, cheap = (contest(BEST, SECOND, entrant("new", level, cost)) for cost in (5.0, 0.2))
    chance = dear.odds(["new"], SECOND)["new"]
    assert cheap.odds(["new"], SECOND)["new"] == pytest.approx(1.0)
    assert 0.0 < chance < 0.7  # only by the item that is left
    done = contest(BEST, SECOND, entrant("new", "0" * 6 + "1" * 18))
    assert done.odds(["new"], SECOND)["new"] == 0.5  # neither score nor cost says who is chosen


def test_graded_scores() -> None:
    half = [Entrant(n, dict.fromkeys(ITEMS, (s, 1)), complete=True) for n, s in (("a", 0.5), ("b", 0.45))]
    some = list(ITEMS)[:12]
    worse = Entrant("worse", dict.fromkeys(some, (0.2, 1)))
    better = Entrant("better", dict.fromkeys(some, (0.6, 1)))
    now = contest(*half, worse, better)
    odds = now.odds(["worse", "better"], now.rival(seed=False))
    assert odds["worse"] < 0.05
    assert odds["better"] > 0.8
    assert now.expected(["better"])["better"] == pytest.approx(0.57, abs=0.06)


def test_repeats_are_runs_of_the_same_item() -> None:
    once = Entrant("once", {item: (float(n < 18), 1) for n, item in enumerate(ITEMS)})
    whole = Entrant("whole", {item: (2.0 * (n < 18), 2) for n, item in enumerate(ITEMS)}, complete=True)
    now = contest(whole, once, repeats=2, finalists=1)
    assert 0.02 < now.odds(["once"], whole)["once"] < 0.6
    assert now.expected(["once"])["once"] == pytest.approx(0.75, abs=0.06)


def test_one_item_and_no_items() -> None:
    one = Contest([Entrant("a", {"i": (1.0, 1)}, complete=True), Entrant("b", {})], {"i": ""})
    assert one.most_telling("b") == ["i"]
    assert one.why_pause("b") == ""
    assert chance_to_be_best([]) == []


# -- seeds


def test_seeds_race_against_seeds_and_cost_says_nothing() -> None:
    good, dear = (
        entrant("good", "1" * 12 + "0" * 12, 1.0, True),
        entrant("dear", "0" * 6 + "1" * 3, 99.0, True),
    )
    now = contest(BEST, SECOND, good, dear)
    assert now.rival(seed=True) is good
    assert now.why_pause("dear") == ""  # a candidate with that pauses
    hopeless = contest(good, entrant("bad", "0" * 20, 0.1, True)).why_pause("bad")
    assert hopeless == "cannot reach the best seed, even with all other items right"


def test_seeds_are_no_finalists() -> None:
    seed = entrant("seed", "1" * 24, seed=True)
    now = contest(seed, SECOND, BEST)
    assert now.rival(seed=False) is SECOND
    assert now.rival(seed=False, now=True) is seed  # while few are complete


def test_the_chance_to_be_the_best_is_one_in_all() -> None:
    scores = [{str(n): float(s) for n, s in enumerate(t)} for t in ("1110", "1110", "0000")]
    first, second, third = chance_to_be_best(scores)
    assert first == pytest.approx(second, abs=0.05)
    assert third < 0.1
    assert first + second + third == pytest.approx(1.0)
    assert chance_to_be_best([{}, {}]) == pytest.approx([0.5, 0.5], abs=0.05)
    few, _ = chance_to_be_best([{"0": 1.0}, scores[0]])
    assert 0.3 < few < 0.8  # right on the one item that it ran, as the other one


def test_the_chance_to_be_the_best_holds() -> None:
    """Of seeds said to be the best with a chance about p, about the share p is."""
    rng, said, was = random.Random(4), 0.0, 0
    for _ in range(120):
        rates = [rng.gauss(0.5, 0.15) for _ in range(5)]
        found = [{str(n): float(rng.random() < rate) for n in range(18)} for rate in rates]
        chances = chance_to_be_best(found)
        best = max(range(5), key=chances.__getitem__)
        said += chances[best]
        was += rates[best] == max(rates)
    assert was / 120 == pytest.approx(said / 120, abs=0.12)


# -- which items


def test_items_that_tell_nothing_wait() -> None:
    """All agents get the first six right and the last six wrong."""
    rng = random.Random(0)
    middle = ["".join(rng.choice("01") for _ in range(12)) for _ in range(8)]
    known = [entrant(str(n), "111111" + half + "000000") for n, half in enumerate(middle)]
    first = contest(*known, entrant("new", "")).most_telling("new")[:12]
    assert sum(6 <= list(ITEMS).index(item) < 18 for item in first) >= 11


def test_the_choice_of_items_does_not_bias_what_is_expected() -> None:
    """Agents that ran the hardest items alone are expected to do nearly as well as their like."""
    hard, off = list(ITEMS)[12:], []
    for seed in range(4):
        rng = random.Random(seed)

        def agent(name: str, items: list[str], rng: random.Random = rng) -> Entrant:
            scores = {item: (float(rng.random() < (0.3 if item in hard else 0.8)), 1) for item in items}
            return Entrant(name, scores, complete=len(items) == PLANNED)

        known = [agent(f"known {n}", list(ITEMS)) for n in range(20)]
        new = [agent(f"new {n}", hard) for n in range(20)]
        found = contest(*known, *new).expected([e.agent for e in new])
        off.append(sum(found.values()) / len(found) - 0.55)
    assert abs(sum(off) / len(off)) < 0.06  # their own mean is 0.25 below


def test_who_does_on_hard_items_as_a_finalist_did_goes_on() -> None:
    """Graded scores: nearly all of the easy items, which wait, and half of the hard ones."""
    rng, hard = random.Random(3), list(ITEMS)[12:]

    def agent(name: str, level: float, whole: bool = True) -> Entrant:
        scores = {
            item: (min(1.0, max(0.0, (level if item in hard else 0.995) + rng.gauss(0, 0.02))), 1)
            for item in (ITEMS if whole else hard)
        }
        return Entrant(name, scores, complete=whole)

    known = [agent(str(n), 0.5 - 0.03 * n) for n in range(8)]
    now = contest(*known, agent("like the second", 0.47, whole=False), agent("worse", 0.3, whole=False))
    assert now.why_pause("like the second") == ""
    assert now.why_pause("worse") != ""


# -- the end


def test_those_with_the_best_odds_are_taken_up_until_little_can_be_lost() -> None:
    good, fair, bad = entrant("good", "1" * 9), entrant("fair", "1111110000"), entrant("bad", "0" * 10)
    now = contest(BEST, SECOND, *OTHERS, good, fair, bad)
    wanted = now.to_take_up(["bad", "fair", "good"], seed=False)
    assert wanted[0] == "good"
    assert "bad" not in wanted
    stay = [agent for agent in ("good", "fair", "bad") if agent not in wanted]
    assert now.at_risk(stay) <= LOST * 2


def test_without_enough_complete_ones_the_most_promising_go_on() -> None:
    now = contest(entrant("a", "111000"), entrant("b", "000000"), entrant("c", "111100"))
    assert now.to_take_up(["a", "b", "c"], seed=False) == ["c", "a", "b"]
    assert now.at_risk(["a", "b", "c"]) == 2.0


def total(law: Law, worlds: int, **how: bool) -> Outcome:
    found = [race(made(law, random.Random(f"test/{n}")), **how) for n in range(worlds)]
    return Outcome(*(sum(column) / worlds for column in zip(*map(_told, found), strict=True)))


def _told(outcome: Outcome) -> tuple[float, float, float]:
    return outcome.saved, outcome.lost, outcome.foretold


@pytest.mark.parametrize(("costs", "worlds"), [(0.1, 12), pytest.param(1.5, 36, marks=pytest.mark.slow)])
def test_races_save_much_and_lose_hardly_a_finalist_whatever_costs(costs: float, worlds: int) -> None:
    found = total(Law(18, 1.0, costs, 20), worlds)
    assert found.saved >= 0.35
    assert found.lost <= 1 / 24  # one of 24 would-be finalists, three of 72
    assert found.foretold <= LOST


@pytest.mark.slow
def test_odds_hold_where_nobody_is_taken_up_again() -> None:
    """What pauses for good loses finalists: as many as the odds say."""
    found = total(Law(24, 0.5, 1.0, 20), 40, take_up=False)
    assert found.foretold == pytest.approx(found.lost, abs=0.12)
    assert found.lost > 0.02


# -- outliers in cost


MUCH = "costs {} as much as most agents: its evaluation would take {} of the budget left"


@pytest.mark.parametrize(
    ("score", "cost", "share", "told"),
    [
        (0.0, 1000.0, 0.9, MUCH.format("10×", "90%")),
        (1.0, 50_000.0, 7.0, MUCH.format("500×", "100%")),
        (1.0, 10**7, 7.0, "costs more than most agents: its evaluation would take 100% of the budget left"),
        (1.0, 1000.0, 0.9, ""),  # right so far, and it can be paid
        (0.0, 1000.0, FAIR, ""),  # the search can pay for it
        (0.0, 900.0, 0.9, ""),  # no outlier
    ],
)
def test_an_outlier_that_the_budget_cannot_pay_pauses(
    score: float, cost: float, share: float, told: str
) -> None:
    """One of the complete agents is as expensive: it is what most cost that counts."""
    complete = [Standing({"item 0": 1.0}, c, {"item 0": c}) for c in (100.0, 80.0, 5000.0, 100.0)]
    candidate = Standing({"item 0": score}, cost, {"item 0": cost})
    assert too_expensive(candidate, complete, share) == told
    assert too_expensive(candidate, [], share) == ""
    assert too_expensive(Standing({}, 0.0), complete, share) == ""


def test_who_can_only_draw_level_is_told_the_cost() -> None:
    perfect = [entrant(f"all {n}", "1" * 24) for n in range(2)]
    told = contest(*perfect, *OTHERS, entrant("dear", "1" * 12, 1.5)).why_pause("dear")
    assert told == "can at best draw level with the top 2, at 1.5× the cost"
    assert contest(*perfect, *OTHERS, entrant("cheap", "1" * 12, 0.5)).why_pause("cheap") == ""


def test_while_few_are_complete_the_best_so_far_is_the_goal() -> None:
    told = contest(BEST, SECOND, entrant("new", "0" * 9)).why_pause("new")
    assert told == "cannot reach the best so far, even with all other items right"
