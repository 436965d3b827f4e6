"""What importing costs, and who may import what beyond the contracts in pyproject.toml."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import meta_search

ROOT = Path(__file__).parent.parent
PACKAGES = ("meta_search", "archive", "domains", "conf")
HEAVY = {
    *("hydra", "omegaconf", "ray", "optuna", "litellm", "openai", "networkx", "sqlite_utils"),
    *("reasoning_gym", "xllamacpp", "numpy", "scipy", "jinja2", "aiohttp", "httpx", "huggingface_hub"),
    *("rich", "json_repair", "starlette", "uvicorn"),
}
LIGHT = {
    "meta_search",
    *(f"meta_search.{name}" for name in ("cli", "errors", "run", "run.blas", "run.signals")),
}
# Of an extra: they are imported in processes of their own alone, and import its library at once.
ELSEWHERE = {
    ROOT / "domains/inspect" / f"{name}.py"
    for name in ("models", "play", "samples", "scorer", "tasks", "values", "worker")
} | {ROOT / "meta_search/dashboard" / name for name in ("server.py", "connections.py")}
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "seeds" not in path.parts and path.name not in ("__main__.py", "zygote.py") and path not in ELSEWHERE
]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_any_module_loads_no_heavy_library() -> None:
    code = (
        f"import importlib, sys\n"
        f"for name in {MODULES!r}:\n"
        f"    importlib.import_module(name)\n"
        f"    found = sorted({HEAVY!r} & set(sys.modules))\n"
        f"    assert not found, (name, found)\n"
    )
    run(code)


def test_importing_the_package_loads_nothing_else_of_ours() -> None:
    loaded = run("import sys, meta_search; print(*[m for m in sys.modules if m.startswith('meta_search')])")
    assert loaded.split() == ["meta_search"]


def test_help_needs_no_module_beyond_the_parser() -> None:
    loaded = run(
        "import sys\nfrom meta_search.cli import main\nmain(['--help'])\n"
        "print('LOADED', *[m for m in sys.modules if m.startswith(('meta_search', 'archive', 'domains'))])"
    ).rpartition("LOADED")[2]
    assert set(loaded.split()) <= LIGHT


def test_the_agent_runtime_is_standard_library_only() -> None:
    for path in (ROOT / "meta_search/agent").rglob("*.py"):
        for module in imported(path):
            top = module.split(".")[0]
            assert top == "" or top in sys.stdlib_module_names or top == "numpy", f"{path}: {module}"


def imported(path: Path) -> Iterator[str]:
    """Modules that a file imports anywhere; relative ones as ''."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "" if node.level else node.module or ""


def test_no_test_module_imports_another() -> None:
    tests = ROOT / "tests"
    modules = {path.stem for path in tests.rglob("test_*.py")}
    assert Path(__file__).stem in modules
    for path in sorted(tests.rglob("*.py")):
        found = modules.intersection(words_of_imports(path.read_text()))
        assert not found, f"{path} imports {found}: what several tests share belongs in tests/kits"


@pytest.mark.parametrize(
    "code",
    [
        *(
            "import test_x",
            "import tests.test_x as t",
            "from tests import kits, test_x",
            "from . import test_x",
        ),
        *("def f():\n    from tests.test_x import y", "SCRIPT = '''\n  from test_x import y\n'''"),
    ],
)
def test_every_way_to_import_is_seen(code: str) -> None:
    assert "test_x" in words_of_imports(code)


def words_of_imports(code: str) -> set[str]:
    """Every part of every name that code imports, in strings too: some are run as scripts."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(*(name.name.split(".") for name in node.names))
        if isinstance(node, ast.ImportFrom):
            found.update((node.module or "").split("."))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for line in re.findall(r"^ *(?:from|import) +(.+)$", node.value, re.MULTILINE):
                found.update(re.findall(r"\w+", line))
    return found


@pytest.mark.parametrize("name", meta_search.__all__)
def test_public_names_are_there(name: str) -> None:
    assert getattr(meta_search, name) is not None


def test_evaluate_is_the_public_function() -> None:
    assert callable(meta_search.evaluate)
    with pytest.raises(meta_search.MetaSearchError):
        meta_search.evaluate("no-such-agents.json", "no_such.key=1")


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'serch'"):
        meta_search.serch  # noqa: B018
