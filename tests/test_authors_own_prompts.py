"""A user's own prompt templates: refused in one line at the start, used, and kept with the run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from meta_search import cli
from meta_search.authors import prompts as asked
from meta_search.authors.own_prompts import check_prompts, copy_ours, names, values_of
from meta_search.authors.sight.builder import LEFT_OUT, PARTS
from meta_search.authors.sight.tokens import tokens
from meta_search.authors.templating import TEMPLATES
from meta_search.config import AuthorConfig
from meta_search.errors import ConfigError
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below
from tests.kits.broken_agents import MENDED
from tests.kits.rich_run import rich_context
from tests.kits.searches import assert_replays, written_search

ROOT = Path(__file__).parent.parent


def test_our_own_templates_can_be_copied_and_used_as_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert copy_ours(folder) == len(names()) == len(list(TEMPLATES.glob("*.j2")))
    check_prompts(str(folder))
    context = rich_context("mutate")
    own = rich_context("mutate", config=AuthorConfig(notes=context.config.notes, prompts=str(folder)))
    assert asked.draft_program(own) == asked.draft_program(context)
    (folder / "edit.j2").unlink()
    (folder / "program.j2").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds adas\.j2 already"):
        copy_ours(folder)
    assert (folder / "program.j2").read_text() == "mine"
    assert not (folder / "edit.j2").exists()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"^cannot write to .*file/x: Not a directory$"):
        copy_ours(tmp_path / "file" / "x")


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("programm.j2", "", r"programm\.j2 is no template; there are adas\.j2, .*program\.j2"),
        ("notes.txt", "", r"notes\.txt is no template"),
        ("program.j2", "a\n{% if %}", r"^author\.prompts: program\.j2, line 2: "),
        ("program.j2", "{{ task | shout }}", r"^author\.prompts: program\.j2, line 1: .*shout"),
        (
            "program.j2",
            "{{ tsak }}",
            r"^author\.prompts: program\.j2 names tsak; it is given domain, items",
        ),
        ("debug.j2", "{{ parents }}", r"debug\.j2 names parents; it is given draft, form, message$"),
        ("program.j2", '{% include "other.j2" %}', r"other\.j2"),
    ],
)
def test_what_cannot_be_used_is_one_line_at_the_start(tmp_path: Path, file: str, text: str, why: str) -> None:
    (tmp_path / file).write_text(text)
    (tmp_path / ".DS_Store").write_text("")
    with pytest.raises(ConfigError, match=why) as caught:
        check_prompts(str(tmp_path))
    assert "\n" not in str(caught.value)
    (tmp_path / file).unlink()
    (tmp_path / "program.j2").write_text("{{ parents }} {{ task }}")  # mended, in the same process
    check_prompts(str(tmp_path))


def test_a_missing_and_an_empty_folder_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is no folder; `meta-search prompts DIR` makes one"):
        check_prompts(str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="is empty"):
        check_prompts(str(tmp_path))


def test_a_part_that_a_template_leaves_out_takes_no_room(tmp_path: Path) -> None:
    (tmp_path / "program.j2").write_text("{{ parents }}\n{{ items }}\n{{ left_out }}\n{{ task }}")
    config = AuthorConfig(prompts=str(tmp_path))
    own, ours = rich_context("crossover", 3_800, config=config), rich_context("crossover", 3_800)
    text = asked.draft_program(own)
    assert tokens(text) + tokens(asked.system()) <= 3_800
    assert "LLMAgentBase(output_fields" not in text
    assert "def start_program" in text  # of the second parent, for which ours has no room
    assert "def start_program" not in asked.draft_program(ours)


def test_what_a_template_comes_to_only_when_it_is_filled_in_is_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "debug.j2").write_text("{{ message / 0 }}")
    check_prompts(str(tmp_path))
    with pytest.raises(ConfigError, match=r"^author\.prompts: debug\.j2: TypeError"):
        asked.debug("", "why", "program", str(tmp_path))


def test_the_page_has_every_template_with_what_it_is_given() -> None:
    page = (ROOT / "docs/prompts.md").read_text(encoding="utf-8")
    rows = {row.split("|")[1].strip(" `"): row for row in page.splitlines() if row.startswith("| `")}
    for name in names():
        row = rows[f"{name}.j2"]
        parts = LEFT_OUT in values_of(name)
        own = values_of(name) - ({*PARTS, LEFT_OUT} if parts else set())
        assert all(f"`{value}`" in row for value in own), name
        assert ("all parts" in row) == parts, name


def writes(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    if body["model"] == "writer":
        return MENDED.format(n=body["seed"])
    return adds_below(12)(messages, body)


@pytest.mark.slow
def test_a_run_keeps_its_templates_and_is_resumed_and_replayed_with_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = folder / "own"
    own.mkdir()
    (own / "program.j2").write_text("MINE: {{ domain }}\n{{ task }}")
    form = ("author=llm", "author.formats=[program]", "author.reflexions=0", "search.operators=[novel]")
    with CountingEndpoint(writes) as endpoint:
        words = written_search(folder, endpoint, *form, "search.candidates=1", "run.dir=run")
        assert cli.main(["run", *words, "author.prompts=own"]) == 0
        shutil.rmtree(own)  # the run does not need it any more
        kept = Path("run/domain/author-prompts")
        assert json.loads(Path("run/config.json").read_text())["author"]["prompts"] == str(kept.resolve())
        assert [path.name for path in kept.iterdir()] == ["program.j2"]
        assert cli.main(["resume", "run", "search.candidates=2"]) == 0
        said = [r.body["messages"][1]["content"] for r in endpoint.requests if r.body["model"] == "writer"]
        assert len(said) >= 2
        assert all(text.startswith("MINE: Tasks: ") for text in said)
        assert_replays("run")
        before = len(endpoint.requests)
        assert cli.main(["run", *words[:-1], "run.dir=other", "author.prompts=own"]) == 2
        assert "own is no folder" in capsys.readouterr().err
        assert len(endpoint.requests) == before
    assert not Path("other").exists()
