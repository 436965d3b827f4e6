"""What a run keeps of its domain's files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meta_search.compose import compose
from meta_search.run.recording import keep_domain, kept_domain


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("train", "test"):
        (tmp_path / f"{name}.jsonl").write_text('{"question": "q?", "answer": "1"}\n')
    return tmp_path


def test_a_folder_that_the_run_lies_in_is_kept_without_the_run(data: Path) -> None:
    (data / ".git").mkdir()
    (data / "more").mkdir()
    (data / "more" / "extra.csv").write_text("question,answer\n")
    (data / "loop").symlink_to(data)
    os.mkfifo(data / "pipe")
    run = data / "runs" / "one"
    run.mkdir(parents=True)
    config = compose(["domain=table", f"domain.path={data}"])
    keep_domain(config, run)
    kept = run / "domain" / data.name
    found = sorted(str(file.relative_to(kept)) for file in kept.rglob("*"))
    assert found == ["more", "more/extra.csv", "test.jsonl", "train.jsonl"]
    assert kept_domain(config, run).domain.path == str(kept)


def test_several_files_that_one_path_names_stay_where_they_are(data: Path) -> None:
    run = data / "run"
    run.mkdir()
    config = compose(["domain=table", f"domain.path='{data}/{{train,test}}.jsonl'"])
    keep_domain(config, run)
    assert list(run.iterdir()) == []
    assert kept_domain(config, run) == config
