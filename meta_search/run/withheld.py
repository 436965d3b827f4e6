"""What of our environment a program of the user's (`author=command`) is given: all but the run's keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from meta_search.config import Config
from meta_search.run.secrets import variables

__all__ = ["environment", "withheld"]

RAY = re.compile(r"RAY_.*(TOKEN|TLS|PASSWORD)")
SHORTEST = 8  # characters of a key's value that is looked for under other names
SECRET = r"(_\w+)?_(KEY|TOKEN|SECRET|ACCESS_KEY_ID|CREDENTIALS)"
PROVIDERS = ("OPENAI", "ANTHROPIC", "GEMINI", "GOOGLE", "VERTEX", "COHERE", "MISTRAL")
"""Whose models need no prefix in their names."""
ALSO: Mapping[str, tuple[str, ...]] = {
    "BEDROCK": ("AWS",),
    "SAGEMAKER": ("AWS",),
    "VERTEX_AI": ("GOOGLE", "VERTEX"),
    "GEMINI": ("GOOGLE",),
    "HUGGINGFACE": ("HF",),
    "TOGETHER_AI": ("TOGETHERAI",),
}
"""Provider -> how its variables begin as well."""


def environment(config: Config, ours: Mapping[str, str]) -> dict[str, str]:
    """The environment of the program, without the run's keys; those that `author.command_env` names stay.

    Args:
        config: Of the run.
        ours: Our environment.
    """
    kept = set(config.author.command_env)
    left_out = withheld(config, ours) - kept
    return {name: value for name, value in ours.items() if name not in left_out}


def withheld(config: Config, ours: Mapping[str, str]) -> set[str]:
    """Names of the variables that hold the run's keys, under whatever name the same key stands once more."""
    patterns = list(_patterns(config))
    named = {name for name in ours if any(pattern.fullmatch(name) for pattern in patterns)}
    keys = {ours[name].strip() for name in named if len(ours[name].strip()) >= SHORTEST}
    return named | {name for name, value in ours.items() if any(key in value for key in keys)}


def _patterns(config: Config) -> Iterator[re.Pattern[str]]:
    yield RAY
    for name in variables(config):
        yield re.compile(re.escape(name))
    llm = config.llm
    if llm.provider == "local" or llm.api_key_env:
        return
    for role in (*llm.meta_models.values(), llm.task, llm.judge):
        if role.model and not (role.base_url or llm.base_url):  # the wire finds the provider's own key
            provider, slash, _ = role.model.partition("/")
            for name in _names(provider) if slash else PROVIDERS:
                yield re.compile(re.escape(name) + SECRET)


def _names(provider: str) -> tuple[str, ...]:
    name = re.sub(r"\W", "_", provider).upper()
    return (name, *ALSO.get(name, ()))
