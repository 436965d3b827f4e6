"""`search=adas`: Meta Agent Search as published, from its configuration to a replay."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.commands.resolve import resolved
from meta_search.compose import compose
from meta_search.config import MetaConfig
from meta_search.errors import ConfigError
from meta_search.testing import CountingEndpoint, EndpointFeatures
from meta_search.types import REPAIR
from tests.kits.answers import adds_below
from tests.kits.broken_agents import BROKEN, MENDED
from tests.kits.searches import assert_replays, written_search

adds = adds_below(12)

SEEDS = 7
WRONG = MENDED.replace("    return answer\n", '    return "none of them"\n').replace("Mended", "Wrong")
HALF = MENDED.replace(
    "    return answer\n",
    "    assert answer.content != w.content or int(answer.content) in range(7, 43)\n    return answer\n",
).replace("Mended", "Half")

ANOTHER = MENDED.replace("only the number.", "the number only.")  # or it would be counted as the first


def writes(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Three generations: mended at the third attempt; never right; right at once."""
    if body["model"] != "writer":
        return adds(messages, body)
    generation, asked = body["seed"], messages[-1]["content"]
    if "Evaluating this agent failed" not in asked:
        step = sum(m["role"] == "assistant" for m in messages)
        draft = (BROKEN, WRONG, ANOTHER)[generation]
        return draft.format(n=f"{generation}, draft {step}")
    shown = messages[-2]["content"]
    if generation == 0:
        return (HALF if "Broken" in shown else MENDED).format(n="0, debugged")
    return WRONG.format(n=f"1, once more after {len(shown)}")


@pytest.fixture
def searched(folder: Path) -> Any:
    with CountingEndpoint(writes) as endpoint:
        words = written_search(folder, endpoint, "search=adas", "search.candidates=3", "run.dir=run")
        words = [w for w in words if not w.startswith(("evaluate.items", "evaluate.test_items"))]
        words += ["evaluate.items=6", "evaluate.test_items=4", "domain.sizes={train:6,validation:4,test:4}"]
        words.append("domain.dealing=row")  # two of six are beyond the model
        assert cli.main(["run", *words]) == 0
    return [r.body for r in endpoint.requests if r.body["model"] == "writer"]


def test_a_search_as_published(searched: list[Mapping[str, Any]]) -> None:
    archive = meta_search.open_run("run")
    records = {r.agent.name: r for r in archive.agents() if r.status != "baseline"}
    seeds = [r for r in records.values() if r.operator == "seed"]
    assert len(seeds) == SEEDS
    found = {name: r for name, r in records.items() if r.operator != "seed"}
    assert {r.author for r in found.values()} == {"adas"}  # the composer wrote nothing
    kept = {name for name, r in found.items() if r.evaluations["train"].complete}
    assert kept == {"Mended 0, debugged", "Mended 2, draft 2"}
    assert {r.evaluations["train"].items for r in records.values()} == {6}  # no racing
    assert [found[name].generation for name in sorted(kept)] == [1, 3]
    assert sorted(r.evaluations["train"].stopped.split(" of ")[0] for r in found.values()) == [
        *("", ""),
        *("faults on 2", "faults on all"),
        *("nothing right in 6 items",) * 3,
    ]

    # One at a time; three attempts in all; a failed generation is consumed.
    asks = [e.data["brief"] for e in archive.events("ask")]
    assert asks == [0, REPAIR, 2 * REPAIR, 1, REPAIR + 1, 2 * REPAIR + 1, 2]
    order = [(e.kind, e.data["brief"] % REPAIR) for e in archive.events() if e.kind in ("ask", "tell")]
    assert [kind for kind, _ in order] == ["ask", "ask", "ask", "tell"] * 2 + ["ask", "tell"]
    assert next(t.agent for t in archive.trials("briefs")) == found["Mended 0, debugged"].agent.id

    assert {body["temperature"] for body in searched} == {0.8}
    opening = [b for b in searched if len(b["messages"]) == 2]
    assert len(opening) == 3
    for record in (*seeds, found["Mended 0, debugged"]):
        for part in (record.agent.source.strip(), f"## {record.agent.name} ("):
            assert part in opening[2]["messages"][1]["content"]
        thought = " ".join(record.thought.split())  # once: most sources begin with it
        assert " ".join(opening[2]["messages"][1]["content"].split()).count(thought) == 1
    assert "Fitness: 66.7%, 95% bootstrap interval 33.3% to 100.0%" in opening[2]["messages"][1]["content"]
    for lost in ("Broken", "Wrong", "Half"):
        assert f"## {lost} " not in opening[2]["messages"][1]["content"]
    looks = [b["messages"][-1]["content"] for b in searched if b["seed"] == 2][1:]
    assert len(looks) == 2
    assert "first of all with «Mended 0, debugged», which was found before yours" in looks[0]
    assert "found before" not in looks[1]
    errors = [t for b in searched if "this agent failed" in (t := b["messages"][-1]["content"])]
    assert len(errors) == 4
    assert "AssertionError: what is this (line 3: `assert answer" in errors[0]
    assert "line 3: `assert answer.content != w.content or int(answer.content) in range(7, 43)`" in errors[1]
    assert "not one of 6 tasks was right" in errors[2]
    assert_replays()


@pytest.mark.slow
def test_a_budget_without_room_for_the_meta_agent_ends_the_search(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(writes) as endpoint:
        words = written_search(folder, endpoint, "search=adas", "search.candidates=50", "run.dir=run")
        words += ["evaluate.items=3", "budget.tokens=40000", "author.max_tokens=30000"]
        cli.main(["run", *words])
        asked = [r for r in endpoint.requests if r.body["model"] == "writer"]
    archive = meta_search.open_run("run")
    [attempt] = archive.attempts()  # none of the other 49 briefs was begun
    assert "budget.tokens=40000 has no room for the next call in phase search (" in attempt.message
    assert "of 30000 tokens spent, and the next call may take " in attempt.message
    assert [e.data["why"] for e in archive.events("stop")] == ["budget"]
    assert not asked
    assert_replays()


def test_what_the_context_does_not_hold_is_said_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(writes, features=EndpointFeatures(context=2400)) as endpoint:
        words = written_search(folder, endpoint, "search=adas", "search.candidates=2", "run.dir=run")
        assert cli.main(["run", *words, "search.attempts=1", "evaluate.items=2"]) == 0
        refused = [r for r in endpoint.requests if r.outcome == "400"]
    assert len(refused) == 2  # the archive at the first brief and at the second
    shown = capsys.readouterr().out
    assert shown.count("the archive does not fit in the meta model's context: it is shown 3 of 7") == 1
    assert shown.count("the archive does not fit in") == 1
    assert "no candidate" not in shown


def test_the_preset_sets_what_it_needs_and_users_override_it() -> None:
    config = compose(["search=adas"])
    search, author = config.search, config.author
    assert (search.in_flight, search.attempts, search.failing, search.guided) == (1, 3, "any", False)
    assert (search.operators, len(search.seeds)) == (("novel",), SEEDS)
    assert (author.name, author.temperature, author.reflexions) == ("adas", 0.8, 2)
    assert (author.formats, config.evaluate.racing) == (("program",), False)
    assert config.llm.meta_context_tokens == 16384
    filled = dataclasses.replace(author, max_tokens=1500, drafts=1, lessons=0, blocks=("decided",))
    assert resolved(config).author == filled
    theirs = compose(
        ["author.temperature=0.2", "evaluate.racing=true", "search=adas", "llm.local.meta_context=999"]
    )
    assert (theirs.author.temperature, theirs.evaluate.racing, theirs.llm.meta_context_tokens) == (
        0.2,
        True,
        2048,
    )
    assert compose(["author=llm", "search=adas"]).author.name == "llm"
    plain = compose([])
    assert (plain.author.name, plain.author.temperature, plain.llm.meta_context_tokens) == (
        "mixed",
        None,
        2048,
    )


def test_the_room_of_the_meta_model_is_that_of_its_server() -> None:
    config = compose(["search=adas"])
    shared = dataclasses.replace(config.llm, meta=MetaConfig(model=config.llm.task.model))
    assert shared.meta_context_tokens == 2048
    elsewhere = compose(["search=adas", "llm=endpoint", "llm.meta.model=a", "llm.task.model=b"])
    assert elsewhere.llm.meta_context_tokens == 0


def test_its_author_writes_nothing_else() -> None:
    with pytest.raises(ConfigError, match="search=adas sets everything it needs"):
        resolved(compose(["author=adas"]))
