"""`meta-search doctor`: what this machine has, and what it lacks for a search."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from meta_search import __version__
from meta_search.commands.check import Check
from meta_search.commands.ray_reach import reach
from meta_search.commands.remedies import Machine, remedy
from meta_search.errors import SandboxError
from meta_search.evaluators.ray_token import too_old

__all__ = ["Check", "checks", "doctor"]

LIBRARIES = (
    "ray", "optuna", "litellm", "networkx", "sqlite-utils", "hydra-core", "rich", "numpy", "reasoning-gym",
)  # fmt: skip
STOLEN = ("1.82.7", "1.82.8")  # litellm releases that stole credentials
KEYS = (
    "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY", "OPENROUTER_API_KEY",
    "TOGETHERAI_API_KEY", "GROQ_API_KEY", "DEEPSEEK_API_KEY", "AZURE_API_KEY", "AWS_ACCESS_KEY_ID",
)  # fmt: skip
GB = 10**9
REACH = "`meta-search doctor --ray` starts it and shows who can reach what (10 s)"


def doctor(as_json: bool = False, ray: bool = False) -> int:
    """Print all checks; 0 if a search can run on this machine, else 1.

    Args:
        as_json: Print them as JSON.
        ray: Start Ray as well, and show who can reach what of it.
    """
    found = [*checks(), *(reach() if ray else ())]
    if as_json:
        print(json.dumps([asdict(check) for check in found], indent=1))
    else:
        width = max(len(check.name) for check in found)
        for check in found:
            print(f"{check.state:4}  {check.name:{width}}  {check.detail}")
    failed = [check.name for check in found if check.state == "fail"]
    if not as_json:
        print(f"\na search cannot run here: {', '.join(failed)}" if failed else "\na search can run here")
    return 1 if failed else 0


def checks() -> Iterator[Check]:
    """Everything the doctor looks at, in the order of the report."""
    yield Check("meta-search", "ok", f"{__version__} in {Path(__file__).parent}")
    good = sys.version_info >= (3, 11)
    yield Check("python", "ok" if good else "fail", f"{platform.python_version()} ({sys.executable})")
    linux = sys.platform == "linux"
    yield Check(
        "system", "ok" if linux else "fail", f"{platform.platform()}{'' if linux else ': needs Linux'}"
    )
    yield from _libraries()
    yield from _sandbox()
    yield from _models()
    yield from _machine()
    yield _keys()


def _libraries() -> Iterator[Check]:
    for name in LIBRARIES:
        installed = _version(name)
        if installed is None:
            yield Check(name, "fail", "missing: reinstall meta-search with its constraints")
        elif name == "litellm" and installed in STOLEN:
            yield Check(
                name, "fail", f"{installed} steals credentials: uninstall it and replace your API keys"
            )
        elif name == "ray":
            wrong = too_old(installed)
            yield Check(name, "fail" if wrong else "ok", wrong or f"{installed}; {REACH}")
        else:
            yield Check(name, "ok", installed)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _sandbox() -> Iterator[Check]:
    from meta_search.sandbox import REQUIRED_LAYERS, layers

    try:
        found = layers()
    except SandboxError as error:
        yield Check("sandbox", "fail", str(error))
        return
    missing = []
    machine = Machine.here()
    for layer, ok, detail in found:
        required = layer in REQUIRED_LAYERS
        if required and not ok:
            missing.append(layer)
        todo = "" if ok else remedy(layer, machine, detail)
        said = f"missing: {detail}; {todo}" if todo else detail
        yield Check(f"sandbox {layer}", "ok" if ok else "fail" if required else "warn", said)
    if missing:
        yield Check(
            "sandbox",
            "fail",
            f"sandbox.level=strict refuses to run agents without {', '.join(missing)}; "
            "sandbox.level=process runs them almost unconfined: only for code you trust",
        )


def _models() -> Iterator[Check]:
    from meta_search.llm.models import MODELS, find

    server = _version("xllamacpp")
    yield Check(
        "llama.cpp",
        "ok" if server else "warn",
        f"xllamacpp {server}" if server else "missing: llm=local needs `pip install 'meta-search[local]'`",
    )
    for model in MODELS:
        path = find(model.name)
        yield Check(
            f"model {model.name}",
            "ok" if path else "warn",
            str(path) if path else "not downloaded: fetch it with `meta-search models pull`",
        )


def _machine() -> Iterator[Check]:
    from meta_search.llm.models import models_dir

    yield Check("cores", "ok", f"{len(os.sched_getaffinity(0))}")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GB
    yield Check("memory", "ok" if memory >= 4 else "warn", f"{memory:.1f} GB")
    for name, folder, needed in (("runs", Path("runs"), 0.2), ("models", models_dir(), 3.3)):
        free = shutil.disk_usage(_existing(folder)).free / GB
        enough = free >= needed
        detail = f"{free:.1f} GB free for {folder}" + ("" if enough else f", needs {needed} GB")
        yield Check(f"disk {name}", "ok" if enough else "warn" if name == "models" else "fail", detail)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return place


def _keys() -> Check:
    found = [name for name in KEYS if os.environ.get(name)]
    return Check("keys", "ok", f"set: {', '.join(found)}" if found else "none set (llm=local needs none)")
