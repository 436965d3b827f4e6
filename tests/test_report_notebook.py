"""The view in a notebook. A kernel is stood in for by what it lends: a shell, and displays under a handle."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import meta_search
from meta_search.report.live import LiveView
from meta_search.report.notebook import NotebookView, in_notebook, make_view
from meta_search.report.snapshot import Snapshot, SnapshotRow
from meta_search.testing import CountingEndpoint
from tests.kits import sums
from tests.kits.answers import adds_below


class Kernel:
    """What IPython lends a notebook's code: each list of pictures is one output."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **shell: Any) -> None:
        self.outputs: list[list[str]] = []
        ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
        vars(ipython)["get_ipython"] = lambda: SimpleNamespace(**shell)
        vars(display).update(HTML=str, display=self.display)
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, picture: str, display_id: bool) -> SimpleNamespace:
        assert display_id
        self.outputs.append([picture])
        return SimpleNamespace(update=self.outputs[-1].append)


def test_only_a_kernel_is_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_notebook()
    Kernel(monkeypatch)  # IPython on a terminal
    assert not in_notebook()
    assert isinstance(make_view(), LiveView)
    Kernel(monkeypatch, kernel=object())
    assert in_notebook()
    assert isinstance(make_view(), NotebookView)


def row(name: str) -> SnapshotRow:
    return SnapshotRow("a1", name, "llm", "novel", 0.5, 0.2, 0.8, 4, 6, 31.0, on_front=True)


def test_one_output_is_redrawn_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(monkeypatch, kernel=object())
    now = 0.0
    view = NotebookView(clock=lambda: now)
    with_rows = Snapshot("search", 5.0, calls=3, rows=(row("<script>alert(1)</script>\x1b[2J"),))
    view.__enter__()
    for step in range(10):
        now = step / 4
        view.update(with_rows)
    view.note("estimate: <b>9</b> calls")
    view.say("«a» 50% right")
    view.say("«a» 50% right")
    view.close()
    (pictures,) = kernel.outputs
    assert len(pictures) == 1 + 3 + 1
    last = pictures[-1]
    assert "<script>" not in last
    assert "\x1b" not in last
    assert "<b>9</b>" not in last
    assert "&lt;script&gt;alert(1)" in last
    assert "50.0 [20, 80]" in last
    assert last.count("«a» 50% right") == 1


def test_a_search_in_a_notebook_shows_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel = Kernel(monkeypatch, kernel=object())
    with CountingEndpoint(adds_below(12)) as endpoint:
        summary = meta_search.search(*sums.short(endpoint), domain=sums.rows())
        assert len(kernel.outputs) == 1
        assert "direct" in kernel.outputs[0][-1]
        assert "fresh test items" in kernel.outputs[0][-1]
        printed = capsys.readouterr().out
        assert printed == f"run folder: {summary.folder}\n"
        meta_search.evaluate(sums.SILENT, *sums.short(endpoint), domain=sums.rows(), live=False)
    assert len(kernel.outputs) == 1
    shown = summary._repr_html_()
    assert shown.count("<tr>") >= 3
    assert "direct" in shown


def test_answers_without_a_call_have_a_column_where_there_are_any() -> None:
    view = NotebookView()
    view.update(Snapshot("search", 5.0, rows=(row("asks"),)))
    assert "no call" not in view.html()
    view.update(Snapshot("search", 5.0, rows=(row("asks"), replace(row("rules"), model_free=0.25))))
    assert "no call %" in (page := view.html())
    assert ">25<" in page
