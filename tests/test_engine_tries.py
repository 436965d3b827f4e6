"""Every agent in a line: what it changed, what became of it; and the line that an agent comes from."""

from __future__ import annotations

from meta_search.engine.tries import MOST_STEPS, Tries, lineage
from meta_search.run.folds import NO_FOLDS, Folds
from meta_search.run.members import Member, Members
from meta_search.types import Attempt, Brief
from tests.kits.members import ITEMS, agent_of, member, population, result

HALF = {"sums0": 1.0, "sums1": 0.0, "words0": 1.0, "words1": 0.0}


def tries(members: Members, folds: Folds = NO_FOLDS) -> Tries:
    return Tries(members, ITEMS, folds, "all")


def brief_of(*parents: str, number: int = 9) -> Brief:
    return Brief(number, "mutate", "llm", tuple(agent_of(parent).id for parent in parents))


def test_an_agent_is_told_with_what_it_changed_by_kind() -> None:
    better = {"sums0": 1.0, "sums1": 1.0, "words0": 0.5, "words2": 1.0}
    made = tries(population(member("seed", HALF), member("child", better, ["seed"], tokens=30)))
    first, second = made.all(brief_of())
    assert (first.name, first.operator, first.change, first.score, first.items) == (
        "seed",
        "seed",
        {},
        0.5,
        4,
    )
    assert (second.parents, second.thought) == ((agent_of("seed").id,), "The thought of child.")
    assert second.change == {"sums": 0.5, "words": -0.5}  # words2 was scored of the child alone
    assert second.low < second.score == 0.875 < second.high
    assert second.tokens == 31.0


def test_fates_are_told_in_plain_words() -> None:
    broken = member("broken", {}, ["seed"])
    for item in ITEMS:
        fault = result(broken.agent.id, item, 0.0, kind="crash", detail="KeyError:\n 'no' (line 3)")
        broken.add(fault)
    made = population(
        member("seed", HALF, tokens=20),
        member("best", {**HALF, "sums1": 1.0}, ["seed"], tokens=90),
        member("cheap", HALF, ["seed"], tokens=5),
        member("slow", {"sums0": 0.0}, ["seed"], stopped="cannot beat the best"),
        member("same", HALF, ["seed"], stopped="…", same_as=agent_of("seed").id),
        broken,
        member("racing", {"sums0": 1.0}, ["seed"], done=False),
        member("waiting", {}, ["seed"], done=False),
    )
    assert {tried.name: tried.fate for tried in tries(made).all(brief_of())} == {
        "seed": "kept",
        "best": "kept, best so far",
        "cheap": "kept, on the front",
        "slow": "stopped: cannot beat the best",
        "same": "counted as «seed», as it does the same",
        "broken": "failed: crash: KeyError: 'no' (line 3)",
        "racing": "being evaluated",
        "waiting": "not evaluated yet",
    }


def test_children_of_the_first_parent_come_first_then_all_in_their_order() -> None:
    members = population(member("a", HALF), member("b", HALF))
    made = tries(members)
    attempts = [Attempt(9, "llm", "mutate", stage, f"{stage}\nsays why") for stage in ("draft", "dry_run")]
    members.add(member("of a", HALF, ["a"]))
    made.missed(brief_of("a"), attempts)
    members.add(member("of b", HALF, ["b", "a"]))
    made.missed(brief_of("b"), [Attempt(9, "llm", "mutate", "duplicate", f"is {agent_of('a').id}")])
    made.missed(brief_of(), [])
    members.add(member("of a too", HALF, ["a", "b"]))
    told = made.all(brief_of("a", "b"))
    assert [tried.name for tried in told] == [
        *("of a", "no agent", "of a too"),
        *("a", "b", "of b", "no agent", "no agent"),
    ]
    assert [tried.fate for tried in told if not tried.id] == [
        "failed: dry run: dry_run says why",
        "failed: duplicate: it was «a» once more",
        "failed: draft: nothing came",
    ]
    assert [tried.name for tried in made.all(brief_of())][:3] == ["a", "b", "of a"]


def test_what_is_told_changes_with_the_agent_and_its_parent() -> None:
    parent, child = member("seed", {"sums0": 0.0}, done=False), member("child", {"sums0": 1.0}, ["seed"])
    made = tries(population(parent, child))
    before = made.all(brief_of())
    assert made.all(brief_of())[1] is before[1] or made.all(brief_of())[1] == before[1]
    assert before[1].change == {"sums": 1.0}
    child.add(result(child.agent.id, "sums1", 1.0))
    parent.add(result(parent.agent.id, "sums1", 1.0))
    parent.done = True
    after = made.all(brief_of())
    assert after[1].change == {"sums": 0.5}
    assert after[0].fate.startswith("kept")
    child.stopped, child.same_as = "…", parent.agent.id
    assert made.all(brief_of())[1].fate == "counted as «seed», as it does the same"


def test_with_folds_agents_that_saw_what_is_held_out_are_not_told() -> None:
    folds = Folds(2, {item: n % 2 for n, item in enumerate(ITEMS)})
    members = population(
        member("seed", HALF),
        member("even", HALF, ["seed"], number=4),
        member("odd", HALF, ["seed"], number=5),
    )
    made = tries(members, folds)
    made.missed(brief_of(number=6), [Attempt(6, "llm", "mutate", "draft", "it copies sums1")])
    assert [tried.name for tried in made.all(brief_of(number=8))] == ["seed", "even", "no agent"]
    assert [tried.name for tried in made.all(brief_of(number=7))] == ["seed", "odd"]


def test_with_folds_a_fault_is_told_only_of_items_that_may_be_shown() -> None:
    folds = Folds(2, {item: n % 2 for n, item in enumerate(ITEMS)})
    broken = member("broken", {}, ["seed"], number=4)
    for item in ITEMS:
        said = "of mine" if folds.of[item] else "of the fold held out"
        broken.add(result(broken.agent.id, item, 0.0, kind="crash", detail=said))
    made = tries(population(member("seed", HALF), broken), folds)
    whole, seeds = tries(population(member("seed", HALF), broken)), Brief(0, "seed", "seed")
    assert made.all(brief_of(number=8))[1].fate == "failed: crash: of mine"
    assert whole.all(brief_of(number=8))[1].fate == "failed: crash: of the fold held out"
    assert made.all(seeds)[0].name == "seed"


def test_a_lineage_says_what_each_step_brought() -> None:
    worse = {**HALF, "words0": 0.0}
    members = population(
        member("seed", HALF),
        member("first", {**HALF, "sums1": 0.5}, ["seed"]),
        member("last", worse, ["first"]),
    )
    steps = lineage(members[agent_of("last").id], members, ITEMS)
    assert [(step.name, step.operator) for step in steps] == [
        *(("seed", "seed"), ("first", "mutate"), ("last", "mutate"))
    ]
    assert [step.by_kind for step in steps] == [
        {},
        {"sums": (1.0, 1.5, 2), "words": (1.0, 1.0, 2)},
        {"sums": (1.5, 1.0, 2), "words": (1.0, 0.0, 2)},
    ]


def test_of_a_long_lineage_the_last_steps_are_told() -> None:
    line: list[Member] = [member("agent0", HALF)]
    line += [member(f"agent{n}", HALF, [f"agent{n - 1}"]) for n in range(1, 30)]
    steps = lineage(line[-1], population(*line), ITEMS)
    assert [step.name for step in steps] == [f"agent{n}" for n in range(30 - MOST_STEPS, 30)]
    assert steps[0].by_kind  # against its parent, although that one is not told
