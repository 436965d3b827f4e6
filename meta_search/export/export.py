"""An agent as a folder that runs without meta-search: `python run.py "question"`.

The folder carries the modules of meta-search that need the standard library only: the agent runtime and
the sandbox, so that an exported agent behaves and is confined as it was in the search.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archive.records import Archive, Record
from domains.registry import make
from meta_search import __version__
from meta_search.config import Config, LLMConfig
from meta_search.errors import ArchiveError, ConfigError
from meta_search.export.card import SPLITS, by_kind, make_card, markdown
from meta_search.llm.addresses import normal_url
from meta_search.report import robustness
from meta_search.report.chosen import chosen
from meta_search.report.verdict import archive_verdict, measure_of
from meta_search.run.folder import read_config
from meta_search.run.fork import origin
from meta_search.run.ownership import is_own
from meta_search.run.recording import domain_facts
from meta_search.run.secrets import stored, without_headers
from meta_search.text import one_line
from meta_search.types import Agent

__all__ = ["best", "export_agent", "write_agent"]

FILES = ("config.py", "errors.py", "text.py")
# What an endpoint takes and says, as the gateway knows it.
WIRE = tuple(
    f"llm/{name}.py"
    for name in (
        "__init__",
        "addresses",
        "bodies",
        "faults",
        "replies",
        "streams",
        "structured",
        "takes",
        "thinking",
        "waits",
    )
)
FOLDERS = ("agent", "sandbox", "types")
TEMPLATE = "run_template.py"
# litellm's names of providers whose endpoints speak OpenAI's protocol: no part of the model's own name.
PROVIDERS = re.compile(r"^(openai|hosted_vllm|litellm_proxy)/")


def best(archive: Archive) -> Record:
    """The agent to take; see `report.chosen`.

    Raises:
        ArchiveError: Nothing was evaluated yet.
    """
    take = chosen(archive)
    if take is None:
        raise ArchiveError(f"{archive.path} has no evaluated agent yet: name one")
    return archive.record(take.agent)


def export_agent(folder: Path, agent: str | None, to: Path, trust: bool = False) -> Record:
    """Write an agent of a run as a folder that runs without meta-search. Nothing of the run is executed.

    Args:
        folder: The run.
        agent: Id, beginning of an id, or name; `None` takes the one that the run says to take.
        to: Folder to write; must not exist, or be empty.
        trust: Whether to take from a run that was not made here what would be sent with each request
            (`llm.extra_headers`, with variables of the environment, and further fields), and from one of
            an older version to run the domain's file.

    Returns:
        The agent that was written.

    Raises:
        ArchiveError: No such agent, or `to` cannot be written.
        ConfigError: An older version ran it, which did not keep what agents need of the domain, and it is
            not trusted, or the domain cannot be read any more.
    """
    with Archive(folder) as archive:
        record = archive.record(agent) if agent else best(archive)
        write_agent(record, Path(__file__).parents[1], to, _card(folder, archive, record, trust))
    return record


def _card(folder: Path, archive: Archive, record: Record, trust: bool) -> dict[str, Any]:
    """What a record does not know of an agent; see `card.make_card`."""
    config, verdict = read_config(folder), archive_verdict(archive)
    if not (trust or is_own(folder)):
        config = without_headers(config)
    found = verdict.best is not None and verdict.best.finalist.agent == record.agent.id
    taken = verdict.take is not None and verdict.take.agent == record.agent.id
    llm = stored(config)["llm"]
    domain = _domain(folder, archive, config, trust)
    split = next((s for s in SPLITS if s in record.evaluations), None)
    results = archive.results(record.agent.id, split, trace=False) if split else []
    return {
        "model": config.llm.task.model,
        "max_tokens": config.llm.max_tokens,
        "domain": domain["name"],
        "model_free": config.domain.model_free,
        "run": folder.absolute().name,
        "fork_of": begun.card_line if (begun := origin(archive)) else None,
        "meta_search": archive.meta("version") or __version__,
        "verdict": verdict.sentence if found or taken else "",
        "break_even": verdict.break_even if found else "",
        "measure": measure_of(results),
        "kinds": by_kind(results, domain["kinds"].get(split or "", {})),
        "perturbed": _perturbed(archive, record.agent.id),
        "lineage": [
            f"{step.agent.name} ({step.agent.id}): {step.operator} by {step.author}"
            for step in archive.lineage(record.agent.id)
            if step.agent.id != record.agent.id
        ],
        "wording": domain["wording"],
        "examples": domain["examples"],
        "sandbox": dataclasses.asdict(config.sandbox),
        "takes": _takes(archive, config.llm),
        "extra": {**llm["extra_body"], **llm["task"]["extra"]},
        "headers": {k: v for k, v in llm["extra_headers"].items() if "$" in v},  # no secret itself
    }


def _perturbed(archive: Archive, agent: str) -> list[dict[str, Any]] | None:
    """What perturbing the test items cost an agent; `None` where none were."""
    found = robustness.of_archive(archive)
    mine = [drop for drop in found.drops if drop.agent == agent and drop.items] if found else []
    return [dataclasses.asdict(drop) for drop in mine] or None


def _domain(folder: Path, archive: Archive, config: Config, trust: bool) -> Mapping[str, Any]:
    """What the run has kept of its domain. To make one would run code, or read files, that a config names."""
    found = archive.meta("domain")
    if found is None and not trust:
        raise ConfigError(
            f"{folder} was made by an older meta-search, which did not keep what agents need of the domain: "
            "--trust (from Python: trust=True) makes it again, which runs "
            + (config.domain.path or f"the domain {config.domain.name}")
        )
    found = domain_facts(make(config.domain)) if found is None else found
    wording, examples = found["wording"], found["examples"]
    texts = [*wording, *wording.values(), *(text for pair in examples for text in pair)]
    if not all(isinstance(text, str) for text in texts) or any(len(pair) != 2 for pair in examples):
        raise ArchiveError(f"{folder} is damaged: what it says of its domain makes no sense")
    return found


def _takes(archive: Archive, llm: LLMConfig) -> dict[str, Any]:
    """What the run found its task model to take: a hint, as an export may ask another endpoint."""
    place = llm.task.base_url or llm.base_url
    title = f"{llm.task.model} at {normal_url(place)}" if place else llm.task.model
    found: dict[str, Any] = (archive.meta("takes") or {}).get(title, {})
    return found


def write_agent(record: Record, runtime: Path, to: Path, card: Mapping[str, Any]) -> Path:
    """Write an agent as a folder of its own.

    Args:
        record: The agent with its evidence.
        runtime: The installed `meta_search` folder, from which the runtime is copied.
        to: Folder to write; must not exist, or be empty.
        card: What the archive does not know: see `card.make_card`. Beyond the card it takes `wording` and
            `examples` (as in `ItemJob`: without the domain's wording an agent does not ask as it did in the
            search), `max_tokens`, `takes` (as `llm.takes.Takes.differs` gives it), `extra` (fields of every
            request's body), `headers` (of every request, with `$NAME` for secrets), and `sandbox` (limits by
            name, as in `SandboxConfig`).

    Returns:
        `to`, which holds agent.py, agent.json, card.md, card.json, run.py and runtime/. It appears whole or
        not at all.

    Raises:
        ArchiveError: `to` is not empty or cannot be written, or `runtime` is not a `meta_search` folder.
    """
    to = Path(to)
    if to.exists() and not (to.is_dir() and not any(to.iterdir())):
        raise ArchiveError(f"{to} is not empty: export to a new folder")
    missing = [name for name in (*FILES, *WIRE, *FOLDERS) if not (Path(runtime) / name).exists()]
    if missing:
        raise ArchiveError(f"{runtime} is not an installed meta_search folder: it has no {missing[0]}")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{to.name}-", dir=to.parent) as scratch:
            made = Path(scratch) / "export"
            made.mkdir()
            _write(made, record, card)
            _copy_runtime(Path(runtime), made / "runtime" / "meta_search")
            os.replace(made, to)  # a folder takes the place of an empty one
    except OSError as error:
        raise ArchiveError(f"cannot export to {to}: {error.strerror or error}") from error
    return to


def _write(folder: Path, record: Record, given: Mapping[str, Any]) -> None:
    agent = record.agent
    card = make_card(record, given)
    _text(folder / "agent.py", _header(agent) + agent.source.strip("\n") + "\n")
    _text(folder / "agent.json", _json(_agent(agent, given)))
    _text(folder / "card.json", _json(card))
    _text(folder / "card.md", markdown(card))
    shutil.copyfile(Path(__file__).with_name(TEMPLATE), folder / "run.py")


def _header(agent: Agent) -> str:
    """Comments only: they are no part of an agent's identity."""
    name, id_ = one_line(agent.name, 200), one_line(agent.id, 80)
    return f"# {name}\n# agent {id_}, found by meta-search; run.py runs it\n\n"


def _agent(agent: Agent, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "values": dict(agent.values),
        "demonstrations": [[d.question, d.reply] for d in agent.demonstrations],
        "wording": dict(given.get("wording") or {}),
        "examples": [list(pair) for pair in given.get("examples") or ()],
        "model": PROVIDERS.sub("", str(given.get("model") or "")),
        "max_tokens": int(given.get("max_tokens") or 1024),
        "takes": dict(given.get("takes") or {}),
        "extra": dict(given.get("extra") or {}),
        "headers": dict(given.get("headers") or {}),
        "sandbox": {k: v for k, v in dict(given.get("sandbox") or {}).items() if k != "level"},
    }


def _copy_runtime(runtime: Path, to: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in FOLDERS:
        shutil.copytree(runtime / name, to / name, ignore=ignored)
    (to / "llm").mkdir()
    for name in (*FILES, *WIRE):
        shutil.copyfile(runtime / name, to / name)
    _text(
        to / "__init__.py",
        f'"""The part of meta-search {_version(runtime)} that runs agents. Apache-2.0."""\n',
    )


def _version(runtime: Path) -> str:
    """Version of the copied meta-search, read without importing it; empty where there is none."""
    source = runtime / "__init__.py"
    match = (
        re.search(r'^__version__\s*=\s*"([\w.+-]+)"', source.read_text("utf-8"), re.M)
        if source.exists()
        else None
    )
    return match[1] if match else ""


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, default=str) + "\n"


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
