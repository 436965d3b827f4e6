"""What the archive knows of tuned sources: the space, every setting tried, and what matters."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path

import pytest

import meta_search
from archive.store import Store
from meta_search import cli
from meta_search.dashboard.views.guide import guide
from meta_search.guide.guide import Guide
from meta_search.guide.opening import Choices
from meta_search.guide.studies import parameter_importance
from meta_search.report.tuning import FEWEST, Tunings
from meta_search.types import Agent, Brief, Candidate, Evaluation, ItemResult, Parameter, Usage, agent_id

SOURCE = """def forward(self, taskInfo):
    votes = self.tune.int("votes", 1, 5)
    hint = self.tune.choice("hint", ["", "slow"])
    return "a" * votes + hint
"""
SPACE = (
    Parameter("votes", "int", 1, 1.0, 5.0),
    Parameter("hint", "choice", "", choices=("", "slow")),
)
STUDY = agent_id(SOURCE)


def results(agent: Agent, right: int, tokens: int, items: int = 10) -> list[ItemResult]:
    return [
        ItemResult(agent.id, "train", f"i{n}", 0, "ok", "x", score=float(n < right), used=Usage(1, tokens))
        for n in range(items)
    ]


def archived(folder: Path, trials: int) -> Path:
    """A run in which one source was tuned: votes make it right and dear, the hint does nothing."""
    guide = Guide(1, Choices(("tune",), ("composer",), ("plan",)))
    rng = random.Random(5)
    with Store.open(folder / "archive.db") as store:

        def add(agent: Agent, parents: tuple[str, ...], right: int, tokens: int) -> None:
            brief = Brief(0, "tune" if parents else "novel", "composer", parents)
            store.add_candidate(Candidate(agent, brief, "", 1, SPACE), "population")
            rows = results(agent, right, tokens)
            store.add_results(rows)
            store.put_evaluation(Evaluation.of(agent.id, "train", rows))

        root = Agent.of("root", SOURCE)
        add(root, (), 3, 50)
        add(Agent.of("other", "def forward(self, taskInfo):\n    return 'b'\n"), (), 1, 10)
        for _ in range(trials):
            number, values = guide.tunings.ask(STUDY, SPACE)
            values = {"votes": rng.randint(1, 5), "hint": rng.choice(("", "slow"))} | values
            kept = {k: v for k, v in values.items() if v != {"votes": 1, "hint": ""}[k]}
            agent = Agent.of(f"tuned {number}", SOURCE, kept)
            votes = int(values["votes"] or 0)
            if agent.id != root.id:
                add(agent, (root.id,), 2 * votes, 100 * votes)
            guide.tunings.tell(STUDY, number, votes / 5, 100.0 * votes + 1)
            params = guide.tunings[STUDY].export(number)
            told = [votes / 5, 100.0 * votes + 1]
            duplicate = agent.id == root.id
            state, shown = ("fail", None) if duplicate else ("complete", told)
            store.add_trial(f"tuning/{STUDY}", number, params, shown, state, None if duplicate else agent.id)
        store.set_meta("config", {"seed": 3})
    return folder


def test_a_study_that_an_older_version_named_is_found(tmp_path: Path) -> None:
    """Studies are named after sources, whose ids were made otherwise once."""
    folder = archived(tmp_path, 12)
    with meta_search.open_run(str(folder)) as archive:
        found = Tunings(archive, parameter_importance)(archive.record("root").agent.id)
    with sqlite3.connect(folder / "archive.db") as database:
        database.execute("UPDATE trials SET study = 'tuning/older'")
    with meta_search.open_run(str(folder)) as archive:
        tunings = Tunings(archive, parameter_importance)
        older = [tunings(record.agent.id) for record in archive.agents()]
        assert older[0] is not None
        assert found is not None
        assert older[0].settings == found.settings
        assert older[1] is None  # the other agent was never tuned


def test_the_archive_knows_space_settings_and_what_matters(tmp_path: Path) -> None:
    with meta_search.open_run(str(archived(tmp_path, 30))) as archive:
        found = Tunings(archive, parameter_importance)(archive.record("root").agent.id)
        assert found is not None
        assert found.space == SPACE
        told = [t for t in archive.trials(f"tuning/{STUDY}") if t.values is not None]
        assert found.trials == len(told)
        by_trial = {s.trial: s for s in found.settings}
        for trial in told:
            setting = by_trial[trial.number]
            assert trial.values == (setting.score, setting.cost)
            assert setting.values == {p.name: trial.params[p.name] for p in SPACE}
            assert (setting.agent, setting.items) == (trial.agent, 10)
        declared = by_trial[None]
        assert (declared.score, declared.cost, declared.values) == (0.3, 51.0, {"votes": 1, "hint": ""})
        assert len(found.settings) == len(told) + 1
        assert found.settings[0].score == 1.0
        for objective in (0, 1):
            votes, hint = (found.importance[name][objective] for name in ("votes", "hint"))
            assert votes is not None
            assert hint is not None
            assert votes + hint == pytest.approx(1.0)
            assert votes > 0.8
        assert Tunings(archive, parameter_importance)(archive.record("other").agent.id) is None
        tuned = next(s.agent for s in found.settings if s.trial is not None)
        assert Tunings(archive, parameter_importance)(tuned) == found


def test_too_few_trials_say_nothing_of_what_matters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = archived(tmp_path, FEWEST // 2)
    assert cli.main(["archive", "show", str(run), "root"]) == 0
    shown = capsys.readouterr().out
    assert "tuned votes: int, 1 to 5, default 1\n" in shown
    assert "too few trials to tell which parameters matter" in shown
    assert '30.0 % on 10 items, 51 tokens and calls per item: votes=1, hint="" (as declared' in shown


def test_it_is_shown_by_archive_show_and_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = archived(tmp_path, 30)
    assert cli.main(["archive", "show", str(run), "root"]) == 0
    shown = capsys.readouterr().out
    assert "tuned votes: int, 1 to 5, default 1; importance for score " in shown
    assert "100.0 % on 10 items, 501 tokens and calls per item: votes=5" in shown
    assert cli.main(["archive", "show", str(run), "root", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["tuning"]
    assert told["importance"]["votes"][0] > 0.8
    assert cli.main(["archive", "show", str(run), "other", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tuning"] is None
    with meta_search.open_run(str(run)) as archive:
        tunings = Tunings(archive, parameter_importance)
        (tuned,) = guide(tmp_path, archive)["tunings"]
        found = tunings(archive.record("root").agent.id)
        assert found is not None
        assert tuned["tried"] == len(found.settings)
        assert tuned["parameters"][0]["parameter"] == "votes"
        assert tuned["parameters"][0]["score"] > 0.8
        assert tuned["settings"][0]["score"] == found.settings[0].score == 1.0


def test_equally_good_settings_have_no_importance() -> None:
    guide = Guide(1, Choices(("tune",), ("composer",), ("plan",)))
    for _ in range(12):
        number, values = guide.tunings.ask("s", SPACE)
        guide.tunings.tell("s", number, 0.5, float(values["votes"] or 0))
    assert guide.tunings["s"].importance(0) == {}
    assert guide.tunings["s"].importance(1)["votes"] > 0.8
