"""What became of an agent, as lessons and look-ups say it; `test_engine_tries` has the list of all agents."""

from __future__ import annotations

from meta_search.engine.fates import MOST_WHY, ended, fate, stands
from tests.kits.members import ITEMS, agent_of, member, population, result

HALF = {"sums0": 1.0, "sums1": 0.0}


def test_a_lesson_is_told_how_far_it_went_and_what_failed() -> None:
    whole, early = member("whole", HALF), member("early", HALF, ["whole"], stopped="behind")
    twin = member("twin", HALF, ["whole"], same_as=agent_of("whole").id)
    lost = member("lost", HALF, ["whole"], same_as="nobody")
    members = population(whole, early, twin, lost)
    assert ended(whole, members, whole.rows("train")) == "evaluated in full"
    assert ended(early, members, early.rows("train")) == "stopped early: behind"
    assert ended(twin, members, ()) == "does the same as «whole»"
    assert ended(lost, members, ()) == "does the same as another"
    for item in ("words0", "words1"):
        whole.add(result(whole.agent.id, item, 0.0, kind="crash", detail="KeyError:\n" + "x" * 300))
    told = ended(whole, members, whole.rows("train"))
    assert told.startswith("evaluated in full; 2 of 4 items ended in crash: KeyError: xxx")
    assert len(told) <= MOST_WHY
    shown = [row for row in whole.rows("train") if row.item != "words0"]
    assert ended(whole, members, shown).startswith("evaluated in full; 1 of 3 items ended in crash")


def test_a_failure_without_a_fault_that_may_be_shown_is_told_in_numbers() -> None:
    broken = member("broken", {}, ["seed"])
    for item in ITEMS:
        broken.add(result(broken.agent.id, item, 0.0, kind="crash", detail="names an item"))
    members = population(broken)
    assert fate(broken, members, broken.rows("train"), "all") == "failed: crash: names an item"
    assert fate(broken, members, (), "all") == f"failed: faults on all of its {len(ITEMS)} items"
    wrong = member("wrong", dict.fromkeys(ITEMS, 0.0), ["seed"])
    assert fate(wrong, members, wrong.rows("train"), "any") == f"failed: nothing right in {len(ITEMS)} items"


def test_who_looks_agents_up_is_told_how_far_their_evaluation_is() -> None:
    assert stands(member("seed", HALF)) == "evaluated whole"
    assert stands(member("whole", HALF, ["seed"])) == "evaluated whole"
    assert stands(member("early", HALF, ["seed"], stopped="behind")) == "stopped: behind"
    assert stands(member("racing", HALF, ["seed"], done=False)) == "not evaluated whole yet"
