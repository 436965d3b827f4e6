"""The view of a running search in a notebook: one output that is redrawn in place, without escape codes.

Notebooks know how to show HTML under a handle and to replace it; neither ipywidgets nor a terminal is needed.
"""

from __future__ import annotations

import html
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

from meta_search.report.live import LiveView, status_line
from meta_search.report.snapshot import Snapshot
from meta_search.report.tables import score_text
from meta_search.report.verdict import Verdict
from meta_search.text import html_table, one_line

__all__ = ["NotebookView", "View", "in_notebook", "make_view", "verdict_html"]

DRAW_EVERY_S = 1.0
MESSAGES = 6
ROWS = 8


class View(Protocol):
    """What shows a run; safe to call from several threads."""

    def __enter__(self) -> Any: ...
    def update(self, snapshot: Snapshot) -> None: ...
    def say(self, line: str) -> None: ...
    def note(self, line: str) -> None: ...
    def close(self) -> None: ...


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook; an IPython terminal is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def make_view(elsewhere: Callable[[], View] = LiveView) -> View:
    """The view that fits where the output goes.

    Args:
        elsewhere: Makes the one for a terminal or a file.
    """
    return NotebookView() if in_notebook() else elsewhere()


def verdict_html(folder: str, sentence: str, verdict: Verdict | None) -> str:
    """How a run ended: the sentence, and finalists and baselines on the test items; all escaped.

    Args:
        folder: The run folder, as the title.
        sentence: How it ended.
        verdict: What the sentence rests on, where the run came to it.
    """
    found = [("finalist", c.finalist, c) for c in verdict.comparisons] if verdict else []
    baselines = [("baseline", standing, None) for standing in verdict.baselines] if verdict else []
    free = any(s.told_free for _, s, _ in (*found, *baselines))
    rows = [
        (
            role,
            s.name,
            s.agent[:8],
            score_text(s.score, s.low, s.high),
            *((f"{100 * s.told_free:.0f}",) if free else ()),
            s.items,
            f"{s.tokens_per_item:,.0f}",
            f"{100 * c.difference:+.1f} [{100 * c.low:.0f}, {100 * c.high:.0f}]" if c else "",
            f"{c.p_adjusted:.2g}" if c else "",
        )
        for role, s, c in (*found, *baselines)
    ]
    heads = (
        "",
        "name",
        "agent",
        "score % [95 %]",
        *(("no call %",) if free else ()),
        "test items",
        "tokens/item",
        "points over base",
        "p",
    )
    return html_table(folder, heads if rows else (), rows, verdict.text if verdict else sentence)


class NotebookView:
    """Shows snapshots and messages under one display handle.

    Args:
        clock: Seconds, for how often it is redrawn.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._snapshot = Snapshot(phase="starting")
        self._messages: deque[str] = deque(maxlen=MESSAGES)
        self._notes: list[str] = []
        self._handle: Any = None
        self._drawn_at = float("-inf")

    def __enter__(self) -> NotebookView:
        from IPython.display import HTML, display

        warnings.filterwarnings("ignore", "IProgress not found")  # tqdm's, of libraries: nobody needs widgets
        if self._handle is None:
            self._handle = display(HTML(self.html()), display_id=True)
        return self

    def update(self, snapshot: Snapshot) -> None:
        """Show a new state."""
        self._snapshot = snapshot
        if snapshot.message:
            self.say(snapshot.message)
        self._draw()

    def say(self, line: str) -> None:
        """Show a message; one that only repeats the last is dropped."""
        line = one_line(line, 400)
        with self._lock:
            if line and line not in list(self._messages)[-1:]:
                self._messages.append(line)
        self._draw()

    def note(self, line: str) -> None:
        """Show a line that stays."""
        with self._lock:
            self._notes.append(one_line(line, 400))
        self._draw()

    def close(self) -> None:
        """Draw the last state; may be called twice."""
        self._drawn_at = float("-inf")
        self._draw()

    def html(self) -> str:
        """The picture: escaped, as names and messages hold what models wrote."""
        with self._lock:
            notes, messages, s = list(self._notes), list(self._messages), self._snapshot
        free = any(row.model_free for row in s.rows[:ROWS])
        no_call = ("no call %",) if free else ()
        heads = ("", "agent", "operator", "score % [95 %]", *no_call, "items", "tokens/item")
        rows = [
            (
                "★" if row.on_front else "",
                row.name,
                row.operator,
                score_text(row.score, row.low, row.high) if row.items else "–",
                *((f"{100 * row.model_free:.0f}",) if free else ()),
                f"{row.items}/{row.planned}",
                f"{row.tokens_per_item:,.0f}",
            )
            for row in s.rows[:ROWS]
        ]
        lines = "<br>".join(html.escape(line) for line in [*notes, *messages])
        return html_table(status_line(s), heads, rows) + f"<small>{lines}</small>"

    def _draw(self) -> None:
        """Not under the lock: a kernel takes its time. A picture that is left out is drawn with the next."""
        now = self._clock()
        if self._handle is None or now - self._drawn_at < DRAW_EVERY_S:
            return
        self._drawn_at = now
        from IPython.display import HTML

        self._handle.update(HTML(self.html()))
