"""The runtime of a sandbox for programs: a job is code and its standard input, the result what it printed."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import Any

from meta_search.sandbox.confined.child import run_code

__all__ = ["run_item"]


def run_item(job: Mapping[str, Any], channel: object) -> dict[str, Any]:
    """Run `job["code"]` with `job["stdin"]` as standard input; see `run_code`."""
    sys.stdin = io.TextIOWrapper(io.BytesIO(job["stdin"].encode("utf-8", "replace")), "utf-8")
    return run_code(job["code"], job["output_kb"])
