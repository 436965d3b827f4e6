"""How a zygote is started: its command line, and the little that it gets for an environment."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from meta_search.config import SandboxConfig

__all__ = ["ENVIRONMENT", "command"]

# Loads the sandbox's modules without running any package's __init__, which may import anything. Hooks of fork
# mend what other threads were doing; the zygote has one thread, and each child would pay for them.
BOOT = """
import os, sys, types
os.register_at_fork = lambda **_: None
name, path = "", {root!r}
for part in ("meta_search", "evaluate", "sandbox"):
    name, path = name + part, path + "/" + part
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
    name += "."
from meta_search.evaluate.sandbox import zygote
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
        "control": control,
        "layers": sorted(layers),
        "work": work,
        "readable": readable,
        "runtime": None if runtime is None else str(runtime),
        "packages": None if packages is None else str(packages),
        "cpu_s": config.cpu_s,
        "memory_mb": config.memory_mb,
        "disk_mb": config.disk_mb,
        "output_kb": config.output_kb,
    }
    root = str(Path(__file__).resolve().parents[3])
    boot = BOOT.format(root=root)
    return [sys.executable, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", boot, json.dumps(options)]


def _packages_of(name: str) -> Path | None:
    """The folder that holds an installed package, found without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin).parents[1]
