"""What of a configuration no file of a run may hold: keys that were typed where a variable's name belongs.

A password in an address is refused before a run starts (`check_addresses`). A key typed as a header, or in
the body of requests, is used and not stored: who goes on with the run gives it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from domains.sources.source import is_local
from meta_search.config import Config, to_mapping
from meta_search.errors import ConfigError
from meta_search.llm.addresses import has_credentials
from meta_search.text import without_passwords

__all__ = [
    "HIDDEN",
    "check_addresses",
    "check_given",
    "hidden_keys",
    "shown",
    "stored",
    "stored_words",
    "variables",
    "without_headers",
]

HIDDEN = "(a key, which is not stored)"
PLACES = (  # below `llm`
    *("extra_headers", "extra_body"),
    *("meta.extra", "meta.models", "task.extra", "judge.extra"),
)  # below `llm`
NAME = re.compile(
    r"authori[sz]ation|cookie|(^|[-_])(auth|token|secret|passw(or)?d|credentials?|signature|api[-_]?key)$"
    r"|(api|access|secret|subscription|functions|private|auth|x)[-_]?(key|token)s?$|^key$",
    re.IGNORECASE,
)
VALUE = re.compile(
    r"^\s*((bearer|basic|token|apikey)\s+\S|(sk|pk|rk)-\w|(hf|gh[pousr]|xox\w|glpat|gsk|r8)[_-]\w|(xai|nvapi|pplx)-\w"
    r"|github_pat_|eyJ[\w-]+\.|AKIA|AIza|ya29\.)",
    re.IGNORECASE,
)
VARIABLE = re.compile(r"\$([A-Za-z_]\w*)")
INSTEAD = 'set llm.extra_headers={Authorization:$BASIC} with BASIC="Basic $(printf USER:PASSWORD | base64)"'
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # between the words of `clientSecret`
SCHEME = re.compile(r"\b(bearer|basic|token|apikey|digest)\b", re.IGNORECASE)


def stored(config: Config) -> dict[str, Any]:
    """The configuration as a run keeps it: `HIDDEN` in place of keys."""
    mapping = to_mapping(config)
    for place in PLACES:
        group, name = _group(mapping, place)
        group[name] = _without(group[name])
    return mapping


def stored_words(config: Config, words: Sequence[str]) -> list[str]:
    """Overrides as they were typed, without the keys that `config` holds.

    A key may be typed otherwise than it is read (`Basic\\ a`): what sets a place that holds one goes whole.
    """
    by_place = {place: _secrets(value) for place, value in _values(config).items()}
    held = [f"llm.{place}" for place, found in by_place.items() if found]
    secrets = sorted({s for found in by_place.values() for s in found}, key=len, reverse=True)
    found = [f"{word.partition('=')[0]}={HIDDEN}" if _sets(word, held) else word for word in words]
    for secret in secrets:
        found = [word.replace(secret, HIDDEN) for word in found]
    return found


def shown(value: Any, name: str = "") -> Any:
    """A configuration, which may be anybody's, for a page that is passed round: no key stands in it, also
    none within an address or a command.

    Args:
        value: As it was stored.
        name: Under which it stands.
    """
    return _changed(value, _shown, name)


def _shown(name: str, leaf: Any) -> Any:
    if not isinstance(leaf, str):
        return leaf
    return HIDDEN if _is_secret(name, leaf) else _keyless(without_passwords(leaf))


def _keyless(text: str) -> str:
    """A text without the words that look like keys, or stand behind `Bearer` and its like."""
    parts, after = re.split(r"([\s='\"]+)", text), False
    for n, part in enumerate(parts):
        if n % 2 or not part or part.startswith("$"):
            continue
        if after or VALUE.search(part):
            parts[n] = "…"
        after = part.lower() in ("bearer", "basic", "apikey")
    return "".join(parts)


def hidden_keys(config: Config) -> tuple[str, ...]:
    """Keys of which a part was not stored."""
    return tuple(f"llm.{place}" for place, value in _values(config).items() if _holds(value))


def check_given(before: Config, config: Config) -> None:
    """See that what was not stored was given again, and nothing else beside it.

    Args:
        before: As it was stored.
        config: With the overrides of this session.

    Raises:
        ConfigError: It was not; one line that says what to give.
    """
    for key in hidden_keys(config):
        given = "{NAME:$VARIABLE}" if key == "llm.extra_headers" else "{…}"
        raise ConfigError(
            f"{key} holds a key, which is not stored with the run: give all of it again, {key}={given}"
        )
    kept, given_now = _values(before), _values(config)
    for key in hidden_keys(before):
        place = key.removeprefix("llm.")
        if key != "llm.extra_headers" and _without(given_now[place]) != kept[place]:
            raise ConfigError(f"{key} cannot change in a resume, but for the key that is not stored")


def check_addresses(config: Config) -> None:
    """See that no address holds a password: it would be kept with the run.

    Raises:
        ConfigError: One does, or a key stands where the name of its variable belongs; one line.
    """
    llm = config.llm
    if any(VALUE.search(word) for word in re.split(r"[\s='\"]+", config.author.command or "")):
        raise ConfigError(
            "author.command holds a key, which would be kept with the run: put it into a variable of the "
            "environment, as in author.command='my-program --key $MY_KEY'"
        )
    if any(VALUE.search(word) for word in re.split(r"[\s='\"]+", config.run.notify or "")):
        raise ConfigError(
            "run.notify holds a key, which would be kept with the run: put it into a variable of the "
            "environment, as in run.notify='my-program --key $MY_KEY'"
        )
    if llm.api_key_env and not llm.api_key_env.isidentifier():
        raise ConfigError("llm.api_key_env is no name of a variable: give the name of the one with the key")
    addresses = {
        "llm.base_url": llm.base_url,
        **{f"llm.{role}.base_url": getattr(llm, role).base_url for role in ("meta", "task", "judge")},
        **{f"llm.meta.models ({name})": model.base_url for name, model in llm.meta_models.items()},
        "ray.address": config.ray.address,
        "run.notify": _address(config.run.notify),
        "run.tracking": (config.run.tracking or "").partition(":")[2],
        # hf:name@revision has no password before its @
        "domain.path": config.domain.path if is_local(config.domain.path or "") else None,
    }
    for key, address in addresses.items():
        if address and has_credentials(address):
            how = f"leave it out, and {INSTEAD}" if key.startswith("llm.") else "leave it out"
            how = "put it into a variable: run.notify='$NAME'" if key == "run.notify" else how
            raise ConfigError(f"{key} holds a password, which would be kept with the run: {how}")


def _address(text: str | None) -> str | None:
    """A text where it is an address, not a command."""
    return text if text and "://" in text.split()[0] else None


def variables(config: Config) -> list[str]:
    """Variables of the environment that a configuration sends somewhere."""
    held = [v for value in config.llm.extra_headers.values() for v in VARIABLE.findall(value)]
    key = config.llm.api_key_env
    return list(dict.fromkeys([*([key] if key else []), *held]))


def without_headers(config: Config) -> Config:
    """A configuration that adds nothing to requests."""
    llm = config.llm
    return replace(
        config, llm=replace(llm, extra_headers={}, extra_body={}, task=replace(llm.task, extra={}))
    )


def _group(mapping: dict[str, Any], place: str) -> tuple[dict[str, Any], str]:
    *groups, name = place.split(".")
    group = mapping["llm"]
    for part in groups:
        group = group[part]
    return group, name


def _values(config: Config) -> dict[str, Any]:
    """What stands in each of the places."""
    mapping = to_mapping(config)
    return {place: group[name] for place in PLACES for group, name in [_group(mapping, place)]}


def _sets(word: str, keys: Sequence[str]) -> bool:
    """Whether an override sets one of these keys, or a part of it."""
    name = word.partition("=")[0].lstrip("+~")
    return any(name == key or name.startswith(f"{key}.") for key in keys)


def _is_secret(name: str, value: Any) -> bool:
    """Whether a value is a key: by its name or its look, and no name of a variable."""
    if not isinstance(value, str) or not value or value == HIDDEN:
        return False
    literal = SCHEME.sub("", VARIABLE.sub("", value)).strip(" :,;\"'")
    parted = CAMEL.sub("-", name)
    return bool(literal and (NAME.search(name) or NAME.search(parted) or VALUE.search(value)))


def _without(value: Any) -> Any:
    return _changed(value, lambda name, leaf: HIDDEN if _is_secret(name, leaf) else leaf)


def _changed(value: Any, change: Callable[[str, Any], Any], name: str = "") -> Any:
    """A value with all that stands at its ends changed, by the name that it stands under."""
    if isinstance(value, Mapping):
        return {key: _changed(inner, change, str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_changed(inner, change, name) for inner in value]
    return change(name, value)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """What stands at the ends of a value, each with the name that it stands under."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, name)
    else:
        yield name, value


def _secrets(value: Any) -> list[str]:
    return [leaf for name, leaf in _leaves(value) if _is_secret(name, leaf)]


def _holds(value: Any) -> bool:
    return any(leaf == HIDDEN for _, leaf in _leaves(value))
