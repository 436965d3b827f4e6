"""Long replies that hold an agent are read in little time, whatever stands around it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from meta_search.authors.replies.reply import read_reply
from tests.kits.model_replies import GOOD, PARENT, block

MOST_S = 30  # one takes a second or two; without the bounds they hold these took hours


@pytest.fixture(autouse=True)
def _ends() -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not read within {MOST_S} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, MOST_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("atom", ["\n", "---\n", "\t\n", "#\n", "# ", "> ", "name:", "* a\n"])
def test_what_stands_before_an_agent(atom: str) -> None:
    text = atom * (1_000_000 // len(atom)) + "\nName: Found\n" + block(GOOD)
    assert "Solver" in read_reply(text, "program", PARENT).source


def test_a_name_below_a_million_empty_lines() -> None:
    assert read_reply("\n" * 1_000_000 + "Name: Found\n" + GOOD, "program", PARENT).source.strip()


def test_blocks_without_end() -> None:
    text = block(GOOD) + "\n" + "```python\nx = 1\n" * 20_000
    with pytest.raises(Exception, match=r".") as caught:
        read_reply(text.replace("def forward", "def backward"), "program", PARENT)
    assert not isinstance(caught.value, TimeoutError | RecursionError)
