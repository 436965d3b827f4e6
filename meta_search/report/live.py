"""The view of a running search: a rich live display on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

from meta_search.report.screen import LastingStream, RunLog, Stamps
from meta_search.report.selection import SELECTION, SELECTION_NOTE
from meta_search.report.snapshot import Snapshot
from meta_search.report.tables import score_text, usd_text
from meta_search.text import one_line
from meta_search.types import free_text

if TYPE_CHECKING:
    from typing import IO

    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.table import Table

__all__ = ["LiveView", "duration", "render", "status_line"]

STATUS_EVERY_S = 10.0  # plain lines: at most one status line in this time, where something happened
ALIVE_EVERY_S = 600.0  # and where nothing but the counts went on
LONGEST = 400  # characters of a message
LONGEST_NOTE = 2000  # of a line that stays: it may hold a command to type
MESSAGES = 4  # last messages shown on a terminal
IN_FLIGHT = 4  # candidates in flight named on a terminal
WIDE = 90  # columns from which on author and operator are shown
FRAME_LINES = 12  # lines of the view besides messages, in flight and rows


class LiveView:
    """Shows snapshots and messages; a context manager. Safe to call from several threads.

    On a terminal it redraws in place and keeps the last picture when it ends. Elsewhere it prints plain
    lines with the time, without escapes: each message once, and a status line where something happened since
    the last one, every ten seconds at most. A log gets these lines in either case. A reader that went away
    (`| head`, a terminal that was lost) silences it and never stops a search.

    Args:
        console: Where to draw; by default standard output.
        clock: Seconds, for the rate of status lines.
        log: Gets the plain lines as well.
    """

    def __init__(
        self,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        log: RunLog | None = None,
    ) -> None:
        if console is None:
            from rich.console import Console

            console = Console(
                highlight=False, markup=False, emoji=False, file=cast("IO[str]", LastingStream(sys.stdout))
            )
        self._console = console
        self._stream, self._stamps = LastingStream(console.file), Stamps()
        self._clock, self._log = clock, log
        self._lock = RLock()
        self._snapshot = Snapshot(phase="starting")
        self._messages: deque[str] = deque(maxlen=MESSAGES)
        self._last_message = ""
        self._printed: Snapshot | None = None
        self._printed_at = float("-inf")
        self._news = True  # whether anything happened since the last status line
        self._live: Live | None = None
        # FORCE_COLOR makes rich call a pipe a terminal: ask the stream itself as well.
        stream_is_tty = getattr(console.file, "isatty", lambda: False)()
        self._terminal = bool(stream_is_tty and console.is_terminal and not console.is_dumb_terminal)

    def __enter__(self) -> LiveView:
        if self._terminal:
            from rich.live import Live

            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=4)
            self._live.start(refresh=True)
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def update(self, snapshot: Snapshot) -> None:
        """Show a new state. Cheap: on a terminal the display fetches it when it next redraws."""
        with self._lock:
            self._snapshot = snapshot
            if snapshot.message:
                self.say(snapshot.message)
            self._news = self._news or self._printed is None or snapshot.phase != self._printed.phase
            every = STATUS_EVERY_S if self._news else ALIVE_EVERY_S
            if self._clock() - self._printed_at >= every:
                self._print_status()

    def say(self, line: str) -> None:
        """Show a message; one that only repeats the last is dropped."""
        with self._lock:
            if self._new(line := one_line(line, LONGEST)):
                self._messages.append(line)
                self._print(line)

    def note(self, line: str) -> None:
        """Print a line that stays: above the picture on a terminal, where no command in it is cut."""
        with self._lock:
            live, line = self._live, one_line(line, LONGEST_NOTE)
            new = self._new(line)
            if new:
                self._print(line)
        if new and live is not None:
            from rich.text import Text

            # Not under our lock: rich's thread draws under its own and asks for ours in `_render`.
            live.console.print(Text(line), soft_wrap=True)

    def _new(self, line: str) -> bool:
        """Whether a message is one, and does not only repeat the last."""
        if not line or line == self._last_message:
            return False
        self._last_message, self._news = line, True
        return True

    def close(self) -> None:
        """Draw the last state and let go of the terminal; may be called twice."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()
        with self._lock:
            self._print_status()

    def _print_status(self) -> None:
        """A status line, unless nothing but the time changed since the last one."""
        now = replace(self._snapshot, elapsed_s=0.0, message="")
        before, self._printed = self._printed, now
        if now != before and now != Snapshot(phase="starting"):
            self._printed_at, self._news = self._clock(), False
            self._print(status_line(self._snapshot), screen=not self._terminal)

    def _print(self, line: str, screen: bool = True) -> None:
        """A plain line: in the log, and on the screen where there is no picture now."""
        if self._log is not None:
            self._log.write(line)
        if screen and self._live is None:
            self._stream.write(self._stamps(line) + "\n")
            self._stream.flush()

    def _render(self) -> RenderableType:
        with self._lock:
            snapshot, messages = self._snapshot, list(self._messages)
        return render(snapshot, messages, self._console)


def status_line(s: Snapshot) -> str:
    """One plain line on a snapshot."""
    agents = max(s.agents, len(s.rows))
    parts = [
        f"[{duration(s.elapsed_s)}]",
        one_line(s.phase, 20) + ":",
        f"{agents} agent{'' if agents == 1 else 's'},",
        f"{len(s.in_flight)} in flight,",
        f"{s.calls:,} calls, {s.tokens:,} tokens" + (f", {usd_text(s.cost_usd)}" if s.cost_usd else ""),
    ]
    if s.rows:
        best = s.rows[0]
        parts[-1] += ";"
        parts.append(
            f"best {one_line(best.name, 40)} {score_text(best.score, best.low, best.high).strip()} % "
            f"({', '.join([SELECTION, *([free_text(best.model_free)] if best.model_free else [])])})"
        )
    return " ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def render(s: Snapshot, messages: list[str], console: Console) -> RenderableType:
    """The picture of a snapshot, fitted to the height of the console."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    fancy = (console.encoding or "").lower().startswith("utf")
    lines = max(3, console.height - FRAME_LINES - len(messages) - min(len(s.in_flight), IN_FLIGHT + 1))
    wide = console.width >= WIDE
    parts: list[Any] = [_header(s), Text(""), _best(s, lines, fancy, wide)]
    if s.in_flight:
        parts.append(Text("in flight", style="bold"))
        parts += [_line(line, fancy, "cyan") for line in s.in_flight[:IN_FLIGHT]]
        if len(s.in_flight) > IN_FLIGHT:
            parts.append(_line(f"and {len(s.in_flight) - IN_FLIGHT} more", fancy, "dim"))
    if messages:
        parts.append(Text("last messages", style="bold"))
        parts += [_line(line, fancy, "dim") for line in messages]
    return Panel(Group(*parts), title="meta-search", title_align="left", border_style="blue", padding=(0, 1))


def _header(s: Snapshot) -> RenderableType:
    from rich.text import Text

    fields = [("", duration(s.elapsed_s))]
    if s.wall_s is not None:
        fields.append(("left ", duration(s.wall_s - s.elapsed_s)))
    fields += [("calls ", f"{s.calls:,}"), ("tokens ", f"{s.tokens:,}")]
    if s.cost_usd:
        fields.append(("cost ", usd_text(s.cost_usd)))
    header = Text(no_wrap=True, overflow="ellipsis")
    header.append(one_line(s.phase, 20), style="bold green")
    for name, value in fields:
        header.append("   ").append(name, style="dim").append(value, style="bold")
    return header


def _best(s: Snapshot, lines: int, fancy: bool, wide: bool) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), expand=True, show_edge=False)
    table.add_column("", width=1)
    table.add_column("agent", no_wrap=True, overflow="ellipsis", ratio=1, min_width=12)
    for head in ("author", "operator") if wide else ():
        table.add_column(head, no_wrap=True, overflow="ellipsis", max_width=9)
    free = any(row.model_free for row in s.rows)
    for head in ("score % [95 %]", *(("no call %",) if free else ()), "items", "tok/item"):
        table.add_column(head, justify="right", no_wrap=True)
    for row in s.rows[:lines]:
        lineage = [_line(row.author, fancy, "", 12), _line(row.operator, fancy, "", 12)]
        table.add_row(
            Text("★" if fancy else "*", style="yellow") if row.on_front else "",
            _line(row.name, fancy, "bold" if row.on_front else "", 60),
            *(lineage if wide else ()),
            Text(score_text(row.score, row.low, row.high) if row.items else "-"),
            *((f"{100 * row.model_free:.0f}",) if free else ()),
            Text(f"{row.items}/{row.planned}", style="" if row.items >= row.planned else "dim"),
            f"{row.tokens_per_item:,.0f}" if row.items else "-",
        )
    if (more := max(s.agents, len(s.rows)) - min(lines, len(s.rows))) > 0:
        table.caption = f"{more} more agents; {SELECTION_NOTE}"
    elif s.rows:
        table.caption = SELECTION_NOTE
    else:
        table.add_row("", Text("no agent evaluated yet", style="dim"))
    return table


def _line(text: str, fancy: bool, style: str, limit: int = 160) -> RenderableType:
    """Untrusted text as one line, in ASCII where the terminal knows no more."""
    from rich.text import Text

    line = one_line(text, limit)
    if not fancy:
        line = line.encode("ascii", "replace").decode()
    return Text(line, style=style, no_wrap=True, overflow="ellipsis")
