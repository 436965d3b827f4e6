"""Operator `reflect`: one instruction of an agent, written anew in view of what came of it on a few items.

After GEPA (Agrawal et al. 2025, arXiv 2507.19457, section 3 and algorithm 1): the meta agent sees what went
into one component and what came out, with the verdicts, and writes a new instruction for it; the child is run
on the same few items first, and dropped unless it does better there than its parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meta_search.authors.author import Context, Failure, Parent, Written
from meta_search.authors.cases import cases_of, mean, minibatch, quoted, shown, tried
from meta_search.authors.conversing import Question, converse, leaks, told_first
from meta_search.authors.drafts import Draft, attempt, finish, refused
from meta_search.authors.instructions import Instruction, instructions, prompts_of, reworded, told_by
from meta_search.authors.names import with_parts
from meta_search.authors.replies.instructions import MOST_INSTRUCTION, instruction_in
from meta_search.authors.rewrite import titled
from meta_search.authors.sight.quoting import SHORTLY
from meta_search.authors.templating import render
from meta_search.text import one_line
from meta_search.types import Attempt, Candidate, ItemResult, TraceCall

__all__ = ["MINIBATCH", "STAGE", "prompt", "reflect"]

MINIBATCH = 5  # items
STAGE = "minibatch"
SYSTEM = f"You write instructions for a language model that solves tasks. You are concise. {SHORTLY}"
AGAIN = "Reply with only the new instruction, between ``` and ```."
REPLY_TOKENS = 320  # of an embedded model
CALLS_SHOWN = 2  # of one instruction on one item
RESERVED = 900  # characters of a prompt that are none of the parts below
MOST_CASES, FEW_CASES = 6, 4  # FEW_CASES for embedded models


@dataclass(frozen=True, slots=True)
class Part:
    """The component that is to be told something else.

    Attributes:
        instruction: What it is told now.
        name: Of the component that was told it first.
        results: Place of a train item -> the parent's result there.
        all: All instructions of the parent.
    """

    instruction: Instruction
    name: str
    results: dict[int, ItemResult]
    all: tuple[Instruction, ...]


def reflect(context: Context) -> Written | None:
    """Write the child of the first parent that tells one of its models something better.

    Returns:
        `None` where no instruction stands in the source as a text: the author then edits the parent as it
        edits any other.
    """
    if not context.parents:
        return refused(context, "reflect needs a parent")
    parent = context.parents[0]
    if not parent.failures:
        return refused(context, "the parent got nothing wrong that could be learned from")
    results = tried(context, parent.agent, minibatch(context, MINIBATCH))
    if not results:
        return refused(context, "none of the parent's items could be run")
    part = _chosen(context, parent, results)
    if part is None:
        return None

    def read(text: str) -> Candidate | Attempt:
        return _child(context, part, instruction_in(text))

    messages = (("system", SYSTEM), ("user", prompt(context, part)))
    return converse(context, Question(messages, AGAIN, REPLY_TOKENS), read)


def prompt(context: Context, part: Part) -> str:
    """What the meta agent is asked: the instruction, and what came of it on each item."""
    source = context.parents[0].agent.source
    cases = cases_of(context, part.results)
    told = [(case, calls) for case in cases if (calls := _calls(case, part)) or case.outcome != "ok"]
    most = FEW_CASES if context.context_tokens else MOST_CASES
    if len(told) > most:  # the right one stands last
        told = [*told[: most - 1], told[-1]]
    now = part.instruction.text.strip()
    brief, notes, room = told_first(context, RESERVED + min(len(now), MOST_INSTRUCTION))
    each = max(0, room) // max(1, len(told))
    return render(
        context.config.prompts,
        "reflect",
        brief=brief,
        notes=notes,
        component=one_line(part.name, 60),
        several=len(part.all) > 1,
        instruction=quoted(now, MOST_INSTRUCTION),
        cases=[(case.verdict, shown(case, source, calls, each)) for case, calls in told],
    )


def _chosen(context: Context, parent: Parent, results: dict[int, ItemResult]) -> Part | None:
    """An instruction drawn by the brief's seed; the more likely, the more failing items it was told on."""
    prompts = prompts_of(results.values())
    found = tuple(instructions(parent.agent.source, prompts))
    failing = [r for r in results.values() if not r.right] or list(results.values())
    weights = [sum(any(told_by(i, found, c) for c in r.trace) for r in failing) for i in found]
    if not any(weights):
        return None
    chosen = context.rng.choices(found, weights)[0]
    calls = (c for r in results.values() for c in r.trace if told_by(chosen, found, c))
    first = next(calls)
    return Part(chosen, first.component or first.author, results, found)


def _calls(case: Failure, part: Part) -> list[tuple[str, str, str]]:
    """The calls of an item that were told the instruction: what else they were given, what they said."""
    calls: Sequence[TraceCall] = [c for c in case.trace if told_by(part.instruction, part.all, c)]
    told = part.instruction.text.strip()
    return [("", c.prompt.replace(told, "").strip(), c.text) for c in calls[:CALLS_SHOWN]]


def _child(context: Context, part: Part, text: str) -> Candidate | Attempt:
    """The parent with a new instruction, if that passes the checks and does better on the same items."""
    parent, old = context.parents[0], part.instruction.text
    if not text:
        return attempt(context, "draft", "there is no instruction between ``` and ```, or it is too long")
    if text.strip() == old.strip():
        return attempt(context, "draft", "it is the instruction as it was", text)
    name = with_parts(parent.agent.name, {"told": f"told {one_line(text, 30)}".replace(",", " ")})
    thought = f"As «{parent.agent.name}», but {part.name} is told: {one_line(text, 200)}"
    source = titled(reworded(parent.agent.source, part.instruction, text), name, thought)
    if leaks(context, text):
        return attempt(context, "leak", "it quotes a task that is scored: say what holds for all", source)
    values = {k: text if v == old else v for k, v in parent.agent.values.items()}
    made = finish(context, Draft(name, source, thought, values, parent.agent.demonstrations))
    if isinstance(made, Attempt):
        return made
    if any(agent.id == made.agent.id for agent, _ in context.findings.known):
        return attempt(context, "duplicate", f"is {made.agent.id}", source)
    return _better(context, part, made)


def _better(context: Context, part: Part, made: Candidate) -> Candidate | Attempt:
    """A child that does better on the parent's items, all that came to a verdict on both."""
    after = tried(context, made.agent, [*part.results])
    shared = [place for place in part.results if place in after]
    before = mean([part.results[place] for place in shared])
    now = mean([after[place] for place in shared])
    if now > before:
        return made
    told = f"mean score {now:.2f} on {len(shared)} train items, where the parent has {before:.2f}"
    return attempt(
        context, STAGE, f"no gain: {told}" if shared else "no item came to a verdict", made.agent.source
    )
