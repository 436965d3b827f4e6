"""Sources that run and are let through, and sources that cannot and are refused for what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from meta_search.authors.check import check_source
from meta_search.authors.drafts import Draft, finish
from meta_search.types import Attempt, Candidate
from tests.kits.author_contexts import Desk

LINES = (Path(__file__).parent / "data/near_misses.jsonl").read_text(encoding="utf-8").splitlines()
CASES = {case["id"]: case for case in map(json.loads, LINES)}
RUN = [name for name, case in CASES.items() if "refused" not in case]
REFUSED = [name for name, case in CASES.items() if "refused" in case]


@pytest.mark.parametrize("name", RUN)
def test_what_runs_is_let_through(desk: Desk, name: str) -> None:
    made = finish(desk.context("novel"), Draft("A", CASES[name]["source"], "T."))
    assert isinstance(made, Candidate), made.message


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_run_is_refused_for_what_is_wrong(desk: Desk, name: str) -> None:
    case = CASES[name]
    context = desk.context("novel")
    made = finish(context, Draft("A", case["source"], "T."))
    if not re.search("never asks", case["refused"]):
        assert isinstance(made, Attempt)
        assert re.search(case["refused"], made.message)
    else:
        assert re.search(case["refused"], check_source(case["source"]) or "")
