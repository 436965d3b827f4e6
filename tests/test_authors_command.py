"""The author `command`: whole searches with programs that write agents, and what programs do wrong."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.authors.command import name_and_thought
from meta_search.authors.replies.programs import program_in
from meta_search.engine.hand_over import MOST, Unusable, read_handed_in
from meta_search.testing import CountingEndpoint
from tests.kits.answers import adds_below
from tests.kits.broken_agents import BROKEN, MENDED
from tests.kits.handed_agents import PLAYER, SHARED, called, ours, program
from tests.kits.pages import page_text
from tests.kits.searches import assert_same, command, replay, written_search

WORDS = (
    *("author=command", "search.operators=[novel,mutate]", "search.seeds=[direct]", "run.dir=run"),
    *("domain.seed=2", "search.in_flight=2"),
)
PATIENCE_S = 60.0


@pytest.fixture
def endpoint() -> Iterator[CountingEndpoint]:
    with CountingEndpoint(adds_below(12)) as found:
        yield found


def search(folder: Path, endpoint: CountingEndpoint, *more: str) -> meta_search.Archive:
    assert cli.main(["run", *written_search(folder, endpoint, *WORDS, *more)]) == 0
    return meta_search.open_run("run")


def messages(archive: meta_search.Archive) -> list[tuple[str, str]]:
    return [(attempt.stage, attempt.message) for attempt in archive.attempts()]


def wait_for(path: Path) -> str:
    ends = time.monotonic() + PATIENCE_S
    while not path.exists() or not path.read_text().strip():
        assert time.monotonic() < ends, f"{path} never came"
        time.sleep(0.02)
    return path.read_text()


def test_a_program_writes_a_whole_search_which_replays_without_it(
    folder: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = search(folder, endpoint, program(folder), "search.candidates=4")
    found = {r.agent.name: r for r in archive.agents() if r.author == "command"}
    assert sorted(found) == [f"Handed {n}" for n in range(4)]
    assert found["Handed 2"].agent.source == ours(3)[2]["code"]  # byte for byte
    assert found["Handed 2"].thought == "idea 2"
    assert sorted(called(folder)) == ["0", "1", "2", "3"]
    said = capsys.readouterr().out
    assert "estimate: the program of author.command has a cost of its own, which isn't counted" in said
    assert "authors: all 4 briefs went to a program whose own cost isn't counted" in said
    assert "all 4 briefs went to a program" in page_text("run/report.html")

    sent = endpoint.calls
    Path("author.py").write_text("raise SystemExit('a replay runs nothing')")
    assert replay() == 0
    assert_same("run", "again")
    assert (endpoint.calls, len(called(folder)), Path("again/briefs").exists()) == (sent, 4, False)


@pytest.mark.slow
def test_killed_and_resumed_a_delivered_brief_is_never_asked_again(
    folder: Path, endpoint: CountingEndpoint
) -> None:
    """The third brief hangs when the run is killed, with a mark in its folder; it is asked anew, cleared."""
    hangs = (
        "import pathlib, time, os\n"
        "start = pathlib.Path(os.environ['META_SEARCH_CWD'])\n"
        "if os.environ['META_SEARCH_BRIEF'].endswith('/2') and not (start / 'free').exists():\n"
        "    pathlib.Path('half.txt').write_text('half')\n"
        "    (start / 'hangs').write_text(str(os.getpid()))\n"
        "    time.sleep(1000)\n"
        "assert not pathlib.Path('half.txt').exists()\n"
    )
    words = written_search(
        folder, endpoint, *WORDS, program(folder, hangs + PLAYER), "search.candidates=4", "search.in_flight=1"
    )
    process = command(folder, "run", *words)
    pid = int(wait_for(folder / "hangs"))
    process.kill()
    process.communicate()
    ends = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < ends, "the program outlived the search"
        time.sleep(0.02)
    assert called(folder) == ["0", "1"]
    (folder / "free").touch()
    assert cli.main(["resume", "run"]) == 0
    assert called(folder) == ["0", "1", "2", "3"]
    names = [r.agent.name for r in meta_search.open_run("run").agents() if r.author == "command"]
    assert sorted(names) == [f"Handed {n}" for n in range(4)]
    assert replay() == 0
    assert_same("run", "again")


FAULTS = {
    "raise SystemExit('no idea today')": "the program of author.command ended with status 1: no idea today",
    "pass": "there is no agent.py",
    "open('agent.py', 'w')": "agent.py is empty",
    "open('agent.py', 'w').write('x' * 200_000)": "agent.py is larger than 128 KB",
    "open('agent.py', 'wb').write(b'x = \"\\xff\"')": "agent.py is no text in UTF-8 (byte 5)",
    "import os; os.symlink('/etc/passwd', 'agent.py')": "agent.py is a symbolic link; write a plain file",
    "import os; os.mkdir('agent.py')": "agent.py is no plain file",
    "import os; os.mkfifo('agent.py')": "agent.py is no plain file",
    "open('agent.py', 'w').write('x = 1')": "there is no thought.md",
}


@pytest.mark.slow
def test_what_a_program_does_wrong_is_one_line(folder: Path, endpoint: CountingEndpoint) -> None:
    """One brief each, of one search."""
    code = f"import json\nnumber = json.load(open('brief.json'))['number']\nexec({list(FAULTS)!r}[number])\n"
    few = ("author.debug_rounds=0", f"search.give_up_after={len(FAULTS)}", "search.in_flight=1")
    archive = search(folder, endpoint, program(folder, code), *few)
    assert messages(archive) == [("draft", told) for told in FAULTS.values()]
    assert replay() == 0
    assert_same("run", "again")


MENDS = """
import pathlib
problem = pathlib.Path("problem.md")
told = problem.read_text() if problem.exists() else ""
log = pathlib.Path("log.txt")
log.write_text((log.read_text() if log.exists() else "") + told + "\\n====\\n")
tries = log.read_text().count("====")
question = "A baker sells loaves twice. What is {} + {}?"
good = pathlib.Path("../../../good.txt").read_text()
if tries == 1:
    text = "import requests\\n" + good
elif tries == 2:
    items = [question.format(a, b) for a in range(3, 15) for b in range(9)]
    text = good + "\\nSEEN = " + repr(items)
elif tries == 3:
    text = good.replace("return", "1 / 0\\n    return")
else:
    text = good
pathlib.Path("agent.py").write_text(text)
pathlib.Path("thought.md").write_text("Name: Mended\\nThought: at last")
"""


def test_the_program_is_told_what_is_wrong_and_mends_it(folder: Path, endpoint: CountingEndpoint) -> None:
    (folder / "good.txt").write_text(ours(1)[0]["code"])
    archive = search(folder, endpoint, program(folder, MENDS), "search.candidates=1", "search.in_flight=1")
    assert [stage for stage, _ in messages(archive)] == ["check", "leak", "dry_run"]
    log = (folder / "run/briefs/0/log.txt").read_text()
    for told in (
        "import requests (line 1)",
        "the question of scored item",
        "ZeroDivisionError",
        "last round",
    ):
        assert told in log
    assert [r.agent.name for r in archive.agents() if r.author == "command"] == ["Mended"]
    assert replay() == 0
    assert_same("run", "again")


def test_an_agent_that_was_tried_is_told_to_the_program(folder: Path, endpoint: CountingEndpoint) -> None:
    words = ("search.candidates=2", "author.debug_rounds=1", "search.give_up_after=1", "search.in_flight=1")
    archive = search(folder, endpoint, program(folder, agents=ours(1)), *words)
    stages = messages(archive)
    assert [stage for stage, _ in stages] == ["duplicate", "duplicate"]
    assert "is the agent «Handed 0»" in stages[0][1]
    assert "«Handed 0»" in (folder / "run/briefs/1/problem.md").read_text()


LATE = """
import pathlib, time
pathlib.Path("thought.md").write_text("Early\\nkeeps improving")
{write}
time.sleep(1000)
"""


@pytest.mark.parametrize("early", [True, False])
def test_when_its_time_is_over_what_lies_there_is_taken(
    folder: Path, endpoint: CountingEndpoint, early: bool
) -> None:
    code = LATE.format(write=f"pathlib.Path('agent.py').write_text({ours(1)[0]['code']!r})" if early else "")
    words = ("author.command_s=1", "search.candidates=1", "search.give_up_after=1", "search.in_flight=1")
    archive = search(folder, endpoint, program(folder, code), *words)
    named = [r.agent.name for r in archive.agents() if r.author == "command"]
    assert named == (["Early"] if early else [])
    assert messages(archive) == ([] if early else [("draft", "no agent.py within 1 s (author.command_s)")])


@pytest.mark.slow
def test_what_fails_on_its_items_comes_back_as_a_repair(folder: Path, endpoint: CountingEndpoint) -> None:
    code = (
        "import json, pathlib\n"
        "brief = json.loads(pathlib.Path('brief.json').read_text())\n"
        "agents = json.loads(pathlib.Path('../../../both.json').read_text())\n"
        "told = ''.join(p.read_text() for p in pathlib.Path('context/parents').glob('*.failing.md'))\n"
        "mends = brief['operator'] == 'debug' and 'what is this' in told\n"
        "pathlib.Path('agent.py').write_text(agents[mends])\n"
        "pathlib.Path('thought.md').write_text('Mended' if mends else 'Broken')\n"
    )
    both = [program_in(BROKEN.format(n=1)), program_in(MENDED.format(n=1))]
    (folder / "both.json").write_text(json.dumps(both))
    archive = search(folder, endpoint, program(folder, code), "search.candidates=1")
    found = {r.agent.name: (r.operator, r.author) for r in archive.agents() if r.author == "command"}
    assert found["Broken"][0] in ("novel", "mutate")
    assert found["Mended"] == ("debug", "command")
    assert (folder / "run/briefs/0-repair-1/brief.md").exists()
    assert replay() == 0
    assert_same("run", "again")


def test_the_folder_holds_what_authors_may_see_and_nothing_else(
    folder: Path, endpoint: CountingEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_KEY", "our-key-0123456789")
    monkeypatch.setenv("ITS_TOKEN", "its-own-0123456789")
    code = program(folder)
    (folder / "author.py").write_text(
        "import json, os, shutil\nopen('environment.json', 'w').write(json.dumps(dict(os.environ)))\n"
        "shutil.copytree('archive', 'seen')\n" + (folder / "author.py").read_text()
    )
    words = ("search.candidates=3", "search.in_flight=1", "llm.api_key_env=OUR_KEY", "author.notes=be brief")
    archive = search(folder, endpoint, code, *words)
    last = folder / "run/briefs/2"
    environment = json.loads((last / "environment.json").read_text())
    assert environment["ITS_TOKEN"] == "its-own-0123456789"
    assert "our-key-0123456789" not in environment.values()
    index = json.loads((last / "seen/index.json").read_text())
    assert {row["name"] for row in index} == {"direct", "Handed 0", "Handed 1"}
    for row in index:
        assert (last / f"seen/agents/{row['id']}.py").read_text() == archive.record(row["id"]).agent.source
    assert "be brief" in (last / "brief.md").read_text()
    assert (last / "brief.json").stat().st_mode & 0o777 == 0o400
    assert not (last / "archive").exists()  # with every brief there would be a larger one
    everything = "".join(
        path.read_text(errors="replace") for path in (folder / "run/briefs").rglob("*") if path.is_file()
    )
    domain = json.loads((last / "context/domain.json").read_text())
    assert len(domain["train_questions"]) > 6
    scored = items_of("run")
    assert all(question in everything for question in scored["train"])
    for split in ("validation", "test"):
        assert scored[split]
        assert not [question for question in scored[split] if question in everything]
    assert str(archive.meta("salt")) not in everything
    assert "our-key-0123456789" not in everything


def items_of(run: str) -> dict[str, list[str]]:
    """Split -> questions, as the run's configuration has them."""
    from domains import registry
    from meta_search.run.folder import read_config

    domain = registry.make(read_config(Path(run)).domain)
    return {s: [i.question for i in domain.items(s)] for s in ("train", "validation", "test")}


def test_written_by_hand(
    folder: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person, who first forgets the thought."""

    def person() -> None:
        here = folder / "run/briefs/0"
        wait_for(here / "brief.md")
        (here / "agent.py").write_text(ours(1)[0]["code"])
        (here / "done").touch()
        assert "there is no thought.md" in wait_for(here / "problem.md")
        (here / "thought.md").write_text("By hand\nas I see it")
        (here / "done").touch()

    hand = threading.Thread(target=person)
    hand.start()
    archive = search(folder, endpoint, "author.command=manual", "search.candidates=1", "search.in_flight=1")
    hand.join()
    found = [(r.agent.name, r.thought) for r in archive.agents() if r.author == "command"]
    assert found == [("By hand", "as I see it")]
    said = capsys.readouterr().out
    assert "brief 0 waits for you: read brief.md in " in said
    assert "see problem.md, mend agent.py" in said
    assert replay() == 0
    assert_same("run", "again")


@pytest.mark.slow
@pytest.mark.parametrize("word", ["author.command=manual", "program"])
def test_ctrl_c_ends_it_and_nothing_is_left(folder: Path, endpoint: CountingEndpoint, word: str) -> None:
    code = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)\n"
    told = program(folder, code) if word == "program" else word
    words = written_search(folder, endpoint, *WORDS, told, "search.in_flight=1", "run.grace_s=0")
    process = command(folder, "run", *words)
    wait_for(folder / ("run/briefs/0/pid" if word == "program" else "run/briefs/0/brief.md"))
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3, said
    if word == "program":
        pid = int((folder / "run/briefs/0/pid").read_text())
        ends = time.monotonic() + PATIENCE_S
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < ends
            time.sleep(0.02)


def test_a_replay_whose_record_is_missing_says_so(
    folder: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    search(folder, endpoint, program(folder), "search.candidates=1")
    with sqlite3.connect("run/archive.db") as database:
        rows = database.execute("SELECT seq, data FROM events WHERE kind = 'delivery'").fetchall()
        for seq, text in rows:
            data = json.loads(text)
            if data.pop("handed", None):
                database.execute("UPDATE events SET data = ? WHERE seq = ?", [json.dumps(data), seq])
    assert replay() == 1
    assert "the recording lacks what the program of author.command handed in" in capsys.readouterr().err


def test_a_strangers_run_is_not_gone_on_with_unseen(
    folder: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    search(folder, endpoint, program(folder), "search.candidates=1")
    config = json.loads(Path("run/config.json").read_text())
    config["author"]["command"] = "touch pwned"
    Path("run/config.json").write_text(json.dumps(config))
    assert cli.main(["resume", "run", "search.candidates=2"]) == 2
    assert "run the program touch pwned (author.command)" in capsys.readouterr().err
    assert not [*folder.rglob("pwned")]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("author=command", "author=command needs author.command"),
        ("author=llm author.command=manual", "author.command needs author=command: author=llm ignores it"),
        ("author.command=no-such-program-7", "there is no program no-such-program-7"),
        ("author.command=./mine.sh", "$META_SEARCH_CWD/mine.sh"),
        ("author.command='my --key sk-0123456789'", "author.command holds a key"),
    ],
)
def test_mistakes_are_told_before_anything_starts(
    folder: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str], word: str, told: str
) -> None:
    words = word.split() if word.startswith("author=") else [word]
    assert cli.main(["run", *written_search(folder, endpoint, *WORDS, *words)]) == 2
    assert told in capsys.readouterr().err
    assert not Path("run").exists()


def test_the_first_line_is_the_name() -> None:
    assert name_and_thought("# Name: A b\n\nThought: c\nd") == ("A b", "c d")
    assert name_and_thought("\n\x1b[31mred\n")[0].endswith("red")
    assert name_and_thought("#") == ("Unnamed", "")
    assert len(name_and_thought("x" * 500)[0]) <= 60


def test_a_file_is_read_to_its_limit_only(folder: Path) -> None:
    (folder / "agent.py").write_text("x" * MOST["agent.py"])
    assert len(read_handed_in(folder / "agent.py")) == MOST["agent.py"]
    (folder / "agent.py").write_bytes(b"\xef\xbb\xbfx = 1")
    assert read_handed_in(folder / "agent.py") == "x = 1"
    (folder / "agent.py").unlink()
    (folder / "agent.py").symlink_to("/dev/zero")
    with pytest.raises(Unusable, match="symbolic link"):
        read_handed_in(folder / "agent.py")


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the agents that a strong model wrote are not here")
def test_what_a_strong_model_wrote_killed_resumed_and_replayed(
    folder: Path, endpoint: CountingEndpoint
) -> None:
    agents = json.loads(SHARED.read_text())
    words = written_search(
        folder, endpoint, *WORDS, program(folder, agents=agents), f"search.candidates={len(agents)}"
    )
    whole = subprocess.run(
        [sys.executable, "-P", "-m", "meta_search", "run", *words, "run.dir=whole"],
        cwd=folder, capture_output=True, text=True, env=os.environ,
    )  # fmt: skip
    assert whole.returncode == 0, whole.stdout + whole.stderr
    names = {a["name"][:60] for a in agents}
    with meta_search.open_run("whole") as archive:
        written = {r.agent.name for r in archive.agents() if r.author == "command"}
        failed = messages(archive)
    assert len(written) >= 8, failed
    assert written <= names
    process = command(folder, "run", *words)
    endpoint.wait_for(endpoint.calls + 60)
    process.kill()
    process.communicate()
    before = called(folder)
    assert cli.main(["resume", "run"]) == 0
    with meta_search.open_run("run") as archive:
        assert {r.agent.name for r in archive.agents() if r.author == "command"} == written
    assert len(called(folder)) >= len(before)
    assert replay("whole") == 0
    assert_same("whole", "again")
