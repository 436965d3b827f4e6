"""What endpoints say they do not take, in their own words; the engine and exported agents read them alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meta_search.llm.takes import Takes, learned, refuses_schema, room_left, sent_form, told

MESSAGES = (("system", "You solve."), ("user", "What is 2 + 2?"))
SETTINGS: dict[str, Any] = {"temperature": 0.1, "max_tokens": 16384, "seed": 3}

REFUSALS = [
    (400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
     "instead.", {"limit": "max_completion_tokens"}),
    (400, "Unsupported value: 'temperature' does not support 0.1 with this model. Only the default (1) "
     "value is supported.", {"temperature": False}),
    (400, "litellm.UnsupportedParamsError: gpt-5 models (including gpt-5-codex) don't support "
     "temperature=0.1. Only temperature=1 is supported.", {"temperature": False}),
    (400, "temperature must be between 0 and 2", {}),
    (422, "[{'type': 'extra_forbidden', 'loc': ['body', 'seed'], 'msg': 'Extra inputs are not permitted'}]",
     {"seed": False}),
    (400, "System role not supported", {"system": False}),
    (400, "Developer instruction is not enabled for models/gemma-3-27b-it", {"system": False}),
    (400, "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
     {"system": False}),
    (400, "Conversation roles must alternate user/assistant/user/assistant/...", {"system": False}),
    (400, "max_tokens is too large: 16384. This model supports at most 4096 completion tokens, whereas you "
     "provided 16384.", {"most": 4096}),
    (400, "max_tokens: 16384 > 8192, which is the maximum allowed number of output tokens for claude",
     {"most": 8192}),
    (400, "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less "
     "than the `context_window` for this model", {"most": 8192}),
    (400, "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", {"most": 8192}),
    (400, "This model only support stream mode, please enable the stream parameter.", {"stream": True}),
    (400, "The prompt was flagged", {}),
    (401, "the temperature of your key", {}),
    (500, "temperature", {}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "message", "changes"), REFUSALS)
def test_a_refusal_says_what_to_leave_out(status: int, message: str, changes: dict[str, Any]) -> None:
    assert learned(MESSAGES, SETTINGS, status, message) == changes
    if not changes:
        return
    takes = replace(Takes(), **changes)
    assert told("a-model", changes).startswith("a-model ")
    messages, settings = sent_form(MESSAGES, SETTINGS, takes)
    # What is left out cannot be learned again: an endpoint that goes on refusing has failed.
    assert not learned(messages, settings, status, message) or settings.get("max_completion_tokens")
    assert Takes.of("a-model", takes.differs()) == takes


def test_what_an_earlier_session_learned_is_checked() -> None:
    assert Takes.of("m", {"seed": False, "room": "many", "future": 1}) == Takes(seed=False)
    assert Takes.of("gpt-5-mini").thinks
    assert Takes.of("openai/o3").thinks
    assert not Takes.of("gpt-4o").thinks
    assert not Takes.of("qwen2.5-coder-0.5b").thinks


def test_a_system_message_begins_the_first_one_of_the_user() -> None:
    talk = (*MESSAGES, ("assistant", "4"), ("user", "Sure?"))
    messages, settings = sent_form(talk, SETTINGS, Takes(system=False, seed=False, most=100))
    assert messages == (("user", "You solve.\n\nWhat is 2 + 2?"), ("assistant", "4"), ("user", "Sure?"))
    assert settings == {"temperature": 0.1, "max_tokens": 100}


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("This model's maximum context length is 8192 tokens. However, you requested 16424 tokens (40 in the "
         "messages, 16384 in the completion).", 8144),
        ("'max_tokens' or 'max_completion_tokens' is too large: 16384. This model's maximum context length "
         "is 8192 tokens and your request has 7000 input tokens (16384 > 8192 - 7000).", 1184),
        ("This model's maximum context length is 8192 tokens, however you requested 9000 prompt tokens", 0),
        ("This model's maximum context length is 8192 tokens, got 9000", 0),
    ],
)  # fmt: skip
def test_a_limit_beyond_the_context_is_ours_and_not_the_prompts(message: str, left: int) -> None:
    assert room_left(message, 16384) == left


def test_schemas_are_put_in_words_where_they_are_refused() -> None:
    assert refuses_schema(400, "response_format is not supported") == "instruct"
    assert refuses_schema(404, "No endpoints found that can handle the requested parameters.") == "instruct"
    assert refuses_schema(400, "type must be one of 'text', 'json_object'") == "object"
    assert refuses_schema(500, "boom") is None
