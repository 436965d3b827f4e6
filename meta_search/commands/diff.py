"""`meta-search archive diff`: two agents side by side: items won and lost, values, demonstrations, source."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from meta_search.commands.terminal import open_run, print_json, say
from meta_search.errors import ConfigError
from meta_search.text import one_line, printable
from meta_search.types import Agent, Split

if TYPE_CHECKING:
    from archive.records import Archive, Record
    from meta_search.report.item_pairs import Fate, ItemPairs

__all__ = ["diff"]

BY_WEIGHT: tuple[Split, ...] = ("test", "validation", "train", "examples")  # what says most comes first


def diff(arguments: argparse.Namespace) -> int:
    """`meta-search archive diff`."""
    _, archive = open_run(arguments.run)
    records = [archive.record(name) for name in (arguments.agent, arguments.other)]
    one, other = (record.agent for record in records)
    split, pairs = _pairs(archive, records, arguments.split)
    lines = list(
        difflib.unified_diff(
            one.source.splitlines(), other.source.splitlines(), one.id, other.id, lineterm="", n=3
        )
    )
    if arguments.json:
        return print_json(_as_json(one, other, lines) | _items_json(split, pairs))
    _print_items(one, other, split, pairs, arguments.items)
    _print_values(one, other)
    print("\n".join(printable(line) for line in lines) or "the sources are identical")
    return 0


def _pairs(
    archive: Archive, records: Sequence[Record], asked: Split | None
) -> tuple[Split | None, ItemPairs | None]:
    """The items of two agents on a split that both have been evaluated on."""
    from meta_search.report.item_pairs import item_pairs

    shared = [s for s in BY_WEIGHT if all(s in record.evaluations for record in records)]
    if asked and asked not in shared:
        have = f"; both have {', '.join(shared)}" if shared else ""
        raise ConfigError(f"--split {asked}: not both agents were evaluated on it{have}")
    split = asked or next(iter(shared), None)
    if split is None:
        return None, None
    one, other = (archive.results(record.agent.id, split, trace=False) for record in records)
    return split, item_pairs(one, other)


def _changed(one: Agent, other: Agent) -> dict[str, list[Any]]:
    return {
        name: [one.values.get(name), other.values.get(name)]
        for name in sorted({*one.values, *other.values})
        if one.values.get(name) != other.values.get(name)
    }


def _as_json(one: Agent, other: Agent, lines: Sequence[str]) -> dict[str, Any]:
    return {
        "agents": [one.id, other.id],
        "values": _changed(one, other),
        "demonstrations": [len(one.demonstrations), len(other.demonstrations)],
        "same_demonstrations": one.demonstrations == other.demonstrations,
        "diff": list(lines),
    }


def _items_json(split: Split | None, pairs: ItemPairs | None) -> dict[str, Any]:
    return {"split": split, "versus": pairs.as_json() if pairs else None}


def _print_items(one: Agent, other: Agent, split: Split | None, pairs: ItemPairs | None, most: int) -> None:
    """Who won how many items, and which; of the first agent's side."""
    if split is None or pairs is None:
        say("no split that both were evaluated on")
        return
    won, lost, tied = pairs.count("won"), pairs.count("lost"), pairs.count("tied")
    apart = pairs.count("unpaired")
    counted = f"{won} won, {lost} lost, {tied} tied" + (f", {apart} not of both" if apart else "")
    names = f"{one_line(one.name, 40)} against {one_line(other.name, 40)}"
    test = ""
    found = pairs.as_json()
    if pairs.p is not None:
        p = f"p = {pairs.p:.4f}" if pairs.p >= 0.0001 else "p < 0.0001"
        test = f"; {found['points']:+.1f} points [{found['low']:.0f}, {found['high']:.0f}], {p}"
    say(f"{names} on {split} items: {counted}{test}")
    if split != "test" and pairs.p is not None:
        say("  (the search chose its agents by such items: this p is too small for the best of many)")
    fates: tuple[Fate, Fate] = ("lost", "won")
    for fate in fates if most else ():
        items = [pair for pair in pairs.pairs if pair.fate == fate]
        if not items:
            continue
        more = f" and {len(items) - most} more" if len(items) > most else ""
        shown = ", ".join(
            f"{one_line(p.item, 40)} ({p.ours or 0:.2f} to {p.theirs or 0:.2f})" for p in items[:most]
        )
        say(f"  {fate}: {shown}{more}")
    say("")


def _print_values(one: Agent, other: Agent) -> None:
    from meta_search.report.tuning import value_text

    for name, change in _changed(one, other).items():
        before, after = (one_line(value_text(value), 80) for value in change)
        say(f"value {one_line(name, 80)}: {before} -> {after}")
    if one.demonstrations != other.demonstrations:
        print(f"demonstrations: {len(one.demonstrations)} -> {len(other.demonstrations)}")
