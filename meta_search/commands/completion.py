"""Shell completion, as `meta-search run -sc install=bash` sets it up."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Sequence

from meta_search.compose import options_of, run_app
from meta_search.errors import MetaSearchError

__all__ = ["complete"]

COMPLETED = {  # command -> what may follow it, but for overrides and files
    "archive": "list show diff lineage search import",
    **dict.fromkeys(("resume", "export", "report", "status", "steer"), "latest"),
    "domains": "list show",
    "models": "list pull",
}
PLAIN_OVERRIDE = re.compile(r"[+~]*[\w./@]+=[\w./:@,+-]*")


def complete(arguments: Sequence[str]) -> int:
    """Shell completion: of commands here, of overrides by Hydra, which knows nothing of commands.

    Hydra is told only words that it can read: an error would be written over the line that is being typed.

    Args:
        arguments: `-sc` and what stands behind it; the line itself is in `COMP_LINE`.
    """
    program, *words = os.environ.get("COMP_LINE", "").split(" ")
    here = {
        1: "run resume evaluate archive export report status dashboard steer domains models prompts doctor",
        2: COMPLETED.get(words[0] if words else "", ""),
    }.get(len(words), "")
    if words[:1] == ["steer"] and len(words) == 3:
        here = "pause resume stop note add focus drop"
    if words[:2] == ["domains", "show"] and len(words) == 3:
        here = " ".join(options_of("domain"))
    if here or len(words) < 2 or words[0] not in ("run", "resume", "evaluate"):
        print(here)
        return 0
    if words[-1].startswith("-"):
        print("--yes --trust --help --multirun --cfg" if words[0] == "run" else "--yes --trust --json")
        return 0
    typed = [word for word in words[1:-1] if PLAIN_OVERRIDE.fullmatch(word)]
    last = words[-1] if PLAIN_OVERRIDE.fullmatch(f"{words[-1]}=") or "=" in words[-1] else ""
    os.environ["COMP_LINE"] = " ".join([program, *typed, last])
    found = io.StringIO()
    with contextlib.suppress(MetaSearchError), contextlib.redirect_stdout(found):
        run_app(arguments, lambda config, overrides: 0)
    print(" ".join(word for word in found.getvalue().split() if "=_" not in word))  # _base is no option
    return 0
