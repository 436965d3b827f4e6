"""Recordings: what a run must keep so that it can be replayed, and what a replay takes over from it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from archive.guard import making_sense
from archive.records import Archive
from domains.domain import Domain
from domains.sources.source import is_local
from domains.sources.united import names_several
from meta_search.config import Config, from_mapping, to_mapping
from meta_search.errors import ConfigError
from meta_search.run.folder import KEPT, read_config
from meta_search.run.own_prompts import kept_prompts
from meta_search.text import one_line
from meta_search.types import SPLITS

__all__ = [
    "REPLAYABLE",
    "amended",
    "amendments",
    "configuration",
    "domain_facts",
    "items_digest",
    "keep_domain",
    "kept_domain",
]

OWN = (
    *("run.dir", "run.root", "run.confirm", "run.grace_s", "run.report_on_stop", "run.on_hangup"),
    *("ray.address", "ray.keep_logs", "llm.mode", "llm.recording"),
)
REPLAYABLE = (
    *(*OWN, "evaluate.executor", "evaluate.workers", "evaluate.per_worker", "sandbox.level"),
    *("domain.path", "llm.max_concurrency"),
)
"""Keys that a replay may have otherwise than its recording: where things lie and where they run. Those of
`OWN` are never the recording's."""
FREE = (  # mappings whose names are the user's
    *("domain.sizes", "llm.prices", "llm.extra_body", "llm.extra_headers"),
    *("llm.task.extra", "llm.meta.extra"),
)
MOST_NAME = 200  # characters of an option that may name a file
DECIDING = ("search.", "author.", "budget.", "evaluate.racing", "evaluate.block")


def configuration(config: Config, overrides: Sequence[str]) -> Config:
    """The configuration of a replay: the recording's, but for where things lie and where they run.

    Args:
        config: As `commands.resolve.resolved` gives it, with `llm.recording`.
        overrides: As they were typed.

    Raises:
        ConfigError: An override that would change a decision.
        ArchiveError: It cannot be read.
    """
    recording = Path(str(config.llm.recording))
    mine, theirs = _flat(to_mapping(config)), _flat(to_mapping(read_config(recording)))
    mine["llm.recording"] = str(recording)
    named = [word.partition("=")[0].lstrip("+") for word in overrides]
    typed = [key for key in mine if any(key == name or key.startswith(f"{name}.") for name in named)]
    for key in typed:
        if key not in REPLAYABLE and mine[key] != theirs.get(key):
            raise ConfigError(
                f"{key} cannot differ from the recording in a replay; what may: {', '.join(REPLAYABLE)}"
            )
    kept = {key: mine[key] for key in mine if key in OWN or (key in typed and key in REPLAYABLE)}
    with Archive(recording) as archive, making_sense(archive.path):
        for changes in reversed(archive.meta("amended") or ()):
            theirs |= {key: before for key, (before, _) in _deciding(changes).items()}
    copy = recording / KEPT / Path(theirs["domain.path"] or "-").name
    if copy.exists() and is_local(theirs["domain.path"] or "-"):
        theirs["domain.path"] = str(copy)
    return kept_prompts(_with_options(from_mapping(_nested({**theirs, **kept})), recording), recording)


def amendments(before: Mapping[str, Any], config: Config) -> dict[str, list[Any]]:
    """What a resume changes of the keys that decide what a search does next: key -> before, after. A replay
    begins as the recording did, and changes the same at the same place.

    Args:
        before: The configuration of the earlier session, as the archive has it.
        config: That of this one.
    """
    old, new = _flat(before), _flat(json.loads(json.dumps(to_mapping(config))))
    decides = (key for key in new if key.startswith(DECIDING))
    return {key: [old[key], new[key]] for key in decides if key in old and old[key] != new[key]}


def amended(config: Config, changes: Mapping[str, Sequence[Any]]) -> Config:
    """A configuration with what a resume changed."""
    later = {key: after for key, (_, after) in _deciding(changes).items()}
    return from_mapping(_nested({**_flat(to_mapping(config)), **later}))


def _deciding(changes: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Changes of keys that a resume records: an archive may be a stranger's, and name any."""
    return {key: change for key, change in changes.items() if key.startswith(DECIDING)}


def keep_domain(config: Config, folder: Path) -> None:
    """Copy the domain's file into the run folder, so that the run can be replayed where the file is not.

    Of a folder the run itself is left out, which may lie in it, and what is hidden. What was fetched is in
    the cache, and several files that one path names stay where they are.

    Raises:
        ConfigError: It cannot be copied.
    """
    path = config.domain.path
    if path is None or not is_local(path) or names_several(path):
        return
    _keep_options(config, folder)
    source = Path(path)
    copy = folder / KEPT / source.name
    try:
        copy.parent.mkdir(exist_ok=True)
        if source.is_dir():
            own = {folder.resolve(), *folder.resolve().parents}
            shutil.copytree(source, copy, ignore=partial(_left_out, own))
        else:
            shutil.copyfile(source, copy)
    except shutil.SameFileError:  # it came from Python, and lies there already
        return
    except OSError as error:  # of many files, with a line for each
        why = one_line(error.strerror or str(error), 300)
        raise ConfigError(f"cannot keep domain.path={source} in the run's folder: {why}") from error


def _left_out(own: Collection[Path], folder: str, names: Sequence[str]) -> list[str]:
    """What of a folder is not copied: what is hidden, pipes, folders behind links, those the run lies in."""

    def stays(place: Path) -> bool:
        if place.is_dir():
            return not place.is_symlink() and place.resolve() not in own
        return place.is_file()

    return [name for name in names if name.startswith(".") or not stays(Path(folder) / name)]


def _keep_options(config: Config, folder: Path) -> None:
    """Copy the files that a judge is told of: its rubric, and people's verdicts."""
    for option, copy in _option_copies(config, folder).items():
        source = Path(config.domain.matcher_options[option]).expanduser()
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def _option_copies(config: Config, folder: Path) -> dict[str, Path]:
    """Where copies of the files are that options of a matcher may name."""
    options = config.domain.matcher_options if config.domain.matcher == "judge" else {}
    texts = {option: options.get(option) for option in ("rubric", "labels")}
    named = {
        o: t for o, t in texts.items() if isinstance(t, str) and "\n" not in t and 0 < len(t) < MOST_NAME
    }
    return {option: folder / KEPT / f"{option}-{Path(text).name}" for option, text in named.items()}


def _with_options(config: Config, folder: Path) -> Config:
    """The configuration with the run's own copies of files that options of a matcher name."""
    copies = {o: str(c.resolve()) for o, c in _option_copies(config, folder).items() if c.is_file()}
    options = {**config.domain.matcher_options, **copies}
    return replace(config, domain=replace(config.domain, matcher_options=options)) if copies else config


def kept_domain(config: Config, folder: Path) -> Config:
    """The configuration with the run's own copies of the domain's files, where it has some."""
    config = _with_options(config, folder)
    copy = folder / KEPT / Path(config.domain.path or "-").name
    if not copy.exists() or not is_local(config.domain.path or "-"):
        return config
    return replace(config, domain=replace(config.domain, path=str(copy.resolve())))


def domain_facts(domain: Domain) -> dict[str, Any]:
    """What `export` needs of a domain: kept with the run, so that its file may be gone by then.

    Returns:
        `name`, `wording`, `examples` (pairs of question and target), and `kinds`: item -> kind, by split.
    """
    kinds = {split: {item.id: item.kind for item in domain.items(split) if item.kind} for split in SPLITS}
    return {
        "name": domain.name,
        "wording": dict(domain.wording),
        "examples": [(item.question, item.target) for item in domain.items("examples")],
        "kinds": {split: found for split, found in kinds.items() if found},
    }


def items_digest(domain: Domain) -> str:
    """Tells whether two domains have the same items in the same order."""
    found = hashlib.sha256()
    for split in SPLITS:
        for item in domain.items(split):
            found.update(json.dumps([split, item.id, item.question, item.target, item.kind]).encode())
    return found.hexdigest()[:16]


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested configuration as dotted keys; mappings whose names are the user's are values."""
    found: dict[str, Any] = {}
    for name, value in mapping.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and key not in FREE:
            found |= _flat(value, f"{key}.")
        else:
            found[key] = value
    return found


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in flat.items():
        *groups, last = key.split(".")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return found
