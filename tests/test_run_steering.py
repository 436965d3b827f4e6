"""Requests to a search, and its mailbox: what is asked for, by whom, of which run, and what is no request."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from archive.store import Store
from meta_search import cli
from meta_search.config import BudgetConfig, Config, LLMConfig
from meta_search.engine.focus import BRIEFS, Focus
from meta_search.engine.hints import MOST, Hints
from meta_search.errors import ArchiveError, BudgetError, ConfigError
from meta_search.llm.budget import Budget
from meta_search.run import mailbox as mailbox_module
from meta_search.run import ownership
from meta_search.run.clock import Standstill
from meta_search.run.events import Steered, parse
from meta_search.run.folder import write_config
from meta_search.run.mailbox import AT_ONCE, EVERY_S, FOLDER, MOST_WAITING, Mailbox, post, waiting
from meta_search.run.steered import KEPT, MOST_NOTE, MOST_SOURCE
from meta_search.run.steering import ask, limited_by, pause_of, paused, pending, steered_limits
from meta_search.types import Brief, Usage, brief_number
from tests.data import record_run
from tests.kits.clock import Clock
from tests.kits.steering import MINE, agent_file


@pytest.fixture
def running(folder: Path) -> Iterator[Path]:
    """The folder of a search, as its archive's writer sees it while it runs."""
    run = folder / "run"
    run.mkdir()
    write_config(run, Config())
    store = Store.open(run / "archive.db")
    yield run
    store.close()


def note(text: str = "Hint.", who: str = "mel", at: float = 1e9, number: int = 1) -> Steered:
    return Steered.asked({"command": "note", "text": text}, who, at, f"{number:020d}-00000000")


def put(run: Path, name: str, data: bytes) -> Path:
    (run / FOLDER).mkdir(mode=0o700, exist_ok=True)
    path = run / FOLDER / name
    path.write_bytes(data)
    return path


def file_name(number: int) -> str:
    return f"{number:020d}-00000000.json"


def taken(mailbox: Mailbox, most: int = 50) -> list[Steered]:
    """All that a mailbox hands out, look after look."""
    found = []
    for _ in range(most):
        mailbox._looked = time.monotonic() - EVERY_S
        while (steered := mailbox.next()) is not None:
            found.append(steered)
    return found


# -- what is asked for


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ({}, "steer takes pause, resume, stop"),
        ({"command": "explode"}, "not explode"),
        ({"command": ["note"]}, "not nothing"),
        ({"command": "pause", "agent": "x"}, "steer pause takes no agent"),
        ({"command": "note"}, "steer note needs a text"),
        ({"command": "note", "text": " \n"}, "steer note needs a text"),
        ({"command": "note", "text": "\x1b[31m"}, "no printable characters"),
        ({"command": "note", "text": "a" * (MOST_NOTE + 1)}, "the limit is 1,000"),
        ({"command": "focus"}, "steer focus needs an agent"),
        (
            {"command": "limit", "limit": "seed", "value": 1},
            "seed cannot be changed by steering; budget.usd",
        ),
        ({"command": "limit", "limit": "budget.usd"}, "a limit takes a number"),
        ({"command": "limit", "limit": "budget.usd", "value": True}, "a limit takes a number"),
        ({"command": "limit", "limit": "budget.usd", "value": float("nan")}, "a limit takes a number"),
        ({"command": "limit", "limit": "budget.usd", "value": 0}, "must be above 0"),
        ({"command": "limit", "limit": "budget.calls", "value": 2.5}, "budget.calls=2.5: expected int"),
        ({"command": "limit", "limit": "search.in_flight", "value": 0}, "must be at least 1"),
        ({"command": "limit", "limit": "search.candidates", "value": -1}, "must be at least 0"),
        ({"command": "add", "source": "x" * (MOST_SOURCE + 1)}, "the limit is 200,000"),
        ({"command": "add", "source": "def forward(self"}, "is not an agent: SyntaxError"),
        ({"command": "add", "source": "import requests", "name": "n"}, "define a function forward"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(running: Path, command: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=r".") as raised:
        ask(running, command, "mel")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    assert waiting(running) == []


def test_an_agent_that_is_not_there_is_one_line(running: Path) -> None:
    with pytest.raises(ArchiveError, match="nobody"):
        ask(running, {"command": "drop", "agent": "nobody"}, "mel")


def test_a_request_is_a_private_file_and_an_event_that_can_be_read_again(running: Path) -> None:
    name = ask(running, {"command": "note", "text": "Line one.\r\nLine two.", "agent": None}, "mel\n<b>")
    path = running / FOLDER / f"{name}.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (running / FOLDER).stat().st_mode & 0o777 == 0o700
    (found,) = pending(running)
    assert (found.command, found.text, found.who, found.id) == (
        "note",
        "Line one.\nLine two.",
        "mel <b>",
        name,
    )
    assert parse("steer", json.loads(json.dumps(found.data()))) == found
    assert not paused(Archive(running))


def test_the_commands_of_the_command_line(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = agent_file(running.parent)
    for words in (
        ["pause"],
        ["budget.usd=2.5"],
        ["search.candidates=40"],
        ["note", "look", "at units"],
        ["add", str(mine)],
        ["stop"],
    ):
        assert cli.main(["steer", "run", *words]) == 0, capsys.readouterr().err
    assert "applied at the next step" in capsys.readouterr().out
    lines = [found.line() for found in pending(running)]
    assert lines == [
        "pause",
        "budget.usd=2.5",
        "search.candidates=40",
        'note "look at units"',
        "add «mine»",
        "stop",
    ]
    for words, told in (
        (["faster"], "steer takes pause, resume, stop, KEY=VALUE"),
        (["budget.usd=lots"], "give a number"),
        (["note"], "needs a text"),
        (["add"], "needs a file"),
        (["drop"], "needs an agent"),
        (["pause", "now"], "stands alone"),
        (["add", "gone.py"], "cannot read gone.py"),
    ):
        assert cli.main(["steer", "run", *words]) == 2
        error = capsys.readouterr().err.strip()
        assert told in error
        assert error.count("\n") == 0
    assert cli.main(["steer", "run", "resume", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["command"] == "resume"


# -- of which run, by whom


def test_a_run_that_is_over_is_not_steered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = record_run.unpack(folder)
    assert cli.main(["steer", str(run), "note", "Hint."]) == 2
    error = capsys.readouterr().err
    assert "is over" in error
    assert "search.candidates=" in error
    assert not (run / FOLDER).exists()


def test_a_run_that_stopped_keeps_what_a_resume_can_take_in(running: Path) -> None:
    store_free(running)
    with pytest.raises(ConfigError, match=r"not made by you"):
        ask(running, {"command": "note", "text": "Hint."}, "mel")
    ownership.sign(running)
    for command in ({"command": "pause"}, {"command": "limit", "limit": "budget.usd", "value": 3}):
        with pytest.raises(
            ConfigError, match=r"is not running: `meta-search resume .*until then only note, add"
        ):
            ask(running, command, "mel")
    assert ask(running, {"command": "note", "text": "Hint."}, "mel")
    assert ask(running, {"command": "add", "source": MINE.format(n=1)}, "mel")
    assert [found.command for found in pending(running)] == ["note", "add"]
    # what cannot wait, and what was taken in before a kill, goes when a session begins
    post(running, Steered.asked({"command": "pause"}, "mel", 1e9, "9" * 20 + "-00000000"))
    done = pending(running)[0].id
    assert [s.command for s in Mailbox(running).forget({done}, KEPT)] == ["pause"]
    assert [found.command for found in pending(running)] == ["add"]


def store_free(run: Path) -> None:
    """As if its process had been killed: nobody holds the lock."""
    with (run / "archive.db.lock").open("rb") as held:
        assert held
    os.rename(run / "archive.db.lock", run / "held")
    (run / "archive.db.lock").touch()


def test_replays_and_evaluations_are_not_steered(running: Path) -> None:
    write_config(running, Config(llm=LLMConfig(mode="replay", recording="x")))
    with pytest.raises(ConfigError, match="is a replay"):
        ask(running, {"command": "pause"}, "mel")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_run_is_not_steered(running: Path) -> None:
    os.chown(running / "archive.db", 12345, 12345)
    with pytest.raises(ConfigError, match="another user's"):
        ask(running, {"command": "pause"}, "mel")


def test_two_people_at_once_are_both_heard(running: Path) -> None:
    def asks(who: str) -> None:
        for n in range(10):
            ask(running, {"command": "note", "text": f"Hint {n} of {who}."}, who)

    threads = [threading.Thread(target=asks, args=(who,)) for who in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = taken(Mailbox(running))
    assert len(found) == 20
    assert [s.text for s in found if s.who == "ann"] == [f"Hint {n} of ann." for n in range(10)]


def test_who_asks_too_often_waits(running: Path) -> None:
    for number in range(MOST_WAITING):
        post(running, note(number=number))
    with pytest.raises(ConfigError, match="64 requests wait"):
        ask(running, {"command": "pause"}, "mel")


# -- what is no request


def test_whatever_lies_in_the_mailbox_only_requests_are_taken(running: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(note().data()))
    good = json.dumps(note(number=9).data()).encode()
    put(running, file_name(1), b"no JSON")
    put(running, file_name(2), b"[" * 100_000)
    put(running, file_name(3), b" " * (3 * 2**20))
    put(running, file_name(4), json.dumps({"command": "note"}).encode())
    put(running, file_name(5), good)  # with another one's id
    put(running, file_name(6), b'{"command": "note", "text": "x", "who": "y", "at": NaN, "id": "z"}')
    (running / FOLDER / file_name(7)).symlink_to(secret)
    os.mkfifo(running / FOLDER / file_name(8))
    put(running, file_name(9), good).chmod(0o600)
    put(running, file_name(10), json.dumps(note(number=10).data()).encode()).chmod(0o666)
    (running / FOLDER / file_name(11)).mkdir()
    put(running, "notes.txt", b"mine")
    mailbox = Mailbox(running)
    assert [s.id for s in taken(mailbox)] == [file_name(9)[:-5]]
    assert all("is no request" in line for line in mailbox.removed)
    left = {path.name for path in (running / FOLDER).iterdir()}
    assert left == {"notes.txt", file_name(9), file_name(11)}  # the last one is a folder
    assert secret.exists()
    mailbox.done(note(number=9))
    assert not (running / FOLDER / file_name(9)).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_of_others_are_no_requests(running: Path) -> None:
    path = put(running, file_name(1), json.dumps(note(number=1).data()).encode())
    os.chown(path, 12345, 12345)
    mailbox = Mailbox(running)
    assert taken(mailbox) == []
    assert "this user alone" in mailbox.removed[0]


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_mailbox_that_others_can_write_to_is_not_read(running: Path, mode: int) -> None:
    put(running, file_name(1), json.dumps(note(number=1).data()).encode())
    (running / FOLDER).chmod(mode)
    assert taken(Mailbox(running)) == []
    with pytest.raises(ConfigError, match="no folder that you alone can write in"):
        ask(running, {"command": "pause"}, "mel")


def test_a_mailbox_that_is_a_link_is_not_followed(running: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (running / FOLDER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="no folder that you alone"):
        ask(running, {"command": "pause"}, "mel")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_thousands_of_files_are_looked_at_some_at_a_time(
    running: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy machine takes longer to count them than it is to the next look."""
    monkeypatch.setattr(mailbox_module, "EVERY_S", 60.0)
    (running / FOLDER).mkdir(mode=0o700)
    for number in range(3_000):
        (running / FOLDER / file_name(number)).write_bytes(b"x")
    mailbox = Mailbox(running)
    assert mailbox.next() is None
    assert len(list((running / FOLDER).iterdir())) == 3_000 - AT_ONCE
    assert len(mailbox.removed) == 8  # lines, of all that were removed
    assert mailbox.next() is None  # too early for another look
    assert len(list((running / FOLDER).iterdir())) == 3_000 - AT_ONCE


# -- what comes of it


def test_a_focus_makes_half_of_the_briefs_start_from_an_agent_and_then_ends() -> None:
    focus, able, first = Focus(), {"a", "b", "c"}, 0
    focus.on("c")
    for number in range(400):
        focus.on("c") if number % 10 == 0 else None
        parents = focus.among(("a", "b"), able, number)
        assert len(set(parents)) == 2
        first += parents[0] == "c"
        focus.asked(Brief(number, "crossover", "llm", parents))
    assert 160 < first < 240
    for number in range(BRIEFS):
        focus.asked(Brief(number, "novel", "llm"))  # that has no parents
    assert any(focus.among(("a",), able, seed) == ("c",) for seed in range(20))
    for number in range(BRIEFS):
        focus.asked(Brief(number, "mutate", "llm", ("a",)))
    assert all(focus.among(("a",), able, seed) == ("a",) for seed in range(20))
    focus.on("d")
    assert all(focus.among(("a",), able, seed) == ("a",) for seed in range(20))  # it cannot be a parent
    assert focus.among((), {"d"}, 1) == ()


def test_hints_are_a_persons_once_and_bounded() -> None:
    hints = Hints()
    assert hints.joined("") == ""
    assert hints.joined("Mine.") == "Mine."
    assert hints.give(note("Look at units."))
    assert not hints.give(note("look  at UNITS.", who="ann"))
    assert hints.joined("Mine.") == "Mine.\nlook  at UNITS. (a hint of ann, given meanwhile)"
    for number in range(20):
        hints.give(note(f"Hint {number}."))
    told = hints.joined("").splitlines()
    assert len(told) == MOST
    assert told[-1].startswith("Hint 19.")


def test_the_clock_stands_while_a_run_is_paused() -> None:
    clock = Clock()
    stood, budget = Standstill(clock), Budget(BudgetConfig(wall_s=100, final_share=0), clock=clock)
    clock.now += 10
    for _ in range(2):  # twice is once
        stood.begin()
        budget.stand(True)
    clock.now += 500
    assert (stood.seconds, budget.elapsed_s) == (500, 10)
    budget.check()
    for _ in range(2):
        stood.end()
        budget.stand(False)
    clock.now += 5
    assert (stood.seconds, budget.elapsed_s) == (500, 15)


def test_other_limits_hold_at_once() -> None:
    budget = Budget(BudgetConfig(calls=100, final_share=0.25), spent=Usage(calls=70))
    budget.check(Usage(calls=5))
    budget.limit(BudgetConfig(calls=60, final_share=0.25))
    with pytest.raises(BudgetError, match=r"budget\.calls=60 is used up"):
        budget.check(Usage(calls=1))
    budget.limit(BudgetConfig(calls=200, final_share=0.25))
    budget.check(Usage(calls=80))


def test_limits_since_the_session_began(running: Path) -> None:
    store = Store.open(running / "other.db")
    events = [("limit", "budget.usd", 2), ("limit", "budget.usd", 3), ("limit", "search.in_flight", 5)]
    rows: list[tuple[str, Any]] = []
    for n, (verb, key, value) in enumerate(events):
        found = Steered.asked({"command": verb, "limit": key, "value": value}, "mel", 1e9, str(n))
        rows.append(("steer", found.data()))
    store.add_events([("steer", {"command": "no sense"}), *rows]).result()
    store.set_meta("steered", {"paused": {"who": "mel", "at": 1e9}}).result()
    with Archive(running / "other.db") as archive:
        assert steered_limits(archive) == {"budget.usd": 3, "search.in_flight": 5}
        assert pause_of(archive) == ("mel", 1e9)
        config = limited_by(Config(), steered_limits(archive))
        assert (config.budget.usd, config.search.in_flight) == (3.0, 5)
    store.add_events([("resume", {}), rows[0]]).result()
    with Archive(running / "other.db") as archive:
        assert steered_limits(archive) == {"budget.usd": 2}
    store.close()


def test_what_is_added_has_numbers_of_its_own() -> None:
    for number in (0, 7):
        brief = Brief(number, "added", "hand", kind="added")
        assert Brief.from_json(brief.to_json()) == brief
        assert brief_number(brief.code) == number
    assert Brief.from_json(Brief(0, "import", "replay", kind="imported").to_json()).kind == "imported"
