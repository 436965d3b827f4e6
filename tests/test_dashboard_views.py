"""Views: of a recorded search, one under way, an evaluation, of old, empty and hostile archives."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

import meta_search
from archive import codec, schema, summaries
from archive.records import Archive
from archive.store import Store
from meta_search import SearchEvent
from meta_search.dashboard.views.events import events
from meta_search.dashboard.views.guide import guide
from meta_search.dashboard.views.lanes import lanes
from meta_search.dashboard.views.lineage import lineage
from meta_search.dashboard.views.niches import AXES, niches
from meta_search.dashboard.views.now import now
from meta_search.dashboard.views.overview import config_yaml, overview
from meta_search.dashboard.views.progress import progress
from meta_search.dashboard.views.row_of_run import limits_of, run_row
from meta_search.errors import DamagedError
from meta_search.report.spending import stairs, steps_of
from meta_search.report.verdict import archive_verdict
from meta_search.testing import CountingEndpoint
from meta_search.text import one_line
from meta_search.types import Agent, Brief, Candidate, Evaluation, ItemResult, Usage
from tests.data import record_run
from tests.kits import sums
from tests.kits.answers import adds_below
from tests.kits.list_archive import HOSTILE, ListArchive, named_agent
from tests.kits.stored import stored

View = Callable[..., dict[str, Any]]
VIEWS: tuple[View, ...] = (overview, progress, now, lanes, lineage, niches, guide, events)


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_run.unpack(tmp_path_factory.mktemp("recorded"), record_run.EARLIER)


@pytest.fixture(scope="module")
def recorded(folder_of: Path) -> Iterator[Archive]:
    with Archive(folder_of) as archive:
        yield archive


def all_of(folder: Path, archive: Archive) -> dict[str, dict[str, Any]]:
    """Every view's answer; each is JSON that browsers read."""
    found = {view.__name__: view(folder, archive) for view in VIEWS}
    json.dumps(found, allow_nan=False)
    return found


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def test_the_row_of_a_run_says_what_is_true_now(folder_of: Path, recorded: Archive) -> None:
    row = run_row(folder_of, recorded, "a/run")
    assert (row["id"], row["kind"], row["state"]) == ("a/run", "search", "done")
    assert (row["task_models"], row["meta_models"]) == (["solver"], ["writer"])
    assert row["state_text"] == "Done: the final report is complete."
    assert (row["agents"], row["spent"]["calls"]) == (11, 416)
    assert (row["best"]["split"], row["best"]["selection"]) == ("test", False)
    assert row["best"]["agent"] == recorded.meta("best")
    assert row["limits"] == {"calls": None, "tokens": None, "usd": None, "wall_s": 900.0}
    assert row["attention"] == []


def test_the_overview_says_what_the_report_says(folder_of: Path, recorded: Archive) -> None:
    found, verdict = overview(folder_of, recorded), archive_verdict(recorded)
    assert found["verdict"] == verdict.sentence
    assert set(verdict.lines[1:]) <= set(found["notes"])
    assert [row["agent"] for row in found["tested"]] == [
        *(c.finalist.agent for c in verdict.comparisons),
        *(s.agent for s in verdict.baselines),
    ]
    first, compared = found["tested"][0], verdict.comparisons[0]
    assert (first["points"], first["p"]) == (compared.difference, compared.p_adjusted)
    paid = {row["purpose"]: row["usage"]["tokens"] for row in found["spending"]["by"]}
    assert paid == {purpose: used.tokens for purpose, used in recorded.usage().items()}
    assert found["end"] == "all 8 candidates are written (search.candidates)"
    assert found["counts"] == {"agents": 11, "complete": 7, "failed": 6, "in_flight": 0, "briefs": 11}
    assert 'task:\n    model: "solver"' in found["config"]
    assert any("worked examples" in note for note in found["notes"])
    unpriced = [note for note in found["notes"] if note.startswith("No price is known for")]
    assert len(unpriced) == 1  # else $0 would look like what it cost
    assert "solver" in unpriced[0]


def test_progress_climbs_as_the_report_tells_it(folder_of: Path, recorded: Archive) -> None:
    found, told = progress(folder_of, recorded), stairs(steps_of(recorded))
    assert [step["agent"] for step in found["steps"]] == [step.agent for step in told]
    assert [step["corrected"] for step in found["steps"]] == pytest.approx([step.score for step in told])
    for step, one in zip(found["steps"], told, strict=True):
        assert step["tokens"] == one.paid.tokens
    fates = {mark["name"]: mark["fate"] for mark in found["marks"]}
    assert fates["direct"] == "seed"
    assert fates["program_of_thought, told print(60)"] == "better"
    assert fates["Agent 5"] == "not better"
    assert fates["Agent 1"] == "paused"
    assert found["best_seed"]["name"] in ("program_of_thought", "chain_of_thought")
    assert sum(mark["on_front"] for mark in found["marks"]) >= 1


def test_lanes_hold_every_call_once_and_never_two_at_a_time(folder_of: Path, recorded: Archive) -> None:
    found = lanes(folder_of, recorded)
    spans = [span for lane in found["lanes"] for span in lane["spans"]]
    assert len(spans) + found["left_out"] == 416
    for lane in found["lanes"]:
        ends = [(span["from_s"], span["to_s"]) for span in lane["spans"]]
        assert all(a[1] <= b[0] + 0.002 for a, b in itertools.pairwise(ends))
    assert {span["kind"] for span in spans} == {"task", "meta", "teacher", "probe"}


def test_lineage_leads_to_the_best_and_to_ancestors(folder_of: Path, recorded: Archive) -> None:
    found = lineage(folder_of, recorded)
    known = {node["agent"] for node in found["nodes"]}
    assert len(known) == 11
    assert all(edge["parent"] in known and edge["child"] in known for edge in found["edges"])
    assert [node["agent"] for node in found["nodes"] if node["on_path"]] == [recorded.meta("best")]
    agent = recorded.meta("final")["finalists"][1]
    ancestors = {node["agent"] for node in lineage(folder_of, recorded, agent=agent)["nodes"]}
    assert ancestors == {record.agent.id for record in recorded.lineage(agent)}


@pytest.mark.parametrize("axis", AXES)
def test_a_cell_of_niches_holds_its_best(folder_of: Path, recorded: Archive, axis: str) -> None:
    found = niches(folder_of, recorded, x=axis, y="author")
    whole = {
        r.agent.id: e.score for r in recorded.agents() if (e := r.evaluations.get("train")) and e.complete
    }
    assert sum(cell["agents"] for cell in found["cells"]) == len(whole) == found["of"]
    for cell in found["cells"]:
        assert 0 <= cell["x"] < len(found["x_bins"])
        assert 0 <= cell["y"] < len(found["y_bins"])
        assert cell["best"]["score"] == whole[cell["best"]["agent"]]
    assert max(cell["best"]["score"] for cell in found["cells"]) == max(whole.values())


def test_the_guide_says_what_paid_and_what_it_would_ask_next(folder_of: Path, recorded: Archive) -> None:
    found = guide(folder_of, recorded)
    briefs = [row for row in found["paid_off"] if row["group"] == "operator"]
    assert sum(row["briefs"] for row in briefs) == len(recorded.events("ask"))
    assert 0.9 < sum(row["chance"] for row in found["next"]) <= 1.0
    assert "of the score that is left to gain" in found["next"][0]["why"]
    assert sum(row["share"] for row in found["importance"]) == pytest.approx(1.0)
    studies = {row["study"]: row for row in found["studies"]}
    assert studies["briefs"]["columns"][:4] == ["trial", "state", "agent", "value"]
    assert all(len(row) == len(studies["briefs"]["columns"]) for row in studies["briefs"]["rows"])


def test_events_are_read_filtered_and_paged(folder_of: Path, recorded: Archive) -> None:
    found = events(folder_of, recorded)
    assert (found["total"], len(found["rows"])) == (411, 411)
    assert found["kinds"]["ask"] == 11
    assert [row["seq"] for row in found["rows"]] == list(range(1, 412))
    newest = events(folder_of, recorded, newest=1, limit=10)["rows"]
    assert [row["seq"] for row in newest] == list(range(411, 401, -1))
    further = events(folder_of, recorded, newest=1, limit=10, before=newest[-1]["seq"])["rows"]
    assert further[0]["seq"] == newest[-1]["seq"] - 1
    assert [row["seq"] for row in events(folder_of, recorded, after=409)["rows"]] == [410, 411]
    races = events(folder_of, recorded, kind="race,stop")["rows"]
    assert {row["kind"] for row in races} == {"race", "stop"}
    assert any(row["text"] == "the search ended: all candidates are written" for row in races)
    named = events(folder_of, recorded, q="restate first")["rows"]  # by the name of an agent
    assert named
    assert {row["agent"] for row in named} == {"c306ab1e88f69353"}
    assert events(folder_of, recorded, q="100%_\\")["rows"] == []


def test_a_person_who_steers_is_named(tmp_path: Path) -> None:
    run = ListArchive()
    run.values["config"] = {"budget": {"usd": 1.0, "calls": 10}}
    run.numbered = [
        (
            "steer",
            {"command": "limit", "limit": "budget.usd", "value": 5.0, "who": "ada", "at": 1e9, "id": "1"},
        ),
        ("steer", {"command": "pause", "who": f"eve {HOSTILE}", "at": 1e9, "id": "2"}),
    ]
    run.values["steered"] = {"paused": {"who": f"eve {HOSTILE}", "at": 1e9}}
    stored(run, tmp_path).close()
    with Store.open(tmp_path), Archive(tmp_path) as archive:  # somebody writes it
        row = run_row(tmp_path, archive)
        assert row["state"] == "paused"
        assert row["state_text"].startswith("Paused by eve <script>")
        assert row["limits"]["usd"] == 5.0
        first = events(tmp_path, archive)["rows"][0]
        assert first["text"] == "ada: limit (limit budget.usd, value 5.0)"
        assert now(tmp_path, archive)["state"] == "paused"
    with Archive(tmp_path) as archive:
        assert run_row(tmp_path, archive)["state"] == "killed"
    assert limits_of({}) == {"calls": None, "tokens": None, "usd": None, "wall_s": None}


def test_a_search_is_looked_at_while_it_runs(folder: Path) -> None:
    """The engine's own thread looks, so that what is under way stands still meanwhile."""
    states: set[str] = set()
    writing: list[dict[str, Any]] = []
    evaluating: list[dict[str, Any]] = []
    untested = False

    def look(event: SearchEvent) -> None:
        nonlocal untested
        if event.kind not in ("brief", "written", "evaluated", "stopped"):
            return
        with Archive(Path("run")) as archive:
            found = all_of(Path("run"), archive)
        states.add(found["now"]["state"])
        writing.extend(found["now"]["writing"])
        evaluating.extend(found["now"]["evaluating"])
        untested |= "no test yet: selection scores, not the result" in found["now"]["state_text"]

    with CountingEndpoint(adds_below(12)) as endpoint:
        words = sums.short(endpoint, "domain.dealing=row", "run.dir=run")
        summary = meta_search.search(*words, domain=sums.rows(), on_event=look)
    assert states == {"searching"}
    assert untested
    assert {row["operator"] for row in writing}
    assert all(row["done"] <= row["planned"] for row in evaluating)
    assert {row["split"] for row in evaluating} <= {"train", "validation"}
    with Archive(summary.folder) as archive:
        assert run_row(summary.folder, archive)["state"] == "done"
        assert now(summary.folder, archive)["writing"] == []


def test_an_evaluation_has_views_too(folder: Path) -> None:
    with CountingEndpoint(adds_below(12)) as endpoint:
        words = sums.short(endpoint, "run.dir=evaluated")
        meta_search.evaluate(["direct"], *words, domain=sums.rows())
    with Archive("evaluated") as archive:
        found = all_of(Path("evaluated"), archive)
    row = found["overview"]["run"]
    assert (row["kind"], row["agents"]) == ("evaluate", 1)
    assert row["best"]["selection"] is False
    assert "no test yet" not in row["state_text"]
    assert found["progress"]["split"] == row["best"]["split"]
    assert len(found["progress"]["marks"]) == 1


def test_an_empty_archive_has_views(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with Archive(tmp_path) as archive:
        found = all_of(tmp_path, archive)
    assert found["overview"]["run"]["best"] is None
    assert found["overview"]["run"]["started_at"] is None
    assert found["overview"]["verdict"] is None
    assert found["progress"]["steps"] == found["lanes"]["lanes"] == found["niches"]["cells"] == []
    assert found["events"]["total"] == 0


@pytest.mark.parametrize("migration", [step.__name__ for step in schema.MIGRATIONS[1:]])
def test_an_older_archive_has_views(tmp_path: Path, migration: str) -> None:
    db = Database(tmp_path / "archive.db")
    schema.migrations().apply(db, stop_before=migration)
    candidate = Candidate(Agent.of("A", "x = 1"), Brief(0, "novel", "llm"))
    agent = candidate.agent.id
    row = codec.agent_row(candidate, "population", 1e9)
    db.execute(f"INSERT INTO agents VALUES ({codec.marks(row)})", row)
    results = [ItemResult(agent, "train", "1", 0, "ok", score=1.0, used=Usage(1, 3, 1))]
    columns = len(list(db.execute("SELECT * FROM pragma_table_info('results')")))
    for result in results:
        row = codec.result_row(result, 1e9)[:columns]
        db.execute(f"INSERT INTO results VALUES ({codec.marks(row)})", row)
    columns = len(list(db.execute("SELECT * FROM pragma_table_info('evaluations')")))
    row = codec.evaluation_row(Evaluation.of(agent, "train", results), 1e9)[:columns]
    db.execute(f"INSERT INTO evaluations VALUES ({codec.marks(row)})", row)
    db.conn.commit()
    db.close()
    with Archive(tmp_path) as archive:
        found = all_of(tmp_path, archive)
    assert found["overview"]["run"]["best"]["score"] == 1.0
    assert [step["name"] for step in found["progress"]["steps"]] == ["A"]
    assert [node["agent"] for node in found["lineage"]["nodes"]] == [agent]


def test_what_strangers_wrote_is_printable_and_bounded(tmp_path: Path) -> None:
    run, long = ListArchive(), "x" * 100_000
    for n in range(3):
        made = named_agent(f"{HOSTILE} {n} {long}", n)
        about = {"author": HOSTILE + long, "operator": HOSTILE, "thought": HOSTILE + long}
        run.brief(run.add(made, {"train": [0.0, 1.0], "test": [0.0]}, stopped=HOSTILE + long, **about))
    run.values = {
        "config": {"llm": {"api_key": "sk-123", "task": {"model": HOSTILE}}, "domain": {"name": HOSTILE}},
        "verdict": HOSTILE + long,
        "end": {"why": HOSTILE, "text": HOSTILE + long},
        "outlooks": [
            {"operator": HOSTILE, "author": HOSTILE, "gain": 1, "low": 0, "high": 2, "cost": 1, "briefs": 0},
        ],
    }
    run.numbered += [
        (HOSTILE, {HOSTILE: [HOSTILE] * 3}),
        ("steer", {"command": HOSTILE}),
    ]
    with stored(run, tmp_path) as archive:
        found = all_of(tmp_path, archive)
    for text in texts(found):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert len(json.dumps(found)) < 400_000
    assert "sk-123" not in json.dumps(found)


NONSENSE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("race", {"agent": 7}),
    ("ask", {"brief": []}),
    ("delivery", {"brief": "x"}),
)


@pytest.mark.parametrize(("kind", "data"), NONSENSE)
def test_a_journal_that_makes_no_sense_is_one_line_and_shown_as_it_is(
    tmp_path: Path, kind: str, data: dict[str, Any]
) -> None:
    run = ListArchive()
    run.numbered = [(kind, data)]
    with stored(run, tmp_path) as archive:
        (row,) = events(tmp_path, archive)["rows"]
        assert (row["kind"], row["data"]) == (kind, data)
        with pytest.raises(DamagedError, match=r"\A[^\n]*cannot make sense of[^\n]*\Z"):
            guide(tmp_path, archive)


@pytest.mark.parametrize(
    ("what", "value", "text"),
    [
        (
            "design/11",
            {"way:plus": "direct", "votes": 1},
            "the surrogate proposes for brief 11: way:plus direct, votes 1",
        ),
        ("finalist/abc", True, "«abc»: what is expected of it decides on its validation, not its score"),
        ("end", True, "the time of the search is over"),
        ("imported", ["a", "b"], "imported: a, b"),
        ("imported", [], "imported: nothing"),
        ("paid", {"tokens": 7, "of": {"task": 0.123456}}, 'paid: tokens 7, of {"task": 0.123456}'),
        ("round", 1 / 3, "round: 0.3333"),
        ("end", HOSTILE, f"end: {one_line(HOSTILE)}"),
    ],
)
def test_a_decision_is_a_sentence(tmp_path: Path, what: str, value: Any, text: str) -> None:
    run = ListArchive()
    run.numbered = [("decision", {"what": what, "value": value})]
    with stored(run, tmp_path) as archive:
        (row,) = events(tmp_path, archive)["rows"]
        assert row["text"] == text


def test_a_configuration_is_yaml_without_keys() -> None:
    text = config_yaml(
        {"llm": {"api_key": "sk", "base_url": "http://me:pw@host", "retries": [1, {}]}, "seed": 3}
    )
    assert text == 'llm:\n  api_key: "…"\n  base_url: "http://…@host"\n  retries: [1, {}]\nseed: 3'


def test_an_answer_is_kept_until_the_run_writes_more(tmp_path: Path) -> None:
    run = ListArchive()
    run.add(named_agent("first", 1), {"train": [1.0, 0.0]})
    with stored(run, tmp_path) as archive:
        before = progress(tmp_path, archive)
        assert progress(tmp_path, archive) is before
        with Store.open(tmp_path) as store:
            candidate = Candidate(named_agent("second", 2), Brief(1, "novel", "llm"))
            rows = [ItemResult(candidate.agent.id, "train", str(n), 0, "ok", score=1.0) for n in range(2)]
            store.add_candidate(candidate, "population")
            store.add_results(rows)
            store.put_evaluation(Evaluation.of(candidate.agent.id, "train", rows)).result()
        assert [step["name"] for step in progress(tmp_path, archive)["steps"]] == ["first", "second"]


@pytest.mark.slow
def test_twenty_thousand_agents_are_looked_at_in_bounded_pieces(tmp_path: Path) -> None:
    made_archive(tmp_path, 20_000)
    with Archive(tmp_path) as archive:
        for view in VIEWS:
            began = time.process_time()
            found = view(tmp_path, archive)
            assert time.process_time() - began < 3.0, view.__name__  # 0.6 s at most on a quiet machine
            assert len(json.dumps(found)) < 1_500_000, view.__name__
        best = progress(tmp_path, archive)["steps"][-1]
        assert best["score"] == max(
            row.score for row in summaries.evaluated(archive, "train") if row.complete
        )
        found = lineage(tmp_path, archive)
        assert len(found["nodes"]) + found["left_out"] == 20_000


def made_archive(folder: Path, agents: int) -> None:
    """Agents with 20 results each, written in bulk."""
    Store.open(folder).close()
    db = Database(folder / "archive.db")
    db.execute("BEGIN")
    ids = [named_agent(f"Agent {n}", n).id for n in range(agents)]
    for n, agent in enumerate(ids):
        brief = Brief(n, "mutate" if n > 5 else "seed", "llm", (ids[n // 2],) if n > 5 else ())
        candidate = Candidate(named_agent(f"Agent {n}", n), brief, "", min(n, 200))
        row = codec.agent_row(candidate, "population" if n > 5 else "seed", 1e9 + n)
        db.execute(f"INSERT INTO agents VALUES ({codec.marks(row)})", row)
        db.execute("INSERT OR IGNORE INTO edges VALUES (?, ?, 'parent')", (ids[n // 2], agent))
        right = 5 + (n * 7919) % 11
        rows = [ItemResult(agent, "train", f"i{i}", 0, "ok", score=float(i < right)) for i in range(20)]
        for result in rows:
            cells = codec.result_row(result, 1e9 + n)
            db.execute(f"INSERT INTO results VALUES ({codec.marks(cells)})", cells)
        evaluation = codec.evaluation_row(Evaluation.of(agent, "train", rows), 1e9 + n)
        db.execute(f"INSERT INTO evaluations VALUES ({codec.marks(evaluation)})", evaluation)
    db.execute("COMMIT")
    db.close()
