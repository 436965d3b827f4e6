"""Made worlds: what is true of them, and whole searches on them."""

from __future__ import annotations

import random
import statistics

import pytest

from meta_search.authors.designs import space_of
from meta_search.authors.plan import WAYS, Plan
from meta_search.types import Agent, Brief, Candidate
from meta_search.types.designs import Slot, Space
from tests.bench.landscape.table import Landscape
from tests.bench.worlds.fit import components, table_of_landscape, table_of_world
from tests.bench.worlds.laws import COSTS, LAWS
from tests.bench.worlds.places import Place, place, seeds
from tests.bench.worlds.works import Made, Program, random_design
from tests.bench.worlds.world import MOST_KINDS, World, for_report, keywords

WIDE = Space(
    (
        Slot("prepare", ("none", "decompose", "quote"), per_kind=True),
        Slot("way", ("direct", "program", "think"), per_kind=True),
        Slot("check", ("none", "again", "run"), per_kind=True, when=(("way", ("program",)),)),
        Slot("votes", (1, 3, 5)),
        Slot("shown", (0, 1, 2, 3)),
        Slot("form", ("near", "diverse"), when=(("shown", (1, 2, 3)),)),
        Slot("temperature", (0.0, 0.5, 1.0)),
    )
)
FEW, MANY = 40, 2000


def drawn(world: World, n: int, seed: int = 0) -> list[Made]:
    rng = random.Random(seed)
    return [random_design(world, rng) for _ in range(n)]


# -- worlds


@pytest.mark.parametrize("law", LAWS)
def test_no_design_is_better_than_the_oracle(law: str) -> None:
    world = World(law, 2, kinds=4, items=12, held_out=4)
    best = world.oracle
    assert best.exact
    assert best.train == pytest.approx(world.truth(best.design))
    assert max(map(world.truth, set(drawn(world, MANY)))) <= best.train + 1e-9
    assert best.train > max(map(world.truth, world.seeds()))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("costs", COSTS)
def test_what_comes_of_items_is_in_range(law: str, costs: str) -> None:
    world = World(law, 4, kinds=5, items=20, costs=costs, held_out=20, space=WIDE)
    for work in (*drawn(world, FEW), *world.candidates(20)):
        chances = world.chances(work)
        assert chances.shape == (40,)
        assert 0 <= chances.min() <= chances.max() <= 1
        rows = world.rows(work)
        assert all(0 <= row.right <= 1 and row.calls >= 1 and row.tokens >= 1 for row in rows)
        assert LAWS[law].grain < 1 or {row.right for row in rows} <= {0.0, 1.0}


def test_a_world_is_a_function_of_its_names() -> None:
    one, two, other = World("fitted", 2), World("fitted", 2), World("fitted", 4)
    works = one.candidates(12)
    assert works == two.candidates(12)
    for work in reversed(works):  # in another order
        two.rows(work)
    assert all(one.rows(work) == two.rows(work) for work in works)
    assert one.oracle == two.oracle
    assert any(one.rows(work) != other.rows(work) for work in works)
    # Machines agree: drawn once, written down.
    assert [row.right for row in one.rows(works[0])[:12]] == FIRST_ROWS
    assert one.truth(works[0]) == pytest.approx(FIRST_TRUTH)


FIRST_ROWS = [0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0]
FIRST_TRUTH = 0.547035


def test_scores_are_drawn_from_the_truth() -> None:
    """Means of many repeats are the expected scores, for all laws."""
    for law in LAWS:
        world = World(law, 6, kinds=3, items=9, held_out=0)
        work = world.seeds()[1]
        every = [[row.right for row in world.rows(work, repeat)] for repeat in range(250)]
        means = [statistics.fmean(column) for column in zip(*every, strict=True)]
        assert means == pytest.approx(list(world.chances(work)), abs=0.12)


def test_an_agent_has_a_draw_of_its_own_for_every_repeat() -> None:
    world = World("noisy", 2)
    work = world.seeds()[0]
    first, again, other = world.rows(work), world.rows(work, 0), world.rows(work, 1)
    assert first == again
    assert [row.right for row in first] != [row.right for row in other]


def test_equal_cells_do_the_same() -> None:
    world = World("interacting", 2, kinds=3, items=12)
    one = world.made({"way:kind-alpha": "think", "votes": 3})
    other = world.made({"way:kind-alpha": "think", "way:kind-bravo": "program", "votes": 3})
    same = [place for place, kind in enumerate(world.kind_of) if kind != "kind-bravo"]
    assert [world.rows(one)[p] for p in same] == [world.rows(other)[p] for p in same]
    assert world.rows(one) != world.rows(other)


def test_any_space_will_do() -> None:
    world = World("deceptive", 2, kinds=4, items=12, held_out=8, space=WIDE)
    best = world.oracle
    assert {name.partition(":")[0] for name, _ in best.design} <= {slot.name for slot in WIDE.slots}
    assert max(map(world.truth, drawn(world, FEW))) <= best.train
    # Every slot that is read matters.
    base = {"way:kind-alpha": "program", "shown": 1}
    for slot in WIDE.slots:
        named = world.space.parameter(slot, "kind-alpha")
        truths = {world.truth(world.made({**base, named: choice})) for choice in slot.choices}
        assert len(truths) > 1
    # And what is not read does not.
    unread = world.made({"way:kind-alpha": "think", "check:kind-alpha": "run"})
    assert unread == world.made({"way:kind-alpha": "think"})


def test_coordinate_ascent_finds_what_comparing_all_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    for law in ("fitted", "interacting", "deceptive"):
        exact = World(law, 2, kinds=4, items=12).oracle
        with monkeypatch.context() as patched:
            patched.setattr("tests.bench.worlds.oracle.MOST_EXACT", 0)
            climbed = World(law, 2, kinds=4, items=12).oracle
        assert exact.exact
        assert not climbed.exact
        assert climbed.train == pytest.approx(exact.train)


def test_votes_cost_calls() -> None:
    for costs in COSTS:
        world = World("fitted", 2, costs=costs)
        one, three = world.made({"votes": 1}), world.made({"votes": 3})
        assert world.rows(three)[0].calls == 3 * world.rows(one)[0].calls
    spreads = []
    for costs in COSTS:
        world = World("fitted", 2, costs=costs)
        every = [world.rows(work) for work in drawn(world, FEW)]
        tokens = [statistics.fmean(row.tokens / row.calls for row in rows) for rows in every]
        spreads.append(max(tokens) / min(tokens))
    assert spreads[0] < 1.9 < 3 < spreads[1]


def test_programs_do_about_as_well_as_their_parents() -> None:
    world = World("fitted", 2)
    parent = random_design(world, random.Random(1))
    truths = [world.truth(Program(number, parent)) for number in range(200)]
    assert len(set(truths)) > 100
    assert statistics.fmean(truths) == pytest.approx(world.truth(parent), abs=0.1)
    assert 0.02 < statistics.pstdev(truths) < 0.3
    works = world.candidates(40)
    assert len(set(works)) == 40
    assert sum(isinstance(work, Program) for work in works) >= 5
    assert works[:3] == world.seeds()
    assert works[:20] == world.candidates(20)


def test_what_a_candidate_is() -> None:
    world, brief = World("fitted", 2, kinds=2), Brief(0, "novel", "composer")
    plan = {"way": "program", "routes": [{"words": "alpha", "way": "direct"}], "samples": 3, "shown": 2}
    agent = Agent.of("a", "x", {"samples": 1})
    found = world.placed(Candidate(agent, brief, plan=plan), {})
    told = {"way:kind-alpha": "direct", "way:kind-bravo": "program", "votes": 1, "shown": 2}
    assert found == world.made(told)
    # What no design does counts without it; a child without a plan as its parent.
    hinted = world.placed(Candidate(Agent.of("b", "y"), brief, plan={**plan, "hint": "Be brief."}), {})
    assert hinted == world.made({**told, "votes": 3})
    child = Candidate(Agent.of("c", "z"), Brief(1, "llm", "llm", (agent.id,)))
    assert world.placed(child, {agent.id: found}) == found
    assert world.placed(Candidate(Agent.of("direct", "w"), brief), {}) == world.seeds()[0]


def test_kinds_are_told_by_words_that_the_engine_finds() -> None:
    from meta_search.engine.keywords import keywords as found
    from tests.bench.landscape.stand_ins import TableDomain

    for kinds in (1, 2, 16):
        world = World("fitted", 2, kinds=kinds, items=20)
        assert found(TableDomain(world).items("examples")) == world.keywords
        assert len(world.kinds) == kinds
    with pytest.raises(ValueError, match="1 to 16 kinds"):
        keywords(MOST_KINDS + 1)


def test_the_split_is_fixed() -> None:
    assert seeds(4) == [0, 2, 4, 6]
    assert seeds(4, report=True) == [1, 3, 5, 7]
    assert [seed for seed in range(6) if for_report(seed)] == [1, 3, 5]
    drawn = [place("fitted", seed) for seed in seeds(40)]
    assert drawn == [place("fitted", seed) for seed in seeds(40)]
    assert drawn[2] == Place("fitted", 4, *SIZES)
    assert {one.costs for one in drawn} == set(COSTS)
    assert len({one.kinds for one in drawn}) > 4
    assert place("easy", 4, kinds=3, items=50, costs="wide") == Place("easy", 4, 3, 50, "wide")


SIZES = (6, 12, "small")


# -- the fit


def test_parts_of_the_score_add_up() -> None:
    world = World("fitted", 2, kinds=4, items=20, held_out=0)
    tables = table_of_world(world)
    found = components(tables)
    every = [value for table in tables for value in table.ravel()]
    squares = sum(value**2 for name, value in found.items() if name != "mean")
    assert squares == pytest.approx(statistics.pvariance(every))
    assert found["mean"] == pytest.approx(statistics.fmean(every))


def test_fitted_worlds_are_like_the_recorded_landscape() -> None:
    recorded = components(table_of_landscape(Landscape.read()))
    made = [components(table_of_world(World("fitted", seed, 6, 40, held_out=2))) for seed in seeds(8)]
    for name, value in recorded.items():
        assert statistics.fmean(one[name] for one in made) == pytest.approx(value, abs=0.12), name


def test_a_plan_of_every_design_comes_back() -> None:
    """What the composer would write of a design is that design."""
    from meta_search.authors.designs import plan_for

    world = World("fitted", 2, kinds=3)
    space = space_of(WAYS, world.keywords)
    for made in drawn(world, FEW):
        plan: Plan = plan_for(space, dict(made), world.keywords)
        candidate = Candidate(Agent.of("a", "x"), Brief(0, "novel", "composer"), plan=plan.to_mapping())
        assert world.placed(candidate, {}) == made
