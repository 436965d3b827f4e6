"""Fetches a configuration of a hub's dataset; run as a program of its own, see `hub`.

The only importer of `datasets`. It takes seconds to load and much memory, and prints what it likes: all that
stays here. Data sets that would run a script of their author are refused by `datasets` itself;
`trust_remote_code` is never given.

    python hub_child.py RESULT.json OWNER/NAME CONFIG REVISION MOST_BYTES
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

TIMEOUT_S = 20.0
SHA = re.compile(r"[0-9a-f]{40}")


def main() -> None:
    """Fetch, and write what came of it: `sha` and `files` (split -> Arrow files), or `error` and `why`."""
    result, name, config, revision, most = sys.argv[1:]
    try:
        told = fetch(name, config, revision, int(most))
    except BaseException as error:  # noqa: BLE001 (whatever it is, the parent words it)
        told = {"error": kinds(error), "why": str(error)[:2000], "status": status(error)}
    Path(result).write_text(json.dumps(told), encoding="utf-8")


def kinds(error: BaseException | None) -> list[str]:
    """Names of an error's classes, and of those that it comes from."""
    names: list[str] = []
    seen: list[BaseException] = []
    while error is not None and error not in seen and len(seen) < 10:
        seen.append(error)
        names += [kind.__name__ for kind in type(error).__mro__[:-3]]
        error = error.__cause__ or error.__context__
    return list(dict.fromkeys(names))


def status(error: BaseException | None) -> int:
    """The status of the hub's answer, 0 without one."""
    while error is not None:
        found = getattr(getattr(error, "response", None), "status_code", 0)
        if found:
            return int(found)
        error = error.__cause__
    return 0


def fetch(name: str, config: str, revision: str, most: int) -> dict[str, Any]:
    """Fetch all splits of a configuration into the cache of `datasets`."""
    import datasets
    import huggingface_hub as hub

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    offline = bool(os.environ.get("HF_HUB_OFFLINE"))
    sha = revision if SHA.fullmatch(revision) else ""
    if not sha and not offline:
        sha = str(hub.HfApi().dataset_info(name, revision=revision or None, timeout=TIMEOUT_S).sha)
    builder = datasets.load_dataset_builder(name, config or None, revision=sha or revision or None)
    sha = sha or str(builder.hash)
    if not offline:
        size = size_of(hub, name, sha, builder)
        if size > most:
            return {"error": ["TooLarge"], "why": str(size), "status": 0}
    builder.download_and_prepare()
    found = builder.as_dataset()
    parts = found if isinstance(found, dict) else {"": found}
    return {
        "sha": sha,
        "config": builder.config.name,
        "files": {
            str(split): [str(file["filename"]) for file in part.cache_files] for split, part in parts.items()
        },
        "rows": {str(split): part.num_rows for split, part in parts.items()},
    }


def size_of(hub: Any, name: str, sha: str, builder: Any) -> int:
    """Bytes of the files of a configuration, as the hub states them."""
    wanted = {
        str(file).partition("@")[2].partition("/")[2]
        for files in (builder.config.data_files or {}).values()
        for file in files
        if str(file).startswith("hf://")
    }
    tree = hub.HfApi().list_repo_tree(name, revision=sha, repo_type="dataset", recursive=True)
    return sum(file.size for file in tree if getattr(file, "size", None) and file.path in wanted)


if __name__ == "__main__":
    main()
