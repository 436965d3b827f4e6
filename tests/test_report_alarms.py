"""Alarms, from evidence as an archive or a search at work has it; and what test items can show."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from meta_search.report.alarms import Alarm, Evidence, Seen, alarms, end_text, evidence_of, of_archive
from meta_search.report.paired import right_or_wrong
from meta_search.report.power import detectable, few_items_line, least_wins, power_line
from meta_search.types import Attempt, ItemResult, OutcomeKind
from tests.kits.list_archive import ListArchive, named_agent


def row(
    item: int,
    score: float = 1.0,
    kind: OutcomeKind = "ok",
    answer: str = "a",
    detail: str = "",
    said: str = "",
) -> ItemResult:
    return ItemResult("agent", "train", f"i{item}", 0, kind, answer, detail, score, feedback=said)


def seen(*rows: ItemResult, complete: bool = True) -> Seen:
    return Seen({"train": rows}, complete)


def found(evidence: Evidence) -> dict[str, Alarm]:
    return {alarm.kind: alarm for alarm in alarms(evidence)}


def test_a_quiet_run_has_none() -> None:
    varied = [seen(*(row(i, float((i + a) % 2), answer=f"{a} {i}") for i in range(8))) for a in range(9)]
    assert alarms(Evidence(varied, briefs=20, stages={"duplicate": 2, "check": 9})) == []
    assert alarms(Evidence()) == []


def test_cut_and_empty_answers() -> None:
    cut = [row(i, 0.0, "cut", "", "cut at 64 tokens") for i in range(31)]
    alarm = found(Evidence([seen(*cut, *(row(i) for i in range(31, 100)))]))["cut"]
    assert alarm.line == "31% of answers were cut at 64 tokens: raise llm.max_tokens"
    assert (alarm.count, alarm.of) == (31, 100)
    empty = [row(i, 0.0, answer=" ") for i in range(10)]
    alarm = found(Evidence([seen(*empty, *(row(i) for i in range(10, 100)))]))["empty"]
    assert alarm.text == "10% of answers are empty"
    assert not found(Evidence([seen(*cut[:1], *(row(i) for i in range(1, 100)))]))


def test_calls_that_the_endpoint_declined() -> None:
    declined = [row(i, 0.0, "declined", "", "HTTP 400 content filter") for i in range(12)]
    alarm = found(Evidence([seen(*declined, *(row(i) for i in range(12, 100)))]))["declined"]
    assert alarm.text == (
        "12% of answers ended in a call that the endpoint declined (HTTP 400 content filter)"
    )
    assert "score 0" in alarm.remedy


def test_faults_of_the_scorer_and_what_answers_did_to_it() -> None:
    line = "score failed: mine.py:10: KeyError: "
    raised = [row(i, 0.0, said=f"{line}'x: {i}'") for i in range(7)]
    shown = found(Evidence([seen(*raised, row(8))], left_out={"HTTP 429": 2}))
    assert shown["scorer"].text == "the scorer failed on 2 of 10 answers (HTTP 429); they are left out"
    assert shown["raised"].text == "the scorer raised KeyError at mine.py:10 on 7 answers, which score 0"


def test_items_that_all_miss_or_all_solve() -> None:
    def agents(n: int) -> Sequence[Seen]:
        return [
            seen(row(0, 0.0, answer=f"{a}"), row(1, 1.0), row(2, 1.0), row(3, float(a % 2))) for a in range(n)
        ]

    shown = found(Evidence(agents(8)))
    assert shown["missed"].text == "1 of 4 items were missed by every agent (i0)"
    assert shown["solved"].text == "2 of 4 items were solved by every agent"
    assert not found(Evidence(agents(7)))


def test_duplicates_leaks_and_agents_that_behave_alike() -> None:
    alike = [seen(*(row(i, float(i % 2), answer=f"{a % 2}") for i in range(6))) for a in range(7)]
    shown = found(Evidence(alike, briefs=40, stages={"duplicate": 31, "leak": 2}))
    assert shown["duplicates"].text == "31 drafts in 40 briefs were an agent that was there already"
    assert shown["leaks"].count == 2
    assert shown["identical"].text == "7 complete agents behave in 2 ways on the train items"
    assert "identical" not in found(Evidence(alike[:5]))
    partial = [Seen(s.results, False) for s in alike]
    assert "identical" not in found(Evidence(partial))


@pytest.mark.parametrize(("unpaid", "briefs", "told"), [(2, 3, 0), (3, 10, 1), (5, 20, 0), (14, 16, 1)])
def test_a_meta_model_that_could_not_be_paid_for_much_of_the_search(
    unpaid: int, briefs: int, told: int
) -> None:
    shown = found(Evidence(briefs=briefs, unpaid=(unpaid, "budget.tokens=9 has no room")))
    assert len(shown) == told
    if told:
        begins = (
            f"for the last {unpaid} of {briefs} briefs no meta model could be paid (budget.tokens=9 has no"
        )
        assert shown["unpaid"].line.startswith(begins)


def test_the_evidence_of_an_archive() -> None:
    archive = ListArchive()
    for n in range(8):
        archive.add(named_agent(f"a{n}", n), {"train": [0.0, 1.0, float(n % 2)]}, 10)
    archive.failed = [Attempt(n, "llm", "novel", "leak", "carries") for n in range(3)]
    archive.numbered = [
        ("delivery", {"kind": "scorer", "detail": "KeyError"}),
        ("ask", {}),
        ("delivery", {"kind": "ok"}),
    ]
    lines = ["17 of 48 test items are wrong by their own answer, as …"]
    archive.values["targets"] = {"checked": {"test": 48}, "wrong": {"test": 17}, "raised": {}, "lines": lines}
    archive.values["unpaid"] = {"briefs": 7, "why": "no room"}
    evidence = evidence_of(archive)
    assert evidence.unpaid == (7, "no room")
    assert (len(evidence.agents), evidence.briefs, evidence.left_out) == (8, 1, {"KeyError": 1})
    shown = {alarm.kind: alarm for alarm in of_archive(archive)}
    assert shown["targets"].count == 17
    assert shown["targets"].line.startswith(lines[0])
    assert {"scorer", "targets", "missed", "leaks"} <= set(shown)
    assert end_text(archive) == ""
    archive.values["end"] = {"why": "time", "text": "over\x1b[2J"}
    assert end_text(archive).startswith("over")
    assert "\x1b" not in end_text(archive)


@pytest.mark.parametrize(
    ("items", "line"),
    [
        (15, "with 15 test items only a gain of 34 points or more can be significant, and one of"),
        (4, "with 4 test items no gain can be significant: at least 5 are needed"),
        (25, ""),
        (120, ""),
        (0, ""),
    ],
)
def test_what_few_test_items_can_show(items: int, line: str) -> None:
    shown = power_line(items)
    assert shown.startswith(line)
    assert bool(shown) == bool(line)


def test_few_validation_items_of_many_are_told_to_take_more() -> None:
    assert "evaluate.items=18 takes more of the 48" in few_items_line(0, 8, 48)
    assert "evaluate.folds=3" in few_items_line(0, 8, 8)
    assert few_items_line(0, 12, 48) == few_items_line(3, 8, 8) == ""


@pytest.mark.parametrize("items", [8, 12, 24, 60])
def test_a_gain_that_is_detectable_is_found_in_four_of_five_runs(items: int) -> None:
    gain = detectable(items)
    assert gain is not None
    draw = random.Random(1)

    def found(true: float) -> float:
        won = (sum(draw.random() < true for _ in range(items)) for _ in range(4000))
        return sum(right_or_wrong(wins, 0, items).p < 0.05 for wins in won) / 4000

    assert found(gain) > 0.78
    assert found(gain - 0.06) < 0.8
    assert detectable(4) is None


def test_the_least_gain_is_that_of_the_verdicts_own_test() -> None:
    wins = least_wins()
    for n in (wins, 24, 120):
        assert right_or_wrong(wins, 0, n).p < 0.05 <= right_or_wrong(wins - 1, 0, n).p
