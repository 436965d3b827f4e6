"""Calls saved by racing, and would-be finalists lost, replayed on recorded scores of agents on items."""

from __future__ import annotations

from tests.bench.row import NotYet, Row


def measure(quick: bool) -> Row:
    """Not there yet: invented scores would measure the invention."""
    raise NotYet("needs a recorded landscape: agents' scores on every item, without racing")
