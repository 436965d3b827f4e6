"""Work in a thread of its own."""

from __future__ import annotations

import pytest

from meta_search.engine.briefs import in_thread


def test_a_thread_hands_on_results_and_errors() -> None:
    assert in_thread(lambda: 42).result(5) == 42
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: 1 / 0).result(5)
