"""Full text of an archive: what is found, how the index grows, and that it is its user's alone."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from archive import search_index
from archive.records import Archive
from archive.store import Store
from meta_search.dashboard.views.search import search
from meta_search.types import Agent, ArchivedItem, Brief, Candidate, ItemResult

SOURCE = (
    "def forward(self, taskInfo):\n    votes = self.tune.int('votes', 1, 5)\n    return LLMAgentBase({0})\n"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(search_index, "FOLDER", str(tmp_path / "cache"))
    return tmp_path / "cache"


def add(store: Store, name: str, number: int = 0, thought: str = "", source: str = SOURCE) -> Agent:
    agent = Agent.of(name, source.replace("{0}", str(number)))
    store.add_candidate(Candidate(agent, Brief(number, "novel", "llm"), thought), "population").result()
    return agent


def answer(store: Store, agent: Agent, text: str, item: str = "i0") -> None:
    store.add_results([ItemResult(agent.id, "train", item, 0, "ok", text, score=1.0)]).result()


def where(archive: Archive, query: str, most: int = 50) -> list[tuple[str, str]]:
    return [(hit.name, hit.where) for hit in archive.find(query, most).hits]


def test_words_phrases_beginnings_and_parts_of_words(tmp_path: Path) -> None:
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        add(store, "Direct", 1, "asks once")
        voter = add(store, "Café voter", 2, "asks thrice, then takes a majority vote")
        answer(store, voter, "The majority says forty-two")
        assert where(archive, "thrice") == [("Café voter", "thought")]
        assert where(archive, "MAJORITY") == [("Café voter", "thought"), ("Café voter", "answer")]
        assert where(archive, '"majority vote"') == [("Café voter", "thought")]
        assert where(archive, '"vote majority"') == []
        assert where(archive, "major*") == where(archive, "majority")
        assert where(archive, "cafe") == [("Café voter", "name")]
        # Words of different places of one agent, not of two agents.
        assert where(archive, "café thrice") == [("Café voter", "name")]
        assert where(archive, "once thrice") == []
        # Within words of code, and with what is no word.
        assert where(archive, "AgentBase") == [("Café voter", "code"), ("Direct", "code")]
        assert where(archive, "tune.int('votes'") == [("Café voter", "code"), ("Direct", "code")]
        assert where(archive, "tune.float(") == []
        [hit] = archive.find("forty").hits
        assert (hit.agent, hit.item, hit.split, hit.excerpt) == (
            voter.id,
            "i0",
            "train",
            "The majority says forty-two",
        )


@pytest.mark.parametrize(
    "query", ["", " ", '"', '""', "*", "AND", "name:x OR", "a NEAR b", "(", "-x", "\0", "'", "^x"]
)
def test_whatever_is_typed_is_no_error(tmp_path: Path, query: str) -> None:
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        add(store, "Direct", 1)
        found = archive.find(query)
        assert (found.indexed, found.of) == (1, 1)


def test_it_grows_with_a_run_and_finds_no_more_than_there_is(tmp_path: Path) -> None:
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        first = add(store, "First", 1)
        answer(store, first, "pelican")
        assert where(archive, "pelican") == [("First", "answer")]
        add(store, "Second", 2)
        answer(store, first, "ostrich", "i1")
        answer(store, first, "heron")  # in the place of the pelican
        assert where(archive, "second") == [("Second", "name")]
        assert where(archive, "ostrich") == [("First", "answer")]
        assert where(archive, "heron") == [("First", "answer")]
        assert where(archive, "pelican") == []


def test_what_is_not_indexed_yet_is_said(tmp_path: Path) -> None:
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        for n in range(5):
            add(store, f"Agent {n}", n)
        found = archive.find("agent", seconds=0.0)
        assert (found.hits, found.indexed, found.of) == ((), 0, 5)
        assert len(archive.find("agent", 3).hits) == 3


def test_many_agents_leave_room_for_answers(tmp_path: Path) -> None:
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        agents = [add(store, f"heron {n}", n) for n in range(20)]
        for agent in agents:
            answer(store, agent, "a heron")
        kinds = [place for _, place in where(archive, "heron", 8)]
        assert kinds == ["name"] * 6 + ["answer"] * 2


def test_the_index_is_its_users_alone_and_not_in_the_run(tmp_path: Path, cache: Path) -> None:
    run = tmp_path / "run"
    with Store.open(run / "archive.db") as store, Archive(run) as archive:
        add(store, "Direct", 1)
        before = sorted(path.name for path in run.iterdir())
        archive.find("direct")
        assert sorted(path.name for path in run.iterdir()) == before
        files = list(cache.glob("*"))
        assert files
        assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
        assert stat.S_IMODE(cache.stat().st_mode) == 0o700
        [index] = cache.glob("*.db")
        assert b"def forward" not in index.read_bytes()  # words, and no text


def test_a_damaged_index_is_made_anew_and_a_link_is_not_followed(tmp_path: Path, cache: Path) -> None:
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        add(store, "Direct", 1)
        archive.find("direct")
        [index] = cache.glob("*.db")
        for beside in cache.glob("*.db-*"):
            beside.unlink()
        index.write_bytes(b"no database at all" * 100)
        assert where(archive, "direct") == [("Direct", "name")]
        mine = tmp_path / "mine.txt"
        mine.write_text("mine")
        for file in cache.glob("*"):
            file.unlink()
        index.symlink_to(mine)
        with pytest.raises(search_index.ArchiveError, match="index of texts"):
            archive.find("direct")
        assert mine.read_text() == "mine"


def test_another_archive_in_the_same_place_has_an_index_of_its_own(tmp_path: Path) -> None:
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        add(store, "Pelican", 1)
        assert where(archive, "pelican")
    for file in tmp_path.glob("archive.db*"):
        file.unlink()
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        add(store, "Heron", 1)
        assert where(archive, "pelican") == []
        assert where(archive, "heron") == [("Heron", "name")]


def test_an_index_that_came_with_an_archive_is_not_read(tmp_path: Path) -> None:
    with Store.open(tmp_path / "archive.db") as store:
        add(store, "Direct", 1)
    with sqlite3.connect(tmp_path / "archive.db") as theirs:
        theirs.execute("CREATE VIRTUAL TABLE agents_text USING fts5(x)")
    with pytest.raises(search_index.ArchiveError, match="no archive of meta-search"):
        Archive(tmp_path).find("direct")


def test_the_view_is_bounded_and_in_the_contracts_form(tmp_path: Path) -> None:
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        add(store, "<b>heron</b>\x1b[31m", 1, "x" * 5_000)
        found = search(tmp_path, archive, q="heron " * 400, limit=10**9)
        assert found.keys() == {"q", "indexed", "of", "hits"}
        [hit] = found["hits"]
        assert hit.keys() == {"agent", "name", "where", "item", "split", "excerpt"}
        assert "\x1b" not in str(found["hits"])
        assert len(found["q"]) <= 500
        assert all(len(h["excerpt"]) <= 200 for h in search(tmp_path, archive, q="xxxx")["hits"])


def test_answers_to_test_items_are_found_once_the_report_is_made(tmp_path: Path) -> None:
    with Store.open(tmp_path / "archive.db") as store, Archive(tmp_path) as archive:
        agent = add(store, "Voter")
        for split, text in (("train", "forty-two apples"), ("test", "forty-two pears")):
            store.add_results([ItemResult(agent.id, split, "i", 0, "ok", text, score=1.0)]).result()
        store.put_items([ArchivedItem("train", "i", question="?")]).result()
        assert [(h.split, h.excerpt) for h in archive.find("forty").hits] == [("train", "forty-two apples")]
        assert archive.find("pears").hits == ()
        assert search(tmp_path, archive, q="pears")["hits"] == []
        store.put_items([ArchivedItem("test", "i", question="?")]).result()
        assert [hit.split for hit in archive.find("forty").hits] == ["test", "train"]
