"""Records the small search that CI replays: `python -m tests.data.record_run`, about ten seconds.

To be run again, and its result checked in, whenever the search itself has changed on purpose: what is asked,
how candidates are written or judged, prompts, seeds. `tests/test_run_replay.py` says so where it diverges.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tarfile
import tempfile
from pathlib import Path

from meta_search import cli
from meta_search.run.ownership import sign
from meta_search.testing import CountingEndpoint
from tests.kits.answers import mind
from tests.kits.searches import mixed_search, questions

RECORDING = Path(__file__).parent / "recorded_run.tar.xz"
# By an earlier version, which kept no items: what looks at runs has to show these, too. Never recorded anew.
EARLIER = Path(__file__).parent / "earlier_run.tar.xz"
KEPT = ("archive.db", "config.json", "domain")


def latency(index: int) -> float:
    return random.Random(index).uniform(0.0, 0.05)


def main() -> None:
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        try:
            with CountingEndpoint(mind, latency_s=latency) as endpoint:
                words = mixed_search(questions(folder), endpoint.base_url, "run.dir=run")
                more = ("llm.mode=record", "search.in_flight=3", "search.candidates=8", "seed=4")
                status = cli.main(["run", *words, *more])
        finally:
            os.chdir(before)
        if status:
            raise SystemExit(f"the search ended with status {status}")
        pack(folder / "run")
    print(f"{RECORDING}: {RECORDING.stat().st_size / 1000:.0f} kB")


def pack(run: Path) -> None:
    """A run folder without what a replay does not read."""
    with sqlite3.connect(run / "archive.db") as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.commit()
        database.execute("VACUUM")
    database.close()
    with tarfile.open(RECORDING, "w:xz", preset=9) as packed:
        for name in KEPT:
            packed.add(run / name, f"run/{name}", filter=_nobody)


def unpack(folder: Path, recording: Path = RECORDING) -> Path:
    """A recorded run in a folder of its own."""
    with tarfile.open(recording) as packed:
        packed.extractall(folder, filter="data")
    run = folder / "run"
    assert sign(run)  # as if it had been made here
    return run


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()
