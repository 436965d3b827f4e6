"""The salt of a run: what an agent sees tells nothing of the run, and runs with one seed compare."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

import meta_search
from archive.store import Store
from meta_search import cli
from meta_search.config import Config, LLMConfig
from meta_search.run import ownership
from meta_search.run.account_key import key_file
from meta_search.run.folder import ARCHIVE
from meta_search.run.salt import salt_for
from meta_search.sandbox.trusted.job import job_message
from meta_search.testing import CountingEndpoint
from meta_search.types import Agent, Brief, Candidate, ItemJob, ItemResult
from tests.kits.answers import adds_below
from tests.kits.searches import assert_replays, written_search

AGENT = Agent.of("a", "def forward(self, taskInfo):\n    return '1'\n")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_an_account_has_one_salt_for_each_seed(tmp_path: Path, state: Path) -> None:
    salts = [salt_for(Config(seed=seed), tmp_path / "run") for seed in (1, 1, 2)]
    assert salts[0] == salts[1] != salts[2]
    assert key_file() == state / "meta-search" / "key"
    assert (key_file().stat().st_mode & 0o777, key_file().parent.stat().st_mode & 0o777) == (0o600, 0o700)
    key_file().unlink()
    assert salt_for(Config(seed=1), tmp_path / "run") != salts[0]


def test_a_key_that_others_may_read_is_none(tmp_path: Path) -> None:
    salt_for(Config(), tmp_path / "run")
    key_file().chmod(0o644)
    assert salt_for(Config(), tmp_path / "run") != salt_for(Config(), tmp_path / "run")


@pytest.mark.parametrize("spoil", ["file in the way", "empty"])
def test_without_a_key_every_run_has_a_salt_of_its_own(tmp_path: Path, state: Path, spoil: str) -> None:
    if spoil == "empty":
        key_file().parent.mkdir(parents=True)
        key_file().touch(0o600)
    else:
        state.write_text("no folder")
    salts = {salt_for(Config(), tmp_path / "run") for _ in range(3)}
    assert len(salts) == 3
    assert all(len(salt) == 32 for salt in salts)


def test_later_sessions_have_the_salt_of_the_first(tmp_path: Path) -> None:
    new, old, begun = tmp_path / "new", tmp_path / "old", tmp_path / "begun"
    for folder in (new, old, begun):
        folder.mkdir()
        with Store.open(folder / ARCHIVE) as store:
            if folder != begun:
                store.add_candidate(Candidate(AGENT, Brief(0, "seed", "hand")), "seed")
                store.add_results([ItemResult(AGENT.id, "train", "i", 0, "ok", score=1.0)]).result()
            if folder == new:
                store.set_meta("salt", "kept").result()
    mine = salt_for(Config(), tmp_path / "run")
    assert salt_for(Config(), new) == "kept"
    assert salt_for(Config(), old) == ""  # it began before there were salts
    assert salt_for(Config(), begun) == mine  # killed before anything was run
    for recording, expected in ((new, "kept"), (old, "")):
        config = Config(llm=LLMConfig(recording=str(recording)))
        assert salt_for(config, tmp_path / "replay") == expected


def plain_hash(seed: int, item: str, repeat: int) -> int:
    return int.from_bytes(sha256(json.dumps([seed, item, repeat]).encode()).digest()[:6])


def test_what_a_process_sees_cannot_be_guessed() -> None:
    """The attack: hash all seeds, splits, items and repeats that there may be, and compare."""
    names = [f"{family}-{s}-{n}" for family in ("gcd", "sum") for s in ("train", "test") for n in range(20)]
    guessed = {plain_hash(seed, item, 0): item for seed in range(100) for item in names}
    job = ItemJob(AGENT, "test", "gcd-test-7", 0, "q", seed=42)
    assert guessed.get(job_message(job)["seed"]) == "gcd-test-7"  # as runs did before
    salted = replace(job, salt="a secret")
    assert job_message(salted)["seed"] not in guessed
    assert job_message(salted)["seed"] != job_message(replace(salted, salt="another"))["seed"]
    assert "a secret" not in json.dumps(job_message(salted))


def test_nothing_in_a_message_but_the_item_tells_splits_and_dry_runs_apart() -> None:
    job = ItemJob(AGENT, "test", "i", 0, "q", (("a", "b"),), salt="s", seed=7)
    same = (replace(job, split="train"), replace(job, dry=True), replace(job, model="meta"))
    assert [job_message(other) for other in same] == [job_message(job)] * 3


# -- whole runs

DRAWS = """def forward(self, taskInfo):
    number = random.randrange(10**9)
    return LLMAgentBase(["answer"], "Solver")([taskInfo], f"Reply with only the number. Style {number}.")[0]
"""
WORDS = (
    *("author=llm", "search.operators=[novel]", "search.candidates=0", "search.prior=false"),
    *("search.seeds=[draws.py]", "search.in_flight=1"),
)


@pytest.fixture
def searched(folder: Path) -> Callable[..., set[str]]:
    (folder / "draws.py").write_text(DRAWS)

    def search(*more: str) -> set[str]:
        with CountingEndpoint(adds_below(9)) as endpoint:
            assert cli.main(["run", *written_search(folder, endpoint, *WORDS, *more)]) == 0
            return {r.body["messages"][-1]["content"] for r in endpoint.requests}

    return search


@pytest.mark.slow
def test_runs_with_one_seed_ask_the_same_and_a_replay_does_so_elsewhere(
    searched: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = searched("run.dir=run")
    assert any("Style" in prompt for prompt in asked)
    assert searched("run.dir=second") == asked
    monkeypatch.setenv("XDG_STATE_HOME", "elsewhere")
    assert searched("run.dir=other") != asked
    ownership.sign(Path("run"))  # as its owner does who has come to trust it there
    assert_replays()  # of the folder `run`, with the salt that it holds
    with meta_search.open_run("run") as one, meta_search.open_run("other") as other:
        assert one.meta("salt") != other.meta("salt")
