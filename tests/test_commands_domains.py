"""`meta-search domains`: the list, one of them with its items, and what cannot be had here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from meta_search import cli
from meta_search.compose import options_of
from tests.kits.benchmarks import slice_of


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(["domains", *words]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


def test_the_list_names_every_domain(capsys: pytest.CaptureFixture[str]) -> None:
    names = list(options_of("domain"))
    for words in ((), ("list",)):
        text = printed(capsys, *words)
        assert [line.split()[0] for line in text.splitlines()[1:] if line[:1].strip()][: len(names)] == names
        assert "hf:lukaemon/bbh (27 parts)" in text
    rows = json.loads(printed(capsys, "list", "--json"))
    assert [row["name"] for row in rows] == names
    gsm8k = next(row for row in rows if row["name"] == "gsm8k")
    assert (gsm8k["items"], gsm8k["licence"]) == (8792, "MIT")
    assert gsm8k["source"].startswith("hf:openai/gsm8k:main@")
    assert all(row["about"] for row in rows)


def test_one_is_shown_with_two_items_as_agents_are_asked_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for word in slice_of("gsm8k", tmp_path) if not word.startswith("domain=")]
    text = printed(capsys, "show", "gsm8k", *words)
    assert text.count("  right answer: ") == 2
    assert "  | Ada has " in text
    assert "test from test" in text
    assert "it is told: Solve the problem. The final answer is one number" in text
    shown = json.loads(printed(capsys, "show", "gsm8k", "--json", *words))
    assert shown["splits"]["test"] >= 7
    assert len(shown["examples"]) == 2
    assert shown["missing"] is None


def test_items_whose_publisher_asks_for_it_are_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for word in slice_of("gpqa", tmp_path) if not word.startswith("domain=")]
    text = printed(capsys, "show", "gpqa", *words)
    assert "no items are shown" in text
    assert "particle" not in text
    assert json.loads(printed(capsys, "show", "gpqa", "--json", *words))["examples"] == []


def test_what_is_not_here_is_one_line_that_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "show", "svamp", "domain.path=nowhere.json")
    (line,) = [line for line in text.splitlines() if line.startswith("  not here:")]
    assert "nowhere.json" in line
    assert json.loads(printed(capsys, "show", "svamp", "domain.path=nowhere.json", "--json"))["missing"]


def test_how_answers_are_compared_is_what_the_domain_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "q.csv"
    path.write_text("question,answer\n" + "".join(f"{n}?,{n} km\n" for n in range(20)))
    assert "compared by numeric" in printed(capsys, "show", "table", f"domain.path={path}")
    path = tmp_path / "mgsm_en.tsv"
    path.write_text("".join(f"What is {n} and {n}?\t{2 * n}\n" for n in range(40)))
    assert "compared by numeric" in printed(capsys, "show", "mgsm", f"domain.path={path}")
    words = [word for word in slice_of("humaneval", tmp_path) if not word.startswith("domain=")]
    text = printed(capsys, "show", "humaneval", *words)
    assert "scored by the domain itself" in text
    assert "  scored by: " in text
    assert "right answer" not in text
