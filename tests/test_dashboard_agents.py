"""The table of agents: as sorting all records by hand would give it, at once and as the archive grows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search.dashboard import agents_index
from meta_search.dashboard.agents_columns import Columns, Words
from meta_search.dashboard.agents_index import FATES, SORTS
from meta_search.dashboard.views import shared
from meta_search.dashboard.views.agents import agents
from meta_search.errors import ConfigError
from meta_search.types import Agent, Brief, Candidate, Evaluation, ItemResult, Usage
from tests.bench.large_archive import Sizes, make_archive
from tests.data import record_run

N = 2_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = make_archive(tmp_path_factory.mktemp("large"), Sizes(N, 8 * N, 100))
    with Archive(folder) as archive:
        yield archive
    agents_index.forget_idle(0.0)


def page(archive: Archive, **query: Any) -> dict[str, Any]:
    return agents(archive.path.parent, archive, **query)


def whole(archive: Archive, **query: Any) -> list[dict[str, Any]]:
    return list(page(archive, limit=2_000, **query)["rows"])


def value(row: dict[str, Any], sort: str) -> Any:
    found = row[sort]
    if isinstance(found, dict):
        found = found["score"]
    return FATES.index(found) if sort == "fate" else found.lower() if sort == "name" else found


@pytest.mark.parametrize(("sort", "order"), [*itertools.product(SORTS, ("asc", "desc"))])
def test_every_column_sorts_in_both_orders_with_what_is_not_known_last(
    large: Archive, sort: str, order: str
) -> None:
    rows = whole(large, sort=sort, order=order)
    assert len({row["agent"] for row in rows}) == N
    values = [value(row, sort) for row in rows if sort != "score" or row["complete"]]
    known = [v for v in values if v is not None]
    assert values == known + [None] * (len(values) - len(known))
    assert known == sorted(known, reverse=order == "desc")


def test_whole_evaluations_come_before_those_that_were_stopped(large: Archive) -> None:
    complete = [row["complete"] for row in whole(large)]
    assert complete == sorted(complete, reverse=True)
    assert {True, False} == set(complete)


def test_pages_are_parts_of_the_whole(large: Archive) -> None:
    rows = [row["agent"] for row in whole(large, sort="tokens_per_item")]
    parts = [page(large, sort="tokens_per_item", offset=at, limit=300) for at in range(0, N, 300)]
    assert [row["agent"] for part in parts for row in part["rows"]] == rows
    assert {(part["total"], part["matching"]) for part in parts} == {(N, N)}
    assert page(large, offset=N)["rows"] == []


def test_filters_leave_what_was_asked_for(large: Archive) -> None:
    rows = whole(large)

    def ids(**query: str) -> set[str]:
        found = whole(large, **query)
        assert page(large, **query)["matching"] == len(found)
        return {row["agent"] for row in found}

    wanted_of = {"author": {"llm"}, "operator": {"mutate", "team"}, "status": {"seed", "duplicate"}}
    for key, wanted in wanted_of.items():
        assert ids(**{key: ",".join(wanted)}) == {row["agent"] for row in rows if row[key] in wanted}
    better = {row["agent"] for row in rows if row["fate"] == "better"}
    assert better
    assert ids(status="better") == better
    assert ids(author="nobody") == set()
    named = {row["agent"] for row in rows if "voting" in row["name"].lower() and "12" in row["name"]}
    assert named
    assert ids(q="VOTING 12") == named
    assert ids(q=rows[5]["agent"][:9]) == {rows[5]["agent"]}
    assert ids(q="100%") == ids(q="_") == set()
    both = {row["agent"] for row in rows if "Voting" in row["name"] and row["author"] == "llm"}
    assert ids(q="voting", author="llm") == both


def test_facets_count_all_agents(large: Archive) -> None:
    found = page(large, author="llm", limit=1)
    for name in ("status", "author", "operator"):
        assert sum(found["facets"][name].values()) == N
    assert found["facets"]["author"]["llm"] == found["matching"]


def test_fates_are_those_of_the_other_views(large: Archive) -> None:
    rows = {row["agent"]: row["fate"] for row in whole(large)}
    records = {record.agent.id: record for record in large.scan()}
    leads = {agent for agent, fate in rows.items() if fate == "better"}
    for agent, record in records.items():
        told = shared.fate_of(
            shared.AgentRow(agent, record.agent.name, record.status, record.author, record.operator, 0, 0.0),
            record.evaluations.get("train"),
            leads=agent in leads,
            running=False,
            same=record.same_as,
        )
        assert rows[agent] == told
    assert len(set(rows.values())) > 3
    assert 0 < len(leads) < 60


@pytest.mark.parametrize(
    "query", [{"sort": "x"}, {"order": "up"}, {"offset": -1}, {"limit": -1}, {"limit": 2_001}]
)
def test_what_there_is_not_is_refused(large: Archive, query: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        page(large, **query)


def test_a_row_has_what_is_known_of_an_agent(tmp_path: Path) -> None:
    with Archive(record_run.unpack(tmp_path)) as archive:
        rows = {row["agent"]: row for row in whole(archive)}
        for record in archive.agents():
            row, train = rows[record.agent.id], record.evaluations["train"]
            assert (row["score"], row["low"], row["high"], row["items"]) == (
                *(train.score, train.low, train.high, train.items),
            )
            assert row["tokens_per_item"] == train.used.tokens / train.items
            assert row["parents"] == list(record.parents)
            assert row["source_lines"] == len(record.agent.source.splitlines()) or row["source_lines"] > 0
            assert (row["test"] is None) == ("test" not in record.evaluations)
        agents_index.forget_idle(0.0)


# -- growing


def candidate(n: int, **about: Any) -> Candidate:
    brief = Brief(n, about.pop("operator", "mutate"), "llm", **about)
    return Candidate(Agent.of(f"agent {n}", f"def forward(self, t):\n    return '{n}'"), brief, "", 1)


def evaluated(agent: str, right: int, of: int, complete: bool = True) -> Evaluation:
    scores = [float(n < right) for n in range(of)]
    used = Usage(1, 5, 5)
    results = [ItemResult(agent, "train", f"i{n}", 0, "ok", score=s, used=used) for n, s in enumerate(scores)]
    return Evaluation.of(agent, "train", results, complete)


def test_a_table_grows_with_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents_index, "REFRESHED_S", 0.0)
    read = 0
    whole_read = Columns.read_new

    def counted(columns: Columns, archive: Archive) -> bool:
        nonlocal read
        read += columns.n == 0
        return whole_read(columns, archive)

    monkeypatch.setattr(Columns, "read_new", counted)
    first, second = candidate(1), candidate(2)
    with Store.open(tmp_path) as store, Archive(tmp_path) as archive:
        store.event("decision", {"what": "x", "value": 1})
        store.add_candidate(first, "partial")
        store.put_evaluation(evaluated(first.agent.id, 1, 2, complete=False)).result()
        assert [(row["items"], row["fate"]) for row in whole(archive)] == [(2, "in flight")]
        store.add_candidate(second, "partial")
        store.event("delivery", {"brief": 2, "agent": second.agent.id, "tokens": 1}).result()
        assert [(row["agent"], row["items"]) for row in whole(archive)][1] == (second.agent.id, 0)
        for one in (first, second):
            where = {"agent": one.agent.id, "split": "train"}
            store.event("delivery", {**where, "item": "i", "repeat": 0, "kind": "ok"}).result()
        whole(archive)  # the event is there, the evaluation comes after it
        store.put_evaluation(evaluated(first.agent.id, 3, 8))
        store.put_evaluation(evaluated(second.agent.id, 8, 8))
        store.set_status(second.agent.id, "population").result()
        rows = whole(archive)
        assert [(row["agent"], row["items"], row["status"]) for row in rows] == [
            (second.agent.id, 8, "population"),
            (first.agent.id, 8, "partial"),
        ]
        assert {row["fate"] for row in rows} == {"better"}
        assert read == 1  # read as a whole once, grown since
        store.set_status(first.agent.id, "finalist")
        store.set_meta("status", "done").result()
        assert whole(archive)[1]["status"] == "finalist"
        assert read == 2
    agents_index.forget_idle(0.0)


def test_an_evaluation_without_events_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents_index, "REFRESHED_S", 0.0)
    one = candidate(1)
    with Store.open(tmp_path) as store, Archive(tmp_path) as archive:
        store.set_meta("kind", "evaluate")
        store.add_candidate(one, "population").result()
        assert whole(archive)[0]["score"] is None
        store.put_evaluation(evaluated(one.agent.id, 3, 4)).result()
        found = page(archive)
        assert (found["split"], found["rows"][0]["score"]) == ("train", 0.75)
    agents_index.forget_idle(0.0)


def test_an_empty_archive_has_an_empty_table(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with Archive(tmp_path) as archive:
        assert page(archive)["total"] == 0
        assert page(archive, sort="name", q="x", author="llm")["rows"] == []
    agents_index.forget_idle(0.0)


def test_words_are_bounded() -> None:
    words = Words()
    numbers = [words.number(f"w{n}") for n in range(5_000)]
    assert len(words.known) == 2_000
    assert max(numbers) < 2_000
    assert words.numbers(["w0", "w4999"]) == [0]
