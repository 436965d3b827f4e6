"""`meta-search doctor` and `meta-search models`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from meta_search import cli, doctor


def test_the_doctor_finds_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("META_SEARCH_CACHE", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-mine")
    status = cli.main(["doctor", "--json"])
    text = capsys.readouterr().out
    assert "secret" not in text
    found = {check["name"]: check for check in json.loads(text)}
    assert status == int(any(check["state"] == "fail" for check in found.values()))
    assert found["keys"]["detail"] == "set: OPENAI_API_KEY"
    assert {"ray", "optuna", "litellm", "cores", "disk runs", "python"} <= found.keys()
    assert {f"sandbox {layer}" for layer in doctor.REQUIRED_LAYERS} <= found.keys()
    missing = [check for name, check in found.items() if name.startswith("model ")]
    assert len(missing) >= 2
    assert all("models pull" in check["detail"] and check["state"] == "warn" for check in missing)


def test_a_stolen_or_missing_library_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: {"litellm": "1.82.8", "ray": None}.get(name, "1.0"))
    assert cli.main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("fail  litellm") and "steals credentials" in line for line in lines)
    assert any(line.startswith("fail  ray") for line in lines)
    assert lines[-1] == "a search cannot run here: ray, litellm"


def test_models_are_listed_with_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("META_SEARCH_CACHE", str(tmp_path))
    assert cli.main(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) >= 2
    assert all(row["path"] is None and row["size"] > 10**8 and row["licence"] for row in rows)
    assert cli.main(["models", "list", rows[0]["name"]]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert cli.main(["models", "pull", "gpt"]) == 2
