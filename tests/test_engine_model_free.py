"""Agents that ask nobody: what `domain.model_free` does in whole runs, and where their share is told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.authors.author import DomainFacts
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below
from tests.kits.pages import page_text
from tests.kits.searches import assert_replays, overrides, sums, written_search

adds = adds_below(9)
FREE = '''"""Reads the numbers itself."""


def forward(self, taskInfo):
    a, b = map(int, re.findall(r"\\d+", taskInfo.content)[-2:])
    return str(a + b)
'''
SOMETIMES = FREE.replace(
    "    return str(a + b)",
    "    if b % 2:\n        return LLMAgentBase(['answer'], 'Odd')([taskInfo], 'Number only.')[0]\n"
    "    return str(a + b)",
)
NEVER_CALLS = FREE.replace("def forward", "ASK = LLMAgentBase\n\n\ndef forward")
ASKS = """def forward(self, taskInfo):
    return LLMAgentBase(["answer"], "Solver")([taskInfo], "Number only.")[0]
"""
LLM = (
    *("author=llm", "author.formats=[program]", "author.reflexions=0", "author.debug_rounds=0"),
    *("search.operators=[novel]", "search.seeds=[direct]", "search.prior=false", "run.dir=run"),
    *("search.candidates=1", "search.in_flight=1", "evaluate.test_items=24", "author.lessons=0"),
)
SHARE = "without a call"


class Writer:
    """A meta model that writes these agents in turn. mended: Questions that asked it to mend one."""

    def __init__(self, *sources: str) -> None:
        self._sources = list(sources)
        self.mended: list[str] = []

    def __call__(self, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        if body["model"] != "writer":
            return adds(messages, body)
        asked = messages[-1]["content"]
        if "Mend the first agent" in asked:
            self.mended.append(asked)
        source = self._sources.pop(0) if len(self._sources) > 1 else self._sources[0]
        return f"Name: Agent {len(self._sources)}\nThought: As written.\n```python\n{source}```"


def search(folder: Path, writer: Writer, *more: str) -> None:
    with CountingEndpoint(writer) as endpoint:
        assert cli.main(["run", *written_search(folder, endpoint, *LLM, *more)]) == 0


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert cli.main([*arguments]) == 0
    return capsys.readouterr().out


def found(run: str = "run") -> Any:
    """The agent that the search came to."""
    with meta_search.open_run(run) as archive:
        return next(r for r in archive.agents() if r.author == "llm")


@pytest.mark.slow
def test_the_share_stands_beside_the_score_everywhere(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search(folder, Writer(FREE))
    first = capsys.readouterr().out
    assert "100% right (100 % without a call) on" in first  # while it runs
    assert "no call" in first  # the table of the last screen
    sentence = " ".join(first[first.index("The best agent Agent 1") :].split())
    assert "beats the best seed direct on 24 fresh test items: 100.0 %" in sentence
    assert "(100 % without a call) against" in sentence
    agent = found()
    assert agent.evaluations["test"].model_free == agent.evaluations["test"].items == 24

    assert "no call" in said(capsys, "archive", "list", "run")
    assert f", 100 % {SHARE}" in said(capsys, "archive", "show", "run", agent.agent.id)
    assert f", 100 % {SHARE}" in said(capsys, "archive", "lineage", "run", agent.agent.id)
    assert f"100 % {SHARE}" in said(capsys, "status", "run")
    assert f"100 % {SHARE}" in said(capsys, "report", "run")
    assert f"100 % {SHARE}" in page_text("run/report.html")
    assert said(capsys, "export", "run", agent.agent.id, "--to", "out")
    assert f"], 100 % {SHARE} |" in Path("out/card.md").read_text()

    shares = {
        r["name"]: r["model_free"] for r in json.loads(said(capsys, "archive", "list", "run", "--json"))
    }
    assert shares == {"Agent 1": 1.0, "direct": 0.0}
    shown = json.loads(said(capsys, "archive", "show", "run", agent.agent.id, "--json"))
    assert [e["model_free"] for e in shown["evaluations"].values()] == [1.0] * 3
    told = json.loads(said(capsys, "report", "run", "--json"))
    assert told["best"]["finalist"]["model_free"] == 1.0
    assert told["baselines"][0]["model_free"] == 0.0
    scores = json.loads(Path("out/card.json").read_text())["scores"]
    assert {s["model_free"] for s in scores.values()} == {1.0}
    with meta_search.open_run("run") as archive:
        rows = {row["name"]: row["train_model_free"] for row in archive.rows("agents")}
        assert f"(100 % {SHARE})" in archive._repr_html_()
    assert rows == {"Agent 1": 1.0, "direct": 0.0}
    assert_replays()


def test_where_everybody_asks_nothing_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search(folder, Writer(ASKS))
    agent = found().agent.id
    words = [capsys.readouterr().out, said(capsys, "archive", "list", "run"), said(capsys, "report", "run")]
    words += [said(capsys, "archive", "show", "run", agent), page_text("run/report.html")]
    for text in words:
        assert SHARE not in text
        assert "no call" not in text
    assert json.loads(said(capsys, "archive", "list", "run", "--json"))[0]["model_free"] == 0.0


def test_what_is_allowed_is_in_json_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    search(folder, Writer(FREE), "domain.model_free=allow")
    agent = found().agent.id
    words = [capsys.readouterr().out, said(capsys, "archive", "list", "run"), said(capsys, "report", "run")]
    words += [said(capsys, "archive", "show", "run", agent), page_text("run/report.html")]
    said(capsys, "export", "run", agent, "--to", "out")
    for text in (*words, Path("out/card.md").read_text()):
        assert SHARE not in text
        assert "no call" not in text
    rows = json.loads(said(capsys, "archive", "list", "run", "--json"))
    assert {row["name"]: row["model_free"] for row in rows} == {"Agent 1": 1.0, "direct": 0.0}
    assert json.loads(said(capsys, "report", "run", "--json"))["best"]["finalist"]["model_free"] == 1.0


def test_what_is_refused_is_not_written(folder: Path) -> None:
    search(folder, Writer(FREE, ASKS), "domain.model_free=refuse", "author.debug_rounds=1")
    with meta_search.open_run("run") as archive:
        (attempt,) = archive.attempts()
    assert (attempt.stage, attempt.source.strip()) == ("check", FREE.strip())
    assert "never asks a model" in attempt.message
    assert found().evaluations["train"].outcomes == {"ok": 6}


def test_answers_without_a_call_score_nothing_and_are_mended(folder: Path) -> None:
    writer = Writer(NEVER_CALLS, ASKS)
    search(folder, writer, "domain.model_free=refuse")
    with meta_search.open_run("run") as archive:
        broken, mended = [r for r in archive.agents() if r.author == "llm"]
        rows = archive.results(broken.agent.id, "train")
    assert {(row.kind, row.score) for row in rows} == {("unasked", 0.0)}
    assert (broken.evaluations["train"].score, broken.evaluations["train"].free_share) == (0.0, 1.0)
    assert mended.operator == "debug"
    assert "unasked: answered without a call to a model" in writer.mended[0]
    assert "ask a model for every item" in writer.mended[0]
    assert_replays()


def test_an_own_agent_that_asks_nobody_is_told_of_at_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("rules.py").write_text(FREE)
    search(folder, Writer(ASKS), "domain.model_free=refuse", "search.seeds=[direct,rules.py]")
    line = (
        "your own rules asks no model: such answers score 0 with domain.model_free=refuse (tell scores them)"
    )
    assert line in capsys.readouterr().out.replace("\n", " ")


@pytest.fixture
def three(folder: Path) -> Path:
    for name, source in (("free", FREE), ("sometimes", SOMETIMES), ("asks", ASKS), ("again", ASKS + "\n# 2")):
        (folder / f"{name}.py").write_text(source)
    return sums(folder)


def evaluated(three: Path, endpoint: CountingEndpoint, *more: str) -> list[dict[str, Any]]:
    words = [*overrides(three, endpoint), "evaluate.test_items=12", "run.confirm=false", *more]
    agents = ["free.py", "sometimes.py", "asks.py"]
    assert cli.main(["evaluate", *agents, "--json", "rows.json", *words]) == 0
    rows: list[dict[str, Any]] = json.loads(Path("rows.json").read_text())
    return rows


@pytest.mark.slow
def test_evaluate_tells_it(three: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CountingEndpoint(adds) as endpoint:
        rows = evaluated(three, endpoint)
        assert "no call" in capsys.readouterr().out
        free, sometimes, asks = rows
        assert (free["model_free"], free["calls"], free["score"]) == (1.0, 0, 1.0)
        assert (asks["model_free"], n := asks["items"]) == (0.0, 18)
        assert 0 < sometimes["model_free"] < 1
        assert sometimes["model_free"] == pytest.approx(1 - sometimes["calls"] / sometimes["items"])

        rows = evaluated(three, endpoint, "domain.model_free=refuse")
        out = capsys.readouterr().out
        assert [row["outcomes"].get("unasked", 0) for row in rows] == [n, n - sometimes["calls"], 0]
        assert rows[0]["score"] == 0.0
        assert [row["model_free"] for row in rows] == [r["model_free"] for r in (free, sometimes, asks)]
        assert f"{n} of {n} items: unasked: answered without a call to a model" in out

        rows = evaluated(three, endpoint, "domain.model_free=allow")
        assert rows[0]["model_free"] == 1.0
        assert "no call" not in capsys.readouterr().out


def test_a_call_that_the_ledger_answers_is_a_call(three: Path) -> None:
    with CountingEndpoint(adds) as endpoint:
        words = [*overrides(three, endpoint), "evaluate.split=train", "evaluate.items=6", "run.confirm=false"]
        assert cli.main(["evaluate", "asks.py", "again.py", "--json", "rows.json", *words]) == 0
        sent = endpoint.calls
    assert [row["model_free"] for row in json.loads(Path("rows.json").read_text())] == [0.0, 0.0]
    assert sent < 12 + 3  # the second one's calls were shared


@pytest.mark.parametrize(("more", "told"), [((), True), (("domain.model_free=allow",), False)])
def test_a_table_of_domains_tells_it(
    three: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], told: bool
) -> None:
    with CountingEndpoint(adds) as endpoint:
        words = [
            *("--across", f"domains=[table:{three}]", "models=[solver]", "llm=endpoint", "run.dir=m"),
            *(f"llm.base_url={endpoint.base_url}", "evaluate.executor=inline", "run.confirm=false"),
            *("evaluate.test_items=6", *more),
        ]
        assert cli.main(["evaluate", "free.py", "asks.py", *words]) == 0
    for text in (capsys.readouterr().out.replace("\n", " "), Path("m/matrix.md").read_text()):
        assert (f"100 % {SHARE}" in " ".join(text.split())) is told
    (cell,) = json.loads(Path("m/matrix.json").read_text())["cells"]
    assert [row["model_free"] for row in cell["rows"]] == [1.0, 0.0]


def test_python_is_told_of_it(three: Path) -> None:
    events: list[meta_search.SearchEvent] = []
    with CountingEndpoint(adds) as endpoint:
        words = overrides(three, endpoint)
        (row,) = meta_search.evaluate("free.py", *words, on_event=events.append, live=False)
    assert row["model_free"] == 1.0
    assert [e.model_free for e in events if e.kind == "evaluated"] == [1.0]


def test_the_meta_agent_is_told_what_holds_here() -> None:
    told = {mode: DomainFacts("sums", model_free=mode).asking for mode in ("allow", "tell", "refuse")}
    assert told["allow"] == ""
    assert "without asking a model" in told["tell"]
    assert "without one scores 0" in told["refuse"]
    assert all("\n" not in line for line in told.values())
