"""The command line and the environment of a zygote, and the refusal to use one that lacks required layers."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from meta_search.config import SandboxConfig
from meta_search.errors import SandboxError
from meta_search.sandbox.trusted.layers import LAYERS, REQUIRED_LAYERS

__all__ = ["ENVIRONMENT", "command", "options_of", "require_layers"]

# Loads the sandbox's modules without running any package's __init__, which may import anything. Fork hooks
# repair the state of other threads; the zygote has only one, and each child would pay for them.
BOOT = """
import os, sys, types
os.register_at_fork = lambda **_: None
name, path = "", {root!r}
for part in ("meta_search", "sandbox", "confined"):
    name, path = name + part, path + "/" + part
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
    name += "."
from meta_search.sandbox.confined import agent_main
agent_main.main()
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
    config: SandboxConfig,
    layers: Iterable[str],
    runtime: Path | None,
    work: str,
    control: int,
    numpy: bool = True,
) -> list[str]:
    """The command line of a zygote.

    Args:
        config: Limits of its children.
        layers: Layers to use.
        runtime: Folder of the package that candidate code runs in; `None` for a zygote that only tests its
            layers.
        work: Folder for the children's own folders.
        control: File descriptor of its control socket.
        numpy: Whether its children have NumPy, where it is installed.
    """
    packages = _packages_of("numpy") if numpy else None
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
    """Options of every process that forks confined children; arguments as of `command`."""
    return {
        "control": control,
        "layers": sorted(layers),
        "work": work,
        "cpu_s": config.cpu_s,
        "memory_mb": config.memory_mb,
        "disk_mb": config.disk_mb,
        "output_kb": config.output_kb,
    }


def require_layers(
    missing: Mapping[str, str],
    layers: Iterable[str],
    level: str,
    who: str = "sandbox",
    work: str = "run candidate code",
) -> None:
    """Refuse to go on at level `strict` without the required layers.

    Args:
        missing: Layer -> why it cannot be used.
        layers: Layers that are used at all.
        level: `sandbox.level`.
        who: What lacks them, for the message.
        work: What it would do without them, for the message.

    Raises:
        SandboxError: A required layer is missing; says what to do.
    """
    lacking = {**dict.fromkeys(set(LAYERS) - set(layers), "switched off"), **missing}
    refused = [f"{name} ({lacking[name]})" for name in REQUIRED_LAYERS if name in lacking]
    if refused and level == "strict":
        raise SandboxError(
            f"the {who} lacks {', '.join(refused)}: run on a kernel that has it (see meta-search doctor), or "
            f"set sandbox.level=process to {work} without it"
        )


def _packages_of(name: str) -> Path | None:
    """The folder that holds an installed package, found without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin).parents[1]
