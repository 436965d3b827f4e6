"""A stranger's run: looking at it runs nothing, follows no link, obeys no text; going on with it asks."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.errors import ConfigError
from meta_search.run import ownership
from meta_search.types import Agent
from tests.kits.strangers import CHILD, SEED, SOURCE, alter, config, evil_domain, stranger

KEY = "sk-not-for-strangers"
LOOKS = (
    ("archive", "list", "run"),
    ("archive", "list", "run", "--json"),
    ("archive", "show", "run", CHILD.id),
    ("archive", "show", "run", CHILD.id, "--json"),
    ("archive", "diff", "run", SEED.id, CHILD.id),
    ("archive", "lineage", "run", CHILD.id),
    ("archive", "search", "run", "forward"),
    ("report", "run"),
    ("report", "run", "--json"),
    ("status", "run"),
    ("status", "run", "--json"),
    ("export", "run", CHILD.id, "--to", "out"),
)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)


@pytest.fixture
def mark(folder: Path) -> Path:
    """The file that is there once the code of the run in `run` has run."""
    path, mark = evil_domain(folder)
    stranger(folder / "run", config(path=path))
    return mark


def one_line_of(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr().err
    assert said.startswith("meta-search: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return said


# -- looking


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_looking_runs_nothing(
    command: tuple[str, ...], mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(list(command)) == 0
    assert KEY not in "".join(capsys.readouterr())
    assert not mark.exists()
    texts = [p.read_text() for p in Path().rglob("*") if p.suffix in (".json", ".md", ".html")]
    assert not any(KEY in text for text in texts)


def test_looking_from_python_runs_nothing(mark: Path) -> None:
    with meta_search.open_run("run") as archive:
        assert len(list(archive.rows("items", text=True))) == 32
        assert "Voter" in archive._repr_html_()
        for table in ("agents", "calls", "briefs"):
            list(archive.rows(table, text=True))  # type: ignore[arg-type]
    meta_search.write_report("run")
    meta_search.export_agent("run", to="out")
    assert not mark.exists()


def test_an_older_run_is_exported_by_running_its_domain_only_where_it_is_trusted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It did not keep what agents need of the domain."""
    path, mark = evil_domain(folder)
    stranger(folder / "run", config(path=path), domain=None)
    for command in LOOKS:
        assert cli.main(list(command)) == (2 if command[0] == "export" else 0)
    assert "--trust (from Python: trust=True) makes it again, which runs" in one_line_of(capsys)
    assert not mark.exists()
    assert cli.main(["export", "run", "--to", "out", "--trust"]) == 0
    assert mark.exists()


def test_an_export_sends_nothing_that_a_stranger_names(mark: Path) -> None:
    """`run.py` fills `$NAME` from the environment of whoever runs it."""
    assert cli.main(["export", "run", "--to", "out"]) == 0
    assert json.loads(Path("out/agent.json").read_text())["headers"] == {}
    assert cli.main(["export", "run", "--to", "trusted", "--trust"]) == 0
    headers = json.loads(Path("trusted/agent.json").read_text())["headers"]
    assert headers == {"X-Team": "$AWS_SECRET_ACCESS_KEY"}
    assert not mark.exists()


@pytest.mark.parametrize("name", ["config.json", "archive.db"])
@pytest.mark.parametrize("make", ["pipe", "link", "device", "folder"])
def test_a_file_that_is_none_is_one_line(
    name: str, make: str, mark: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "run" / name
    file.rename(folder / "elsewhere")
    if make == "pipe":
        os.mkfifo(file)
    elif make == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero" if make == "device" else folder / "elsewhere")
    assert cli.main(["export", "run", "--to", "out"]) in (1, 2)
    assert name in one_line_of(capsys)
    assert not Path("out").exists()


@pytest.mark.parametrize("name", ["report.html", "report.html.part", "archive.db-wal", "archive.db-shm"])
@pytest.mark.parametrize("command", [("report", "run"), ("archive", "list", "run")], ids=" ".join)
def test_no_link_is_written_through(name: str, command: tuple[str, ...], mark: Path, folder: Path) -> None:
    mine = folder / "bashrc"
    mine.write_text("mine")
    alter(folder / "run", "PRAGMA journal_mode = WAL")
    (folder / "run" / name).unlink(missing_ok=True)
    (folder / "run" / name).symlink_to(mine)
    cli.main(list(command))
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["archive.db.lock", "archive.db-wal", "archive.db-journal"])
def test_an_import_writes_through_no_link(name: str, mark: Path, folder: Path) -> None:
    mine, found = folder / "bashrc", folder / "found.json"
    mine.write_text("mine")
    found.write_text(json.dumps([{"code": SOURCE.replace("Answer", "Say")}]))
    (folder / "run" / name).unlink(missing_ok=True)
    (folder / "run" / name).symlink_to(mine)
    assert cli.main(["archive", "import", "run", str(found)]) == 2
    assert mine.read_text() == "mine"


# -- going on


def test_a_resume_asks_and_says_what_it_would_do(mark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["resume", "run"]) == 2
    line = one_line_of(capsys)
    for told in (
        "run was not made by you on this machine",
        "evil_domain.py (sha256 ",
        "send prompts to http://127.0.0.1:9/v1 with $OPENAI_API_KEY, $AWS_SECRET_ACCESS_KEY",
        "--trust",
    ):
        assert told in line
    assert KEY not in line
    assert not mark.exists()
    assert cli.main(["resume", "run", "--trust"]) == 2  # now its endpoint is not there
    assert "127.0.0.1:9" in one_line_of(capsys)
    assert mark.exists()


def test_it_says_which_task_is_loaded_and_that_it_is_not_confined(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = config()
    domain = {"name": "lm_eval", "path": str(folder / "tasks"), "task": "evil\x1b[31m", "confined": False}
    stranger(folder / "run", {**settings, "domain": {**settings["domain"], **domain}})
    assert cli.main(["resume", "run"]) == 2
    line = one_line_of(capsys)
    assert "\x1b" not in line
    for told in ("tasks (not there)", "load the task evil", "outside of the sandbox (domain.confined=false)"):
        assert told in line


@pytest.mark.parametrize("name", ["dspy", "inspect", "lm_eval"])
def test_nothing_of_an_eval_of_another_library_is_loaded_before(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, mark = evil_domain(folder)
    settings = config(path=path)
    domain = {**settings["domain"], "name": name, "task": f"{path}@evil"}
    stranger(folder / "run", {**settings, "domain": domain}, domain=None)
    for words in (("resume", "run"), ("export", "run", CHILD.id, "--to", "out"), ("report", "run")):
        status = cli.main(list(words))
        assert status == (0 if words[0] == "report" else 2)
    assert "--trust" in capsys.readouterr().err
    assert not mark.exists()


GOING_ON: dict[str, tuple[str, ...]] = {
    "replay": ("run", "llm.mode=replay", "llm.recording=run", "run.dir=again"),
    "its answers": ("run", "llm.recording=run", "run.dir=again"),
    "its answers, evaluating": ("evaluate", "agent.py", "llm.recording=run", "run.dir=again"),
}


@pytest.mark.parametrize("name", GOING_ON)
def test_so_does_everything_that_goes_on_with_it(
    name: str, mark: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "agent.py").write_text(SOURCE)
    verb, *words = GOING_ON[name]
    mine = ("llm=endpoint", "llm.base_url=http://127.0.0.1:9/v1", "llm.meta.model=m", "llm.task.model=t")
    more = () if "llm.mode=replay" in words else (*mine, "evaluate.executor=ray")
    assert cli.main([verb, *words, *more]) == 2
    line = one_line_of(capsys)
    assert "was not made by you on this machine" in line
    assert not mark.exists()
    assert not Path("again").exists()


def test_python_asks_too(mark: Path) -> None:
    for call in (
        lambda: meta_search.resume("run"),
        lambda: meta_search.resume("run", score=lambda item, answer: True),
        lambda: meta_search.search("llm.mode=replay", "llm.recording=run", "run.dir=again"),
        lambda: meta_search.search(
            "llm.mode=replay", "llm.recording=run", "run.dir=again", score=lambda item, answer: True
        ),
    ):
        with pytest.raises(ConfigError, match=r"was not made by you on this machine.*trust=True"):
            call()
    assert not mark.exists()


def test_a_replay_takes_no_domain_of_an_archive(mark: Path, folder: Path) -> None:
    """What a resume amended is applied backwards, whatever keys the archive names."""
    settings = config()
    run = stranger(
        folder / "other", settings, amended=[{"domain.path": [str(folder / "evil_domain.py"), None]}]
    )
    from meta_search.compose import compose
    from meta_search.run.recording import configuration

    mine = compose(["llm.mode=replay", f"llm.recording={run}"])
    assert configuration(mine, ()).domain.path is None


# -- whose it is


def test_an_own_run_stays_so_where_it_is_moved_and_not_where_it_is_changed(mark: Path, folder: Path) -> None:
    run = folder / "run"
    assert not ownership.is_own(run)
    (run / "domain").mkdir()
    (run / "domain/mine.py").write_text("x = 1")
    assert ownership.sign(run)
    assert ownership.is_own(run)
    assert ownership.is_own(shutil.move(run, folder / "moved"))
    run = folder / "moved"
    for change in (
        lambda run: (run / "config.json").write_text((run / "config.json").read_text() + " "),
        lambda run: (run / "domain/mine.py").write_text("x = 2"),
        lambda run: (run / "domain/more.py").touch(),
        lambda run: (run / "signature.json").write_text('{"run": "1", "mac": "é"}'),
        lambda run: (run / "signature.json").write_text("[" * 10_000),
        lambda run: (run / "signature.json").unlink(),
    ):
        other = shutil.copytree(run, folder / "copy")
        change(other)
        assert not ownership.is_own(other)
        shutil.rmtree(other)


def test_the_secret_is_the_users_alone(mark: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "home"))
    assert ownership.sign(folder / "run")
    key = folder / "home/meta-search/key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    key.chmod(0o644)  # others may have read it
    assert not ownership.is_own(folder / "run")
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")  # no home to write to
    assert not ownership.sign(folder / "run")
    assert not ownership.is_own(folder / "run")


def test_somebody_at_a_terminal_is_asked(mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from meta_search.run.folder import read_config

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    asked: list[str] = []
    for answer, passes in (("y", True), ("", False), ("no", False)):
        monkeypatch.setattr("builtins.input", lambda text, said=answer: asked.append(text) or said)
        try:
            ownership.ask(Path("run"), read_config(Path("run")), "resuming it", trust=False)
            assert passes
        except ConfigError:
            assert not passes
    assert asked == ["Do you trust it? [y/N] "] * 3


# -- what is printed


NASTY = {
    "escape": "\x1b[2J\x1b[31mred\x1b[0m",
    "link": "\x1b]8;;https://evil\x07click\x1b]8;;\x07",
    "rubout": "good\r\x08\x08bad",
    "bidi": "a\u202eevil\u2066b",
    "lines": "one\ntwo\u2028three\x0bfour\x85five",
    "unseen": "a\u200bb\ufeffc\u00ad",
    "markup": "[red]x[/red] [link=https://evil]y[/link] [/] :smile:",
    "quotes": "\"\"\"\nimport os\n'''",
    "path": "../../../etc/passwd",
    "option": "--help",
    "html": "</script><img src=x onerror=alert(1)>",
    "long": "x" * 100_000,
}
FORBIDDEN = "\x1b\x07\x08\r\x0b\x85\u202e\u2066\u2028\u200b\ufeff\u00ad"
PLACES = ("name", "status", "author", "operator", "thought")


@pytest.mark.parametrize("nasty", NASTY)
def test_what_a_stranger_wrote_is_only_shown(
    nasty: str, mark: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = NASTY[nasty]
    run, quoted = folder / "run", text.replace("'", "''")
    alter(run, *(f"UPDATE agents SET {place} = '{quoted}' WHERE id = '{CHILD.id}'" for place in PLACES))
    alter(run, f"UPDATE evaluations SET stopped = '{quoted}', complete = 0")
    told = json.dumps({"why": "error", "text": text}).replace("'", "''")
    plain = json.dumps(text).replace("'", "''")
    values = f"('end', '{told}'), ('status', '{plain}'), ('verdict', '{plain}')"
    alter(run, f"INSERT OR REPLACE INTO meta VALUES {values}")
    for command in LOOKS:
        shutil.rmtree("out", ignore_errors=True)
        assert cli.main(list(command)) == 0, command
        out = capsys.readouterr().out
        if "--json" in command:
            assert json.loads(out) is not None
            assert out.isascii()
        else:
            assert not set(out) & set(FORBIDDEN), command
            assert "import os" not in out.splitlines(), command
            assert "two" not in out.splitlines(), command
    assert "<img src=x" not in (run / "report.html").read_text()
    card = Path("out/card.md").read_text()
    assert not set(card) & set(FORBIDDEN)
    source = Path("out/agent.py").read_text()
    head, _, rest = source.partition("\n\n")
    assert all(line.startswith("# ") for line in head.splitlines())
    assert rest.strip() == CHILD.source.strip()
    assert sorted(p.name for p in Path("out").iterdir()) == [
        "agent.json", "agent.py", "card.json", "card.md", "run.py", "runtime",
    ]  # fmt: skip


def test_ids_are_only_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2J\nimport os\n"
    run = stranger(folder / "run", config(), Agent(evil, "Seed", SOURCE))
    for command in LOOKS[:1] + LOOKS[2:3] + LOOKS[5:6]:
        assert cli.main(list(command)) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "import os" not in out.splitlines()
    assert cli.main(["export", "run", "Seed", "--to", "out"]) == 0
    assert (folder / "out/agent.py").read_text().splitlines()[1].startswith("# agent ")
    assert "import os\n" not in (folder / "out/agent.py").read_text().replace("import os,", "")
    assert run.is_dir()


def test_a_command_of_a_card_cannot_be_broken_out_of(folder: Path) -> None:
    import shlex

    model = "t'; touch pwned; echo '`x`"
    stranger(folder / "run", config(f'llm.task.model="{model}"'))
    assert cli.main(["export", "run", "--to", "out"]) == 0
    [line] = [x for x in Path("out/card.md").read_text().splitlines() if x.startswith("python run.py")]
    assert shlex.split(line)[-1] == model.replace("`", "'")


def test_a_folder_with_a_bad_name_is_only_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "[/] \x1b[31m\nrm -rf x\n"
    stranger(folder / name, config())
    for command in (("archive", "list"), ("status",), ("report",)):
        assert cli.main([*command, f"./{name}"]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "rm -rf x" not in out.splitlines()
    assert cli.main(["resume", f"./{name}"]) == 2
    assert "\x1b" not in one_line_of(capsys)
