"""A run keeps the prompt templates that its user brought: it is resumed and replayed with them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from meta_search.authors.templating import SUFFIX
from meta_search.config import Config
from meta_search.errors import ConfigError
from meta_search.run.folder import KEPT, write_config
from meta_search.text import one_line

__all__ = ["keep_prompts", "kept_prompts"]

NAME = "author-prompts"  # in the folder of what a run keeps, which is signed with it


def keep_prompts(config: Config, folder: Path) -> Config:
    """Copy a user's templates into the folder of a new run. Returns its configuration, which names the copy.

    Raises:
        ConfigError: They cannot be copied.
    """
    if config.author.prompts is None:
        return config
    source, copy = Path(config.author.prompts).expanduser(), folder / KEPT / NAME
    try:
        copy.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.glob(f"*{SUFFIX}")):
            shutil.copyfile(path, copy / path.name)
    except OSError as error:
        why = one_line(error.strerror or str(error), 300)
        raise ConfigError(f"cannot keep author.prompts={source} in the run's folder: {why}") from error
    kept = kept_prompts(config, folder)
    write_config(folder, kept)
    return kept


def kept_prompts(config: Config, folder: Path) -> Config:
    """The configuration with the run's own copy of the templates, where it has one."""
    copy = folder / KEPT / NAME
    if config.author.prompts is None or not copy.is_dir():
        return config
    return replace(config, author=replace(config.author, prompts=str(copy.resolve())))
