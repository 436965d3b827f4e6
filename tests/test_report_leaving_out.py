"""An agent must not choose which items count: what leaving items out does to a verdict, and to a choice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from archive.select import best_so_far
from meta_search.report.standing import Contender, Standing
from meta_search.report.tables import evaluation_row, evaluations_table, in_order, items_text
from meta_search.report.verdict import Verdict, archive_verdict, verdict
from meta_search.run.members import Member, Members
from meta_search.types import Agent, Brief, Candidate, Evaluation, ItemResult, OutcomeKind
from tests.kits.leaving_out import WAYS, simulated
from tests.kits.list_archive import ListArchive, item_result, named_agent

SEARCHES = 200


KINDS: tuple[OutcomeKind, ...] = ("llm", "scorer", "declined")


def test_no_way_to_leave_items_out_has_ever_beaten_the_baselines() -> None:
    """200 simulated searches: the agent knows what it gets wrong, and its own answers are no better.

    By the rule before, that what came to no score was left out of both sides, 111 of 200 said "beats".
    """
    found = Counter[str]()
    for number in range(SEARCHES):
        rng = random.Random(number)
        report = simulated(rng)
        name, kind = rng.choice(list(WAYS)), rng.choice(KINDS)
        WAYS[name](report, rng, kind)
        outcome = report.verdict().outcome
        assert outcome not in ("beats", "no_claim"), (number, name, kind)
        found[outcome] += 1
    assert found.keys() == {"does_not_beat", "not_shown", "no_verdict"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WAYS)
def test_no_way_has_in_200_searches_each(name: str, kind: OutcomeKind) -> None:
    """A claim that is made with it is made without it: by chance, as 2.5 % of them may be."""
    claims = ("beats", "no_claim")
    lucky = 0
    for number in range(SEARCHES):
        rng = random.Random(number)
        report = simulated(rng)
        without = report.verdict().outcome
        WAYS[name](report, rng, kind)
        if report.verdict().outcome in claims:
            assert without in claims, number
            lucky += 1
    assert lucky <= 0.025 * SEARCHES


def bits(right: int, n: int = 60) -> list[float]:
    return [1.0] * right + [0.0] * (n - right)


def rows(name: str, scores: Sequence[float | OutcomeKind], repeat: int = 0) -> list[ItemResult]:
    """Scored results, or such as came to no score."""
    return [
        item_result(name, f"i{i}", 0.0, kind=s, repeat=repeat)
        if isinstance(s, str)
        else item_result(name, f"i{i}", s, repeat=repeat)
        for i, s in enumerate(scores)
    ]


def told(finalist: Sequence[float | OutcomeKind], base: Sequence[float | OutcomeKind]) -> Verdict:
    return verdict([Contender.of("Y", "Y", rows("Y", base))], [Contender.of("X", "X", rows("X", finalist))])


def test_the_search_of_the_issue_has_no_verdict() -> None:
    """Of 120 test items the agent is right on 24 %, the seed on 58.6 %; the others it has refused."""
    seed = [float(i % 29 < 17) for i in range(120)]
    own = [float(i % 25 < 6) for i in range(120)]
    found = told([1.0 if right else "llm" for right in own], seed)
    assert found.outcome == "no_verdict"
    assert found.sentence == (
        "No verdict: 90 of 120 results of X on the test items (75.0 %) came to no score, since the endpoint "
        "failed."
    )
    assert found.take is not None
    assert found.take.name == "Y"
    assert "beats" not in found.text
    assert told([1.0 if right else "declined" for right in own], seed).outcome == "does_not_beat"


def test_a_claim_holds_whatever_the_few_without_a_score_would_have_been() -> None:
    base = bits(30)
    assert told(bits(35), base).outcome == "beats"  # 5 to 0
    few: list[float | OutcomeKind] = [*bits(35)]
    few[34] = "llm"  # one of those that it won
    found = told(few, base)
    assert found.outcome == "not_shown"
    assert found.best is not None
    assert (found.best.wins, found.best.p) == (4, pytest.approx(0.0625))
    few = [*bits(35)[:-1], "llm"]  # one that the seed got wrong too
    assert told(few, base).outcome == "beats"
    spared = told([*bits(42)[:-2], "llm", "scorer"], base)  # 12 to 2 at the worst
    assert spared.outcome == "beats"
    assert spared.best is not None
    assert (spared.best.wins, spared.best.losses) == (12, 0)
    theirs = told(bits(42), [*base[:-2], "llm", "llm"])
    assert theirs.best is not None
    assert (theirs.best.wins, theirs.best.losses) == (12, 2)


def test_whoever_lost_too_much_leaves_no_verdict() -> None:
    lost: list[float | OutcomeKind] = [*bits(30)[:-4], *["llm"] * 4]  # type: ignore[list-item]
    assert told(bits(50), lost).outcome == "no_verdict"
    gone: list[OutcomeKind] = ["budget"] * 60
    found = told(bits(50), gone)
    assert found.outcome == "no_verdict"
    assert "60 of 60 results of Y on the test items (100.0 %) came to no score" in found.text
    bases = [Contender.of("Y", "Y", rows("Y", gone)), Contender.of("Z", "Z", rows("Z", bits(3)))]
    assert verdict(bases, [Contender.of("X", "X", rows("X", bits(50)))]).outcome == "no_verdict"


def test_a_finalist_that_lost_too_much_spoils_no_other_and_lends_none_its_p_value() -> None:
    base = [Contender.of("Y", "Y", rows("Y", bits(30)))]
    spoiled = Contender.of("S", "S", rows("S", [*bits(50)[:50], *["llm"] * 10]))  # type: ignore[list-item]
    good, small = (Contender.of(n, n, rows(n, bits(right))) for n, right in (("G", 45), ("F", 35)))
    assert verdict(base, [spoiled, good]).outcome == "beats"
    alone = verdict(base, [small])
    assert alone.outcome == "beats"  # 5 to 0
    found = verdict(base, [small, spoiled])
    assert found.outcome == "not_shown"  # it pays for the one that is passed over


def test_repeats_that_are_left_out_count_as_well() -> None:
    """Right once, refused twice: an item's mean was 1."""
    once = rows("X", bits(60))
    others = [r for n in (1, 2) for r in rows("X", ["llm"] * 3 + bits(57, 57), n)]  # type: ignore[operator]
    found = Contender.of("X", "X", [*once, *others])
    assert found.scores["i0"] == 1.0
    assert (found.at("i0", 0.0), found.at("i0", 1.0)) == (pytest.approx(1 / 3), 1.0)
    assert Standing.of(found).low < Standing.of(Contender.of("X", "X", once)).low


def test_what_a_baseline_is_declined_wins_the_finalist_nothing() -> None:
    base: list[float | OutcomeKind] = [*bits(30)[:20], *["declined"] * 40]  # type: ignore[list-item]
    found = told(bits(30), base)
    assert found.outcome == "not_shown"
    assert "The endpoint declined calls of baselines on 40 items; the test counts them for the" in found.text


def test_the_archive_says_the_same_again() -> None:
    archive = ListArchive()
    archive.add(named_agent("seed", 1), {"test": bits(30)}, status="seed", operator="seed")
    archive.add(named_agent("found", 2), {"test": bits(50)})
    seed, found = (r.agent.id for r in archive.records)
    final = {"finalists": [found], "baselines": [seed]}
    archive.values["final"] = final
    assert archive_verdict(archive).outcome == "beats"
    lost = [[f"x{n}", 0, "llm"] for n in range(4)]
    archive.values["final"] = {**final, "left_out": {found: lost, seed: []}}
    again = archive_verdict(archive)
    assert again.outcome == "no_verdict"
    assert "4 of 64 results of found on the test items (6.2 %)" in again.sentence
    items = sorted({r.item for r in archive.results(found, "test")})
    cut = {agent: [[item, 0] for item in items[:40]] for agent in (seed, found)}
    archive.values["final"] = {**final, "cut": cut}
    best = archive_verdict(archive).best
    assert best is not None
    assert best.finalist.items == 20


def evaluation(name: str, right: int, wrong: int, lost: int) -> Evaluation:
    scores: list[float | OutcomeKind] = [*[1.0] * right, *[0.0] * wrong, *["llm"] * lost]  # type: ignore
    return Evaluation.of(name, "train", rows(name, scores))


def test_an_evaluation_says_what_was_left_out_and_is_not_complete() -> None:
    agent = evaluation("X", 4, 0, 14)
    assert (agent.items, agent.left_out, agent.score, agent.complete) == (4, 14, 1.0, False)
    assert agent.outcomes == {"ok": 4, "llm": 14}
    assert agent.sure == pytest.approx(4 / 18)
    assert agent.low < 0.1
    assert agent.high == 1.0
    assert evaluation("X", 18, 1, 1).complete  # 5 %
    row = evaluation_row(named_agent("X"), agent)
    assert items_text(row) == "4 of 18"
    caption = str(evaluations_table([row]).caption)
    assert "14 left out, as they came to no score" in caption
    assert evaluations_table([evaluation_row(named_agent("X"), evaluation("X", 9, 9, 0))]).caption is None


def test_no_list_is_led_by_whoever_left_most_out() -> None:
    few, many, whole = evaluation("few", 4, 0, 14), evaluation("one", 18, 1, 1), evaluation("all", 19, 1, 0)
    assert best_so_far([{"train": e} for e in (few, many, whole)]) == 2
    made = [evaluation_row(named_agent(e.agent), e) for e in (few, many, whole)]
    listed = [row | {"best": "", "complete": True, "operator": "novel"} for row in made]
    assert [row["name"] for row in sorted(listed, key=in_order)] == ["all", "one", "few"]


def member(name: str, scores: Sequence[float | OutcomeKind]) -> Member:
    source = f"def forward(self, taskInfo):\n    return {name!r}\n"
    made = Member(Candidate(Agent.of(name, source), Brief(1, "novel", "composer")), done=True)
    for row in rows(made.agent.id, scores):
        made.add(replace(row, split="train"))
    made.wanted = {"train": len(scores)}
    return made


def test_the_search_prefers_nobody_for_what_it_left_out() -> None:
    left: list[float | OutcomeKind] = [*[1.0] * 4, *["llm"] * 14]  # type: ignore[list-item]
    members, sly, plain = Members(), member("sly", left), member("plain", bits(9, 18))
    for one in (sly, plain):
        members.add(one)
    assert members.best() is plain
    assert members.ranked() == [plain, sly]
    assert members.population().choose_parents("best", 1, random.Random(0)) == (plain.agent.id,)
    standing = sly.standing("train")
    assert (len(standing.scores), len(standing.missing), standing.mean) == (4, 14, pytest.approx(4 / 18))
    assert not sly.evaluation("train").complete
