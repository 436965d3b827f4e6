"""The process from which agents' children are forked; `trusted.launch` starts it.

It loads the runtime that agents see, and then works as a zygote: one confined child for each item.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from meta_search.sandbox.confined.child import take_control
from meta_search.sandbox.confined.confine import Confinement
from meta_search.sandbox.confined.preload import load_runtime, preload
from meta_search.sandbox.confined.self_test import find_missing
from meta_search.sandbox.confined.zygote import STACK_BYTES, Zygote

__all__ = ["main"]


def main() -> None:
    """Load the runtime, test the layers, report them, and serve. Options are JSON in `sys.argv[1]`."""
    options = json.loads(sys.argv[1])
    del sys.argv[1:]
    threading.stack_size(STACK_BYTES)
    control = take_control(options["control"])
    confinement = Confinement(
        frozenset(options["layers"]),
        options["work"],
        tuple(options["readable"]),
        options["memory_mb"],
        options["disk_mb"],
    )
    run = load_runtime(options["runtime"])
    preload(options["packages"])
    if rehearse := getattr(sys.modules.get("agent.runtime"), "rehearse", None):
        rehearse()
    os.environ.clear()  # not earlier: NumPy's library reads there that it must not start a thread
    find_missing(confinement)
    for name in [name for name in sys.modules if name.partition(".")[0] == "meta_search"]:
        del sys.modules[name]  # agents see the standard library and their runtime
    Zygote(control, confinement, options["cpu_s"], run, options["output_kb"]).announce_and_serve()
