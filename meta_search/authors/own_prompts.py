"""A user's own prompt templates (`author.prompts`): checked before a run starts, and ours to begin from."""

from __future__ import annotations

import shutil
from pathlib import Path

from meta_search.authors.sight.builder import LEFT_OUT, PARTS
from meta_search.authors.templating import SUFFIX, TEMPLATES, names_in
from meta_search.errors import ConfigError
from meta_search.text import one_line, shell_path

__all__ = ["check_prompts", "copy_ours", "names", "values_of"]

KEY = "author.prompts"


def names() -> list[str]:
    """Names of all templates, without their ending."""
    return sorted(path.stem for path in TEMPLATES.glob(f"*{SUFFIX}"))


def values_of(name: str) -> frozenset[str]:
    """What a template may name: what ours of that name does, and all parts of prompts where it has any."""
    ours = names_in(None, name)
    return ours | {*PARTS} if LEFT_OUT in ours else ours


def check_prompts(folder: str) -> None:
    """See that a folder of templates can be used.

    Args:
        folder: As configured.

    Raises:
        ConfigError: It is not there, holds a file that is none of our templates, a template that cannot be
            read, or one that names a value that it is not given; one line.
    """
    place = Path(folder).expanduser()
    told = f"{KEY}={one_line(folder, 200)}"
    if not place.is_dir():
        raise ConfigError(f"{told} is no folder; `meta-search prompts DIR` makes one with all our templates")
    known = names()
    files = sorted(path for path in place.iterdir() if not path.name.startswith("."))
    if not files:
        raise ConfigError(f"{told} is empty; `meta-search prompts DIR` makes a folder with all our templates")
    for path in files:
        if path.suffix != SUFFIX or path.stem not in known or not path.is_file():
            there = ", ".join(f"{name}{SUFFIX}" for name in known)
            raise ConfigError(f"{told}: {one_line(path.name, 80)} is no template; there are {there}")
        # Not from what an earlier run of this process has read: it may have been mended since.
        wrong = names_in.__wrapped__(str(place), path.stem) - values_of(path.stem)
        if wrong:
            given = ", ".join(sorted(values_of(path.stem))) or "nothing"
            raise ConfigError(f"{KEY}: {path.name} names {', '.join(sorted(wrong))}; it is given {given}")


def copy_ours(folder: Path) -> int:
    """Copy all our templates into a folder, which is made where it is not there.

    Returns:
        How many there are.

    Raises:
        ConfigError: One of them lies there already, or the folder cannot be written; one line.
    """
    there = sorted(name for name in names() if (folder / f"{name}{SUFFIX}").exists())
    if there:
        held = f"{shell_path(folder)} holds {there[0]}{SUFFIX} already"
        raise ConfigError(f"{held}, which is left as it is: name a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names():
            shutil.copyfile(TEMPLATES / f"{name}{SUFFIX}", folder / f"{name}{SUFFIX}")
    except OSError as error:
        raise ConfigError(f"cannot write to {shell_path(folder)}: {error.strerror or error}") from error
    return len(names())
