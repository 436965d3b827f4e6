"""`meta-search archive show`: one agent with its evidence and source."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.commands.item import show_item
from meta_search.commands.lessons import are_meant, show_lessons
from meta_search.commands.terminal import ascii_only, open_run, print_json, print_rich, say
from meta_search.text import one_line, passage, printable
from meta_search.types import SPLITS, Split

if TYPE_CHECKING:
    from archive.records import Archive, Record
    from meta_search.report.tuning import Tuned
    from meta_search.report.wrong import WrongItem
    from meta_search.types import Importance, ItemResult

__all__ = ["show"]

Row = dict[str, Any]

MOST_WRONG = 200  # items of --json
MOST_SHOWN, MOST_LINES = 1200, 12  # characters and lines of feedback in a terminal


def show(arguments: argparse.Namespace) -> int:
    """`meta-search archive show`."""
    from archive.opened import WITHHELD, is_open
    from meta_search.guide.studies import parameter_importance
    from meta_search.importance import merged
    from meta_search.report import taught, tuning
    from meta_search.report.tables import told
    from meta_search.report.tuning import Tunings
    from meta_search.report.wrong import wrong_items

    folder, archive = open_run(arguments.run)
    if are_meant(archive, arguments.agent):
        return show_lessons(folder, archive, arguments.json)
    record = archive.record(arguments.agent)
    if arguments.item:
        return show_item(arguments, folder, archive, record)
    agent = record.agent.id
    evaluations = {
        split: _evaluation_row(archive, record, split) for split in SPLITS if split in record.evaluations
    }
    evaluated = [s for s in SPLITS[1:] if s in record.evaluations]
    split: Split = arguments.split or (evaluated[0] if evaluated else "train")
    withheld = not is_open(archive, split)
    results = [] if withheld else archive.results(agent, split)
    wrong = wrong_items(results, record.agent.source)
    importance = merged(agent, archive.importance(agent), results)
    tuned = Tunings(archive, parameter_importance)(agent)
    shown = taught.of_agent(archive, record.agent.demonstrations)
    if arguments.json:
        worked = {"taught": [{"kind": t.kind, "form": t.form, "teacher": t.teacher} for t in shown]}
        return print_json({**_as_json(record, evaluations, importance, tuned, wrong), **worked})
    rows = dict(zip(evaluations, told(evaluations.values(), archive), strict=True))
    _print_record(folder, record, archive.children(agent), rows, taught.told(shown))
    if withheld:
        say(f"{split}: {WITHHELD}")
    _print_wrong(wrong, len(results), arguments.wrong)
    _print_source(record.agent.source)
    _print_importance(importance)
    _print_team(results)
    for line in tuning.lines(tuned) if tuned else ():
        say(line)
    return 0


def _evaluation_row(archive: Archive, record: Record, split: Split) -> Row:
    from meta_search.report.tables import evaluation_row

    evaluation = record.evaluations[split]
    return {
        **evaluation_row(record.agent, evaluation),
        "complete": evaluation.complete,
        "stopped": evaluation.stopped,
        "hint": _hint(archive, record, split),
    }


def _as_json(
    record: Record,
    evaluations: Mapping[Split, Row],
    importance: Sequence[Importance],
    tuned: Tuned | None,
    wrong: Sequence[WrongItem],
) -> Row:
    from meta_search.report.tables import agent_row

    agent = record.agent
    return {
        **agent_row(record),
        "thought": record.thought,
        "values": dict(agent.values),
        "demonstrations": [[d.question, d.reply] for d in agent.demonstrations],
        "evaluations": evaluations,
        "importance": [asdict(row) for row in importance],
        "tuning": asdict(tuned) if tuned else None,
        "wrong": [item.as_json() for item in wrong[:MOST_WRONG]],
        "source": agent.source,
    }


def _print_importance(rows: Sequence[Importance]) -> None:
    for row in rows:
        cost = f"{row.calls:.1f} calls and {row.tokens:,.0f} tokens per item, {row.items} items"
        spent = f"; {row.replayed} calls replayed, {row.asked} asked" if row.method != "ratings" else ""
        method = row.method.replace("_", " ")
        say(f"{row.value:+7.3f} by {method:9} {one_line(row.component, 60)}: {cost}{spent}")


def _print_team(results: Sequence[ItemResult]) -> None:
    """Who hears whom, where traces show two components or more."""
    from meta_search.report import graphs

    traced = [r.trace for r in results if r.trace]
    graph = graphs.team(traced)
    if len(graph) < 2:
        return
    for _, data in graph.nodes(data=True):
        data["shown"] = f"({data['calls'] / len(traced):.1f} calls per item)"
    longest = max(graphs.depth(trace) for trace in traced)
    print(f"who hears whom ({longest} calls wait for one another at most):")
    print(printable(graphs.to_text(graph, "shown", ascii_only())))


def _hint(archive: Archive, record: Record, split: Split) -> str:
    """The most frequent fault of an agent on a split with what mends it, `""` without any."""
    from meta_search.outcomes import most_frequent

    fault = most_frequent(archive.results(record.agent.id, split, trace=False))
    return fault.explain(record.agent.source) if fault else ""


def _print_record(
    folder: Path, record: Record, children: Sequence[str], evaluations: Mapping[Split, Row], worked: str
) -> None:
    """One agent for the terminal: head, scores by split, thought, values, worked examples."""
    from meta_search.report.tables import faults_text, free_of, items_text, per_item, score_text, usd_text
    from meta_search.report.tuning import value_text

    agent = record.agent
    head = [f"{one_line(agent.name, 80)}  {agent.id}  in {folder}"]
    model = record.brief.model if record.brief else ""
    whose = f"{record.author} with {one_line(model, 60)}" if model else record.author
    made = f"{record.operator} by {whose}, generation {record.generation}"
    at = datetime.fromtimestamp(record.created).astimezone()
    head.append(f"  {record.status}; {made}, {at:%Y-%m-%d %H:%M}")
    if record.parents:
        head.append(f"  parents: {', '.join(record.parents)}")
    if children:
        head.append(f"  children: {', '.join(children)}")
    for split, row in evaluations.items():
        score = score_text(row["score"], row["low"], row["high"])
        cost = f"{per_item(row, 'tokens'):,.0f} tokens and {per_item(row, 'calls'):.1f} calls"
        cost += f" and {usd_text(per_item(row, 'cost_usd'))}" if row["cost_usd"] else ""
        on = f"{items_text(row)} items{free_of(row)}"
        head.append(f"  {split:10} {score} % on {on}, {cost} per item; {faults_text(row)}")
        if record.same_as and row["stopped"]:
            head.append(f"  {'':10} {one_line(row['stopped'], 120)}")
        elif row["stopped"] or not row["complete"]:
            why = one_line(row["stopped"], 120)
            head.append(f"  {'':10} not complete{': ' if why else ''}{why}")
        if row["hint"]:
            head.append(f"  {'':10} {one_line(row['hint'], 600)}")
    if not evaluations:
        head.append("  not evaluated")
    if agent.values:
        values = (
            f"{one_line(name, 80)}={one_line(value_text(value), 80)}" for name, value in agent.values.items()
        )
        head.append("  values: " + ", ".join(values))
    if agent.demonstrations:
        head.append(f"  demonstrations: {len(agent.demonstrations)} ({worked})")
    if record.thought:
        head.append(f"  thought: {one_line(record.thought, 400)}")
    for line in (*head, ""):
        say(line)


def _print_wrong(wrong: Sequence[WrongItem], ran: int, most: int) -> None:
    """The worst items, each with its answer and, behind a mark, what the scorer said of it."""
    if not wrong or most <= 0:
        return
    worst = "" if len(wrong) <= most else f"; the {most} worst:" if most > 1 else "; the worst:"
    say(f"  wrong on {len(wrong)} of {ran} {wrong[0].split} results{worst or ':'}")
    for item in wrong[:most]:
        repeat = f" (repeat {item.repeat})" if item.repeat else ""
        how = item.fault or f"answered {one_line(item.answer, 100) or 'nothing'}"
        say(f"  {item.item}{repeat}: scored {item.score:.2f}; {how}")
        said = passage(item.feedback, MOST_SHOWN).split("\n") if item.feedback else []
        for line in said[:MOST_LINES]:
            say(f"    > {line}")
        if len(said) > MOST_LINES:
            say(f"    > … {len(said) - MOST_LINES} more lines: --json has them")
    say("")


def _print_source(source: str) -> None:
    text = printable(source)
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.syntax import Syntax

    print_rich(Syntax(text, "python", background_color="default"))
