"""`meta-search archive show RUN AGENT --item ID`: what an agent made of one item, call by call."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meta_search.commands.terminal import print_json, say
from meta_search.errors import ArchiveError
from meta_search.text import one_line, passage
from meta_search.types import SPLITS, ItemResult, Split

if TYPE_CHECKING:
    from archive.records import Archive, Record

__all__ = ["show_item"]

MOST_SHOWN = 6_000  # characters of a text in the terminal
SHOWN_IDS = 8  # items that are named where another one was asked for


def show_item(arguments: argparse.Namespace, folder: Path, archive: Archive, record: Record) -> int:
    """Print one result of an agent: question, target where it is stored, every call, answer and feedback.

    Args:
        arguments: With `item`, `split` and `repeat`.
        folder: The run.
        archive: Its archive.
        record: The agent.

    Raises:
        ArchiveError: The agent has no result on such an item; one line.
    """
    from meta_search.dashboard.views.item import item as item_page

    result = _result(archive, record, arguments.item, arguments.split, arguments.repeat)
    page = item_page(
        folder, archive, item=result.item, split=result.split, agent=record.agent.id, repeat=result.repeat
    )
    if arguments.json:
        return print_json(page)
    _print(page)
    return 0


def _result(archive: Archive, record: Record, item: str, split: Split | None, repeat: int) -> ItemResult:
    """The result that is meant; an item may be named by the end of its id."""
    agent = record.agent.id
    splits = [split] if split else [s for s in (*SPLITS[1:], SPLITS[0]) if s in record.evaluations]
    for on in splits or SPLITS:
        if found := archive.result(agent, on, item, repeat):
            return found
    known = {(r.item, on) for on in splits or SPLITS for r in archive.results(agent, on, trace=False)}
    near = sorted(name for name, _ in known if item in name)
    if len(near) == 1:
        on = next(s for name, s in known if name == near[0])
        if found := archive.result(agent, on, near[0], repeat):
            return found
    named = [one_line(name, 40) for name in near or sorted(name for name, _ in known)]
    more = ", …" if len(named) > SHOWN_IDS else ""
    there = ", ".join(named[:SHOWN_IDS]) + more if named else "none"
    several = "several items with" if len(near) > 1 and not repeat else "no item"
    which = f"{several} {one_line(item, 60)!r}" + (f", repeat {repeat}" if repeat else "")
    raise ArchiveError(f"{one_line(record.agent.name, 60)} ({agent}) has {which}; it has {there}")


def _print(page: Mapping[str, Any]) -> None:
    result = page["result"]
    kind = f", {one_line(page['kind'], 40)}" if page["kind"] else ""
    say(f"item {one_line(page['item'], 80)} of {page['split']}{kind}")
    for name in ("question", "target"):
        if page[name]:
            say(f"{name}:")
            _indent(str(page[name]))
    if page["target_note"]:
        say(f"  ({one_line(page['target_note'], 300)})")
    if result is None:
        return
    who = f"{one_line(result['name'], 80)} ({result['agent']})"
    repeat = f", repeat {result['repeat']}" if result["repeat"] else ""
    score = "no score" if result["score"] is None else f"scored {result['score']:.2f}"
    used = result["used"]
    spent = f"{used['calls']} calls, {used['tokens']:,} tokens, {result['seconds']:.1f} s"
    say(f"{who}{repeat}: {score}, outcome {one_line(result['outcome'], 40)}; {spent}")
    for call in result["calls"]:
        _print_call(call)
    _print_programs(result["programs"])
    for name in ("answer", "detail", "feedback"):
        if result[name]:
            say("")
            say(f"{name}:")
            _indent(str(result[name]))


def _print_call(call: Mapping[str, Any]) -> None:
    say("")
    parts = [f"{call['prompt_tokens'] + call['completion_tokens']:,} tokens"]
    parts += [f"{call['latency_s']:.2f} s"] if call["latency_s"] is not None else []
    parts += [f"hears {', '.join(f'#{i}' for i in call['inputs'])}"] if call["inputs"] else []
    parts += ["its answer is the item's"] if call["final"] else []
    parts += [f"fault: {one_line(call['fault'], 200)}"] if call["fault"] else []
    say(f"#{call['index']} {one_line(call['component'], 60)}: {'; '.join(parts)}")
    for message in call["messages"]:
        say(f"  {one_line(message['role'], 20)}:")
        _indent(str(message["text"]), 4)
        _print_tools(message["calls"])
    if call["reasoning"]:
        say("  thinking:")
        _indent(str(call["reasoning"]), 4)
    say("  reply:")
    _indent(str(call["reply"]), 4)
    _print_tools(call["tool_calls"])
    if call["left_out"]:
        say(f"  ({one_line(call['left_out'], 300)})")


def _print_tools(calls: Sequence[Mapping[str, Any]]) -> None:
    for tool in calls:
        say(f"  calls {one_line(tool['name'], 60)}({one_line(tool['arguments'], 400)})")
        if tool.get("result"):
            _indent(str(tool["result"]), 4)


def _print_programs(programs: Sequence[Mapping[str, Any]]) -> None:
    for number, program in enumerate(programs, start=1):
        say("")
        say(f"program {number}:")
        _indent(str(program["code"]))
        say("  failed:" if program["error"] else "  printed:")
        _indent(str(program["error"] or program["output"]), 4)


def _indent(text: str, by: int = 2) -> None:
    for line in passage(text, MOST_SHOWN).split("\n"):
        say(" " * by + line)
