"""What is wrong with a start is told before Ray starts, and nothing is left of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meta_search import cli
from meta_search.errors import MetaSearchError, SandboxError
from meta_search.run import session
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below
from tests.kits.searches import composed_search


def scripted(messages: Any, body: Any) -> str:
    return adds_below(9)(messages, body)


@pytest.fixture
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts Ray fails."""

    def start(*_: object) -> None:
        raise MetaSearchError("Ray was started")

    monkeypatch.setattr(session, "_open_ray", start)


@pytest.mark.usefixtures("without_ray")
@pytest.mark.parametrize("command", [["run"], ["evaluate", "mine.py"]])
@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("domain.question=nope", "no column 'nope', there are: question, answer; set domain.question"),
        ("domain.path=nowhere.jsonl", "nowhere.jsonl"),
        ("llm.base_url=http://127.0.0.1:9/v1", "nothing answers at llm.base_url"),
        ("llm.api_key_env=NO_SUCH_KEY", "NO_SUCH_KEY"),
        ("llm.api_key_env=WRONG_KEY", "refuses the key"),
        ("llm.task.model=", "name the model: llm.task.model"),
        ("", "Ray was started"),  # and of this nothing is left either
    ],
)
def test_what_is_missing_is_told_before_ray_starts(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    more: str,
    told: str,
) -> None:
    monkeypatch.setenv("WRONG_KEY", "sk-wrong")
    monkeypatch.setenv("KEY", "sk-right")
    Path("mine.py").write_text("def forward(self, taskInfo):\n    return '1'\n")
    with CountingEndpoint(scripted, api_key="sk-right") as endpoint:
        words = composed_search(folder, endpoint, "llm.api_key_env=KEY", "evaluate.executor=ray")
        assert cli.main([*command, *words, *filter(None, [more])]) == (2 if more else 1)
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert told in line
    assert shown.out == ("" if more else "run folder: run\n")
    assert not Path("run").exists()


def test_an_embedded_model_that_is_none_is_told_before_anything_starts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("xllamacpp")
    assert cli.main(["run", "llm=local", "llm.meta.model=gpt-5", "run.dir=run"]) == 2
    shown = capsys.readouterr()
    assert "gpt-5" in shown.err
    assert shown.out == ""
    assert not Path("run").exists()


@pytest.mark.parametrize("error", [SandboxError("the kernel lacks Landlock"), KeyboardInterrupt()])
def test_a_start_that_fails_late_leaves_nothing_either(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
) -> None:
    def evaluator(*_: object) -> None:
        raise error

    monkeypatch.setattr(session, "InlineEvaluator", evaluator)
    with CountingEndpoint(scripted) as endpoint:
        words = composed_search(folder, endpoint, "llm.mode=record")
        assert cli.main(["run", *words]) == (2 if isinstance(error, SandboxError) else 3)
    assert not Path("run").exists()
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_resume_that_cannot_start_leaves_the_run_as_it_was(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(scripted) as endpoint:
        words = composed_search(folder, endpoint, "search.candidates=0", "search.seeds=[direct]")
        assert cli.main(["run", *words]) == 0
    before = sorted(path.name for path in Path("run").iterdir())
    assert cli.main(["resume", "run"]) == 2  # its endpoint is gone
    assert sorted(path.name for path in Path("run").iterdir()) == before
    assert "nothing answers" in capsys.readouterr().err
