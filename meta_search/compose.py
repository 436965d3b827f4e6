"""From overrides to a checked `Config`: the only importer of Hydra.

The command line, `meta_search.search(...)` and the tests all compose here, so that the same words mean
the same everywhere.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import json
import operator
import os
import re
import shlex
import sys
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.config import Config, from_mapping, to_mapping
from meta_search.errors import ConfigError, MetaSearchError
from meta_search.text import escaped, literal, mapping_text

if TYPE_CHECKING:
    from omegaconf import DictConfig

__all__ = ["amend", "compose", "known_keys", "options_of", "override_strings", "run_app"]

SEARCH_PATH = "pkg://conf"
GROUPS = ("domain", "llm", "search", "author", "evaluate", "sandbox", "budget")
QUOTES = ("'", '"')
SHORT = {"notify": "run.notify", "tracking": "run.tracking"}  # names that keys have at the top level


def compose(overrides: Sequence[str] = (), **groups: Any) -> Config:
    """Compose the configuration as `meta-search run` does.

    Args:
        overrides: Hydra overrides, as `domain=table` or `budget.wall_s=300`.
        groups: The same as keywords: `domain="table"`, `budget={"wall_s": 300}`, `seed=3`.

    Raises:
        ConfigError: An unknown key, group option or value, or bad syntax; one line.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_module
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    words = _open_mappings([*overrides, *override_strings(groups)])
    for word in words:
        if word.startswith("-"):
            raise ConfigError(f"{word}: overrides are key=value; only `run` takes options of Hydra")
    hydra = GlobalHydra.instance()
    outer, hydra.hydra = hydra.hydra, None  # the caller may use Hydra for an application of its own
    try:
        with initialize_config_module("conf", version_base="1.3"):
            return _checked(hydra_compose("config", overrides=words))
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise ConfigError(_one_line(error)) from error
    finally:
        GlobalHydra.instance().hydra = outer  # leaving the context has put another instance in its place


def amend(config: Config, overrides: Sequence[str], allowed: Sequence[str]) -> Config:
    """A stored configuration with some keys changed, as `resume` and later readings of a run need it.

    Args:
        config: What the run was started with.
        overrides: `key=value` strings; no groups.
        allowed: Keys that may change; one that ends in a dot allows all below it.

    Raises:
        ConfigError: A key that is unknown or may not change, or bad syntax; one line.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    mapping = to_mapping(config)
    keys, fixed = known_keys(), []
    try:
        parsed = OverridesParser.create().parse_overrides(_open_mappings(overrides))
    except HydraException as error:
        raise ConfigError(_one_line(error)) from error
    for override in parsed:
        key = override.key_or_group
        if override.is_sweep_override() or override.is_delete():
            raise ConfigError(f"{override.input_line}: expected key=value")
        if key in GROUPS:
            raise ConfigError(
                f"{override.input_line}: a resume changes keys, not groups, as in {key}.KEY=VALUE"
            )
        if key not in keys:
            raise ConfigError(_unknown(key))
        if not any(key == name or (name.endswith(".") and key.startswith(name)) for name in allowed):
            fixed.append((key, str(override.input_line)))
        *groups, last = key.split(".")
        place = mapping
        for group in groups:
            place = place[group]
        place[last] = override.value()
    changed = from_mapping(mapping)
    _check_fixed(config, changed, fixed)
    return changed


def _check_fixed(config: Config, changed: Config, fixed: Iterable[tuple[str, str]]) -> None:
    """Refuse a key that may not change, as it was typed, unless it stays as it is."""
    for key, typed in fixed:
        get = operator.attrgetter(key)
        if get(changed) != get(config):
            raise ConfigError(
                f"{key} cannot change in a resume: what was measured rests on it. "
                f"Start a new run with {shlex.quote(typed)}"
            )


def run_app(
    arguments: Sequence[str], search: Callable[[Config, tuple[str, ...]], int], program: str = "meta-search"
) -> int:
    """Hand arguments to Hydra's own entry point, so that --multirun, --cfg job and completion work.

    Args:
        arguments: What stands behind `meta-search run`.
        search: Called once for every job with its configuration and overrides; returns an exit status.
        program: Name for usage lines and completion scripts.

    Returns:
        The greatest exit status of all jobs, 0 where Hydra only printed something.

    Raises:
        ConfigError: Unknown override or bad syntax; one line.
    """
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    statuses: list[int] = []
    failures: list[BaseException] = []

    def job(composed: DictConfig) -> None:
        if failures:
            return
        try:
            if sweeping:
                _forget_sweep()
            statuses.append(search(_checked(composed), _typed()))
        except BaseException as error:  # noqa: BLE001 - Hydra would print it its own way; raised again below
            failures.append(error)

    sweeping = not {"--multirun", "-m"}.isdisjoint(arguments)
    entry = hydra.main(config_path=SEARCH_PATH, config_name="config", version_base="1.3")(job)
    with _argv(program, _open_mappings(arguments, sweeping)):
        try:
            entry()
        except SystemExit as end:  # --help and usage errors of Hydra's parser
            if end.code:
                return 2
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            raise ConfigError(_one_line(error)) from error
    if failures:
        raise failures[0]
    return max(statuses, default=0)


def _forget_sweep() -> None:
    """Remove what Hydra writes of a sweep: overrides as they were typed, with the keys in them."""
    from hydra.core.hydra_config import HydraConfig

    (Path(HydraConfig.get().sweep.dir) / "multirun.yaml").unlink(missing_ok=True)


def _typed() -> tuple[str, ...]:
    """The overrides of Hydra's present job, as they were typed: `${oc.env:…}` is not resolved."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    words = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    return tuple(typing.cast(list[str], words))


def options_of(group: str) -> dict[str, dict[str, Any]]:
    """The options of a group by name: the keys of its file, over those of the group's `_base`.

    Reads the files alone, as composing each takes a third of a second.
    """
    from omegaconf import OmegaConf

    texts = {file.name.removesuffix(".yaml"): file for file in (files("conf") / group).iterdir()}
    base = texts.get("_base")
    below = base.read_text(encoding="utf-8") if base is not None else "{}"
    found = {}
    for name in sorted(name for name in texts if not name.startswith("_")):
        merged = OmegaConf.merge(
            OmegaConf.create(below), OmegaConf.create(texts[name].read_text(encoding="utf-8"))
        )
        plain = typing.cast(dict[str, Any], OmegaConf.to_container(merged))
        found[name] = {key: value for key, value in plain.items() if key != "defaults"}
    return found


def known_keys() -> frozenset[str]:
    """Every dotted key of the configuration."""
    return frozenset(_hints())


@cache
def _hints() -> Mapping[str, Any]:
    """Dotted key -> its declared type."""

    def below(cls: type, prefix: str) -> Iterator[tuple[str, Any]]:
        for name, hint in typing.get_type_hints(cls).items():
            if dataclasses.is_dataclass(hint):
                yield from below(typing.cast(type, hint), f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", hint

    return dict(below(Config, ""))


def override_strings(groups: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Keywords as Hydra overrides: `{"budget": {"usd": 1}}` gives `["budget.usd=1"]`.

    A string for a group chooses its option; group choices come first, so that keys below them stand.
    """
    words: list[str] = []
    for name, value in groups.items():
        key = f"{prefix}{name}"
        if not prefix and key in GROUPS and isinstance(value, str):
            words.insert(0, f"{key}={value}")
        elif isinstance(value, Mapping) and key in _mapping_keys():
            words.append(f"{key}={mapping_text(value)}")
        elif isinstance(value, Mapping):
            words += override_strings(value, f"{key}.")
        else:
            words.append(f"{key}={literal(value)}")
    return words


@cache
def _mapping_keys() -> frozenset[str]:
    """Keys whose value is a mapping with names of the user's choice."""
    return frozenset(key for key, hint in _hints().items() if typing.get_origin(hint) is Mapping)


def _is_text(key: str) -> bool:
    hint = _hints().get(key)
    return hint in (str, str | None) or typing.get_origin(hint) is typing.Literal


def _open_mappings(words: Sequence[str], sweeping: bool = False) -> list[str]:
    """Spare users Hydra's `++` where names are theirs to choose, as in `domain.sizes.train=40`, and quotes
    around texts, as in `domain.path=my (1).csv`.

    Args:
        words: Overrides and options of Hydra.
        sweeping: Whether a comma stands between the values of several jobs.
    """
    free = _mapping_keys()
    words = [_in_full(word) for word in words]
    return [
        f"++{_open_mapping(word)}"
        if any(word.startswith((f"{key}.", f"{key}=")) for key in free)
        else _quoted(word, sweeping)
        for word in words
    ]


def _in_full(word: str) -> str:
    """An override with the whole name of its key."""
    key, equals, value = word.partition("=")
    return f"{SHORT[key]}={value}" if equals and key in SHORT else word


def _open_mapping(word: str) -> str:
    """A mapping that Hydra cannot read as JSON in quotes, which `config.from_mapping` reads."""
    key, _, value = word.partition("=")
    if not value.startswith("{"):
        return word
    with contextlib.suppress(ValueError):
        if isinstance(json.loads(value), dict):
            return f"{key}={literal(escaped(value))}"
    if not _parses(word):  # {qwen2.5:7b:{input:1,output:2}}
        inner = re.findall(r"([^{},][^{}]*):\{([^{}]*)\}", value)
        pairs = {name.strip(): [part.partition(":") for part in given.split(",")] for name, given in inner}
        with contextlib.suppress(ValueError):
            found = {name: {k.strip(): float(v) for k, _, v in parts} for name, parts in pairs.items()}
            return f"{key}={literal(escaped(mapping_text(found)))}" if found else word
    return word


def _quoted(word: str, sweeping: bool) -> str:
    """Put quotes around what Hydra would not take as the text, or the list of texts, that it is."""
    key, equals, value = word.partition("=")
    name = key.lstrip("+")
    if equals and _is_text(name):
        return word if _parses(word, sweeping) else f"{key}={literal(value)}"
    if _hints().get(name) == tuple[str, ...] and not _parses(word):
        listed = value.startswith("[") and value.endswith("]")
        parts = [part.strip() for part in value[1:-1].split(",")] if listed else [value]
        return f"{key}=[{','.join(p if p[:1] in QUOTES and p[-1:] == p[:1] else literal(p) for p in parts)}]"
    return word


def _parses(word: str, sweeping: bool | None = None) -> bool:
    """Whether Hydra can read an override; and, where `sweeping` is given, reads one text or null in it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_override(word)
    except HydraException:
        return False
    if sweeping is None:
        return True
    if parsed.is_sweep_override():
        return sweeping
    value = parsed.value()
    return value is None or isinstance(value, str)


def _checked(composed: DictConfig) -> Config:
    """Hydra's composition as a `Config`; missing values named."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        missing = sorted(OmegaConf.missing_keys(composed))
        if "llm.meta.model" in missing and composed.llm.meta.get("models"):  # the first of them
            missing.remove("llm.meta.model")
            composed.llm.meta.model = ""
        if missing:
            raise ConfigError(f"{' and '.join(missing)} must be given: add {missing[0]}=…")
        plain = OmegaConf.to_container(composed, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(_one_line(error)) from error
    return from_mapping(typing.cast(dict[str, Any], plain))


@contextmanager
def _argv(program: str, arguments: Sequence[str]) -> Iterator[None]:
    """Hydra's entry point reads sys.argv, and raises instead of printing only if its environment says so."""
    argv, full = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = [program, *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = argv
        if full is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = full


def _one_line(error: Exception) -> str:
    """What Hydra or OmegaConf says in several lines, in one, in the user's words."""
    if isinstance(error, MetaSearchError):
        return str(error)
    text = str(error)
    if "Config group override must be" in text:
        return f"a group takes the name of an option, as in domain=table; {', '.join(GROUPS)} are groups"
    options = r"Could not find '([^']+)'\s+Available options in '([^']+)':\s*((?:\t\S+\n)+)"
    if found := re.search(options, text):
        wanted, group = found[1].removeprefix(f"{found[2]}/"), found[2]
        there = [name for name in found[3].split() if not name.startswith("_")]
        near = difflib.get_close_matches(wanted, there, n=1)
        meant = f"did you mean {near[0]}? There" if near else "there"
        return f"{group}={wanted}: no such option; {meant} are {', '.join(there)}"
    if found := re.search(r"Could not override '([^']+)'", text):
        return _unknown(found[1].split("@")[0].replace("/", "."))
    if found := re.search(r"Ambiguous value for argument '([^']+)'", text):
        return f"{found[1]}: several values need --multirun (run only), a list is written key=[a,b]"
    lines = [line.strip() for line in text.partition("Config search path:")[0].splitlines()]
    kept = [line for line in lines if line.strip("^ ") and not line.startswith("See http")]
    if override := getattr(error, "override", None):
        return f"{override}: bad syntax, expected key=value ({kept[-1] if kept else 'unreadable'})"
    return re.sub(r"^\w*(Exception|Error): ", "", "; ".join(kept[:2])) or type(error).__name__


def _unknown(key: str) -> str:
    """An unknown key, with the nearest ones that exist."""
    if key == "domain.weight":
        return "domain.weight: weights are not possible yet; every item counts the same"
    keys = sorted(known_keys() | set(GROUPS))
    near = difflib.get_close_matches(key, keys, n=3, cutoff=0.6)
    near += [name for name in keys if name.rpartition(".")[2] == key.rpartition(".")[2] and name not in near]
    hint = f"did you mean {' or '.join(near[:3])}?" if near else "`meta-search run --help` lists them"
    return f"unknown key {key}; {hint}"
