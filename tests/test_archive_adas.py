"""Published ADAS archives: read whole, in order, with what is published about each agent."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from archive import adas
from archive.records import Archive
from archive.store import Store
from meta_search.errors import ArchiveError
from tests.kits.published import ADAS_ARCHIVE, skip_without

CODE = "def forward(self, taskInfo):\n    return taskInfo\n"


def written(folder: Path, content: Any) -> Path:
    file = folder / "adas.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_the_published_mgsm_archive() -> None:
    skip_without(ADAS_ARCHIVE)
    entries = adas.read(ADAS_ARCHIVE)
    assert len(entries) == 36
    assert len({agent.id for agent, _ in entries}) == 36
    agent, info = entries[0]
    assert agent.name == "Chain-of-Thought"
    assert "cot_agent" in agent.source
    assert (info.seed, info.generation) == (True, 0)
    assert info.fitness == adas.Fitness(0.227, 0.383, 0.305)
    assert info.test_fitness == adas.Fitness(0.249, 0.311, 0.28)
    assert sum(info.seed for _, info in entries) == 7
    assert entries[-1][1].generation == 30


def test_an_entry_needs_nothing_but_code(tmp_path: Path) -> None:
    ((agent, info),) = adas.read(written(tmp_path, [{"code": CODE}]))
    assert (agent.name, agent.source) == ("agent 1", CODE)
    assert info == adas.Info("", 0, False, None, None)


def test_imported_agents_have_names_of_their_own(tmp_path: Path) -> None:
    codes = [CODE.replace("taskInfo\n", f"'{n}'\n") for n in range(3)]
    file = written(tmp_path, [{"name": "Reflexion", "code": code} for code in codes])
    with Store.open(tmp_path) as store:
        assert [adas.import_into(store, file), adas.import_into(store, file)] == [3, 0]
    names = [record.agent.name for record in Archive(tmp_path).agents()]
    assert names == ["Reflexion", "Reflexion 2", "Reflexion 3"]


def test_a_single_agent_and_a_byte_order_mark_are_taken(tmp_path: Path) -> None:
    file = written(tmp_path, "\ufeff" + json.dumps({"name": "One", "code": CODE, "generation": "3"}))
    ((agent, info),) = adas.read(file)
    assert (agent.name, info.generation) == ("One", 3)


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ("95% Bootstrap Confidence Interval: (0.0%, 3%), Median: 1.5%", adas.Fitness(0.0, 0.03, 0.015)),
        ("95% Bootstrap Confidence Interval: (10%, 30%)", adas.Fitness(0.1, 0.3, 0.2)),
        ("(60.0%, 70.0%), Median: 20.0%", adas.Fitness(0.6, 0.7, 0.2)),  # as published, outside
        ("good", None),
        (0.5, None),
    ],
)
def test_published_scores_are_read_as_they_stand(tmp_path: Path, published: Any, expected: Any) -> None:
    ((_, info),) = adas.read(written(tmp_path, [{"code": CODE, "fitness": published}]))
    assert info.fitness == (pytest.approx(expected) if expected is None else expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "is not JSON"),
        ([], "is not an ADAS archive"),
        ("3", "is not an ADAS archive"),
        ([{"code": CODE}, {"name": "x"}], "agent 2: has no code"),
        ([{"code": 3}], "agent 1: has no code"),
        (["x"], "agent 1: has no code"),
        ([{"code": CODE, "generation": "late"}], "generation 'late' is not a number"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(ArchiveError, match=message) as error:
        adas.read(written(tmp_path, content))
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"cannot read .*: No such file"):
        adas.read(tmp_path / "none.json")


def test_import_adds_each_agent_once_and_keeps_what_was_published(tmp_path: Path) -> None:
    fitness = "95% Bootstrap Confidence Interval: (22.7%, 38.3%), Median: 30.5%"
    entries = [
        {"name": "Seed", "code": CODE, "generation": "initial", "thought": "start", "fitness": fitness},
        {"name": "Child", "code": CODE + "# other\nX = 1\n", "generation": 4},
        {"name": "Seed again", "code": CODE + "# only a comment more\n", "generation": 5},
    ]
    file = written(tmp_path, entries)
    with Store.open(tmp_path) as store:
        assert adas.import_into(store, file) == 2
        assert adas.import_into(store, file) == 0
    archive = Archive(tmp_path)
    seed, child = archive.agents()
    assert (seed.agent.name, seed.operator, seed.generation, seed.thought) == ("Seed", "seed", 0, "start")
    assert (child.operator, child.generation, child.status) == ("novel", 4, "imported")
    assert seed.evaluations == {}
    published = archive.events("import")[0].data["published"]
    assert published == {seed.agent.id: [0.305, None], child.agent.id: [None, None]}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[{"code": "x = 1", "generation": Infinity}]', "generation inf is not a number up to a million"),
        ('[{"code": "x = 1", "generation": NaN}]', "generation nan is not"),
        ('[{"code": "x = 1", "generation": -1}]', "generation -1 is not"),
        (f'[{{"code": "x = 1", "generation": {10**30}}}]', "is not a number up to a million"),
        (f'[{{"code": "x = 1", "generation": {"9" * 9000}}}]', "is not JSON"),
        ('[{"code": "x = 1", "generation": [[]]}]', "generation given is not"),
        ("[" * 100_000, "is nested too deeply"),
        ('[{"code": "x = 1", "code": "x = 2"}]', "'code' stands twice in one object"),
        ("", "is not JSON"),
    ],
)
def test_a_hostile_file_is_one_line(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text(text)
    with pytest.raises(ArchiveError) as error:
        adas.read(path)
    assert why in str(error.value)
    assert len(str(error.value)) < 600
    assert "\n" not in str(error.value)


def test_what_is_no_file_of_a_size_is_not_read(tmp_path: Path) -> None:
    pipe, large = tmp_path / "pipe.json", tmp_path / "large.json"
    os.mkfifo(pipe)
    with large.open("w") as file:
        file.truncate(2**30)
    for path in (pipe, large, Path("/dev/zero"), tmp_path):
        with pytest.raises(ArchiveError, match="cannot read"):
            adas.read(path)


def test_no_text_of_an_entry_takes_long(tmp_path: Path) -> None:
    """A number that many blanks follow was searched in the square of their number."""
    path, began = tmp_path / "found.json", time.monotonic()
    for fitness in (
        "(1" + " " * 300_000,
        "(1," * 100_000,
        "(1, 1)" * 50_000,
        "(" + "1" * 300_000,
        "Median" * 50_000,
        "( " * 200_000,
    ):
        path.write_text(json.dumps([{"code": CODE, "fitness": fitness, "test_fitness": fitness}]))
        assert adas.read(path)[0][1].fitness is None
    assert time.monotonic() - began < 5.0


def test_texts_that_are_none_and_half_characters_are_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text('[{"code": "x = \'\\ud800\'", "name": "\\udfff\\u0000\\u202e", "thought": [1]}]')
    with Store.open(tmp_path / "archive.db") as store:
        assert adas.import_into(store, path) == 1
    with Archive(tmp_path) as archive:
        [record] = archive.agents()
    assert record.agent.name.isprintable()
    assert record.thought == ""
