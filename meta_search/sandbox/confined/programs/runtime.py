"""The runtime of a sandbox for programs: a job is code and standard input, its result what was printed."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import Any

from meta_search.sandbox.confined.child import run_code

__all__ = ["run_item"]


def run_item(job: Mapping[str, Any], channel: object) -> dict[str, Any]:
    """Run a program; see `run_code`.

    Args:
        job: `code`, `stdin`, and `output_kb`, the KB of output that are kept.
        channel: Not used.
    """
    sys.stdin = io.TextIOWrapper(io.BytesIO(job["stdin"].encode("utf-8", "replace")), "utf-8")
    return run_code(job["code"], job["output_kb"])
