"""A budget that has no room for a call of the meta model: whoever can still be paid goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.config import AuthorConfig, Config
from meta_search.engine.pool import Pool
from meta_search.engine.unpaid import Unpaid
from meta_search.guide.guide import Guide
from meta_search.guide.opening import Choices
from meta_search.testing import CountingEndpoint
from meta_search.types import Brief
from tests.kits.answers import mind
from tests.kits.searches import assert_replays, mixed_search, questions, run_killed

IN_FLIGHT = 2
LARGE = ("budget.tokens=60000", "author.max_tokens=46000", "seed=4", "run.dir=run", "search.candidates=5")


def authors(run: str) -> list[str]:
    with meta_search.open_run(run) as archive:
        return [e.data["author"] for e in archive.events("ask")]


def test_the_composer_goes_on_and_all_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It writes all that was asked for; the meta model is asked in vain, once a place in flight at most."""
    with CountingEndpoint(mind) as endpoint:
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, *LARGE)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("the meta model writes no more, others go on") == 1
    assert "alarm: for the last" in shown
    assert "briefs no meta model could be paid (budget.tokens=60000 has no room" in shown
    assert authors("run").count("llm") <= IN_FLIGHT
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
        assert before.count("llm") <= IN_FLIGHT
        assert cli.main(["resume", "run"]) == 0
    after = authors("run")
    assert after[: len(before)] == before
    assert after.count("llm") <= 2 * IN_FLIGHT
    assert after.count("composer") >= 5
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


NO_ROOM = "budget.tokens=9 has no room for the next call"


@pytest.fixture
def unpaid() -> Unpaid:
    config = Config(author=AuthorConfig(name="mixed"))
    guide = Guide(0, Choices(("novel", "mutate"), ("llm", "composer"), models={"llm": ("dear", "cheap")}))
    run: Any = SimpleNamespace(config=config, progress=SimpleNamespace(say=lambda line: None))
    return Unpaid(run, guide, Pool(config))


WRITTEN, DEAR, CHEAP = (Brief(3, "novel", "llm", model=model) for model in ("", "dear", "cheap"))
COMPOSED = Brief(4, "novel", "composer")


def test_a_refused_repair_bars_the_first_model_alone(unpaid: Unpaid) -> None:
    assert unpaid.refused(WRITTEN, {"ask": NO_ROOM})
    assert not unpaid.mends(DEAR)
    assert unpaid.mends(CHEAP)
    unpaid.asked()
    assert (unpaid.stop, unpaid.briefs) == ("", 0)
    assert unpaid.refused(CHEAP, {"ask": NO_ROOM})
    for _ in range(3):
        unpaid.asked()
    assert (unpaid.stop, unpaid.briefs) == ("", 3)
    unpaid.lift([])
    unpaid.asked()
    assert (unpaid.briefs, unpaid.mends(DEAR)) == (0, True)


def test_an_example_that_the_meta_model_cannot_work_ends_teaching_alone(unpaid: Unpaid) -> None:
    for brief in (COMPOSED, WRITTEN):
        unpaid._pool.closed = False
        assert unpaid.refused(brief, {"teach": NO_ROOM})
        assert not unpaid.refused(brief, {"teach": NO_ROOM})  # counts: it is no news
    assert unpaid._pool.closed
    assert unpaid._pool.course(1, {}, True).limits.tokens == 0
    assert (unpaid.mends(WRITTEN), unpaid.stop) == (True, "")


def test_an_item_that_cannot_be_paid_ends_the_search(unpaid: Unpaid) -> None:
    assert not unpaid.refused(COMPOSED, {"ask": NO_ROOM})  # of a judge
    assert unpaid.stop == ""
    assert not unpaid.refused(COMPOSED, {"run": NO_ROOM, "teach": NO_ROOM})
    assert (unpaid.stop, unpaid.refusal) == ("budget", NO_ROOM)


def test_what_older_limits_refused_says_nothing_of_newer_ones(unpaid: Unpaid) -> None:
    unpaid.lift([DEAR.code])
    assert unpaid.refused(DEAR, {"ask": NO_ROOM})
    assert unpaid.mends(DEAR)
    assert unpaid.refused(replace(DEAR, number=4), {"ask": NO_ROOM})
    assert not unpaid.mends(DEAR)


@pytest.mark.parametrize("why", ["budget.wall_s=60 is over (61 s)", "writer asks to wait 3600 s"])
def test_time_that_is_over_bars_nobody(unpaid: Unpaid, why: str) -> None:
    assert not unpaid.refused(DEAR, {"ask": why})
    assert (unpaid.stop, unpaid.refusal, unpaid.drafted) == ("budget", why, True)
    assert unpaid.mends(DEAR)
    unpaid.lift([])
    assert (unpaid.stop, unpaid.refusal, unpaid.drafted) == ("", "", False)
