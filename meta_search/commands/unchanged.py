"""Refuses to go on with a run over other data: old and new scores would stand side by side."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from archive.records import Archive
from domains.domain import Domain
from meta_search.errors import ConfigError
from meta_search.run.fingerprint import differences
from meta_search.run.recording import items_digest
from meta_search.text import override
from meta_search.types import SPLITS, Split

__all__ = ["check_unchanged", "run_again"]

MOST = 3  # changes that are named
OWN = ("run.dir", "llm.recording", "llm.mode")  # overrides of a run that its successor has otherwise


def check_unchanged(before: Archive, domain: Domain, remedy: str, splits: Sequence[Split] = SPLITS) -> None:
    """See that a run goes on with the items, instruction and scorer that it began with.

    Args:
        before: The archive of the run.
        domain: The domain as it is now.
        remedy: What to do instead; ends the error's line.
        splits: Splits that matter.

    Raises:
        ConfigError: Something is otherwise; one line that names it.
    """
    kept, digest = before.meta("fingerprint"), before.meta("items")
    if kept is not None:
        changed = differences(kept, domain, splits)
    else:  # a run of an earlier version
        changed = ["its items changed"] if digest is not None and digest != items_digest(domain) else []
    left = len(changed) - MOST
    more = f"; and {left} more change{'s' if left > 1 else ''}" if left > 0 else ""
    if changed:
        raise ConfigError(
            f"the domain {domain.name} is not what it was when {before.path.parent} began: "
            f"{'; '.join(changed[:MOST])}{more}. Old and new scores would mix: {remedy}"
        )


def run_again(before: Archive) -> str:
    """The command of a new run like this one, which takes the answers that this one paid."""
    folder = before.path.parent.resolve()
    taken = override("llm.recording", str(folder))
    typed = list(before.meta("overrides") or ())
    if not typed:  # from Python
        return f"start a new run; with {taken} it takes paid answers from this one"
    path = (before.meta("config") or {}).get("domain", {}).get("path")
    names = [word.partition("=")[0].lstrip("+") for word in typed]
    words = [
        override(name, path) if name == "domain.path" and path else shlex.quote(word)
        for name, word in zip(names, typed, strict=True)
        if name not in OWN
    ]
    again = " ".join([*words, taken])
    return f"`meta-search run {again}` begins anew and takes paid answers from this run"
