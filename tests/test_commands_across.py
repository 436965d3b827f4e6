"""`evaluate --across`: the table of agents, domains and models; one budget; going on without paying again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from meta_search import cli
from meta_search.commands.across import needs, read_matrix
from meta_search.commands.across_columns import asked, places
from meta_search.commands.agents import read_agents
from meta_search.errors import ArchiveError, ConfigError
from meta_search.report.matrix import Cell, Matrix, shown_best
from meta_search.report.standing import Contender
from meta_search.testing import CountingEndpoint
from tests.kits.answers import ADDITION, as_asked
from tests.kits.processes import until
from tests.kits.searches import run_killed, write_table

ASK = "def forward(self, taskInfo):\n    return LLMAgentBase(['answer'], 'A')([taskInfo], 'Add.')[0]\n"
GUESS = "def forward(self, taskInfo):\n    LLMAgentBase(['answer'], 'B')([taskInfo])\n    return '0'\n"
HELPED = "def forward(self, taskInfo):\n    return self.run_examples_and_get_feedback(taskInfo)[0]\n"
ITEMS = 9


def adds(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """The model `good` adds; the other one says 1."""
    found = ADDITION.findall(messages[-1]["content"])
    a, b = map(int, found[-1]) if found else (0, 0)
    return as_asked(body, str(a + b if body["model"] == "good" else 1))


@pytest.fixture
def files(folder: Path) -> Path:
    for name, first in (("low", 0), ("high", 500)):
        rows = ((f"What is {n} + 4?", str(n + 4)) for n in range(first, first + 50))
        write_table(folder / f"{name}.csv", rows)
    entries = [("asks", ASK), ("guesses", GUESS), ("helped", HELPED)]
    (folder / "agents.json").write_text(json.dumps([{"name": n, "code": c} for n, c in entries]))
    return folder


def words(endpoint: CountingEndpoint, *more: str, models: str = "[good,bad]") -> list[str]:
    return [
        *("agents.json", "--across", "domains=[low:low.csv,high=table:high.csv]", f"models={models}"),
        *("llm=endpoint", f"llm.base_url={endpoint.base_url}", "evaluate.executor=inline", "run.dir=m"),
        *(f"evaluate.items={ITEMS}", "run.confirm=false", *more),
    ]


def cells(path: str = "m/matrix.json") -> dict[tuple[str, str], dict[str, Any]]:
    return {(c["domain"], c["model"]): c for c in json.loads(Path(path).read_text())["cells"]}


@pytest.mark.slow
def test_a_table_of_agents_domains_and_models(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CountingEndpoint(adds) as endpoint:
        assert cli.main(["evaluate", *words(endpoint), "--json", "out.json"]) == 0
        assert endpoint.calls == 2 * 2 * 2 * ITEMS
    found = cells("out.json")
    assert found == cells()
    assert list(found) == [("low", "good"), ("low", "bad"), ("high", "good"), ("high", "bad")]
    for (domain, model), cell in found.items():
        asks, guesses, helped = cell["rows"]
        assert asks["score"] == (1 if model == "good" else 0)
        assert (asks["items"], guesses["score"]) == (ITEMS, 0)
        assert helped["needs"] == f"needs self.run_examples_and_get_feedback, which {domain} does not grant"
        assert cell["best"] == (asks["agent"] if model == "good" else "")  # 9 of 9 to 0: p = 0.004
        assert cell["paid"]["calls"] == 2 * ITEMS
    assert cli.main(["archive", "list", "m/high@good"]) == 0
    shown = capsys.readouterr().out
    assert "100.0 [70, 100] ★" in shown
    assert "In all: 72 calls" in shown
    assert cli.main(["report", "m"]) == 0
    assert "★ significantly better" in capsys.readouterr().out
    assert "★" in Path("m/matrix.md").read_text()
    page = Path("m/matrix.html").read_text()
    assert page.count("<td class='best'>") == 2
    assert cli.main(["archive", "list", "m"]) == 2
    assert "m holds 4 runs: name one of them, as m/high@bad" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_table_goes_on_where_it_was(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CountingEndpoint(adds, latency_s=0.02) as endpoint:
        more = words(endpoint, "llm.max_concurrency=1")
        run_killed(files, endpoint, 3 * ITEMS, "evaluate", *more)
        until(lambda: endpoint.in_flight == 0)
        assert cli.main(["evaluate", *more]) == 0
        assert 8 * ITEMS <= endpoint.calls <= 8 * ITEMS + 1  # the one in flight at the most
        calls = endpoint.calls
        assert "complete already" in capsys.readouterr().out
        assert cli.main(["evaluate", *more]) == 0
        assert endpoint.calls == calls
        assert cli.main(["evaluate", *words(endpoint, models="[good,bad,third]")]) == 0
        assert endpoint.calls == calls + 4 * ITEMS
        assert cli.main(["evaluate", *more, "evaluate.items=4"]) == 2
        assert "holds an evaluation with other settings" in capsys.readouterr().err


@pytest.mark.slow
def test_one_budget_for_all_cells(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CountingEndpoint(adds) as endpoint:
        assert cli.main(["evaluate", *words(endpoint, "budget.calls=40")]) == 3
        assert endpoint.calls <= 40
        shown = capsys.readouterr().out
        assert "4 of 4 cells are not complete: the same command with run.dir=m goes on" in shown
        for cell in cells().values():
            items = [row["items"] for row in cell["rows"][:2]]
            assert sum(items) == 10  # a quarter each, side by side
            assert abs(items[0] - items[1]) <= 2
            assert "budget.calls" in cell["why"]
        assert cli.main(["evaluate", *words(endpoint, "budget.calls=100")]) == 0
        assert endpoint.calls == 8 * ITEMS
        assert all(not cell["why"] for cell in cells().values())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--across"], "--across needs domains="),
        (["--across", "domains=[lw]"], "no such domain lw"),
        (["--across", "domains=[low:low.csv]", "domain=table"], "leave out domain=…"),
        (["--across", "domains=[low:low.csv,low:high.csv]"], "has low twice"),
        (["--across", "domains=[low:gone.csv]"], "low: "),
        (["--across", "domains=[low:low.csv]", "low.domain.colour=1"], "domain.colour is no key"),
        (["--across", "domains=[run=table:low.csv]"], "is a key of the configuration"),
        (["models=[a,b]"], "models=[a,b] needs --across"),
    ],
)
def test_bad_input_is_one_line_before_any_work(
    files: Path, capsys: pytest.CaptureFixture[str], more: list[str], why: str
) -> None:
    end = ["llm=endpoint", "llm.base_url=http://127.0.0.1:9/v1", "llm.task.model=t", "run.dir=m"]
    assert cli.main(["evaluate", "agents.json", *more, *end]) == 2
    error = capsys.readouterr().err
    assert why in error
    assert error.count("\n") == 1
    assert not Path("m").exists()


def test_names_files_and_labels_of_columns(files: Path) -> None:
    found = asked(["domains=[low.csv,mgsm_en:x.tsv,b=table:high.csv]", "models=[qwen2.5:7b,org/m]", "seed=3"])
    assert found.domains == {
        "low": ("domain=table", "domain.path=low.csv"),
        "mgsm_en": ("domain=mgsm", "domain.path=x.tsv"),
        "b": ("domain=table", "domain.path=high.csv"),
    }
    assert list(found.models) == ["qwen2.5:7b", "org/m"]
    assert found.rest == ("seed=3",)
    two = asked(
        ["domains=[a:low.csv,b:high.csv]", "b.domain.sizes.test=7", "a.evaluate.items=2", "llm=local"]
    )
    configs = {place.domain: place.config for place in places(two)}
    assert configs["b"].domain.sizes == {"test": 7}
    assert (configs["a"].evaluate.items, configs["b"].evaluate.items) == (2, 18)
    assert configs["a"].llm.meta.model == configs["a"].llm.task.model  # no second server for nothing


def test_agents_by_number_name_and_seed(files: Path) -> None:
    def names(*words: str) -> list[str]:
        return [c.agent.name for c in read_agents(list(words))]

    assert names("agents.json:1-2") == ["asks", "guesses"]
    assert names("agents.json:help", "direct") == ["helped", "direct"]
    assert len(names("seeds")) > 5
    with pytest.raises(ConfigError, match="no such agent; there are 3"):
        names("agents.json:9")


def test_what_an_agent_needs() -> None:
    assert needs(HELPED, ()) == ["run_examples_and_get_feedback"]
    assert needs(HELPED, ("run_examples_and_get_feedback",)) == []
    assert needs("def forward(", ()) == []


def test_the_best_is_marked_only_where_it_is_shown() -> None:
    def one(name: str, right: int) -> Contender:
        return Contender(name, name, {f"i{k}": float(k < right) for k in range(40)}, results=40)

    clear, close = [one("a", 40), one("b", 10), one("c", 12)], [one("a", 22), one("b", 20)]
    assert shown_best([clear]) == ["a"]
    assert shown_best([clear, close]) == ["a", ""]
    assert shown_best([[one("a", 40)], []]) == ["", ""]


def test_strange_names_are_no_markup(tmp_path: Path) -> None:
    name = "<b>|`x`\x1b[31m"
    row = {"agent": "1", "name": name, "score": 0.5, "low": 0.2, "high": 0.8, "items": 2, "complete": True}
    row |= {"tokens": 4, "cost_usd": 0.0, "outcomes": {}}
    matrix = Matrix((("1", name),), (Cell(name, name, "f", (row,), paid={"calls": 1, "tokens": 4}),))
    assert "<b>" not in matrix.html()
    assert "\x1b" not in matrix.markdown() + matrix.html()
    assert "\\<b\\>" in matrix.markdown()
    assert Matrix.of_json(json.loads(json.dumps(matrix.as_json()))) == matrix
    paid = {**matrix.as_json(), "cells": [{**matrix.as_json()["cells"][0], "paid": {"calls": "many"}}]}
    for text in ("{}", "[" * 200_000, json.dumps(paid)):
        (tmp_path / "matrix.json").write_text(text)
        with pytest.raises(ArchiveError, match="cannot be read"):
            read_matrix(tmp_path)
