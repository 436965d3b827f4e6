"""Parsing from many threads: authors write at once."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from meta_search.types import parse

SOURCE = "x = " + "(" * 40 + "1" + " + 1)" * 40 + "\n" + "y = [f(a, b) for a in c if d]\n" * 200


@pytest.fixture
def _threads_change_often() -> Iterator[None]:
    """Within the making of a tree too: what runs at a garbage collection lets other threads in."""

    def work(phase: str, info: dict[str, int]) -> None:
        for _ in range(50):
            pass

    interval, threshold = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(50)
    gc.callbacks.append(work)
    yield
    gc.callbacks.remove(work)
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_threads_change_often")
def test_threads_that_parse_at_once_do_not_disturb_each_other() -> None:
    """With `ast.parse` itself this failed in five runs of five on CPython 3.11."""
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(parse, [SOURCE] * 24))
    assert len({ast.dump(tree) for tree in trees}) == 1
