"""The verdict: what it says of an agent that is better, a little better, and worse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from meta_search.report.payback import Paid
from meta_search.report.standing import Contender, Standing
from meta_search.report.verdict import archive_verdict, score_line, untested, verdict
from meta_search.types import Usage
from tests.kits.list_archive import ListArchive, item_result, named_agent, searched_archive


def contender(name: str, scores: Sequence[float], tokens: int = 100, usd: float = 0.0) -> Contender:
    return Contender.of(
        name, name, [item_result(name, f"i{i}", s, tokens, usd=usd) for i, s in enumerate(scores)]
    )


def matched(name: str, scores: Sequence[float], tokens: int = 100) -> Contender:
    return replace(contender(name, scores, tokens), kind="matched")


def bits(right: int, n: int = 36) -> list[float]:
    return [1.0] * right + [0.0] * (n - right)


def test_the_sentence_of_a_clear_win() -> None:
    found = verdict([contender("Y", bits(16), 80), contender("Z", bits(9))], [contender("X", bits(31), 212)])
    assert found.outcome == "beats"
    assert found.sentence == (
        "The best agent X beats the best seed Y on 36 fresh test items: 86.1 % [71.3, 93.9] against "
        "44.4 % [29.5, 60.4], +41.7 points [27.1, 57.8], p = 0.0001."
    )
    assert found.cost == "It uses 212 tokens per item, 2.6× as many as Y (80)."
    assert "favours the seed" in found.text
    assert "15 won, 0 lost" in found.text


def test_a_small_gain_is_not_shown_and_a_loss_is_no_win() -> None:
    small = verdict([contender("Y", bits(20))], [contender("X", bits(23))])
    assert small.outcome == "not_shown"
    assert "was not shown to beat the best seed Y" in small.sentence
    assert "p = 0.12" in small.sentence
    for right in (20, 4):
        lost = verdict([contender("Y", bits(20))], [contender("X", bits(right))])
        assert lost.outcome == "does_not_beat"
        assert "did not beat" in lost.sentence


def test_finalists_are_tested_in_the_order_in_which_the_search_chose_them() -> None:
    base, good = contender("Y", bits(10)), contender("X", bits(16))
    others = [contender(f"X{i}", bits(12 + i % 2)) for i in range(4)]
    first = verdict([base], [good, *others])
    assert first.outcome == "beats"
    assert first.best is not None
    assert first.best.finalist.name == "X"
    assert first.best.p_adjusted == first.best.p
    assert "6 won, 0 lost, the rest tied); 5 finalists in the order" in first.text
    second = verdict([base], [others[0], good])  # the first fails: the second has no chance any more
    assert second.outcome == "not_shown"
    assert second.best is not None
    assert second.best.finalist.name == "X0"
    assert [c.p_adjusted for c in second.comparisons] == [second.best.p, 1.0]
    both = verdict([base], [good, contender("Z", bits(20))])
    assert [c.finalist.name for c in both.comparisons] == ["Z", "X"]  # both are shown: the better one
    assert all(c.better for c in both.comparisons)


def test_pairing_is_by_item_not_by_position() -> None:
    base = contender("Y", bits(18))
    turned = Contender("X", "X", dict(reversed(list(base.scores.items()))), Usage(), 36)
    best = verdict([base], [turned]).best
    assert best is not None
    assert (best.wins, best.losses, best.p) == (0, 0, 1.0)


def test_graded_scores_and_repeats_take_the_test_of_bounded_means() -> None:
    base, better = [0.3 + 0.01 * (i % 7) for i in range(30)], [0.5 + 0.01 * (i % 5) for i in range(30)]

    def graded(name: str, scores: list[float]) -> Contender:
        return Contender.of(
            name, name, [item_result(name, f"i{i}", s) for i, s in enumerate(scores)], "score"
        )

    found = verdict([graded("Y", base)], [graded("X", better)], seed=1)
    assert found.outcome == "beats"
    assert found.best is not None
    assert found.best.method == "a test of bounded means"
    assert found.best.low > 0.05
    assert found == verdict([graded("Y", base)], [graded("X", better)], seed=1)

    rows = [item_result("X", f"i{i}", float(r <= i % 3), repeat=r) for i in range(9) for r in range(3)]
    repeated = Contender.of("X", "X", rows)
    assert len(repeated.scores) == 9  # repeats of an item are no further evidence
    assert repeated.scores["i1"] == pytest.approx(2 / 3)
    one = verdict([contender("Y", bits(3, 9))], [repeated]).best
    assert one is not None
    assert one.method == "a test of bounded means"


def test_a_hundredth_for_nothing_is_not_right() -> None:
    rows = [item_result("X", "a", 0.01), item_result("X", "b", 1.0)]
    assert Contender.of("X", "X", rows).scores == {"a": 0.0, "b": 1.0}


def test_faults_of_the_endpoint_are_left_out_and_told() -> None:
    rows = [item_result("X", f"i{i}", 1.0) for i in range(34)]
    rows += [item_result("X", f"i{34 + i}", 0.0, kind=kind) for i, kind in enumerate(("llm", "crash"))]
    found = verdict([contender("Y", bits(16))], [Contender.of("X", "X", rows)])
    assert found.outcome == "beats"
    assert found.best is not None
    assert found.best.finalist.items == 35  # the crash counts, as wrong
    assert "1 result came to no score (the endpoint failed); the test counts it against" in found.text
    assert "cut short: only 35 items" in found.text
    none = verdict([contender("Y", bits(16))], [Contender.of("X", "X", rows[:-1])]).best
    assert none is not None
    assert (none.wins, none.losses) == (18, 0)
    assert none.finalist.low < Standing.of(contender("X", bits(34, 34))).low  # were it wrong


def test_costs_are_those_of_the_items_that_are_named() -> None:
    x, y = contender("X", bits(20, 36), 100), contender("Y", bits(16, 30), 100)
    dear = [item_result("X", f"i{n}", 1.0, 100 if n < 30 else 1000) for n in range(36)]
    found = verdict([y], [Contender.of("X", "X", dear)])
    assert found.best is not None
    assert found.best.finalist.items == 30
    assert found.best.finalist.tokens_per_item == found.best.baseline.tokens_per_item
    assert Standing.of(x).tokens_per_item == 100


def test_an_unfinished_baseline_is_not_the_best() -> None:
    lucky = contender("lucky", [1.0, 1.0])
    found = verdict([lucky, contender("Y", bits(16))], [contender("X", bits(31))])
    assert found.best is not None
    assert found.best.baseline.name == "Y"
    assert len(found.baselines) == 2


def test_nothing_to_compare_is_said_so() -> None:
    assert "nothing can be said" in verdict([], []).sentence
    assert "no seed was tested" in verdict([], [contender("X", bits(31))]).sentence
    assert "No agent found by the search was tested" in verdict([contender("Y", bits(3))], []).sentence
    apart = Contender("X", "X", {"elsewhere": 1.0}, Usage(), 1)
    assert verdict([contender("Y", bits(3))], [apart]).outcome == "untested"


def test_money_is_named_where_there_is_any() -> None:
    found = verdict([contender("Y", bits(16), 100, 0.0004)], [contender("X", bits(31), 100, 0.0012)])
    assert "$0.0012 per item against $0.0004" in found.cost


def test_a_hostile_name_stays_one_printable_line() -> None:
    found = verdict([contender("Y", bits(16))], [contender("a\nb\x1b[31m\u202e" + "x" * 99, bits(31))])
    assert found.sentence.isprintable()
    assert len(found.sentence) < 300


def test_the_archive_tells_seeds_from_found_agents() -> None:
    archive = searched_archive()
    found = archive_verdict(archive)
    assert found.outcome == "beats"
    assert {s.name for s in found.baselines} == {"direct", "program", "debate"}
    assert len(found.comparisons) == 2
    assert re.search(r"beats the best seed \w+ on 36 fresh", found.sentence)
    assert archive_verdict(ListArchive()).outcome == "untested"


def test_a_domain_without_right_answers_is_graded() -> None:
    archive = ListArchive()
    archive.add(named_agent("seed", 1), {"test": [0.4 + 0.01 * i for i in range(40)]}, status="seed")
    archive.add(named_agent("better", 2), {"test": [0.6 + 0.01 * i for i in range(40)]})
    found = archive_verdict(archive)
    assert found.outcome == "beats"
    assert found.best is not None
    assert found.best.difference == pytest.approx(0.2)


def test_beating_the_seed_but_not_its_samples_is_not_shown_and_both_are_told() -> None:
    seeds = [contender("Y", bits(16), 80)]
    found = verdict([*seeds, matched("5 × Y", bits(28), 400)], [contender("X", bits(31), 410)])
    assert found.outcome == "not_shown"
    assert found.sentence.startswith("The best agent X was not shown to beat the best baseline 5 × Y on 36")
    assert found.seeds == (
        "Against the seeds alone, it beats the best seed, Y (44.4 % [29.5, 60.4], +41.7 points [27.1, 57.8], "
        "p = 0.0001), but was not shown to beat the baselines at matched cost."
    )
    assert found.text.index(found.sentence) < found.text.index(found.seeds) < found.text.index(found.cost)
    both = verdict([*seeds, matched("5 × Y", bits(18), 400)], [contender("X", bits(31), 410)])
    assert both.outcome == "beats"
    assert "beats the best baseline 5 × Y" in both.sentence
    assert both.seeds.endswith("p = 0.0001).")
    assert not verdict([*seeds, matched("5 × Y", bits(9), 400)], [contender("X", bits(31), 410)]).seeds


def test_an_agent_that_does_not_beat_each_baseline_beats_none() -> None:
    """X wins 6 to 0 over A (p = 0.016), but only 8 to 2 over B (p = 0.065), which scored as much."""
    x = contender("X", bits(16))
    a = contender("A", bits(10))
    b = contender("B", [*bits(8, 16), 1.0, 1.0, *[0.0] * 18])
    assert verdict([a], [x]).outcome == "beats"
    found = verdict([a, b], [x])
    assert found.outcome == "not_shown"
    assert found.best is not None
    assert (found.best.wins, found.best.losses) == (8, 2)
    assert found.best.p == pytest.approx((2 * (1 + 10) + 45) / 2**10)
    assert found.best.low <= 0 < found.best.high
    assert "to beat the" in found.sentence
    assert "seed B on" in found.sentence
    assert "It had to beat both seeds" in found.text


def test_a_baseline_that_missed_most_items_decides_nothing() -> None:
    few = contender("few", bits(3, 5))
    found = verdict([contender("Y", bits(16)), few], [contender("X", bits(31))])
    assert found.outcome == "beats"


def test_a_matched_baseline_that_costs_otherwise_is_told() -> None:
    bases = [contender("Y", bits(16), 80), matched("5 × Y", bits(16), 900)]
    found = verdict(bases, [contender("X", bits(31), 410)])
    assert "5 × Y was meant to match the agent's cost, but used 2.2× its tokens per item." in found.notes


def test_the_end_of_a_run_is_said_again_from_its_archive() -> None:
    archive = searched_archive()
    finalist = archive.records[-1].agent.id
    seeds = [r.agent.id for r in archive.records[:2]]
    archive.values["final"] = {
        "finalists": [finalist],
        "baselines": seeds,
        "notes": ["No samples."],
        "paid": {"tokens": 90_000, "usd": 0.0, "seconds": 40.0},
        "left_out": {finalist: 1, seeds[0]: 0},
    }
    found = archive_verdict(archive)
    assert [c.finalist.agent for c in found.comparisons] == [finalist]
    assert {s.agent for s in found.baselines} == set(seeds)
    assert found.notes[-1] == "No samples."
    assert "1 result came to no score (the endpoint or the scorer failed); the test counts" in found.text
    assert found.break_even.startswith("The run paid 90,000 tokens in 40 s")
    assert {p.baseline for p in found.paybacks} == set(seeds)


def test_a_baseline_of_the_archive_is_no_seed() -> None:
    archive = ListArchive()
    archive.add(named_agent("seed", 1), {"test": bits(16)}, status="seed", operator="seed")
    archive.add(named_agent("votes", 2), {"test": bits(20)}, status="baseline", operator="baseline")
    archive.add(named_agent("found", 3), {"test": bits(33)})
    assert "beats the best baseline votes" in archive_verdict(archive).sentence


def test_repeats_of_an_item_narrow_its_interval_by_what_they_tell() -> None:
    def standing(right: Sequence[int], repeats: int) -> Standing:
        rows = [
            item_result("X", f"i{i}", float(r < n), repeat=r)
            for i, n in enumerate(right)
            for r in range(repeats)
        ]
        return Standing.of(Contender.of("X", "X", rows))

    once = standing([1] * 6 + [0] * 6, 1)
    same = standing([4] * 6 + [0] * 6, 4)
    other = standing([2] * 12, 4)
    assert (same.low, same.high) == (once.low, once.high)  # repeats that always agree tell nothing new
    assert other.high - other.low < 0.7 * (once.high - once.low)
    assert verdict([contender("Y", bits(3, 9))], [contender("X", bits(5, 9))], paid=Paid()).break_even == ""


def own(name: str, scores: Sequence[float], tokens: int = 100) -> Contender:
    return replace(contender(name, scores, tokens), kind="own")


def test_without_the_baseline_at_matched_cost_there_is_no_claim() -> None:
    bases = [contender("Y", bits(16), 80), untested("self-consistency (2 × Y)")]
    found = verdict(bases, [contender("X", bits(31), 160)])
    assert found.outcome == "no_claim"
    assert "beats" not in found.text
    assert found.sentence.startswith("The best agent X scored higher than the best seed Y on 36 fresh test")
    assert found.sentence.endswith("; not tested against self-consistency (2 × Y), so no claim.")
    assert found.take is not None
    assert found.take.name == "Y"
    few = matched("self-consistency (2 × Y)", bits(3, 5), 160)  # cut short: it decides nothing either
    assert verdict([bases[0], few], [contender("X", bits(31), 160)]).outcome == "no_claim"
    lost = verdict(bases, [contender("X", bits(16), 160)])
    assert lost.outcome == "does_not_beat"
    again = ListArchive()
    again.add(named_agent("seed", 1), {"test": bits(16)}, status="seed", operator="seed")
    again.add(named_agent("found", 2), {"test": bits(33)})
    ids = [r.agent.id for r in again.records]
    again.values["final"] = {"finalists": ids[1:], "baselines": ids[:1], "untested": ["votes"]}
    assert "not tested against votes, so no claim" in archive_verdict(again).sentence


def test_the_agent_to_take_is_the_winner_else_the_best_baseline() -> None:
    seeds = [contender("Y", bits(16), 80), contender("Z", bits(16), 60), contender("W", bits(9), 20)]

    def take(*more: Contender, found: int = 17) -> str:
        taken = verdict([*seeds, *more], [contender("X", bits(found), 160)]).take
        assert taken is not None
        return taken.name

    assert take(found=31) == "X"
    assert take() == "Z"  # X was not shown to beat it; Y costs more
    assert take(matched("2 × Z", bits(18), 120)) == "Z"  # not clearly better
    assert take(matched("2 × Z", bits(27), 120)) == "2 × Z"
    assert take(own("mine", bits(18), 90)) == "mine"
    assert verdict([], []).take is None
    nobody = verdict(seeds, []).take
    assert nobody is not None
    assert nobody.name == "Z"


def test_ones_own_agent_is_named_in_whatever_place() -> None:
    x, seed = contender("X", bits(31), 160), contender("Y", bits(12), 80)
    decided = verdict([seed, own("mine", bits(16))], [x])
    assert decided.sentence.startswith("The best agent X beats your mine on 36 fresh test items: 86.1 %")
    assert decided.own == ()
    lost = verdict([seed, own("mine", bits(30))], [x])
    assert "was not shown to beat your own agent mine on 36" in lost.sentence
    other = verdict([contender("Y", bits(16)), own("mine", bits(9))], [x])
    assert other.sentence.startswith("The best agent X beats the best seed Y")
    assert [line.partition(" (")[0] for line in other.own] == ["It beats your mine"]
    harder = verdict([seed, own("mine", bits(9)), matched("2 × Y", bits(30))], [x])
    assert harder.outcome == "not_shown"
    assert harder.own[0].startswith("It beats your mine (25.0 %")
    assert "Against the seeds alone, it beats the best seed, Y" in harder.seeds
    mine = verdict([contender("Y", bits(9)), own("mine", bits(12)), matched("2 × Y", bits(30))], [x])
    assert "Against the seeds alone, it beats your mine (" in mine.seeds
    assert mine.own == ()  # it is told once


def test_several_claims_on_ones_own_agents_are_corrected_together() -> None:
    """5 to 0 is p = 0.031 alone, and 0.062 beside a second own agent, where no claim on all of them holds."""
    x, hard = contender("X", bits(15)), matched("2 × Y", bits(15))
    one = verdict([own("A", bits(10)), contender("Y", bits(12)), hard], [x])
    assert [line.partition(" (")[0] for line in one.own] == ["It beats your A"]
    two = verdict([own("A", bits(10)), own("B", bits(10)), contender("Y", bits(12)), hard], [x])
    assert [line.partition(" (")[0] for line in two.own] == [
        "It was not shown to beat your own agent A",
        "It was not shown to beat your own agent B",
    ]


def test_a_graded_mean_is_no_share_of_right_answers() -> None:
    def graded(name: str, at: float) -> Contender:
        rows = [item_result(name, f"i{i}", at + 0.01 * (i % 5)) for i in range(30)]
        return Contender.of(name, name, rows, "score")

    found = verdict([graded("Y", 0.3)], [graded("X", 0.6)], paid=Paid(9_000))
    assert "a mean score of 0.62 [" in found.sentence
    assert "+0.30 [0.15, 0.38]" in found.sentence
    assert "%" not in found.text
    assert found.cost == "It uses 100 tokens per item, about as many as Y (100)."
    assert score_line([item_result("X", "a", 0.7), item_result("X", "b", 0.2)]) == "mean score 0.45"
    assert score_line([item_result("X", "a", 1.0), item_result("X", "b", 0.01)]) == "50% right"
