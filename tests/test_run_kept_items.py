"""Items in the archive are for people: test items come late, and nothing that runs a search reads them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from archive.records import Archive
from archive.store import Store
from domains.domain import Item
from meta_search import cli
from meta_search.run.kept_items import MOST_PUBLIC, MOST_QUESTION, MOST_TARGET, archived
from meta_search.testing import CountingEndpoint
from meta_search.types import ArchivedItem
from tests.kits.answers import mind
from tests.kits.searches import mixed_search, overrides

CANARY = "canarybird"
KEY = "sk-never-in-any-archive-4711"
LONG = "and one more loaf " * 1_200
DOMAIN = f'''"""Shops that count their loaves."""
SPLITS = {{"examples": (2, 4), "train": (4, 7), "validation": (7, 9), "test": (9, 12)}}

def items(split):
    return [
        {{
            "id": f"{{split}}-{{a}}-{{b}}-{{what}}",
            "question": f"A shop counts {{a}} {{what}} {{b}} loaves. How many are that?"
            + ({LONG!r} if (split, a, b, what) == ("train", 4, 3, "plus") else ""),
            "answer": f"{{a + b if what == 'plus' else a * b}} {CANARY}-{{split}}",
            "kind": what,
            "secret": "scorers-only",
        }}
        for a in range(*SPLITS[split]) for b in (3, 4, 5) for what in ("plus", "times")
    ]

def score(item, answer):
    return answer.strip() == item.target.split()[0]
'''
READING = ("items", "item", "transcript", "conversation")


def kept(folder: Path | str) -> dict[str, int]:
    """Split -> items that an archive holds."""
    with sqlite3.connect(f"file:{folder}/archive.db?mode=ro", uri=True) as database:
        return dict(database.execute("SELECT split, COUNT(*) FROM items GROUP BY split").fetchall())


class Watched:
    """The scripted models; at each call, what the archive holds is looked at."""

    def __init__(self) -> None:
        self.before: list[dict[str, int]] = []

    def __call__(self, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if Path("run/archive.db").exists():
            self.before.append(kept("run"))
        return mind(messages, body)


def words(endpoint: CountingEndpoint, *more: str) -> list[str]:
    found = mixed_search(Path("mine.py"), endpoint)
    own = ("domain", "author")
    return [
        *(w for w in found if not w.startswith(own)),
        *("domain=python", "domain.path=mine.py", "evaluate.items=8", "evaluate.test_items=4"),
        *("author=llm", "author.formats=[program]", "search.operators=[novel,mutate]", "run.dir=run"),
        *("search.candidates=2", "llm.api_key_env=BAKER_KEY", *more),
    ]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watched]:
    """A search that cannot read any item from its archive."""
    folder, watched = tmp_path_factory.mktemp("searched"), Watched()
    with pytest.MonkeyPatch.context() as patch, CountingEndpoint(watched, api_key=KEY) as endpoint:
        patch.chdir(folder)
        patch.setenv("BAKER_KEY", KEY)
        Path("mine.py").write_text(DOMAIN)
        for name in READING:
            patch.setattr(Archive, name, _late(getattr(Archive, name)))
        assert cli.main(["run", *words(endpoint)]) == 0
    return folder, watched


def _late(read: Callable[..., Any]) -> Callable[..., Any]:
    """A reading of items that fails before the final report is made; after it, the page shows them."""

    def late(archive: Archive, *words: Any, **more: Any) -> Any:
        assert archive.meta("final") is not None, "the search read items from its archive"
        return read(archive, *words, **more)

    return late


def test_test_items_come_in_once_the_report_is_made(searched: tuple[Path, Watched]) -> None:
    folder, watched = searched
    assert watched.before
    assert all(split not in before for before in watched.before for split in ("test", "perturbed"))
    assert watched.before[-1] == {"examples": 12, "train": 8, "validation": 8}
    assert kept(folder / "run") == {"examples": 12, "train": 8, "validation": 8, "test": 4}
    with sqlite3.connect(folder / "run" / "archive.db") as database:
        assert not database.execute("PRAGMA foreign_key_check(results)").fetchall()
        assert not database.execute("PRAGMA foreign_key_check(edges)").fetchall()


@pytest.mark.slow
def test_a_search_that_goes_on_forgets_test_items_until_its_next_report(folder: Path) -> None:
    Path("mine.py").write_text(DOMAIN)
    watched = Watched()
    with CountingEndpoint(watched, api_key=KEY) as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAKER_KEY", KEY)
        assert cli.main(["run", *words(endpoint, "search.candidates=1")]) == 0
        assert kept("run")["test"] == 4
        watched.before.clear()
        assert cli.main(["resume", "run", "search.candidates=2"]) == 0
    assert watched.before
    assert all("test" not in before for before in watched.before)
    assert kept("run")["test"] == 4


def test_items_are_whole_or_say_what_is_missing(searched: tuple[Path, Watched]) -> None:
    with sqlite3.connect(searched[0] / "run" / "archive.db") as database:
        rows = database.execute("SELECT item, kind, question, target, public, note FROM items").fetchall()
    by_id = {row[0]: row[1:] for row in rows}
    kind, question, target, public, note = by_id["train-4-3-times"]
    assert (kind, target, public, note) == ("times", f"12 {CANARY}-train", "", "")
    assert question == "A shop counts 4 times 3 loaves. How many are that?"
    _, long, _, _, note = by_id["train-4-3-plus"]
    assert len(long) == MOST_QUESTION
    assert note.startswith("question cut: the first 20,000 of 21,")
    assert not [row for row in rows if "scorers-only" in repr(row)]  # what the scorer alone has


def test_an_item_takes_bounded_room() -> None:
    grid, small = {"examples": ["1" * MOST_PUBLIC]}, {"examples": [[1, 2]]}
    assert archived("train", Item("a", "q", "t", "k", {"secret": 1}, small)) == ArchivedItem(
        "train", "a", "k", "q", "t", small
    )
    kept_of_it = archived("train", Item("a", "q" * 30_000, "t" * 30_000, public=grid))
    assert (len(kept_of_it.question), len(str(kept_of_it.target))) == (MOST_QUESTION, MOST_TARGET)
    assert kept_of_it.public == {}
    assert [part.split(":")[0] for part in kept_of_it.note.split("; ")] == [
        "public data left out",
        "question cut",
        "target cut",
    ]


def test_neither_key_nor_scored_target_leaves_the_archive(searched: tuple[Path, Watched]) -> None:
    folder = searched[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        meta_search.export_agent("run", to="out")
        told = [path.read_bytes() for path in Path("out").rglob("*") if path.is_file()]
    assert told
    for split in ("train", "validation", "test"):
        assert not [text[:200] for text in told if f"{CANARY}-{split}".encode() in text]
    for path in (folder / "run").rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_an_evaluation_keeps_its_items_once_they_have_run(folder: Path) -> None:
    Path("mine.py").write_text(DOMAIN)
    watched = Watched()
    with CountingEndpoint(watched) as endpoint:
        more = overrides("mine.py", endpoint, "evaluate.items=5", "run.dir=run", domain="python")
        Path("agent.py").write_text(
            "def forward(self, taskInfo):\n"
            "    return LLMAgentBase(['answer'], 'A')([taskInfo], 'Reply.')[0]\n"
        )
        assert cli.main(["evaluate", "agent.py", *more]) == 0
    assert {len(before) for before in watched.before} == {0}
    assert kept("run") == {"examples": 12, "test": 5}


def test_the_python_interface_shows_items_and_transcripts(searched: tuple[Path, Watched]) -> None:
    with meta_search.open_run(searched[0] / "run") as archive:
        item = archive.items("test")[0]
        assert item == archive.item(item.item, "test")
        assert CANARY in str(item.target)
        assert archive.item("nobody", "train") is None
        seed = archive.record("direct").agent.id
        (call,) = archive.transcript(seed, item.item, "test")
        assert call.messages[0][0] == "system"
        assert call.messages[-1][1].startswith(item.question)
        assert (call.model, call.attempts, call.purpose, call.fault) == ("solver", 1, "task", "")
        assert call.prompt_tokens > 0
        assert archive.conversation(0)[0].purpose == "meta"
        assert archive.transcript(seed, "nobody", "test") == []


def test_items_are_replaced_one_by_one_or_all_at_once(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.put_items([ArchivedItem("train", "a", "k", "q", "t", {"x": 1}, "n")]).result()
        store.put_items([ArchivedItem("train", "b", question="half \ud800")]).result()
        assert [item.item for item in Archive(tmp_path).items("train")] == ["a", "b"]
        store.put_items([ArchivedItem("test", "c")], True).result()
    with Archive(tmp_path) as archive:
        assert archive.items("train") == []
        assert archive.items("test") == [ArchivedItem("test", "c")]
