"""Small real searches through the command line, for the measurements that need one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["agents", "command", "questions", "start"]

ROOT = Path(__file__).resolve().parents[2]


def questions(folder: Path, n: int = 200) -> Path:
    """A table domain of sums."""
    path = folder / "sums.jsonl"
    rows = (
        {"question": f"A baker sells {k} loaves and {k % 7}. How many?", "answer": str(k + k % 7)}
        for k in range(n)
    )
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


AGENTS = {
    "direct": "    return LLMAgentBase(['answer'], 'Solver')([taskInfo], 'Add.')[0]",
    "vote": """    voters = [LLMAgentBase(['answer'], 'Voter') for _ in range(5)]
    answers = [voter([taskInfo], 'Add.')[0] for voter in voters]
    return Counter(answer.content for answer in answers).most_common(1)[0][0]""",
    "chain": """    said = [taskInfo]
    for step in range(3):
        said.append(LLMAgentBase(['answer'], f'Step {step}')(said, 'Add, or check the sum.')[0])
    return said[-1]""",
}


def agents(folder: Path) -> Path:
    """An archive of three agents: one call an item, five at once, three in a row."""
    path = folder / "agents.json"
    entries = [
        {"name": name, "thought": "", "code": f"def forward(self, taskInfo):\n{body}", "generation": 0}
        for name, body in AGENTS.items()
    ]
    path.write_text(json.dumps(entries))
    return path


def command(path: Path, base_url: str, *more: str) -> list[str]:
    """Overrides that every search of the measurements has."""
    return [
        *("domain=table", f"domain.path={path}", "llm=endpoint", f"llm.base_url={base_url}"),
        *("llm.meta.model=scripted", "llm.task.model=scripted", *more),
    ]


def start(folder: Path, verb: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
    """`meta-search VERB …` in a folder of its own, in a session of its own."""
    with (folder / "output").open("a") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "meta_search", verb, *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
