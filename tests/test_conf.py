"""The YAML files and `config.py` say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from meta_search.compose import GROUPS, compose, known_keys
from meta_search.config import Config, to_mapping

CONF = Path(__file__).parent.parent / "conf"
OPTIONS = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("[!_]*.yaml"))]
MODELS = ["llm.meta.model=a", "llm.task.model=b"]
# What a first run needs beyond the plain defaults of config.py.
CHOSEN = {
    *("llm.meta.model", "llm.task.model", "llm.max_tokens", "llm.max_concurrency", "llm.timeout_s"),
    "budget.wall_s",
    *("domain.about", "domain.licence", "domain.citation"),  # of the domain that a first run takes
}

NUMBERS = (
    *("budget", "author.reflexions", "author.temperature", "author.max_tokens", "search.candidates"),
    *("author.context", "author.drafts", "author.lessons"),
)


def leaves(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in mapping.items():
        if isinstance(value, Mapping) and f"{prefix}{name}" not in known_keys():
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def plain(key: str, value: Any) -> str:
    """A value of the right kind for a key, as an override."""
    if value is None or value == "":
        special = {"author.teach": "true", "author.context": "500"}
        return special.get(key, "1" if key.startswith(NUMBERS) else "text")
    if isinstance(value, tuple):
        return f"[{','.join(value)}]"
    if isinstance(value, Mapping):
        return "{}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_defaults_are_those_of_config_py() -> None:
    ours, theirs = dict(leaves(to_mapping(compose()))), dict(leaves(to_mapping(Config())))
    assert ours.keys() == theirs.keys() == known_keys()
    assert {key for key in ours if ours[key] != theirs[key]} == CHOSEN


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_group_option_composes_with_every_key(group: str, option: str) -> None:
    # An unknown key in a YAML file fails in from_mapping, a missing one when Hydra is asked to override it.
    values = leaves(to_mapping(Config()))
    overrides = [f"{key}={plain(key, value)}" for key, value in values]
    config = compose([f"{group}={option}", *overrides])
    assert config.llm.meta.model == "text"


@pytest.mark.parametrize(
    ("group", "option"), [pair for pair in OPTIONS if pair[0] in ("domain", "search", "author")]
)
def test_an_option_bears_its_name(group: str, option: str) -> None:
    assert getattr(compose([f"{group}={option}"]), group).name == option


def test_what_options_change() -> None:
    assert compose(["search=random"]).search.guided is False
    assert compose(["sandbox=process"]).sandbox.level == "process"
    openai = compose(["llm=openai", *MODELS]).llm
    assert (openai.provider, openai.api_key_env, openai.meta.model) == ("litellm", "OPENAI_API_KEY", "a")
    assert compose(["llm=endpoint", *MODELS]).llm.api_key_env is None


def test_local_models_are_in_the_table() -> None:
    from meta_search.llm.models import lookup

    llm = compose().llm
    assert [lookup(role.model).name for role in (llm.meta, llm.task)] == [llm.meta.model, llm.task.model]
