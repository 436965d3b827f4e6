"""docs/python.md: every block of code on it runs, in order, as one program."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below

PAGE = Path(__file__).parent.parent / "docs" / "python.md"
BLOCK = re.compile(r"^```python( pandas)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
URL = "http://localhost:8000/v1"
QUICK = (
    '"llm.task.model=small", "evaluate.executor=inline", "author=composer", "search.candidates=2", '
    '"evaluate.items=6", "evaluate.test_items=6", "search.seeds=[direct,chain_of_thought]"'
)


@pytest.mark.slow
def test_every_block_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) >= 11
    names: dict[str, object] = {"__name__": "page"}
    with CountingEndpoint(adds_below(99)) as endpoint:
        for pandas, block in blocks:
            if pandas and importlib.util.find_spec("pandas") is None:
                continue
            code = block.replace(URL, endpoint.base_url).replace('"llm.task.model=small"', QUICK)
            exec(compile(code, str(PAGE), "exec"), names)
    shown = capsys.readouterr().out
    assert re.search(r"best \w+ 100% on 6 train items", shown)  # whichever seed is through first
    assert "direct 1.0" in shown
    assert "domain[0] has no 'answer', only question" in shown
    assert Path("my-agent/run.py").is_file()


def test_calls_have_all_been_shown() -> None:
    """What is public is on the page."""
    import meta_search

    text = PAGE.read_text(encoding="utf-8")
    calls = [name for name in meta_search.__all__ if name.islower() and not name.startswith("_")]
    assert [name for name in calls if f"meta_search.{name}(" not in text] == []
