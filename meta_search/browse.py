"""What the command line prints of a run: its agents, one agent, differences, lineage, report.

Text that a model wrote (names, thoughts, source) may hold escape sequences: it is cleaned before it reaches
a terminal, and `--json` escapes it.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search import runs
from meta_search.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from archive.records import Archive, Record
    from meta_search.types import Importance

__all__ = ["COMMANDS", "check_writable", "print_evaluations", "report"]

Row = dict[str, Any]
MOST_HINTS = 20
WIDE = 100  # columns
SPLITS = ("examples", "train", "validation", "test")  # as a search meets them


def print_evaluations(rows: Sequence[Row], file: Path | None) -> None:
    """Print the rows of `meta-search evaluate` as a table, and write them to `file` if there is one.

    Below the table stands the most frequent fault of each agent that has any, with what mends it.
    """
    from meta_search.report.source import clean
    from meta_search.report.tables import evaluations_table

    _print(evaluations_table(rows))
    failing = list({row["agent"]: row for row in rows if row["hint"]}.values())
    for row in failing[:MOST_HINTS]:
        print(f"{row['agent'][:8]}  {clean(row['name'], 40)}: {clean(row['hint'], 600)}")
    if len(failing) > MOST_HINTS:
        print(f"and {len(failing) - MOST_HINTS} more agents with faults; --json has them all")
    if file:
        file.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def check_writable(file: Path | None) -> None:
    """Refuse a file that could not be written at the end, before any work is done for it."""
    if file and (file.is_dir() or not file.absolute().parent.is_dir()):
        raise ConfigError(f"--json {file}: not a file that can be written")


def _list(arguments: argparse.Namespace) -> int:
    from meta_search.report.tables import agent_rows, agents_table

    folder, archive = _open(arguments.run)
    rows = agent_rows(archive)
    if arguments.json:
        return _print_json(rows)
    _print(agents_table(rows, title=str(folder), limit=arguments.limit or len(rows), wide=_wide()))
    return 0


def _search(arguments: argparse.Namespace) -> int:
    from meta_search.report.tables import agent_rows, agents_table

    folder, archive = _open(arguments.run)
    matches = [{record.agent.id for record in archive.search(word, len(archive))} for word in arguments.words]
    found = set.intersection(*matches)
    rows = [row for row in agent_rows(archive) if row["agent"] in found]
    if arguments.json:
        return _print_json(rows)
    if rows:
        title = f"{folder}: {' '.join(arguments.words)}"
        _print(agents_table(rows, title=title, limit=len(rows), wide=_wide()))
        print()
        for record in archive.get(row["agent"] for row in rows[:MOST_HINTS]):
            print(f"{record.agent.id[:8]}  {_where(record, arguments.words)}")
    else:
        print(f"no agent of {folder} holds {' and '.join(arguments.words)}")
    return 0


def _where(record: Record, words: Sequence[str]) -> str:
    """The line of an agent that holds most of the words, with where it stands."""
    from meta_search.report.source import clean

    lines = enumerate(record.agent.source.splitlines(), start=1)
    texts = {"name": record.agent.name, "thought": record.thought}
    texts |= {f"line {number}": line for number, line in lines}

    def held(place: str) -> list[int]:
        return [at for word in words if (at := texts[place].lower().find(word.lower())) >= 0]

    place = max(texts, key=lambda place: len(held(place)))
    start = max(0, min(held(place), default=0) - 60)
    return f"{place}: {clean(texts[place][start:].strip(), 120)}"


def _show(arguments: argparse.Namespace) -> int:
    from meta_search.report.tables import agent_row, evaluation_row

    folder, archive = _open(arguments.run)
    record = archive.record(arguments.agent)
    evaluations = {
        split: evaluation_row(record.agent, evaluation)
        | {"complete": evaluation.complete, "stopped": evaluation.stopped}
        | {"hint": _hint(archive, record, split)}
        for split, evaluation in sorted(record.evaluations.items(), key=lambda pair: SPLITS.index(pair[0]))
    }
    if arguments.json:
        agent = record.agent
        return _print_json(
            agent_row(record)
            | {
                "thought": record.thought,
                "values": dict(agent.values),
                "demonstrations": [[d.question, d.reply] for d in agent.demonstrations],
                "evaluations": evaluations,
                "importance": [asdict(row) for row in _importance(archive, record)],
                "source": agent.source,
            }
        )
    _print_record(folder, record, evaluations)
    _print_importance(_importance(archive, record))
    return 0


def _importance(archive: Archive, record: Record) -> list[Importance]:
    """What the agent's components are worth, as far as anybody looked."""
    from meta_search.importance import merged

    agent = record.agent.id
    split = next((s for s in ("train", "validation", "test") if s in record.evaluations), "train")
    return merged(agent, archive.importance(agent), archive.results(agent, split))


def _print_importance(rows: Sequence[Importance]) -> None:
    from meta_search.report.source import clean

    for row in rows:
        cost = f"{row.calls:.1f} calls and {row.tokens:,.0f} tokens an item"
        spent = f"; {row.replayed} calls replayed, {row.asked} asked" if row.method != "ratings" else ""
        method = row.method.replace("_", " ")
        print(f"{row.value:+7.3f} by {method:9} {clean(row.component, 60)}: {cost}, {row.items} items{spent}")


def _hint(archive: Archive, record: Record, split: str) -> str:
    """The most frequent fault of an agent on a split with what mends it, `""` without any."""
    from meta_search.outcomes import most_frequent

    fault = most_frequent(archive.results(record.agent.id, split, trace=False))
    return fault.told(record.agent.source) if fault else ""


def _print_record(folder: Path, record: Record, evaluations: Mapping[str, Row]) -> None:
    """One agent for the terminal: head, scores by split, thought, values, source."""
    from meta_search.report.source import clean
    from meta_search.report.tables import faults_text, per_item, score_text, usd_text

    agent = record.agent
    head = [f"{clean(agent.name)}  {agent.id}  in {folder}"]
    made = f"{record.operator} by {record.author}, generation {record.generation}"
    at = datetime.fromtimestamp(record.created).astimezone()
    head.append(f"  {record.status}; {made}, {at:%Y-%m-%d %H:%M}")
    if record.parents:
        head.append(f"  parents: {', '.join(record.parents)}")
    for split, row in evaluations.items():
        score = score_text(row["score"], row["low"], row["high"])
        cost = f"{per_item(row, 'tokens'):,.0f} tokens and {per_item(row, 'calls'):.1f} calls"
        cost += f" and {usd_text(per_item(row, 'cost_usd'))}" if row["cost_usd"] else ""
        head.append(f"  {split:10} {score} % on {row['items']} items, {cost} an item; {faults_text(row)}")
        if row["stopped"] or not row["complete"]:
            head.append(f"  {'':10} not complete{': ' if row['stopped'] else ''}{clean(row['stopped'], 120)}")
        if row["hint"]:
            head.append(f"  {'':10} {clean(row['hint'], 600)}")
    if not evaluations:
        head.append("  not evaluated")
    if agent.values:
        head.append("  values: " + ", ".join(f"{name}={value}" for name, value in agent.values.items()))
    if agent.demonstrations:
        head.append(f"  demonstrations: {len(agent.demonstrations)}")
    if record.thought:
        head.append(f"  thought: {clean(record.thought, 400)}")
    print("\n".join(head) + "\n")
    _print_source(agent.source)


def _print_source(source: str) -> None:
    text = _printable(source)
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.syntax import Syntax

    _print(Syntax(text, "python", background_color="default"))


def _diff(arguments: argparse.Namespace) -> int:
    _, archive = _open(arguments.run)
    one, other = (archive.record(name).agent for name in (arguments.agent, arguments.other))
    lines = list(
        difflib.unified_diff(
            one.source.splitlines(), other.source.splitlines(), one.id, other.id, lineterm="", n=3
        )
    )
    values = {
        name: [one.values.get(name), other.values.get(name)]
        for name in sorted({*one.values, *other.values})
        if one.values.get(name) != other.values.get(name)
    }
    shown = [len(one.demonstrations), len(other.demonstrations)]
    if arguments.json:
        same = one.demonstrations == other.demonstrations
        return _print_json(
            {"agents": [one.id, other.id], "values": values, "demonstrations": shown, "diff": lines}
            | {"same_demonstrations": same}
        )
    for name, (before, after) in values.items():
        print(f"value {_printable(name)}: {before} -> {after}")
    if one.demonstrations != other.demonstrations:
        print(f"demonstrations: {shown[0]} -> {shown[1]}")
    print("\n".join(_printable(line) for line in lines) or "the sources are equal")
    return 0


def _lineage(arguments: argparse.Namespace) -> int:
    from meta_search.export import best
    from meta_search.report.source import clean
    from meta_search.report.tables import agent_row, score_text

    _, archive = _open(arguments.run)
    record = archive.record(arguments.agent) if arguments.agent else best(archive)
    rows = [agent_row(ancestor) for ancestor in archive.lineage(record.agent.id)]
    if arguments.json:
        return _print_json(rows)
    for row in rows:
        score = score_text(row["score"], row["low"], row["high"])
        parents = ", ".join(parent[:8] for parent in row["parents"])
        made = f"{row['operator']} by {row['author']}{' of ' if parents else ''}{parents}"
        print(f"{row['generation']:3}  {row['agent'][:8]}  {score:>20}  {clean(row['name'], 40)}: {made}")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from archive.adas import import_into, read
    from archive.store import Store

    published = read(arguments.file)  # before a folder is made for it
    new = arguments.run != "latest" and not Path(arguments.run).exists()
    folder = Path(arguments.run) if new else runs.resolve(arguments.run)
    with Store.open(folder / runs.ARCHIVE) as store:
        added = import_into(store, arguments.file)
    if arguments.json:
        return _print_json({"run": str(folder), "added": added, "agents": [a.id for a, _ in published]})
    print(f"{added} of {len(published)} agents of {arguments.file} are new in {folder}")
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "diff": _diff,
    "import": _import,
    "lineage": _lineage,
    "list": _list,
    "search": _search,
    "show": _show,
}


def report(run: str, as_json: bool) -> int:
    """Print the verdict of a run with its finalists and seeds, and write `report.html` beside its archive."""
    import dataclasses

    from meta_search.report.html import write_report
    from meta_search.report.verdict import archive_verdict

    folder, archive = _open(run)
    verdict = archive_verdict(archive)
    page = folder / "report.html"
    write_report(archive, verdict, page)
    if as_json:
        return _print_json({"report": str(page), **dataclasses.asdict(verdict)})
    print("\n".join(verdict.lines))
    print(page)
    return 0


def _open(run: str) -> tuple[Path, Archive]:
    """A run's folder and its archive, read-only; `RUN:AGENT` is not meant here."""
    from archive.records import Archive

    folder = runs.resolve(run)
    return folder, Archive(folder)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def _print(what: RenderableType) -> None:
    _console().print(what)


def _wide() -> bool:
    """Whether there is room for all columns."""
    return _console().width >= WIDE


def _console() -> Console:
    from rich.console import Console

    # Where there is no terminal nobody wraps lines: a narrow default would cut names.
    return Console() if sys.stdout.isatty() else Console(width=140)


def _print_json(value: Row | Iterable[Any]) -> int:
    print(json.dumps(value, indent=1, default=str))
    return 0
