"""Programs in a Markdown fence: what is run of them, and that a scorer's `run` takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from domains import registry
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.run.domain_scorer import Scorer
from meta_search.sandbox.confined.fences import without_fence

SQUARE = "def solve(n):\n    return n * n"
HARNESS = "print(solve(int(input())))"
WHOLE = f"{SQUARE}\n{HARNESS}"


@pytest.mark.parametrize(
    ("text", "program"),
    [
        (WHOLE, WHOLE),
        (f"```python\n{SQUARE}\n```\n{HARNESS}", WHOLE),
        (f"```\n{SQUARE}\n```\n{HARNESS}", WHOLE),
        (f"  ```py\n  def solve(n):\n      return n * n\n  ```\n{HARNESS}", WHOLE),
        (f"Here is the code:\n```python\n{SQUARE}\n```\nIt squares n.\n{HARNESS}", WHOLE),
        (f"Solution\n```python\n{SQUARE}\n```\nUsage:\n```python\nsolve(3)\n```\n{HARNESS}", WHOLE),
        (f"import math\n```python\n{SQUARE}\n```", f"import math\n{SQUARE}"),
        (f"```python\n{SQUARE}", SQUARE),
        (f"{SQUARE}\n```\n{HARNESS}", WHOLE),
        ("text = '''\n```python\n```\n'''", "text = '''\n```python\n```\n'''"),
        ("no code at all", "no code at all"),
        ("not ``` a fence", "not ``` a fence"),
    ],
)
def test_what_is_run_of_a_text(text: str, program: str) -> None:
    assert without_fence(text) == program


def test_a_scorer_runs_fenced_answers(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(
        '"""Write solve(n)."""\n'
        "def items(split):\n"
        "    return [{'question': f'{split}: n squared, {n}?', 'answer': str(n * n)} for n in range(1, 4)]\n"
        "def score(item, answer, run):\n"
        f"    ok, printed = run(answer + '\\n{HARNESS}', stdin='3')\n"
        "    return ok and printed.strip() == '9'\n"
    )
    scorer = Scorer(registry.make(DomainConfig(name="python", path=str(path))), SandboxConfig())
    try:
        item = scorer._domain.items("train")[2]
        for answer in (SQUARE, f"```python\n{SQUARE}\n```", f"Sure!\n```\n{SQUARE}\n```\nDone, I hope."):
            assert scorer.score(item, answer).value == 1.0, answer
        assert scorer.score(item, f"```python\n{SQUARE} + 1\n```").value == 0.0
    finally:
        scorer.close()
