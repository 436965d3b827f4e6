"""The simulator of searches on a small invented landscape, and the recorded ones that are checked in."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from meta_search.guide.racing import Standing
from meta_search.types import Agent, Brief, Candidate, Demonstration, ItemJob
from tests.bench.landscape import choosing
from tests.bench.landscape.evidence import Paired
from tests.bench.landscape.measures import NEVER, calls_until, median, ratio, regret_at, saving
from tests.bench.landscape.racing import race, wilcoxon
from tests.bench.landscape.screening import first, nearest, ridge, screened
from tests.bench.landscape.simulate import SEEDS, EndedRace, Simulated, Trace, configuration
from tests.bench.landscape.stand_ins import Table
from tests.bench.landscape.strategies import STRATEGIES, searches
from tests.bench.landscape.table import FILE, Design, Landscape

KINDS = {"sums": "plus", "names": "who"}
PROGRAM, DIRECT, THINK = (("program",) * 2, ("direct",) * 2, ("think",) * 2)


def right(way: str, votes: int, shown: int, kind: str, number: int) -> int:
    """Programs do sums once they see an example; who names people answers directly; votes bring nothing."""
    if kind == "sums":
        return int(way == "program" and (shown > 0 or number % 3 > 0))
    return int(way == "direct" and number % 5 > 0) or int(number == 5 and way == "think")


def invented(**changes: Any) -> Landscape:
    items = [{"id": f"{kind}-{n}", "kind": kind} for n in range(20) for kind in KINDS]
    designs = []
    for votes, way, shown in itertools.product((1, 3), ("direct", "program", "think"), range(4)):
        if way == "think" and shown:
            continue
        rows = [
            [right(way, votes, shown, i["kind"], int(i["id"].split("-")[1])), votes, 10 * votes + shown, "ok"]
            for i in items
        ]
        designs.append({"ways": dict.fromkeys(KINDS, way), "samples": votes, "shown": shown, "rows": rows})
    calls = [["teacher", "examples-0", "0", None, None, 5, 2]] * 7 + [
        ["task", "sums-0", "0", None, None, 5, 2]
    ]
    return Landscape(
        {"items": items, "keywords": KINDS, "designs": [*designs, *changes.get("mixed", [])], "calls": calls}
    )


LAND = invented()
BEST = Design(("program", "direct"), 1, 1)


# -- the table


def test_a_design_works_an_item_as_the_pure_design_of_its_way() -> None:
    assert LAND.score(BEST, range(40)) == 20 + 16
    assert LAND.score(Design(("program", "direct"), 1, 0), LAND.searched) == 6 + 8
    assert LAND.rows(Design(THINK, 3, 2)) == LAND.rows(Design(THINK, 3, 0))
    assert LAND.rows(BEST)[0].tokens == 11
    assert len(list(LAND.space())) == 9 * 8


def test_an_agent_without_worked_programs_shows_none() -> None:
    untaught = Design(("program", "direct"), 1, 1, taught=False)
    assert LAND.score(untaught, range(40)) == LAND.score(Design(("program", "direct"), 1, 0), range(40))
    assert LAND.rows(untaught)[1].tokens == 11  # a direct answer shows the domain's own examples


def test_what_was_recorded_counts_where_it_differs() -> None:
    rows = [[0, 1, 1, "ok"]] + [[c.right, c.calls, c.tokens, c.kind] for c in LAND.rows(BEST)[1:]]
    mixed = {"ways": {"sums": "program", "names": "direct"}, "samples": 1, "shown": 1, "rows": rows}
    other = invented(mixed=[mixed])
    wrong, compared, lines = other.disagreements()
    assert (wrong, compared) == (1, 40)
    assert lines[0].startswith("sums-0 by program/direct")
    assert other.score(BEST, range(40)) == 35


def test_reach_is_what_looking_at_every_design_finds() -> None:
    for land in (LAND, *(LAND.shuffled(seed) for seed in range(5))):
        every = [(land.score(d, land.searched), land.score(d, land.held_out)) for d in land.space()]
        assert land.reach() == max(every)


def test_another_half_keeps_the_kinds_in_their_places() -> None:
    other = LAND.shuffled(3)
    assert other.kind_of == LAND.kind_of
    assert sorted(other.items) == sorted(LAND.items)
    assert other.items != LAND.items
    assert [i.split("-")[0] for i in other.items] == list(other.kind_of)
    assert other.score(BEST, range(40)) == LAND.score(BEST, range(40))
    assert LAND.shuffled(3).items == other.items


def test_where_a_candidate_stands() -> None:
    table, brief = Table(LAND), Brief(0, "novel", "composer")
    plan = {"way": "program", "routes": [{"words": "who", "way": "direct"}], "samples": 5, "shown": 2}
    taught = Agent.of("a", "x", {"samples": 1}, [Demonstration("q", "```python\n1\n```")])
    assert table.design_of(Candidate(taught, brief, plan=plan)) == Design(("program", "direct"), 1, 2)
    untaught = Agent.of("b", "x")
    assert table.design_of(Candidate(untaught, brief, plan=plan)) == Design(
        ("program", "direct"), 3, 2, False
    )
    seed = Candidate(Agent.of("chain_of_thought", "y"), Brief(0, "seed", "hand", kind="seed"))
    table.call("write", "add_candidate", seed, "seed")
    assert table.designs[seed.agent.id] == Design(THINK, 1, 0)
    shown = Candidate(
        Agent.of("chain_of_thought, 1 shown", "z"), Brief(1, "bootstrap", "composer", (seed.agent.id,))
    )
    assert table.design_of(shown) == Design(THINK, 1, 0)  # without a plan: as its parent


# -- searches


def test_a_search_is_a_function_of_its_seed() -> None:
    one, two, other = (Simulated(LAND, configuration(seed, 12)).simulate() for seed in (1, 1, 2))
    assert one == two
    assert one != other
    assert one.briefs == 12


def test_every_call_of_the_table_is_counted() -> None:
    trace = Simulated(LAND, configuration(1, 12)).simulate()
    ran = sum(row.calls for e in trace.evaluations for row in LAND.rows(e.design)[: e.items])
    assert trace.calls == trace.writing + ran
    assert trace.writing > 0  # `simplify` tries what the parent can do without
    assert saving(LAND, trace).used == trace.calls
    assert [e.used for e in trace.evaluations] == sorted(e.used for e in trace.evaluations)
    job = ItemJob(direct := Agent.of("direct", "x"), "train", "sums-0", 0, "")
    table = Table(LAND)
    table.call("write", "add_candidate", Candidate(direct, Brief(0, "seed", "hand", kind="seed")), "seed")
    for calls, sent in (
        (7, replace(job, split="examples", item="examples-0-0")),
        (7, replace(job, split="examples", item="examples-0-1")),  # all teaching costs what was recorded
        (8, job),
        (8, replace(job, dry=True)),
    ):
        assert table.submit(sent).result().kind == "ok"
        assert table.calls == calls


def test_a_search_finds_the_best_design_and_stops_hopeless_ones() -> None:
    trace = Simulated(LAND, configuration(1, 30)).simulate()
    best = trace.evaluations[-1].best
    assert best is not None
    assert LAND.score(best, LAND.searched) >= 16
    assert any(e.stopped for e in trace.evaluations)
    assert all(e.items == 20 for e in trace.evaluations if not e.stopped)
    assert not any(e.stopped for e in trace.evaluations if e.operator == "seed")


def test_without_racing_everything_runs_on_all_items() -> None:
    [trace] = searches(LAND, STRATEGIES["without racing"], [1], 12, 10**6)
    assert {e.items for e in trace.evaluations} == {20}
    assert saving(LAND, trace).saved == 0.0


def test_a_search_ends_with_its_calls() -> None:
    [trace] = searches(LAND, STRATEGIES["adas schedule"], [1], 100, 150)
    assert 150 <= trace.calls <= 150 + 60  # what was begun is counted


def test_strategies_do_what_they_are_called() -> None:
    [novel] = searches(LAND, STRATEGIES["adas schedule, novel only"], [1], 10, 10**6)
    assert {e.operator for e in novel.evaluations} == {"seed", "novel"}
    [untuned] = searches(LAND, STRATEGIES["without tuning"], [1], 30, 10**6)
    assert "tune" not in {e.operator for e in untuned.evaluations}
    [guided], [unguided] = (
        searches(LAND, STRATEGIES[name], [1], 6, 10**6) for name in ("default", "without briefs")
    )
    assert guided != unguided


def evaluation(design: Design, used: int, best: Design, stopped: str = "", items: int = 20) -> EndedRace:
    return EndedRace(design, items, stopped, "novel", used, best)


def test_calls_until_regret_is_small() -> None:
    good, poor = BEST, Design(PROGRAM, 1, 0)
    assert LAND.reach() == (18, 18)
    trace = Trace([evaluation(good, 10, good), evaluation(poor, 20, poor), evaluation(good, 30, good)])
    assert calls_until(LAND, trace, 1, stays=False) == 10
    assert calls_until(LAND, trace, 1, stays=True) == 30
    assert calls_until(LAND, Trace([evaluation(poor, 20, poor)]), 1, stays=True) == NEVER
    assert regret_at(LAND, trace, 9) == 18
    assert regret_at(LAND, trace, 10) == 0
    assert regret_at(LAND, trace, 25) == 18 - LAND.score(poor, LAND.held_out)


def test_savings_and_losses_by_hand() -> None:
    best, poor = BEST, Design(DIRECT, 1, 0)
    trace = Trace([evaluation(best, 1, best, "why", 5), evaluation(poor, 2, poor)], writing=10)
    found = saving(LAND, trace, finalists=1)
    assert (found.used, found.full) == (10 + 5 + 20, 10 + 20 + 20)
    assert (found.lost, found.worse, found.places) == (1.0, 1, 1)
    # Two alike, one of them stopped: the one place is half lost, and filled as well.
    equal = Trace([evaluation(best, 1, best, "why", 5), evaluation(best, 2, best), evaluation(poor, 3, best)])
    assert (saving(LAND, equal, 1).lost, saving(LAND, equal, 1).worse) == (0.5, 0)
    # The dearer of equal scores is no finalist.
    dear = Design(("program", "direct"), 3, 1)
    assert (
        saving(LAND, Trace([evaluation(dear, 1, best, "why", 5), evaluation(best, 2, best)]), 1).lost == 0.0
    )


def test_intervals() -> None:
    estimate, low, high = median([10.0] * 30 + [20.0] * 21)
    assert estimate == 10.0
    assert low == 10.0
    assert high in (10.0, 20.0)
    assert ratio([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])[0] == 0.5
    assert ratio([1.0], [NEVER])[0] == 0.0
    assert median([NEVER] * 3)[0] == NEVER


def test_a_race_of_recorded_designs() -> None:
    seeds = [Design((way, way), 1, 0) for way in ("direct", "program", "think")]
    assert len(seeds) == len(SEEDS)
    looked: list[int] = []

    def stop_dear(candidate: Standing, _: object, front: object) -> str:
        looked.append(len(candidate.scores))
        return "dear" if candidate.cost > 15 else ""

    total = race(LAND, [*seeds, BEST, Design(THINK, 3, 0)], 7, stop_dear)
    assert looked == [3, 9, 15, 3]
    assert (total.used, total.full) == (7 + 4 * 20 + 9, 7 + 4 * 20 + 60)


def test_optunas_pruner_as_a_test() -> None:
    pytest.importorskip("scipy")
    lost, level = (0.0, 1.0), (1.0, 1.0)
    assert wilcoxon(0.1)(Paired((lost,) * 6, (1.0,) * 6)) == 0.0
    assert wilcoxon(0.1)(Paired((level,) * 6, (1.0,) * 6)) == 1.0
    # Better so far than the rival is on the whole: not pruned, however it compares item by item.
    assert wilcoxon(0.1)(Paired((*[lost] * 6, *[level] * 12), (0.0,) * 60)) == 1.0


# -- screening


def test_surrogates_learn_what_matters() -> None:
    known = [(d, LAND.score(d, LAND.searched) / 20) for d in LAND.space() if d.votes == 1]
    drafts = [Design(THINK, 1, 1), BEST, Design(("direct", "program"), 1, 1)]
    for surrogate in (ridge, nearest):
        promise = surrogate(known, drafts)
        assert promise.index(max(promise)) == 1
    assert max(first(known, drafts)) == first(known, drafts)[0]


def test_screening_evaluates_one_draft_a_brief() -> None:
    hits = screened(LAND, [1, 2], 3, ridge, 8)
    assert len(hits) == 2
    assert hits == screened(LAND, [1, 2], 3, ridge, 8)


# -- what is checked in


@pytest.mark.parametrize("cut", [False, True])
def test_agents_are_chosen_at_the_end_of_a_stand_in(cut: bool) -> None:
    ended = choosing.search(LAND, 3, items=6, agents=12, cut=cut)
    again = choosing.search(LAND, 3, items=6, agents=12, cut=cut)
    assert [m.results for m in ended.members] == [m.results for m in again.members]
    validated = [m for m in ended.members if m.rows("validation")]
    whole = [m for m in validated if len(m.rows("validation")) == 6]
    short = [m for m in ended.members if 0 < len(m.rows("validation")) < 6]
    assert len(short) == cut
    assert len(whole) >= 2
    assert all(len(m.rows("train")) == 6 for m in ended.members)
    assert choosing.by_train(ended).score("train") == max(m.score("train") for m in ended.members)
    assert choosing.by_validation(ended) in whole
    items = {r.item for m in validated for split in m.results for r in m.rows(split)}
    assert len(items) == 12  # train and validation have none in common; 28 are held out
    chosen = choosing.in_force(ended)
    assert {round(28 * share, 6) % 1 for share in ended.held_out.values()} == {0.0}
    assert ended.held_out[chosen.agent.id] > min(ended.held_out.values())


def test_a_cut_validation_costs_less_by_the_choice_in_force() -> None:
    """What docs/landscape.md says of the first recorded one, on few searches."""
    found = choosing.held_out(Landscape.read(), 200, items=6, agents=20, cut=True)
    _, before, now = found.values()
    assert choosing.more(now, before)[0] > 0


@pytest.mark.parametrize("file", [FILE, FILE.with_name("families-0.5b.json.xz")], ids=lambda file: file.name)
def test_the_recorded_landscapes_are_what_the_issue_asks_for(file: Path) -> None:
    land = Landscape.read(file)
    assert len(land.recorded) >= 100
    assert (len(land.searched), len(land.held_out)) == (20, 20)
    assert file.stat().st_size < 5e6
    assert land.about["sha256"]
    assert land.teaching_calls > 0
    wrong, compared, _ = land.disagreements()
    assert compared >= 100 * 40
    assert wrong == 0
