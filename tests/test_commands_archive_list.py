"""`archive list --where --sort --columns`, `archive diff` item by item, `archive show --item`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archive.store import Store
from meta_search import cli
from meta_search.commands import terminal
from meta_search.report.item_pairs import item_pairs
from meta_search.report.tables import COLUMNS
from meta_search.types import Agent, Brief, Candidate, Evaluation, ItemResult, TraceCall, Usage

CALLS = (
    TraceCall(0, "Solver", "expert", ("answer",), "What is 1 + 1?\x1b[31m", "3", (), 30, 0.5),
    TraceCall(1, "Checker", "", ("answer",), "Check: 3", "it is 2", (0,), 20, 0.5, final=True),
)  # fmt: skip
MADE = (("Direct", "hand", 2, 10, 0), ("Voter", "llm", 7, 90, 1), ("Router of all", "composer", 5, 40, 2))


@pytest.fixture
def run(folder: Path) -> dict[str, str]:
    """`runs/one` with three agents; name -> id."""
    ids: dict[str, str] = {}
    with Store.open(folder / "runs/one/archive.db") as store:
        for name, author, right, tokens, generation in MADE:
            agent = Agent.of(name, f"def forward(self, taskInfo):\n    return {name!r}\n")
            ids[name] = agent.id
            brief = Brief(generation, "mutate", author, tuple(ids.values())[:generation])
            store.add_candidate(Candidate(agent, brief, "", generation), "population")
            rows = [
                ItemResult(
                    agent.id,
                    "train",
                    f"i{n}",
                    0,
                    "ok",
                    "2",
                    score=float(n < right),
                    used=Usage(1, tokens, 0),
                    trace=CALLS if n == 7 else (),
                    feedback="off by one" if n == 7 else "",
                )
                for n in range(8)
            ]
            store.add_results(rows)
            store.put_evaluation(
                Evaluation.of(agent.id, "train", rows, True, "paused: x" if right == 5 else "")
            )
    return ids


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(list(arguments)) == 0
    return capsys.readouterr().out


def names(capsys: pytest.CaptureFixture[str], *more: str) -> list[str]:
    return [row["name"] for row in json.loads(call(capsys, "archive", "list", "one", "--json", *more))]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (["score >= 0.6"], {"Voter", "Router of all"}),
        (["score>60%", "tokens_per_item < 50"], {"Router of all"}),
        (["name = rout"], {"Router of all"}),
        (["name == voter"], {"Voter"}),
        (["name != o"], {"Direct"}),
        (["author ~ LLM"], {"Voter"}),
        (["generation = 0"], {"Direct"}),
        (["complete = yes"], {"Direct", "Voter", "Router of all"}),
        (["complete != true"], set()),
        (["test = none"], {"Direct", "Voter", "Router of all"}),
        (["test > 0"], set()),
        (["stopped = paused"], {"Router of all"}),
        (["outcomes ~ ok 8"], {"Direct", "Voter", "Router of all"}),
    ],
)
def test_where(
    run: dict[str, str], capsys: pytest.CaptureFixture[str], conditions: list[str], found: set[str]
) -> None:
    words = [word for condition in conditions for word in ("--where", condition)]
    assert set(names(capsys, *words)) == found


def test_sort_puts_what_is_not_known_last(run: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert names(capsys, "--sort", "tokens_per_item") == ["Direct", "Router of all", "Voter"]
    assert names(capsys, "--sort", "tokens_per_item", "--reverse") == ["Voter", "Router of all", "Direct"]
    assert names(capsys, "--sort", "name") == ["Direct", "Router of all", "Voter"]
    with Store.open(Path("runs/one/archive.db")) as store:
        store.add_candidate(Candidate(Agent.of("New", "x = 1"), Brief(9, "novel", "llm")), "population")
    for more in ((), ("--reverse",)):
        assert names(capsys, "--sort", "score", *more)[-1] == "New"


def test_columns_are_those_of_the_rows(run: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(call(capsys, "archive", "list", "one", "--json"))
    assert set(rows[0]) == set(COLUMNS) - {"model"}
    rows = json.loads(call(capsys, "archive", "list", "one", "--json", "--columns", "name, calls_per_item"))
    assert rows[0] == {"name": "Voter", "calls_per_item": 1.0}
    shown = call(capsys, "archive", "list", "one", "--columns", "name,created,complete,parents,outcomes")
    assert "yes" in shown
    assert "ok 8" in shown


@pytest.mark.parametrize(
    "words",
    [
        *(["--where", "nose = 1"], ["--sort", "nose"], ["--columns", "name,nose"]),
        *(["--where", "score"], ["--where", "score > high"], ["--where", "score ~ 1"]),
    ],
)
def test_mistakes_are_one_line(
    run: dict[str, str], capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert cli.main(["archive", "list", "one", *words]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    if "nose" in " ".join(words):
        assert "tokens_per_item" in told  # the known ones


def test_a_column_that_is_nearly_one_is_guessed(
    run: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["archive", "list", "one", "--sort", "token_per_item"]) == 2
    assert "no column token_per_item; did you mean tokens_per_item? There are" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_tables_fit_the_terminal(
    run: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setattr(terminal, "console", lambda: Console(width=columns))
    monkeypatch.setattr("meta_search.commands.archive_list.console", lambda: Console(width=columns))
    many = ["--columns", ",".join(COLUMNS[:12])]
    for words in (["list", "one"], ["list", "one", *many], ["search", "one", "forward"]):
        lines = call(capsys, "archive", *words).splitlines()
        assert all(len(line.rstrip()) <= columns for line in lines), words
    listed = call(capsys, "archive", "list", "one")
    assert "Router of" in listed
    assert "87.5 [" in listed
    assert ("valid." in listed) == (columns > 60)


def test_diff_says_who_won_which_items(run: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    shown = call(capsys, "archive", "diff", "one", "Voter", "Direct")
    assert "Voter against Direct on train items: 5 won, 0 lost, 3 tied" in shown
    assert "p = " in shown
    assert "won: i2 (1.00 to 0.00)" in shown
    found = json.loads(call(capsys, "archive", "diff", "one", "Direct", "Voter", "--json"))
    versus = found["versus"]
    assert (found["split"], versus["won"], versus["lost"], versus["tied"]) == ("train", 0, 5, 3)
    assert versus["points"] == pytest.approx(-62.5)
    assert versus["low"] <= -62.5 <= versus["high"]
    assert versus["items"][0] == {"item": "i2", "ours": 0.0, "theirs": 1.0, "outcome": "lost"}
    assert cli.main(["archive", "diff", "one", "Direct", "Voter", "--split", "test"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def scored(*rows: tuple[str, float | None, str]) -> list[ItemResult]:
    return [
        ItemResult("a", "train", item, n, kind, score=score) for n, (item, score, kind) in enumerate(rows)
    ]  # type: ignore[arg-type]


def test_items_without_a_score_and_graded_ones() -> None:
    ours = scored(("a", 1.0, "ok"), ("a", 0.0, "ok"), ("b", None, "llm"), ("c", 0.25, "ok"))
    theirs = scored(("a", 0.5, "ok"), ("b", 1.0, "ok"), ("c", 0.75, "ok"), ("d", 0.9, "ok"))
    found = item_pairs(ours, theirs)
    assert {p.item: p.fate for p in found.pairs} == {
        "a": "tied",
        "b": "unpaired",
        "c": "lost",
        "d": "unpaired",
    }
    assert found.difference == pytest.approx(-0.25)
    assert found.p is None  # a quarter of what it ran came to no score: nothing is claimed
    p = item_pairs([r for r in ours if r.item != "b"], theirs).p
    assert p is not None
    assert 0 < p <= 1
    assert item_pairs([], theirs).p is None


def test_an_items_transcript(run: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    shown = call(capsys, "archive", "show", "one", "Voter", "--item", "i7")
    for text in (
        "item i7 of train",
        "#0 Solver: 30 tokens",
        "What is 1 + 1?",
        "hears #0",
        "it is 2",
        "off by one",
    ):
        assert text in shown
    assert shown.index("#0 Solver") < shown.index("#1 Checker") < shown.index("off by one")
    assert "its answer is the item's" in shown
    assert "\x1b" not in shown
    page: dict[str, Any] = json.loads(
        call(capsys, "archive", "show", "one", "Voter", "--item", "i7", "--json")
    )
    assert (page["item"], page["result"]["score"], len(page["result"]["calls"])) == ("i7", 0.0, 2)
    assert page["result"]["calls"][1]["inputs"] == [0]
    assert cli.main(["archive", "show", "one", "Voter", "--item", "nope"]) == 2
    told = capsys.readouterr().err
    assert "i0, i1" in told
    assert told.count("\n") == 1
