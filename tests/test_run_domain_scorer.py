"""Where answers are scored, in the engine's process or confined, and an evaluation with hostile answers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import meta_search
from domains import reasoning, registry
from domains.domain import SPLITS, Item, Score
from domains.reasoning_families import FAMILIES
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.errors import DomainError
from meta_search.run.domain_scorer import Scorer
from meta_search.testing import CountingEndpoint
from tests.kits.processes import gone
from tests.kits.searches import overrides

ITEMS = '''"""Numbers."""
def items(split):
    return [{"question": f"{split} {n}?", "answer": str(n), "limit": n} for n in range(1, 7)]
'''
NAIVE = ITEMS + "def score(item, answer):\n    return eval(answer) == int(item.target)\n"


def children() -> set[int]:
    """Processes that any thread of this one has started."""
    files = Path("/proc/self/task").glob("*/children")
    return {int(pid) for file in files for pid in file.read_text().split() if not gone(int(pid))}


def scorers(pids: set[int]) -> set[int]:
    """Those of which score: others of this process may be replaced meanwhile."""
    told = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in pids if not gone(pid)}
    return {pid for pid, words in told.items() if "scorer" in words}


def opened(folder: Path, source: str, **limits: float) -> Scorer:
    path = folder / "mine.py"
    path.write_text(source)
    domain = registry.make(DomainConfig(name="python", path=str(path)))
    return Scorer(domain, SandboxConfig(**limits))  # type: ignore[arg-type]


def item(n: int = 4) -> Item:
    return Item(f"train-{n - 1}", f"train {n}?", str(n), "", {"limit": n})


def test_a_users_scorer_runs_elsewhere(tmp_path: Path) -> None:
    source = (
        ITEMS + "import os\nHERE = os.getpid()\ndef score(item, answer):\n    return answer != str(HERE)\n"
    )
    scorer = opened(tmp_path, source)
    try:
        assert scorer._confined is not None
        pid = scorer._confined._scorer._process.pid  # type: ignore[union-attr]
        assert pid in children()
        assert scorer.score(item(), str(pid)) == Score(0.0)
        assert scorer.score(item(), " ") == Score(0.0, "no answer")
    finally:
        scorer.close()
    assert pid not in children()


@pytest.mark.parametrize(
    "source",
    [
        ITEMS,
        ITEMS + "import os\nconfined = False\ndef score(item, answer): return answer == str(os.getpid())\n",
    ],
)
def test_what_only_compares_text_or_opts_out_starts_no_process(tmp_path: Path, source: str) -> None:
    before = children()
    scorer = opened(tmp_path, source)
    assert scorer.score(item(os.getpid()), str(os.getpid())).value == 1.0
    assert scorers(children() - before) == set()
    scorer.close()


def test_graded_scores_data_notes_and_errors_come_through(tmp_path: Path) -> None:
    source = ITEMS + (
        "from domains.domain import Score\n"
        "def score(item, answer):\n"
        "    return Score(min(1.0, int(answer) / item.data['limit']), f'{answer} of {item.question}')\n"
    )
    scorer = opened(tmp_path, source)
    try:
        assert scorer.score(item(4), "3") == Score(0.75, "3 of train 4?")
        failed = "score failed: mine.py:6: ValueError: invalid literal for int() with base 10: 'x'"
        assert scorer.score(item(4), "x") == Score(0.0, failed)
    finally:
        scorer.close()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            ITEMS + "def score(item, answer): return __import__('pathlib').Path(__file__).read_text() != ''",
            "(PermissionError|FileNotFoundError).*confined",
        ),
        (
            ITEMS + "import subprocess\ndef score(i, a): return subprocess.run(['true']).returncode == 0",
            r"PermissionError.*score\(item, answer, run\)",
        ),
        (ITEMS + "def score(item, answer, run): return run(1)", "must return a bool"),
        (ITEMS + "def score(item, answer): return 2", "score must be in 0..1"),
    ],
)
def test_a_scorer_that_fails_on_its_own_items_is_told_before_any_work(
    tmp_path: Path, source: str, message: str
) -> None:
    before = children()
    with pytest.raises(DomainError, match=message):
        opened(tmp_path, source)
    assert scorers(children() - before) == set()


@pytest.fixture(scope="module")
def another_version() -> Iterator[tuple[reasoning.ReasoningDomain, Scorer]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reasoning, "READ", "0.0")
        sizes = {"examples": 1, "train": len(FAMILIES), "validation": 1, "test": 1}
        domain = reasoning.ReasoningDomain(DomainConfig(families=tuple(FAMILIES), sizes=sizes))
    scorer = Scorer(domain, SandboxConfig(cpu_s=2.0))
    yield domain, scorer
    scorer.close()


def test_families_of_a_version_that_was_not_read_are_confined(
    another_version: tuple[reasoning.ReasoningDomain, Scorer],
) -> None:
    domain, scorer = another_version
    assert reasoning.ReasoningDomain(DomainConfig(sizes=dict.fromkeys(SPLITS, 1))).confined is None
    assert scorer._confined is not None
    for one in domain.items("train"):
        for answer in (one.target, f" **{one.target}**.", f"{one.target}x", "7", "nan", "\ud800", "[" * 1999):
            assert scorer.score(one, answer) == domain.score(one, answer), (one.kind, answer)


ANSWERS = {
    "right": "'4'",
    "shell": "\"__import__('os').system('touch OUT')\"",
    "loop": "'[0 for _ in iter(int, 1) if False]'",
    "nesting": "'(' * 9999",
    "end": "\"__import__('os')._exit(0)\"",
    "kill": "\"__import__('os').kill(__import__('os').getppid(), 9)\"",
    "half a character": "'\\ud800'",
}


def test_a_search_survives_answers_that_attack_its_scorer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(NAIVE)
    agents = [
        {"name": name, "thought": "", "code": f"def forward(self, task):\n    return {code}\n"}
        for name, code in ANSWERS.items()
    ]
    Path("agents.json").write_text(json.dumps(agents).replace("OUT", str(tmp_path / "out")))
    before, started = children(), time.monotonic()
    with CountingEndpoint() as endpoint:
        more = ("evaluate.items=2", "evaluate.split=validation", "domain.sizes.validation=4")
        words = overrides("mine.py", endpoint, *more, "sandbox.cpu_s=0.5", domain="python")
        rows = meta_search.evaluate("agents.json", *words)
    assert {row["name"]: row["outcomes"] for row in rows} == {name: {"ok": 2} for name in ANSWERS}
    assert {row["name"]: row["score"] for row in rows} == dict.fromkeys(ANSWERS, 0.0)
    assert not (tmp_path / "out").exists()
    assert scorers(children() - before) == set()
    assert time.monotonic() - started < 60
    with meta_search.open_run() as archive:
        details = [r.feedback for a in archive.agents() for r in archive.results(a.agent.id, "validation")]
    assert sum("0.5 s of CPU" in detail for detail in details) == 2
    assert sum("PermissionError" in detail for detail in details) == 2
