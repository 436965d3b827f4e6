"""What ADAS published for MGSM: no part of the repository. Tests that need it are skipped where it is not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(
    os.environ.get("META_SEARCH_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
)
ADAS_ARCHIVE = SHARED / "adas_mgsm_archive.json"
MGSM_PROBLEMS = SHARED / "mgsm_en.tsv"


def skip_without(*files: Path) -> None:
    """Skip the test where one of these files is missing."""
    for file in files:
        if not file.exists():
            pytest.skip(f"{file} is not there; it is no part of this repository")


def published_agents() -> list[dict[str, Any]]:
    """Entries of the published archive; skips the test where there is none."""
    skip_without(ADAS_ARCHIVE)
    entries: list[dict[str, Any]] = json.loads(ADAS_ARCHIVE.read_text(encoding="utf-8"))
    assert len(entries) == 36
    return entries
