"""`run --from RUN[:AGENT]`: a search that begins with what another one knows, and pays for none of it."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import meta_search
from archive.records import Archive
from archive.store import Store
from meta_search import cli
from meta_search.commands.fork import taken_from
from meta_search.compose import compose
from meta_search.config import to_mapping
from meta_search.errors import ConfigError
from meta_search.run import ownership
from meta_search.run.folder import read_config
from meta_search.run.fork import Origin, origin
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below
from tests.kits.searches import assert_replays, composed_search

BEGUN = ("search.candidates=4", "search.seeds=[direct,chain_of_thought]", "domain.sizes={test:30}")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, CountingEndpoint]]:
    """A search to its end in `run`, and the endpoint that it asked."""
    folder = tmp_path_factory.mktemp("fork")
    with CountingEndpoint(adds_below(9)) as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert cli.main(["run", *composed_search(folder, endpoint, *BEGUN)]) == 0
        yield folder, endpoint


@pytest.fixture
def there(searched: tuple[Path, CountingEndpoint], monkeypatch: pytest.MonkeyPatch) -> CountingEndpoint:
    monkeypatch.chdir(searched[0])
    return searched[1]


def forked(*words: str, run: str = "again") -> Archive:
    shutil.rmtree(run, ignore_errors=True)
    assert cli.main(["run", f"run.dir={run}", *words]) == 0
    return meta_search.open_run(run)


def found(archive: Archive) -> list[str]:
    return [r.agent.id for r in archive.agents() if r.brief and r.brief.kind in ("asked", "imported")]


def test_it_begins_with_agents_and_pays_for_none_of_their_answers(
    there: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    before, sent = meta_search.open_run("run"), there.calls
    with forked("--from", "run", "search.candidates=0", "author=composer") as archive:
        begun = origin(archive)
        assert begun is not None
        assert set(found(archive)) <= set(found(before))
        assert begun.agents == len(found(archive)) > 0
        for record in (r for r in archive.agents() if "train" in r.evaluations):
            old = before.get([record.agent.id])[0]
            assert record.evaluations["train"].score == old.evaluations["train"].score
            assert (record.author, record.operator, record.thought) == (old.author, old.operator, old.thought)
        spent = {(agent, split): usage.calls for _, agent, split, usage in archive.spending()}
        mine = {agent for agent, _ in spent} & set(found(archive))
        assert {split for agent, split in spent if agent in mine} <= {"test"}  # which is never taken
        assert there.calls - sent == sum(spent.values())
        assert archive.select("SELECT DISTINCT state FROM calls") == [("done",)]  # kept: the other may go
    shown = capsys.readouterr().out
    assert re.search(r"a fork of \S+run: it began with \d+ agents of that run", shown)
    for command in (["status", "again"], ["archive", "list", "again"]):
        assert cli.main(command) == 0
        assert re.search(r"a fork of \S+run: it began with", " ".join(capsys.readouterr().out.split()))
    assert cli.main(["export", "again", found(before)[0], "--to", "exported"]) == 0
    assert "- a fork of: run\n" in Path("exported/card.md").read_text()


@pytest.mark.slow
def test_test_items_that_were_looked_at_are_left_aside_while_others_are_enough(
    there: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    def tested(archive: Archive) -> set[str]:
        return {r.item for agent in archive.agents() for r in archive.results(agent.agent.id, "test", False)}

    old = tested(meta_search.open_run("run"))
    with forked("--from=run", "search.candidates=0", "author=composer") as archive:
        assert not tested(archive) & old
    assert "looked at before" not in capsys.readouterr().out
    more = ("search.candidates=0", "author=composer", "evaluate.test_items=30")
    with forked("--from=run", *more) as archive:
        assert old <= tested(archive)
    assert "6 of the 30 test items were looked at before" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_other_items_are_evaluated_anew(there: CountingEndpoint, capsys: pytest.CaptureFixture[str]) -> None:
    sent = there.calls
    with forked("--from", "run", "search.candidates=0", "author=composer", "domain.seed=5") as archive:
        begun = origin(archive)
        assert begun is not None
        assert any("train" in line for line in begun.changed)
        assert there.calls > sent + 6
    assert "its agents are evaluated anew, as this is otherwise: train" in capsys.readouterr().out


@pytest.mark.slow
def test_one_agent_comes_with_its_ancestors_and_goes_on_when_killed(there: CountingEndpoint) -> None:
    with meta_search.open_run("run") as before:
        child = next(r for r in before.agents() if r.brief and r.brief.kind == "asked" and r.parents)
    with forked(f"--from=run:{child.agent.id[:8]}", "search.candidates=1", "author=composer") as archive:
        begun = origin(archive)
        assert begun is not None
        assert (begun.agent, begun.name) == (child.agent.id, child.agent.name)
        assert child.agent.id in found(archive)


@pytest.mark.slow
def test_a_fork_replays_without_the_run_that_it_came_from(there: CountingEndpoint) -> None:
    shutil.copytree("run", "gone")
    forked("--from", "gone", "search.candidates=2", "author=composer", run="fork").close()
    shutil.rmtree("gone")
    shutil.rmtree("again", ignore_errors=True)  # of another test
    assert_replays("fork")


@pytest.mark.slow
def test_a_fork_of_a_fork_knows_what_both_have_tested(there: CountingEndpoint) -> None:
    more = ("search.candidates=0", "author=composer")
    with forked("--from", "run", *more, run="first") as first, forked("--from", "first", *more) as second:
        one, other = origin(first), origin(second)
        assert one is not None
        assert other is not None
        assert set(one.tested) < set(other.tested)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--from"], "--from names one run"),
        (["--from", "author=composer"], "--from names one run"),
        (["--from", "run", "--from", "run"], "--from names one run"),
        (["--from", "nowhere"], "cannot fork: nowhere: no such run folder"),
        (["--from", "run:nobody"], "cannot fork: "),
        (["--from", "run", "evaluate.folds=3"], "evaluate.folds cannot hold in a fork"),
    ],
)
def test_wrong_input_is_one_line(
    there: CountingEndpoint, words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", "run.dir=never", *words]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert line in told
    assert not Path("never").exists()


def test_a_key_that_no_run_keeps_is_asked_for(there: CountingEndpoint) -> None:
    """Of what was typed, keys are left out: the fork says which to type again, and takes what is typed."""
    shutil.copytree("run", "keyed")
    with Store.open("keyed") as store:
        words = ["domain=table", "domain.path=x", "llm.extra_headers.X=(a key, which is not stored)"]
        store.set_meta("overrides", words)
    ownership.sign(Path("keyed"))
    with pytest.raises(
        ConfigError, match=r"a key, which is not stored: add to the command llm.extra_headers.X=…"
    ):
        taken_from("keyed", [])
    found = taken_from("keyed", ["llm.extra_headers={X:$KEY}", "domain=mgsm"])
    assert found == [f"search.fork={Path('keyed').resolve()}"]
    shutil.rmtree("keyed")


def test_a_run_of_others_is_asked_for(there: CountingEndpoint, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree("run", "theirs")
    config = Path("theirs/config.json")
    config.write_text(config.read_text() + " ")
    assert cli.main(["run", "run.dir=never", *composed_search(Path(), there), "--from", "theirs"]) == 2
    assert "was not made by you on this machine" in capsys.readouterr().err
    shutil.rmtree("theirs")


@pytest.mark.slow
def test_from_python(there: CountingEndpoint) -> None:
    shutil.rmtree("again", ignore_errors=True)
    summary = meta_search.search("run.dir=again", "search.candidates=0", "author=composer", from_run="run")
    with meta_search.open_run(summary.folder) as archive:
        assert origin(archive) is not None
        assert found(archive)


@pytest.mark.parametrize(
    "stored", [None, [], "x", 3, {"run": 3, "tested": "abc", "agents": "many", "at": "x"}]
)
def test_an_archive_may_say_anything(stored: object) -> None:
    begun = Origin.of(stored)
    assert begun is None or (begun.agents == 0 and begun.tested == ())


@pytest.mark.slow
def test_a_changed_archive_chooses_neither_code_nor_endpoint(there: CountingEndpoint, tmp_path: Path) -> None:
    """The signature is over the configuration, not over the archive: its overrides are anybody's."""
    shutil.copytree("run", tmp_path / "run")
    evil = [f"domain.path={tmp_path}/evil.py", "llm.base_url=http://evil.test/v1", "llm.api_key_env=HOME"]
    more = ["llm.extra_headers={X:$HOME}", "llm.callbacks=[evil]", "sandbox.level=process"]
    with sqlite3.connect(tmp_path / "run/archive.db") as database:
        (words,) = database.execute("SELECT value FROM meta WHERE key = 'overrides'").fetchone()
        (config,) = database.execute("SELECT value FROM meta WHERE key = 'config'").fetchone()
        kept = [
            w for w in json.loads(words) if w.partition("=")[0] not in {e.partition("=")[0] for e in evil}
        ]
        told = json.loads(config)
        told["domain"]["path"] = f"{tmp_path}/evil.py"
        rows = [(json.dumps([*kept, *evil, *more]), "overrides"), (json.dumps(told), "config")]
        database.executemany("UPDATE meta SET value = ? WHERE key = ?", rows)
    database.close()
    found = to_mapping(compose(taken_from(str(tmp_path / "run"), [])))
    right = to_mapping(read_config(tmp_path / "run"))
    assert found["domain"]["path"] == right["domain"]["path"]
    assert found["sandbox"]["level"] == right["sandbox"]["level"] == "strict"
    for key in ("base_url", "api_key_env", "extra_headers", "callbacks"):
        assert found["llm"][key] == right["llm"][key], key
    assert "evil" not in str(found)
