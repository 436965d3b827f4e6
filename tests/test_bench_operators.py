"""The measurement of operators: its arms run, from one start, and what is done is not run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from meta_search.testing import CountingEndpoint
from tests.bench.operators import ARMS, Arm, Bench, Size, contender, gain, line, points, print_table, share
from tests.kits.answers import as_asked

SIZE = Size(tokens=2_500, train=4, test=4, minutes=9.0)


def says(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """The same to everything; who is asked for an instruction gets one."""
    if body["model"] == "writer" and "between ```" in messages[-1]["content"]:
        return f"```\nThink of {body['seed']}, then reply with the answer.\n```"
    return as_asked(body, "3")


def arm(name: str, right: int, base: int, **more: Any) -> Arm:
    """An arm with so many of eight right."""
    test, seed = ({str(n): float(n < k) for n in range(8)} for k in (right, base))
    told = {"domain": "d", "seed": 0, "arm": name, "tokens": 9, "spent": 8, "candidates": 3, "dropped": 1}
    return Arm(
        **{
            **told,
            "seconds": 2.0,
            "best": "id",
            "name": "N",
            "train": 0.5,
            "test": test,
            "base": seed,
            **more,
        }
    )


@pytest.mark.slow
def test_arms_begin_alike_and_are_run_once(tmp_path: Path) -> None:
    with CountingEndpoint(says) as endpoint:
        more = (
            "llm=endpoint",
            f"llm.base_url={endpoint.base_url}",
            "llm.meta.model=writer",
            "llm.task.model=solver",
            "author.max_tokens=1000",
        )
        found = list(Bench(tmp_path, SIZE, more).arms(("reasoning",), (0,), ("reflect", "opening")))
        calls = len(endpoint.requests)
        again = list(Bench(tmp_path, SIZE, more).arms(("reasoning",), (0,), ("reflect", "opening")))
        assert again == found
        assert len(endpoint.requests) == calls
        none = Bench(tmp_path, Size(SIZE.tokens, minutes=0.0), more).arms(("reasoning",), (1,), ("novel",))
        assert list(none) == []
    assert [a.arm for a in found] == ["reflect", "opening"]
    assert all(len(a.test) == len(a.base) == SIZE.test for a in found)
    # Each spends what it has, and at most a candidate more.
    assert all(SIZE.tokens * 0.5 < a.spent < SIZE.tokens + 4_000 for a in found)
    assert all(a.candidates + a.dropped > 0 for a in found)
    print_table(found, SIZE)


def test_arms_of_several_seeds_are_one_comparison() -> None:
    found = [arm("reflect", 6, 2), arm("reflect", 5, 3, seed=1)]
    assert gain(found).difference == pytest.approx((4 + 2) / 16)
    assert points(gain(found)).startswith("+37.5 [")
    assert share(contender("reflect", found)).startswith("68.8 [")
    assert share(contender("seed", found, base=True)).startswith("31.2 [")
    assert "75 % on test, best seed 25 %" in line(found[0])
    assert set(ARMS) == {"teach", "reflect", "instruct", "diagnose", "novel", "opening"}
