"""No author is told a scored item, its answer, or a key: all that went to one in whole searches."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.testing import CountingEndpoint, EndpointFeatures, ToolReply
from tests.kits.handed_agents import PLAYER, program
from tests.kits.searches import overrides
from tests.kits.tool_models import ToolModel, everything
from tests.kits.whole_minds import Minds

KEY = "sk-never-in-any-prompt-4711"
# Questions and answers say their split, and the scorer's feedback both.
DOMAIN = '''"""Locks and what opens them."""

def items(split):
    return [(f"Which word opens lock {split}-{n}-q? A shop counts {n} plus 3 loaves.", f"{split}-{n}-a")
            for n in range(2, 10)]

def score(item, answer):
    if answer == item.target:
        return 1
    return (n := int(item.id[-1], 16)) % 2 * 0.4, f"FEEDBACK: {item.question} is opened by {item.target}"
'''
ITEM = re.compile(r"\b(?:train|validation)-\d+-[qa]\b")
SECRET = re.compile(r"\b(validation|test)-\d+-[qa]\b")
# Copies all that a brief's folder holds, and looks up what stands in its environment.
COPIER = """
import os, pathlib, shutil
start = pathlib.Path(os.environ["META_SEARCH_CWD"])
here = pathlib.Path.cwd()
kept = start / "kept" / here.name
shutil.copytree(here, kept, dirs_exist_ok=True)
(kept / "environment.txt").write_text(repr(dict(os.environ)))
"""
WORDS = (
    *("evaluate.items=6", "evaluate.test_items=4", "evaluate.block=3", "run.confirm=false", "run.dir=run"),
    *("search.seeds=[direct,chain_of_thought]", "search.candidates=6", "search.give_up_after=6"),
    *(
        "author.drafts=2",
        "author.reflexions=1",
        "author.lessons=2",
        "author.teach=true",
        "author.teach_share=0.5",
    ),
    *("search.prior=false", "llm.api_key_env=LOCKSMITH_KEY", "author.debug_rounds=1"),
)


class Opener:
    """A task model that opens every second lock, and a meta model that passes on what it was shown."""

    def __init__(self, meta: Any) -> None:
        self._meta = meta

    def __call__(self, messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> ToolReply | str:
        last = str(messages[-1]["content"])
        if body["model"] == "writer" and "Take notes of it for the briefs to come" in last:
            return "Helps here: " + ", ".join(dict.fromkeys(ITEM.findall(last)))
        if body["model"] == "writer":
            made = self._meta(messages, body)
            seen = ITEM.findall(last)[:1]  # what it was shown it passes on, as notes, names and thoughts
            return (
                re.sub(r"idea (?=\d)", f"idea of {seen[0]} ", made)
                if seen and isinstance(made, str)
                else made
            )
        found = re.findall(r"lock (\w+-(\d+))-q", last)
        said = f"{found[-1][0]}-a" if found and int(found[-1][1]) % 2 else "nothing"
        wanted = (body.get("response_format") or {}).get("json_schema")
        return json.dumps(dict.fromkeys(wanted["schema"]["properties"], said)) if wanted else said


AUTHORS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "llm": (Minds(), ("author=llm", "author.formats=[program,edit]")),
    "plans": (Minds(), ("author=llm", "author.formats=[plan]")),
    "mixed": (Minds(), ("author=mixed",)),
    "adas": (Minds(), ("search=adas",)),
    "dylan": (Minds(), ("search=dylan", "author=llm")),
    "agentic": (ToolModel(everything), ("author=agentic", "search.operators=[novel,mutate]")),
    "agentic in words": (ToolModel(everything), ("author=agentic", "search.operators=[novel,mutate]")),
    "command": (Minds(), ("author=command",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("folds", [0, 2])
@pytest.mark.parametrize("name", AUTHORS)
def test_nothing_of_a_scored_item_or_key_reaches_an_author(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, folds: int
) -> None:
    monkeypatch.setenv("LOCKSMITH_KEY", KEY)
    (folder / "locks.py").write_text(DOMAIN)
    meta, words = AUTHORS[name]
    if name == "command":
        words = (*words, program(folder, COPIER + PLAYER))
    features = EndpointFeatures(tools=name != "agentic in words")
    with CountingEndpoint(Opener(meta), api_key=KEY, features=features) as endpoint:
        more = overrides(
            folder / "locks.py",
            endpoint,
            *WORDS,
            *words,
            f"evaluate.folds={folds}",
            domain="python",
            meta="writer",
            task="solver",
        )
        status = cli.main(["run", *more])
        told = [json.dumps(r.body) for r in endpoint.requests if r.body["model"] == "writer"]
        solved = [json.dumps(r.body) for r in endpoint.requests if r.body["model"] == "solver"]
    assert status == 0
    told += [p.read_text(errors="replace") for p in Path("kept").rglob("*") if p.is_file()]
    assert told
    assert any("train-" in text for text in told)
    assert any("test-" in text for text in solved)  # the test would see one
    secret = re.compile(r"\btest-\d+-[qa]\b") if folds else SECRET
    for text in told:
        assert not secret.search(text), text[:3000]
        assert KEY not in text, text[:3000]
    if folds:
        assert_folds_apart()


def assert_folds_apart() -> None:
    """With two folds, what one brief is shown is held out from the next."""
    shown: dict[int, set[str]] = {0: set(), 1: set()}
    with meta_search.open_run("run") as archive:
        for row in archive.rows("calls", text=True):
            if str(row["agent"]).startswith("brief-") and row["purpose"] == "meta" and not row["item"]:
                number = int(re.findall(r"brief-(\d+)", str(row["agent"]))[0])
                shown[number % 2].update(found[:-2] for found in ITEM.findall(json.dumps(row["request"])))
    for path in Path("kept").rglob("*"):
        if path.is_file():
            number = int(path.relative_to("kept").parts[0].partition("-")[0])
            shown[number % 2].update(found[:-2] for found in ITEM.findall(path.read_text(errors="replace")))
    assert any(shown.values())
    assert not shown[0] & shown[1]
