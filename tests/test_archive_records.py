"""The reading side: what comes back is what was written, and agents are found in every way."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import codec
from archive.readers import Readers
from archive.records import Archive, Record
from archive.store import Store
from meta_search.errors import ArchiveError
from meta_search.types import (
    Agent,
    Attempt,
    Brief,
    Candidate,
    Demonstration,
    Evaluation,
    ItemResult,
    Parameter,
    TraceCall,
    Usage,
)

SPACE = (Parameter("votes", "int", 3, 1, 9), Parameter("style", "choice", "a", choices=("a", "b", None)))
BRIEF = Brief(4, "crossover", "llm", ("p1", "p2"), ("i1",), 0.9, ("vote",), 11)
TRACE = (
    TraceCall(1, "Solver", "helper", ("thinking", "answer"), "2+2?", '{"answer": "4"}', (), 30, 0.5),
    TraceCall(2, "Judge", "critic", ("answer",), "is 4 right?", "4", (1,), 20, 0.25),
)


def agent(number: int, name: str = "") -> Agent:
    return Agent(
        f"{number:016x}", name or f"agent {number}", f"def forward(self, t):\n    return '{number}'\n"
    )


def child(number: int, *parents: int, name: str = "") -> Candidate:
    brief = Brief(number, "mutate", "llm", tuple(agent(p).id for p in parents))
    return Candidate(agent(number, name), brief, generation=1)


def scored(number: int, split: str, right: int, tokens: int, complete: bool = True) -> Evaluation:
    used = Usage(8, tokens - 10, 10, 0.1)
    return Evaluation(
        agent(number).id, split, right / 8, 0.1, 0.9, 8, used, Usage(), 2.0, {"ok": 8}, complete
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


@pytest.fixture
def archive(store: Store) -> Iterator[Archive]:
    with Archive(store.path) as opened:
        yield opened


def test_a_record_comes_back_as_it_was_written(store: Store, archive: Archive) -> None:
    shown = (Demonstration("2+2?", "print(4)"),)
    made = Agent("00ff00ff00ff00ff", "Vote", "def forward(): ...", {"votes": 5, "style": None}, shown)
    plan = {"steps": [{"role": "solver", "uses_code": True}], "votes": 3}
    store.add_candidate(Candidate(made, BRIEF, "vote more", 3, SPACE, plan), "population")
    first, second = scored(1, "train", 6, 900), scored(1, "validation", 5, 800, complete=False)
    for evaluation in (first, second):
        values = {f: getattr(evaluation, f) for f in evaluation.__slots__} | {"agent": made.id}
        store.put_evaluation(Evaluation(**values))
    store.flush().result()
    record = archive.record("Vote")
    assert record.agent == made
    assert (record.brief, record.space, record.plan) == (BRIEF, SPACE, plan)
    assert (record.author, record.operator, record.generation) == ("llm", "crossover", 3)
    assert (record.thought, record.status, record.parents) == ("vote more", "population", ("p1", "p2"))
    assert record.created > 1e9
    assert set(record.evaluations) == {"train", "validation"}
    assert record.evaluations["train"].used == first.used
    assert record.evaluations["validation"].complete is False


def test_results_come_back_with_their_traces_and_without(store: Store, archive: Archive) -> None:
    full = ItemResult(
        *("a", "train", "item 2", 1, "ok", "4", "", 1.0, Usage(2, 30, 20, 0.5), Usage(3, 40, 20, 0.75), 1.5),
        trace=TRACE,
        space=SPACE,
    )
    faulty = ItemResult("a", "train", "item 1", 0, "crash", detail="ZeroDivisionError (line 3)")
    store.add_results([full, faulty, ItemResult("b", "train", "item 1", 0, "ok")]).result()
    back = archive.results("a", "train")
    assert [r.item for r in back] == ["item 1", "item 2"]
    assert all(r.fresh is False for r in back)
    assert (back[1].trace, back[1].space, back[1].used, back[1].paid) == (TRACE, SPACE, full.used, full.paid)
    assert back[0].score is None
    assert back[0].detail == faulty.detail
    assert archive.results("a", "train", trace=False)[1].trace == ()
    assert archive.results("a", "test") == []


texts = st.text(max_size=30)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts)
usages = st.builds(Usage, *[st.integers(0, 10**9)] * 3, st.floats(0, 1e6))


@settings(max_examples=50, deadline=None)
@given(
    source=texts,
    values=st.dictionaries(texts, scalars, max_size=4),
    shown=st.lists(st.builds(Demonstration, texts, texts), max_size=3),
    used=usages,
    score=st.floats(0, 1),
)
def test_rows_hold_whatever_the_values_hold(
    source: str, values: dict[str, object], shown: list[Demonstration], used: Usage, score: float
) -> None:
    made = Agent("0" * 16, source, source, values, tuple(shown))  # type: ignore[arg-type]
    row = codec.agent_row(Candidate(made, BRIEF, space=SPACE, plan={"a": [1]}), "x", 0.0)
    assert codec.record_of(row) == (made, BRIEF, {"a": [1]}, SPACE)
    evaluation = Evaluation("a", "test", score, 0.0, 1.0, 3, used, used, 1.0, {source: 3})
    assert codec.evaluation_of(codec.evaluation_row(evaluation, 0.0)) == evaluation


def test_agents_come_in_their_order_however_many(store: Store, archive: Archive) -> None:
    numbers = random.Random(1).sample(range(10_000), 1203)  # more than two pages
    store.add_candidates([child(n) for n in numbers], "population").result()
    assert [r.agent.id for r in archive.scan()] == [agent(n).id for n in numbers]
    assert len(archive.agents()) == len(archive) == 1203


def test_an_agent_is_found_by_id_start_of_id_and_name(store: Store, archive: Archive) -> None:
    store.add_candidates([child(0xAB << 56, name="Debate"), child(0xAC << 56, name="Vote")], "x").result()
    ids = [r.agent.id for r in archive.agents()]
    assert archive.record(ids[0]).agent.name == "Debate"
    assert archive.record(ids[1][:4]).agent.name == "Vote"
    assert archive.record(ids[1][:4].upper()).agent.name == "Vote"
    assert archive.record("Debate").agent.id == ids[0]
    with pytest.raises(ArchiveError, match=f"is ambiguous in .*{ids[0]}, {ids[1]}; give an id"):
        archive.record(ids[0][:1])
    for nobody in ("nobody", "", "ffff", "%"):
        with pytest.raises(ArchiveError, match="has no agent") as error:
            archive.record(nobody)
        assert "\n" not in str(error.value)


def test_a_name_goes_before_the_start_of_an_id(store: Store, archive: Archive) -> None:
    store.add_candidates([child(0xAD << 56), child(1, name="ad")], "x").result()
    assert archive.record("ad").agent.id == agent(1).id


def test_the_best_are_whole_then_high_then_cheap(store: Store, archive: Archive) -> None:
    store.add_candidates([child(n) for n in range(6)], "population")
    for number, right, tokens, whole in (
        (0, 5, 900, True),
        (1, 5, 100, True),
        (2, 8, 100, False),
        (3, 7, 500, True),
        (4, 1, 10, False),
    ):
        store.put_evaluation(scored(number, "validation", right, tokens, whole))
    store.put_evaluation(scored(5, "train", 8, 10)).result()
    assert [r.agent.id for r in archive.top(20)] == [agent(n).id for n in (3, 1, 0, 2, 4)]
    assert [r.agent.id for r in archive.top(2)] == [agent(n).id for n in (3, 1)]
    for split, number in (("validation", 3), ("train", 5), ("test", 5), (None, 5)):
        best = archive.best(split)  # nothing was tested: by train and validation together
        assert best is not None
        assert best.agent.id == agent(number).id
    store.set_meta("best", agent(1).id).result()  # as the final report says
    assert (told := archive.best()) is not None
    assert told.agent.id == agent(1).id


def test_the_best_of_a_run_that_got_nowhere(store: Store, archive: Archive) -> None:
    assert archive.best() is None
    store.add_candidates([child(0), child(1)], "population")
    store.put_evaluation(scored(0, "validation", 8, 10, complete=False)).result()
    assert (part := archive.best()) is not None
    assert part.agent.id == agent(0).id
    store.put_evaluation(scored(1, "train", 1, 10)).result()
    assert (whole := archive.best()) is not None
    assert whole.agent.id == agent(1).id  # a whole evaluation goes before eight lucky items


def test_a_lineage_holds_every_ancestor_once_and_first(store: Store, archive: Archive) -> None:
    #   0   1      a diamond, an inspiration (3, no ancestor), and someone else's child (6)
    #   | / |
    #   2   3
    #   |\  :
    #   4 | :
    #    \| :
    #     5
    family = [child(0), child(1), child(2, 0, 1), child(3, 1), child(4, 2)]
    brief = Brief(5, "crossover", "llm", (agent(4).id, agent(2).id), (agent(3).id,))
    store.add_candidates([*family, Candidate(agent(5), brief), child(6, 1)], "population").result()
    assert [r.agent.id for r in archive.lineage(agent(5).id)] == [agent(n).id for n in (0, 1, 2, 4, 5)]
    assert archive.record(agent(5).id).parents == (agent(4).id, agent(2).id)  # best first
    assert [r.agent.id for r in archive.lineage("agent 0")] == [agent(0).id]
    assert set(archive.children(agent(1).id)) == {agent(n).id for n in (2, 3, 6)}


def test_a_lineage_with_many_crossings_stays_small(store: Store, archive: Archive) -> None:
    # 60 generations of two, each with both of the former for parents: 2^60 ways from first to last.
    pairs = [child(n, *([n - n % 2 - 2, n - n % 2 - 1] if n > 1 else [])) for n in range(120)]
    store.add_candidates(pairs, "population").result()
    assert len(archive.lineage(agent(119).id)) == 119


def test_search_takes_text_as_it_stands(store: Store, archive: Archive) -> None:
    odd = Candidate(
        Agent("f" * 16, "50% off_by_one", "def forward(): return LLMDebate()"), BRIEF, "Think Twice"
    )
    store.add_candidates([child(1), odd], "x").result()
    for text in ("50% OFF", "off_by", "debate", "think twice"):
        assert [r.agent.id for r in archive.search(text)] == ["f" * 16]
    assert archive.search("off%by") == []
    assert [r.agent.id for r in archive.search("def forward")] == ["f" * 16, agent(1).id]
    assert len(archive.search("def forward", 1)) == 1


def test_attempts_trials_events_and_meta(store: Store, archive: Archive) -> None:
    attempt = Attempt(3, "llm", "novel", "dry_run", "NameError: x (line 2)", "x")
    store.add_attempt(attempt)
    store.add_trial("briefs", 1, {"operator": "novel"})
    store.add_trial("briefs", 0, {"operator": "mutate", "t": 0.5}, [0.25], "complete", "a")
    store.add_trial("briefs", 1, {"operator": "novel"}, (0.5, 100.0), "complete")
    store.add_trial("tuning a", 0, {})
    store.event("ask", {"brief": 1})
    store.event("tell", {"brief": 1})
    store.set_meta("config", {"seed": 1, "path": Path("x")})
    store.set_meta("status", "running")
    store.set_meta("status", "done").result()
    assert archive.attempts() == [attempt]
    first, second = archive.trials("briefs")
    assert (first.number, first.params, first.values, first.agent) == (
        0,
        {"operator": "mutate", "t": 0.5},
        (0.25,),
        "a",
    )
    assert (second.values, second.state) == ((0.5, 100.0), "complete")
    assert archive.trials("tuning a")[0].values is None
    assert archive.trials("none") == []
    assert archive.studies() == ["briefs", "tuning a"]
    assert [e.kind for e in archive.events()] == ["ask", "tell"]
    assert [e.seq for e in archive.events("tell")] == [2]
    assert [e.kind for e in archive.events(after=1)] == ["tell"]
    assert archive.meta("config") == {"seed": 1, "path": "x"}
    assert archive.meta("status") == "done"
    assert archive.meta("nothing") is None


def test_an_archive_can_be_used_again_after_closing(store: Store) -> None:
    with Archive(store.path.parent) as archive:
        assert archive.agents() == []
    assert archive.agents() == []
    archive.close()


def test_reading_an_archive_imports_nothing_heavy(store: Store) -> None:
    store.add_candidate(child(1), "x").result()
    code = (
        "import sys, archive.adas; from archive.records import Archive;"
        "Archive(sys.argv[1]).top(); Archive(sys.argv[1]).agents();"
        "print([m for m in ('sqlite_utils', 'networkx', 'numpy', 'rich') if m in sys.modules])"
    )
    root = str(Path(__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, str(store.path)], cwd=root, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_an_archive_in_a_folder_that_cannot_be_written_is_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There SQLite cannot make the index of the log; root, who may run the tests, can write anywhere."""
    store.add_candidate(child(1), "x").result()
    really = Readers._try

    def refuse(self: Readers, mode: str) -> sqlite3.Connection:
        if mode == "mode=ro":
            raise sqlite3.OperationalError("unable to open database file")
        return really(self, mode)

    monkeypatch.setattr(Readers, "_try", refuse)
    with pytest.raises(ArchiveError, match="unable to open"):  # what is in the log would be missed
        Archive(store.path)
    store.close()
    assert Archive(store.path).record("agent 1")


def test_records_are_frozen(store: Store, archive: Archive) -> None:
    store.add_candidate(child(1), "x").result()
    record: Record = archive.agents()[0]
    with pytest.raises(AttributeError):
        record.status = "y"  # type: ignore[misc]
