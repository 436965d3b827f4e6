"""Which run is meant: `RUN` is a run folder or `latest`, `RUN:AGENT` an agent of it (DESIGN.md section 9)."""

from __future__ import annotations

from pathlib import Path

from meta_search.errors import ArchiveError

__all__ = ["ARCHIVE", "resolve", "split_agent"]

ARCHIVE = "archive.db"


def resolve(run: str | Path, root: str | Path = "runs") -> Path:
    """The folder of a run.

    Args:
        run: A run folder, its name under `root`, its archive file, or `latest`: the newest under `root`.
        root: Where runs lie.

    Raises:
        ArchiveError: There is no such run; one line.
    """
    folder = Path(run)
    if str(run) == "latest" and not (folder / ARCHIVE).is_file():
        runs = [path.parent for path in Path(root).glob(f"*/{ARCHIVE}")]
        if not runs:
            raise ArchiveError(f"no run under {root}/ yet: start one with `meta-search run`")
        return max(runs, key=_started)
    if folder.name == ARCHIVE and folder.is_file():
        return folder.parent
    for place in (folder, Path(root) / folder):
        if (place / ARCHIVE).is_file():
            return place
    if folder.is_dir():
        raise ArchiveError(f"{run} is not a run folder: it holds no {ARCHIVE}")
    raise ArchiveError(f"{run}: no such run folder; `latest` takes the newest under {root}/")


def _started(folder: Path) -> tuple[float, str]:
    """When a run began: its config is written once, its archive until the end."""
    config = folder / "config.json"
    return (config if config.is_file() else folder / ARCHIVE).stat().st_mtime, folder.name


def split_agent(text: str) -> tuple[str, str | None]:
    """`RUN:AGENT` as (RUN, AGENT); AGENT is None where only a run is named, or a file that has a colon."""
    run, colon, agent = text.rpartition(":")
    if not colon or not run or "/" in agent or Path(text).exists():
        return text, None
    return run, agent
