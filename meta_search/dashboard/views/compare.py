"""Several runs side by side: what they found for what they paid, and why their numbers may not compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from archive.records import Archive
from meta_search.dashboard import registry
from meta_search.dashboard.places import run_folder
from meta_search.dashboard.views import row_of_run, shared
from meta_search.dashboard.views.standing import AT_WORK
from meta_search.errors import ConfigError
from meta_search.text import one_line

__all__ = ["compare", "warnings_of"]

MOST = 12  # runs
SPLITS = ("train", "validation", "test")
SHOWN = 60  # characters of a value

Json = dict[str, Any]
Lent = Callable[[Path], Any]


def compare(root: Path, run: Sequence[str], lent: Lent = Archive) -> Json:
    """Runs side by side, as `Comparison` of the contract.

    Args:
        root: The folder that is served.
        run: Ids of the runs, in the order in which they are shown.
        lent: Gives an archive of a run folder for the length of a block.

    Raises:
        ConfigError: No run, or too many, are named.
        ArchiveError: One is none, or cannot be read.
    """
    names = list(dict.fromkeys(run))
    if not 0 < len(names) <= MOST:
        raise ConfigError(f"name 1 to {MOST} runs, as ?run=ID&run=ID")
    facts, rows = [], []
    for name in names:
        folder = run_folder(root, name)
        with lent(folder) as archive:
            row = row_of_run.run_row(folder, archive, name)
            facts.append((name, row, _facts(folder, archive)))
            rows.append({"run": row, "steps": _steps(folder, archive), "test": _test(row)})
    return {"warnings": warnings_of(facts), "runs": rows}


def warnings_of(facts: Sequence[tuple[str, Json, Json]]) -> list[str]:
    """What differs between runs that makes their numbers hard to compare, a line each.

    Args:
        facts: Id of a run, its row, and what it measured with.
    """
    return [line for lines in (_all_of(facts)) for line in lines] if len(facts) > 1 else []


def _forks(rows: Sequence[tuple[str, Json]]) -> list[str]:
    """A fork begins where its origin was: its curve starts high, and what led there was paid by the other."""
    forks = [name for name, row in rows if row.get("fork_of")]
    if not forks:
        return []
    return [f"forks: {_names(forks)} started from agents of another run, whose spending is not counted here"]


def _all_of(facts: Sequence[tuple[str, Json, Json]]) -> Iterator[list[str]]:
    ask = [(name, row) for name, row, _ in facts]
    yield _differ(ask, "domains differ", lambda row: row["domain"])
    yield _items([(name, found) for name, _, found in facts])
    yield _forks(ask)
    yield _differ(ask, "task models differ", lambda row: ", ".join(row["task_models"]))
    yield _differ(ask, "meta models differ", lambda row: ", ".join(row["meta_models"]))
    measured = [(name, found) for name, _, found in facts]
    yield _differ(measured, "what agents are told differs", lambda found: found["wording"], quiet=True)
    yield _differ(measured, "the scorer's code differs", lambda found: found["source"], quiet=True)
    yield _differ(measured, "versions of meta-search differ", lambda found: found["version"])
    yield _differ(measured, "presets differ", lambda found: found["preset"])
    yield _differ(ask, "a search and an evaluation are compared", lambda row: row["kind"], quiet=True)
    unfinished = [name for name, row in ask if row["state"] in AT_WORK]
    if unfinished:
        yield [f"still at work: {_names(unfinished)}; what they show will change"]
    selection = [name for name, row in ask if row["best"] and row["best"]["selection"]]
    if selection:
        yield [f"no test yet: {_names(selection)} show selection scores, not results"]


def _items(found: Sequence[tuple[str, Json]]) -> list[str]:
    """Whether the runs measured on the same items, split by split."""
    differ = []
    for split in SPLITS:
        sets = [(facts["items"].get(split) if facts["items"] else None) for _, facts in found]
        known = [one for one in sets if one is not None]
        if len(known) > 1 and any(one != known[0] for one in known[1:]):
            differ.append(f"{split} ({_overlap(known)})")
    if differ:
        return [f"items differ: {', '.join(differ)}; scores on different items do not compare"]
    digests = {facts["digest"] for _, facts in found if facts["digest"]}
    if len(digests) > 1 and not any(facts["items"] for _, facts in found):
        return ["items differ; scores on different items do not compare"]
    unknown = [name for name, facts in found if not facts["items"] and not facts["digest"]]
    return [f"nobody knows whether the items are the same: {_names(unknown)} did not say"] if unknown else []


def _overlap(sets: Sequence[Any]) -> str:
    """How many items all have in common, where they are known one by one."""
    if not all(isinstance(one, Mapping) for one in sets):
        return "not the same"
    shared_items = set(sets[0].items())
    for one in sets[1:]:
        shared_items &= set(one.items())
    return f"{len(shared_items)} in common of {', '.join(str(len(one)) for one in sets)}"


def _differ(
    found: Sequence[tuple[str, Json]], what: str, of: Callable[[Json], Any], quiet: bool = False
) -> list[str]:
    """A line where what runs say of themselves differs."""
    values: dict[str, list[str]] = {}
    for name, facts in found:
        values.setdefault(str(of(facts) or ""), []).append(name)
    if len(values) < 2 or (quiet and "" in values):
        return []
    if quiet:
        return [what]
    told = "; ".join(
        f"{one_line(value, SHOWN) or 'not known'} ({_names(names)})" for value, names in values.items()
    )
    return [f"{what}: {told}"]


def _names(names: Sequence[str]) -> str:
    return ", ".join(one_line(name, SHOWN) for name in names)


def _facts(folder: Path, archive: Archive) -> Json:
    """What a run measured with."""
    fingerprint = archive.meta("fingerprint")
    known = fingerprint if isinstance(fingerprint, Mapping) else {}
    items = known.get("items")
    config = shared.config_of(folder, archive)
    search = config.get("search")
    return {
        "items": dict(items) if isinstance(items, Mapping) else {},
        "digest": str(archive.meta("items") or ""),
        "wording": str(known.get("wording") or ""),
        "source": str(known.get("source") or ""),
        "version": str(archive.meta("version") or ""),
        "preset": str(search.get("name") or "") if isinstance(search, Mapping) else "",
    }


def _steps(folder: Path, archive: Archive) -> list[Json]:
    """Best so far, as the run's own view of its progress has it."""
    found: list[Json] = registry.view("progress")(folder, archive)["steps"]
    return found


def _test(row: Json) -> Json | None:
    """The best on test items, once there is a result."""
    best: Json | None = row["best"]
    return best if best and best["split"] == "test" else None
