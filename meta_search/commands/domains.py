"""`meta-search domains`: the domains that there are, each a file of `conf/domain`, and what one is like."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from meta_search.commands.terminal import print_json, print_rich, say, wide
from meta_search.errors import ConfigError, DomainError

if TYPE_CHECKING:
    from domains.domain import Domain, Item
    from meta_search.config import DomainConfig

__all__ = ["list_domains", "show_domain"]

SHOWN = 2  # example items
MOST_NAMED = 4  # names in the braces of a source
MOST_SHOWN = 1_500  # characters of a question
WIDTH = 100


def list_domains(as_json: bool = False) -> int:
    """Print all domains.

    Args:
        as_json: Print them as JSON.
    """
    rows = [_card(name, keys) for name, keys in _catalogue().items()]
    if as_json:
        return print_json(rows)
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for head in ("domain", "items", "what it is", *(("licence", "source") if wide() else ())):
        table.add_column(head, justify="right" if head == "items" else "left", overflow="fold")
    for row in rows:
        items = f"{row['items']:,}" if row["items"] else ""
        more = (row["licence"] or "", _short(row["source"] or "")) if wide() else ()
        table.add_row(row["name"], items, row["about"] or "", *more)
    print_rich(table)
    print()
    say("`meta-search domains show NAME` prints one; `meta-search run domain=NAME` searches on it")
    return 0


def show_domain(name: str, overrides: Sequence[str] = (), as_json: bool = False) -> int:
    """Print one domain, with two example items as an agent would see them where the data can be had.

    Args:
        name: Name of a domain.
        overrides: As of `run`, for instance `domain.path=my_copy.jsonl`.
        as_json: Print JSON.

    Raises:
        ConfigError: There is no such domain.
    """
    from meta_search.compose import compose

    catalogue = _catalogue()
    if name not in catalogue:
        raise ConfigError(f"domain={name:.40}: no such domain; there are {', '.join(catalogue)}")
    config = compose([f"domain={name}", *overrides]).domain
    card = _card(name, dataclasses.asdict(config))
    domain, why = _built(config)
    examples = [] if domain is None or config.private else list(domain.items("examples")[:SHOWN])
    if as_json:
        shown = [{"kind": i.kind, "question": i.question, "answer": i.target} for i in examples]
        counts = {} if domain is None else _counts(domain)
        return print_json({**card, "splits": counts, "examples": shown, "missing": why or None})
    for line in _lines(config, card, domain, why):
        say(line)
    for number, item in enumerate(examples, 1):
        assert domain is not None
        _say_item(number, item, domain)
    return 0


def _catalogue() -> Mapping[str, Mapping[str, Any]]:
    from meta_search.compose import options_of

    return options_of("domain")


def _card(name: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """What a file of conf says of a domain."""
    names = ("items", "licence", "citation", "matcher", "private")
    about = keys.get("about") or _first_line(name)
    return {"name": name, "about": about, "source": keys.get("path"), **{key: keys.get(key) for key in names}}


def _first_line(name: str) -> str:
    """What the file of a domain of the user's own begins with."""
    text = (files("conf") / "domain" / f"{name}.yaml").read_text(encoding="utf-8")
    return text.partition("\n")[0].lstrip("# ").partition(": ")[0].rstrip(".:")


def _short(source: str) -> str:
    """A source without its revision, and without the names in its braces."""
    start, brace, rest = source.partition("{")
    names = rest.partition("}")[0].split(",") if brace else []
    if len(names) > MOST_NAMED:
        return f"{start.rstrip(':')} ({len(names)} parts)"
    return ", ".join(f"{start}{name.partition('@')[0]}" for name in names) or source.partition("@")[0]


def _built(config: DomainConfig) -> tuple[Domain | None, str]:
    """The domain, or why its data are not here."""
    from domains.registry import make

    try:
        return make(config), ""
    except DomainError as error:
        return None, str(error)


def _compared(config: DomainConfig, domain: Domain | None) -> str:
    """How answers are compared: as the domain found for itself, where the configuration leaves it open."""
    found = getattr(domain, "compared", "") if config.matcher == "auto" else ""
    if found:
        return f"compared by {found}"
    if config.matcher == "auto" and domain is not None:
        return "scored by the domain itself"
    options = "".join(f", {name}={value}" for name, value in config.matcher_options.items())
    return f"compared by {config.matcher}{options}"


def _counts(domain: Domain) -> dict[str, int]:
    from meta_search.types import SPLITS

    return {split: len(domain.items(split)) for split in SPLITS}


def _lines(config: DomainConfig, card: Mapping[str, Any], domain: Domain | None, why: str) -> Iterator[str]:
    yield f"{card['name']}: {card['about']}"
    splits = config.source_splits
    told = {
        "source": config.path or "domain.path names it",
        "as published": f"{config.items:,} items" if config.items else "",
        "splits": ", ".join(f"{split} from {part}" for split, part in splits.items()) or "dealt by content",
        "answers": _compared(config, domain),
        "agents are told": config.instruction or "",
        "licence": config.licence or "",
        "cite": config.citation or "",
    }
    for name, text in told.items():
        if text:
            yield from textwrap.wrap(
                text, WIDTH, initial_indent=f"  {name + ':':17}", subsequent_indent=" " * 19
            )
    if domain is None:
        yield f"  not here:        {why}"
        return
    yield f"  a run takes:     {', '.join(f'{n} {split}' for split, n in _counts(domain).items())}"
    for note in getattr(domain, "notes", ()):
        yield f"  note:            {note}"
    if config.private:
        yield "  no items are shown: the publisher asks not to show them in plain text"


def _say_item(number: int, item: Item, domain: Domain) -> None:
    kind = f" ({item.kind})" if item.kind else ""
    print()
    say(f"example {number}{kind}, as an agent is asked it; it is told: {domain.wording.get('', '')}")
    question = item.question
    if len(question) > MOST_SHOWN:
        question = f"{question[: MOST_SHOWN // 2]}\n[…]\n{question[-MOST_SHOWN // 2 :]}"
    for line in question.splitlines():
        say(f"  | {line}")
    head = "right answer" if getattr(domain, "targets_answer", True) else "scored by"
    say(f"  {head}: {item.target[:300]}")
