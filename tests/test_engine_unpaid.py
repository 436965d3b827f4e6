"""A budget that has no room for a call of the meta model: whoever can still be paid goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.testing import CountingEndpoint
from tests.kits.answers import mind
from tests.kits.searches import assert_replays, mixed_search, questions, run_killed

LARGE = ("budget.tokens=60000", "author.max_tokens=46000", "seed=4", "run.dir=run", "search.candidates=5")


def authors(run: str) -> list[str]:
    with meta_search.open_run(run) as archive:
        return [e.data["author"] for e in archive.events("ask")]


def test_the_composer_goes_on_and_all_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It writes all that was asked for; the meta model is asked once, in vain."""
    with CountingEndpoint(mind) as endpoint:
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, *LARGE)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "the budget has no room for a call of the meta model: others write on" in shown
    assert "alarm: the budget had no room for the meta model in the last" in shown
    assert authors("run").count("llm") == 1
    with meta_search.open_run("run") as archive:
        assert archive.meta("end")["why"] != "budget"
        assert sum(usage.tokens for usage in archive.usage().values()) <= 60_000
        assert sum(record.author == "composer" for record in archive.agents()) == 5
    assert_replays()


def test_a_search_that_was_killed_goes_on_without_it(folder: Path) -> None:
    """The session that goes on asks it once more: there might be other limits."""
    with CountingEndpoint(mind) as endpoint:
        path = questions(folder)
        run_killed(folder, endpoint, 160, "run", *mixed_search(path, endpoint, *LARGE))
        before = authors("run")
        assert before.count("llm") <= 1
        assert cli.main(["resume", "run"]) == 0
    after = authors("run")
    assert after[: len(before)] == before
    assert after.count("llm") <= 2
    assert len(after) > 5
    assert_replays()


def test_with_an_author_alone_that_cannot_be_paid_the_budget_ends_the_search(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (*LARGE, "author=llm", "author.formats=[program]", "search.operators=[novel]")
    with CountingEndpoint(mind) as endpoint:
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, *more)]) in (0, 3)
    assert "has no room for the next call" in " ".join(capsys.readouterr().out.split())
    with meta_search.open_run("run") as archive:
        assert archive.meta("end")["why"] == "budget"
