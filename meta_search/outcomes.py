"""Outcomes of items in words: which of them say nothing about the agent, and one line that helps repair it.

A leaf, as `types` is: pure functions over outcome kinds and details, for authors, tables and reports. The
words are simple, as small models read them too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from meta_search.types import UNSCORED, ItemResult, OutcomeKind, lines_of

__all__ = ["CHANCE", "UNSCORED", "Fault", "advice", "most_frequent", "explain"]

CHANCE: frozenset[OutcomeKind] = UNSCORED | {"declined", "timeout", "cpu", "memory"}
"""Outcomes that the endpoint or the machine brought about."""

MOST_DETAIL, MOST_QUOTED = 240, 80
AT_LINE = re.compile(r"\(line (\d+) of agent\.py\)")

ADVICE = {
    "timeout": "do less work between the calls; never sleep; give every loop a bound",
    "cpu": "give every loop a bound, as in `for _ in range(100)`, and do no heavy computation",
    "memory": "build no large lists or strings; keep only what the next step needs",
    "disk": "write no files; keep data in variables",
    "output": "print nothing, and return only the final answer as a short text",
    "calls": "ask models less often: fewer rounds or samples, and leave a loop once the answer is good",
    "tokens": "use fewer tokens: shorter prompts, fewer rounds or samples",
    "declined": "leave out what the endpoint will not answer, and keep requests short and plain",
    "context": "shorten the prompt: pass on only what the next step needs, and cut texts as in text[:2000]",
    "cut": "ask for less text, or give the agent more room: LLMAgentBase(…, max_tokens=…) and llm.max_tokens",
    "unasked": "ask a model for every item, made with LLMAgentBase([fields], name): rules alone score 0",
    "scorer": "the scorer failed; this is no fault of the agent",
    "llm": "the endpoint failed; this is no fault of the agent",
    "budget": "the run's budget ended first; this is no fault of the agent",
}
CONFINED = (
    "an agent may read only the standard library and write only files in its own folder; to ask a model use "
    "LLMAgentBase, to run a program use self.run_python(code)"
)
# What candidate code does wrong most often, by what its exception says; the first that fits.
REFUSED = (
    (r"too many threads|can't start new thread", "start no threads: self.map(fn, items) runs side by side"),
    (r"too many|more than \d+ programs|unread", "run programs one after the other, and read what they print"),
    (r"protocol", "leave the process's pipes and descriptors alone; just return the answer"),
    (r"", f"leave this out: no network, no processes, no shell, no other files; {CONFINED}"),
)
CRASHES = (
    # Other files are not there, or cannot be written: an agent has a file tree of its own.
    (r"PermissionError|Operation not permitted|Read-only file|FileNotFoundError.*'/", REFUSED[-1][1]),
    (r"can't start new thread", REFUSED[0][1]),
    (
        r"values to unpack|'list' object has no attribute '(content|name|author)'",
        "calling an agent returns a list with one Info per output field: take one with [0], as in "
        "`answer = agent([taskInfo], instruction)[0]`",
    ),
    (r"'str' object has no attribute 'content'", "this is a text already: leave .content out"),
    (r"'Info'|\"Info\"|\bInfo found", "an Info is no text: use its .content"),
    (r"no function forward", "define forward(self, taskInfo) at the top level of the source"),
    (r"^KeyError", "the key may be missing: use .get(key, default)"),
    (r"^UnboundLocalError", "give the variable a value on every path before it is used"),
    (
        r"^NameError",
        "define it first; there without import are LLMAgentBase, Info, json, re, math, random, collections, "
        "Counter, np",
    ),
    (r"^(ModuleNotFound|Import)Error", "import only the standard library and numpy"),
    (
        r"'AgentSystem' object has no attribute",
        "self has only tune, run_python, map, demonstrations, nearest, examples",
    ),
    (
        r"JSONDecodeError",
        "a model's text may be no JSON: name several output fields instead, or catch the error",
    ),
    (
        r"invalid literal for int|could not convert string to float",
        r"a model's text may hold more than a number: find it with re.search(r'-?\d+', text)",
    ),
    (
        r"^IndexError|^StopIteration|empty (sequence|iterable)|arg is an empty",
        "the list may be shorter than expected, or empty: look at its length first",
    ),
    (r"'NoneType'|None", "something is None here: a search that finds nothing, or a missing return"),
    (r"^ZeroDivisionError", "the divisor may be 0: look first"),
    (r"^RecursionError|died of SIG", "replace the recursion by a loop with a bound"),
    (r"^(Syntax|Indentation|Tab)Error", "mend this line, and give the source whole"),
    (r"ended its process|^SystemExit", "never exit; return the answer"),
    (r"only forward and self\.map can ask", "use self.map(fn, items) in place of threads"),
    (
        r"positional argument|keyword argument",
        "calls are LLMAgentBase(output_fields, agent_name, role=…, temperature=…) and "
        "agent([infos], instruction)",
    ),
    (r"", "look at the values on that line: a model's answer may be empty or unlike what was asked for"),
)
BAD_ANSWERS = (
    (r"NoneType", "every path through forward must end in a return"),
    (r"list|tuple", "calling an agent gives a list: return its first element, as in `return agent(…)[0]`"),
    (r"", "return text: an Info, or str(value)"),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """The most frequent fault of an agent.

    Attributes:
        kind: As in `ItemResult`.
        detail: As in `ItemResult`.
        count: Number of items it ended.
        of: Number of items that were run.
    """

    kind: OutcomeKind
    detail: str
    count: int
    of: int

    def explain(self, source: str = "") -> str:
        """As `explain`, with how often it came."""
        return f"{self.count} of {self.of} items: {explain(self.kind, self.detail, source)}"


def advice(kind: OutcomeKind, detail: str = "") -> str:
    """What to do about a fault, in a few simple words.

    Args:
        kind: One of `types.OUTCOME_KINDS`.
        detail: What the sandbox said of it.

    Returns:
        A half-sentence; `""` for `ok` and for kinds that are not known.
    """
    rules = {"crash": CRASHES, "refused": REFUSED, "bad_answer": BAD_ANSWERS}.get(kind)
    if rules is not None:
        return next(text for pattern, text in rules if re.search(pattern, detail))
    if kind == "output" and "prompts" in detail:
        return ADVICE["context"]
    return ADVICE.get(kind, "")


def explain(kind: OutcomeKind, detail: str = "", source: str = "") -> str:
    """One line on a fault that helps an author mend the agent: what, where, and what to do instead.

    Args:
        kind: As in `ItemResult`.
        detail: As in `ItemResult`.
        source: The agent's source, to quote the line where it happened.

    Returns:
        For example ``crash: ZeroDivisionError: division by zero (line 3: `x = 1 / 0`); the divisor may
        be 0: look first``.
    """
    said = " ".join(detail.split())[:MOST_DETAIL]
    if found := AT_LINE.search(said):
        said = said.replace(found[0], _quoted(int(found[1]), source))
    told = said.startswith(f"{kind} ")  # as in "cut at 4096 tokens"
    parts = [said if told else f"{kind}: {said}" if said else kind, advice(kind, detail)]
    return "; ".join(part for part in parts if part)


def _quoted(number: int, source: str) -> str:
    lines = lines_of(source)
    line = lines[number - 1].strip()[:MOST_QUOTED] if 0 < number <= len(lines) else ""
    return f"(line {number}: `{line}`)" if line else f"(line {number})"


def most_frequent(results: Iterable[ItemResult]) -> Fault | None:
    """The fault that ended most items, agents' own faults before the endpoint's; `None` without any."""
    rows = list(results)
    counts = Counter((r.kind, r.detail) for r in rows if r.kind != "ok")
    kinds = Counter(r.kind for r in rows)
    if not counts:
        return None
    # Details differ from item to item: the kind is counted, and explained by its commonest detail.
    kind, detail = max(counts, key=lambda key: (key[0] not in UNSCORED, kinds[key[0]], counts[key]))
    return Fault(kind, detail, kinds[kind], len(rows))
