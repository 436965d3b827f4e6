"""Base URLs as people type them, and the way there."""

from __future__ import annotations

import pytest

from meta_search.llm.addresses import (
    is_loopback,
    joined,
    normal_url,
    proxy_of,
    takes_azure_key,
    versioned,
)

AZURE = "https://me.openai.azure.com/openai/deployments/d?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("typed", "root"),
    [
        ("http://host:8000/v1", "http://host:8000/v1"),
        (" http://host:8000/v1/ ", "http://host:8000/v1"),
        ("http://host:8000/v1/chat/completions", "http://host:8000/v1"),
        ("http://host:8000/v1/chat/completions/", "http://host:8000/v1"),
        ("http://host:8000/v1/models", "http://host:8000/v1"),
        ("http://host:8000", "http://host:8000"),
        ("localhost:11434", "http://localhost:11434"),
        ("192.168.1.7:8000/v1", "http://192.168.1.7:8000/v1"),
        ("openrouter.ai/api/v1", "https://openrouter.ai/api/v1"),
        (AZURE, AZURE),
        (AZURE.replace("?", "/chat/completions?"), AZURE),
    ],
)
def test_what_is_typed_comes_to_one_root(typed: str, root: str) -> None:
    assert normal_url(typed) == root
    assert normal_url(root) == root


def test_the_path_of_a_call_stands_before_the_query() -> None:
    assert joined(AZURE, "chat/completions") == AZURE.replace("?", "/chat/completions?")
    assert versioned("http://host:8000") == "http://host:8000/v1"
    assert versioned("http://host/v1beta/openai") is None  # Gemini's
    assert versioned(AZURE) is None
    assert takes_azure_key(AZURE)
    assert not takes_azure_key("https://api.openai.com/v1")


def test_this_machine_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    for host in ("127.0.0.1", "127.8.9.1", "localhost", "[::1]"):
        assert proxy_of(f"http://{host}:8000/v1") is None
        assert is_loopback(host)
    assert proxy_of("http://elsewhere:8000/v1") == "http://proxy:3128"
