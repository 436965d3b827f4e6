"""The calls from Python: items, scorers and agents that are no files, and what a run keeps of them."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

import meta_search
from meta_search import cli
from meta_search.compose import compose
from meta_search.run.folder import read_config, resume_command, same_task
from meta_search.testing import CountingEndpoint
from tests.kits import sums
from tests.kits.answers import adds_below


@pytest.fixture
def endpoint() -> Iterator[CountingEndpoint]:
    with CountingEndpoint(adds_below(12)) as endpoint:
        yield endpoint


def scores(archive: meta_search.Archive, name: str) -> list[tuple[str, float]]:
    return sorted((r["item"], r["score"]) for r in archive.rows("items") if r["name"] == name)


def test_rows_make_a_run_that_stands_alone(
    folder: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = meta_search.search(*sums.short(endpoint), domain=(row for row in sums.rows()), seed=3)
    assert summary.status == 0
    assert "on 6 fresh test items" in summary.sentence
    assert summary.sentence in summary._repr_html_()
    assert capsys.readouterr().out == ""  # a script is not talked at
    moved = Path(shutil.move(summary.folder, folder / "elsewhere"))
    assert sorted(path.name for path in folder.iterdir()) == ["elsewhere", "runs"]
    before = endpoint.calls
    assert cli.main(["resume", str(moved), "budget.wall_s=600"]) == 0
    assert endpoint.calls <= before + 1  # the check that it answers
    config = json.loads((moved / "config.json").read_text())
    assert (config["domain"]["name"], config["seed"]) == ("table", 3)
    assert Path(config["domain"]["path"]).parent == moved / "domain"
    page = meta_search.write_report(moved)
    assert page == moved / "report.html"
    assert meta_search.export_agent(moved, "direct", to="direct") == Path("direct")
    assert Path("direct/run.py").is_file()


@pytest.mark.slow
def test_a_function_scores_and_is_brought_along_again(
    folder: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: set[str] = set()

    def near(item: meta_search.Item, answer: str) -> float:
        asked.add(threading.current_thread().name)
        assert item.data["answer"] == int(item.target)
        return sums.near(item, answer)

    words = sums.short(endpoint, "llm.mode=record")
    run = meta_search.search(*words, domain=sums.rows(), score=near).folder
    assert threading.current_thread().name not in asked
    archive = meta_search.open_run(run)
    assert {score for _, score in scores(archive, "direct")} == {0.0, 1.0}
    assert resume_command(run) == f"meta_search.resume('{run}', score=…)"

    assert cli.main(["resume", str(run)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"go on with meta_search.resume('{run}', score=…)" in line
    with pytest.raises(meta_search.MetaSearchError, match="score="):
        meta_search.resume(run)
    assert meta_search.resume(run, "budget.wall_s=600", score=near).status == 0
    assert meta_search.export_agent(run, "direct", to="direct").is_dir()  # asks nobody for a score

    calls = endpoint.calls
    again = meta_search.search("llm.mode=replay", f"llm.recording={run}", score=near).folder
    assert endpoint.calls == calls
    assert scores(meta_search.open_run(again), "direct") == scores(archive, "direct")


def test_a_scorer_in_place_of_a_domains_own(folder: Path, endpoint: CountingEndpoint) -> None:
    Path("q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sums.rows()))
    words = sums.short(endpoint, "domain=table", "domain.path=q.jsonl")
    (row,) = meta_search.evaluate(sums.SILENT, *words, score=lambda item, answer: answer == "7")
    assert (row["score"], row["outcomes"]) == (1.0, {"ok": 6})
    (own,) = meta_search.evaluate(sums.SILENT, *words)
    assert own["score"] == 0.0


class Doubles:
    """A domain as an object."""

    name = "doubles"
    brief = "Double a number."
    wording: ClassVar = {"answer": "only the number"}

    def items(self, split: str) -> Sequence[meta_search.Item]:
        first = {"examples": 0, "train": 10, "validation": 20, "test": 30}[split]
        numbers = range(first, first + 6)
        return [meta_search.Item(f"d{n}", f"What is {n} + {n}?", str(2 * n)) for n in numbers]

    def score(self, item: meta_search.Item, answer: str) -> meta_search.Score:
        return meta_search.Score(float(answer.strip() == item.target), "as it should be")


@pytest.mark.slow
def test_a_domain_object(folder: Path, endpoint: CountingEndpoint) -> None:
    domain = Doubles()
    run = meta_search.search(*sums.short(endpoint), domain=domain).folder
    assert {row["item"] for row in meta_search.open_run(run).rows("items")} <= {f"d{n}" for n in range(40)}
    assert meta_search.resume(run, domain=domain).status == 0
    rows = meta_search.evaluate(
        f"{run}:direct", *sums.short(endpoint), domain=domain, evaluate={"split": "train"}
    )
    assert rows[0]["score"] == pytest.approx(2 / 6)  # of 10 + 10 … 15 + 15 those with a first number below 12


def test_what_is_no_domain_is_told_before_there_is_a_run(folder: Path, endpoint: CountingEndpoint) -> None:
    class Empty(Doubles):
        def items(self, split: str) -> Sequence[meta_search.Item]:
            return []

    class Loose(Doubles):
        def items(self, split: str) -> Any:
            return [("What is 1 + 1?", "2")]

    class Silent:
        items, score = Doubles.items, Doubles.score

    cases: list[tuple[Any, Any, str]] = [
        ([{"question": "What is 1 + 1?"}], None, r"domain\[0\] has no 'answer'"),
        (sums.rows()[:5], None, "domain: too few rows: 5 different questions"),
        ([*sums.rows(), {"question": "What is 3 + 20?", "answer": 1}], None, r"rows 0 and 96 \(from 0\)"),
        (Empty(), None, r"domain.items\('train'\) is empty"),
        (Loose(), None, "must hold meta_search.Item"),
        (Silent(), None, "domain has no name"),
        (sums.rows(), 5, "score must be a function"),
        (3.5, None, "must be a list of dicts"),
    ]
    for domain, score, told in cases:
        with pytest.raises(meta_search.MetaSearchError, match=told) as raised:
            meta_search.search(*sums.short(endpoint), domain=domain, score=score)
        assert "\n" not in str(raised.value)
    with pytest.raises(meta_search.MetaSearchError, match="the domain is given twice"):
        meta_search.search(*sums.short(endpoint, "domain=mgsm"), domain=sums.rows())
    assert list(folder.iterdir()) == []
    assert endpoint.calls == 0


def test_other_names_of_columns(folder: Path, endpoint: CountingEndpoint) -> None:
    rows = [{"text": row["question"], "label": row["answer"]} for row in sums.rows()]
    words = sums.short(endpoint, "domain.question=text", "domain.answer=label")
    one, other = (meta_search.evaluate(sums.SILENT, *words, domain=rows, score=s) for s in (None, sums.near))
    finished = meta_search.evaluate(sums.SILENT, compose(words), domain=rows)
    assert one[0]["items"] == other[0]["items"] == finished[0]["items"] == 6


def test_runs_over_the_same_rows_are_of_one_task(folder: Path, endpoint: CountingEndpoint) -> None:
    """What one of them found out about briefs is of use to the next."""
    configs = []
    for run, rows in (("a", sums.rows()), ("b", sums.rows()), ("c", sums.rows()[:50])):
        meta_search.evaluate(sums.SILENT, *sums.short(endpoint, f"run.dir={run}"), domain=rows)
        configs.append(read_config(Path(run)))
    assert same_task(configs[0], configs[1])
    assert not same_task(configs[0], configs[2])


def test_agents_may_be_files_sources_and_objects(folder: Path, endpoint: CountingEndpoint) -> None:
    Path("mine.py").write_text(sums.SILENT)
    indented = "\n    ".join(["", *sums.SILENT.replace("7", "8").splitlines()])
    agents = [sums.SILENT, indented, Path("mine.py"), meta_search.Agent.of("object", sums.SILENT)]
    rows = meta_search.evaluate(agents, *sums.short(endpoint), domain=sums.rows())
    assert [row["name"] for row in rows] == [
        "agent 1",
        "agent 2",
        "agent 1",
        "agent 1",
    ]  # equal agents are one
    assert [row["complete"] for row in rows] == [True] * 4
    assert set(rows[0]) == set(meta_search.EvaluationRow.__annotations__) - {"perturbed"}
    for wrong, told in (
        ([], "no agents are given"),
        (5, "no int"),
        ([5], "not int"),
        ("no.py", "cannot read"),
    ):
        with pytest.raises(meta_search.MetaSearchError, match=told):
            meta_search.evaluate(wrong, *sums.short(endpoint), domain=sums.rows())  # type: ignore[arg-type]


def test_an_evaluation_goes_on_in_its_folder_with_the_same_items(
    folder: Path, endpoint: CountingEndpoint
) -> None:
    words = sums.short(endpoint, "run.dir=run")
    agent = "def forward(self, t):\n    return LLMAgentBase(['answer'], 'A')([t], 'Add.')[0]\n"
    first = meta_search.evaluate(agent, *words, domain=sums.rows(), score=sums.near)
    calls = endpoint.calls
    again = meta_search.evaluate(agent, *words, domain=sums.rows(), score=sums.near)
    assert [row["score"] for row in again] == [row["score"] for row in first]
    assert endpoint.calls <= calls + 1
    with pytest.raises(meta_search.MetaSearchError, match=r"other settings \(domain.path\)"):
        meta_search.evaluate(agent, *words, domain=sums.rows()[1:], score=sums.near)


def test_within_a_running_loop_and_off_the_main_thread(folder: Path, endpoint: CountingEndpoint) -> None:
    """As in a notebook, whose kernel runs a loop, and as in a server's worker."""

    async def cell() -> list[meta_search.EvaluationRow]:
        return meta_search.evaluate(sums.SILENT, *sums.short(endpoint), domain=sums.rows())

    assert asyncio.run(cell())[0]["complete"]
    found: list[meta_search.RunSummary] = []
    thread = threading.Thread(
        target=lambda: found.append(meta_search.search(*sums.short(endpoint), domain=sums.rows()))
    )
    thread.start()
    thread.join(120)
    assert [summary.status for summary in found] == [0]
