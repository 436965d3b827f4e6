"""Programs for `author=command`: they write agents of ours, or play written ones back."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "written_agents.json"

SOURCE = """def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver {n}", temperature={n} / 100)
    return solver([taskInfo], "Reply with only the number. {n}")[0]
"""

# Writes the agent NUMBER modulo the length of agents.json, and notes in calls.txt that it was called.
PLAYER = """
import json, os, pathlib
start = pathlib.Path(os.environ["META_SEARCH_CWD"])
with open(start / "calls.txt", "a") as file:
    file.write(os.environ["META_SEARCH_BRIEF"] + "\\n")
brief = json.loads(pathlib.Path("brief.json").read_text())
agents = json.loads((start / "agents.json").read_text())
agent = agents[brief["number"] % 10**9 % len(agents)]
pathlib.Path("agent.py").write_text(agent["code"])
pathlib.Path("thought.md").write_text("# " + agent["name"] + "\\n\\n" + agent["thought"] + "\\n")
print("wrote", agent["name"])
"""


def ours(count: int) -> list[dict[str, str]]:
    """Agents in the archive form of ADAS."""
    return [{"name": f"Handed {n}", "thought": f"idea {n}", "code": SOURCE.format(n=n)} for n in range(count)]


def program(folder: Path, code: str = PLAYER, agents: Sequence[dict[str, str]] = ()) -> str:
    """An override with a program, whose file and agents lie where the search is started."""
    (folder / "author.py").write_text(code)
    (folder / "agents.json").write_text(json.dumps(list(agents) or ours(40)))
    return f'author.command=\'"{sys.executable}" -I "$META_SEARCH_CWD/author.py"\''


def called(folder: Path) -> list[str]:
    """Names of the folders in which the program was called, in order."""
    path = folder / "calls.txt"
    return [Path(line).name for line in path.read_text().splitlines()] if path.exists() else []
