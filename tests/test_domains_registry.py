"""The registry of domains; what holds for every domain is in test_domains_conformance.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from domains import registry
from meta_search.config import DomainConfig
from meta_search.errors import DomainError


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        DomainError,
        match=r"^domain=gsm9k: no such domain; there are arc, dspy, humaneval, .*, python, reasoning, table$",
    ):
        registry.make(DomainConfig(name="gsm9k"))


def test_a_base_that_there_is_not_is_named() -> None:
    with pytest.raises(DomainError, match=r"^domain.base=tabel: no such domain; there are arc, dspy"):
        registry.make(DomainConfig(name="gsm8k", base="tabel"))


@pytest.mark.parametrize(("sizes", "message"), [({"dev": 3}, "no such split"), ({"test": 0}, "at least 1")])
def test_bad_sizes(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        registry.make(DomainConfig(sizes=sizes))


def test_importing_costs_nothing() -> None:
    code = (
        "import sys; import domains.registry, domains.reasoning, domains.table, domains.python_file;"
        "domains.registry.names();"
        "print([m for m in ('reasoning_gym', 'sympy', 'numpy', 'matplotlib') if m in sys.modules])"
    )
    root = Path(registry.__file__).parents[1]
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
