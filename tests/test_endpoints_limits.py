"""Endpoints that are down, load or are limited: a search ends with the same scores, or one clear line."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from functools import partial
from pathlib import Path

import pytest

from meta_search import cli
from meta_search.llm.gateway import Gateway
from tests.endpoints.limits import LIMITS, Daily, Down, Loading, QuotaOver
from tests.endpoints.server import OddEndpoint
from tests.kits.searches import command, overrides, sums

BRIEF = (
    *("evaluate.items=4", "evaluate.test_items=4", "search.candidates=1", "search.prior=false"),
    *("search.seeds=[direct]", "author=llm", "author.formats=[program]", "run.dir=run"),
    *("author.reflexions=0", "run.confirm=false", "budget.wall_s=60", "llm.max_tokens=600"),
)


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of a few milliseconds; the rest is as users have it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("meta_search.run.service.Gateway", partial(Gateway, backoff_s=0.02))


def search(endpoint: OddEndpoint, *more: str) -> int:
    return cli.main(["run", *overrides(sums(Path.cwd()), endpoint.base_url, *BRIEF, *more)])


def evaluations() -> list[tuple[str, float, int]]:
    with sqlite3.connect("file:run/archive.db?mode=ro", uri=True) as database:
        rows = database.execute("SELECT split, score, items FROM evaluations WHERE complete ORDER BY 1, 2, 3")
        return rows.fetchall()


@pytest.mark.parametrize("kind", [OddEndpoint, *LIMITS])
def test_a_search_comes_to_the_same_scores(
    kind: type[OddEndpoint], capsys: pytest.CaptureFixture[str]
) -> None:
    with kind() as endpoint:
        assert search(endpoint) == 0
    assert [row for row in evaluations() if row[0] == "train"] == [("train", 1.0, 4)] * 2
    assert [row for row in evaluations() if row[0] == "test"] == [("test", 1.0, 4)] * 2
    out = capsys.readouterr().out
    if isinstance(endpoint, Down):
        assert endpoint.refused > 0
        verb = "has loaded its model" if isinstance(endpoint, Loading) else "answers again"
        assert out.count("(llm.patience_s)") + out.count("waiting up to 300 s") == 1
        assert out.count(f"{verb} after") == 1


def test_a_days_limit_ends_the_run_at_once_and_in_good_order(capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    with Daily() as endpoint:
        assert search(endpoint, "budget.wall_s=40") == 3
    assert time.monotonic() - began < 15
    out = capsys.readouterr().out
    assert "asks to wait 432 s, longer than the " in out
    assert "s left: Rate limit reached for requests per day" in out
    assert Path("run/report.html").exists()


def test_credit_that_is_used_up_is_said_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    with QuotaOver() as endpoint:
        assert search(endpoint) == 1
    assert "check the account's credit" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_ends_a_wait_that_an_endpoint_asked_for(tmp_path: Path) -> None:
    with Daily() as endpoint:
        asked = overrides(sums(tmp_path), endpoint.base_url, *BRIEF, "budget.wall_s=null", "run.grace_s=20")
        process = command(tmp_path, "run", *asked)
        assert process.stdout is not None
        for line in process.stdout:
            if "asks to wait" in line:
                break
        began = time.monotonic()
        os.kill(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert "432 s: Rate limit reached" in line
    assert time.monotonic() - began < 10
    assert process.returncode == 3
    assert "Go on with: meta-search resume" in out
