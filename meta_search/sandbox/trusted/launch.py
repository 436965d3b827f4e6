"""How a zygote is started: its command line and its environment; and when nothing may run in it."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from meta_search.config import SandboxConfig
from meta_search.errors import SandboxError
from meta_search.sandbox.trusted.names import LAYERS, REQUIRED

__all__ = ["ENVIRONMENT", "command", "options_of", "refuse_without"]

# Loads the sandbox's modules without running any package's __init__, which may import anything. Hooks of fork
# mend what other threads were doing; the zygote has one thread, and each child would pay for them.
BOOT = """
import os, sys, types
os.register_at_fork = lambda **_: None
name, path = "", {root!r}
for part in ("meta_search", "sandbox", "confined"):
    name, path = name + part, path + "/" + part
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
    name += "."
from meta_search.sandbox.confined import zygote
zygote.main()
"""
# Nothing of our environment. One thread in numerical libraries, or forking would not be safe; one arena,
# or every thread of an agent would reserve 64 MB of its address space.
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
}


def command(
    config: SandboxConfig, layers: Iterable[str], runtime: Path | None, work: str, control: int
) -> list[str]:
    """The command line of a zygote.

    Args:
        config: Limits of its children.
        layers: Layers to use.
        runtime: Folder of the package that candidate code runs in; `None` is for tries only.
        work: Folder for the children's own folders.
        control: File descriptor of its control socket.
    """
    packages = _packages_of("numpy")
    readable = [str(runtime)] if runtime else []
    if packages:
        readable += [str(path) for path in (packages / "numpy", packages / "numpy.libs")]
    options = {
        **options_of(config, layers, work, control),
        "readable": readable,
        "runtime": None if runtime is None else str(runtime),
        "packages": None if packages is None else str(packages),
    }
    root = str(Path(__file__).resolve().parents[3])
    boot = BOOT.format(root=root)
    return [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", boot, json.dumps(options)]


def options_of(config: SandboxConfig, layers: Iterable[str], work: str, control: int) -> dict[str, Any]:
    """What every process is told that forks confined children."""
    return {
        "control": control,
        "layers": sorted(layers),
        "work": work,
        "cpu_s": config.cpu_s,
        "memory_mb": config.memory_mb,
        "disk_mb": config.disk_mb,
        "output_kb": config.output_kb,
    }


def refuse_without(
    missing: Mapping[str, str], layers: Iterable[str], level: str, who: str = "sandbox", work: str = ""
) -> None:
    """At level strict, nothing runs without the required layers.

    Args:
        missing: Layer -> why it cannot be used. layers: Those that are used at all.
        level: `sandbox.level`. who, work: Who lacks them and what would be done without, for the message.

    Raises:
        SandboxError: One is missing; says what to do.
    """
    lacking = {**dict.fromkeys(set(LAYERS) - set(layers), "switched off"), **missing}
    refused = [f"{name} ({lacking[name]})" for name in REQUIRED if name in lacking]
    if refused and level == "strict":
        raise SandboxError(
            f"the {who} lacks {', '.join(refused)}: run on a kernel that has it (see meta-search doctor), or "
            f"set sandbox.level=process to {work or 'run candidate code'} without it"
        )


def _packages_of(name: str) -> Path | None:
    """The folder that holds an installed package, found without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin).parents[1]
