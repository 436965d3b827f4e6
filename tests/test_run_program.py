"""A program of the user's: its end, and that nothing of it is left; what it sees of our environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from meta_search.config import AuthorConfig, Config, LLMConfig, MetaConfig, ModelConfig
from meta_search.errors import ConfigError
from meta_search.run.guard import HEAD, TAIL
from meta_search.run.program import Program, check_program
from meta_search.run.withheld import environment

PATIENCE_S = 20.0


def run(folder: Path, command: str) -> Program:
    return Program(command, folder, dict(os.environ), (folder / "out", folder / "err"))


def wait_for(what: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


DAEMON = "(setsid sh -c 'echo $$ > daemon.pid; trap \"\" TERM HUP; while :; do sleep 1; done' &) ; "


def started(folder: Path) -> int:
    path = folder / "daemon.pid"
    wait_for(lambda: path.exists() and path.read_text().strip() != "")
    return int(path.read_text())


def test_status_and_output_of_a_program(folder: Path) -> None:
    program = run(folder, "echo one; echo two >&2; cat; exit 7")
    assert program.wait(PATIENCE_S) == 7  # `cat` ended: it has no terminal to read from
    assert ((folder / "out").read_text(), (folder / "err").read_text()) == ("one\n", "two\n")


def test_what_it_prints_is_bounded_and_keeps_its_end(folder: Path) -> None:
    program = run(folder, f"head -c {HEAD + 3 * TAIL} /dev/zero | tr '\\0' x; echo the end")
    assert program.wait(PATIENCE_S) == 0
    said = (folder / "out").read_text()
    assert len(said) < HEAD + TAIL + 100
    assert said.endswith("xthe end\n")
    assert "bytes left out" in said


def test_daemons_end_with_the_program(folder: Path) -> None:
    program = run(folder, DAEMON + "while [ ! -s daemon.pid ]; do sleep 0.05; done")
    assert program.wait(PATIENCE_S) == 0
    assert not alive(started(folder))


def test_everything_ends_when_we_say_so(folder: Path) -> None:
    program = run(folder, DAEMON + "trap '' TERM; while :; do sleep 1; done")
    daemon = started(folder)
    assert program.wait(0.0) is None
    assert alive(daemon)
    program.close()
    assert program.wait(0.0) is not None
    assert not alive(daemon)


def test_nothing_outlives_us(folder: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from meta_search.run.program import Program\n"
        "here = pathlib.Path('.').resolve()\n"
        f"p = Program({DAEMON + 'sleep 1000'!r}, here, dict(os.environ), (here / 'out', here / 'err'))\n"
        "p.wait(1000)\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", code], cwd=folder)
    daemon = started(folder)
    driver.kill()
    driver.wait()
    wait_for(lambda: not alive(daemon))


def configured(**author: object) -> Config:
    llm = LLMConfig(provider="litellm", meta=MetaConfig("m"), task=ModelConfig("anthropic/t"))
    return Config(llm=llm, author=AuthorConfig(name="command", command="x", **author))  # type: ignore[arg-type]


OURS = {
    "PATH": "/bin",
    "MY_KEY": "key-0123456789",
    "SAME_KEY": "Bearer key-0123456789",
    "BASIC": "basic-0123456789",
    "RAY_AUTH_TOKEN": "ray-0123456789",
    "ANTHROPIC_API_KEY": "anthropic-0123456789",
    "GROQ_API_KEY": "groq-0123456789",
    "AUTHOR_TOKEN": "its own",
}


def test_the_runs_keys_are_taken_out() -> None:
    config = configured()
    named = replace(config.llm, api_key_env="MY_KEY", extra_headers={"x": "Basic $BASIC"})
    kept = environment(replace(config, llm=named), OURS)
    assert sorted(kept) == ["ANTHROPIC_API_KEY", "AUTHOR_TOKEN", "GROQ_API_KEY", "PATH"]
    # Where no variable is named, the provider's own is the run's key: m may be anybody's, of some families.
    assert sorted(environment(config, OURS)) == [
        *("AUTHOR_TOKEN", "BASIC", "GROQ_API_KEY", "MY_KEY", "PATH", "SAME_KEY")
    ]
    allowed = configured(command_env=("ANTHROPIC_API_KEY",))
    assert "ANTHROPIC_API_KEY" in environment(allowed, OURS)


@pytest.mark.parametrize("command", ["manual", "cd x && y", "FOO=1 no-such-thing", "sh -c true", "/bin/sh"])
def test_commands_that_may_run(command: str) -> None:
    check_program(command)


@pytest.mark.parametrize(
    ("command", "told"),
    [("no-such-program-7 --x", "no program no-such-program-7"), ("./mine.sh", r"\$META_SEARCH_CWD/mine.sh")],
)
def test_commands_that_cannot_run_are_told_at_once(command: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_program(command)
