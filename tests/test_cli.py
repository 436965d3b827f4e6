"""The command line without a search: parsing, errors, exit statuses, foreign packages, start-up time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from meta_search import __version__, cli
from meta_search.commands.foreign_packages import OURS
from meta_search.commands.run_help import documentation
from meta_search.compose import options_of
from meta_search.errors import MetaSearchError

COMMANDS = (
    *("run", "resume", "evaluate", "archive", "export", "report", "status", "steer", "dashboard"),
    *("domains", "models", "prompts", "doctor"),
)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_help_lists_every_command_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    listed = [line.split()[0] for line in text.splitlines() if line.startswith("    ") and line[4] != " "]
    assert tuple(listed) == COMMANDS
    assert cli.main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serch"],
        ["export", "latest"],
        ["archive"],
        ["archive", "list"],
        ["doctor", "budget.usd=1"],
        ["evaluate", "agents.json", "--jsn", "x"],
        ["models", "push"],
    ],
)
def test_bad_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert lines(capsys)[-1].startswith("meta-search")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "budgt.usd=1"], "unknown key budgt.usd; did you mean budget.usd"),
        (["run", "budget.usd=["], "bad syntax"),
        (["run", "domain=tabel"], "domain=tabel: no such option; did you mean table?"),
        (["run", "llm=openai"], "llm.meta.model and llm.task.model must be given"),
        (["evaluate", "x.py", "sede=1"], "unknown key sede; did you mean seed"),
        (["evaluate", "x.py", "--json", "no/such/folder.json"], "cannot write there"),
        (["archive", "list", "latest"], "no run under runs/ yet"),
        (["archive", "show", "nowhere", "agent"], "nowhere: no such run folder"),
        (["resume", "latest"], "no run under runs/ yet"),
        (["report", "."], "is not a run folder"),
        (["domains", "show", "gsm"], "domain=gsm: no such domain; there are aime, arc, arc_easy, asdiv"),
        (["domains", "show"], "`meta-search domains show` needs a name"),
        (["domains", "list", "gsm8k"], "takes no name: `meta-search domains show NAME`"),
        (["domains", "show", "gsm8k", "domain.pth=x"], "unknown key domain.pth; did you mean domain.path"),
        (["models", "list", "gpt"], "no embedded model is called 'gpt'"),
    ],
)
def test_mistakes_are_one_line_and_status_2(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    (line,) = lines(capsys)
    assert line.startswith("meta-search: ")
    assert message in line
    assert list(folder.iterdir()) == []


def test_overrides_stand_before_and_behind_options() -> None:
    one = cli._parse(["evaluate", "a.py", "domain=table", "--json", "f", "seed=1"])
    other = cli._parse(["evaluate", "--json", "f", "a.py", "domain=table", "seed=1"])
    assert one.overrides == other.overrides == ["domain=table", "seed=1"]
    assert (one.agents, one.json) == ("a.py", Path("f"))


@pytest.mark.parametrize("width", [40, 80])
def test_help_breaks_no_command(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "`meta-search run --help`" in shown
    assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize(
    ("error", "status"),
    [(MetaSearchError("two\nlines"), 1), (KeyboardInterrupt(), 3)],
)
def test_errors_become_one_line_and_a_status(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(cli, "_doctor", fail)
    assert cli.main(["doctor"]) == status
    assert len(lines(capsys)) == 1


def test_sigterm_ends_a_command_in_good_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    closed: list[bool] = []

    def work(_: object) -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            closed.append(True)
        return 0

    monkeypatch.setattr(cli, "_doctor", work)
    assert cli.main(["doctor"]) == 3
    assert closed
    assert lines(capsys) == ["meta-search: stopped"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_run_prints_configuration_without_running(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert cli.main(["run", "--cfg", "job", "seed=7"]) == 0
    assert "seed: 7" in capsys.readouterr().out
    assert cli.main(["run", "--cfg", "job", "--yes"]) == 0
    assert "confirm: false" in capsys.readouterr().out
    assert cli.main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    assert "domain: aime, arc, arc_easy, asdiv, bbh, " in text
    assert "_base" not in text
    assert "--yes" in text
    entries = documentation()
    assert all(entries.values())
    words = " ".join(text.split())
    assert all(f"\n{key}=" in text and told in words for key, told in entries.items())
    assert list(folder.iterdir()) == []


def test_completion_of_commands_and_of_overrides(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for line, expected in (
        ("meta-search ", set(COMMANDS)),
        ("meta-search archive ", {"list", "show", "diff", "lineage", "search", "import"}),
        ("meta-search domains ", {"list", "show"}),
        ("meta-search domains show ", set(options_of("domain"))),
        ("meta-search resume ", {"latest"}),
        ("meta-search resume latest budget.w", {"budget.wall_s="}),
        ("meta-search evaluate my.py budget.w", {"budget.wall_s="}),
        ("meta-search run --", {"--yes", "--trust", "--help", "--multirun", "--cfg"}),
        ("meta-search run domain.path='my (1 budget.w", {"budget.wall_s="}),  # a quote is open
        ("meta-search run domain.path=(x 'a b budget.w", {"budget.wall_s="}),
        ("meta-search run budgt.usd=1 llm=op", {"llm=openai"}),
        ("meta-search doctor ", set()),
        ("meta-search run sea", {"search=", "search."}),
        ("meta-search run domain=", {f"domain={name}" for name in options_of("domain")}),
        ("meta-search run budget.w", {"budget.wall_s="}),
    ):
        monkeypatch.setenv("COMP_LINE", line)
        assert cli.main(["-sc", "query=bash"]) == 0
        printed = capsys.readouterr()
        assert set(printed.out.split()) == expected, line
        assert printed.err == ""
    assert cli.main(["run", "-sc", "install=bash"]) == 0
    assert capsys.readouterr().out.rstrip().endswith(" meta-search")


@pytest.mark.parametrize("name", OURS)
def test_foreign_packages_are_refused_and_not_run(name: str, tmp_path: Path, root: Path) -> None:
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('foreign code was run')\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])}
    done = subprocess.run(
        [sys.executable, "-m", "meta_search", "doctor"],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"{package}/__init__.py hides meta-search's own package {name}" in line
    assert done.stdout == ""


def test_a_folder_without_code_is_in_nobodys_way(tmp_path: Path, root: Path) -> None:
    for name in OURS:
        (tmp_path / name).mkdir()
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-m", "meta_search", "run", "--cfg", "job"],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
