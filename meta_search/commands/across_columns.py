"""What `evaluate --across` was asked for: `domains=[…] models=[…]`, and what is otherwise in one of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from domains.perturb.registry import PERTURBATIONS
from meta_search.compose import GROUPS, compose, known_keys
from meta_search.config import Config
from meta_search.errors import ConfigError
from meta_search.text import one_line

__all__ = ["Asked", "Place", "asked", "places"]

KEYS = ("domains", "models")
PLAIN = ("mgsm", "reasoning", "table")  # domains whose scorers ask no model


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for.

    Attributes:
        domains: Column -> its overrides; one column without overrides where none are named.
        models: Table -> its overrides, likewise.
        rest: Overrides of all cells.
    """

    domains: dict[str, tuple[str, ...]]
    models: dict[str, tuple[str, ...]]
    rest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A cell to be filled.

    Attributes:
        domain: Its column.
        model: Its table.
        config: What its evaluation is configured with; without `run.dir`, the whole budget.
    """

    domain: str
    model: str
    config: Config

    @property
    def title(self) -> str:
        """What it is called, one line."""
        return f"{one_line(self.domain, 60)} × {one_line(self.model, 60)}"

    @property
    def folder(self) -> str:
        """A name for its run folder."""
        return "@".join(
            re.sub(r"[^\w.-]+", "-", part).strip("-.") or "x" for part in (self.domain, self.model)
        )


def asked(words: Sequence[str]) -> Asked:
    """Sort the words behind `evaluate AGENTS --across`.

    Args:
        words: `domains=[gsm8k,mgsm_en:FILE,mine=table:FILE]`, `models=[a,b]`, `COLUMN.key=value` for one of
            them, and overrides of all.

    Raises:
        ConfigError: Neither domains nor models are named, or one is named twice; one line.
    """
    lists: dict[str, list[str]] = {}
    rest = []
    for word in words:
        key, _, value = word.partition("=")
        if key in KEYS and key in lists:
            raise ConfigError(f"{key} is given twice: name all in one list, {key}=[a,b]")
        if key in KEYS:
            lists[key] = list(_parts(value))
        else:
            rest.append(word)
    if not any(lists.values()):
        raise ConfigError(
            "--across needs domains=[gsm8k,svamp:FILE] or models=[a,b], or both: what agents are evaluated on"
        )
    domains = _labelled(lists.get("domains", []), "domains", _domain_words, _domain_label)
    models = _labelled(lists.get("models", []), "models", _model_words, str)
    if domains and any(word.startswith(("domain=", "domain.path=")) for word in rest):
        raise ConfigError("domains=[…] names the domains: leave out domain=… and domain.path=…")
    others = tuple(_taken(rest, domains, models))
    return Asked(domains, models, others)


def places(found: Asked) -> list[Place]:
    """The cells of a matrix, domain by domain, each with its configuration.

    Raises:
        ConfigError: An override that is wrong; names the cell.
    """
    made = []
    for domain, on in (found.domains or {"": ()}).items():
        for model, by in (found.models or {"": ()}).items():
            words = [*_groups(found.rest), *on, *by]
            try:
                config = compose(_with_meta(words))
            except ConfigError as error:
                raise ConfigError(f"{' × '.join(n for n in (domain, model) if n)}: {error}") from error
            named = domain or config.domain.name, model or config.llm.task.model
            made.append(Place(*named, config))
    names = [place.folder for place in made]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"two columns would lie in the folder {twice}: name one of them, as LABEL=…")
    return made


def _groups(rest: Sequence[str]) -> Iterator[str]:
    """Overrides of all cells, choices of groups first, as those of a cell are to win."""
    yield from (word for word in rest if word.partition("=")[0] in GROUPS)
    yield from (word for word in rest if word.partition("=")[0] not in GROUPS)


def _with_meta(words: Sequence[str]) -> list[str]:
    """Overrides with the task model in the place of a meta model that nobody asks: else an embedded one would
    be
    started for nothing, and one of an endpoint would have to be named."""
    if any(word.startswith(("llm.meta.model=", "llm.judge.model=")) for word in words):
        return list(words)
    named = next((w.partition("=")[2] for w in reversed(words) if w.startswith("llm.task.model=")), "")
    config = compose([*words, "llm.meta.model=none"])
    asks = any(PERTURBATIONS[name].asks for name in config.domain.perturb if name in PERTURBATIONS)
    plain = config.domain.name in PLAIN and config.domain.matcher != "judge" and not asks
    return [*words, f"llm.meta.model={named or config.llm.task.model}"] if plain else list(words)


def _parts(text: str) -> Iterator[str]:
    """The parts of a list `[a,b]` or `a,b`; commas within quotes or brackets part nothing."""
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    for found in re.finditer(r"(?:'[^']*'|\"[^\"]*\"|\[[^\]]*\]|[^,'\"\[])+", inner):
        if part := found[0].strip():
            yield part[1:-1] if part[0] in "'\"" and part[-1] == part[0] else part


def _labelled(
    parts: Sequence[str],
    key: str,
    words_of: Callable[[str], tuple[str, ...]],
    label_of: Callable[[str], str],
) -> dict[str, tuple[str, ...]]:
    """Column -> overrides, of `NAME`, or `LABEL=NAME`."""
    found: dict[str, tuple[str, ...]] = {}
    for part in parts:
        label, equals, name = part.partition("=")
        label = label.strip() if equals and "/" not in label and ":" not in label else ""
        words = words_of(name.strip() if label else part)
        shown = label or label_of(part)
        if shown in found:
            raise ConfigError(f"{key} has {shown} twice: name one of them, as other={part}")
        if shown in (*GROUPS, "run", "ray", "seed"):
            raise ConfigError(f"{key}: {shown} is a key of the configuration: name it otherwise, as x={part}")
        found[shown] = words
    return found


def _model_words(name: str) -> tuple[str, ...]:
    return (f"llm.task.model={name}",)


def _domain_label(part: str) -> str:
    """What a column is called where no label says so: the domain's name, or that of a file."""
    name, colon, path = part.partition(":")
    if colon and "/" not in name:
        return name
    return Path(part).stem if Path(part).suffix else part if not colon else Path(path).stem


def _domain_words(part: str) -> tuple[str, ...]:
    """Overrides of one domain: `name`, `name:path`, or a file of a table.

    A name that is no domain is that of a table's file; `mgsm_en` is one of `mgsm`.
    """
    known = _known_domains()
    name, colon, path = part.partition(":")
    if not colon and (Path(part).suffix or "/" in part):
        name, path = "", part
    if name in known:
        return (f"domain={name}", *([f"domain.path={path}"] if path else []))
    if path:
        family = name.partition("_")[0]
        return (f"domain={family if family in known else 'table'}", f"domain.path={path}")
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ConfigError(
        f"domains: no such domain {name}: {hint}name its file, as {name}:FILE; there are {', '.join(known)}"
    )


def _known_domains() -> list[str]:
    """Domains that have a file in `conf/domain`."""
    files = resources.files("conf").joinpath("domain").iterdir()
    return sorted(f.name[:-5] for f in files if f.name.endswith(".yaml") and not f.name.startswith("_"))


def _taken(rest: Sequence[str], *columns: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Overrides that are no column's; those of a column are added to it.

    Raises:
        ConfigError: One of a column names no key.
    """
    keys = known_keys()
    for word in rest:
        key = word.partition("=")[0]
        named, label = next(((c, n) for c in columns for n in c if key.startswith(f"{n}.")), ({}, ""))
        if not label:
            yield word
            continue
        inner = key.removeprefix(f"{label}.")
        if inner not in GROUPS and not any(inner == k or inner.startswith(f"{k}.") for k in keys):
            raise ConfigError(f"{word}: {inner} is no key of the configuration, as in {label}.domain.seed=1")
        named[label] = (*named[label], word.removeprefix(f"{label}."))
