"""A search begins with what earlier runs found out, and does so again when it is resumed or replayed.

Tuning begins with what is known of the agent and its ancestors, and is restored so.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import meta_search
from meta_search import cli
from meta_search.compose import compose
from meta_search.config import Config
from meta_search.engine.warm_start import begin, known_settings, prior_of
from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.opening import Choices
from meta_search.guide.prior import MOST, Prior
from meta_search.run.journal import Recorder
from meta_search.run.members import Member, Members
from meta_search.run.ownership import sign
from meta_search.run.progress import Progress
from meta_search.run.run import Run
from meta_search.run.session import Session
from meta_search.testing import CountingEndpoint
from meta_search.types import Agent, Brief, Candidate, ItemResult, Parameter, Usage, agent_id
from tests.data import record_run
from tests.kits.answers import mind
from tests.kits.searches import assert_same, mixed_search, questions, replay, run_killed

OPERATORS = ("crossover", "mutate")


def past(folder: Path, path: Path) -> Path:
    """The recorded run as an earlier one of the same domain, under the root `past`."""
    run = record_run.unpack(folder / "past", record_run.EARLIER)
    change(run, domain={"path": str(path.resolve())})
    return run


def change(run: Path, **groups: dict[str, Any]) -> None:
    kept = json.loads((run / "config.json").read_text())
    for group, values in groups.items():
        kept[group] |= values
    (run / "config.json").write_text(json.dumps(kept))
    assert sign(run)


def config(path: Path, *more: str) -> Config:
    return compose([*mixed_search(path.resolve(), "http://127.0.0.1:9/v1", "run.root=past", *more)])


def told(run: Path) -> list[tuple[dict[str, Any], float]]:
    """Briefs with their values, by hand."""
    sql = (
        "SELECT params, [values] FROM trials WHERE study = 'briefs' AND [values] IS NOT NULL ORDER BY number"
    )
    with sqlite3.connect(run / "archive.db") as database:
        rows = [(json.loads(params), json.loads(values)[0]) for params, values in database.execute(sql)]
    return [({k: v for k, v in params.items() if k != "_distributions"}, value) for params, value in rows]


def events(run: str, *kinds: str) -> list[tuple[str, Any]]:
    with meta_search.open_run(run) as archive:
        return [(e.kind, e.data) for e in archive.events() if e.kind in kinds]


def priors(run: str) -> list[Any]:
    return [data["value"] for _, data in events(run, "decision") if data["what"] == "prior"]


@pytest.mark.slow
def test_a_prior_is_journaled_and_asked_with_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = questions(folder)
    before = past(folder, path)
    usable = [row for row in told(before) if row[0]["operator"] in OPERATORS]
    assert len(usable) >= 4
    more = (
        "run.root=past",
        "search.in_flight=1",
        "search.candidates=7",
        "search.operators=[crossover,mutate]",
    )
    with CountingEndpoint(mind) as endpoint:
        words = mixed_search(path, endpoint.base_url, *more)
        assert cli.main(["run", *words, "run.dir=whole"]) == 0
        sent = endpoint.calls
    shown = capsys.readouterr().out
    assert f"prior: {len(usable)} briefs of 1 earlier run" in shown
    (known,) = priors("whole")
    assert (known["runs"], known["briefs"]) == (1, [[params, value] for params, value in usable])
    assert known["slots"]  # what choices of designs brought there
    asked = events("whole", "ask", "tell")
    briefs = sorted(data["brief"] for kind, data in asked if kind == "tell")
    assert briefs == list(range(len(briefs)))
    assert len(briefs) >= 7  # those that came to nothing do not count as candidates

    with CountingEndpoint(mind, latency_s=0.01) as endpoint:
        words = mixed_search(path, endpoint.base_url, *more)
        run_killed(folder, endpoint, int(sent * 0.6), "run", *words, "run.dir=killed")
        assert len(priors("killed")) == 1
        cut = events("killed", "ask", "tell")
        shutil.rmtree("past")  # whatever becomes of the earlier run
        assert cli.main(["resume", "killed"]) == 0
    # What comes after the cut rests on the order in which items came, which a kill changes.
    resumed = events("killed", "ask", "tell")
    assert len(resumed) > len(cut) > 4
    assert resumed[: len(cut)] == cut
    assert cut[0] == asked[0]
    for run in ("whole", "killed"):
        assert replay(run, f"{run}-again") == 0
        assert_same(run, f"{run}-again")


def test_what_is_taken_and_what_is_not(folder: Path) -> None:
    path = questions(folder)
    run = past(folder, path)
    mine = config(path)

    def taken(*, anything: bool = True) -> Prior:
        return prior_of(mine, folder / "mine", lambda params: anything)

    whole = taken()
    assert (whole.briefs, whole.runs, whole.elsewhere) == (tuple(told(run)), 1, ())
    assert whole.slots
    assert all(effect.same for effect in whole.slots)
    assert not taken(anything=False).briefs
    assert prior_of(mine, run, lambda params: True) == Prior()  # its own folder
    for elsewhere in ({"name": "mgsm"}, {"path": "other.jsonl"}):
        kept = (run / "config.json").read_text()
        change(run, domain=elsewhere)
        other = taken()
        assert (other.briefs, other.runs) == ((), 1)
        assert sum(row.briefs for group in other.elsewhere for row in group) == len(told(run))
        assert not any(effect.same for effect in other.slots)
        (run / "config.json").write_text(kept)
    for groups in (
        {"llm": {"task": {"model": "other", "base_url": None}}},
        {"llm": {"meta": {"model": "other", "base_url": None}}},
        {"llm": {"mode": "replay"}},
    ):
        kept = (run / "config.json").read_text()
        change(run, **groups)
        assert taken() == Prior(), groups
        (run / "config.json").write_text(kept)
    assert taken() == Prior()  # changed by hand since it was signed: somebody else's
    assert sign(run)
    assert taken() == whole
    with sqlite3.connect(run / "archive.db") as database:
        database.execute("PRAGMA user_version = 2")
    assert taken() == Prior()  # of another schema


def test_no_more_than_the_newest_are_taken(folder: Path) -> None:
    path = questions(folder)
    run = past(folder, path)
    for number in range(7):
        copy = shutil.copytree(run, folder / "past" / f"copy-{number}")
        with sqlite3.connect(copy / "archive.db") as database:
            database.execute("UPDATE trials SET [values] = ? WHERE study = 'briefs'", [f"[{number}.0]"])
    prior = prior_of(config(path), folder / "mine", lambda params: True)
    assert len(prior.briefs) == MOST
    assert prior.briefs[-1][1] == 6.0  # the newest last
    values = [value for _, value in prior.briefs]
    assert values == sorted(values)


@pytest.mark.parametrize("word", ["search.prior=false", "search.guided=false", "search=random"])
def test_without_a_prior_earlier_runs_are_not_looked_at(folder: Path, word: str) -> None:
    path = questions(folder)
    past(folder, path)
    chosen = config(path, word)
    guide = Guide(0, Choices(chosen.search.operators, ("composer",), ("plan",)))
    session = Session(chosen, folder / "mine", *[cast(Any, None)] * 3, 0.0, 0.0, cast(Any, None))
    journal, rows = Recorder(), list[Any]()
    journal.open(rows.extend)
    with Progress(chosen, folder / "mine", 0.0, live=False) as progress:
        begin(Run(session, progress, cast(Any, None), journal), guide)
        assert not rows
        wanted = replace(chosen, search=replace(chosen.search, prior=True, guided=True))
        begin(Run(replace(session, config=wanted), progress, cast(Any, None), journal), guide)
        assert len(rows) == 1


# -- tuning

VOTES = Parameter("votes", "int", 1, 1.0, 9.0)
SHOWN = Parameter("shown", "int", 0, 0.0, 3.0)
HEAT = Parameter("heat", "float", 0.1, 0.0, 1.0)
WIDER = Parameter("heat", "float", 0.1, 0.0, 2.0)


def member(
    source: str,
    space: tuple[Parameter, ...],
    parents: tuple[Member, ...] = (),
    right: int = 1,
    stopped: str = "",
    **values: Any,
) -> Member:
    """An agent evaluated on four items, at 10 tokens and a call each."""
    agent = Agent.of(source, source, values)
    brief = Brief(0, "mutate", "composer", tuple(p.agent.id for p in parents))
    made = Member(Candidate(agent, brief, "", 1, space), done=True, stopped=stopped)
    for n in range(4):
        score, used = float(n < right), Usage(1, 10)
        made.add(ItemResult(agent.id, "train", f"i{n}", 0, "ok", "x", score=score, used=used))
    return made


def family() -> tuple[Member, Members]:
    """A child, with its parent, who was tuned twice, a grandparent, and a stranger."""
    members = Members()
    grand = member("a", (VOTES,), right=2)
    parent = member("b", (VOTES, WIDER), (grand,))
    tuned = member("b", (VOTES, WIDER), (parent,), right=4, votes=7)
    stopped = member("b", (VOTES, WIDER), (parent,), right=3, votes=8, stopped="behind")
    child = member("c", (VOTES, SHOWN, HEAT), (parent,), right=3, shown=2)
    for one in (grand, parent, tuned, stopped, member("d", (VOTES,), right=4, votes=9), child):
        members.add(one)
    return child, members


def test_what_is_known_is_of_its_own_and_its_ancestors_sources() -> None:
    child, members = family()
    assert known_settings(child, members) == [
        [{"votes": 1}, 0.5, 11.0],  # grandparent, as declared
        [{"votes": 1}, 0.25, 11.0],  # parent; its heat has another range
        [{"votes": 7}, 1.0, 11.0],  # the parent tuned; not one that was stopped, and no stranger
        [{"votes": 1, "shown": 2, "heat": 0.1}, 0.75, 11.0],
    ]


def tuning_guide(guided: bool = True) -> Guide:
    return Guide(3, Choices(("tune",), ("composer",), ("plan",)), guided)


def asked_for(guide: Guide, source: str, trials: int) -> list[dict[str, Any]]:
    found = []
    for number in range(trials):
        trial, values = guide.tunings.ask(source, (VOTES, SHOWN))
        assert trial == number  # what was known has no numbers
        guide.tunings.tell(source, trial, 0.5, 20.0)
        found.append(values)
    return found


def test_a_study_that_begins_warm_asks_for_what_was_good() -> None:
    known = [[{"votes": v}, v / 9, 10.0] for v in range(1, 10)] * 2
    source, warm, cold = agent_id("c"), tuning_guide(), tuning_guide()
    warm.tunings.begin(source, (VOTES, SHOWN), known)
    first, unaided = asked_for(warm, source, 8), asked_for(cold, source, 8)
    assert first != unaided
    high = Counter(v["votes"] >= 7 for v in first)
    assert high[True] > Counter(v["votes"] >= 7 for v in unaided)[True]
    unguided = tuning_guide(guided=False)
    unguided.tunings.begin(source, (VOTES, SHOWN), known)
    assert asked_for(unguided, source, 4) == asked_for(tuning_guide(guided=False), source, 4)


def test_a_study_is_restored_with_what_it_began_with() -> None:
    known = [[{"votes": v}, v / 9, 10.0] for v in range(1, 10)]
    source, whole = agent_id("c"), tuning_guide()
    whole.tunings.begin(source, (VOTES, SHOWN), known)
    rows = []
    for _ in range(6):
        number, _ = whole.tunings.ask(source, (VOTES, SHOWN))
        whole.tunings.tell(source, number, 0.5, 20.0)
        rows.append((number, whole.tunings[source].export(number), [0.5, 20.0]))
    again = tuning_guide()
    again.restore(Snapshot({f"tuning/{source}": rows}, warm={source: ((VOTES, SHOWN), known)}))
    without = tuning_guide()
    without.restore(Snapshot({f"tuning/{source}": rows}))
    coming = [whole.tunings.ask(source, (VOTES, SHOWN)) for _ in range(3)]
    assert [again.tunings.ask(source, (VOTES, SHOWN)) for _ in range(3)] == coming
    assert [without.tunings.ask(source, (VOTES, SHOWN)) for _ in range(3)] != coming


def test_what_the_space_does_not_hold_is_not_taken() -> None:
    made = tuning_guide()
    made.tunings.begin("s", (VOTES,), [[{"votes": 12}, 1.0, 1.0], [{"votes": 3}, 1.0, 1.0]])
    assert made.tunings.ask("s", (VOTES,))[0] == 0
