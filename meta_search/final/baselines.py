"""Baselines at matched cost: the best seed, sampled until it costs as much per item as the best finalist.

What a search finds must beat what the same tokens buy without it. Two ways of spending them, compiled to
agents that run in the sandbox as any other:

- self-consistency: n samples and the most frequent answer (Wang et al. 2022, arXiv 2203.11171);
- best-of-n: n - 1 samples, and with what the last would have cost, the model chooses among the distinct
  answers, told how often each came up (after universal self-consistency, Chen et al. 2023, arXiv 2311.17311).
  There is no verifier, targets are not for agents, and endpoints give no token probabilities to go by. With
  two samples there is nothing left to choose from: then there is no best-of-n.

Samples are drawn at a temperature of at least 0.5: those of a seed that asks at 0.1 would all be the same.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from meta_search.errors import MetaSearchError
from meta_search.run.members import Member
from meta_search.types import Agent, Brief, Candidate, Usage, lines_of, parse

__all__ = ["Baseline", "Matched", "matched", "sampled"]

MOST_SAMPLES = 25
NUMBERS = {"self-consistency": 0, "best-of-n": 1}  # of their briefs: no author was asked

HEAD = '''"""{title}

Baseline at matched cost: {samples} samples of {seed}, {how}.
"""

MATCHED_SAMPLES = {samples}
LEAST_TEMPERATURE = 0.5
Chooser = LLMAgentBase


class LLMAgentBase(LLMAgentBase):
    """A model that is asked at a temperature at which its answers differ."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.temperature = max(LEAST_TEMPERATURE, float(self.temperature))


# One sample: {seed}, word for word.
'''
SAMPLING = '''

# What is done with the samples.


def one_answer(self, taskInfo):
    """The answer of one sample as text; "" where it fails."""
    try:
        answer = one_sample(self, taskInfo)
    except Exception:
        return ""
    text = answer.content if isinstance(answer, Info) else answer
    return text.strip() if isinstance(text, str) else ""


def plain(answer):
    """An answer as it is compared: case, white space, closing marks and commas in numbers aside."""
    text = " ".join(answer.lower().split()).strip(" .\\"'`*$")
    return re.sub(r"(?<=\\d),(?=\\d{3}\\b)", "", text)


def tally(answers):
    """Distinct answers with how often each came up, errors left out where there is anything else."""
    usable = [a for a in answers if a and not a.startswith("Error:")] or answers
    counts, first = Counter(map(plain, usable)), {}
    for answer in usable:
        first.setdefault(plain(answer), answer)
    return [(first[key], number) for key, number in counts.most_common()]
'''
VOTE = '''

def forward(self, taskInfo):
    """The most frequent answer; the first of equals."""
    answers = self.map(lambda _: one_answer(self, taskInfo), range(MATCHED_SAMPLES))
    return tally(answers)[0][0]
'''
CHOICE = '''

def forward(self, taskInfo):
    """The model chooses among the distinct answers."""
    found = tally(self.map(lambda _: one_answer(self, taskInfo), range(MATCHED_SAMPLES)))
    if len(found) == 1:
        return found[0][0]
    most = max(80, 6000 // len(found))
    told = [(a[:most], "once" if n == 1 else f"{n} times") for a, n in found]
    lines = [f"{i}. (given {often}) {a}" for i, (a, often) in enumerate(told, 1)]
    chooser = Chooser(["choice"], "Chooser", temperature=0.0)
    asked = "Which of these answers is right?\\n" + "\\n".join(lines) + "\\nReply with its number only."
    [choice] = chooser([taskInfo], asked)
    number = re.search(r"\\d+", choice.content)
    chosen = int(number[0]) if number else 1
    return found[chosen - 1 if 1 <= chosen <= len(found) else 0][0]
'''


@dataclass(frozen=True, slots=True)
class Baseline:
    """One baseline at matched cost.

    Attributes:
        way: `self-consistency` or `best-of-n`.
        member: The agent.
        seed: Whose samples it draws.
        times: How often it pays for the seed, a model's choice counted as one.
    """

    way: str
    member: Member
    seed: Member
    times: int

    def per_item(self) -> tuple[float, float, float]:
        """Calls, tokens and US dollars that an item is expected to use, by the seed's train items."""
        rows = self.seed.rows("train")
        u, each = sum((r.used for r in rows), Usage()), self.times / max(1, len(rows))
        return u.calls * each, u.tokens * each, u.cost_usd * each


@dataclass(frozen=True, slots=True)
class Matched:
    """The baselines at matched cost.

    Attributes:
        baselines: Self-consistency first; it is the one that a claim needs.
        note: Why there are none.
        untested: Name of the self-consistency that there should be and cannot; `""` where none is needed.
    """

    baselines: tuple[Baseline, ...] = ()
    note: str = ""
    untested: str = ""


def matched(finalist: Member, seed: Member, calls: int) -> Matched:
    """Self-consistency and best-of-n of a seed at the used tokens per item of a finalist.

    Costs are compared on the train and validation items that both have run.

    Args:
        finalist: The best finalist.
        seed: The best seed.
        calls: LLM calls that an item may make (`sandbox.calls`).
    """
    mine, other = _costs(finalist, seed)
    if not other:
        return Matched(note=f"{seed.agent.name} asks no model: there is nothing to sample at matched cost.")
    n = min(max(1, round(mine / other)), MOST_SAMPLES)
    room = (calls - 1) // max(1, _most_calls(seed))
    if n > 1 and room < 2:
        name = _title("self-consistency", n, seed)
        why = f"was not tested: sandbox.calls={calls} is too few for it."
        note = f"{name}, a baseline at matched cost, {why}"
        return Matched(note=note, untested=name)
    n = min(n, max(1, room))
    if n == 1:
        name = seed.agent.name
        much = f"{mine / other:.2g}× as many tokens per item as {name} on train and validation items"
        why = f"too few for a second sample, so {name} itself is the baseline at matched cost."
        return Matched(note=f"{finalist.agent.name} used {much}: {why}")
    ways = [("self-consistency", n)] + ([("best-of-n", n - 1)] if n > 2 else [])
    return Matched(tuple(Baseline(way, Member(sampled(seed, way, k), seed=True), seed, n) for way, k in ways))


def sampled(seed: Member, way: str, samples: int) -> Candidate:
    """A baseline as an agent: the seed's source with its `forward` sampled.

    Raises:
        MetaSearchError: The seed's source has no `forward` of its own.
    """
    name, title = seed.agent.name, _title(way, samples, seed)
    how = "the model chooses one" if way == "best-of-n" else "the most frequent answer wins"
    head = HEAD.format(title=title, samples=samples, seed=name, how=how)
    source = head + _as_sample(seed.agent.source) + SAMPLING + (CHOICE if way == "best-of-n" else VOTE)
    agent = Agent.of(title, source, seed.agent.values, seed.agent.demonstrations)
    # An inspiration, not a parent: the seed gets no child by it that would count against it.
    brief = Brief(NUMBERS[way], "baseline", "hand", inspirations=(seed.agent.id,), kind="baseline")
    return Candidate(agent, brief, f"{name} at the cost of the best finalist: {samples} samples, {how}.")


def _title(way: str, samples: int, seed: Member) -> str:
    name = seed.agent.name
    return f"best-of-{samples} ({name})" if way == "best-of-n" else f"{way} ({samples} × {name})"


def _as_sample(source: str) -> str:
    """The seed's code without its docstring, its `forward` under another name."""
    tree = parse(source)
    forward = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "forward"]
    if not forward:
        raise MetaSearchError("the seed defines no function forward(self, taskInfo)")
    lines = lines_of(source)
    at = forward[-1].lineno - 1
    lines[at] = re.sub(r"\bforward\b", "one_sample", lines[at], count=1)
    first = tree.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(tree.body) > 1:
        lines[: first.end_lineno] = []
    return "".join(lines).strip("\n") + "\n"


def _costs(one: Member, other: Member) -> tuple[float, float]:
    """Used tokens per item of both, on the train and validation items that both have run."""
    sums, n = [0, 0], 0
    for split in ("train", "validation"):
        rows = [{(r.item, r.repeat): r.used.tokens for r in m.rows(split)} for m in (one, other)]
        for key in rows[0].keys() & rows[1].keys():
            sums, n = [sums[0] + rows[0][key], sums[1] + rows[1][key]], n + 1
    return sums[0] / max(1, n), sums[1] / max(1, n)


def _most_calls(member: Member) -> int:
    return max((r.used.calls for split in ("train", "validation") for r in member.rows(split)), default=1)
