"""`meta-search prompts`: our prompt templates, copied out to be changed."""

from __future__ import annotations

from pathlib import Path

from meta_search.text import one_line, shell_path

__all__ = ["copy_prompts"]


def copy_prompts(folder: Path) -> int:
    """Copy our templates into a folder, and say how to use them.

    Args:
        folder: A new folder, or one without any of them.
    """
    from meta_search.authors.own_prompts import copy_ours

    count = copy_ours(folder)
    place = shell_path(folder)
    print(one_line(f"{count} templates are in {place}; docs/prompts.md says what each is given"))
    print("change those that you want otherwise, and delete the rest: they stay ours, and improve with us")
    print(one_line(f"meta-search run author.prompts={place}"))
    return 0
