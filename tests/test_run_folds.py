"""Cross-validation within the search: what is pooled, what is held out, and what is chosen by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.engine.context import Contexts
from meta_search.engine.open_brief import OpenBrief
from meta_search.engine.workbench import BriefWorkbench
from meta_search.run.folds import Folds, cross_validated
from meta_search.testing import CountingEndpoint
from meta_search.types import Brief
from tests.kits.answers import mind
from tests.kits.pages import page_text
from tests.kits.searches import assert_replays, mixed_search, questions, run_killed

FOLDS = 3
WORDS = (
    *("search.candidates=6", "author=llm", "run.dir=run", f"evaluate.folds={FOLDS}", "evaluate.items=9"),
    *("search.operators=[novel,mutate,crossover,simplify]", "author.formats=[program]"),
    "domain.sizes={examples:4,train:9,validation:9,test:9}",
)


def brief(number: int, kind: Any = "asked") -> Brief:
    return Brief(number, "novel", "llm", kind=kind)


def test_an_agent_is_judged_by_the_items_that_nobody_in_its_line_was_shown() -> None:
    folds = Folds(2, {"a": 0, "b": 0, "c": 1, "d": 1})
    others = [{"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0}, {"a": 1.0, "b": 1.0, "c": 0.0, "d": 1.0}]
    seen = cross_validated(folds, brief(0), others[1], others)  # a and b: as good as all, half an item better
    assert seen == pytest.approx(4 / 8 + 0.5 / (2 + 4))
    assert cross_validated(folds, brief(3), others[1], others) == pytest.approx(4 / 8 + 0.5 / 6)
    assert cross_validated(folds, brief(0, "seed"), others[1], others) == pytest.approx(4 / 8 + 1.0 / 8)
    # Another one that is right on what its author was shown alone is no better for it.
    memorised = {"a": 0.0, "b": 0.0, "c": 1.0, "d": 1.0}
    honest = {"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0}
    both = [memorised, honest]
    assert cross_validated(folds, brief(0), memorised, both) < cross_validated(folds, brief(0), honest, both)


def test_lines_of_descent_stay_within_a_fold() -> None:
    folds = Folds(3, {})
    assert folds.held_out(brief(7)) == 1
    assert folds.held_out(brief(7, "repair")) == 1
    assert folds.held_out(brief(7, "seed")) is None
    assert folds.may_follow(brief(7), brief(4))
    assert folds.may_follow(brief(7), brief(0, "seed"))
    assert not folds.may_follow(brief(7), brief(5))
    assert Folds().held_out(brief(7)) is None
    assert Folds().may_follow(brief(7), brief(5))


@pytest.mark.slow
def test_a_search_with_folds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handed: list[tuple[Contexts, Brief, str]] = []
    make = Contexts.context

    def context(self: Contexts, open_brief: OpenBrief, trial: Any, bench: BriefWorkbench) -> Any:
        made = make(self, open_brief, trial, bench)
        agent = made.parents[0].agent if made.parents else next(iter(self._members)).agent
        tried = [result.item for result in bench.try_out(agent)]
        told = [made.parents, made.inspirations, made.domain, made.findings.archive, tried]
        told += [made.findings.tried, made.findings.taught, made.task]
        handed.append((self, open_brief.brief, repr(told)))
        return made

    with CountingEndpoint(mind) as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Contexts, "context", context)
        assert cli.main(["run", *mixed_search(questions(folder), endpoint, *WORDS, "llm.mode=record")]) == 0
    archive = meta_search.open_run("run")
    records = archive.agents()
    found = [r for r in records if r.brief and r.brief.kind == "asked"]
    assert len(found) >= 3
    pool = {row.item for row in archive.results(records[0].agent.id, "train")}
    assert len(pool) == 18
    assert not any(archive.results(r.agent.id, "validation") for r in records)
    folds = Folds(FOLDS, {})
    number = {r.agent.id: r.brief for r in records if r.brief}
    for record in found:
        assert all(folds.may_follow(record.brief, number[parent]) for parent in record.parents)
    # No author was shown an item that was held out from it, and each was shown all the others.
    assert len(handed) >= 6
    for contexts, order, told in handed:
        pooled = contexts._folds
        for item in contexts._train.values():
            shown = item.question in told or item.id in told
            assert shown != (pooled.of[item.id] == order.number % FOLDS)
    final = archive.meta("final")
    assert any("3-fold cross-validation over 18 items" in note for note in final["notes"])
    assert "3-fold cross-validation over 18 items" in page_text("run/report.html")
    capsys.readouterr()
    assert_replays()


@pytest.mark.slow
def test_a_search_with_folds_goes_on_after_a_kill(folder: Path) -> None:
    path = questions(folder)
    with CountingEndpoint(mind, latency_s=0.005) as endpoint:
        run_killed(folder, endpoint, 90, "run", *mixed_search(path, endpoint, *WORDS))
        assert cli.main(["resume", "run"]) == 0
        assert cli.main(["resume", "run", "evaluate.folds=2"]) == 2
    archive = meta_search.open_run("run")
    assert any("3-fold cross-validation" in note for note in archive.meta("final")["notes"])
    assert not any(archive.results(r.agent.id, "validation") for r in archive.agents())


@pytest.mark.parametrize("folds", [1, 19])
def test_folds_that_cannot_be_are_one_line(
    folder: Path, folds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(mind) as endpoint:
        words = mixed_search(questions(folder), endpoint, *WORDS, f"evaluate.folds={folds}")
        assert cli.main(["run", *words]) == 2
    told = capsys.readouterr().err
    assert f"evaluate.folds={folds}: must be 0, or from 2 to 18" in told
    assert not Path("run").exists()


@pytest.mark.slow
def test_few_items_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CountingEndpoint(mind) as endpoint:
        words = mixed_search(
            questions(folder), endpoint, "search.candidates=1", "author=composer", "run.dir=run"
        )
        assert cli.main(["run", *words]) == 0
    told = capsys.readouterr()
    printed = told.out + told.err
    assert "with 9 test items only a gain of" in printed
    assert "is found in 4 of 5 runs" in printed
    assert "9 validation items tell agents apart badly: evaluate.folds=3 chooses by train" in printed
    assert "few test items: with 9 test items only" in " ".join(printed.split())
    assert "with 9 test items only a gain" in page_text("run/report.html")
