"""Whole searches on made worlds: what is counted, kept, measured and shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from meta_search.authors.designs import space_of
from meta_search.guide.opening import Choices
from meta_search.types.designs import Slot, Space
from tests.bench.landscape.measures import NEVER, saving
from tests.bench.landscape.simulate import OPERATORS
from tests.bench.worlds import __main__ as command
from tests.bench.worlds import places
from tests.bench.worlds import results as kept
from tests.bench.worlds.measures import calls_until, over_seeds, points_at, ratio
from tests.bench.worlds.past import PastGuide
from tests.bench.worlds.places import Place, place
from tests.bench.worlds.recorded import FILES, Recorded
from tests.bench.worlds.results import Results
from tests.bench.worlds.searching import Result, Task, search, searched
from tests.bench.worlds.strategies import ORACLE, PAST, STRATEGIES
from tests.bench.worlds.world import World

SMALL = Place("interacting", 2, 3, 12, "small")


def result(*curve: tuple[int, float, float], items: int = 10) -> Result:
    return Result(Task(replace(SMALL, items=items), "default", 500, 50), (0.9, 0.8), list(curve))


# -- searches


def test_every_call_is_counted_once() -> None:
    world = World("fitted", 2, kinds=3, items=12, costs="wide", held_out=20)
    found, trace = searched(world, "without racing", 10**6, 8)  # all items, in whatever order
    ran = sum(row.calls for ended in trace.evaluations for row in world.rows(ended.design)[: ended.items])
    assert trace.calls == ran + trace.writing
    assert saving(world, trace).used == trace.calls
    assert trace.calls == found.table.calls >= 200
    assert trace.writing >= world.teaching_calls
    # Scores are those of the world.
    for member in found.members:
        rows = world.rows(found.table.designs[member.agent.id])
        scores = {item: row.right for item, row in zip(world.items, rows, strict=True)}
        assert all(scores[item] == score for item, score in member.scores("train").items())


def test_a_search_is_a_function_of_its_task() -> None:
    task = Task(SMALL, "default", 150, 12)
    one, two = search(task), search(task)
    assert replace(one, seconds=0) == replace(two, seconds=0)
    assert one.curve != search(replace(task, place=replace(SMALL, seed=4))).curve
    assert one.best == (SMALL.world().oracle.train, SMALL.world().oracle.held_out)


def test_strategies_do_what_they_are_called() -> None:
    traces = {
        name: searched(place("fitted", 2, kinds=3, items=12).world(), name, 10**6, 16)[1]
        for name in (PAST, "uniform", "random", "without racing")
    }
    assert not any(ended.stopped for ended in traces["without racing"].evaluations)
    assert traces[PAST] != traces["random"] != traces["uniform"]
    first = [e.operator for e in traces[PAST].evaluations if e.operator != "seed"]
    assert first[0] == "bootstrap"
    assert next(e.operator for e in traces["uniform"].evaluations if e.operator != "seed") == "bootstrap"
    assert all(trace.briefs == 16 for trace in traces.values())


def test_the_past_guide_asks_what_it_asked_then() -> None:
    """The first briefs are the opening of the search before the surrogate; later ones are TPE's, which
    is told what came of them."""
    guide = PastGuide(3, Choices(OPERATORS, ("composer",), ("plan",)))
    asked = []
    for number in range(16):
        order = guide.ask()
        asked.append(order.brief.operator)
        guide.tell(number, 1.0 if order.brief.operator == "mutate" else 0.0)
        design = guide.design()
        design.suggest_categorical("way:sums", ["direct", "program"])
        guide.tell_design(design.number, 0.5)
    assert asked[:6] == ["bootstrap", "crossover", "crossover", "mutate", "crossover", "tune"]
    assert asked[6:].count("mutate") >= 4  # as that alone was worth anything
    assert guide.briefs.rows()[0][1]["parents"] == "best"


def test_the_oracle_pays_for_seeds_teaching_and_the_best() -> None:
    world = SMALL.world()
    found = search(Task(SMALL, ORACLE, 100, 10))
    works = [*world.seeds(), world.oracle.design]
    calls = sum(world.rows(work)[place].calls for work in works for place in range(12))
    assert found.used == calls + world.teaching_calls
    assert calls_until(found) == found.used


@pytest.mark.parametrize("name", FILES)
def test_recorded_landscapes_are_worlds(name: str) -> None:
    world = Recorded(name, 3)
    half = 20 * len(FILES[name])
    assert (len(world.searched), len(world.held_out)) == (half, half)
    assert world.truth(world.oracle.design) == pytest.approx(world.oracle.train)
    assert max(map(world.truth, world.seeds())) <= world.oracle.train
    shares = {kind: sum(world.kind_of[p] == kind for p in world.searched) for kind in world.kinds}
    assert set(shares.values()) <= {3, 4}
    found = search(Task(place(name, 2), "uniform", 200, 12))
    assert found.task.place.items == half
    assert found.used >= 200
    assert 0 < found.curve[-1][1] <= found.best[0]


def test_blocks_widen_the_space_of_a_world(monkeypatch: pytest.MonkeyPatch) -> None:
    def wider(ways: Sequence[str], words: Mapping[str, str], blocks: Sequence[str] = ()) -> Space:
        return Space((*space_of(ways, words).slots, Slot("check", ("none", *blocks))), tuple(words))

    monkeypatch.setattr(places, "space_of", wider)
    wide, narrow = (replace(SMALL, seed=90, blocks=blocks) for blocks in (("twice",), ()))
    assert wide.world().space.parameters()["check"] == ("none", "twice")
    assert narrow.world().space.parameters()["check"] == ("none",)
    told = json.loads(json.dumps(result().to_mapping()))
    told["task"]["place"]["blocks"] = ["twice"]
    assert Result.of(told).task.key() == Task(replace(SMALL, items=10, blocks=("twice",)), *REST).key()
    del told["task"]["place"]["blocks"]  # as lines were before there were any
    assert Result.of(told).task.key() == Task(replace(SMALL, items=10), *REST).key()


REST = ("default", 500, 50)


# -- what is kept


def test_results_are_kept_and_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "worlds" / "searches.jsonl"
    tasks = [Task(SMALL, name, 100, 6) for name in ("uniform", ORACLE)]
    first = list(Results(path).complete(tasks))
    assert [r.task for r in first] == tasks
    with path.open("a") as lines:
        lines.write('{"task": {"pla')  # the process was killed here
    again = Results(path)
    assert again.of(tasks) == first
    made: list[Task] = []

    def noted(task: Task) -> Result:
        made.append(task)
        return search(task)

    monkeypatch.setattr(kept, "search", noted)
    more = Task(SMALL, ORACLE, 200, 6)
    assert [r.task for r in again.complete([*tasks, more])] == [more]
    assert made == [more]
    assert len(Results(path).known) == 3
    assert Results(path).of([tasks[0], replace(more, label="other")]) == [first[0]]


@pytest.mark.slow
def test_several_processes_come_to_the_same(tmp_path: Path) -> None:
    tasks = [Task(replace(SMALL, seed=seed), "uniform", 60, 4) for seed in (2, 4, 6)]
    one, two = Results(tmp_path / "one"), Results(tmp_path / "two")
    assert len(list(one.complete(tasks))) == len(list(two.complete(tasks, processes=2))) == 3
    for ours, theirs in zip(one.of(tasks), two.of(tasks), strict=True):
        assert replace(ours, seconds=0) == replace(theirs, seconds=0)


# -- measures


def test_calls_until_the_choice_is_within_an_item() -> None:
    assert calls_until(result((10, 0.5, 0.5), (20, 0.85, 0.5))) == 20
    assert calls_until(result((10, 0.85, 0.5), (20, 0.7, 0.5), (30, 0.81, 0.5))) == 30
    assert calls_until(result((10, 0.85, 0.5), (20, 0.7, 0.5)), stays=False) == 10
    assert calls_until(result((10, 0.85, 0.5), (20, 0.7, 0.5))) == NEVER
    assert calls_until(result((10, 0.85, 0.5), items=40)) == NEVER  # two items of 40
    assert calls_until(result((10, 0.85, 0.5), items=20)) == 10  # one of 20, though 20 * (0.9 - 0.85) > 1
    assert points_at(result((10, 0.5, 0.4), (20, 0.5, 0.6)), 19) == 40.0
    assert points_at(result((10, 0.5, 0.4)), 9) == 0.0


def test_ratios_count_searches_that_never_come_to_it_at_the_cap() -> None:
    ours, theirs = [100.0, 300.0, NEVER], [200.0, 600.0, NEVER]
    middle, low, high = ratio(ours, theirs, 1000)
    assert middle == pytest.approx(1400 / 1800)
    assert low == pytest.approx(0.5)
    assert high == pytest.approx(1.0)
    assert over_seeds([1.0, 1.0]) == (1.0, 1.0, 1.0)


# -- the command


def test_the_command_makes_tables_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("META_SEARCH_BENCH_RUNS", str(tmp_path))
    words = "worlds --seeds 2 --laws easy noisy --kinds 2 --items 12 --costs small --calls 100 --candidates 4"

    def run(*more: str) -> str:
        monkeypatch.setattr(sys, "argv", [*words.split(), *more])
        command.main()
        return capsys.readouterr().out

    told = run("--strategies", "uniform", "oracle")
    assert "6 searches" not in told
    assert "8 searches" in told
    assert "all laws: 4 worlds" in told
    lines = (tmp_path / "worlds" / "searches.jsonl").read_text().splitlines()
    assert {json.loads(line)["task"]["place"]["seed"] for line in lines} == {0, 2}
    assert "0 searches" in run("--strategies", "uniform", "oracle")
    told = run("--strategies", "uniform", "--label", "new", "--also", "uniform", "oracle", "--report")
    assert "nothing is there yet" in told  # the others have no results on worlds for the report
    told = run(
        "--strategies", "uniform", "--label", "new", "--also", "uniform", "oracle", "--against", "uniform"
    )
    assert "uniform@new" in told
    with pytest.raises(SystemExit):
        run("--strategies", "unknown")
    assert PAST in STRATEGIES
