"""The live view: a picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, cast

import pytest
from rich.console import Console

from meta_search.report.live import LiveView, render, status_line
from meta_search.report.screen import LastingStream, RunLog, Stamps, lasting
from meta_search.report.snapshot import Snapshot, SnapshotRow
from tests.kits.clock import Clock


def row(name: str, score: float = 0.9, items: int = 30, front: bool = False) -> SnapshotRow:
    return SnapshotRow("a" * 16, name, "composer", "bootstrap", score, 0.74, 0.97, items, 30, 640.4, front)


BUSY = Snapshot(
    phase="search",
    elapsed_s=4523,
    wall_s=7200,
    calls=18234,
    tokens=3_456_789,
    cost_usd=1.234,
    rows=(row("Routed programs", front=True), row("[bold]half[/bold]\x1b[31m", 0.5, 12)),
    in_flight=tuple(f"brief {i}: mutate by llm" for i in range(12, 19)),
)


@contextmanager
def plain() -> Iterator[tuple[LiveView, Clock, io.StringIO]]:
    stream, clock = io.StringIO(), Clock()
    with LiveView(Console(file=stream, width=100), clock) as view:
        yield view, clock, stream


def picture(snapshot: Snapshot, width: int = 100, height: int = 40, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=stream, width=width, height=height)
    console.print(render(snapshot, ["first message", "last message"], console))
    stream.seek(0)
    return stream.read()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_picture_holds_everything_and_fits(width: int) -> None:
    text = picture(BUSY, width)
    for part in ("search", "1:15:23", "left 0:44:37", "18,234", "3,456,789", "Routed", "90.0 [74, 97]"):
        assert part in text
    assert "12/30" in text
    assert "640" in text
    assert "brief 12: mutate by llm" in text
    assert "and 3 more" in text
    assert "last message" in text
    assert "[bold]half[/bold]" in text
    assert {len(line) for line in text.splitlines()} == {width}
    starred = [line for line in text.splitlines() if "★" in line]
    assert len(starred) == 1
    assert "Routed" in starred[0]
    assert ("bootstrap" in text) == (width >= 100)


def test_answers_without_a_call_stand_beside_the_score_where_there_are_any() -> None:
    assert "no call" not in picture(BUSY)
    rules = replace(BUSY, rows=(replace(row("Rules"), model_free=0.4), *BUSY.rows))
    for width in (80, 100):
        text = picture(rules, width)
        assert "no call %" in text
        assert {len(line) for line in text.splitlines()} == {width}
    assert re.search(r"Rules .*97\] +40 +30/30", picture(rules))
    assert status_line(rules).endswith("best Rules 90.0 [74, 97] % (selection score, 40 % without a call)")


def test_many_agents_leave_room_for_the_rest() -> None:
    many = replace(BUSY, rows=tuple(row(f"agent {i}") for i in range(200)))
    text = picture(many, height=30)
    assert len(text.splitlines()) <= 30
    assert "more agents" in text
    assert "last message" in text


def test_the_picture_needs_no_unicode() -> None:
    text = picture(replace(BUSY, rows=(row("ünï★", front=True),)), encoding="ascii")
    assert "?n??" in text
    assert "*" in text


def test_a_terminal_gets_the_picture_in_place_and_keeps_the_last() -> None:
    leader, follower = os.openpty()
    pieces: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # what Linux says once the other end is closed
            while piece := os.read(leader, 4096):
                pieces.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    with open(follower, "w", encoding="utf-8") as tty:
        console = Console(file=tty, width=100, height=30, force_terminal=True, _environ={"TERM": "xterm"})
        with LiveView(console) as view:
            view.update(replace(BUSY, phase="seeds"))
            view.say("something happened")
            view.update(BUSY)
    reader.join()
    os.close(leader)
    out = b"".join(pieces).decode()
    assert "\x1b[1A" in out  # drawn over itself
    last = out[out.rindex("meta-search") :]
    for part in ("search", "something happened", "Routed programs"):
        assert part in last


def test_without_a_terminal_each_message_comes_once_at_once_and_plainly() -> None:
    with plain() as (view, _, stream):
        view.say("added \x1b[31mred\x1b[0m agent")
        view.say("added \x1b[31mred\x1b[0m agent")
        view.update(Snapshot("seeds", message="evaluating 7 seeds"))
        view.update(Snapshot("seeds", elapsed_s=1, message="evaluating 7 seeds"))
        view.say("")
        day, *lines = stream.getvalue().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in lines)
    assert lines[0][9:] == "added [31mred [0m agent"
    assert [line[9:] for line in lines].count("evaluating 7 seeds") == 1
    assert "\x1b" not in stream.getvalue()


def test_without_a_terminal_a_status_line_needs_ten_seconds_and_something_that_happened() -> None:
    with plain() as (view, clock, stream):

        def count() -> int:
            return stream.getvalue().count("search:")

        view.update(BUSY)
        assert count() == 1
        for calls in range(100):
            view.say(f"item {calls}")
            clock.now += 0.09
            view.update(replace(BUSY, calls=calls))
        assert count() == 1  # 9 s
        clock.now += 1.1
        view.update(replace(BUSY, calls=500))
        assert count() == 2
        clock.now += 60
        view.update(replace(BUSY, calls=501, elapsed_s=9999))
        assert count() == 2  # nothing happened but calls
        clock.now += 600
        view.update(replace(BUSY, calls=502))
        assert count() == 3  # a sign of life
        clock.now += 600
        view.update(replace(BUSY, calls=502, elapsed_s=99999))
        assert count() == 3  # only time passed
        view.say("an agent is evaluated")
        view.update(replace(BUSY, calls=503))
        assert count() == 4
        clock.now += 1
        view.update(replace(BUSY, calls=504))
    assert count() == 5  # the last state is told at the end
    view.close()
    assert count() == 5


def test_the_log_has_times_and_the_same_lines_with_or_without_a_terminal(tmp_path: Path) -> None:
    logs = []
    for stream in (io.StringIO(), Terminal()):
        tty = stream.isatty()
        console = Console(file=stream, force_terminal=tty, width=40, _environ={"TERM": "xterm"})
        path = tmp_path / f"{tty}.txt"
        with LiveView(console, Clock(), RunLog(path)) as view:
            view.update(BUSY)
            view.say("something happened")
            view.note(COMMAND)
            view.note(COMMAND)
        lines = path.read_text(encoding="utf-8").splitlines()
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", lines[0])
        assert all(re.match(r"\d\d:\d\d:\d\d \S", line) for line in lines[1:])
        logs.append([line[9:] for line in lines[1:]])
    assert logs[0] == logs[1] == [status_line(BUSY), "something happened", COMMAND]


COMMAND = "go on with: meta-search resume 'runs/a run with a long name, much longer than a terminal is wide'"


@pytest.mark.parametrize("width", [40, 80])
def test_a_line_that_stays_is_not_broken_where_the_terminal_ends(width: int) -> None:
    console = Console(file=Terminal(), force_terminal=True, width=width, _environ={"TERM": "xterm"})
    with LiveView(console) as view:
        view.note(COMMAND)
    assert COMMAND in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_date_comes_anew_after_midnight() -> None:
    evening = datetime(2026, 11, 29, 23, 59, 58, tzinfo=UTC)
    times = iter([evening + timedelta(seconds=s) for s in range(3)])
    stamps = Stamps(lambda: next(times))
    assert [stamps(line) for line in "abc"] == [
        "2026-11-29\n23:59:58 a",
        "23:59:59 b",
        "2026-11-30\n00:00:00 c",
    ]


def test_a_terminal_that_is_lost_silences_the_picture_and_what_is_printed_after() -> None:
    leader, follower = os.openpty()
    with open(follower, "w", encoding="utf-8") as tty:
        stream = cast("IO[str]", LastingStream(tty))
        console = Console(file=stream, width=100, force_terminal=True, _environ={"TERM": "xterm"})
        with LiveView(console) as view:
            view.update(BUSY)
            os.close(leader)
            view.note("after the terminal")
            view.update(replace(BUSY, calls=1))
        with lasting(tty):
            print("the last screen", file=tty)


def test_the_status_line_says_what_matters() -> None:
    assert status_line(BUSY) == (
        "[1:15:23] search: 2 agents, 7 in flight, 18,234 calls, 3,456,789 tokens, $1.23; "
        "best Routed programs 90.0 [74, 97] % (selection score)"
    )
    assert "search: 30 agents, " in status_line(replace(BUSY, agents=30))  # rows are the best of them
    assert "search: 1 agent, " in status_line(replace(BUSY, rows=BUSY.rows[:1]))


PIPED = """
import sys
from meta_search.report.live import LiveView, Snapshot
from tests.kits.clock import Clock
with LiveView() as view:
    for i in range(2000):
        view.say(f"message {i} \u2605")
        view.update(Snapshot("search", calls=i))
print("survived", file=sys.stderr)
"""


@pytest.mark.parametrize("lines", [1, 3000])
def test_a_pipe_gets_no_escapes_and_may_close_early(lines: int) -> None:
    environment = os.environ | {"FORCE_COLOR": "1", "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", PIPED]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        read = [child.stdout.readline() for _ in range(lines)]
        child.stdout.close()
        errors = child.stderr.read()
    assert "survived" in errors
    assert len(read[0]) == len("2026-11-29\n")
    assert lines == 1 or read[1][9:] == "message 0 ?\n"
    assert "\x1b" not in "".join(read)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_line_is_printed_while_the_picture_is_drawn() -> None:
    """rich draws under its own lock and asks for ours: who prints must not hold it, or both wait for ever."""
    console = Console(file=Terminal(), force_terminal=True, width=100, _environ={"TERM": "xterm"})
    drawn: list[bool] = []
    with LiveView(console) as view:
        printing = console.print

        def drawing(*what: object, **how: object) -> None:
            other = threading.Thread(target=view._render, daemon=True)  # as rich's thread does
            other.start()
            other.join(5.0)
            assert not other.is_alive()  # or both would wait for ever
            drawn.append(True)
            printing(*what, **how)  # type: ignore[arg-type]

        console.print = drawing  # type: ignore[method-assign]
        view.note("estimate: about 60 calls")
        console.print = printing  # type: ignore[method-assign]
    assert drawn == [True]
    assert "estimate: about 60 calls" in console.file.getvalue()  # type: ignore[attr-defined]
