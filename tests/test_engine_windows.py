"""What prompts may take of a model's window."""

from __future__ import annotations

from typing import Any

import pytest

from meta_search import config
from meta_search.engine.windows import known_windows, prompt_room, windows_of


@pytest.mark.parametrize(
    ("author", "provider", "window", "room"),
    [
        ({"context": 9000}, "litellm", 4096, 9000),  # a person's word stands
        ({"context": 9000}, "local", 0, 9000),
        ({}, "local", 2048, 1500),
        ({}, "litellm", 0, 24_000),
        ({"max_tokens": 16_384}, "litellm", 128_000, 24_000),
        ({"max_tokens": 16_384}, "litellm", 40_000, 40_000 - 16_384),
        ({"max_tokens": 16_384}, "litellm", 8192, 4096),
    ],
)
def test_a_prompt_takes_what_the_window_leaves(
    author: dict[str, Any], provider: str, window: int, room: int
) -> None:
    made = config.from_mapping({"author": author, "llm": {"provider": provider}})
    assert prompt_room(made, window) == room


def test_windows_of_known_models_are_looked_up_without_asking_anybody() -> None:
    models = {"meta": {"model": "openai/gpt-4o"}, "task": {"model": "somebody/own-model"}}
    made = config.from_mapping({"llm": {"provider": "litellm", **models}})
    assert known_windows(made) == {"meta": 128_000}
    assert known_windows(config.from_mapping({"llm": {"provider": "local", **models}})) == {}


def test_behind_an_address_of_ones_own_a_name_says_nothing_of_the_window() -> None:
    models = {
        "meta": {"model": "gpt-4o"},
        "task": {"model": "gpt-4o", "base_url": "https://api.example.com/v1"},
    }
    made = config.from_mapping(
        {"llm": {"provider": "litellm", "base_url": "http://127.0.0.1:1/v1", **models}}
    )
    assert known_windows(made) == {"task": 128_000}


@pytest.mark.parametrize(
    "value", [None, 7, [], "meta", {"meta": "much"}, {"meta": -1}, {"meta": True}, {"meta": 0}]
)
def test_what_is_no_window_is_left_out(value: Any) -> None:
    assert windows_of(value) == {}
