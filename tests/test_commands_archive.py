"""`meta-search archive …` on an archive as a run leaves it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from archive.store import Store
from meta_search import cli
from meta_search.commands import terminal
from meta_search.compose import compose
from meta_search.config import to_mapping
from meta_search.types import (
    Agent,
    ArchivedItem,
    Brief,
    Candidate,
    Demonstration,
    Evaluation,
    ItemResult,
    TraceCall,
    Usage,
)
from tests.kits.pages import page_text

SEED = Agent.of("Direct", "class A:\n    def forward(self, taskInfo):\n        return 'one'\n")
CHILD = Agent.of("Voter\x1b[31m", SEED.source.replace("one", "two"), {"votes": 3}, [Demonstration("q", "r")])
KEYS = [
    "name", "agent", "score", "low", "high", "items", "calls", "tokens", "cost_usd", "seconds", "outcomes",
    "author", "operator", "generation", "parents", "validation", "test",
]  # fmt: skip


def results(agent: Agent, split: str, right: int) -> list[ItemResult]:
    return [
        ItemResult(
            agent.id,
            split,
            f"i{n}",
            0,
            "ok",
            "a",
            score=float(n < right),
            used=Usage(2, 30, 10, 0.0),
            seconds=1.0,
        )
        for n in range(8)
    ]


@pytest.fixture
def run(folder: Path) -> Path:
    """`runs/one` with a seed and its child, evaluated on two splits."""
    with Store.open(folder / "runs/one/archive.db") as store:
        store.add_candidate(Candidate(SEED, Brief(0, "seed", "replay"), "the plain way"), "seed")
        brief = Brief(1, "mutate", "llm", parents=(SEED.id,))
        store.add_candidate(Candidate(CHILD, brief, "ask thrice and vote", 1), "population")
        for agent, right in ((SEED, 2), (CHILD, 7)):
            for split in ("train", "validation"):
                rows = results(agent, split, right)
                store.add_results(rows)
                store.put_evaluation(Evaluation.of(agent.id, split, rows))
    return folder / "runs/one"


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(list(arguments)) == 0
    return capsys.readouterr().out


def test_list(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(call(capsys, "archive", "list", "latest", "--json"))
    assert [row["agent"] for row in rows] == [CHILD.id, SEED.id]
    assert set(KEYS) <= rows[0].keys()
    assert (rows[0]["score"], rows[0]["validation"], rows[0]["test"]) == (0.875, 0.875, None)
    assert (rows[0]["calls"], rows[0]["tokens"], rows[0]["parents"]) == (16, 320, [SEED.id])
    table = call(capsys, "archive", "list", str(run))
    assert "Direct" in table
    assert "87.5" in table
    assert "\x1b[31m" not in table  # a model's name cannot paint the terminal
    assert "Direct" not in call(capsys, "archive", "list", "one", "--limit", "1")


def test_show(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (CHILD.id, CHILD.id[:6]):
        shown = call(capsys, "archive", "show", "latest", name)
        for text in (CHILD.id, "return 'two'", "votes=3", "mutate by llm", SEED.id, "87.5", "ask thrice"):
            assert text in shown
        assert "\x1b" not in shown
    row = json.loads(call(capsys, "archive", "show", "latest", "Direct", "--json"))
    assert row["source"] == SEED.source
    assert row["evaluations"].keys() == {"train", "validation"}


def test_show_tells_faults_and_why_an_agent_was_stopped(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Agent.of("Broken", "def forward(self, taskInfo):\n    return 1 / 0\n")
    detail = "ZeroDivisionError: division by zero (line 2 of agent.py)"
    rows = [ItemResult(broken.id, "train", f"i{n}", 0, "crash", detail=detail, score=0.0) for n in range(3)]
    with Store.open(run / "archive.db") as store:
        store.add_candidate(Candidate(broken, Brief(2, "novel", "llm")), "partial")
        store.add_results(rows)
        store.put_evaluation(Evaluation.of(broken.id, "train", rows, False, "all wrong"))
    hint = (
        "3 of 3 items: crash: ZeroDivisionError: division by zero (line 2: `return 1 / 0`); the divisor may"
    )
    shown = call(capsys, "archive", "show", "latest", "Broken")
    for text in (hint, "not complete: all wrong", "crash 3", "partial; novel by llm"):
        assert text in shown
    row = json.loads(call(capsys, "archive", "show", "latest", "Broken", "--json"))
    assert row["evaluations"]["train"]["hint"].startswith(hint)
    assert (row["evaluations"]["train"]["stopped"], row["complete"]) == ("all wrong", False)
    assert row["created"] > 1e9
    assert "hint" in row["evaluations"]["train"]
    assert call(capsys, "archive", "show", "latest", "Direct").count("not complete") == 0


@pytest.mark.parametrize(("columns", "wide"), [(80, False), (120, True)])
def test_the_list_has_one_line_an_agent_and_fits(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int, wide: bool
) -> None:
    long = Agent.of("A name that is much longer than any terminal of this world is wide " * 2, "x = 1")
    with Store.open(run / "archive.db") as store:
        store.add_candidate(Candidate(long, Brief(2, "crossover", "composer")), "population")
    monkeypatch.setattr(terminal, "console", lambda: Console(width=columns))
    lines = call(capsys, "archive", "list", "latest").splitlines()
    assert all(len(line.rstrip()) <= columns for line in lines)
    assert sum("│" not in line and any(a.id[:8] in line for a in (SEED, CHILD, long)) for line in lines) == 3
    printed = [line for line in lines if line.strip()]
    assert "best =" in " ".join(printed[1 + 2 + 1 + 3 :])  # a caption follows title, head, rule and agents
    assert len(printed) <= 1 + 2 + 1 + 3 + 2
    assert any("written by" in line for line in lines) == wide


def test_diff(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = call(capsys, "archive", "diff", "latest", SEED.id, CHILD.id).splitlines()
    assert "value votes: None -> 3" in shown
    assert "demonstrations: 0 -> 1" in shown
    assert "-        return 'one'" in shown
    assert "+        return 'two'" in shown
    found = json.loads(call(capsys, "archive", "diff", "latest", SEED.id, CHILD.id, "--json"))
    assert found["values"] == {"votes": [None, 3]}
    assert "identical" in call(capsys, "archive", "diff", "latest", SEED.id, SEED.id)


def test_lineage_of_an_agent_and_of_the_best(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ((CHILD.id,), ()):
        rows = json.loads(call(capsys, "archive", "lineage", "latest", *arguments, "--json"))
        assert [row["agent"] for row in rows] == [SEED.id, CHILD.id]
    assert f"mutate by llm of {SEED.id[:8]}" in call(capsys, "archive", "lineage", "latest")


def test_a_lineage_is_drawn_with_parents_below_their_child(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Agent.of("Other\x1b[1m", SEED.source.replace("one", "other"))
    both = Agent.of("Both", SEED.source.replace("one", "both"))
    with Store.open(run / "archive.db") as store:
        store.add_candidate(Candidate(other, Brief(2, "novel", "llm"), "", 1), "population")
        brief = Brief(3, "crossover", "llm", parents=(CHILD.id, other.id))
        store.add_candidate(Candidate(both, brief, "", 2), "population")
    shown = call(capsys, "archive", "lineage", "latest", both.id).splitlines()
    assert [line.split()[1] for line in shown] == [a.id[:8] for a in (both, CHILD, SEED, other)]
    assert f"Both: crossover by llm of {CHILD.id[:8]}, {other.id[:8]}" in shown[0]
    for line, branch in zip(shown[1:], ("├─╼ Voter", "│   Direct", "└─╼ Other"), strict=True):
        assert branch in line
        assert "\x1b" not in line
    assert f"children: {both.id}" in call(capsys, "archive", "show", "latest", "Other\x1b[1m")


def test_show_draws_who_hears_whom(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def asked(index: int, author: str, *inputs: int) -> TraceCall:
        return TraceCall(index, author, "", ("answer",), "?", "!", inputs, 10, 0.5, final=bool(inputs))

    trace = (asked(1, "Solver"), asked(2, "Solver"), asked(3, "Judge\x1b[1m", 1, 2))
    with Store.open(run / "archive.db") as store:
        rows = [replace(r, trace=trace) for r in results(CHILD, "train", 7)]
        store.add_results(rows).result()
    shown = call(capsys, "archive", "show", "latest", CHILD.id).splitlines()
    (head,) = (n for n, line in enumerate(shown) if line.startswith("who hears whom"))
    assert "2 calls wait for one another at most" in shown[head]
    assert shown[head + 1].endswith("Solver (2.0 calls per item)")
    assert shown[head + 2].endswith("Judge [1m (1.0 calls per item)")
    assert "who hears" not in call(capsys, "archive", "show", "latest", SEED.id)


def test_search_wants_all_words(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def found(*words: str) -> list[tuple[str, str]]:
        told = json.loads(call(capsys, "archive", "search", "latest", *words, "--json"))
        assert told["indexed"] == told["of"] > 0
        return [(hit["agent"], hit["where"]) for hit in told["hits"] if hit["where"] != "answer"]

    assert found("THRICE", "two") == [(CHILD.id, "thought")]
    assert found("forward") == [(CHILD.id, "code"), (SEED.id, "code")]
    assert found("thrice", "plain") == []
    shown = call(capsys, "archive", "search", "latest", "vote", "thrice")
    assert "ask thrice and vote" in shown
    assert CHILD.id[:8] in shown  # however long the excerpts are
    assert cli.main(["archive", "search", "latest", "*"]) == 2
    assert "give a word" in capsys.readouterr().err
    assert "return 'one'" in call(capsys, "archive", "search", "latest", "return", "one")
    assert "nothing in" in call(capsys, "archive", "search", "latest", "no-such-word")
    assert "\x1b" not in call(capsys, "archive", "search", "latest", "Voter")


def test_what_a_candidate_chose_is_no_command_to_the_terminal(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = Agent.of(
        "odd", "def forward(self, t):\n    return 'odd'\n", {"way\x1b[1m": "\x1b]0;gone\x07\x1b[2J"}
    )
    with Store.open(run / "archive.db") as store:
        store.add_candidate(Candidate(odd, Brief(2, "tune", "composer")), "population").result()
    for arguments in (("show", "latest", odd.id), ("diff", "latest", SEED.id, odd.id)):
        shown = call(capsys, "archive", *arguments)
        assert "]0;gone" in shown
        assert not {"\x1b", "\x07"} & set(shown)


def test_a_list_has_no_negative_number_of_agents(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["archive", "list", "latest", "--limit", "-1"]) == 2
    assert "invalid number of agents value" in capsys.readouterr().err


def test_the_best_of_an_evaluation_is_that_of_its_split(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(folder / "runs/two/archive.db") as store:
        for agent, right in ((SEED, 2), (CHILD, 7)):
            store.add_candidate(Candidate(agent, Brief(0, "import", "hand", kind="imported")), "evaluated")
            store.add_results(rows := results(agent, "test", right))
            store.put_evaluation(Evaluation.of(agent.id, "test", rows))
    rows = json.loads(call(capsys, "archive", "lineage", "latest", "--json"))
    assert rows[-1]["agent"] == CHILD.id


def test_import_of_an_adas_archive(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = [
        {
            "name": f"Agent {n}",
            "thought": "t",
            "generation": n,
            "code": f"def forward(self, t):\n    return {n!r}\n",
        }
        for n in range(3)
    ]
    file = run / "published.json"
    file.write_text(json.dumps(entries))
    told = call(capsys, "archive", "import", "latest", str(file))
    assert told.startswith("3 of 3 agents")
    assert f"meta-search run 'search.seeds=[{file}]'" in told  # as what a search has to beat
    assert call(capsys, "archive", "import", "latest", str(file)).startswith("0 of 3 agents")
    assert len(json.loads(call(capsys, "archive", "list", "latest", "--json"))) == 5
    added = json.loads(call(capsys, "archive", "import", "runs/published", str(file), "--json"))
    assert added["added"] == 3
    again = json.loads(
        call(capsys, "archive", "import", "published", str(file), "--json")
    )  # as others name it
    assert (again["added"], again["run"]) == (0, "runs/published")
    assert not Path("published").exists()


def test_mistakes_are_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = run / "broken.json"
    file.write_text("{")
    for arguments, message in (
        (("show", "latest", "ffffffff"), "has no agent 'ffffffff'"),
        (("import", "runs/new", str(file)), "is not JSON"),
        (("import", "latest", "missing.json"), "missing.json"),
    ):
        assert cli.main(["archive", *arguments]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line
    assert not Path("runs/new").exists()


def test_report(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = call(capsys, "report", "latest").splitlines()
    page = Path(shown[-1])
    assert page.name == "report.html"
    assert CHILD.id in page_text(page)
    assert len(shown) >= 2


def test_export_of_the_best_agent(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = run / "sums.csv"
    table.write_text("question,answer\n" + "".join(f"What is {n} + 1?,{n + 1}\n" for n in range(80)))
    config = to_mapping(compose(domain={"name": "table", "path": str(table)}))
    (run / "config.json").write_text(json.dumps(config))
    assert cli.main(["export", "latest", "--to", "out/agent"]) == 2  # an older version made it
    assert "did not keep what agents need of the domain: --trust" in capsys.readouterr().err
    shown = call(capsys, "export", "latest", "--to", "out/agent", "--trust")
    assert shown.startswith(CHILD.id)
    agent = json.loads(Path("out/agent/agent.json").read_text())
    assert (agent["id"], agent["values"], agent["model"]) == (
        CHILD.id,
        {"votes": 3},
        config["llm"]["task"]["model"],
    )
    assert len(agent["examples"]) > 0
    assert "Direct" in Path("out/agent/card.md").read_text()
    assert CHILD.source.strip() in Path("out/agent/agent.py").read_text()
    call(capsys, "export", "latest", "Direct", "--to", "out/other", "--trust")
    assert cli.main(["export", "latest", "--to", "out/agent", "--trust"]) == 2
    assert "is not empty" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["list", "show", "lineage", "search"])
def test_a_reader_that_has_read_enough_is_no_failure(run: Path, action: str) -> None:
    """As in `meta-search archive list latest | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    more = {"show": [SEED.id], "search": ["def"]}.get(action, [])
    command = [sys.executable, "-m", "meta_search", "archive", action, str(run), *more]
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_items_of_test_are_withheld_until_the_report(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(run / "archive.db") as store:
        rows = [replace(row, answer="the answer", feedback="expected 42") for row in results(SEED, "test", 2)]
        store.add_results(rows)
        store.put_evaluation(Evaluation.of(SEED.id, "test", rows))
        store.put_items([ArchivedItem("train", "i0", question="?")])
    for more in (["--split", "test"], ["--split", "test", "--json"], ["--item", "i7", "--split", "test"]):
        assert cli.main(["archive", "show", "one", "Direct", *more]) == 0
        shown = capsys.readouterr().out
        assert "expected 42" not in shown
        assert "the answer" not in shown
        assert "--json" in more or "once the final report is made" in shown
    with Store.open(run / "archive.db") as store:
        store.put_items([ArchivedItem("test", "i0", question="?")])
    assert cli.main(["archive", "show", "one", "Direct", "--split", "test"]) == 0
    assert "expected 42" in capsys.readouterr().out
