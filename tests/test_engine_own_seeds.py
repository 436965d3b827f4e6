"""A person's own agents as seeds: what is read of which file, and what a search makes of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.compose import compose
from meta_search.engine import own_seeds
from meta_search.report.verdict import archive_verdict
from meta_search.testing import CountingEndpoint
from tests.kits.answers import ADDITION, as_asked
from tests.kits.sandboxed_agents import House
from tests.kits.searches import assert_replays, overrides, run_killed, sums

MINE = """\ufeff\"\"\"My own prompt.\"\"\"

PROMPT = "Mine: reply with the number only."


def forward(self, taskInfo):
    [answer] = LLMAgentBase(["answer"], "Mine", temperature=0.0)([taskInfo], PROMPT)
    return answer
"""
ADAS = [{"name": "Published", "thought": "", "generation": "initial", "code": MINE.lstrip("\ufeff")}]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as house:
        yield house


def test_a_prompt_is_one_call_with_the_question_filled_in(house: House) -> None:
    text = 'Grade {"a": 1} and {x}: """{question}""" \\ again {question}'
    agent = own_seeds.prompt_agent("my prompt", "my prompt.md", text)
    result = house.run(agent.source, lambda request: "7")
    assert (result.kind, result.answer, result.used.calls) == ("ok", "7", 1)
    question = house.llm.requests[-1].messages[-1][1].partition('"""')[2].partition('"""')[0]
    assert question
    assert house.llm.requests[-1].messages[-1][1] == text.replace("{question}", question)
    assert house.llm.requests[-1].temperature == 0.0


def test_a_prompt_without_a_place_for_the_question_goes_after_it(house: House) -> None:
    text = "Line one.\nReply with {the} label only."
    agent = own_seeds.prompt_agent("p", "p.txt", text)
    assert f'PROMPT = """{text}"""' in agent.source  # to be read as it was written
    assert house.run(agent.source, lambda request: "7").kind == "ok"
    assert house.llm.requests[-1].messages[-1][1].endswith(f"\n\n{text}")
    assert len(house.llm.requests[-1].messages[-1][1]) > len(text) + 2


def test_each_kind_of_file_gives_its_agents_once_and_a_name_that_is_free(folder: Path) -> None:
    Path("mine.py").write_text(MINE, encoding="utf-8")
    Path("direct.py").write_text(MINE.replace("Mine:", "Direct:"), encoding="utf-8")
    Path("mine.md").write_text("Reply with the number.\n")
    Path("found.json").write_text(json.dumps(ADAS))
    found = own_seeds.read(["mine.py", "direct.py", "mine.md", "found.json"])
    assert [c.agent.name for c in found] == [
        "mine",
        "direct.py",
        "mine.md",
    ]  # the published one is mine
    assert {(c.brief.kind, c.brief.operator, c.brief.author) for c in found} == {("seed", "seed", "you")}
    assert len({c.brief.code for c in found}) == 3
    assert own_seeds.read(["found.json"])[0].agent.name == "Published"


@pytest.mark.parametrize(
    ("word", "text", "told"),
    [
        ("gone.py", None, "cannot read gone.py: No such file"),
        ("gone.md", None, "cannot read gone.md: No such file"),
        ("direkt", None, "no seed is named direkt; known: direct"),
        ("runs/none:agent", None, "runs/none: no such run folder"),
        ("mine.py", "def forward(self, taskInfo)\n    return 1\n", "mine.py is no agent: SyntaxError"),
        ("mine.py", "def solve(question):\n    return 1\n", "define a function forward(self, taskInfo)"),
        ("mine.py", "import requests\ndef forward(self, t):\n    return '1'\n", "import requests (line 1)"),
        ("mine.md", " \n", "mine.md is empty"),
        ("mine.json", "{", "mine.json is not JSON"),
        ("mine.json", '[{"name": "a"}]', "agent 1: has no code"),
    ],
)
def test_what_is_no_seed_is_one_line_before_there_is_a_run(
    folder: Path, capsys: pytest.CaptureFixture[str], word: str, text: str | None, told: str
) -> None:
    if text is not None:
        Path(word).write_text(text)
    status = cli.main(["run", *overrides(sums(folder), "http://127.0.0.1:1/v1", f"search.seeds=[{word}]")])
    assert status == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert told in line
    assert not Path("runs").exists()


def test_an_agent_that_asks_no_model_may_be_a_seed(folder: Path) -> None:
    Path("rule.py").write_text("def forward(self, taskInfo):\n    return '7'\n")
    assert own_seeds.read(["rule.py"])[0].agent.name == "rule"


@pytest.mark.parametrize(
    ("typed", "seeds"),
    [
        ("[~/my agents/a(1).py, prompt.md,direct]", ("~/my agents/a(1).py", "prompt.md", "direct")),
        ("my=agent.py", ("my=agent.py",)),
        ("[runs/x:abc, team:3]", ("runs/x:abc", "team:3")),
        ("['a.py',direct]", ("a.py", "direct")),
        ("[]", ()),
        ("direct", ("direct",)),
    ],
)
def test_seeds_are_typed_as_paths_are(typed: str, seeds: tuple[str, ...]) -> None:
    assert compose([f"search.seeds={typed}"]).search.seeds == seeds


def mind(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Right on sums of small numbers: less often where asked by `Mine`, never by short.md, always when shown
    worked examples."""
    text = messages[-1]["content"]
    limit = 99 if len(messages) > 2 else 6 if "Mine:" in text else 0 if "Shortly:" in text else 9
    a, b = map(int, ADDITION.findall(text)[-1])
    return as_asked(body, str(a + b if a < limit else 0))


def words(folder: Path, base_url: str, *more: str) -> list[str]:
    Path("mine.py").write_text(MINE, encoding="utf-8")
    Path("short.md").write_text("Shortly: {question}")
    short = (
        *("author=composer", "search.candidates=2", "search.finalists=1", "search.prior=false"),
        *("search.seeds=[direct, short.md, chain_of_thought, mine.py]", "evaluate.items=18", "run.dir=run"),
        *("evaluate.test_items=12", "run.confirm=false"),
    )
    return overrides(sums(folder), base_url, *short, *more)


@pytest.mark.slow
def test_ones_own_agents_are_tested_whatever_they_score_and_the_verdict_names_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(mind) as endpoint:
        assert cli.main(["run", *words(folder, endpoint.base_url)]) == 0
    archive = meta_search.open_run("run")
    found = {r.agent.name: r for r in archive.agents()}
    for name in ("mine", "short"):
        record = found[name]
        assert (record.status, record.author, record.operator) == ("seed", "you", "seed")
        assert record.evaluations["train"].items == 18  # racing stops others that have nothing right
        assert record.evaluations["test"].items == 12
    assert found["short"].evaluations["train"].score == 0.0
    verdict = archive_verdict(archive)
    assert {s.name for s in verdict.baselines if s.kind == "own"} == {"mine", "short"}
    for name in ("mine", "short"):
        assert f"your {name}" in verdict.text or f"your own agent {name}" in verdict.text
    shown = " ".join(capsys.readouterr().out.split())
    assert all(line in shown for line in verdict.own)
    print("VERDICT", verdict.text)
    Path("mine.py").unlink()
    Path("short.md").unlink()
    assert_replays()
    with CountingEndpoint(mind) as endpoint:
        # without the files
        assert cli.main(["resume", "run", f"llm.base_url={endpoint.base_url}"]) == 0
    assert archive_verdict(archive).text.startswith(verdict.sentence)


@pytest.mark.slow
def test_a_run_killed_at_its_start_goes_on_with_ones_own_agents(folder: Path) -> None:
    with CountingEndpoint(mind, latency_s=0.02) as endpoint:
        run_killed(folder, endpoint, 3, "run", *words(folder, endpoint.base_url))
        Path("mine.py").unlink()
        assert cli.main(["resume", "run"]) == 0
    with meta_search.open_run("run") as archive:
        assert archive.record("mine").evaluations["test"].items == 12


@pytest.mark.slow
def test_an_agent_of_another_run_is_a_seed_and_needs_that_run_no_longer(folder: Path) -> None:
    with CountingEndpoint(mind) as endpoint:
        first = words(folder, endpoint.base_url, "search.seeds=[mine.py]", "search.candidates=1")
        assert cli.main(["run", *first]) == 0
        more = ("search.seeds=[run:mine, direct]", "run.dir=second", "search.candidates=0")
        assert cli.main(["run", *words(folder, endpoint.base_url, *more)]) == 0
        shutil.rmtree("run")
        assert cli.main(["resume", "second"]) == 0
    with meta_search.open_run("second") as archive:
        assert {r.agent.name for r in archive.agents() if r.author == "you"} == {"mine"}
